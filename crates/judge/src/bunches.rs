//! Tests: what a generator leaves that is kept from its CPU, where the kernel says when answers arrived: requests that
//! leave late, in bunches. One server in order of arrival, on a virtual clock.

use crate::Evidence;
use crate::simulated::{self, ns, verdict};
use crate::terms::{Goal, Level, Terms};
use understudy_model::Role;
use understudy_model::stored::LatencyBlock;
use understudy_model::verdict::{Held, Verdict, VerdictDocument, VerdictRules};
use understudy_stats::random::Random;
use understudy_testkit::answered;

const RATE: f64 = 1000.0;
const SECONDS: f64 = 1.5;
/// What a request costs the generator: so far apart they leave when it runs again.
const SENDING: f64 = 20e-6;

/// Whom the stalls of the machine hit: 5 to 20 ms each, a sixth of the time.
#[derive(Clone, Copy, PartialEq)]
struct Stalls {
    generator: bool,
    server: bool,
}

const NONE: Stalls = Stalls {
    generator: false,
    server: false,
};
const GENERATOR: Stalls = Stalls {
    generator: true,
    ..NONE
};

/// When the machine stalls: from, until.
fn stalls(seed: u64) -> Vec<(f64, f64)> {
    let mut draws = Random::new(!seed);
    let mut windows = Vec::new();
    let mut end = 0.0;
    while end < SECONDS + 1.0 {
        let begin = end + draws.exponential(0.06);
        end = begin + 0.005 + 0.015 * draws.uniform();
        windows.push((begin, end));
    }
    windows
}

/// When work that begins at `at` is done: it rests while the machine stalls.
fn worked(at: f64, work: f64, stalls: &[(f64, f64)]) -> f64 {
    let mut done = at + work;
    for (begin, end) in stalls.iter().filter(|(_, end)| *end > at) {
        if done < *begin {
            break;
        }
        done += end - begin.max(at);
    }
    done
}

/// The server of a measurement handles `spare` requests a second more than come: by itself its p99 is 4.6 / `spare`
/// seconds.
fn block((side, number): (Role, u32), spare: f64, hit: Stalls, seed: u64) -> LatencyBlock {
    // Due times, service times and stalls are the same, whoever is hit.
    let mut draws = Random::new(seed);
    let stalls = stalls(seed);
    let of = |is_hit: bool| if is_hit { stalls.as_slice() } else { &[] };
    let service = 1.0 / (RATE + spare);
    let (mut due, mut ready, mut free) = (0.0, 0.0f64, 0.0f64);
    let mut rows = Vec::new();
    loop {
        due += draws.exponential(1.0 / RATE);
        if due >= SECONDS {
            break;
        }
        let sent = worked(ready.max(due), 0.0, of(hit.generator));
        ready = sent + SENDING;
        free = worked(free.max(sent), draws.exponential(service), of(hit.server));
        rows.push(answered(0, (ns(due), ns(sent) + 1, ns(free) + 2)));
    }
    let mut block = simulated::block((side, number), (RATE, SECONDS), rows);
    block.figures.stamped = block.rows.len() as u64;
    if hit.generator {
        block.figures.run_queue_share = Some(0.17);
    }
    block
}

fn evidence(spare: f64, hit: Stalls, seed: u64) -> Evidence {
    let mut blocks = Vec::new();
    for number in 0..6 {
        for side in [Role::Incumbent, Role::Candidate] {
            let seed = seed * 1000 + u64::from(number) * 2 + u64::from(side == Role::Candidate);
            let seed = seed.wrapping_mul(0x9e37_79b9);
            blocks.push(block((side, number), spare, hit, seed));
        }
    }
    simulated::evidence(blocks)
}

fn terms() -> Terms {
    simulated::terms(Level::Quick, &[RATE], 0.99)
}

fn failed(document: &VerdictDocument) -> Vec<&str> {
    let failed = document.gates.iter().filter(|gate| !gate.passed);
    failed.map(|gate| gate.code.as_str()).collect()
}

/// The incumbent's and the candidate's objective of 20 ms.
fn held(document: &VerdictDocument) -> Vec<Held> {
    document.slo.iter().map(|slo| slo.held).collect()
}

/// Also where the server stalls with the generator: nothing is sent meanwhile, so only latencies from when requests were
/// due see it.
#[test]
fn no_objective_holds_that_the_planned_traffic_misses() {
    const RUNS: u64 = 200;
    let (mut holds, mut missed, mut bunched) = (0, 0, 0);
    for seed in 0..RUNS {
        let server = seed % 2 == 1;
        // By itself the server has a p99 between 3 and 40 ms.
        let part = (seed as f64 / RUNS as f64).powi(2);
        let spare = 115.0 * (1.0 + 12.0 * part);
        let of = |generator| {
            let hit = Stalls { generator, server };
            verdict(&terms(), &evidence(spare, hit, seed))
        };
        let (planned, as_it_left) = (of(false), of(true));
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
    // The test would say nothing if one of them never came.
    assert!(
        holds >= 40 && missed >= 40 && bunched >= 150,
        "{holds} held, {missed} missed, {bunched} bunched"
    );
    eprintln!("{holds} held, {missed} missed, {bunched} bunched");
}

#[test]
fn what_holds_although_requests_left_in_bunches_holds() {
    let bunched = evidence(2000.0, GENERATOR, 3);
    let document = verdict(&terms(), &bunched);
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
    let document = verdict(&terms(), &evidence(60.0, GENERATOR, 3));
    assert!(failed(&document).contains(&"poisson"));
    assert_eq!(held(&document), [Held::Refused, Held::Refused]);
    assert_eq!(document.verdict, Verdict::Invalid);
    let mut faster = terms();
    faster.goals = vec![Goal::Latency {
        quantile: 0.99,
        change: "+50%".parse().unwrap(),
    }];
    let document = verdict(&faster, &evidence(2000.0, GENERATOR, 3));
    assert_eq!(document.goals[0].held, Held::Refused);
    assert_eq!(document.verdict, Verdict::Invalid);
}

/// Without stamps an answer may have been read late, and waits for connections may be the generator's.
#[test]
fn lateness_that_is_not_known_refuses_all() {
    let unstamped = |change: &dyn Fn(&mut LatencyBlock)| {
        let mut evidence = evidence(2000.0, GENERATOR, 3);
        evidence.blocks.iter_mut().for_each(change);
        let document = verdict(&terms(), &evidence);
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
        let mut old = evidence(2000.0, GENERATOR, 3);
        old.environment.rules = rules;
        let document = verdict(&terms(), &old);
        assert_eq!(document.verdict, Verdict::Invalid);
        assert!(failed(&document).contains(&"generator_run_queue"));
        assert!(rules == VerdictRules::FIRST || held(&document) == [Held::Refused; 2]);
    }
}
