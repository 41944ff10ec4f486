//! Capacities as a search of a queue gives them.

use understudy_model::Role;
use understudy_model::capacity::{Capacity, CapacityKind, KneePoint, SideCapacity};
use understudy_model::verdict::Estimate;

/// Both sides, the candidate with more than twice the incumbent's capacity.
pub(crate) fn both() -> Vec<SideCapacity> {
    vec![
        side(Role::Incumbent, 6_020.0, 8_000.0),
        side(Role::Candidate, 14_900.0, 18_500.0),
    ]
}

/// Trials of one worker that serves `service` a second, around a capacity.
fn side(side: Role, at: f64, service: f64) -> SideCapacity {
    let far = [100.0, 200.0, 400.0, 800.0, 1600.0, 3200.0];
    let near = [
        0.62, 0.78, 0.9, 0.96, 0.97, 1.0, 1.01, 1.03, 1.08, 1.16, 1.3, 1.6,
    ];
    let rates = far.into_iter().chain(near.map(|factor| factor * at));
    let mut knee: Vec<KneePoint> = rates.map(|rate| point(rate, at, service)).collect();
    knee.sort_by(|a, b| a.rate_rps.total_cmp(&b.rate_rps));
    SideCapacity {
        side,
        capacity: Capacity {
            kind: CapacityKind::Between,
            rate_rps: Estimate {
                estimate: Some(at),
                low: Some(at * 0.98),
                high: Some(at * 1.015),
            },
            binding: Some("p99 of all requests at most 2ms".to_owned()),
            narrow: true,
            wanted_width: 0.05,
            refused: 0,
            refused_because: None,
            objectives: vec!["p99 of all requests at most 2ms".to_owned()],
            knee,
        },
    }
}

fn point(rate_rps: f64, at: f64, service: f64) -> KneePoint {
    let load = rate_rps / service;
    let overloaded = load >= 1.0;
    let wait_us = 1e6 / service / (1.0 - load).max(0.002);
    KneePoint {
        rate_rps,
        requests: rate_rps as u64 * 2,
        measured_s: 2.0,
        p50_us: Some(if overloaded {
            900_000.0
        } else {
            80.0 + wait_us
        }),
        p99_us: (!overloaded).then(|| 300.0 + 1_500.0 * (rate_rps / at).powi(9) + wait_us),
        violations: vec![0.01 * (rate_rps / at).powi(20).min(90.0)],
        cpu: Some(load.min(1.0)),
        trusted: true,
    }
}
