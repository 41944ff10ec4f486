use super::super::{Demands, FloorConfig, FloorTrial, Search};
use super::*;
use crate::terms::LimitsConfig;
use understudy_model::floor::{FloorKind, FloorPoint, SideFloor};
use understudy_model::stored::{BlockFigures, Happenings};
use understudy_model::verdict::VerdictRules;
use understudy_model::{Class, Pacing};

const MIB: f64 = 1_048_576.0;
const MS: u64 = 1_000_000;

fn config() -> FloorConfig {
    FloorConfig {
        repeats: 2,
        precision: Share::new(0.05),
        start: None,
        lowest: FloorConfig::LOWEST,
        trial: FloorTrial::Runs(RunsTrial {
            slower: Share::new(0.2),
            budget: RunsTrial::BUDGET,
        }),
    }
}

/// A run that was answered so.
fn row(case: u32, wall_ns: u64, (code, hash): (i32, u64)) -> Row {
    Row {
        observation: Observation {
            case,
            operation: 0,
            due_ns: 0,
            free_ns: 0,
            sent_ns: 0,
            first_ns: Observation::NEVER,
            last_ns: wall_ns,
            ending: Ending::Answered,
            class: Class::Ok,
            code,
            bytes: 1,
            hash,
        },
        shape: u64::from(hash != 0),
        value: hash,
    }
}

/// What was compared of two cases: the first is exact, the second ends with 1 and varies.
fn endings() -> Endings {
    let seen = |code: i32| BTreeSet::from([(Ending::Answered, code)]);
    Endings {
        seen: BTreeMap::from([
            ((Role::Incumbent, 0), seen(0)),
            ((Role::Incumbent, 1), seen(1)),
        ]),
        exact: BTreeMap::from([(0, 7)]),
    }
}

fn right(wall_ns: u64) -> Vec<Row> {
    vec![row(0, wall_ns, (0, 7)), row(1, wall_ns, (1, 0))]
}

fn block(limit: Option<u64>, kills: u64, rows: Vec<Row>) -> LatencyBlock {
    let wall_ns = rows.iter().map(|row| row.observation.last_ns).sum();
    LatencyBlock {
        rate_rps: Pacing::NO_RATE,
        side: Role::Incumbent,
        block: 0,
        figures: BlockFigures {
            wall_ns,
            side_cpu_us: Some(wall_ns as f64 / 2e3),
            peak_rss_bytes: Some(70.0 * MIB),
            peak_cgroup_bytes: Some(80.0 * MIB),
            floor: Some(FloorFacts {
                limit_bytes: limit,
                kills,
                peaks: vec![(0, 10.0 * MIB), (1, 70.0 * MIB)],
                ..FloorFacts::default()
            }),
            ..BlockFigures::default()
        },
        rows,
        happened: Happenings::default(),
    }
}

fn objectives(slos: &[Slo]) -> Objectives<'_> {
    Objectives {
        slos,
        operations: &[],
        rules: VerdictRules::default(),
    }
}

fn demands<'a>(cases: usize, slos: &'a [Slo], endings: &'a Endings) -> RunDemands<'a> {
    let trial = RunsTrial {
        slower: Share::new(0.2),
        budget: RunsTrial::BUDGET,
    };
    let of = (Role::Incumbent, cases);
    RunDemands::new(of, trial, objectives(slos), endings, &[])
}

fn searched(slos: &[Slo], mut trial: impl FnMut(Option<u64>) -> LatencyBlock) -> SideFloor {
    let endings = endings();
    let demands = Demands::Runs(demands(2, slos, &endings));
    let limits = LimitsConfig::default();
    let mut search = Search::new(Role::Incumbent, config(), limits, demands);
    while let Some(planned) = search.next() {
        assert!(!planned.soak, "a run ends by itself");
        search.record(&trial(planned.limit));
        assert!(search.trials_made() < 60);
    }
    search.result()
}

/// A search whose every trial took a minute, until it ends or so many minutes have been spent.
fn in_minutes(budget: u64, need: f64) -> (SideFloor, usize) {
    let endings = endings();
    let demands = Demands::Runs(demands(2, &[], &endings));
    let trial = FloorTrial::Runs(RunsTrial {
        slower: Share::new(0.2),
        budget: Span::from_secs(60 * budget),
    });
    let config = FloorConfig { trial, ..config() };
    let mut search = Search::new(Role::Incumbent, config, LimitsConfig::default(), demands);
    while let Some(planned) = search.next() {
        let limit = planned.limit;
        let mut step = match limit.is_none_or(|limit| limit as f64 >= need) {
            true => block(limit, 0, right(100 * MS)),
            false => block(limit, 1, Vec::new()),
        };
        if let Some(facts) = &mut step.figures.floor {
            facts.took_ns = Span::from_secs(60).nanos();
        }
        search.record(&step);
    }
    (search.result(), search.trials_made())
}

#[test]
fn a_search_whose_time_is_over_says_what_it_has() {
    let (whole, trials) = in_minutes(100, 60.0 * MIB);
    assert_eq!((whole.kind, &whole.because), (FloorKind::Between, &None));
    assert!(trials > 8, "{trials}");
    // The peak, and a limit that held twice.
    let (early, made) = in_minutes(3, 60.0 * MIB);
    assert_eq!((early.kind, made), (FloorKind::AtMost, 3));
    assert!(early.high_bytes > whole.high_bytes);
    assert_eq!(
        early.because.as_deref(),
        Some("the search stopped after its 3m (`budget`)")
    );
    let (late, made) = in_minutes(trials as u64 - 1, 60.0 * MIB);
    assert_eq!((late.kind, made), (FloorKind::Between, trials - 1));
    assert!(late.low_bytes <= whole.low_bytes && late.high_bytes >= whole.high_bytes);
    assert!(late.because.is_some(), "wider than was asked");
    let (none, _) = in_minutes(2, 60.0 * MIB);
    assert_eq!(none.kind, FloorKind::Unknown);
    assert!(none.because.unwrap().contains("before a limit"));
    // No limit that was tried held.
    let (low, _) = in_minutes(2, 1e12);
    assert_eq!((low.kind, low.high_bytes), (FloorKind::Unknown, None));
    let why = low.because.unwrap();
    assert!(low.low_bytes.is_some() && why.contains("at least"), "{why}");
}

/// How a trial at a limit ended after a first one of 100 ms for each case.
fn outcome(rows: Vec<Row>, change: impl Fn(&mut LatencyBlock)) -> FloorPoint {
    let mut step = block(Some(64 << 20), 0, rows);
    change(&mut step);
    let endings = endings();
    let demands = Demands::Runs(demands(2, &[], &endings));
    let limits = LimitsConfig::default();
    let mut search = Search::new(Role::Incumbent, config(), limits, demands);
    search.record(&block(None, 0, right(100 * MS)));
    search.record(&step);
    search.result().curve.remove(0)
}

#[test]
fn the_smallest_limit_is_found_at_which_runs_end_right_and_in_time() {
    let need = 60.0 * MIB;
    let floor = searched(&[], |limit| {
        let lives = limit.is_none_or(|limit| limit as f64 >= need);
        match lives {
            true => block(limit, 0, right(100 * MS)),
            false => block(limit, 1, Vec::new()),
        }
    });
    assert_eq!((floor.kind, &floor.because), (FloorKind::Between, &None));
    let (low, high) = (floor.low_bytes.unwrap(), floor.high_bytes.unwrap());
    assert!(low < need && need <= high && high <= low * 1.05);
    assert_eq!((floor.verified_bytes, floor.rate_rps), (None, 0.0));
    let runs = floor.runs.unwrap();
    assert_eq!((runs.cases.len(), runs.of, runs.slower), (0, 2, 0.2));
    assert!((runs.wall_us - 100e3).abs() < 1.0, "{}", runs.wall_us);
    let killed = floor.curve.first().unwrap();
    assert_eq!(
        (killed.outcome, killed.wall_us),
        (FloorOutcome::Killed, None)
    );
    let held = floor.curve.last().unwrap();
    assert_eq!(
        (held.wall_us, held.p99_us, held.cpu),
        (Some(100e3), None, Some(0.5))
    );
}

#[test]
fn what_ends_otherwise_or_gives_other_outputs_does_not_hold() {
    let nothing = |_: &mut LatencyBlock| {};
    let point = outcome(right(100 * MS), nothing);
    assert_eq!((point.outcome, point.because), (FloorOutcome::Held, None));
    let other_code = vec![row(0, MS, (3, 7))];
    let point = outcome(other_code, nothing);
    assert_eq!(point.outcome, FloorOutcome::Wrong);
    assert_eq!(
        point.because.unwrap(),
        "case 1 returned 3, and returned 0 where outputs were compared"
    );
    assert_eq!(point.wall_us, None);
    let other_output = vec![row(0, MS, (0, 8))];
    assert_eq!(outcome(other_output, nothing).outcome, FloorOutcome::Wrong);
    // What varies by itself is known by its ending alone.
    let varies = vec![row(0, 100 * MS, (0, 7)), row(1, 100 * MS, (1, 9))];
    assert_eq!(outcome(varies, nothing).outcome, FloorOutcome::Held);
    let mut given_up = right(100 * MS);
    given_up[1].observation.ending = Ending::Failed(FailureKind::Timeout);
    let point = outcome(given_up, nothing);
    assert_eq!(point.outcome, FloorOutcome::Missed);
    assert!(point.because.unwrap().contains("did not end in time"));
}

#[test]
fn what_takes_longer_than_allowed_does_not_hold_and_one_disturbed_run_is_not_it() {
    let nothing = |_: &mut LatencyBlock| {};
    assert_eq!(
        outcome(right(119 * MS), nothing).outcome,
        FloorOutcome::Held
    );
    let point = outcome(right(130 * MS), nothing);
    assert_eq!(point.outcome, FloorOutcome::Missed);
    assert_eq!(
        point.because.unwrap(),
        "its runs took 30 % longer than without a limit, and 20% is allowed"
    );
    let disturbed = [right(400 * MS), right(100 * MS)].concat();
    assert_eq!(outcome(disturbed, nothing).outcome, FloorOutcome::Held);
    // A machine that is busier than it was is no matter of the limit.
    let control = |ms: f64| {
        move |step: &mut LatencyBlock| {
            let facts = step.figures.floor.as_mut().unwrap();
            facts.control = vec![(0, ms * 1e6), (1, ms * 1e6)];
        }
    };
    assert_eq!(
        outcome(right(250 * MS), control(220.0)).outcome,
        FloorOutcome::Held
    );
    assert_eq!(
        outcome(right(250 * MS), control(150.0)).outcome,
        FloorOutcome::Missed
    );
    // The hypervisor may have taken that time; what held in spite of it holds.
    let stolen = |step: &mut LatencyBlock| step.figures.steal_share = Some(0.3);
    assert_eq!(
        outcome(right(130 * MS), stolen).outcome,
        FloorOutcome::Refused
    );
    assert_eq!(outcome(right(100 * MS), stolen).outcome, FloorOutcome::Held);
}

#[test]
fn a_deadline_is_kept_and_what_misses_it_without_a_limit_has_no_floor() {
    let slos = [Slo::Latency {
        operation: "*".to_owned(),
        quantile: 0.5,
        max: Span::from_millis(110),
    }];
    let floor = searched(&slos, |limit| {
        let tight = limit.is_some_and(|limit| limit < 50 << 20);
        block(limit, 0, right(if tight { 115 } else { 100 } * MS))
    });
    assert!(floor.low_bytes.unwrap() < 50.0 * MIB && floor.high_bytes.unwrap() >= 50.0 * MIB);
    assert!(floor.objectives[2].starts_with("p50"), "{floor:?}");
    let floor = searched(&slos, |limit| block(limit, 0, right(200 * MS)));
    assert_eq!((floor.kind, floor.curve.len()), (FloorKind::Unknown, 1));
    let why = floor.because.unwrap();
    assert!(why.contains("without a tighter limit either: it missed p50"));
}

#[test]
fn a_first_trial_that_was_disturbed_is_made_again() {
    let mut trials = 0;
    let floor = searched(&[], |limit| {
        trials += 1;
        let mut step = block(limit, 0, right(100 * MS));
        step.figures.steal_share = Some(if trials == 1 { 0.4 } else { 0.0 });
        step
    });
    assert_eq!(floor.kind, FloorKind::AtMost);
    let without = floor
        .curve
        .iter()
        .filter(|point| point.limit_bytes.is_none());
    assert_eq!(without.count(), 2);
}

#[test]
fn all_cases_run_where_there_is_time_else_those_with_the_largest_peaks() {
    let endings = Endings::default();
    let chosen = |seconds: &[f64]| {
        let mut demands = demands(3, &[], &endings);
        demands.measured = (0..).zip(seconds.iter().map(|s| s * 1e9)).collect();
        demands.first()
    };
    let short = chosen(&[0.01, 0.01, 0.005]);
    assert_eq!((short.cases, short.runs), (vec![0, 1, 2], 4));
    let long = chosen(&[1.0, 2.0, 0.2]);
    assert_eq!((long.cases, long.runs), (vec![0, 1, 2], OF_FIRST));
    let longer = chosen(&[50.0, 100.0, 10.0]);
    assert_eq!((longer.cases, longer.runs), (vec![1], 1));
    assert_eq!(chosen(&[500.0, 1.0, 1.0]).cases, [0], "one at least");
    assert_eq!(chosen(&[]).cases, [0, 1, 2]);

    let walls = [(0, 6e9), (1, 3e9), (2, 6e9), (3, 1e9)];
    let peak = |case: u32| [5.0, 9.0, 9.0, 1.0][case as usize];
    let selection = select(&walls, LONGEST_TRIAL, peak);
    assert_eq!((selection.cases, selection.runs), (vec![1, 2], 1));
    let rows = [right(100 * MS), right(80 * MS), right(200 * MS)].concat();
    let reference = Reference::of(&rows, &[]);
    assert_eq!(reference.selection.cases, [0, 1]);
    assert_eq!(reference.walls, BTreeMap::from([(0, 100e6), (1, 100e6)]));
    assert_eq!(reference.fastest[&1], 80e6);
}
