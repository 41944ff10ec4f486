//! What the causes of the tail, and the stops of a runtime, mean for a rewrite.

use super::finding;
use crate::figures::{count, quantile, share, time};
use crate::wording::or_infinite;
use understudy_model::Cause;
use understudy_model::profile::{Finding, RuntimePauses};
use understudy_model::tail::Tail;

/// A group of causes that explains so much of the tail is what to act on.
const MOST: f64 = 0.5;

/// A quantile below this share of another is lower.
const DIFFERENCE: f64 = 0.9;

/// Causes with the same answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Group {
    Runtime,
    Quota,
    Cpu,
    SlowRequests,
    Disk,
    Connections,
    Outside,
    Unexplained,
}

impl Group {
    fn of(cause: Cause) -> Self {
        match cause {
            Cause::RuntimeStop | Cause::RuntimeAssist | Cause::RuntimeConcurrent => Group::Runtime,
            Cause::Throttled => Group::Quota,
            Cause::RunQueue => Group::Cpu,
            Cause::SlowRequest => Group::SlowRequests,
            Cause::MajorFaults => Group::Disk,
            Cause::ConnectionWait => Group::Connections,
            Cause::Machine | Cause::GeneratorLag => Group::Outside,
        }
    }

    fn code(self) -> &'static str {
        match self {
            Group::Runtime => "tail_runtime",
            Group::Quota => "tail_quota",
            Group::Cpu => "tail_cpu",
            Group::SlowRequests => "tail_slow_requests",
            Group::Disk => "tail_disk",
            Group::Connections => "tail_connections",
            Group::Outside => "tail_outside",
            Group::Unexplained => "tail_unexplained",
        }
    }

    fn in_words(self) -> &'static str {
        match self {
            Group::Runtime => "the collector of its runtime",
            Group::Quota => "its CPU quota",
            Group::Cpu => "waiting for a CPU",
            Group::SlowRequests => "slow requests before them",
            Group::Disk => "memory read from disk",
            Group::Connections => "busy connections",
            Group::Outside => "the machine or the generator",
            Group::Unexplained => "nothing that was seen",
        }
    }
}

/// The groups that have a part in the tail, the largest first.
fn groups(tail: &Tail) -> Vec<(Group, f64)> {
    let mut groups: Vec<(Group, f64)> = vec![(Group::Unexplained, tail.unexplained)];
    for cause in &tail.causes {
        let group = Group::of(cause.cause);
        match groups.iter_mut().find(|(known, _)| *known == group) {
            Some((_, sum)) => *sum += cause.first_share,
            None => groups.push((group, cause.first_share)),
        }
    }
    groups.retain(|(_, share)| *share > 0.0);
    groups.sort_by(|a, b| b.1.total_cmp(&a.1));
    groups
}

/// What the tail comes from, and what that means.
pub(super) fn of_tail(tail: &Tail) -> Finding {
    let groups = groups(tail);
    let above = format!(
        "the requests above {} ({})",
        quantile(tail.quantile),
        or_infinite(tail.at_us, time)
    );
    let largest = groups.first().copied().unwrap_or((Group::Unexplained, 1.0));
    if largest.1 < MOST {
        let parts: Vec<String> = groups
            .iter()
            .take(3)
            .map(|(group, part)| format!("{} {}", share(*part), group.in_words()))
            .collect();
        let text = format!(
            "Of {above} no single cause explains half: {}. Each of them alone changes little.",
            parts.join(", ")
        );
        return finding("tail_mixed", text);
    }
    let (group, part) = largest;
    finding(
        group.code(),
        format!("{} of {above} {}", share(part), meaning(group, tail)),
    )
}

fn meaning(group: Group, tail: &Tail) -> String {
    match group {
        Group::Runtime => format!(
            "come from the collector of its runtime{}. Another heap or collector may help, or a language without one; understudy trial with [side.tuned] says how far tuning alone gets.",
            without_stops(tail)
        ),
        Group::Quota => "come while its CPU quota is used up: give it a larger quota before anything is rewritten.".to_owned(),
        Group::Cpu => "come while its threads wait for a CPU: give it CPU first. A rewrite that needs less of it helps as well, and costs more.".to_owned(),
        Group::SlowRequests => "wait behind requests that take long by themselves: make those shorter or serve them apart. A rewrite helps only as far as it makes them shorter.".to_owned(),
        Group::Disk => "come while its memory is read from disk: give it memory.".to_owned(),
        Group::Connections => "wait for a connection: it answers too few at a time, or --connections is lower than its clients' would be.".to_owned(),
        Group::Outside => "come from the machine or the generator, and not from the service: measure on a quieter machine.".to_owned(),
        Group::Unexplained => format!(
            "are explained by nothing that was seen. Look for what it waits for (a lock, a pool, another service) with a profiler or traces: a rewrite would carry that along.{}",
            match tail.runtime {
                Some(_) => "",
                None => " Pauses of its runtime were not recorded, and may be among them (--jvm, --runtime-log).",
            }
        ),
    }
}

/// The quantile without the time that the runtime stopped the program, where that makes a difference: what
/// a collector takes from requests outside its stops is not in it.
fn without_stops(tail: &Tail) -> String {
    let mut stops = tail
        .causes
        .iter()
        .filter(|one| one.cause == Cause::RuntimeStop);
    let without = stops
        .find(|one| one.explains)
        .and_then(|one| one.quantile_without_us);
    let lower = without
        .zip(tail.at_us)
        .filter(|(less, all)| *less < DIFFERENCE * all);
    lower.map_or_else(String::new, |(us, _)| {
        format!(
            "; without its stops {} would be at most {}",
            quantile(tail.quantile),
            time(us)
        )
    })
}

/// What the stops of a runtime can do to an objective by themselves.
pub(super) fn of_stops(pauses: &RuntimePauses) -> Option<Finding> {
    let against = pauses.against.as_ref()?;
    let bound = time(against.bound_us);
    let longest = pauses.longest_us.unwrap_or(0.0);
    let waiting = share(against.waiting_longer);
    let allowed = share(against.allowed);
    let seen = format!("{} stops in {:.0} s", count(pauses.stops), pauses.seconds);
    Some(if pauses.stops == 0 {
        let text = format!(
            "The {} runtime did not stop the program in {:.0} s: its collector explains nothing over {bound}.",
            pauses.runtime, pauses.seconds
        );
        finding("stops_cannot", text)
    } else if longest <= against.bound_us {
        let text = format!(
            "Stops of at most {} ({seen}) cannot explain by themselves a request over {bound}.",
            time(longest)
        );
        finding("stops_cannot", text)
    } else if against.waiting_longer > against.allowed {
        let text = format!(
            "Stops alone ({seen}, up to {}) make {waiting} of the requests wait longer than {bound}, where {allowed} may: another heap or collector may help, or a language without one.",
            time(longest)
        );
        finding("stops_miss", text)
    } else {
        let text = format!(
            "Stops of up to {} ({seen}) make {waiting} of the requests wait longer than {bound}, where {allowed} may: alone they do not miss it.",
            time(longest)
        );
        finding("stops_rare", text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use understudy_model::Role;
    use understudy_model::profile::StopsAgainst;
    use understudy_model::tail::TailCause;

    fn tail(causes: &[(Cause, f64)]) -> Tail {
        let causes: Vec<TailCause> = causes
            .iter()
            .map(|(cause, first_share)| TailCause {
                cause: *cause,
                events: 10,
                time_share: 0.01,
                longest_us: 4e4,
                share: *first_share,
                expected_share: Some(0.01),
                lift: None,
                explains: true,
                explained_share: *first_share,
                first_share: *first_share,
                quantile_without_us: Some(1_000.0),
            })
            .collect();
        Tail {
            side: Role::Incumbent,
            rate_rps: 500.0,
            quantile: 0.99,
            at_us: Some(31_000.0),
            requests: 100,
            runtime: None,
            unexplained: 1.0 - causes.iter().map(|cause| cause.first_share).sum::<f64>(),
            causes,
        }
    }

    #[test]
    fn the_largest_group_of_causes_says_what_to_do() {
        let found = |causes: &[(Cause, f64)]| of_tail(&tail(causes)).code;
        assert_eq!(found(&[(Cause::RuntimeStop, 0.9)]), "tail_runtime");
        let together = [(Cause::RuntimeStop, 0.3), (Cause::RuntimeAssist, 0.3)];
        assert_eq!(found(&together), "tail_runtime", "one answer for both");
        assert_eq!(found(&[(Cause::Throttled, 0.6)]), "tail_quota");
        assert_eq!(found(&[(Cause::RunQueue, 0.6)]), "tail_cpu");
        assert_eq!(found(&[(Cause::SlowRequest, 0.6)]), "tail_slow_requests");
        assert_eq!(found(&[(Cause::Machine, 0.6)]), "tail_outside");
        assert_eq!(found(&[]), "tail_unexplained");
        let mixed = [(Cause::RuntimeStop, 0.4), (Cause::RunQueue, 0.3)];
        assert_eq!(found(&mixed), "tail_mixed");
        let text = of_tail(&tail(&[(Cause::RuntimeStop, 0.9)])).text;
        assert!(text.contains("p99 would be at most 1.00 ms"), "{text}");
        let text = of_tail(&tail(&[])).text;
        assert!(text.contains("--runtime-log"), "{text}");
    }

    #[test]
    fn stops_are_held_against_the_objective() {
        let found = |stops: u64, longest_us: f64, waiting_longer: f64| {
            let pauses = RuntimePauses {
                runtime: "go".to_owned(),
                processes: 1,
                seconds: 60.0,
                stops,
                time_share: 0.01,
                longest_us: (stops > 0).then_some(longest_us),
                p99_us: None,
                against: Some(StopsAgainst {
                    bound_us: 20_000.0,
                    allowed: 0.01,
                    waiting_longer,
                }),
            };
            of_stops(&pauses).unwrap().code
        };
        assert_eq!(found(0, 0.0, 0.0), "stops_cannot");
        assert_eq!(found(90, 1_200.0, 0.0), "stops_cannot");
        assert_eq!(found(90, 40_000.0, 0.02), "stops_miss");
        assert_eq!(found(90, 40_000.0, 0.001), "stops_rare");
    }
}
