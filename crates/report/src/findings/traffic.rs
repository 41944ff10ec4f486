//! What live traffic that was merely watched says about the need for a rewrite.

use super::{NO_PROBLEM, finding};
use crate::figures::{rate, share};
use understudy_model::profile::{Finding, ObjectiveSeen, ProfileReport, Traffic};

/// The answer of a service to which nothing was sent.
pub(super) fn answer(report: &ProfileReport) -> Finding {
    let Some(traffic) = &report.traffic else {
        return finding(
            "latency_not_seen",
            "Nothing was sent and no access log was read: it is not known if it holds an objective, only what it used and how its runtime paused.".to_owned(),
        );
    };
    let asked = rate(traffic.rate_rps);
    if traffic.requests == 0 {
        return finding(
            "no_traffic",
            "Its access log got no line with a duration whose unit is certain: it is not known if it holds an objective.".to_owned(),
        );
    }
    if traffic.objectives.is_empty() {
        return finding(
            "not_asked",
            format!(
                "It served {asked}; it is not known if that was good enough: give the objective with --slo."
            ),
        );
    }
    let missed: Vec<&ObjectiveSeen> = traffic
        .objectives
        .iter()
        .filter(|one| one.held() == Some(false))
        .collect();
    if !missed.is_empty() {
        let text = format!(
            "At {asked} it misses {}. First look at the cause and tune; understudy trial says whether a candidate does better.",
            describe_all(&missed)
        );
        return finding("slo_missed", text);
    }
    let all: Vec<&ObjectiveSeen> = traffic.objectives.iter().collect();
    match all.iter().all(|one| one.held() == Some(true)) {
        true => finding(NO_PROBLEM, held(traffic, &describe_all(&all), &asked)),
        false => finding(
            "undecided",
            format!(
                "At {asked} it is undecided if it holds its objectives: {}. Watch it for longer.",
                describe_all(&all)
            ),
        ),
    }
}

fn held(traffic: &Traffic, objectives: &str, asked: &str) -> String {
    format!(
        "At {asked}, over {} requests, it holds {objectives}: there is no latency problem that a rewrite solves. Watching does not show how much more it could serve: profile a copy of it with --rate.",
        crate::figures::count(traffic.requests)
    )
}

fn describe_all(objectives: &[&ObjectiveSeen]) -> String {
    let each: Vec<String> = objectives.iter().map(|one| describe(one)).collect();
    each.join(" and ")
}

fn describe(one: &ObjectiveSeen) -> String {
    let of = |end: Option<f64>| end.map_or_else(|| "?".to_owned(), share);
    format!(
        "{} ({} of the requests are over it, 95 % interval {} to {}; {} may be)",
        one.slo,
        of(one.violated.estimate),
        of(one.violated.low),
        of(one.violated.high),
        share(one.allowed)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use understudy_model::verdict::Estimate;

    fn code(violated: Option<[f64; 3]>, requests: u64) -> String {
        let objective = violated.map(|[low, estimate, high]| ObjectiveSeen {
            slo: "p99 of all requests at most 20ms".to_owned(),
            allowed: 0.01,
            violated: Estimate {
                estimate: Some(estimate),
                low: Some(low),
                high: Some(high),
            },
        });
        let traffic = Traffic {
            requests,
            without_duration: 0,
            rate_rps: 300.0,
            p50_us: Some(900.0),
            p99_us: Some(9_000.0),
            objectives: objective.into_iter().collect(),
        };
        let report = ProfileReport {
            traffic: Some(traffic),
            ..ProfileReport::default()
        };
        answer(&report).code
    }

    #[test]
    fn the_answer_follows_from_the_interval() {
        assert_eq!(code(Some([0.001, 0.002, 0.004]), 9000), "no_problem");
        assert_eq!(code(Some([0.02, 0.03, 0.04]), 9000), "slo_missed");
        assert_eq!(code(Some([0.001, 0.008, 0.02]), 900), "undecided");
        assert_eq!(code(None, 900), "not_asked");
        assert_eq!(code(Some([0.0, 0.0, 1.0]), 0), "no_traffic");
        assert_eq!(answer(&ProfileReport::default()).code, "latency_not_seen");
    }
}
