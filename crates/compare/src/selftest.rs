//! Tests the comparison with the answers that it compares: faults are put into real answers, and the
//! rules and noise that hide a fault are named.

use crate::differ::{Differ, Past};
use crate::faults::Fault;
use crate::history::History;
use crate::ledger::{By, PairClass, classify};
use crate::noise::{Noise, operation_name};
use crate::row::Row;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use understudy_model::proof::{FaultCount, Hiding, SelfTest};
use understudy_model::{Answer, Difference, Outcome, Place};

/// Longest answer that faults are put into, in bytes.
const TESTED_BYTES: usize = 256 * 1024;
/// Answers of an operation that faults are put into: these, and then one of so many.
const FIRST_TESTED: u64 = 20;
const TESTED_OF: u64 = 50;
/// Places that are named of each that hides faults.
const PLACES: usize = 10;
/// What hides a fault that makes no difference at all.
const BLIND: &str = "nothing differs";

/// A fault that was put into answers, as the row of the pair it makes, and how often.
pub type Tried<'r> = (Fault, &'r Row, u64);

/// A fault that was put into an answer, as a run keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TriedFault {
    /// The fault.
    pub fault: Fault,
    /// The pair that it makes.
    pub row: Row,
}

/// Is the answer that is number `seen`, from 1, of its operation one that faults are put into?
pub fn is_due(seen: u64) -> bool {
    seen <= FIRST_TESTED || seen.is_multiple_of(TESTED_OF)
}

/// Is it whole, and not too long to be compared so often?
pub fn is_fit(answer: &Answer) -> bool {
    !answer.is_truncated()
        && answer.unread.is_empty()
        && answer
            .parts
            .iter()
            .all(|part| part.bytes.len() <= TESTED_BYTES)
}

/// Places that are looked at for one that is next to noise.
const LOOKED_AT: u64 = 6;

/// Puts each fault of the catalogue into the answer, at places that `draw` decides, and compares what
/// comes of it with the answer. Faults that the answer offers no place for are left out.
///
/// `noise` is where this answer differs from the incumbent's own second one. Places next to it come first: what is
/// there is hidden most easily.
pub fn try_faults(
    differ: &Differ<'_>,
    history: &History,
    (operation, name): (u32, &str),
    (answer, noise): (&Answer, &[Difference]),
    draw: u64,
) -> Vec<(Fault, Row)> {
    let right = Outcome::Answered(answer.clone());
    let row = |fault: &Fault, draw: u64| {
        let wrong = differ.dialect.plant(answer, *fault, draw)?;
        Some(of_planted(
            differ,
            history,
            (operation, name),
            (&right, wrong),
        ))
    };
    let draws = match noise {
        [] => 1,
        _ => LOOKED_AT,
    };
    let best = |fault: &Fault| {
        let mut rows = (0..draws).filter_map(|more| row(fault, draw.wrapping_add(more)));
        let first = rows.next()?;
        let next_to_noise = match is_next_to(&first, noise) {
            true => None,
            false => rows.find(|row| is_next_to(row, noise)),
        };
        Some((*fault, next_to_noise.unwrap_or(first)))
    };
    let faults = differ.dialect.faults().iter();
    faults.filter_map(best).collect()
}

/// The row of an answer and what a fault made of it.
pub fn of_planted(
    differ: &Differ<'_>,
    history: &History,
    (operation, name): (u32, &str),
    (right, wrong): (&Outcome, Answer),
) -> Row {
    let past = Past::Asked(&history.candidate);
    let wrong = Outcome::Answered(wrong);
    Row {
        operation,
        differences: differ
            .differences_after(past, name, right, &wrong)
            .differences,
        ..Row::default()
    }
}

/// Is a fault next to noise: in the same object, list or text, but not at the noisy place itself?
fn is_next_to(row: &Row, noise: &[Difference]) -> bool {
    let is_at = |a: &Difference, b: &Difference| {
        (&a.pattern, a.spot, a.position) == (&b.pattern, b.spot, b.position)
    };
    row.differences.iter().any(|wrong| {
        let mut noise = noise.iter();
        noise.any(|noisy| wrong.pattern.is_next_to(&noisy.pattern) && !is_at(wrong, noisy))
    })
}

/// What a self-test needs to know besides the faults.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// Operation templates by index.
    pub operations: &'a [String],
    /// What each rule is called, by index.
    pub rules: &'a [String],
    /// Every real row.
    pub rows: &'a [&'a Row],
}

/// How many of these faults are missed, and what hides them.
pub fn self_test(tried: &[Tried<'_>], noise: &Noise, around: Around<'_>) -> SelfTest {
    let mut test = SelfTest::default();
    let mut counts: BTreeMap<(u32, Fault), (u64, u64)> = BTreeMap::new();
    let mut hiding: BTreeMap<String, Hiding> = BTreeMap::new();
    let differing: BTreeSet<(u32, &Place)> = around
        .rows
        .iter()
        .flat_map(|row| {
            let places = row.differences.iter();
            places.map(|difference| (row.operation, &difference.pattern))
        })
        .collect();
    for &(fault, row, times) in tried {
        let (injected, missed) = counts.entry((row.operation, fault)).or_default();
        *injected += times;
        test.injected += times;
        let judged = classify(row, noise);
        if matches!(judged.class, PairClass::Different(_)) {
            continue;
        }
        *missed += times;
        test.missed += times;
        // What nothing excuses made no difference at all: the comparison is blind there.
        if !judged.excused_by.is_empty() {
            test.not_compared += times;
        }
        let operation = operation_name(around.operations, row.operation);
        let names: Vec<(String, bool)> = judged
            .excused_by
            .iter()
            .map(|by| named(by, &operation, around.rules))
            .collect();
        let names = match names.is_empty() {
            true => vec![(BLIND.to_owned(), false)],
            false => names,
        };
        for (by, is_rule) in names {
            let hides = hiding.entry(by).or_insert_with_key(|by| empty(by, row));
            hides.missed += times;
            *hides.faults.entry(fault.name().to_owned()).or_default() += times;
            for difference in &row.differences {
                let place = format!("{operation} {}", difference.pattern);
                let is_needless =
                    is_rule && !differing.contains(&(row.operation, &difference.pattern));
                note(&mut hides.needless, &place, is_needless);
                note(&mut hides.places, &place, true);
            }
        }
    }
    test.faults = counts
        .into_iter()
        .map(|((operation, fault), (injected, missed))| FaultCount {
            operation: operation_name(around.operations, operation),
            fault: fault.name().to_owned(),
            description: fault.describe().to_owned(),
            injected,
            missed,
        })
        .collect();
    test.hidden_by = hiding.into_values().collect();
    test.hidden_by
        .sort_by_key(|hides| std::cmp::Reverse(hides.missed));
    test
}

/// The name of what excuses something, and whether it is a rule.
fn named(by: &By<'_>, operation: &str, rules: &[String]) -> (String, bool) {
    match by {
        By::Rule(index) => {
            let name = rules.get(*index as usize).cloned();
            (name.unwrap_or_else(|| format!("rule {}", index + 1)), true)
        }
        By::Noise(pattern) => (format!("noise: {operation} {pattern}"), false),
        By::Identifiers(pattern) => (format!("identifiers: {operation} {pattern}"), false),
    }
}

fn empty(by: &str, row: &Row) -> Hiding {
    let shown = row.differences.first();
    Hiding {
        by: by.to_owned(),
        missed: 0,
        faults: BTreeMap::new(),
        places: Vec::new(),
        needless: Vec::new(),
        baseline: shown.map_or_else(String::new, |of| of.baseline.clone()),
        contender: shown.map_or_else(String::new, |of| of.contender.clone()),
    }
}

fn note(places: &mut Vec<String>, place: &str, wanted: bool) {
    if wanted && places.len() < PLACES && !places.iter().any(|known| known == place) {
        places.push(place.to_owned());
    }
}

#[cfg(test)]
mod tests;
