//! Rules that would excuse what differs, each with what it would hide besides.
//!
//! A rule is proposed for each cluster; for a place where answers differ in several ways, all of them
//! together; for several places below one, the one above; and for one place of several operations, all
//! operations. None is proposed for another status, for no answer, or for a whole body.

use crate::faults::Fault;
use crate::ledger::{PairClass, classify};
use crate::noise::Noise;
use crate::row::Row;
use crate::selftest::Tried;
use std::collections::{BTreeMap, BTreeSet};
use understudy_model::place::{PartName, Within};
use understudy_model::proof::{AlsoHides, Proposal, ProposedRule};
use understudy_model::{Difference, DifferenceKind as Kind, Distance, Place};

/// Proposals that are made, the most useful ones.
const PROPOSALS: usize = 12;
/// Kinds of other differences that are listed with each.
const ALSO: usize = 5;
/// Clusters that rules are proposed for.
const CLUSTERS: usize = 200;

/// What is different and unexcused in a row, and how many pairs it stands for.
struct Open<'r> {
    operation: &'r str,
    left: Vec<&'r Difference>,
    pairs: u64,
}

/// Proposes rules for what differs in these rows, each standing for so many pairs. `tried` are the
/// faults of a self-test, for what a rule would hide.
pub fn propose<'r>(
    rows: impl Iterator<Item = (&'r Row, u64)>,
    tried: &[Tried<'r>],
    noise: &Noise,
    operations: &'r [String],
) -> Vec<Proposal> {
    let open = |row: &'r Row, pairs: u64| {
        let operation = operations.get(row.operation as usize)?;
        match classify(row, noise).class {
            PairClass::Different(left) => Some(Open {
                operation,
                left,
                pairs,
            }),
            _ => None,
        }
    };
    let different: Vec<Open<'r>> = rows.filter_map(|(row, pairs)| open(row, pairs)).collect();
    let of = different.iter().map(|open| open.pairs).sum();
    let found: Vec<(Fault, Open<'r>)> = tried
        .iter()
        .filter_map(|(fault, row, times)| Some((*fault, open(row, *times)?)))
        .collect();
    let mut proposals: Vec<Proposal> = candidates(&different)
        .into_iter()
        .filter_map(|rule| assess(rule, &different, &found, of))
        .collect();
    // What resolves most comes first; of two that do the same, what hides less.
    proposals.sort_by_key(|of| {
        let hidden: u64 = of.faults_hidden.values().sum();
        (
            std::cmp::Reverse((of.resolves, of.explains)),
            hidden,
            of.rule.clone(),
        )
    });
    proposals.dedup_by(|b, a| {
        // A broader rule that explains no more than the one before is of no use.
        b.explains == a.explains && b.resolves == a.resolves && is_covered(&a.rule, &b.rule)
    });
    proposals.truncate(PROPOSALS);
    proposals
}

/// Does the second rule cover all that the first one does?
fn is_covered(narrow: &ProposedRule, broad: &ProposedRule) -> bool {
    broad.path.contains(&narrow.path)
        && (broad.operation.is_none() || broad.operation == narrow.operation)
        && (broad.kind.is_none() || broad.kind == narrow.kind)
}

/// May a rule be proposed for this place?
fn is_place(place: &Place) -> bool {
    let is_part_of_it = match place {
        Place::Header(_) | Place::Cookie(..) | Place::Part(_, Within::Aspect(_)) => true,
        Place::Part(_, Within::Document(path)) => !path.is_root(),
        Place::Part(_, Within::Whole | Within::Line(_))
        | Place::Outcome
        | Place::Status
        | Place::Effect(_)
        | Place::Field(_) => false,
    };
    is_part_of_it && !place.names().any(|name| name.contains("<redacted "))
}

fn candidates(different: &[Open<'_>]) -> BTreeSet<ProposedRule> {
    let mut clusters: BTreeSet<(&str, &Place, Kind)> = BTreeSet::new();
    for open in different {
        let places = open.left.iter().filter(|of| is_place(&of.pattern));
        clusters.extend(places.map(|of| (open.operation, &of.pattern, of.kind)));
    }
    let clusters: Vec<_> = clusters.into_iter().take(CLUSTERS).collect();
    let rule = |path: &Place, operation: Option<&str>, kind| ProposedRule {
        path: path.clone(),
        operation: operation.map(str::to_owned),
        kind,
    };
    let mut rules = BTreeSet::new();
    for &(operation, pattern, kind) in &clusters {
        rules.insert(rule(pattern, Some(operation), Some(kind)));
        let others = clusters
            .iter()
            .filter(|other| **other != (operation, pattern, kind));
        for &(other, at, of_kind) in others {
            if other == operation && at == pattern {
                rules.insert(rule(pattern, Some(operation), None));
            } else if at == pattern && of_kind == kind {
                rules.insert(rule(pattern, None, Some(kind)));
            } else if other == operation
                && let Some(above) = above(pattern, at)
            {
                rules.insert(rule(&above, Some(operation), None));
            }
        }
    }
    rules
}

/// The place right above both, unless it is the whole body.
fn above(a: &Place, b: &Place) -> Option<Place> {
    let is_in_body = |place: &Place| place.part() == Some(&PartName::Body);
    let parent = |place: &Place| {
        let parent = place.parent().filter(is_in_body)?;
        (!parent.path()?.is_root()).then_some(parent)
    };
    parent(a).filter(|of_a| parent(b).as_ref() == Some(of_a))
}

fn covers(rule: &ProposedRule, operation: &str, difference: &Difference) -> bool {
    rule.operation.as_deref().is_none_or(|of| of == operation)
        && rule.kind.is_none_or(|kind| kind == difference.kind)
        && difference.kind != Kind::Outcome
        && rule.path.contains(&difference.pattern)
}

/// What makes two differences of one place alike: their characters, and roughly how far apart they
/// are.
type Likeness<'r> = (Kind, &'r str, &'r str, Option<i16>);

fn likeness(difference: &Difference) -> Likeness<'_> {
    let size = difference.relation.distance.map(coarse);
    // Writers that trim zeros give 12.90 one digit less than 12.95.
    let form = |character: &str| character.starts_with("decimal ");
    let a = &difference.baseline_character.0;
    let b = &difference.contender_character.0;
    let (a, b) = match form(a) && form(b) {
        true => ("decimal", "decimal"),
        false => (a.as_str(), b.as_str()),
    };
    (difference.kind, a, b, size)
}

/// Is a difference like the commonest of its place? Not if its values are hundreds of times as far
/// apart, or by more than half of themselves where those are not.
fn is_like(of: &Likeness<'_>, chief: &Likeness<'_>) -> bool {
    let is_far = match (of.3, chief.3) {
        (Some(size), Some(usual)) => size > usual + 1 || size >= 0 && usual < 0,
        (size, usual) => size.is_some() != usual.is_some(),
    };
    (of.0, of.1, of.2) == (chief.0, chief.1, chief.2) && !is_far
}

/// A distance in steps of eight powers of two: rounding, some per cent, a multiple.
pub fn coarse(distance: Distance) -> i16 {
    match distance {
        Distance::Time { seconds } => seconds.div_euclid(8),
        Distance::Number { relative, .. } => relative.div_euclid(8),
    }
}

fn assess(
    rule: ProposedRule,
    different: &[Open<'_>],
    found: &[(Fault, Open<'_>)],
    of: u64,
) -> Option<Proposal> {
    let (mut explains, mut resolves) = (0, 0);
    type Alike<'r> = BTreeMap<Likeness<'r>, (u64, &'r Difference)>;
    let mut places: BTreeMap<(&str, &Place), Alike<'_>> = BTreeMap::new();
    for open in different {
        let covered = |of: &&&Difference| covers(&rule, open.operation, of);
        let covering: Vec<_> = open.left.iter().filter(covered).collect();
        if covering.is_empty() {
            continue;
        }
        explains += open.pairs;
        resolves += if covering.len() == open.left.len() {
            open.pairs
        } else {
            0
        };
        let mut seen = BTreeSet::new();
        for difference in covering {
            let place = (open.operation, &difference.pattern);
            if seen.insert((place, likeness(difference))) {
                let alike = places.entry(place).or_default();
                let (pairs, _) = alike
                    .entry(likeness(difference))
                    .or_insert((0, *difference));
                *pairs += open.pairs;
            }
        }
    }
    let (_, shown) = places
        .values()
        .flat_map(BTreeMap::values)
        .max_by_key(|(pairs, _)| *pairs)?;
    let (baseline, contender) = (shown.baseline.clone(), shown.contender.clone());
    let mut also_hides: Vec<AlsoHides> = Vec::new();
    for ((operation, path), alike) in &places {
        let Some((chief, _)) = alike.iter().max_by_key(|(_, (pairs, _))| *pairs) else {
            continue;
        };
        for (likeness, (pairs, difference)) in alike {
            if is_like(likeness, chief) {
                continue;
            }
            also_hides.push(AlsoHides {
                operation: (*operation).to_owned(),
                path: (*path).clone(),
                kind: difference.kind,
                pairs: *pairs,
                baseline: difference.baseline.clone(),
                contender: difference.contender.clone(),
            });
        }
    }
    also_hides.sort_by_key(|of| of.pairs);
    also_hides.truncate(ALSO);
    let mut faults_hidden: BTreeMap<String, u64> = BTreeMap::new();
    for (fault, open) in found {
        if open.left.iter().all(|of| covers(&rule, open.operation, of)) {
            *faults_hidden.entry(fault.name().to_owned()).or_default() += open.pairs;
        }
    }
    Some(Proposal {
        rule,
        of,
        explains,
        resolves,
        baseline,
        contender,
        also_hides,
        faults: found.iter().map(|(_, open)| open.pairs).sum(),
        faults_hidden,
    })
}

#[cfg(test)]
mod tests;
