//! Planted truths about a third side, on a virtual clock: the rule of the verdict as a whole.

use crate::Evidence;
use crate::simulated::{self, ns, verdict};
use crate::terms::{Goal, Level, SideTerms, Terms};
use understudy_model::stored::LatencyBlock;
use understudy_model::verdict::{Held, Verdict, VerdictDocument};
use understudy_model::{Character, Difference, DifferenceKind, Role};
use understudy_stats::random::Random;
use understudy_testkit::answered;

const RATE: f64 = 1000.0;
const SECONDS: f64 = 4.0;

/// What is planted of one side: its mean latency in milliseconds and its memory.
#[derive(Clone, Copy)]
struct Planted {
    ms: f64,
    mib: f64,
}

const INCUMBENT: Planted = Planted {
    ms: 2.0,
    mib: 400.0,
};
/// p99 of an exponential latency is 4.6 times its mean: far below 20 ms.
const HALF: Planted = Planted {
    ms: 1.0,
    mib: 400.0,
};
/// Its p99 is 55 ms.
const SLOW: Planted = Planted {
    ms: 12.0,
    mib: 400.0,
};

fn block(side: Role, number: u32, planted: Planted, draws: &mut Random) -> LatencyBlock {
    let mut rows = Vec::new();
    let mut due = 0.0;
    loop {
        due += draws.exponential(1.0 / RATE);
        if due >= SECONDS {
            break;
        }
        let sent = due + 2e-6;
        let ended = sent + draws.exponential(planted.ms / 1e3);
        rows.push(answered(0, (ns(due), ns(sent), ns(ended) + 1)));
    }
    let memory = planted.mib * (1.0 + 0.01 * draws.uniform()) * 1048576.0;
    let mut block = simulated::block((side, number), (RATE, SECONDS), rows);
    block.figures.peak_pss_bytes = Some(memory);
    block
}

/// A trial of one goal on p99 and the objective of 20 ms at p99.
fn trial(goals: Vec<Goal>, tuned: bool) -> Terms {
    let mut terms = simulated::terms(Level::Quick, &[RATE], 0.99);
    terms.goals = goals;
    terms.sides.extend(tuned.then(|| SideTerms {
        side: Role::Tuned,
        runs: "http://127.0.0.1:3".to_owned(),
        is_launched: false,
    }));
    terms
}

fn faster() -> Vec<Goal> {
    vec![Goal::Latency {
        quantile: 0.99,
        change: "-25%".parse().unwrap(),
    }]
}

fn evidence(sides: &[(Role, Planted)]) -> Evidence {
    let mut draws = Random::new(11);
    let mut blocks = Vec::new();
    for number in 0..6 {
        for (side, planted) in sides {
            blocks.push(block(*side, number, *planted, &mut draws));
        }
    }
    let evidence = simulated::evidence(blocks);
    Evidence {
        tuned_rows: evidence.rows.clone(),
        ..evidence
    }
}

/// The verdict and the code of its first reason.
fn of(
    goals: Vec<Goal>,
    incumbent: Planted,
    candidate: Planted,
    tuned: Planted,
) -> (Verdict, String) {
    let sides = [
        (Role::Incumbent, incumbent),
        (Role::Candidate, candidate),
        (Role::Tuned, tuned),
    ];
    let document = verdict(&trial(goals, true), &evidence(&sides));
    (document.verdict, document.because[0].code.clone())
}

fn keeps_to(verdict: Verdict, code: &str) -> (Verdict, String) {
    (verdict, code.to_owned())
}

#[test]
fn a_goal_that_tuning_reaches_is_not_a_reason_to_replace() {
    let gains = of(faster(), INCUMBENT, HALF, HALF);
    assert_eq!(gains, keeps_to(Verdict::Keep, "tuning_gains_it"));
    let falls_short = of(faster(), INCUMBENT, HALF, INCUMBENT);
    assert_eq!(falls_short, keeps_to(Verdict::Replace, "goal_reached"));
    // Three quarters of the latency is just what was asked for.
    let at_the_bound = Planted {
        ms: 1.5,
        ..INCUMBENT
    };
    let open = of(faster(), INCUMBENT, HALF, at_the_bound);
    assert_eq!(open, keeps_to(Verdict::Inconclusive, "tuning_undecided"));
}

#[test]
fn what_only_tuning_leaves_open_is_worth_more_pairs() {
    let settled = |tuned: Planted| {
        let terms = trial(faster(), true);
        let sides = [
            (Role::Incumbent, INCUMBENT),
            (Role::Candidate, HALF),
            (Role::Tuned, tuned),
        ];
        let evidence = evidence(&sides);
        let document = simulated::verdict(&terms, &evidence);
        crate::is_settled(&terms, &evidence, &document)
    };
    let at_the_bound = Planted {
        ms: 1.5,
        ..INCUMBENT
    };
    assert!(!settled(at_the_bound));
    assert!(settled(HALF) && settled(INCUMBENT));
}

#[test]
fn an_objective_that_tuning_holds_is_not_a_reason_to_replace() {
    let gains = of(Vec::new(), SLOW, HALF, HALF);
    assert_eq!(gains, keeps_to(Verdict::Keep, "tuning_gains_it"));
    let misses = of(Vec::new(), SLOW, HALF, SLOW);
    assert_eq!(misses, keeps_to(Verdict::Replace, "incumbent_misses_slo"));
    // The goal is one that tuning does not reach: it is left where the objective no longer is.
    let eighth = Planted { ms: 0.5, ..HALF };
    let much = vec![Goal::Latency {
        quantile: 0.99,
        change: "-95%".parse().unwrap(),
    }];
    let hardly = Planted { ms: 3.0, ..HALF };
    let by_goal = of(much, SLOW, eighth, hardly);
    assert_eq!(by_goal, keeps_to(Verdict::Replace, "goal_reached"));
}

#[test]
fn tuning_is_taken_as_a_whole() {
    let both = || {
        let mut goals = faster();
        goals.push(Goal::Memory("-20%".parse().unwrap()));
        goals
    };
    let smaller = Planted { mib: 200.0, ..HALF };
    // A larger heap: as fast as the candidate, for twice the memory.
    let larger = Planted { mib: 800.0, ..HALF };
    assert_eq!(
        of(both(), INCUMBENT, smaller, larger),
        keeps_to(Verdict::Replace, "goal_reached")
    );
    assert_eq!(
        of(both(), INCUMBENT, smaller, smaller),
        keeps_to(Verdict::Keep, "tuning_gains_it")
    );
    // It reaches the goal but misses the objective, so it is not an alternative.
    let memory = || vec![Goal::Memory("-20%".parse().unwrap())];
    let slow = Planted { mib: 200.0, ..SLOW };
    assert_eq!(
        of(memory(), INCUMBENT, smaller, slow),
        keeps_to(Verdict::Replace, "goal_reached")
    );
}

#[test]
fn tuning_that_changes_answers_is_not_an_alternative() {
    let sides = [
        (Role::Incumbent, INCUMBENT),
        (Role::Candidate, HALF),
        (Role::Tuned, HALF),
    ];
    let terms = trial(faster(), true);
    let mut evidence = evidence(&sides);
    evidence.tuned_rows[7].differences = vec![Difference {
        path: "$.price".into(),
        pattern: "$.price".into(),
        kind: DifferenceKind::Value,
        baseline: "1".to_owned(),
        contender: "2".to_owned(),
        baseline_character: Character("integer".to_owned()),
        contender_character: Character("integer".to_owned()),
        relation: understudy_model::Relation::default(),
        spot: None,
        position: None,
        bytes: 0,
        rules: Vec::new(),
    }];
    let document = verdict(&terms, &evidence);
    assert_eq!(document.verdict, Verdict::Replace, "{:?}", document.because);
    let codes: Vec<&str> = document
        .because
        .iter()
        .map(|why| why.code.as_str())
        .collect();
    assert_eq!(codes, ["goal_reached", "tuned_differs"]);
    // The candidate's answers are the same: its ledger knows nothing of the tuned side.
    assert_eq!(document.comparisons[0].equivalence.different, 0);
    assert_eq!(document.comparisons[1].equivalence.different, 1);
}

#[test]
fn a_third_side_changes_nothing_of_the_other_two() {
    let two = [(Role::Incumbent, INCUMBENT), (Role::Candidate, HALF)];
    let mut with = evidence(&two);
    let mut draws = Random::new(99);
    let tuned = (0..6).map(|number| block(Role::Tuned, number, INCUMBENT, &mut draws));
    with.blocks.extend(tuned.collect::<Vec<_>>());
    let mut without = with.clone();
    without.blocks.retain(|block| block.side != Role::Tuned);
    without.tuned_rows.clear();
    let with = verdict(&trial(faster(), true), &with);
    let without = verdict(&trial(faster(), false), &without);
    assert_eq!(with.comparisons[0], without.comparisons[0]);
    assert_eq!((&with.goals, &with.aa), (&without.goals, &without.aa));
    let of_two = |document: &VerdictDocument| -> Vec<_> {
        let slos = document.slo.iter().cloned();
        slos.filter(|slo| slo.side != Role::Tuned).collect()
    };
    assert_eq!(of_two(&with), of_two(&without));
    assert_eq!((with.comparisons.len(), without.comparisons.len()), (2, 1));
    assert_eq!(with.tuned_goals[0].held, Held::Misses);
}

#[test]
fn a_trial_that_has_not_measured_the_tuned_side_decides_nothing() {
    let two = [(Role::Incumbent, INCUMBENT), (Role::Candidate, HALF)];
    let document = verdict(&trial(faster(), true), &evidence(&two));
    assert_eq!(document.verdict, Verdict::Inconclusive);
    assert_eq!(document.because[0].code, "not_measured");
    assert!(document.because[0].text.contains("the tuned incumbent"));
}
