use super::*;
use crate::simulated;
use understudy_load::GeneratorUse;
use understudy_model::{Ending, FailureKind, Observation};

const BOUND_NS: u64 = 10_000_000;

fn config() -> CapacityConfig {
    CapacityConfig {
        width: Share::new(0.05),
        first_rate: 500.0,
        highest_rate: 1e6,
        warmup: Span::from_secs(1),
        budget: Some(Span::from_secs(20)),
    }
}

fn slo(endpoint: &str) -> Slo {
    Slo::Latency {
        endpoint: endpoint.to_owned(),
        quantile: 0.99,
        max: Span::from_nanos(BOUND_NS),
    }
}

/// An answer after so many nanoseconds, sent late by some of them.
fn answered(endpoint: u32, lag_ns: u64, latency_ns: u64) -> Observation {
    Observation {
        endpoint,
        ..simulated::answered(0, (0, lag_ns, latency_ns)).observation
    }
}

fn quiet() -> GeneratorUse {
    GeneratorUse {
        due: 1000,
        sent: 1000,
        busy_share: 0.1,
        wall_ns: 1_000_000_000,
        ..GeneratorUse::default()
    }
}

fn left(observations: &[Observation]) -> Left<'_> {
    Left {
        rate_rps: 500.0,
        observations,
        generator: quiet(),
        neighbours: None,
        cpu_us: Some(500_000.0),
        warmup_s: 1.0,
        measured_s: 2.0,
    }
}

#[test]
fn violations_are_counted_of_the_endpoint_and_no_answer_is_one() {
    let endpoints = ["GET /a".to_owned(), "GET /b".to_owned()];
    let slos = [
        slo("*"),
        slo("GET /b"),
        Slo::ErrorRate {
            max: Share::new(0.01),
        },
    ];
    let mut observations = vec![answered(0, 0, BOUND_NS); 6];
    observations.push(answered(1, 0, BOUND_NS + 1));
    observations.push(Observation {
        ending: Ending::Failed(FailureKind::Closed),
        ..answered(1, 0, 5)
    });
    observations.push(Observation {
        code: 503,
        ..answered(1, 0, 5)
    });
    observations.push(answered(1, 0, 5));
    let mut search = Search::new(config(), &slos, &endpoints);
    let point = search.record(&left(&observations)).clone();
    assert_eq!(point.violations, [0.2, 0.5, 0.2]);
    assert_eq!((point.requests, point.p99_us), (10, None));
    assert_eq!(point.cpu, Some(0.25));
    assert!(point.trusted);
}

#[test]
fn lateness_of_the_generator_is_refused_where_it_decides() {
    let slos = [slo("*")];
    let refused = |late: usize, latency_ns: u64| {
        let mut observations = vec![answered(0, 0, 1000); 1000 - late];
        observations.extend(vec![answered(0, 2_000_000, latency_ns); late]);
        let mut search = Search::new(config(), &slos, &[]);
        let trusted = search.record(&left(&observations)).trusted;
        let result = search.result();
        assert_eq!(result.refused_because.is_some(), !trusted);
        !trusted
    };
    assert!(
        refused(3, BOUND_NS + 1_000_000),
        "over the bound by lateness alone"
    );
    assert!(
        !refused(2, BOUND_NS + 1_000_000),
        "a fifth of what is allowed"
    );
    assert!(
        !refused(300, BOUND_NS + 3_000_000),
        "over the bound in any case"
    );
    assert!(!refused(300, BOUND_NS), "within it in any case");
}

#[test]
fn the_time_ends_a_search_and_patience_follows_the_bound() {
    let slos = [slo("*")];
    let mut search = Search::new(config(), &slos, &[]);
    let observations = vec![answered(0, 0, 1000); 1000];
    let mut seconds = 0.0;
    while let Some(planned) = search.next() {
        seconds += planned.measured.secs() + 1.0;
        search.record(&Left {
            rate_rps: planned.rate_rps,
            measured_s: planned.measured.secs(),
            ..left(&observations)
        });
    }
    assert!((15.0..=20.0).contains(&seconds), "{seconds}");
    assert_eq!(search.result().kind, CapacityKind::AtLeast);
    assert_eq!(search.patience(Span::from_secs(10)), Span::from_secs(1));
    assert_eq!(search.patience(Span::from_millis(5)), Span::from_millis(5));
}
