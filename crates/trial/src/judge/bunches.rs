//! Tests: what a generator leaves that is kept from its CPU, where the kernel says when answers arrived: requests that
//! leave late, in bunches. One server in order of arrival, on a virtual clock.

use super::{Evidence, LatencyBlock};
use crate::config::{Goal, Level, TrialConfig};
use crate::simulated::{self, Draws, answered, ns, verdict};
use understudy_model::Side;
use understudy_model::verdict::{Held, Verdict, VerdictDocument, VerdictRules};

const RATE: f64 = 1000.0;
const SECONDS: f64 = 1.5;
/// What a request costs the generator: so far apart they leave when it runs again.
const SENDING: f64 = 20e-6;

/// Does the generator run when it should?
#[derive(Clone, Copy, PartialEq)]
enum Generator {
    Runs,
    /// Kept from its CPU for 5 to 20 ms again and again, a sixth of the time.
    Kept,
}

/// The server of a measurement handles `spare` requests a second more than come: its p99 is 4.6 / `spare` seconds.
fn block(side: Side, number: u32, spare: f64, generator: Generator, seed: u64) -> LatencyBlock {
    // Due times and service times are the same, whether the generator runs or not.
    let mut draws = Draws(seed);
    let mut stalls = Draws(!seed);
    let service = 1.0 / (RATE + spare);
    let (mut due, mut ready, mut free) = (0.0, 0.0f64, 0.0f64);
    let mut stall = (0.0, 0.0);
    let mut rows = Vec::new();
    loop {
        due += draws.exponential(1.0 / RATE);
        if due >= SECONDS {
            break;
        }
        let mut sent = ready.max(due);
        while generator == Generator::Kept && sent >= stall.0 {
            sent = sent.max(stall.1);
            let begin = stall.1 + stalls.exponential(0.06);
            stall = (begin, begin + 0.005 + 0.015 * stalls.unit());
        }
        ready = sent + SENDING;
        free = free.max(sent) + draws.exponential(service);
        rows.push(answered(0, (ns(due), ns(sent) + 1, ns(free) + 2)));
    }
    let mut block = simulated::block((side, number), (RATE, SECONDS), rows);
    block.figures.stamped = block.rows.len() as u64;
    if generator == Generator::Kept {
        block.figures.run_queue_share = Some(0.17);
    }
    block
}

fn evidence(spare: f64, generator: Generator, seed: u64) -> Evidence {
    let mut blocks = Vec::new();
    for number in 0..6 {
        for side in [Side::Incumbent, Side::Candidate] {
            let seed = seed * 1000 + u64::from(number) * 2 + u64::from(side == Side::Candidate);
            blocks.push(block(
                side,
                number,
                spare,
                generator,
                seed.wrapping_mul(0x9e37_79b9),
            ));
        }
    }
    simulated::evidence(blocks)
}

fn config() -> TrialConfig {
    simulated::config(Level::Quick, &[RATE], 0.99)
}

fn failed(document: &VerdictDocument) -> Vec<&str> {
    let failed = document.gates.iter().filter(|gate| !gate.passed);
    failed.map(|gate| gate.code.as_str()).collect()
}

/// The incumbent's and the candidate's objective of 20 ms.
fn held(document: &VerdictDocument) -> Vec<Held> {
    document.slo.iter().map(|slo| slo.held).collect()
}

#[test]
fn no_objective_holds_that_the_planned_traffic_misses() {
    const RUNS: u64 = 200;
    let (mut holds, mut missed, mut bunched) = (0, 0, 0);
    for seed in 0..RUNS {
        // p99 of the planned traffic is between 3 and 40 ms.
        let spare = 115.0 * (1.0 + 12.0 * (seed as f64 / RUNS as f64).powi(2));
        let planned = verdict(&config(), &evidence(spare, Generator::Runs, seed));
        let as_it_left = verdict(&config(), &evidence(spare, Generator::Kept, seed));
        bunched += u64::from(failed(&as_it_left) == ["poisson"]);
        for (planned, left) in planned.slo.iter().zip(&as_it_left.slo) {
            let estimate = planned.value.unwrap().estimate.unwrap();
            let is_missed = estimate > planned.bound;
            missed += u64::from(is_missed);
            holds += u64::from(left.held == Held::Holds);
            assert!(
                !(is_missed && left.held == Held::Holds),
                "{seed}: {estimate} us as planned"
            );
            if failed(&as_it_left).contains(&"poisson") {
                assert!(matches!(left.held, Held::Holds | Held::Refused), "{seed}");
            }
        }
    }
    eprintln!("{holds} held, {missed} missed, {bunched} bunched of {RUNS}");
    // The test would say nothing if one of them never came.
    assert!(
        holds >= 40 && missed >= 40 && bunched >= 150,
        "{holds} {missed} {bunched}"
    );
}

#[test]
fn what_holds_although_requests_left_in_bunches_holds() {
    let bunched = evidence(2000.0, Generator::Kept, 3);
    let document = verdict(&config(), &bunched);
    assert_eq!(failed(&document), ["poisson"]);
    assert_eq!(held(&document), [Held::Holds, Held::Holds]);
    assert_eq!(document.verdict, Verdict::Keep);
    assert_eq!(document.because[0].code, "no_measured_problem");
    let line = &document.refused[0];
    assert!(
        line.starts_with("latencies but for objectives that hold even so, because in "),
        "{line}"
    );
    let latency = &document.comparisons[0].latency;
    assert!(latency.iter().all(|line| line.ratio.is_none()));
}

#[test]
fn what_is_missed_or_a_ratio_is_refused_of_bunches() {
    let document = verdict(&config(), &evidence(60.0, Generator::Kept, 3));
    assert!(failed(&document).contains(&"poisson"));
    assert_eq!(held(&document), [Held::Refused, Held::Refused]);
    assert_eq!(document.verdict, Verdict::Invalid);
    let mut faster = config();
    faster.goals = vec![Goal::Latency {
        quantile: 0.99,
        change: "+50%".parse().unwrap(),
    }];
    let document = verdict(&faster, &evidence(2000.0, Generator::Kept, 3));
    assert_eq!(document.goals[0].held, Held::Refused);
    assert_eq!(document.verdict, Verdict::Invalid);
}

/// Without stamps an answer may have been read late, and waits for connections may be the generator's.
#[test]
fn lateness_that_is_not_known_refuses_all() {
    let unstamped = |change: &dyn Fn(&mut LatencyBlock)| {
        let mut evidence = evidence(2000.0, Generator::Kept, 3);
        evidence.blocks.iter_mut().for_each(change);
        let document = verdict(&config(), &evidence);
        let is_refused = held(&document).iter().all(|held| *held == Held::Refused);
        assert_eq!(
            is_refused,
            failed(&document).contains(&"generator_run_queue")
        );
        is_refused
    };
    assert!(!unstamped(&|_| {}));
    assert!(!unstamped(&|block| block.figures.stamped -= 1));
    assert!(unstamped(&|block| block.figures.stamped -= 10));
    assert!(unstamped(&|block| block.figures.stamped = 0));
    assert!(unstamped(&|block| {
        for row in block.rows.iter_mut().step_by(50) {
            row.observation.free_ns += 1;
        }
    }));
}

#[test]
fn a_run_of_earlier_rules_is_refused_as_it_was() {
    for rules in [VerdictRules::FIRST, VerdictRules::BOUNDS] {
        let mut old = evidence(2000.0, Generator::Kept, 3);
        old.environment.rules = rules;
        let document = verdict(&config(), &old);
        assert_eq!(document.verdict, Verdict::Invalid);
        assert!(failed(&document).contains(&"generator_run_queue"));
        assert!(rules == VerdictRules::FIRST || held(&document) == [Held::Refused; 2]);
    }
}
