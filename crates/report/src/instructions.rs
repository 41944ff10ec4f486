//! Instructions of runs in words.

use understudy_model::Role;
use understudy_model::instructions::{CountRange, Instructions};

/// What was counted of a workload with so many cases, in a sentence.
pub(crate) fn sentence(counted: &Instructions, workload: u64) -> String {
    let of = |side: Role| {
        counted
            .sides
            .get(side.name())
            .map(|range| millions(range.mean))
    };
    let each = [Role::Incumbent, Role::Candidate, Role::Tuned]
        .into_iter()
        .filter_map(|side| Some(format!("{side} {}", of(side)?)));
    let slower = counted.slowdown.map_or_else(String::new, |times| {
        format!("; a run took {times:.0} times as long while they were counted")
    });
    let cases = match (counted.cases, workload) {
        (1, 1) => "1 case".to_owned(),
        (cases, all) if cases == all => format!("{cases} cases, each"),
        (cases, all) => format!("{cases} of {all} cases, each"),
    };
    let times = match counted.rounds {
        1 => "once".to_owned(),
        rounds => format!("{rounds} times"),
    };
    format!(
        "{} a run, {}; Valgrind, {cases} {times}{slower}",
        each.collect::<Vec<_>>().join(", "),
        change(&counted.ratio),
    )
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
fn millions(count: f64) -> String {
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
        assert_eq!(
            sentence(&counted, 3),
            "incumbent 1.50 M, candidate 987 a run, -50.0 %; Valgrind, 3 cases, each 2 times; a run took 42 times as \
             long while they were counted"
        );
        assert!(sentence(&counted, 90).contains("; Valgrind, 3 of 90 cases, each 2 times; "));
        counted.ratio = range(0.5, 0.6, 0.7);
        (counted.cases, counted.rounds, counted.slowdown) = (1, 1, None);
        assert_eq!(
            sentence(&counted, 1),
            "incumbent 1.50 M, candidate 987 a run, -40.0 % (-50.0 % to -30.0 %); Valgrind, 1 case once"
        );
    }
}
