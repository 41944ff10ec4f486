//! How the reports of the fixtures were measured: method, machine, warm-up, causes of the tail.

use std::collections::BTreeMap;
use understudy_model::tail::{Tail, TailCause};
use understudy_model::verdict::{Environment, Estimate, MeasuredRate, Method, VerdictRules};
use understudy_model::warm_up::{Course, Settling, WarmUp};
use understudy_model::{Cause, Pacing, Role};

pub(crate) fn method() -> Method {
    Method {
        pacing: Pacing::Offered,
        level: "default".to_owned(),
        seed: 1,
        arrivals: "poisson".to_owned(),
        connections: 64,
        requests: 6000,
        rates: vec![
            MeasuredRate {
                rate_rps: 1000.0,
                pairs: 6,
                warmup_s: 1.0,
                measured_s: 8.0,
            },
            MeasuredRate {
                rate_rps: 4000.0,
                pairs: 10,
                warmup_s: 1.0,
                measured_s: 8.0,
            },
        ],
        looks: Vec::new(),
        sides: BTreeMap::from([
            (
                "incumbent".to_owned(),
                "node server.js --port {port}".to_owned(),
            ),
            (
                "candidate".to_owned(),
                "./target/release/read-states --port {port} --token $TOKEN".to_owned(),
            ),
        ]),
        limits: BTreeMap::from([
            ("cpus".to_owned(), "1".to_owned()),
            ("memory".to_owned(), "512MiB".to_owned()),
        ]),
        repeat: "understudy trial trial.toml".to_owned(),
    }
}

pub(crate) fn environment() -> Environment {
    Environment {
        one_program: false,
        understudy: "0.1.0".to_owned(),
        kernel: "linux 6.18.44".to_owned(),
        cpu_model: "Intel(R) Xeon(R) Processor".to_owned(),
        cpus: 2,
        governor: None,
        memory_bytes: 25_276_514_304,
        cgroup: "v2".to_owned(),
        started_at: "2026-11-22T20:18:36.395541312Z".to_owned(),
        generator_cpus: vec![0],
        subject_cpus: vec![1],
        hashes: BTreeMap::from([
            (
                "incumbent".to_owned(),
                "ae4f8ffc55b3ca524e859a5a9131ffbc4fa9281ce739524517de97a02bd2ef30".to_owned(),
            ),
            (
                "candidate".to_owned(),
                "a5e2120f3fbdc39118d55bccaebdf9e96514e3c43b057cd868986ef04d89b6be".to_owned(),
            ),
        ]),
        versions: BTreeMap::from([("understudy".to_owned(), "0.1.0".to_owned())]),
        rules: VerdictRules::default(),
    }
}

/// The incumbent warms up, the candidate has nothing to warm.
pub(crate) fn warm_up() -> Vec<WarmUp> {
    let side = |side: Role, ready_s: f64, course: Course, after_us: f64| WarmUp {
        side,
        starts: 3,
        ready_least_s: Some(ready_s),
        ready_most_s: Some(ready_s * 1.4),
        settling: Some(Settling {
            rate_rps: 4000.0,
            lasted_s: 5.0,
            first_us: Some(after_us * 9.0),
            course,
            steady_after_s: Some(if course == Course::Flat { 0.0 } else { 1.35 }),
            before_us: after_us * if course == Course::Flat { 1.0 } else { 4.0 },
            after_us,
        }),
    };
    vec![
        side(Role::Incumbent, 0.31, Course::WarmsUp, 212.0),
        side(Role::Candidate, 0.02, Course::Flat, 98.0),
    ]
}

/// The incumbent's tail has causes, most of the candidate's has none.
pub(crate) fn tails() -> Vec<Tail> {
    let cause = |cause: Cause, share: f64, first_share: f64| TailCause {
        cause,
        events: 812,
        time_share: 0.011,
        longest_us: 640.0,
        share,
        expected_share: Some(share / 8.0),
        lift: Some(Estimate {
            estimate: Some(8.0),
            low: Some(6.5),
            high: Some(10.2),
        }),
        explains: true,
        explained_share: share * 0.9,
        first_share,
        quantile_without_us: (cause == Cause::RuntimeStop).then_some(711.0),
    };
    let tail = |side: Role, causes: Vec<TailCause>, at_us: f64| Tail {
        side,
        rate_rps: 4000.0,
        quantile: 0.99,
        at_us: Some(at_us),
        requests: 6_400,
        runtime: (side == Role::Incumbent).then(|| "go".to_owned()),
        unexplained: 1.0 - causes.iter().map(|c| c.first_share).sum::<f64>(),
        causes,
    };
    let of_the_runtime = vec![
        cause(Cause::RuntimeStop, 0.42, 0.42),
        cause(Cause::RuntimeConcurrent, 0.61, 0.25),
    ];
    let of_the_machine = vec![cause(Cause::Machine, 0.09, 0.09)];
    vec![
        tail(Role::Incumbent, of_the_runtime, 984.0),
        tail(Role::Candidate, of_the_machine, 246.0),
    ]
}
