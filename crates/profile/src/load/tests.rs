use super::*;
use crate::service::ServiceConfig;
use understudy_load::DEFAULT_QUEUE;
use understudy_model::gates::GeneratorUse;
use understudy_model::stored::{Happenings, Table};
use understudy_model::{Arrivals, Cause, Happening};
use understudy_observe::Attach;
use understudy_observe::resources::Measured;
use understudy_testkit::answered;

const MS: u64 = 1_000_000;

/// 12 s after 1 s of warm-up at 1,000/s, every request late by 10 ms; the runtime stops for 50 ms a second.
fn at_rate(generator: GeneratorUse) -> AtRate {
    let observations = (1_000..13_000u64).map(|number| {
        let sent = number * MS + 10 * MS;
        let ended = sent + 50u64.saturating_sub(number % 1_000) * MS + MS;
        answered(0, (number * MS, sent, ended)).observation
    });
    let stop = |second: u64| Happening {
        cause: Cause::RuntimeStop,
        start_ns: second * 1_000 * MS,
        end_ns: (second * 1_000 + 50) * MS,
        error_ns: 0,
    };
    let column = |name: &str, per_s: f64| {
        let values = (1..=13).map(|at| Some(f64::from(at) * per_s)).collect();
        (name.to_owned(), values)
    };
    let samples = Table {
        columns: vec![
            column("at_s", 1.0),
            column("cpu_user_us", 2e5),
            column("cpu_system_us", 5e4),
            column("rss_bytes", 1e6),
        ],
    };
    AtRate {
        plan: plan(),
        rate_rps: 1000.0,
        measurement: Measurement {
            observations: observations.collect(),
            generator,
        },
        seen: Circumstances {
            measured: Measured {
                samples,
                ..Measured::default()
            },
            happened: Happenings {
                runtime: Some("go".to_owned()),
                all: (0..13).map(stop).collect(),
            },
        },
    }
}

fn plan() -> Plan {
    Plan {
        rate: Rate::PerSecond(1000.0),
        arrivals: Arrivals::Poisson,
        warmup: Span::from_secs(1),
        duration: Span::from_secs(12),
        connections: 64,
        threads: 1,
        cpus: None,
        apart: false,
        timeout: Span::from_secs(10),
        seed: 1,
        queue: DEFAULT_QUEUE,
    }
}

fn report(generator: GeneratorUse) -> ProfileReport {
    let service = Service::attach(ServiceConfig {
        attach: Some(Attach::Pid(std::process::id())),
        ..ServiceConfig::default()
    })
    .unwrap();
    let slo = Slo::Latency {
        operation: "*".to_owned(),
        quantile: 0.99,
        max: Span::from_millis(20),
    };
    let mut report = ProfileReport::default();
    at_rate(generator).add_to(&mut report, &[slo], &service);
    report
}

#[test]
fn gates_refuse_the_tail_and_neither_resources_nor_pauses() {
    let late = report(GeneratorUse::default());
    assert!(late.tail.is_some(), "lateness refuses nothing: {late:?}");
    let waits = report(GeneratorUse {
        run_queue_share: Some(0.2),
        ..GeneratorUse::default()
    });
    assert_eq!(waits.tail, None);
    let why = waits.not_seen.iter().find(|why| why.contains("slowest"));
    assert!(why.unwrap().contains("waited 20.0 % of the time for a CPU"));
    for report in [late, waits] {
        let used = report.used.unwrap();
        assert!((used.cpus - 0.25).abs() < 1e-9, "{used:?}");
        assert_eq!(used.memory.peak_rss_bytes, Some(13e6));
        assert_eq!(report.pauses.unwrap().stops, 12);
    }
}

#[test]
fn the_measurement_at_the_rate_leaves_the_search_its_part_of_the_budget() {
    let of = |total_s, rate_rps: f64| {
        let budget = Budget {
            total: Span::from_secs(total_s),
            warmup: Span::from_secs(1),
        };
        let search = budget.search(rate_rps);
        assert_eq!(search.highest_rate, rate_rps * 20.0);
        let left = search.budget.unwrap();
        assert!(left.secs() >= 1.0, "{left}");
        (
            budget.is_enough(),
            budget.at_rate(rate_rps).secs(),
            left.secs(),
        )
    };
    assert_eq!(of(120, 1000.0), (true, 10.0, 109.0));
    assert_eq!(of(120, 10.0), (true, 30.0, 89.0), "at most 30 s");
    assert_eq!(of(120, 1e5), (true, 5.0, 114.0), "at least 5 s");
    assert_eq!(of(12, 10.0), (true, 3.0, 8.0), "at most a third");
    assert_eq!(of(4, 10.0), (true, 0.5, 2.5));
    assert!(!of(3, 10.0).0);
}
