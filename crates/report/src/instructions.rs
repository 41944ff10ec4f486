//! Instructions in words.

use understudy_model::instructions::{CountRange, Instructions};
use understudy_model::verdict::VerdictDocument;
use understudy_model::{Pacing, Role};

/// What was counted, in a sentence; `None` where nothing was.
pub(crate) fn sentence(document: &VerdictDocument) -> Option<String> {
    let method = &document.method;
    let counted = document.instructions.as_ref()?;
    Some(of_workload(counted, (method.pacing, method.requests)))
}

/// What was counted of a workload with so many cases.
fn of_workload(counted: &Instructions, (pacing, workload): (Pacing, u64)) -> String {
    let of = |side: Role| {
        counted
            .sides
            .get(side.name())
            .map(|range| short(range.mean))
    };
    let each = [Role::Incumbent, Role::Candidate, Role::Tuned]
        .into_iter()
        .filter_map(|side| Some(format!("{side} {}", of(side)?)));
    let slower = counted.slowdown.map_or_else(String::new, |times| {
        format!("; a run took {times:.0} times as long while they were counted")
    });
    let what = match pacing {
        Pacing::Offered => requests(counted, workload),
        Pacing::Serial => cases(counted, workload),
    };
    format!(
        "{} a {}, {}; Valgrind, {what}{slower}",
        each.collect::<Vec<_>>().join(", "),
        pacing.noun(),
        change(&counted.ratio),
    )
}

/// `3 of 90 cases, each 2 times`.
fn cases(counted: &Instructions, workload: u64) -> String {
    let times = match counted.rounds {
        1 => "once".to_owned(),
        rounds => format!("{rounds} times"),
    };
    match (counted.cases, workload) {
        (1, 1) => format!("1 case {times}"),
        (cases, all) if cases == all => format!("{cases} cases, each {times}"),
        (cases, all) => format!("{cases} of {all} cases, each {times}"),
    }
}

/// `25 of 60 requests in 3 rounds`.
fn requests(counted: &Instructions, workload: u64) -> String {
    let rounds = match counted.rounds {
        1 => "1 round".to_owned(),
        rounds => format!("{rounds} rounds"),
    };
    match (counted.cases, workload) {
        (1, 1) => format!("1 request in {rounds}"),
        (cases, all) if cases == all => format!("{cases} requests in {rounds}"),
        (cases, all) => format!("{cases} of {all} requests in {rounds}"),
    }
}

/// `-34.2 %`, with the range of the rounds where they differ.
fn change(ratio: &CountRange) -> String {
    let percent = |ratio: f64| format!("{:+.1} %", (ratio - 1.0) * 100.0);
    let (low, high) = (percent(ratio.low), percent(ratio.high));
    match low == high {
        true => low,
        false => format!("{} ({low} to {high})", percent(ratio.mean)),
    }
}

/// Three digits with a unit that people say.
pub(crate) fn short(count: f64) -> String {
    let (value, unit) = match count {
        count if count >= 1e9 => (count / 1e9, " G"),
        count if count >= 1e6 => (count / 1e6, " M"),
        count if count >= 1e3 => (count / 1e3, " k"),
        count => (count, ""),
    };
    let digits = match value {
        value if value >= 100.0 => 0,
        value if value >= 10.0 => 1,
        _ => 2,
    };
    format!("{value:.digits$}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn counts_are_told_with_their_range_where_there_is_one() {
        let range = |low, mean, high| CountRange { low, mean, high };
        let mut counted = Instructions {
            cases: 3,
            rounds: 2,
            sides: BTreeMap::from([
                ("incumbent".to_owned(), range(1e6, 1.5e6, 2e6)),
                ("candidate".to_owned(), range(987.0, 987.0, 987.0)),
            ]),
            ratio: range(0.5, 0.5, 0.5),
            slowdown: Some(41.7),
        };
        let of_runs = |counted: &Instructions, all| of_workload(counted, (Pacing::Serial, all));
        assert_eq!(
            of_runs(&counted, 3),
            "incumbent 1.50 M, candidate 987 a run, -50.0 %; Valgrind, 3 cases, each 2 times; a run took 42 times as \
             long while they were counted"
        );
        assert!(of_runs(&counted, 90).contains("; Valgrind, 3 of 90 cases, each 2 times; "));
        counted.ratio = range(0.5, 0.6, 0.7);
        (counted.cases, counted.rounds, counted.slowdown) = (1, 1, None);
        assert_eq!(
            of_runs(&counted, 1),
            "incumbent 1.50 M, candidate 987 a run, -40.0 % (-50.0 % to -30.0 %); Valgrind, 1 case once"
        );
        (counted.cases, counted.rounds) = (25, 3);
        assert_eq!(
            of_workload(&counted, (Pacing::Offered, 60)),
            "incumbent 1.50 M, candidate 987 a request, -40.0 % (-50.0 % to -30.0 %); Valgrind, 25 of 60 requests in \
             3 rounds"
        );
    }
}
