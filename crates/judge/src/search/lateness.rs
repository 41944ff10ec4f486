//! What the generator's own lateness may have added to the latencies of a step of a search. Pure.
//!
//! A request that left late is late itself, and it meets others: a generator that was kept from its CPU
//! sends what was due meanwhile at once, and those requests wait for each other at the subject. So what is
//! taken off a latency is the worst lateness of the burst that the request is part of, not its own alone.
//! Where requests are served in the order in which they come, sending each of them late by at most `d` moves
//! no end by more than `d`.

use crate::latency_us;
use understudy_model::gates;
use understudy_model::{Ending, Observation};

/// Is lateness of the generator in a measurement all in the two readings of its latencies, up to the `highest` quantile
/// that is asked for? `stamped` of its answers have a time of arrival ([`gates::is_lateness_known`]).
pub fn is_known<'o>(
    observations: impl Iterator<Item = &'o Observation> + Clone,
    stamped: u64,
    highest: f64,
) -> bool {
    let answered = observations
        .clone()
        .filter(|one| one.ending == Ending::Answered)
        .count() as u64;
    gates::is_lateness_known(answered, stamped, waiting(observations), highest)
}

/// Share of the requests that were due and had to wait for a connection.
pub fn waiting<'o>(observations: impl Iterator<Item = &'o Observation>) -> f64 {
    let (mut all, mut waited) = (0u64, 0u64);
    for one in observations {
        all += 1;
        waited += u64::from(one.free_ns > one.due_ns);
    }
    waited as f64 / all.max(1) as f64
}

/// Lateness from this share of a bound on is looked for around the requests that violate it.
const NOTEWORTHY: f64 = 0.05;

/// For each request whether it violates the bound, microseconds: from when it was due, and without the
/// lateness of its burst. Requests without an answer violate it in any case.
pub fn violations(observations: &[Observation], bound_us: f64) -> Vec<Violation> {
    let mut violations: Vec<Violation> = observations
        .iter()
        .map(|one| match latency_us(one) > bound_us {
            true => Violation::Certain,
            false => Violation::None,
        })
        .collect();
    let noteworthy_us = bound_us * NOTEWORTHY;
    let mut involved: Vec<usize> = (0..observations.len())
        .filter(|at| {
            violations[*at] == Violation::Certain || lag_us(&observations[*at]) > noteworthy_us
        })
        .collect();
    involved.sort_unstable_by_key(|at| observations[*at].due_ns);
    for burst in bursts(observations, &involved) {
        let worst_us = burst
            .iter()
            .map(|at| lag_us(&observations[*at]))
            .fold(0.0, f64::max);
        for at in burst {
            let without_us = latency_us(&observations[*at]) - worst_us;
            if violations[*at] == Violation::Certain && without_us <= bound_us {
                violations[*at] = Violation::Late;
            }
        }
    }
    violations
}

/// Does a request violate a bound?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// No, however it is counted.
    None,
    /// From when it was due; without the generator's lateness it may have been within the bound.
    Late,
    /// However it is counted.
    Certain,
}

fn lag_us(observation: &Observation) -> f64 {
    observation.send_lag_ns().unwrap_or(0) as f64 / 1e3
}

/// Those that were under way together, one after the other; `ordered` is by the time they were due.
fn bursts<'o>(
    observations: &'o [Observation],
    ordered: &'o [usize],
) -> impl Iterator<Item = &'o [usize]> {
    let mut until_ns = 0;
    ordered.chunk_by(move |before, after| {
        until_ns = until_ns.max(observations[*before].last_ns);
        let is_apart = observations[*after].due_ns > until_ns;
        if is_apart {
            until_ns = 0;
        }
        !is_apart
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use understudy_testkit::answered;

    const MS: u64 = 1_000_000;

    fn seen(exchanges: &[(u64, u64, u64)]) -> Vec<Violation> {
        let observations: Vec<Observation> = exchanges
            .iter()
            .map(|(due, sent, ended)| answered(0, (*due * MS, *sent * MS, *ended * MS)).observation)
            .collect();
        violations(&observations, 10_000.0)
    }

    #[test]
    fn the_lateness_of_a_burst_is_taken_off_each_of_its_requests() {
        use Violation::{Certain, Late, None};
        // 8 ms late by itself; and one that left in time behind it.
        assert_eq!(
            seen(&[(0, 8, 12), (7, 8, 18), (9, 9, 15)]),
            [Late, Late, None]
        );
        // In any order, and over the bound by more than the burst was late.
        assert_eq!(seen(&[(7, 8, 29), (0, 8, 12)]), [Certain, Late]);
        // What is over before it, and what begins after it, has no part in it.
        assert_eq!(
            seen(&[(0, 0, 11), (20, 28, 30), (31, 31, 42)]),
            [Certain, None, Certain]
        );
        // A request that left 0.4 ms late explains what it is over by, and no neighbour.
        let mut small = [(0, 0, 11), (1, 1, 9)]
            .map(|(due, sent, ended)| answered(0, (due * MS, sent * MS, ended * MS)).observation);
        small[1].sent_ns += MS * 4 / 10;
        assert_eq!(violations(&small, 10_000.0), [Certain, None]);
    }

    #[test]
    fn no_answer_is_a_violation_in_any_case() {
        let mut lost = answered(0, (0, 20 * MS, 30 * MS)).observation;
        lost.ending = understudy_model::Ending::Abandoned;
        lost.last_ns = Observation::NEVER;
        assert_eq!(violations(&[lost], 10_000.0), [Violation::Certain]);
        assert!(violations(&[], 10_000.0).is_empty());
    }
}
