//! Where the slowest requests of one measurement come from. Pure.

use crate::Window;
use understudy_judge as judge;
use understudy_model::stored::{BlockFigures, Happenings, LatencyBlock, Row};
use understudy_model::tail::Tail;
use understudy_model::{Happening, Observation, Role};

/// A measurement is cut into as many stretches as the shortest trial has blocks of a side: chance is asked
/// of events that are shifted in each of them by an amount of its own.
const STRETCHES: u32 = 6;

/// Where the slowest requests of a measurement come from, by the attribution of a trial; `None` with too
/// few of them.
pub(crate) fn tail(
    rate_rps: f64,
    window: Window,
    observations: &[Observation],
    happened: &Happenings,
    seed: u64,
) -> Option<Tail> {
    let length_s = (window.1 - window.0) / f64::from(STRETCHES);
    let stretches = (0..STRETCHES).map(|number| {
        let begin_s = window.0 + length_s * f64::from(number);
        let within =
            |one: &&Observation| (begin_s..begin_s + length_s).contains(&(one.due_ns as f64 / 1e9));
        let within = observations.iter().filter(within).copied();
        ((begin_s, begin_s + length_s), within.collect())
    });
    tail_of(rate_rps, stretches, happened, seed)
}

/// The same from stretches of one measurement, each with the requests that began in it.
pub(crate) fn tail_of(
    rate_rps: f64,
    stretches: impl Iterator<Item = (Window, Vec<Observation>)>,
    happened: &Happenings,
    seed: u64,
) -> Option<Tail> {
    let stretches: Vec<LatencyBlock> = stretches
        .map(|(window, observations)| LatencyBlock {
            rate_rps,
            side: Role::Incumbent,
            // They are of one measurement, whose p99 it is about.
            block: 0,
            figures: BlockFigures {
                warmup_s: window.0,
                measured_s: window.1 - window.0,
                ..BlockFigures::default()
            },
            rows: observations.into_iter().map(Row::from).collect(),
            happened: during(happened, window),
        })
        .collect();
    let stretches: Vec<&LatencyBlock> = stretches.iter().collect();
    judge::tail(Role::Incumbent, rate_rps, &stretches, seed)
}

/// What may have happened in a window.
fn during(happened: &Happenings, (begin_s, end_s): Window) -> Happenings {
    let (from, to) = ((begin_s * 1e9) as u64, (end_s * 1e9) as u64);
    let within = |one: &&Happening| {
        one.start_ns.saturating_sub(one.error_ns) <= to
            && one.end_ns.saturating_add(one.error_ns) >= from
    };
    Happenings {
        runtime: happened.runtime.clone(),
        all: happened.all.iter().filter(within).copied().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pauses::fixtures::{MS, happenings, stop};
    use understudy_testkit::answered;

    /// One measurement of 12 s after 1 s of warm-up, of a subject that stops for 50 ms in every second:
    /// the stops are all of the tail, though they come like a clock.
    #[test]
    fn regular_stops_in_one_measurement_are_the_tail() {
        let observations: Vec<Observation> = (0..12_000u64)
            .map(|index| {
                let due = 1_000 * MS + index * MS;
                let into = due / MS % 1_000;
                let waits = 50u64.saturating_sub(into) * MS;
                answered(0, (due, due, due + waits + MS)).observation
            })
            .collect();
        let stops = happenings((0..13).map(|second| stop(second * 1_000, 50)).collect());
        let tail = tail(1000.0, (1.0, 13.0), &observations, &stops, 1).unwrap();
        assert_eq!(tail.causes.len(), 1, "{tail:?}");
        assert!(
            tail.causes[0].explains && tail.unexplained < 0.01,
            "{tail:?}"
        );
        let p99 = tail.at_us.unwrap();
        assert!((p99 / 41_000.0 - 1.0).abs() < 0.06, "{p99}");
        // Stops that come more rarely than stretches end are as much of it.
        let rare: Vec<Happening> = (0..4).map(|k| stop(k * 4_000, 50)).collect();
        let observations: Vec<Observation> = (0..12_000u64)
            .map(|index| {
                let due = 1_000 * MS + index * MS;
                let waits = 50u64.saturating_sub(due / MS % 4_000) * MS;
                let serves = MS + index % 50 * 1_000;
                answered(0, (due, due, due + waits + serves)).observation
            })
            .collect();
        let of_rare =
            super::tail(1000.0, (1.0, 13.0), &observations, &happenings(rare), 1).unwrap();
        assert!(of_rare.unexplained < 0.01, "{of_rare:?}");
        let few = &observations[..200];
        assert!(super::tail(1000.0, (1.0, 13.0), few, &stops, 1).is_none());
    }
}
