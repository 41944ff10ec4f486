//! A suite as people and CI read it: a row a pair, the worst first.

pub mod junit;
pub mod markdown;
pub mod terminal;

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

/// An estimate that may be infinite.
fn or_infinite(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "inf".to_owned(), short)
}

/// `-12.3 % (-15.1 to -9.8)`.
pub(crate) fn with_interval(change: Option<&RowChange>) -> String {
    let Some(RowChange { ratio, .. }) = change else {
        return "-".to_owned();
    };
    let estimate = or_infinite(ratio.estimate);
    // Behind a percentage the sign of the unit says nothing new; behind a factor it does.
    let end = |end: Option<f64>| match or_infinite(end) {
        text if estimate.ends_with('%') => text.trim_end_matches(" %").to_owned(),
        text => text,
    };
    format!("{estimate} ({} to {})", end(ratio.low), end(ratio.high))
}

/// `-12.3 %`, with a question mark where the interval includes 0.
pub(crate) fn marked(change: Option<&RowChange>) -> String {
    change.map_or_else(
        || "-".to_owned(),
        |RowChange { ratio, .. }| {
            let estimate = or_infinite(ratio.estimate);
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

/// How many cases the pair has.
pub(crate) fn cases(row: &SuiteRow) -> String {
    match row.cases {
        0 => "-".to_owned(),
        cases => count(cases),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_has_three_digits_and_fits_its_column() {
        let shown = [
            0.001, 0.5, 0.9996, 1.0, 1.9994, 1.9995, 2.5, 2.9994, 2.9995, 99.9, 1234.0,
        ];
        let expected = [
            "-99.9 %", "-50.0 %", "-0.0 %", "+0.0 %", "+99.9 %", "+100 %", "+150 %", "+200 %",
            "3.0x", "99.9x", "1234x",
        ];
        assert_eq!(shown.map(short), expected);
    }

    #[test]
    fn an_interval_has_the_unit_of_its_estimate_or_its_own() {
        let change = |low, estimate, high| RowChange {
            about: Figure::Resource(Resource::WallUsPerRun),
            ratio: Estimate {
                estimate,
                low,
                high,
            },
        };
        let wide = change(Some(0.9), Some(2.0), Some(4.0));
        assert_eq!(with_interval(Some(&wide)), "+100 % (-10.0 to 4.0x)");
        assert_eq!(marked(Some(&wide)), "+100 %?");
        let open = change(Some(1.2), None, None);
        assert_eq!(with_interval(Some(&open)), "inf (+20.0 % to inf)");
        let slow = change(Some(2.4), Some(3.1), Some(4.2));
        assert_eq!(with_interval(Some(&slow)), "3.1x (+140 % to 4.2x)");
        assert_eq!(marked(Some(&open)), "inf");
        assert_eq!(
            (with_interval(None), marked(None)),
            ("-".to_owned(), "-".to_owned())
        );
    }
}
