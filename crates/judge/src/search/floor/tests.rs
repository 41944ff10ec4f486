use super::*;
use understudy_model::stored::BlockFigures;
use understudy_model::stored::Happenings;
use understudy_model::verdict::VerdictRules;
use understudy_testkit::answered;

const MIB: f64 = 1_048_576.0;

fn load() -> LoadTrial {
    LoadTrial {
        rate: 500.0,
        warmup: Span::from_secs(1),
        measured: None,
        soak: Span::from_secs(30),
    }
}

fn config() -> FloorConfig {
    FloorConfig {
        repeats: 2,
        precision: Share::new(0.05),
        start: None,
        lowest: FloorConfig::LOWEST,
        trial: FloorTrial::Load(load()),
    }
}

fn slos() -> [Slo; 1] {
    [Slo::Latency {
        operation: "*".to_owned(),
        quantile: 0.99,
        max: Span::from_millis(10),
    }]
}

/// A trial of a subject that needs so much; `latency_ms` of its one thousand answers.
fn block(planned: Planned, need: f64, latency_ms: u64, lowest_bytes: Vec<f64>) -> LatencyBlock {
    let lives = planned.limit.is_none_or(|limit| limit as f64 >= need);
    let row = |_| answered(0, (0, 0, latency_ms * 1_000_000));
    LatencyBlock {
        rate_rps: 500.0,
        side: Role::Incumbent,
        block: 0,
        figures: BlockFigures {
            measured_s: planned.measured.secs(),
            due: 1000,
            sent: 1000,
            wall_ns: 1_000_000_000,
            side_cpu_us: Some(1e6),
            peak_rss_bytes: Some(90.0 * MIB),
            peak_cgroup_bytes: Some(100.0 * MIB),
            floor: Some(FloorFacts {
                limit_bytes: planned.limit,
                soak: planned.soak,
                ended: (!lives).then(|| "the incumbent ended under load".to_owned()),
                kills: u64::from(!lives),
                lowest_bytes,
                ..FloorFacts::default()
            }),
            ..BlockFigures::default()
        },
        rows: (0..if lives { 1000 } else { 0 }).map(row).collect(),
        happened: Happenings::default(),
    }
}

/// Searches to the end.
fn search(trial: impl Fn(Planned) -> LatencyBlock) -> SideFloor {
    let slos = slos();
    let objectives = Objectives {
        slos: &slos,
        operations: &[],
        rules: VerdictRules::default(),
    };
    let mut search = Search::new(
        Role::Incumbent,
        config(),
        LimitsConfig::default(),
        Demands::Load(objectives),
    );
    while let Some(planned) = search.next() {
        search.record(&trial(planned));
        assert!(search.trials_made() < 60);
    }
    search.result()
}

#[test]
fn a_floor_is_reported_with_its_bracket_its_curve_and_the_peak_next_to_it() {
    let need = 60.0 * MIB;
    let floor = search(|planned| block(planned, need, 2, vec![50.0 * MIB; 5]));
    assert_eq!((floor.kind, &floor.because), (FloorKind::Between, &None));
    let (low, high) = (floor.low_bytes.unwrap(), floor.high_bytes.unwrap());
    assert!(
        low < need && need <= high && high <= low * 1.05,
        "{low} {high}"
    );
    assert!(floor.verified_bytes.unwrap() >= high * 1.1);
    assert_eq!(floor.verified_s, Some(30.0));
    assert_eq!(floor.growth_bytes_per_s, Some(0.0));
    assert_eq!(floor.peak_rss_bytes, Some(90.0 * MIB));
    assert_eq!(floor.peak_cgroup_bytes, Some(100.0 * MIB));
    let last = floor.curve.last().unwrap();
    assert_eq!((last.limit_bytes, last.outcome), (None, FloorOutcome::Held));
    let killed = floor.curve.first().unwrap();
    assert_eq!(
        (killed.outcome, killed.p99_us),
        (FloorOutcome::Killed, None)
    );
}

#[test]
fn a_leak_is_reported_with_its_growth() {
    let growing: Vec<f64> = (0..5).map(|n| (50.0 + f64::from(n)) * MIB).collect();
    let floor = search(|planned| block(planned, 60.0 * MIB, 2, growing.clone()));
    assert_eq!((floor.kind, floor.high_bytes), (FloorKind::Leaks, None));
    assert!(floor.because.unwrap().contains("kept growing"));
    let per_s = floor.growth_bytes_per_s.unwrap();
    assert!((per_s - 4.0 * MIB / 24.0).abs() < 1.0, "{per_s}");
}

/// How a step went in which so many of 1,000 requests left 5 ms late.
fn outcome(change: impl Fn(&mut LatencyBlock)) -> (FloorOutcome, String) {
    let slos = slos();
    let objectives = Objectives {
        slos: &slos,
        operations: &[],
        rules: VerdictRules::default(),
    };
    let limits = LimitsConfig::default();
    let demands = Demands::Load(objectives);
    let mut search = Search::new(Role::Incumbent, config(), limits, demands);
    let planned = search.next().unwrap();
    let mut step = block(planned, 0.0, 2, Vec::new());
    for (number, row) in step.rows.iter_mut().enumerate() {
        let due = number as u64 * 1_000_000_000;
        *row = answered(0, (due, due, due + 2_000_000));
    }
    change(&mut step);
    search.record(&step);
    let point = search.result().curve.remove(0);
    (point.outcome, point.because.unwrap_or_default())
}

#[test]
fn a_step_that_turns_on_the_generators_lateness_is_refused() {
    let late = |requests: usize, took_ms: u64| {
        outcome(|step| {
            for row in &mut step.rows[..requests] {
                let due = row.observation.due_ns;
                let (sent, ended) = (due + 5_000_000, due + took_ms * 1_000_000);
                *row = answered(0, (due, sent, ended));
            }
        })
    };
    let (refused, why) = late(20, 12);
    assert_eq!(refused, FloorOutcome::Refused);
    assert!(
        why.contains("turns on the generator's lateness: 0.00 % to 2.00 %"),
        "{why}"
    );
    assert_eq!(
        late(20, 16).0,
        FloorOutcome::Missed,
        "however it is counted"
    );
    assert_eq!(late(500, 9).0, FloorOutcome::Held, "however late");
    assert_eq!(
        late(10, 12).0,
        FloorOutcome::Held,
        "no more than is allowed"
    );
}

#[test]
fn what_ends_is_a_result_whatever_the_gates_say() {
    let disturbed = |step: &mut LatencyBlock| {
        step.figures.run_queue_share = Some(0.5);
        step.figures.steal_share = Some(0.5);
        step.figures.late = 500;
    };
    assert_eq!(outcome(disturbed).0, FloorOutcome::Refused);
    let ended = outcome(|step| {
        disturbed(step);
        step.figures.floor.as_mut().unwrap().ended = Some("it ended under load".to_owned());
    });
    assert_eq!(ended.0, FloorOutcome::Ended);
    let killed = outcome(|step| {
        disturbed(step);
        step.figures.floor.as_mut().unwrap().kills = 1;
    });
    assert_eq!(killed.0, FloorOutcome::Killed);
}

#[test]
fn what_misses_without_a_tighter_limit_has_no_floor() {
    let floor = search(|planned| block(planned, 0.0, 11, Vec::new()));
    assert_eq!(floor.kind, FloorKind::Unknown);
    assert!(floor.because.unwrap().contains("it missed p99"));
    assert_eq!(floor.curve.len(), 1);
}

#[test]
fn a_trial_is_long_enough_for_the_strictest_objective() {
    let mut config = load();
    assert_eq!(config.measured(&slos()), Span::from_secs(4));
    config.rate = 10.0;
    assert_eq!(config.measured(&slos()), Span::from_secs(30));
    config.measured = Some(Span::from_secs(2));
    assert_eq!(config.measured(&slos()), Span::from_secs(2));
}

#[test]
fn the_lowest_use_is_that_of_each_fifth_of_the_window() {
    let column = |name: &str, values: Vec<f64>| {
        let some = values.into_iter().map(Some).collect();
        (name.to_owned(), some)
    };
    let at: Vec<f64> = (0..10).map(|n| 1.0 + f64::from(n)).collect();
    let used: Vec<f64> = (0..10)
        .map(|n| f64::from(n % 2) * 100.0 + f64::from(n))
        .collect();
    let samples = Table {
        columns: vec![column("at_s", at), column("rss_bytes", used)],
    };
    assert_eq!(lowest(&samples, (1.0, 11.0)), [0.0, 2.0, 4.0, 6.0, 8.0]);
    // A stretch without a sample says nothing.
    assert!(lowest(&samples, (1.0, 100.0)).is_empty());
    assert!(lowest(&Table::default(), (0.0, 1.0)).is_empty());
}
