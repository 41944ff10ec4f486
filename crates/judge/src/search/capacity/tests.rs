use super::*;
use understudy_model::gates::GeneratorUse;
use understudy_model::verdict::VerdictRules;
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

fn slo(operation: &str) -> Slo {
    Slo::Latency {
        operation: operation.to_owned(),
        quantile: 0.99,
        max: Span::from_nanos(BOUND_NS),
    }
}

/// An answer after so many nanoseconds, sent late by some of them.
fn answered(operation: u32, lag_ns: u64, latency_ns: u64) -> Observation {
    Observation {
        operation,
        ..understudy_testkit::answered(0, (0, lag_ns, latency_ns)).observation
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
fn violations_are_counted_of_the_operation_and_no_answer_is_one() {
    let operations = ["GET /a".to_owned(), "GET /b".to_owned()];
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
        class: understudy_model::Class::Failed,
        code: 503,
        ..answered(1, 0, 5)
    });
    observations.push(answered(1, 0, 5));
    let mut search = Search::new(config(), &slos, &operations);
    let point = search.record(&left(&observations)).clone();
    assert_eq!(point.violations, [0.2, 0.5, 0.2]);
    assert_eq!((point.requests, point.p99_us), (10, None));
    assert_eq!(point.cpu, Some(0.25));
    assert!(point.trusted);
}

/// Why a step with so many requests that left 2 ms late, and took so long from when they were due, is refused.
fn refused(late: usize, latency_ns: u64, rules: VerdictRules) -> Option<String> {
    let slos = [slo("*")];
    // One at a time, so that no request meets another.
    let mut observations = Vec::new();
    for number in 0..1000 {
        let due = number * 1_000_000_000;
        let (lag_ns, took_ns) = match (number as usize) < late {
            true => (2_000_000, latency_ns),
            false => (0, 1000),
        };
        let one = understudy_testkit::answered(0, (due, due + lag_ns, due + took_ns));
        observations.push(one.observation);
    }
    let mut search = Search::new(config(), &slos, &[]).by(rules);
    let trusted = search.record(&left(&observations)).trusted;
    let refused = search.result().refused_because;
    assert_eq!(refused.is_some(), !trusted);
    refused
}

#[test]
fn a_step_is_refused_where_its_answer_turns_on_lateness() {
    let by_lateness = BOUND_NS + 1_000_000;
    let in_any_case = BOUND_NS + 3_000_000;
    let refused = |late, latency_ns| refused(late, latency_ns, VerdictRules::default());
    let why = refused(20, by_lateness).unwrap();
    assert!(
        why.starts_with(
            "p99 of all requests at most 10ms turns on the generator's lateness: 0.00 % to 2.00 % of the requests violate it"
        ),
        "{why}"
    );
    assert!(
        refused(5, by_lateness).is_some(),
        "near the capacity counts are needed, not sides"
    );
    assert_eq!(refused(3, by_lateness), None, "held with ease");
    assert_eq!(
        refused(300, in_any_case),
        None,
        "missed however it is counted"
    );
    assert_eq!(refused(10, in_any_case), None, "the same count");
    assert_eq!(refused(300, BOUND_NS), None, "within the bound");
}

#[test]
fn a_run_of_the_first_rules_keeps_its_searches() {
    let first = |late| refused(late, BOUND_NS + 1_000_000, VerdictRules::FIRST);
    assert!(first(3).unwrap().contains("sent them late (limit 0.20 %)"));
    assert_eq!(first(2), None, "a fifth of what is allowed");
}

#[test]
fn what_bears_on_latencies_refuses_no_errors() {
    let errors = [Slo::ErrorRate {
        max: Share::new(0.01),
    }];
    let both = [errors[0].clone(), slo("*")];
    let observations = vec![answered(0, 0, BOUND_NS + 1); 1000];
    let trusted = |slos: &[Slo], generator: GeneratorUse| {
        let mut search = Search::new(config(), slos, &[]);
        let left = Left {
            generator,
            ..left(&observations)
        };
        search.record(&left).trusted
    };
    for disturbed in [
        GeneratorUse {
            busy_share: 0.9,
            ..quiet()
        },
        GeneratorUse {
            run_queue_share: Some(0.2),
            ..quiet()
        },
        GeneratorUse {
            steal_share: Some(0.2),
            ..quiet()
        },
    ] {
        assert!(trusted(&errors, disturbed), "{disturbed:?}");
        assert!(!trusted(&both, disturbed), "{disturbed:?}");
    }
    // The rate of the step was not offered: nothing that is found is at that rate.
    let slow = GeneratorUse {
        late: 20,
        ..quiet()
    };
    assert!(!trusted(&errors, slow) && !trusted(&both, slow));
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
