//! What one service by itself shows: where its slowest requests come from, what it used of what it may
//! use, and how its runtime stopped it. Pure.

mod live;

pub use live::{Live, STRETCH};

use understudy_judge as judge;
use understudy_judge::search::allowed;
use understudy_judge::search::floor;
use understudy_judge::terms::Slo;
use understudy_model::stored::{BlockFigures, LatencyBlock, Row};
// The generator's lateness is one of the causes, and no reason to refuse them.
pub use understudy_judge::search::overloaded;
use understudy_model::profile::{MemoryUsed, RuntimePauses, StopsAgainst, Used};
use understudy_model::stored::{Happenings, Table};
use understudy_model::tail::Tail;
use understudy_model::verdict::Estimate;
use understudy_model::{Cause, Happening, Observation, Side};
use understudy_probe::Given;
use understudy_stats::overlap::merged;
use understudy_stats::quantile::order_statistic;
use understudy_stats::slope::theil_sen;

/// A measurement is cut into as many stretches as the shortest trial has blocks of a side: chance is asked
/// of events that are shifted in each of them by an amount of its own.
const STRETCHES: u32 = 6;
/// Stretches that growth of memory is looked for in.
const OF_GROWTH: usize = 12;
/// In less time, seconds, nothing is said about growth.
const GROWTH_S: f64 = 30.0;
/// Fewer stops have no p99.
const FEWEST_STOPS: usize = 100;

/// Begin and end of a measurement, seconds since the start of the load.
pub type Window = (f64, f64);

/// Where the slowest requests of a measurement come from, by the attribution of a trial; `None` with too
/// few of them.
pub fn tail(
    rate_rps: f64,
    window: Window,
    observations: &[Observation],
    happened: &Happenings,
    seed: u64,
) -> Option<Tail> {
    let length_s = (window.1 - window.0) / f64::from(STRETCHES);
    let stretches = (0..STRETCHES).map(|number| {
        let begin_s = window.0 + length_s * f64::from(number);
        let within = |one: &&Observation| {
            (begin_s..begin_s + length_s).contains(&(one.intended_ns as f64 / 1e9))
        };
        let within = observations.iter().filter(within).copied();
        ((begin_s, begin_s + length_s), within.collect())
    });
    tail_of(rate_rps, stretches, happened, seed)
}

/// The same from stretches of one measurement, each with the requests that began in it.
fn tail_of(
    rate_rps: f64,
    stretches: impl Iterator<Item = (Window, Vec<Observation>)>,
    happened: &Happenings,
    seed: u64,
) -> Option<Tail> {
    let stretches: Vec<LatencyBlock> = stretches
        .map(|(window, observations)| LatencyBlock {
            rate_rps,
            side: Side::Incumbent,
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
    judge::tail(Side::Incumbent, rate_rps, &stretches, seed)
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

/// What a service used while it was sampled; `None` with fewer than two samples. `machine_bytes` is the
/// memory of the machine.
pub fn used(samples: &Table, given: &Given, machine_bytes: u64) -> Option<Used> {
    let column = |name: &str| samples.column(name).unwrap_or_default();
    let at: Vec<f64> = column("at_s").iter().copied().flatten().collect();
    let (begin_s, end_s) = (*at.first()?, *at.last()?);
    let seconds = end_s - begin_s;
    if seconds <= 0.0 {
        return None;
    }
    let per_second = |name: &str| {
        let (first, last) = (column(name).first()?, column(name).last()?);
        Some(((*last)? - (*first)?).max(0.0) / seconds)
    };
    let highest = |name: &str| column(name).iter().copied().flatten().reduce(f64::max);
    let cpus = per_second("cpu_user_us").zip(per_second("cpu_system_us"));
    let runs_on = given.runs_on.len().max(1) as f64;
    let quota = given.cpu_quota.filter(|quota| *quota < runs_on);
    let limit = given.memory_limit.filter(|limit| *limit < machine_bytes);
    Some(Used {
        seconds,
        cpus: cpus.map_or(0.0, |(user, system)| (user + system) / 1e6),
        given_cpus: quota.unwrap_or(runs_on),
        cpu_quota: quota.is_some(),
        throttled_share: per_second("throttled_us").map(|us| us / 1e6),
        run_queue_share: per_second("run_queue_wait_ns").unwrap_or(0.0) / 1e9,
        major_faults_per_s: per_second("major_faults").unwrap_or(0.0),
        threads: highest("threads").unwrap_or(0.0),
        open_files: highest("open_files"),
        cpu_pressure: per_second("cpu_pressure_us").map(|us| us / 1e6),
        memory_pressure: per_second("memory_pressure_us").map(|us| us / 1e6),
        io_pressure: per_second("io_pressure_us").map(|us| us / 1e6),
        memory: MemoryUsed {
            given_bytes: limit.unwrap_or(machine_bytes) as f64,
            limited: limit.is_some(),
            peak_rss_bytes: highest("rss_bytes"),
            peak_pss_bytes: highest("pss_bytes"),
            peak_working_set_bytes: highest("cgroup_working_set_bytes"),
            peak_since_start_bytes: None,
            growth_bytes_per_s: growth(samples, (begin_s, end_s)),
        },
    })
}

/// How the lowest use of each stretch grows: what is left after a collection.
fn growth(samples: &Table, (begin_s, end_s): Window) -> Option<Estimate> {
    if end_s - begin_s < GROWTH_S {
        return None;
    }
    let lowest = floor::lowest_in::<OF_GROWTH>(samples, (begin_s, end_s));
    let step_s = (end_s - begin_s) / OF_GROWTH as f64;
    let points: Vec<(f64, f64)> = lowest
        .into_iter()
        .enumerate()
        .map(|(stretch, bytes)| (stretch as f64 * step_s, bytes))
        .collect();
    theil_sen(&points).map(judge::estimate)
}

/// How a runtime stopped its `processes` in a window, and what that does to the first latency objective;
/// `None` if none was recorded. Each process stops by itself, and serves its part of the requests.
pub fn pauses(
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
mod tests {
    use super::*;
    use understudy_model::Span;
    use understudy_testkit::answered;

    const MS: u64 = 1_000_000;

    fn stop(start_ms: u64, length_ms: u64) -> Happening {
        Happening {
            cause: Cause::RuntimeStop,
            start_ns: start_ms * MS,
            end_ns: (start_ms + length_ms) * MS,
            error_ns: 0,
        }
    }

    fn happenings(all: Vec<Happening>) -> Happenings {
        Happenings {
            runtime: Some("go".to_owned()),
            all,
        }
    }

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

    /// Ten stops of 40 ms in 10 s: of requests due at any moment 4 % meet one, and half of them have to
    /// wait longer than 20 ms.
    #[test]
    fn stops_are_held_against_a_bound_by_arithmetic() {
        let mut all: Vec<Happening> = (0..10).map(|k| stop(k * 1_000 + 100, 40)).collect();
        // Reported once as a safepoint and once as the pause within it; and outside of the window.
        all.push(stop(110, 20));
        all.push(stop(20_000, 500));
        let slo = Slo::Latency {
            endpoint: "*".to_owned(),
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

    fn samples(rss: impl Fn(f64) -> f64, seconds: u32) -> Table {
        let at: Vec<f64> = (0..=seconds * 2)
            .map(|half| f64::from(half) / 2.0)
            .collect();
        let column = |name: &str, value: &dyn Fn(f64) -> f64| {
            (
                name.to_owned(),
                at.iter().map(|at| Some(value(*at))).collect(),
            )
        };
        Table {
            columns: vec![
                column("at_s", &|at| at),
                column("cpu_user_us", &|at| at * 2e5),
                column("cpu_system_us", &|at| at * 5e4),
                column("rss_bytes", &rss),
                column("throttled_us", &|at| at * 1e4),
                column("run_queue_wait_ns", &|at| at * 1e8),
                column("major_faults", &|at| at * 3.0),
                column("threads", &|_| 8.0),
            ],
        }
    }

    #[test]
    fn use_is_compared_with_what_is_given() {
        let given = Given {
            cpu_quota: Some(0.5),
            memory_limit: Some(1 << 30),
            runs_on: vec![0, 1],
        };
        let flat = |_| 3e8;
        let used = super::used(&samples(flat, 60), &given, 8 << 30).unwrap();
        assert!(
            (used.cpus - 0.25).abs() < 1e-9 && used.cpu_quota,
            "{used:?}"
        );
        assert_eq!((used.given_cpus, used.seconds), (0.5, 60.0));
        assert!((used.throttled_share.unwrap() - 0.01).abs() < 1e-9);
        assert!((used.run_queue_share - 0.1).abs() < 1e-9);
        assert_eq!(used.memory.given_bytes, (1u64 << 30) as f64);
        assert!(used.memory.limited);
        assert_eq!(used.memory.peak_bytes(), Some(3e8));
        assert_eq!(used.memory.growth_bytes_per_s.unwrap().estimate, Some(0.0));
        let free = super::used(&samples(flat, 20), &Given::default(), 8 << 30).unwrap();
        assert!(!free.memory.limited && !free.cpu_quota);
        assert_eq!(free.memory.growth_bytes_per_s, None, "20 s are too short");
        assert_eq!(super::used(&Table::default(), &Given::default(), 1), None);
    }

    /// A heap that fills and is emptied every 2 s on top of what is never freed.
    #[test]
    fn what_is_left_after_collections_is_what_grows() {
        let leak = |at: f64| 1e8 + 1e5 * at + 4e7 * (at / 2.0).fract();
        let used = super::used(&samples(leak, 120), &Given::default(), 8 << 30).unwrap();
        let growth = used.memory.growth_bytes_per_s.unwrap();
        let (low, high) = (growth.low.unwrap(), growth.high.unwrap());
        assert!(low > 9e4 && high < 1.1e5, "{growth:?}");
    }
}
