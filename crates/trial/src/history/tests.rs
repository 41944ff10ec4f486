use super::*;
use crate::fixtures::{estimate, run};
use understudy_model::verdict::{Bearing, Gate};

fn of(today: &StoredRun, earlier: &[StoredRun]) -> History {
    history(today, earlier, LeftOut::default()).unwrap()
}

const DAYS: [(u32, f64, f64); 5] = [
    (25, 61.0, 0.60),
    (26, 74.0, 0.57),
    (27, 64.0, 0.62),
    (28, 70.0, 0.58),
    (28, 66.0, 0.61),
];

fn days() -> Vec<StoredRun> {
    DAYS.map(|(day, cpu, ratio)| run(day, cpu, ratio)).to_vec()
}

#[test]
fn a_level_within_what_other_days_predict_is_not_unusual() {
    let history = of(&run(29, 68.0, 0.45), &days());
    let [p99, cpu, memory] = &history.figures[..] else {
        panic!("latency, CPU and memory: {:?}", history.figures)
    };
    assert_eq!(
        memory.about,
        Figure::Resource(Resource::PeakRssBytes),
        "no PSS"
    );
    assert_eq!(p99.today.against_itself, Some(estimate(1.1)));
    assert_eq!(cpu.today.against_itself, Some(estimate(1.02)));
    let level = cpu.incumbent.unwrap();
    assert_eq!((level.low, level.high), (61.0, 74.0));
    assert_eq!((level.runs, level.days), (5, 4));
    let expected = level.expected.unwrap();
    // The formula of docs/method.md, by scipy: 53.1 us to 84.1 us for these five.
    assert!(
        (expected.low.unwrap() - 53.106).abs() < 0.01,
        "{expected:?}"
    );
    assert!(
        (expected.high.unwrap() - 84.141).abs() < 0.01,
        "{expected:?}"
    );
    assert_eq!(level.is_outside, Some(false));
    let ratio = cpu.ratio.unwrap();
    assert_eq!((ratio.low, ratio.high), (0.57, 0.62));
    assert_eq!(ratio.is_outside, Some(true), "0.45 was never seen");
    assert_eq!(cpu.today.ratio, Some(estimate(0.45)));
}

#[test]
fn equal_runs_predict_their_equal() {
    for value in [0.1, 0.6, 0.7, 3.3, 66.1, 271.3e6] {
        let runs: Vec<StoredRun> = (20..25).map(|day| run(day, value, 0.6)).collect();
        let cpu = of(&run(29, value, 0.6), &runs).figures[1].clone();
        assert_eq!(cpu.incumbent.unwrap().is_outside, Some(false), "{value}");
        let cpu = of(&run(29, value * 1.001, 0.6), &runs).figures[1].clone();
        assert_eq!(cpu.incumbent.unwrap().is_outside, Some(true), "{value}");
    }
}

#[test]
fn three_runs_say_what_they_were_and_expect_nothing() {
    let cpu = of(&run(29, 500.0, 0.6), &days()[..3]).figures[1].clone();
    let level = cpu.incumbent.unwrap();
    assert_eq!((level.low, level.high, level.runs), (61.0, 74.0, 3));
    assert_eq!((level.expected, level.is_outside), (None, None));
}

#[test]
fn other_machines_setups_and_sides_are_named_and_not_mixed_in() {
    let today = run(29, 66.0, 0.6);
    let changed = |change: fn(&mut VerdictDocument)| {
        let mut run = run(28, 400.0, 0.1);
        change(&mut run.verdict);
        run
    };
    let runs = [
        changed(|v| v.environment.cpu_model = "B".to_owned()),
        changed(|v| v.environment.kernel = "linux 6.2".to_owned()),
        changed(|v| v.environment.memory_bytes *= 2),
        changed(|v| v.method.level = "thorough".to_owned()),
        changed(|v| drop(v.method.limits.insert("cpus".to_owned(), "1".to_owned()))),
        changed(|v| {
            drop(
                v.environment
                    .hashes
                    .insert("requests".to_owned(), "x".to_owned()),
            )
        }),
        changed(|v| {
            drop(
                v.environment
                    .hashes
                    .insert("incumbent a.js".to_owned(), "x".to_owned()),
            )
        }),
        changed(|v| {
            drop(
                v.method
                    .sides
                    .insert("incumbent".to_owned(), "./x -v".to_owned()),
            )
        }),
        run(28, 65.0, 0.6),
        {
            let mut other = run(27, 64.0, 0.3);
            let hashes = &mut other.verdict.environment.hashes;
            hashes.insert("candidate".to_owned(), "x".to_owned());
            other
        },
    ];
    let history = of(&today, &runs);
    let likeness: Vec<&Likeness> = history.runs.iter().map(|run| &run.likeness).collect();
    let named: Vec<String> = likeness
        .iter()
        .filter_map(|likeness| match likeness {
            Likeness::OtherMachine(what) => Some(format!("machine: {what}")),
            Likeness::OtherSetup(what) => Some(format!("setup: {what}")),
            Likeness::Alike { .. } => None,
        })
        .collect();
    assert_eq!(
        named,
        [
            "machine: processor B",
            "machine: kernel linux 6.2",
            "machine: 14.9 GiB of memory",
            "setup: level thorough",
            "setup: other limits of the sides",
            "setup: another workload",
        ]
    );
    assert!(likeness[6..8].iter().all(|of| !of.is_same_incumbent()));
    assert!(likeness[8].is_same_pair());
    assert!(likeness[9].is_same_incumbent() && !likeness[9].is_same_pair());
    let cpu = &history.figures[1];
    let level = cpu.incumbent.unwrap();
    assert_eq!((level.low, level.high, level.runs), (64.0, 65.0, 2));
    let ratio = cpu.ratio.unwrap();
    assert_eq!((ratio.low, ratio.high, ratio.runs), (0.6, 0.6, 1));
}

#[test]
fn sides_whose_files_are_not_known_are_not_taken_for_the_same() {
    let running = |day| {
        let mut run = run(day, 66.0, 0.6);
        run.verdict.environment.hashes.clear();
        run
    };
    let history = of(&running(29), &[running(28)]);
    let unknown = Likeness::Alike {
        incumbent: Sameness::Unknown,
        candidate: Sameness::Unknown,
    };
    assert_eq!(history.runs[0].likeness, unknown);
    assert_eq!(history.figures[1].incumbent, None);
    // What is known of one run alone is another program.
    let history = of(&run(29, 66.0, 0.6), &[running(28)]);
    assert!(matches!(history.runs[0].likeness, Likeness::OtherSetup(_)));
}

#[test]
fn nothing_is_concluded_from_what_a_gate_refused() {
    let failed = |code: &str, bears_on: Vec<Bearing>| Gate {
        code: code.to_owned(),
        at: "4000/s".to_owned(),
        passed: false,
        text: String::new(),
        bears_on,
        rate_rps: Some(4000.0),
    };
    let mut late = run(28, 65.0, 0.6);
    late.verdict.gates = vec![failed("poisson", vec![Bearing::Latency])];
    // By the first rules every gate bears on everything.
    let mut first = run(27, 900.0, 0.1);
    first.verdict.environment.rules = VerdictRules::FIRST;
    first.verdict.gates = vec![failed("send_lag", Vec::new())];
    let history = of(&run(29, 66.0, 0.6), &[late, first]);
    let [p99, cpu, _] = &history.figures[..] else {
        panic!("latency, CPU and memory")
    };
    let refused = Some(Reading {
        refused: true,
        ..Reading::default()
    });
    assert_eq!(p99.earlier, [refused, refused]);
    assert_eq!((p99.incumbent, p99.ratio), (None, None));
    assert_eq!(cpu.earlier[1], refused);
    let level = cpu.incumbent.unwrap();
    assert_eq!((level.low, level.high, level.runs), (65.0, 65.0, 1));
}

#[test]
fn without_an_earlier_run_or_a_measurement_there_is_no_history() {
    let today = run(29, 66.0, 0.6);
    assert_eq!(history(&today, &[], LeftOut::default()), None);
    let mut unmeasured = today.clone();
    unmeasured.verdict.comparisons[0].latency.clear();
    unmeasured.verdict.comparisons[0].resources.clear();
    assert_eq!(history(&unmeasured, &[today], LeftOut::default()), None);
}
