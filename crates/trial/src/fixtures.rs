//! Verdicts as the tests of this crate need them.

use crate::history::StoredRun;
use std::collections::BTreeMap;
use understudy_model::Role;
use understudy_model::verdict::{
    Comparison, Environment, Estimate, LatencyComparison, Method, Primary, Resource,
    ResourceComparison, SCHEMA, Verdict, VerdictDocument, VerdictRules,
};

pub(crate) fn estimate(value: f64) -> Estimate {
    Estimate {
        estimate: Some(value),
        low: Some(value * 0.9),
        high: Some(value * 1.1),
    }
}

pub(crate) fn resource(about: Resource, level: f64, ratio: f64) -> ResourceComparison {
    ResourceComparison {
        resource: about,
        rate_rps: 4000.0,
        baseline: Some(estimate(level)),
        contender: Some(estimate(level * ratio)),
        ratio: Some(estimate(ratio)),
        pairs: 6,
        unmeasured: None,
    }
}

pub(crate) fn p99(level: f64, ratio: f64) -> LatencyComparison {
    LatencyComparison {
        operation: "*".to_owned(),
        rate_rps: 4000.0,
        quantile: 0.99,
        baseline_us: Some(estimate(level)),
        contender_us: Some(estimate(level * ratio)),
        ratio: Some(estimate(ratio)),
        baseline_from_sent_us: None,
        contender_from_sent_us: None,
        ratio_from_sent: None,
        p_value: None,
        p_value_holm: None,
        mde: None,
        pairs: 6,
        judged: true,
        not_judged_because: None,
    }
}

/// A run of a day of November at which the incumbent took so much CPU time a request.
pub(crate) fn run(day: u32, cpu_us: f64, ratio: f64) -> StoredRun {
    let hashes = ["incumbent", "candidate", "requests"];
    StoredRun {
        name: format!("read-states-202611{day:02}T101112Z"),
        verdict: VerdictDocument {
            schema: SCHEMA,
            name: "read-states".to_owned(),
            verdict: Verdict::Replace,
            because: Vec::new(),
            comparisons: vec![Comparison {
                baseline: Role::Incumbent,
                contender: Role::Candidate,
                equivalence: understudy_compare::tally(
                    &[],
                    &understudy_compare::Noise::default(),
                    &understudy_compare::Rules::default(),
                    understudy_compare::Workload {
                        operations: &[],
                        size: &|_| 0,
                        reproduce: &|_| String::new(),
                    },
                ),
                self_test: None,
                under_load: None,
                quality: Vec::new(),
                quality_over_clips: Vec::new(),
                latency: vec![p99(6000.0, 0.5)],
                resources: vec![
                    resource(Resource::CpuUsPerRequest, cpu_us, ratio),
                    resource(Resource::PeakRssBytes, 2e8, 0.4),
                ],
                growth: Vec::new(),
            }],
            aa: vec![p99(6000.0, 1.1)],
            aa_resources: vec![resource(Resource::CpuUsPerRequest, cpu_us, 1.02)],
            warm_up: Vec::new(),
            tails: Vec::new(),
            slo: Vec::new(),
            goals: Vec::new(),
            tuned_goals: Vec::new(),
            gates: Vec::new(),
            refused: Vec::new(),
            primary: Some(Primary {
                operation: "*".to_owned(),
                quantile: 0.99,
                rate_rps: 4000.0,
                resource: None,
            }),
            method: Method {
                pacing: understudy_model::Pacing::Offered,
                level: "quick".to_owned(),
                seed: 1,
                arrivals: "poisson".to_owned(),
                connections: 64,
                requests: 60,
                rates: Vec::new(),
                looks: Vec::new(),
                sides: BTreeMap::new(),
                limits: BTreeMap::new(),
                repeat: String::new(),
            },
            environment: Environment {
                kernel: "linux 6.1".to_owned(),
                cpu_model: "A".to_owned(),
                cpus: 2,
                memory_bytes: 8_000_000_000,
                started_at: format!("2026-11-{day:02}T10:11:12Z"),
                hashes: hashes.map(|name| (name.to_owned(), name.to_owned())).into(),
                rules: VerdictRules::BOUNDS,
                ..Environment::default()
            },
            limits_of_this_result: Vec::new(),
            capacity: Vec::new(),
            memory_floors: Vec::new(),
            instructions: None,
        },
        config: None,
    }
}
