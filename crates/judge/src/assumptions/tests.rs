use super::*;
use crate::simulated::{self, ns};
use crate::terms::Level;
use crate::{comparisons, gates};
use understudy_model::Cpus;
use understudy_stats::random::Random;
use understudy_testkit::answered;

const RATE: f64 = 1000.0;
const SECONDS: f64 = 2.0;
const WARMUP: f64 = 0.5;

fn terms(arrivals: Arrivals) -> Terms {
    let mut terms = simulated::terms(Level::Quick, &[RATE], 0.9);
    terms.arrivals = arrivals;
    terms
}

/// How a simulated side and generator behave: what is planted.
#[derive(Clone, Copy)]
struct Planted {
    /// Service time at the end of a measurement over that at its begin.
    slower: f64,
    /// Gaps are equal instead of random.
    metronome: bool,
    /// Service time of the candidate in pair k over that of the incumbent.
    difference: fn(u32) -> f64,
    /// CPU time over time.
    cpus: f64,
}

const CLEAN: Planted = Planted {
    slower: 1.0,
    metronome: false,
    difference: |_| 1.0,
    cpus: 0.9,
};

/// One server, first in first out, half of its time idle; the generator is late by some microseconds.
fn block(side: Role, number: u32, planted: Planted, draws: &mut Random) -> LatencyBlock {
    let (mut due, mut free) = (WARMUP, 0.0f64);
    let mut rows = Vec::new();
    loop {
        due += match planted.metronome {
            true => 1.0 / RATE,
            false => draws.exponential(1.0 / RATE),
        };
        let into = (due - WARMUP) / SECONDS;
        if into >= 1.0 {
            break;
        }
        let factor = match side {
            Role::Incumbent | Role::Second | Role::Tuned => 1.0,
            Role::Candidate => (planted.difference)(number),
        };
        let service = 0.25 / RATE * factor * planted.slower.powf(into);
        free = free.max(due) + draws.exponential(service);
        let sent = due + draws.exponential(5e-6);
        let ended = ns(free.max(sent)) + 1;
        rows.push(answered(0, (ns(due), ns(sent), ended)));
    }
    let mut block = simulated::block((side, number), (RATE, SECONDS), rows);
    block.figures.warmup_s = WARMUP;
    block.figures.side_cpu_us = Some(planted.cpus * SECONDS * 1e6);
    block.figures.peak_cgroup_bytes = Some(90e6);
    block.figures.oom_kills = Some(0);
    block
}

/// The codes of the gates that refuse a simulated run of so many pairs.
fn refused(terms: &Terms, pairs: u32, planted: Planted, seed: u64) -> Vec<String> {
    let mut draws = Random::new(seed);
    let mut blocks = Vec::new();
    for number in 0..pairs {
        for side in [Role::Incumbent, Role::Candidate] {
            blocks.push(block(side, number, planted, &mut draws));
        }
    }
    let plan = Plan::new(terms);
    let latencies = Latencies::new(
        &blocks,
        terms,
        &["GET /".to_owned()],
        VerdictRules::default(),
    );
    let aa = comparisons::aa(&plan, terms, &latencies);
    let mut gates = gates::judge(terms, &plan, &blocks, &latencies, (&aa, &[]));
    let step = thinning(&plan, &latencies, &blocks);
    gates.extend(judge(terms, &plan, &blocks, &latencies, step));
    let failed = gates.into_iter().filter(|gate| !gate.passed);
    failed.map(|gate| gate.code).collect()
}

#[test]
fn all_gates_together_let_98_of_100_clean_runs_through() {
    let terms = terms(Arrivals::Poisson);
    let runs = 300;
    let mut codes = std::collections::BTreeMap::new();
    let mut invalid = 0;
    for seed in 0..runs {
        let refusals = refused(&terms, 6, CLEAN, 77 + seed * 1_000_003);
        invalid += u32::from(!refusals.is_empty());
        for code in refusals {
            *codes.entry(code).or_insert(0) += 1;
        }
    }
    assert!(invalid <= 6, "{invalid} of {runs} clean runs: {codes:?}");
}

#[test]
fn each_gate_refuses_the_fault_that_is_planted_for_it() {
    let poisson = terms(Arrivals::Poisson);
    let constant = terms(Arrivals::Constant);
    let refused = |terms: &Terms, pairs, planted| refused(terms, pairs, planted, 5);
    let slows = Planted {
        slower: 2.0,
        ..CLEAN
    };
    assert_eq!(
        refused(&poisson, 6, slows),
        ["stationary", "stationary"],
        "both sides slow down"
    );
    let warms = Planted {
        slower: 0.5,
        ..CLEAN
    };
    assert_eq!(refused(&poisson, 6, warms), ["stationary", "stationary"]);

    let metronome = Planted {
        metronome: true,
        ..CLEAN
    };
    assert_eq!(refused(&poisson, 6, metronome), ["poisson"]);
    assert_eq!(refused(&constant, 6, metronome), Vec::<String>::new());

    let drifts = Planted {
        difference: |pair| 0.5 + f64::from(pair) * 0.05,
        ..CLEAN
    };
    assert_eq!(refused(&poisson, 20, drifts), ["independent"]);
    // What changes every four pairs leaves one in some of them: those are independent.
    let in_fours = Planted {
        difference: |pair| [0.6, 1.2, 0.8, 1.4, 0.7, 1.1, 1.5, 0.5, 1.3, 0.9][(pair / 4) as usize],
        ..CLEAN
    };
    assert_eq!(refused(&poisson, 40, in_fours), Vec::<String>::new());

    let mut limited = terms(Arrivals::Poisson);
    limited.limits.cpus = "0.5".parse::<Cpus>().ok();
    assert_eq!(refused(&limited, 6, CLEAN), ["limits"]);
    limited.limits.cpus = "1".parse::<Cpus>().ok();
    assert_eq!(refused(&limited, 6, CLEAN), Vec::<String>::new());
}

#[test]
fn only_pairs_that_count_are_judged_and_the_gate_says_how_many() {
    let mut draws = Random::new(5);
    let in_fours = Planted {
        difference: |pair| [0.6, 1.2, 0.8, 1.4, 0.7, 1.1, 1.5, 0.5, 1.3, 0.9][(pair / 4) as usize],
        ..CLEAN
    };
    let mut blocks = Vec::new();
    for number in 0..40 {
        for side in [Role::Incumbent, Role::Candidate] {
            blocks.push(block(side, number, in_fours, &mut draws));
        }
    }
    let terms = terms(Arrivals::Poisson);
    let plan = Plan::new(&terms);
    let latencies = Latencies::new(
        &blocks,
        &terms,
        &["GET /".to_owned()],
        VerdictRules::default(),
    );
    let step = thinning(&plan, &latencies, &blocks);
    assert!((2..=5).contains(&step), "{step}");
    let counting = thinned(&blocks, &plan, step);
    assert_eq!(counting.len(), 2 * 40usize.div_ceil(step));
    let pairs = Latencies::new(
        counting.iter().copied(),
        &terms,
        &["GET /".to_owned()],
        VerdictRules::default(),
    );
    let compared = comparisons::latency(&plan, &terms, &pairs, Role::Candidate);
    let judged: Vec<u32> = compared
        .iter()
        .filter(|line| line.judged)
        .map(|line| line.pairs)
        .collect();
    assert_eq!(judged, [40u32.div_ceil(step as u32); 3], "p50, p90, p99");
    let gate = independent(&plan, differences(&plan, &latencies, &blocks), step).unwrap();
    let said = format!(
        "{} of 40 pairs count, one in {step}",
        40usize.div_ceil(step)
    );
    assert!(gate.passed && gate.text.contains(&said), "{}", gate.text);
}

#[test]
fn a_refusal_says_what_to_change() {
    let mut draws = Random::new(1);
    let slows = Planted {
        slower: 2.0,
        ..CLEAN
    };
    let blocks: Vec<LatencyBlock> = (0..6)
        .map(|number| block(Role::Incumbent, number, slows, &mut draws))
        .collect();
    let blocks: Vec<&LatencyBlock> = blocks.iter().collect();
    let gate = stationary(
        Role::Incumbent,
        (RATE, 0.9),
        &blocks,
        VerdictRules::default(),
    )
    .unwrap();
    assert!(!gate.passed);
    assert!(gate.text.contains("p90 of the incumbent"), "{}", gate.text);
    assert!(
        gate.text.contains("it slows down under load"),
        "{}",
        gate.text
    );
}
