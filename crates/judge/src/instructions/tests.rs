use super::*;
use crate::is_settled;
use crate::simulated::{self, ns, verdict};
use crate::terms::{Goal, Level, Question, Terms};
use understudy_model::verdict::{GoalResult, Held, Verdict, VerdictDocument};
use understudy_model::{Pacing, Share, Span};
use understudy_testkit::answered;

const SIDES: [Role; 2] = [Role::Incumbent, Role::Candidate];
const RATE: f64 = 1000.0;

fn run(side: Role, case: u32, round: u32, instructions: u64) -> CountedRun {
    CountedRun {
        side,
        case: Some(case),
        requests: None,
        round,
        instructions,
        wall_ns: 50,
    }
}

/// What is counted of a service that executes so much for a request, and a hundred thousand times as much to start.
fn service(side: Role, round: u32, a_request: u64) -> [CountedRun; 2] {
    [200, 600].map(|requests| CountedRun {
        requests: Some(requests),
        case: None,
        ..run(
            side,
            0,
            round,
            100_000_000 + 7 * u64::from(round) + u64::from(requests) * a_request,
        )
    })
}

/// Rounds of an incumbent and a candidate.
fn services(rounds: &[[u64; 2]]) -> Vec<CountedRun> {
    let of_round = |(round, each): (u32, &[u64; 2])| {
        let both = [(SIDES[0], each[0]), (SIDES[1], each[1])];
        both.map(|(side, a_request)| service(side, round, a_request))
    };
    let all = (0..).zip(rounds).flat_map(of_round);
    all.flatten().collect()
}

fn counted(counted: Vec<CountedRun>) -> Evidence {
    Evidence {
        counted,
        ..Evidence::default()
    }
}

/// A trial that asks for nothing but this, once.
fn terms(goals: Vec<Goal>) -> Terms {
    Terms {
        slos: Vec::new(),
        goals,
        question: Question::NoWorse {
            margin: Share::new(0.05),
            longest: Some(Span::from_secs(1)),
        },
        ..simulated::terms(Level::Quick, &[RATE], 0.99)
    }
}

fn instructions(change: &str) -> Goal {
    Goal::Instructions(change.parse().unwrap())
}

/// Measurements on a machine that is too busy to measure anything on: no latency can be trusted, and the CPU time of a
/// request varies by half.
fn on_a_busy_machine(counted: Vec<CountedRun>) -> Evidence {
    let row = |at: u32| {
        let due = ns(f64::from(at) / RATE);
        answered(0, (due, due + 1, due + 1_000_000))
    };
    let block = |side: Role, number: u32| {
        let rows = (0..100).map(row).collect();
        let mut block = simulated::block((side, number), (RATE, 0.1), rows);
        block.figures.run_queue_share = Some(0.5);
        let times = match side {
            Role::Incumbent => [1.0, 1.3, 0.8, 1.1, 0.9, 1.2],
            _ => [1.2, 0.9, 1.1, 0.8, 1.3, 1.0],
        };
        block.figures.side_cpu_us = Some(10_000.0 * times[number as usize]);
        block
    };
    let blocks = SIDES
        .iter()
        .flat_map(|side| (0..6).map(move |number| block(*side, number)));
    Evidence {
        counted,
        ..simulated::evidence(blocks.collect())
    }
}

fn judged(change: &str, counted: Vec<CountedRun>) -> VerdictDocument {
    verdict(
        &terms(vec![instructions(change)]),
        &on_a_busy_machine(counted),
    )
}

fn goal(document: &VerdictDocument) -> &GoalResult {
    &document.goals[0]
}

#[test]
fn cases_that_one_side_lacks_are_left_out_and_so_is_a_round_that_was_not_finished() {
    let [incumbent, candidate] = SIDES;
    let mut all = Vec::new();
    for round in 0..2 {
        for case in 0..2 {
            all.push(run(incumbent, case, round, 100));
            all.push(run(candidate, case, round, 50 + u64::from(round)));
        }
    }
    all.push(run(incumbent, 2, 0, 1_000_000));
    all.push(run(incumbent, 0, 2, 7));
    all.push(run(candidate, 0, 2, 7));
    let found = describe(&SIDES, &counted(all)).unwrap();
    assert_eq!((found.cases, found.rounds), (2, 2));
    let range = |low, mean, high| CountRange { low, mean, high };
    assert_eq!(found.sides["incumbent"], range(100.0, 100.0, 100.0));
    assert_eq!(found.sides["candidate"], range(50.0, 50.5, 51.0));
    assert_eq!(found.ratio, range(0.5, 0.505, 0.51));
    assert_eq!(found.slowdown, None, "no run was timed");
}

#[test]
fn nothing_is_said_where_nothing_was_counted() {
    let of = |rows: &[CountedRun]| describe(&SIDES, &counted(rows.to_vec()));
    assert_eq!(of(&[]), None);
    assert_eq!(of(&[run(Role::Incumbent, 0, 0, 5)]), None);
    // Of the first count alone a service's start would be a part.
    let begun = SIDES.map(|side| service(side, 0, 1000)[0]);
    assert_eq!(of(&begun), None);
}

#[test]
fn what_a_service_executes_to_start_is_no_part_of_a_request() {
    let mut evidence = counted(services(&[[1000, 500], [1000, 520]]));
    evidence.requests = vec![Default::default(); 60];
    let found = describe(&SIDES, &evidence).unwrap();
    assert_eq!((found.cases, found.rounds, found.slowdown), (60, 2, None));
    assert_eq!(found.sides["incumbent"].mean, 1000.0);
    assert_eq!(found.sides["candidate"].mean, 510.0);
    assert_eq!((found.ratio.low, found.ratio.high), (0.5, 0.52));
    // A round that was interrupted between its two counts is none.
    evidence.counted.pop();
    assert_eq!(describe(&SIDES, &evidence).unwrap().rounds, 1);
}

#[test]
fn two_percent_more_miss_one_percent_and_hold_three_however_busy_the_machine() {
    let planted = || services(&[[10_000, 10_200], [10_000, 10_210], [10_000, 10_190]]);
    let missed = judged("+1%", planted());
    assert_eq!(goal(&missed).held, Held::Misses, "{:?}", goal(&missed));
    assert_eq!(missed.verdict, Verdict::Worse, "{:?}", missed.because);
    let held = judged("+3%", planted());
    assert_eq!(goal(&held).held, Held::Holds, "{:?}", goal(&held));
    assert_eq!(held.verdict, Verdict::NoWorse, "{:?}", held.because);
    assert!(held.gates.iter().any(|gate| !gate.passed), "a busy machine");
    let interval = goal(&held).ratio.unwrap();
    let (low, high) = (interval.low.unwrap(), interval.high.unwrap());
    // Student's interval of three rounds: 4.303 times 0.098 % over the root of 3.
    assert!((low - 1.0175).abs() < 1e-4 && (high - 1.0225).abs() < 1e-4);
}

#[test]
fn rounds_that_are_the_same_leave_no_doubt() {
    let same = judged("+1%", services(&[[10_000, 10_000]; 3]));
    let interval = goal(&same).ratio.unwrap();
    assert_eq!(
        (interval.low, interval.high),
        (Some(1.0), Some(1.0)),
        "a point"
    );
    assert_eq!(same.verdict, Verdict::NoWorse);
    // To the instruction.
    let more = judged("+1%", services(&[[10_000, 10_101]; 3]));
    assert_eq!(more.verdict, Verdict::Worse, "{:?}", more.because);
}

#[test]
fn a_goal_without_two_rounds_is_not_judged_and_says_why() {
    let none = judged("+1%", Vec::new());
    assert_eq!(
        (goal(&none).held, none.verdict),
        (Held::NotJudged, Verdict::Inconclusive)
    );
    assert_eq!(
        none.because[0].text,
        "the goal \"instructions per request +1%\" is not judged: the instructions of both sides were not counted \
         (the limits of this result say why)"
    );
    let once = judged("+1%", services(&[[10_000, 10_000]]));
    assert_eq!(goal(&once).held, Held::NotJudged);
    let why = goal(&once).not_judged_because.as_deref().unwrap();
    assert!(
        why.starts_with("one round was counted in the time"),
        "{why}"
    );
    assert!(once.because[0].text.contains(why), "{:?}", once.because);
    let odd = judged("+1%", services(&[[10_000, 0]; 3]));
    let why = goal(&odd).not_judged_because.as_deref().unwrap();
    assert_eq!(why, "the instructions do not grow with the requests");
}

#[test]
fn no_pair_more_is_measured_for_what_is_counted_afterwards() {
    let evidence = on_a_busy_machine(Vec::new());
    let settled = |goals: Vec<Goal>| {
        let terms = terms(goals);
        is_settled(&terms, &evidence, &verdict(&terms, &evidence))
    };
    assert!(settled(vec![instructions("+1%")]));
    let cpu = Goal::Cpu("+1%".parse().unwrap());
    assert!(!settled(vec![instructions("+1%"), cpu]), "it is open");
}

#[test]
fn runs_of_a_command_are_judged_by_their_sums() {
    let mut all = Vec::new();
    for (round, case) in (0..3).flat_map(|round| [(round, 0), (round, 1)]) {
        all.push(run(
            Role::Incumbent,
            case,
            round,
            1000 + 8000 * u64::from(case),
        ));
        all.push(run(
            Role::Candidate,
            case,
            round,
            400 + 7600 * u64::from(case),
        ));
    }
    let terms = Terms {
        pacing: Pacing::Serial,
        ..terms(vec![instructions("-20%")])
    };
    let document = verdict(&terms, &counted(all));
    assert_eq!(goal(&document).goal, "instructions per run -20%");
    // 8,400 of 10,000; the mean of the ratios of the cases would be 0.64.
    let ratio = goal(&document).ratio.unwrap().estimate.unwrap();
    assert!((ratio - 0.84).abs() < 1e-9, "{ratio}");
    assert_eq!(goal(&document).held, Held::Misses);
}
