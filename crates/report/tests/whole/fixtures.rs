//! Documents as real trials make them, one of each kind.

use crate::circumstances::{environment, method, tails, warm_up};
use std::collections::BTreeMap;
use understudy_case::{Case, CaseDocument, Currency, Input, Source, Value, assess};
use understudy_model::proof::{FaultCount, Hiding, SelfTest};
use understudy_model::verdict::{
    Bearing, Cluster, Comparison, Coverage, Equivalence, Estimate, Example, Excuse, Figure, Gate,
    GoalResult, Held, LatencyComparison, LatencyQuantile, Noise, OperationCoverage, Primary,
    Reason, Reproduced, Resource, ResourceComparison, SloResult, UnderLoad, Verdict,
    VerdictDocument,
};
use understudy_model::{DifferenceKind, Role};

const QUANTILES: [f64; 4] = [0.5, 0.9, 0.99, 0.999];
pub(crate) const MIB: f64 = 1_048_576.0;

pub(crate) fn estimate(low: f64, estimate: f64, high: f64) -> Estimate {
    Estimate {
        estimate: Some(estimate),
        low: Some(low),
        high: Some(high),
    }
}

/// An estimate with an interval of this relative width.
fn around(value: f64, width: f64) -> Estimate {
    estimate(value / (1.0 + width), value, value * (1.0 + width))
}

fn reason(code: &str, text: &str) -> Reason {
    Reason {
        code: code.to_owned(),
        text: text.to_owned(),
        figures: BTreeMap::from([("bound_ratio".to_owned(), 0.7)]),
    }
}

fn latency(rate_rps: f64, q: f64, baseline_us: f64, ratio: Estimate) -> LatencyComparison {
    LatencyComparison {
        operation: "*".to_owned(),
        rate_rps,
        quantile: q,
        baseline_us: Some(around(baseline_us, 0.12)),
        contender_us: Some(around(baseline_us * ratio.estimate.unwrap(), 0.1)),
        baseline_from_sent_us: None,
        contender_from_sent_us: None,
        ratio_from_sent: None,
        ratio: Some(ratio),
        p_value: Some(0.031),
        p_value_holm: Some(0.094),
        mde: Some((ratio.high.unwrap() / ratio.estimate.unwrap() - 1.0) * 1.6),
        pairs: 10,
        judged: true,
        not_judged_because: None,
    }
}

fn resource(resource: Resource, rate_rps: f64, baseline: f64, ratio: f64) -> ResourceComparison {
    ResourceComparison {
        resource,
        rate_rps,
        baseline: Some(around(baseline, 0.04)),
        contender: Some(around(baseline * ratio, 0.03)),
        ratio: Some(around(ratio, 0.05)),
        pairs: 10,
        unmeasured: None,
    }
}

/// Latency and resources at two rates; the candidate at this part of the incumbent.
fn self_test() -> SelfTest {
    SelfTest {
        injected: 1_120,
        missed: 28,
        not_compared: 0,
        faults: vec![FaultCount {
            operation: "GET /users/{id}/channels/{id}/readState".to_owned(),
            fault: "time_shifted".to_owned(),
            description: "a time is an hour later".to_owned(),
            injected: 40,
            missed: 28,
        }],
        hidden_by: vec![Hiding {
            by: "rule 1: $.generated_at".to_owned(),
            missed: 28,
            faults: [("time_shifted".to_owned(), 28)].into(),
            places: vec!["GET /users/{id}/channels/{id}/readState $.generated_at".to_owned()],
            needless: Vec::new(),
            baseline: "\"2026-11-23T09:00:00Z\"".to_owned(),
            contender: "\"2026-11-23T10:00:00Z\"".to_owned(),
        }],
    }
}

fn comparison(tail: f64, cpu: f64) -> Comparison {
    let incumbent = [106.0, 181.0, 984.0, 4260.0];
    let mut latencies = Vec::new();
    let mut resources = Vec::new();
    for (rate_rps, more) in [(1000.0, 0.8), (4000.0, 1.0)] {
        for (q, us) in QUANTILES.into_iter().zip(incumbent) {
            let ratio = tail.powf(0.3 + q);
            latencies.push(latency(
                rate_rps,
                q,
                us * more,
                around(ratio, 0.15 + 2.0 * (q - 0.5).powi(4)),
            ));
        }
        resources.extend([
            resource(Resource::CpuUsPerRequest, rate_rps, 80.7 * more, cpu),
            resource(Resource::PeakRssBytes, rate_rps, 273.0 * MIB, 0.421),
            resource(Resource::PeakPssBytes, rate_rps, 270.0 * MIB, 0.42),
            resource(Resource::PeakCgroupBytes, rate_rps, 267.0 * MIB, 0.419),
        ]);
    }
    Comparison {
        baseline: Role::Incumbent,
        contender: Role::Candidate,
        equivalence: equivalence(),
        self_test: Some(self_test()),
        under_load: Some(UnderLoad {
            answered: 423_648,
            agreeing: 423_640,
            deviating: 0,
            not_inspected: 8,
            deviations: Vec::new(),
        }),
        edges: None,
        quality: Vec::new(),
        quality_over_clips: Vec::new(),
        latency: latencies,
        resources,
        growth: Vec::new(),
    }
}

fn equivalence() -> Equivalence {
    Equivalence {
        eligible: 6000,
        compared: 6000,
        equal: 5954,
        different: 0,
        excused: 46,
        lost: 0,
        lost_by_reason: BTreeMap::new(),
        excused_by: vec![Excuse {
            by: "rule 1: $.generated_at".to_owned(),
            reason: Some("a time stamp, agreed with the platform team".to_owned()),
            pairs: 46,
        }],
        mismatch_upper_95: 0.0005,
        counted: 6000,
        statuses: [(200, 6000)].into(),
        refusals: [].into(),
        coverage: Coverage {
            bytes: 1_200_000,
            noise: 24_000,
            rules: 0,
        },
        coverage_by_operation: vec![OperationCoverage {
            operation: "GET /read-states/{id}".into(),
            compared: 6000,
            covered: 0,
            coverage: Coverage {
                bytes: 1_200_000,
                noise: 24_000,
                rules: 0,
            },
        }],
        clusters: Vec::new(),
        noise: vec![Noise {
            operation: "GET /channels/{id}/unread".to_owned(),
            path: "$.generated_at".into(),
            kind: DifferenceKind::Value,
            characters: vec!["timestamp rfc3339 ms Z".to_owned()],
            fits: "within 16 s".to_owned(),
            pairs: 44,
        }],
    }
}

fn p99() -> Figure {
    Figure::Latency(LatencyQuantile {
        operation: "*".to_owned(),
        quantile: 0.99,
    })
}

fn slo(
    text: &str,
    side: Role,
    rate_rps: f64,
    value: Estimate,
    bound: f64,
    held: Held,
) -> SloResult {
    SloResult {
        slo: text.to_owned(),
        about: match text.starts_with("p99") {
            true => p99(),
            false => Figure::ErrorShare,
        },
        side,
        rate_rps,
        value: Some(value),
        from_sent: None,
        bound,
        held,
        primary: text.starts_with("p99") && rate_rps == 4000.0,
    }
}

fn slos(incumbent_p99_us: f64, candidate_p99_us: f64) -> Vec<SloResult> {
    let bound = 2000.0;
    let held = |value: f64| {
        if value < bound {
            Held::Holds
        } else {
            Held::Misses
        }
    };
    let mut all = Vec::new();
    let sides = [
        (Role::Incumbent, incumbent_p99_us),
        (Role::Candidate, candidate_p99_us),
    ];
    for rate_rps in [1000.0, 4000.0] {
        for (side, us) in sides {
            let text = "p99 of all requests at most 2ms";
            all.push(slo(text, side, rate_rps, around(us, 0.2), bound, held(us)));
        }
    }
    for rate_rps in [1000.0, 4000.0] {
        for side in [Role::Incumbent, Role::Candidate] {
            let none = estimate(0.0, 0.0, 0.000_035);
            let text = "error rate at most 0.1%";
            all.push(slo(text, side, rate_rps, none, 0.001, Held::Holds));
        }
    }
    all
}

fn goal(text: &str, ratio: Estimate, bound: f64, held: Held, required: bool) -> GoalResult {
    let about = match text.split(' ').next() {
        Some("p99") => p99(),
        Some("memory") => Figure::Resource(Resource::PeakPssBytes),
        _ => Figure::Resource(Resource::CpuUsPerRequest),
    };
    GoalResult {
        goal: text.to_owned(),
        about,
        ratio: Some(ratio),
        ratio_from_sent: None,
        bound,
        held,
        not_judged_because: None,
        required,
    }
}

fn gate(code: &str, passed: bool, text: &str) -> Gate {
    Gate {
        code: code.to_owned(),
        at: "4000/s".to_owned(),
        passed,
        text: text.to_owned(),
        bears_on: Vec::new(),
        rate_rps: None,
    }
}

fn gates() -> Vec<Gate> {
    vec![
        gate(
            "generator_cpu",
            true,
            "in 20 of 20 measurements at 4000/s: the busiest generator thread worked 28 % of the time (limit 80 %)",
        ),
        gate(
            "send_lag",
            true,
            "in 20 of 20 measurements at 4000/s: requests left 89 us after they were due and had a connection (p99; limit 1000 us)",
        ),
        gate(
            "sent_rate",
            true,
            "in 20 of 20 measurements at 4000/s: 0.00 % of the requests that were due were sent after the window though a connection was free (limit 1 %)",
        ),
        gate(
            "aa",
            true,
            "the incumbent against itself: -4.2 % (95 % interval -18.7 % to +12.2 %; limit 5 % where the interval excludes 0)",
        ),
    ]
}

fn against_itself() -> Vec<LatencyComparison> {
    let at = |rate_rps, q: f64| {
        latency(
            rate_rps,
            q,
            150.0,
            around(1.02, 0.1 + 0.9 * (q - 0.45).powi(2)),
        )
    };
    [1000.0, 4000.0]
        .into_iter()
        .flat_map(|rate_rps| QUANTILES.map(|q| at(rate_rps, q)))
        .collect()
}

/// The candidate reaches the goals.
pub(crate) fn replace() -> VerdictDocument {
    let comparison = comparison(0.3, 0.49);
    let cpu = comparison.resources[4].ratio.unwrap();
    let memory = comparison.resources[6].ratio.unwrap();
    VerdictDocument {
        schema: 1,
        name: "read-states".to_owned(),
        verdict: Verdict::Replace,
        because: vec![
            reason("goal_reached", "the goal \"CPU per request -30%\" is reached: -51.0 % (95 % interval -53.3 % to -48.5 %)"),
            reason("goal_reached", "the goal \"memory -40%\" is reached: -58.0 % (95 % interval -60.0 % to -55.9 %)"),
        ],
        comparisons: vec![comparison],
        aa: against_itself(),
        aa_resources: vec![resource(Resource::CpuUsPerRequest, 4000.0, 80.7, 1.013)],
        warm_up: warm_up(),
        tails: tails(),
        slo: slos(984.0, 246.0),
        goals: vec![
            goal("CPU per request -30%", cpu, 0.7, Held::Holds, true),
            goal("memory -40%", memory, 0.6, Held::Holds, true),
        ],
        tuned_goals: Vec::new(),
        gates: gates(),
        refused: Vec::new(),
        primary: Some(Primary { operation: "*".to_owned(), quantile: 0.99, rate_rps: 4000.0, resource: None }),
        method: method(),
        environment: environment(),
        capacity: crate::capacity::both(),
        memory_floors: crate::floors::both(),
        instructions: None,
        limits_of_this_result: vec![
            "equivalence and latency are those of traffic like this workload, on this machine, against sides without other load".to_owned(),
            "generator and sides share 2 CPUs".to_owned(),
        ],
    }
}

/// The goal on CPU time is reached although neighbours on the machine spoiled the latencies.
pub(crate) fn disturbed() -> VerdictDocument {
    let mut document = replace();
    let text = "in 12 of 40 measurements at 4000/s: the generator waited 7.2 % of the time for a CPU (limit 5 %); something else uses its CPU: stop it, or pin the generator apart (--cpus; [machine] in trial.toml)";
    document.gates.push(Gate {
        bears_on: vec![Bearing::Latency],
        rate_rps: Some(4000.0),
        ..gate("generator_run_queue", false, text)
    });
    let why = text.split("; ").next().unwrap();
    document.refused = vec![format!("latencies, because {why}")];
    let latencies = document.slo.iter_mut();
    for slo in
        latencies.filter(|slo| matches!(slo.about, Figure::Latency(_)) && slo.rate_rps == 4000.0)
    {
        slo.held = Held::Refused;
        slo.from_sent = slo.value.map(|_| around(240.0, 0.2));
    }
    let lines = document.comparisons[0].latency.iter_mut();
    for line in lines.filter(|line| line.rate_rps == 4000.0) {
        line.ratio = None;
        line.judged = false;
        line.not_judged_because = Some("a gate that bears on it failed".to_owned());
    }
    if let Some(late) = document.comparisons[0]
        .latency
        .iter_mut()
        .find(|line| line.quantile == 0.99)
    {
        late.baseline_from_sent_us = Some(around(700.0, 0.12));
        late.contender_from_sent_us = Some(around(98.0, 0.1));
        late.ratio_from_sent = Some(around(0.14, 0.2));
    }
    for aa in document.aa.iter_mut().filter(|aa| aa.quantile == 0.99) {
        aa.ratio = Some(estimate(1.4, 0.2, 9.0));
        aa.pairs = 3;
    }
    document
}

/// The incumbent holds everything and nothing else was asked for: a good outcome.
pub(crate) fn keep() -> VerdictDocument {
    let mut document = replace();
    document.verdict = Verdict::Keep;
    document.because = vec![
        reason(
            "no_measured_problem",
            "no measured problem: the incumbent holds every objective",
        ),
        reason(
            "incumbent_holds_slo",
            "the incumbent holds \"p99 of all requests at most 2ms\" at 4000/s: 0.98 ms (95 % interval 0.82 ms to 1.18 ms)",
        ),
    ];
    document.comparisons = vec![comparison(0.97, 0.9)];
    document.goals.clear();
    document
}

fn cluster(kind: DifferenceKind, path: &str, count: u64, sides: [&str; 2]) -> Cluster {
    let example = |request| Example {
        request,
        path: path.replace("[*]", "[3]").into(),
        baseline: sides[0].to_owned(),
        contender: sides[1].to_owned(),
    };
    Cluster {
        operation: "GET /channels/{id}/messages".to_owned(),
        path: path.into(),
        kind,
        count,
        of: 420,
        reproduced: Some(Reproduced { times: 3, of: 3 }),
        examples: vec![example(7), example(57)],
        reproduce: "curl -H 'authorization: Bearer '\"$TOKEN\" \"$URL\"'/channels/8813/messages?after=1099511627776&limit=50'".to_owned(),
    }
}

/// Three planted differences; nothing was measured under load.
pub(crate) fn not_equivalent() -> VerdictDocument {
    let mut document = replace();
    document.verdict = Verdict::NotEquivalent;
    document.because = vec![reason(
        "answers_differ",
        "18 of 420 answers differ, in 3 ways; most often value at $.messages[*].price of GET /channels/{id}/messages (14 of 420)",
    )];
    let comparison = &mut document.comparisons[0];
    comparison.latency.clear();
    comparison.resources.clear();
    comparison.under_load = None;
    document.tails.clear();
    document
        .warm_up
        .iter_mut()
        .for_each(|side| side.settling = None);
    let comparison = &mut document.comparisons[0];
    comparison.equivalence = Equivalence {
        eligible: 424,
        compared: 420,
        equal: 390,
        different: 18,
        excused: 12,
        lost: 4,
        lost_by_reason: BTreeMap::from([("the incumbent closed the connection".to_owned(), 4)]),
        mismatch_upper_95: 0.0634,
        clusters: vec![
            cluster(
                DifferenceKind::NumberText,
                "$.messages[*].price",
                14,
                ["12.50", "12.5"],
            ),
            cluster(
                DifferenceKind::Missing,
                "$.messages[*].author.display_name",
                3,
                [
                    "\"Ana \u{201c}the <b>bold</b>\u{201d} Silva, of the very long and winding display names that people choose\"",
                    "",
                ],
            ),
            cluster(
                DifferenceKind::Value,
                "header:cache-control",
                1,
                [
                    "private, max-age=30, stale-while-revalidate=120",
                    "no-store",
                ],
            ),
        ],
        ..equivalence()
    };
    document.slo.clear();
    document.goals.clear();
    document.aa.clear();
    document.aa_resources.clear();
    document.gates.clear();
    document
}

/// The generator was late and the machine drifted.
pub(crate) fn invalid() -> VerdictDocument {
    let mut document = replace();
    document.verdict = Verdict::Invalid;
    document.gates[1] = gate(
        "send_lag",
        false,
        "in 9 of 20 measurements at 4000/s: requests left 2310 us after they were due and had a connection (p99; limit 1000 us); give the generator a CPU of its own, or lower the rate",
    );
    document.gates[3] = gate(
        "aa",
        false,
        "the incumbent against itself: +24.1 % (95 % interval +11.7 % to +37.9 %; limit 5 % where the interval excludes 0); the machine or the incumbent drifts: quieten the machine, or lengthen the warm-up",
    );
    document.because = document
        .gates
        .iter()
        .filter(|gate| !gate.passed)
        .map(|gate| reason(&format!("gate_{}", gate.code), &gate.text))
        .collect();
    document
}

/// An objective within the interval, a tail with too few samples, and CPU that could not be measured.
pub(crate) fn inconclusive() -> VerdictDocument {
    let mut document = replace();
    document.verdict = Verdict::Inconclusive;
    document.because = vec![reason(
        "slo_undecided",
        "\"p99 of all requests at most 2ms\" is undecided (the interval contains the bound) for the candidate at 4000/s: 1.94 ms (95 % interval 1.61 ms to 2.33 ms); measure longer (--thorough) or at a rate nearer to the bound",
    )];
    document.slo = slos(984.0, 1940.0);
    for slo in &mut document.slo {
        if slo.side == Role::Candidate && slo.slo.starts_with("p99") {
            slo.held = Held::Undecided;
        }
    }
    document.goals[0].held = Held::Undecided;
    document.goals[1].ratio = None;
    document.goals[1].held = Held::NotJudged;
    for line in &mut document.comparisons[0].latency {
        if line.quantile == 0.999 {
            *line = LatencyComparison {
                baseline_us: None,
                contender_us: None,
                ratio: None,
                p_value: None,
                p_value_holm: None,
                mde: None,
                judged: false,
                not_judged_because: Some(
                    "a block has 4000 requests; 10000 are needed to judge this quantile".to_owned(),
                ),
                ..line.clone()
            };
        }
    }
    for line in &mut document.comparisons[0].resources {
        *line = ResourceComparison {
            baseline: None,
            contender: None,
            ratio: None,
            unmeasured: Some("the process of the side is not known: state its pid".to_owned()),
            ..line.clone()
        };
    }
    document
}

/// A newer version that needs more CPU than the margin allows, and stops answering now and then.
pub(crate) fn worse() -> VerdictDocument {
    let mut document = replace();
    document.verdict = Verdict::Worse;
    document.name = "search-api, pull request 118".to_owned();
    document.because = vec![reason(
        "worse",
        "the goal \"CPU per request +5%\" is missed: +22.0 % (95 % interval +16.2 % to +28.1 %)",
    )];
    document.comparisons = vec![comparison(1.1, 1.22)];
    let cpu = document.comparisons[0].resources[4].ratio.unwrap();
    let p99 = document.comparisons[0].latency[6].ratio.unwrap();
    document.goals = vec![
        goal("CPU per request +5%", cpu, 1.05, Held::Misses, true),
        goal("p99 +5%", p99, 1.05, Held::Undecided, false),
    ];
    let infinite = &mut document.comparisons[0].latency[7];
    infinite.contender_us = Some(Estimate {
        estimate: None,
        low: Some(5200.0),
        high: None,
    });
    infinite.ratio = None;
    infinite.mde = None;
    document.slo.clear();
    document
}

/// A commit against itself.
pub(crate) fn no_worse() -> VerdictDocument {
    let mut document = worse();
    document.verdict = Verdict::NoWorse;
    document.method.looks = vec![10, 20, 40];
    document.because = vec![reason(
        "not_worse",
        "the goal \"CPU per request +5%\" holds: +0.4 % (95 % interval -2.1 % to +2.9 %)",
    )];
    document.comparisons = vec![comparison(1.01, 1.004)];
    document.goals = vec![goal(
        "CPU per request +5%",
        estimate(0.979, 1.004, 1.029),
        1.05,
        Held::Holds,
        true,
    )];
    document
}

/// A larger heap reaches what was asked for, so that nothing has to be replaced.
fn tuned() -> VerdictDocument {
    let mut document = replace();
    document.verdict = Verdict::Keep;
    document.because = vec![
        reason(
            "tuning_gains_it",
            "the goal \"p99 -25%\" is reached by tuning alone: -59.1 % (95 % interval -67.8 % to -48.0 %)",
        ),
        reason(
            "goal_reached",
            "the goal \"p99 -25%\" is reached: -78.8 % (95 % interval -83.3 % to -73.1 %)",
        ),
    ];
    let mut tuned = comparison(0.5, 0.9);
    // p99 at the highest rate.
    let goal = |of: &Comparison| {
        goal(
            "p99 -25%",
            of.latency[6].ratio.unwrap(),
            0.75,
            Held::Holds,
            true,
        )
    };
    document.tuned_goals = vec![goal(&tuned)];
    document.goals = vec![goal(&document.comparisons[0])];
    tuned.contender = Role::Tuned;
    for memory in tuned
        .resources
        .iter_mut()
        .filter(|of| of.resource != Resource::CpuUsPerRequest)
    {
        memory.ratio = Some(around(1.6, 0.05));
        memory.contender = memory
            .baseline
            .map(|of| around(of.estimate.unwrap() * 1.6, 0.03));
    }
    document.comparisons.push(tuned);
    let held = |slo: &SloResult| SloResult {
        side: Role::Tuned,
        ..slo.clone()
    };
    let incumbent = document
        .slo
        .iter()
        .filter(|slo| slo.side == Role::Incumbent);
    let tuned: Vec<SloResult> = incumbent.map(held).collect();
    document.slo.extend(tuned);
    document.memory_floors = crate::floors::all();
    document
}

/// Every kind by name.
pub(crate) fn all() -> Vec<(&'static str, VerdictDocument)> {
    vec![
        ("replace", replace()),
        ("keep", keep()),
        ("not_equivalent", not_equivalent()),
        ("invalid", invalid()),
        ("inconclusive", inconclusive()),
        ("worse", worse()),
        ("no_worse", no_worse()),
        ("disturbed", disturbed()),
        ("tuned", tuned()),
    ]
}

/// The business case of a page that has one.
pub(crate) fn business(name: &str) -> Option<CaseDocument> {
    let figures = [
        (
            Input::Instances,
            if name == "case" { "40..60" } else { "1500" },
        ),
        (Input::IncumbentVcpus, "1 vCPU"),
        (Input::IncumbentMemory, "4 GiB"),
        (Input::CandidateSaving, "40%..50%..60%"),
        (Input::Effort, "6..9..24 person-months"),
        (Input::Growth, "0%..20%..40%"),
    ];
    if !["case", "replace"].contains(&name) {
        return None;
    }
    let mut case = Case::new("read-states".to_owned(), Currency::USD);
    for (input, text) in figures {
        let spread = input.read(text, case.currency).unwrap();
        let source = Source::Stated("a test".to_owned());
        case.set(input, Value { spread, source });
    }
    case.facts.equivalent = Some(true);
    case.facts.candidate_meets_slo = Some(true);
    Some(assess(&case, &case.resolve().unwrap(), 20_000, 1))
}
