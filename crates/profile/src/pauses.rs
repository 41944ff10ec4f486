//! How often and for how long a runtime stopped its program, and what that does to an objective. Pure.

use crate::Window;
use understudy_judge::search::allowed;
use understudy_judge::terms::Slo;
use understudy_model::Cause;
use understudy_model::profile::{RuntimePauses, StopsAgainst};
use understudy_model::stored::Happenings;
use understudy_stats::overlap::merged;
use understudy_stats::quantile::order_statistic;

/// Fewer stops have no p99.
const FEWEST_STOPS: usize = 100;

/// How a runtime stopped its `processes` in a window, and what that does to the first latency objective;
/// `None` if none was recorded. Each process stops by itself, and serves its part of the requests.
pub(crate) fn pauses(
    happened: &Happenings,
    processes: usize,
    (begin_s, end_s): Window,
    slos: &[Slo],
) -> Option<RuntimePauses> {
    let runtime = happened.runtime.clone()?;
    let ns = |seconds: f64| (seconds * 1e9) as u64;
    let (from, to) = (ns(begin_s), ns(end_s));
    let stops = happened
        .all
        .iter()
        .filter(|one| one.cause == Cause::RuntimeStop)
        .map(|one| (one.start_ns.max(from), one.end_ns.min(to)))
        .filter(|(start, end)| start < end);
    // A collection's pause is within the safepoint that it is made in.
    let mut lengths_us: Vec<f64> = merged(stops.collect())
        .iter()
        .map(|(start, end)| (end - start) as f64 / 1e3)
        .collect();
    lengths_us.sort_unstable_by(f64::total_cmp);
    let window_us = (to - from).max(1) as f64 / 1e3 * processes.max(1) as f64;
    let against = slos.iter().find_map(|slo| match slo {
        Slo::Latency { max, .. } => Some((max.nanos() as f64 / 1e3, allowed(slo))),
        Slo::ErrorRate { .. } => None,
    });
    Some(RuntimePauses {
        runtime,
        processes: processes.max(1) as u64,
        seconds: end_s - begin_s,
        stops: lengths_us.len() as u64,
        time_share: lengths_us.iter().sum::<f64>() / window_us,
        longest_us: lengths_us.last().copied(),
        p99_us: (lengths_us.len() >= FEWEST_STOPS)
            .then(|| order_statistic(&lengths_us, 0.99))
            .flatten(),
        against: against.map(|(bound_us, allowed)| {
            let beyond = lengths_us.iter().map(|us| (us - bound_us).max(0.0));
            StopsAgainst {
                bound_us,
                allowed,
                waiting_longer: beyond.sum::<f64>() / window_us,
            }
        }),
    })
}

#[cfg(test)]
pub(crate) mod fixtures {
    use super::*;
    use understudy_model::Happening;

    pub(crate) const MS: u64 = 1_000_000;

    pub(crate) fn stop(start_ms: u64, length_ms: u64) -> Happening {
        Happening {
            cause: Cause::RuntimeStop,
            start_ns: start_ms * MS,
            end_ns: (start_ms + length_ms) * MS,
            error_ns: 0,
        }
    }

    pub(crate) fn happenings(all: Vec<Happening>) -> Happenings {
        Happenings {
            runtime: Some("go".to_owned()),
            all,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fixtures::{happenings, stop};
    use super::*;
    use understudy_model::{Happening, Span};

    /// Ten stops of 40 ms in 10 s: of requests due at any moment 4 % meet one, and half of them have to
    /// wait longer than 20 ms.
    #[test]
    fn stops_are_held_against_a_bound_by_arithmetic() {
        let mut all: Vec<Happening> = (0..10).map(|k| stop(k * 1_000 + 100, 40)).collect();
        // Reported once as a safepoint and once as the pause within it; and outside of the window.
        all.push(stop(110, 20));
        all.push(stop(20_000, 500));
        let slo = Slo::Latency {
            operation: "*".to_owned(),
            quantile: 0.99,
            max: Span::from_millis(20),
        };
        let pauses = |processes| {
            super::pauses(
                &happenings(all.clone()),
                processes,
                (0.0, 10.0),
                std::slice::from_ref(&slo),
            )
        };
        // Of four processes each request meets the stops of one.
        let four = pauses(4).unwrap();
        assert!((four.time_share - 0.01).abs() < 1e-9, "{four:?}");
        assert!((four.against.unwrap().waiting_longer - 0.005).abs() < 1e-9);
        let pauses = pauses(1).unwrap();
        assert_eq!((pauses.stops, pauses.longest_us), (10, Some(40_000.0)));
        assert!((pauses.time_share - 0.04).abs() < 1e-9, "{pauses:?}");
        let against = pauses.against.unwrap();
        assert!((against.waiting_longer - 0.02).abs() < 1e-9, "{against:?}");
        assert!((against.allowed - 0.01).abs() < 1e-9);
        assert_eq!(pauses.p99_us, None, "ten have no p99");
        assert_eq!(
            super::pauses(&Happenings::default(), 1, (0.0, 1.0), &[]),
            None
        );
    }
}
