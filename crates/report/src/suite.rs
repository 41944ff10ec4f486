//! A suite as people and CI read it: a row a pair, the worst first.

pub mod junit;
pub mod markdown;
pub mod terminal;
#[cfg(test)]
mod tests;

use crate::figures::count;
use crate::wording::{self, Direction};
use std::collections::BTreeMap;
use understudy_model::suite::{PairVerdict, RowChange, SuiteDocument, SuiteRow};
use understudy_model::verdict::{Estimate, Figure, Resource};

/// What a pair without a verdict is called.
pub(crate) const NOT_RUN: &str = "not_run";

/// The rows by verdict, the worst first, then by name; those without a verdict come last.
pub(crate) fn sorted(document: &SuiteDocument) -> Vec<&SuiteRow> {
    let mut rows: Vec<&SuiteRow> = document.pairs.iter().collect();
    rows.sort_by_key(|row| (row.verdict.is_none(), row.verdict, row.name.as_str()));
    rows
}

/// The verdict of a pair as a word.
pub(crate) fn verdict(row: &SuiteRow) -> &'static str {
    row.verdict.map_or(NOT_RUN, PairVerdict::name)
}

/// How many pairs have each verdict, the worst first.
pub(crate) fn counts(document: &SuiteDocument) -> Vec<(&'static str, usize)> {
    let mut counts = BTreeMap::new();
    for row in &document.pairs {
        let key = (row.verdict.is_none(), row.verdict);
        counts.entry(key).or_insert((verdict(row), 0)).1 += 1;
    }
    counts.into_values().collect()
}

/// `92 pairs: 1 failed, 3 not_equivalent, 88 keep`.
pub(crate) fn overview(document: &SuiteDocument) -> String {
    let counts: Vec<String> = counts(document)
        .into_iter()
        .map(|(word, number)| format!("{} {word}", count(number as u64)))
        .collect();
    let s = if document.pairs.len() == 1 { "" } else { "s" };
    let pairs = count(document.pairs.len() as u64);
    format!("{pairs} pair{s}: {}", counts.join(", "))
}

/// What the column of times is about: wall time alone, or latencies as well.
pub(crate) fn time_label(document: &SuiteDocument) -> &'static str {
    let mut times = document.pairs.iter().filter_map(|row| row.time.as_ref());
    match times.any(|of| of.about != Figure::Resource(Resource::WallUsPerRun)) {
        true => "time",
        false => "wall time",
    }
}

/// Why a pair is where it is: the reason that decided, or the cause of its failure.
pub(crate) fn reason(row: &SuiteRow) -> Option<&str> {
    let error = row.error.as_deref();
    let cause = error.map(|error| error.split("\nhint: ").next().unwrap_or(error));
    cause.or_else(|| row.because.as_ref().map(|because| because.text.as_str()))
}

/// Does the verdict leave something to know? What nothing was asked of is kept, and that is all.
pub(crate) fn is_telling(row: &SuiteRow) -> bool {
    let code = row.because.as_ref().map(|because| because.code.as_str());
    match row.verdict {
        Some(PairVerdict::Replace | PairVerdict::NoWorse) | None => false,
        Some(PairVerdict::Keep) => code != Some("no_measured_problem"),
        Some(_) => true,
    }
}

/// A change in three significant digits: `-12.3 %`, `+112 %`, from three times on `4.2x`.
fn short(ratio: f64) -> String {
    match (ratio - 1.0) * 100.0 {
        _ if ratio >= 99.95 => format!("{ratio:.0}x"),
        _ if ratio >= 2.9995 => format!("{ratio:.1}x"),
        percent if percent >= 99.95 => format!("{percent:+.0} %"),
        percent => format!("{percent:+.1} %"),
    }
}

/// An end of an interval behind its estimate, whose unit it has.
fn end(ratio: Option<f64>) -> String {
    match ratio.map(short) {
        None => "inf".to_owned(),
        Some(text) => text.strip_suffix(" %").map(str::to_owned).unwrap_or(text),
    }
}

/// `-12.3 % (-15.1 to -9.8)`.
pub(crate) fn with_interval(change: Option<&RowChange>) -> String {
    change.map_or_else(
        || "-".to_owned(),
        |RowChange { ratio, .. }| {
            let estimate = ratio.estimate.map_or_else(|| "inf".to_owned(), short);
            format!("{estimate} ({} to {})", end(ratio.low), end(ratio.high))
        },
    )
}

/// `-12.3 %`, with a question mark where the interval includes 0.
pub(crate) fn marked(change: Option<&RowChange>) -> String {
    change.map_or_else(
        || "-".to_owned(),
        |RowChange { ratio, .. }| {
            let estimate = ratio.estimate.map_or_else(|| "inf".to_owned(), short);
            match is_unclear(*ratio) {
                true => format!("{estimate}?"),
                false => estimate,
            }
        },
    )
}

fn is_unclear(ratio: Estimate) -> bool {
    wording::direction(ratio) == Direction::Unclear
}

/// How many answers were compared, and how many of them differ.
pub(crate) fn cases(row: &SuiteRow) -> String {
    match row.compared {
        0 => "-".to_owned(),
        compared => count(compared),
    }
}
