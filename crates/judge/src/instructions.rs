//! What counts come to: instructions of a run of a command, or of a request to a service.

use crate::Evidence;
use std::collections::{BTreeMap, BTreeSet};
use understudy_model::Role;
use understudy_model::instructions::{CountRange, CountedRun, Instructions};
use understudy_model::stored::LatencyBlock;

/// The rounds in which some sides were counted alike, from the first.
pub(crate) struct Rounds<'a> {
    counted: &'a [CountedRun],
    /// What was counted of every side in each of them: cases, or how many requests.
    alike: BTreeSet<u32>,
    count: u32,
    of_requests: bool,
}

impl<'a> Rounds<'a> {
    /// Those of these sides.
    pub(crate) fn of(sides: &[Role], counted: &'a [CountedRun]) -> Self {
        let complete = |round: u32| -> BTreeSet<u32> {
            let of = |side: Role| -> BTreeSet<u32> {
                let here = counted
                    .iter()
                    .filter(|run| run.round == round && run.side == side);
                here.filter_map(CountedRun::number).collect()
            };
            let mut each = sides.iter().map(|side| of(*side));
            let first = each.next().unwrap_or_default();
            each.fold(first, |all, of| all.intersection(&of).copied().collect())
        };
        let alike = complete(0);
        let of_requests = counted.iter().any(|run| run.requests.is_some());
        let is_enough = alike.len() > usize::from(of_requests);
        // A round that was not finished has other cases than the first.
        let count = (0..)
            .take_while(|round| is_enough && complete(*round).is_superset(&alike))
            .count() as u32;
        Rounds {
            counted,
            alike,
            count,
            of_requests,
        }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// What a side executed for one run or one request, round by round.
    pub(crate) fn each(&self, side: Role) -> Vec<f64> {
        (0..self.count)
            .map(|round| self.per_unit(side, round))
            .collect()
    }

    fn runs(&self, side: Role, round: u32) -> impl Iterator<Item = (u32, &CountedRun)> {
        let here = move |run: &&CountedRun| run.side == side && run.round == round;
        let counted = self.counted.iter().filter(here);
        let numbered = counted.filter_map(|run| Some((run.number()?, run)));
        numbered.filter(move |(number, _)| self.alike.contains(number))
    }

    fn per_unit(&self, side: Role, round: u32) -> f64 {
        let runs: BTreeMap<u32, f64> = self
            .runs(side, round)
            .map(|(number, run)| (number, run.instructions as f64))
            .collect();
        match (runs.first_key_value(), runs.last_key_value()) {
            (Some(fewer), Some(more)) if self.of_requests => slope(fewer, more),
            _ => runs.values().sum::<f64>() / self.alike.len() as f64,
        }
    }

    /// Cases, or different requests of a workload of so many.
    fn cases(&self, workload: usize) -> u64 {
        match (self.alike.first(), self.alike.last()) {
            (Some(fewer), Some(more)) if self.of_requests => {
                u64::from(more - fewer).min(workload as u64)
            }
            _ => self.alike.len() as u64,
        }
    }

    /// How many times as long a run of the incumbent took while it was counted.
    fn slowdown(&self, blocks: &[LatencyBlock]) -> Option<f64> {
        let plain_ns = uncounted_ns(blocks, &self.alike).filter(|_| !self.of_requests)?;
        let counted_ns: f64 = self
            .runs(Role::Incumbent, 0)
            .map(|(_, run)| run.wall_ns as f64)
            .sum();
        Some(counted_ns / plain_ns)
    }
}

/// Instructions of one request, by two counts: how many requests, and all that was executed for them. Starting and
/// stopping a service is the same in both, and so no part of the difference.
fn slope(fewer: (&u32, &f64), more: (&u32, &f64)) -> f64 {
    (more.1 - fewer.1) / (f64::from(*more.0) - f64::from(*fewer.0))
}

/// The counts of all sides; `None` where they have none in common.
pub(crate) fn describe(sides: &[Role], evidence: &Evidence) -> Option<Instructions> {
    let rounds = Rounds::of(sides, &evidence.counted);
    let incumbent = rounds.each(Role::Incumbent);
    let ratios: Vec<f64> = rounds
        .each(Role::Candidate)
        .iter()
        .zip(&incumbent)
        .filter(|(candidate, incumbent)| **candidate > 0.0 && **incumbent > 0.0)
        .map(|(candidate, incumbent)| candidate / incumbent)
        .collect();
    let range = |side: &Role| {
        let range = CountRange::of(&rounds.each(*side))?;
        Some((side.name().to_owned(), range))
    };
    Some(Instructions {
        cases: rounds.cases(evidence.requests.len()),
        rounds: rounds.count,
        sides: sides.iter().filter_map(range).collect(),
        ratio: CountRange::of(&ratios)?,
        slowdown: rounds.slowdown(&evidence.blocks),
    })
}

/// Why so many rounds have no interval.
pub(crate) fn unjudged(rounds: u32) -> &'static str {
    match rounds {
        0 => "the instructions of both sides were not counted (the limits of this result say why)",
        1 => {
            "one round was counted in the time that there was, and an interval needs two: use a longer level"
        }
        _ => "the instructions do not grow with the requests",
    }
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
mod tests;
