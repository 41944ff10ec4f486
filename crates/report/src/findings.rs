//! What a profile says about the need for a rewrite. Pure.

mod causes;
mod resources;
mod traffic;

use crate::figures::{rate, time};
use crate::knee::{Knot, knots, sentence};
use understudy_model::capacity::{Capacity, CapacityKind};
use understudy_model::profile::{Finding, ProfileReport};

/// Headroom from which no user needs a faster service.
const AMPLE: f64 = 2.0;
/// CPUs below which a service at its capacity waits instead of computing.
const WAITING: f64 = 0.5;
/// A rate below this share of the one that is asked for is idle.
const IDLE: f64 = 0.5;

/// What is worth knowing of a service, the answer first; from everything in the document but its own
/// findings.
pub fn findings(report: &ProfileReport) -> Vec<Finding> {
    let mut findings = match (&report.capacity, report.rate_rps) {
        (Some(capacity), Some(rate_rps)) => {
            let waits = waiting(capacity);
            std::iter::once(answer(capacity, rate_rps))
                .chain(waits)
                .collect()
        }
        _ => vec![traffic::answer(report)],
    };
    // Where nothing is missed there is nothing to explain.
    if findings[0].code != NO_PROBLEM {
        findings.extend(report.tail.as_ref().map(causes::of_tail));
    }
    findings.extend(report.pauses.as_ref().and_then(causes::of_stops));
    let watched = report.rate_rps.is_none();
    findings.extend(
        report
            .used
            .iter()
            .flat_map(|used| resources::findings(used, watched, report.memory_floor.as_ref())),
    );
    findings
}

/// The code of the answer that ends the matter.
const NO_PROBLEM: &str = "no_problem";

fn finding(code: &str, text: String) -> Finding {
    Finding {
        code: code.to_owned(),
        text,
    }
}

fn answer(capacity: &Capacity, rate_rps: f64) -> Finding {
    let objectives = capacity.objectives.join(" and ");
    let (low, high) = (capacity.rate_rps.low, capacity.rate_rps.high);
    let asked = rate(rate_rps);
    let times = capacity
        .headroom(rate_rps)
        .map_or_else(String::new, |times| format!("{times:.1}"));
    if capacity.kind == CapacityKind::Unknown {
        return finding(
            "not_known",
            format!("The capacity is not known: {}", sentence(capacity)),
        );
    }
    if low.is_some_and(|low| low >= rate_rps * AMPLE) {
        return finding(
            NO_PROBLEM,
            format!(
                "At {asked} it holds {objectives}, and one instance could serve {times} times as much: there is no latency or capacity problem that a rewrite solves."
            ),
        );
    }
    if let Some(low) = low.filter(|low| *low >= rate_rps && capacity.kind == CapacityKind::AtLeast)
    {
        return finding(
            "headroom_not_known",
            format!(
                "At {asked} it holds {objectives}. How much more it could serve is undecided: {} {}.",
                match capacity.refused {
                    0 => "a longer --budget tries more than",
                    _ =>
                        "the generator needs a quieter machine or CPUs of its own (--cpus) to send more than",
                },
                rate(low)
            ),
        );
    }
    if low.is_some_and(|low| low >= rate_rps) {
        return finding(
            "little_headroom",
            format!(
                "At {asked} it holds {objectives}, with {times} times that as its capacity. One more instance gives headroom at once; a rewrite can pay where many instances run (understudy case)."
            ),
        );
    }
    if high.is_some_and(|high| high < rate_rps) {
        return missed(capacity, rate_rps);
    }
    finding(
        "undecided",
        format!(
            "At {asked} it is undecided if it holds {objectives}: its capacity is {}. Give it a longer --budget.",
            sentence(capacity)
        ),
    )
}

fn missed(capacity: &Capacity, rate_rps: f64) -> Finding {
    let objectives = capacity.objectives.join(" and ");
    let idle = knots(capacity)
        .into_iter()
        .find(|knot| knot.trusted && knot.rate_rps <= rate_rps * IDLE);
    match (capacity.kind, idle) {
        (CapacityKind::Below, Some(idle)) => finding(
            "slow_without_load",
            format!(
                "It misses {objectives} even at {}, where p99 is {}: load is not the cause. Look at what single requests wait for or compute before anything is rewritten.",
                rate(idle.rate_rps),
                idle.p99_us.map_or_else(|| "infinite".to_owned(), time),
            ),
        ),
        _ => finding(
            "slo_missed",
            format!(
                "At {} it misses {objectives}: its capacity is {}. First look at the cause and tune; understudy trial says whether a candidate does better.",
                rate(rate_rps),
                sentence(capacity),
            ),
        ),
    }
}

/// A service that uses little CPU at its capacity waits for something.
fn waiting(capacity: &Capacity) -> Option<Finding> {
    let end = capacity
        .rate_rps
        .high
        .filter(|_| capacity.kind == CapacityKind::Between)?;
    let near = |knot: &Knot| (knot.rate_rps / end).ln().abs();
    let at = knots(capacity)
        .into_iter()
        .filter(|knot| knot.trusted && knot.cpu.is_some())
        .min_by(|a, b| near(a).total_cmp(&near(b)))?;
    let cpu = at.cpu.filter(|cpu| *cpu < WAITING)?;
    Some(finding(
        "waits",
        format!(
            "At its capacity it uses {cpu:.2} CPUs: it waits (for a lock, a pool, another service, a single worker) instead of computing. Faster code does not shorten a wait; more concurrency or a faster dependency does."
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use understudy_model::capacity::KneePoint;
    use understudy_model::verdict::Estimate;

    fn capacity(kind: CapacityKind, ends: [Option<f64>; 3], cpu: f64) -> Capacity {
        let [low, estimate, high] = ends;
        let point = |rate_rps: f64| KneePoint {
            rate_rps,
            requests: 1000,
            measured_s: 1.0,
            p50_us: Some(1000.0),
            p99_us: Some(30_000.0),
            violations: vec![0.01],
            cpu: Some(cpu),
            trusted: true,
        };
        Capacity {
            kind,
            rate_rps: Estimate {
                estimate,
                low,
                high,
            },
            binding: None,
            narrow: true,
            wanted_width: 0.05,
            refused: 0,
            refused_because: None,
            objectives: vec!["p99 of all requests at most 20ms".to_owned()],
            knee: vec![point(10.0), point(1000.0)],
        }
    }

    fn codes(capacity: &Capacity, rate_rps: f64) -> Vec<String> {
        let all = findings(&ProfileReport {
            capacity: Some(capacity.clone()),
            rate_rps: Some(rate_rps),
            ..ProfileReport::default()
        });
        all.into_iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn the_answer_follows_from_the_interval() {
        use CapacityKind::{AtLeast, Below, Between, Unknown};
        let found = capacity(Between, [Some(980.0), Some(1000.0), Some(1020.0)], 0.9);
        assert_eq!(codes(&found, 300.0), ["no_problem"]);
        assert_eq!(codes(&found, 800.0), ["little_headroom"]);
        assert_eq!(codes(&found, 1000.0), ["undecided"]);
        assert_eq!(codes(&found, 1500.0), ["slo_missed"]);
        assert_eq!(found.headroom(500.0), Some(2.0));
        let plenty = capacity(AtLeast, [Some(5000.0), None, None], 0.9);
        assert_eq!(codes(&plenty, 500.0), ["no_problem"]);
        // The time was over before a higher rate was tried.
        let open = capacity(AtLeast, [Some(500.0), None, None], 0.9);
        assert_eq!(codes(&open, 500.0), ["headroom_not_known"]);
        let slow = capacity(Below, [None, None, Some(10.0)], 0.9);
        assert_eq!(codes(&slow, 500.0), ["slow_without_load"]);
        assert_eq!(
            codes(&capacity(Unknown, [None; 3], 0.9), 500.0),
            ["not_known"]
        );
    }

    #[test]
    fn a_service_that_waits_gets_a_finding() {
        let found = capacity(
            CapacityKind::Between,
            [Some(980.0), Some(1000.0), Some(1020.0)],
            0.1,
        );
        assert_eq!(codes(&found, 1500.0), ["slo_missed", "waits"]);
    }
}
