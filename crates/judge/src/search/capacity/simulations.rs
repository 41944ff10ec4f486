//! Searches on a virtual clock with a generator that is late: what it finds of a queue whose answer is known.

use super::*;
use crate::simulated::ns;
use understudy_model::Observation;
use understudy_model::gates::GeneratorUse;
use understudy_stats::random::Random;

/// One worker, exponential service with a mean of 1 ms, first in first out.
const SERVICE_S: f64 = 1e-3;
const BOUND_S: f64 = 10e-3;
const ALLOWED: f64 = 0.05;

/// Stretches of the generator's time, one in five of which is bad.
const STRETCH_S: f64 = 0.05;
const BAD: f64 = 0.2;

/// How the generator is late in a bad stretch.
#[derive(Clone, Copy, Debug)]
enum Late {
    /// Each request by up to so many seconds, at random.
    Each(f64),
    /// It does not run for up to so many seconds, and then sends at once what was due meanwhile.
    Stalls(f64),
}

/// The rate at which the allowed share of requests is over the bound: P(latency > t) = e^-(1 - load) t.
fn answer() -> f64 {
    (1.0 + ALLOWED.ln() * SERVICE_S / BOUND_S) / SERVICE_S
}

/// The exchanges of a window after a second of warm-up.
fn exchanges((rate, seconds): (f64, f64), late: Late, draws: &mut Random) -> Vec<Observation> {
    let end = 1.0 + seconds;
    let mut sendings = Vec::new();
    let (mut due, mut until, mut is_bad, mut stalled_until) = (0.0, 0.0, false, 0.0);
    loop {
        due += draws.exponential(1.0 / rate);
        if due >= end {
            break;
        }
        while due >= until {
            let begun = until;
            until += STRETCH_S;
            is_bad = draws.uniform() < BAD;
            let length = draws.uniform();
            if let (true, Late::Stalls(most)) = (is_bad, late) {
                stalled_until = begun + most * length;
            }
        }
        let sent = match late {
            Late::Each(most) if is_bad => due + most * draws.uniform(),
            Late::Each(_) => due,
            Late::Stalls(_) => due.max(stalled_until),
        };
        sendings.push((due, sent + 2e-6));
    }
    sendings.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut free = 0.0f64;
    let mut seen = Vec::new();
    for (due, sent) in sendings {
        free = free.max(sent) + draws.exponential(SERVICE_S);
        if due >= 1.0 {
            seen.push(understudy_testkit::answered(0, (ns(due), ns(sent), ns(free))).observation);
        }
    }
    seen
}

fn search(late: Late, seed: u64) -> Capacity {
    let slos = [Slo::Latency {
        operation: "*".to_owned(),
        quantile: 1.0 - ALLOWED,
        max: Span::from_secs_f64(BOUND_S),
    }];
    let config = CapacityConfig {
        width: Share::new(0.05),
        first_rate: 300.0,
        highest_rate: 1e6,
        warmup: Span::from_secs(1),
        budget: Some(Span::from_secs(200)),
    };
    let mut draws = Random::new(seed);
    let mut search = Search::new(config, &slos, &[]);
    while let Some(planned) = search.next() {
        let measured_s = planned.measured.secs();
        let observations = exchanges((planned.rate_rps, measured_s), late, &mut draws);
        search.record(&Left {
            rate_rps: planned.rate_rps,
            observations: &observations,
            generator: GeneratorUse {
                due: observations.len() as u64,
                sent: observations.len() as u64,
                busy_share: 0.1,
                wall_ns: ns(measured_s),
                ..GeneratorUse::default()
            },
            neighbours: None,
            cpu_us: None,
            warmup_s: 1.0,
            measured_s,
        });
    }
    search.result()
}

/// How 40 searches went with a generator that is late.
struct Went {
    /// Those whose interval does not contain the answer.
    missed: u32,
    /// Share of their steps that were refused.
    refused: f64,
}

fn went(late: Late) -> Went {
    let found: Vec<Capacity> = (0..40)
        .map(|seed| search(late, seed * 104_729 + 7))
        .collect();
    let misses = |found: &&Capacity| {
        let low = found.rate_rps.low.unwrap_or(0.0);
        let high = found.rate_rps.high.unwrap_or(f64::INFINITY);
        !(low..=high).contains(&answer())
    };
    let steps: usize = found.iter().map(|found| found.knee.len()).sum();
    let refused: u32 = found.iter().map(|found| found.refused).sum();
    Went {
        missed: found.iter().filter(misses).count() as u32,
        refused: f64::from(refused) / steps as f64,
    }
}

/// Lateness from 10 us to 20 ms moves the capacity out of its interval no more often than is stated; where it is
/// heavy, steps are refused instead.
#[test]
fn a_late_generator_does_not_move_the_capacity() {
    let planted = [
        (Late::Each(1e-5), 0.0..=0.0),
        (Late::Stalls(1e-3), 0.0..=0.01),
        (Late::Each(1e-3), 0.0..=0.05),
        (Late::Each(3e-3), 0.05..=0.5),
        (Late::Stalls(5e-3), 0.0..=0.05),
        (Late::Each(20e-3), 0.9..=1.0),
        (Late::Stalls(20e-3), 0.5..=1.0),
    ];
    std::thread::scope(|scope| {
        for (late, expected) in planted {
            scope.spawn(move || {
                let Went { missed, refused } = went(late);
                // 5 % may be; 7 of 40 would have a chance of 0.3 % at that.
                assert!(
                    missed < 7 && expected.contains(&refused),
                    "{late:?}: {missed} of 40 missed, {refused:.3} of the steps refused"
                );
            });
        }
    });
}
