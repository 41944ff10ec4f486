//! What counted runs come to. Descriptive: no rule of the verdict turns on it.

use std::collections::{BTreeMap, BTreeSet};
use understudy_model::Role;
use understudy_model::instructions::{CountRange, CountedRun, Instructions};
use understudy_model::stored::LatencyBlock;

/// Sums the counts of the cases that every side has, round by round; `None` where there is no such case.
pub(crate) fn describe(
    sides: &[Role],
    counted: &[CountedRun],
    blocks: &[LatencyBlock],
) -> Option<Instructions> {
    let complete = |round: u32| -> BTreeSet<u32> {
        let of = |side: Role| -> BTreeSet<u32> {
            let here = counted
                .iter()
                .filter(|run| run.round == round && run.side == side);
            here.map(|run| run.case).collect()
        };
        let mut each = sides.iter().map(|side| of(*side));
        let first = each.next().unwrap_or_default();
        each.fold(first, |all, of| all.intersection(&of).copied().collect())
    };
    let cases = complete(0);
    // A round that was not finished has other cases than the first.
    let rounds = (0..)
        .take_while(|round| !cases.is_empty() && complete(*round).is_superset(&cases))
        .count() as u32;
    let sum = |side: Role, round: u32, of: fn(&CountedRun) -> u64| -> f64 {
        let here =
            |run: &&CountedRun| run.side == side && run.round == round && cases.contains(&run.case);
        counted.iter().filter(here).map(|run| of(run) as f64).sum()
    };
    let by_round = |side: Role| -> Vec<f64> {
        (0..rounds)
            .map(|round| sum(side, round, |run| run.instructions))
            .collect()
    };
    let incumbent = by_round(Role::Incumbent);
    let ratios: Vec<f64> = by_round(Role::Candidate)
        .iter()
        .zip(&incumbent)
        .filter(|(_, incumbent)| **incumbent > 0.0)
        .map(|(candidate, incumbent)| candidate / incumbent)
        .collect();
    let per_run = |side: &Role| {
        let each: Vec<f64> = by_round(*side)
            .iter()
            .map(|sum| sum / cases.len() as f64)
            .collect();
        Some((side.name().to_owned(), CountRange::of(&each)?))
    };
    Some(Instructions {
        cases: cases.len() as u64,
        rounds,
        sides: sides.iter().filter_map(per_run).collect(),
        ratio: CountRange::of(&ratios)?,
        slowdown: uncounted_ns(blocks, &cases)
            .map(|plain_ns| sum(Role::Incumbent, 0, |run| run.wall_ns) / plain_ns),
    })
}

/// How long one run of each of these cases takes the incumbent, nanoseconds; `None` where one was never timed.
fn uncounted_ns(blocks: &[LatencyBlock], cases: &BTreeSet<u32>) -> Option<f64> {
    let mut took: BTreeMap<u32, (f64, f64)> = BTreeMap::new();
    let of_incumbent = blocks.iter().filter(|block| block.side == Role::Incumbent);
    for row in of_incumbent.flat_map(|block| &block.rows) {
        let of_case = took.entry(row.observation.case).or_default();
        of_case.0 += row
            .observation
            .last_ns
            .saturating_sub(row.observation.sent_ns) as f64;
        of_case.1 += 1.0;
    }
    let means = cases
        .iter()
        .map(|case| took.get(case).map(|(sum, count)| sum / count));
    let sum: f64 = means.sum::<Option<f64>>()?;
    (sum > 0.0).then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDES: [Role; 2] = [Role::Incumbent, Role::Candidate];

    fn run(side: Role, case: u32, round: u32, instructions: u64) -> CountedRun {
        CountedRun {
            side,
            case,
            round,
            instructions,
            wall_ns: 50,
        }
    }

    #[test]
    fn cases_that_one_side_lacks_are_left_out_and_so_is_a_round_that_was_not_finished() {
        let [incumbent, candidate] = SIDES;
        let mut counted = Vec::new();
        for round in 0..2 {
            for case in 0..2 {
                counted.push(run(incumbent, case, round, 100));
                counted.push(run(candidate, case, round, 50 + u64::from(round)));
            }
        }
        counted.push(run(incumbent, 2, 0, 1_000_000));
        counted.push(run(incumbent, 0, 2, 7));
        counted.push(run(candidate, 0, 2, 7));
        let found = describe(&SIDES, &counted, &[]).unwrap();
        assert_eq!((found.cases, found.rounds), (2, 2));
        let range = |low, mean, high| CountRange { low, mean, high };
        assert_eq!(found.sides["incumbent"], range(100.0, 100.0, 100.0));
        assert_eq!(found.sides["candidate"], range(50.0, 50.5, 51.0));
        assert_eq!(found.ratio, range(0.5, 0.505, 0.51));
        assert_eq!(found.slowdown, None, "no run was timed");
    }

    #[test]
    fn nothing_is_said_where_nothing_was_counted() {
        assert_eq!(describe(&SIDES, &[], &[]), None);
        let alone = [run(Role::Incumbent, 0, 0, 5)];
        assert_eq!(describe(&SIDES, &alone, &[]), None);
    }
}
