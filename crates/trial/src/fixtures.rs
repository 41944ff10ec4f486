//! Verdicts, and sides without a program, as the tests of this crate need them.

use crate::history::StoredRun;
use crate::subject::Measuring;
use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use understudy_compare::{Noise, Rules};
use understudy_evidence::RunDirectory;
use understudy_judge::plan::Plan;
use understudy_judge::terms::{Level, LimitsConfig, Question, SideTerms, Sizing, Terms};
use understudy_model::verdict::{
    Comparison, Environment, Estimate, LatencyComparison, Method, Primary, Resource,
    ResourceComparison, SCHEMA, Verdict, VerdictDocument, VerdictRules,
};
use understudy_model::{Arrivals, Class, Ending, Pacing, Role, Status};
use understudy_redact::Redactor;
use understudy_subject::{GroupMemory, Run, Runner, Trouble};

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
                edges: None,
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

/// What runs a side without a program: it notes what it is asked for.
pub(crate) struct Noting {
    pub(crate) side: Role,
    pub(crate) asked: Arc<Mutex<Vec<(Role, &'static str)>>>,
}

impl Noting {
    fn note(&self, what: &'static str) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.push((self.side, what));
    }
}

impl Runner for Noting {
    fn run(&mut self, cases: &[u32]) -> Result<Vec<Run>, Trouble> {
        self.note("run");
        let run = |case: &u32| Run {
            case: *case,
            ending: Ending::Answered,
            status: Status {
                code: 0,
                class: Class::Ok,
            },
            bytes: 1,
            hash: 7,
            wall_ns: 60_000_000,
            cpu_us: 1000.0,
            peak_rss_bytes: Some(1e6),
            out_of_memory: false,
        };
        Ok(cases.iter().map(run).collect())
    }

    fn unmeasured(&self) -> &[String] {
        &[]
    }

    fn renew(&mut self) -> Result<(), Trouble> {
        self.note("renew");
        Ok(())
    }

    fn memory(&self) -> GroupMemory {
        GroupMemory {
            kills: Some(0),
            peak_bytes: Some(64 << 20),
        }
    }
}

/// Has something measured of an incumbent and a candidate that are commands, up to the first look.
pub(crate) fn measuring(with: impl FnOnce(&Measuring<'_>)) {
    let folder = tempfile::tempdir().unwrap();
    let run = RunDirectory::create(folder.path(), "commands", "20261122T000000Z").unwrap();
    let side = |side| SideTerms {
        side,
        runs: "true".to_owned(),
        is_launched: true,
    };
    let terms = Terms {
        name: "commands".to_owned(),
        level: Level::Quick,
        seed: 1,
        sides: [Role::Incumbent, Role::Candidate].map(side).into(),
        pacing: Pacing::Serial,
        rates: vec![Pacing::NO_RATE],
        arrivals: Arrivals::Poisson,
        connections: 1,
        fresh: None,
        warmup: None,
        slos: Vec::new(),
        goals: Vec::new(),
        question: Question::Replace,
        limits: LimitsConfig::default(),
        sizing: Sizing::default(),
        capacity: None,
        memory_floor: None,
        edges: None,
        case: None,
    };
    with(&Measuring {
        terms: &terms,
        plan: &Plan::new(&terms).until(0),
        rules: VerdictRules::default(),
        noise: &Noise::default(),
        accepted: &Rules::default(),
        redactor: &Redactor::new([7; 16]),
        run: &run,
        stop: &AtomicBool::new(false),
        watch: &|_| {},
        // The first look is the last.
        settled: &|| Ok(true),
    });
}
