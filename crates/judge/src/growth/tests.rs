//! Tests: planted fixed times and slopes are found, and what is not a line is not called one.

use crate::Evidence;
use crate::simulated::{self, verdict};
use crate::terms::{Level, Sizing, Terms};
use understudy_model::growth::{Growth, Reach, SideGrowth};
use understudy_model::stored::{LatencyBlock, RequestFacts};
use understudy_model::verdict::Estimate;
use understudy_model::{Pacing, Role, Span};
use understudy_stats::random::Random;
use understudy_testkit::answered;

const PAIRS: u32 = 12;

fn terms(deadline: Option<Span>) -> Terms {
    let sizing = Sizing {
        unit: "rows".to_owned(),
        deadline,
    };
    Terms {
        pacing: Pacing::Serial,
        slos: Vec::new(),
        sizing,
        ..simulated::terms(Level::Quick, &[Pacing::NO_RATE], 0.99)
    }
}

/// Each measurement runs a case of each size once; a run varies by 2 %, a measurement by 2 % as a whole.
fn evidence(sizes: &[f64], of: [&dyn Fn(f64) -> f64; 2]) -> Evidence {
    let mut random = Random::new(7);
    let mut varied = |by: f64| 1.0 + by * (2.0 * random.uniform() - 1.0);
    let mut blocks: Vec<LatencyBlock> = Vec::new();
    for number in 0..PAIRS {
        for (side, ms) in [Role::Incumbent, Role::Candidate].into_iter().zip(of) {
            let whole = varied(0.02);
            let rows = (0u32..).zip(sizes).map(|(case, size)| {
                let took = simulated::ns(ms(*size) * whole * varied(0.02) / 1e3);
                let mut row = answered(case, (0, 0, took));
                row.observation.operation = 0;
                row
            });
            let rows: Vec<_> = rows.collect();
            blocks.push(simulated::block(
                (side, number),
                (Pacing::NO_RATE, 1.0),
                rows,
            ));
        }
    }
    let sized = |size: &f64| RequestFacts {
        size: Some(*size),
        ..RequestFacts::default()
    };
    Evidence {
        operations: vec!["parse".to_owned()],
        requests: sizes.iter().map(sized).collect(),
        ..simulated::evidence(blocks)
    }
}

fn growth(deadline: Option<Span>, evidence: &Evidence) -> Growth {
    let mut document = verdict(&terms(deadline), evidence);
    let mut all = document.comparisons.remove(0).growth;
    assert_eq!(all.len(), 1);
    all.remove(0)
}

fn holds(interval: Estimate, value: f64) -> bool {
    interval.low.is_some_and(|low| low <= value) && interval.high.is_some_and(|high| value <= high)
}

#[test]
fn start_and_slope_are_told_apart() {
    // 30 ms and 10 us a row against 2 ms and 4 us a row.
    let evidence = evidence(
        &[1000.0, 100_000.0],
        [&|size| 30.0 + 0.01 * size, &|size| 2.0 + 0.004 * size],
    );
    let found = growth(None, &evidence);
    assert_eq!(
        (found.operation.as_str(), found.unit.as_str()),
        ("parse", "rows")
    );
    assert_eq!((found.pairs, found.baseline.worst_error), (PAIRS, None));
    for (side, fixed_ms, us) in [(&found.baseline, 30.0, 10.0), (&found.contender, 2.0, 4.0)] {
        let line = side.line.as_ref().unwrap();
        assert!(holds(line.fixed_us, fixed_ms * 1e3), "{line:?}");
        assert!(holds(line.us_per_unit, us), "{line:?}");
        assert!(holds(line.units_per_s, 1e6 / us), "{line:?}");
        assert_eq!(line.within_deadline, None, "none was asked for");
    }
    // What is drawn next to the lines: the time at each size.
    let times = |side: &SideGrowth, ms: [f64; 2]| {
        assert_eq!(side.times.len(), 2);
        for (time, ms) in side.times.iter().zip(ms) {
            assert!(holds(*time, ms * 1e3), "{time:?}");
            assert!(time.low < time.estimate && time.estimate < time.high);
        }
    };
    times(&found.baseline, [40.0, 1030.0]);
    times(&found.contender, [6.0, 402.0]);
    let ratio = found.ratio.unwrap();
    assert!(holds(ratio, 0.4) && ratio.high.unwrap() < 0.42, "{ratio:?}");
}

#[test]
fn what_is_not_a_straight_line_is_not_called_one() {
    let sizes = [1000.0, 10_000.0, 100_000.0];
    let line = |size: f64| 5.0 + 0.01 * size;
    let square = |size: f64| 5.0 + 1e-7 * size * size;
    let found = growth(None, &evidence(&sizes, [&line, &square]));
    assert!(found.baseline.line.is_some());
    assert!(found.baseline.worst_error.unwrap() < 0.05);
    assert_eq!((&found.contender.line, found.ratio), (&None, None));
    assert_eq!(
        found.contender.times.len(),
        3,
        "the times are drawn all the same"
    );
    let why = found.contender.no_line.unwrap();
    assert!(why.contains("does not grow in a straight line"), "{why}");
    // A sort is near enough to a line over these sizes.
    let sort = |size: f64| 5.0 + 0.001 * size * size.log2();
    let found = growth(None, &evidence(&sizes, [&line, &sort]));
    assert!(found.contender.line.is_some(), "{:?}", found.contender);
    assert!(found.ratio.is_some());
}

#[test]
fn time_that_does_not_grow_has_no_slope() {
    let found = growth(
        None,
        &evidence(&[10.0, 20.0], [&|_| 30.0, &|size| 1.0 + size]),
    );
    assert_eq!((&found.baseline.line, found.ratio), (&None, None));
    assert!(found.baseline.no_line.unwrap().contains("not certain"));
    assert!(found.contender.line.is_some());
}

#[test]
fn measurements_that_lack_a_size_and_operations_of_one_size_are_left_out() {
    let line = |size: f64| 5.0 + 0.01 * size;
    let mut all = evidence(&[1000.0, 9000.0], [&line, &line]);
    all.blocks[0].rows.truncate(1);
    assert_eq!(growth(None, &all).pairs, PAIRS - 1);
    let one = evidence(&[1000.0, 1000.0], [&line, &line]);
    assert!(verdict(&terms(None), &one).comparisons[0].growth.is_empty());
    let none = Evidence {
        requests: vec![RequestFacts::default(); 2],
        ..all
    };
    assert!(
        verdict(&terms(None), &none).comparisons[0]
            .growth
            .is_empty()
    );
}

#[test]
fn the_largest_size_within_a_deadline_is_that_of_the_line_and_not_far_beyond_what_was_measured() {
    let all = evidence(
        &[1000.0, 100_000.0],
        [&|size| 30.0 + 0.01 * size, &|size| 2.0 + 0.004 * size],
    );
    let within = |deadline: Span| {
        let found = growth(Some(deadline), &all);
        [found.baseline, found.contender].map(|side| side.line.unwrap().within_deadline.unwrap())
    };
    let [incumbent, candidate] = within(Span::from_millis(1030));
    assert_eq!(
        (incumbent.reach, candidate.reach),
        (Reach::UpTo, Reach::UpTo)
    );
    assert!(holds(incumbent.size, 100_000.0), "{incumbent:?}");
    assert!(holds(candidate.size, 257_000.0), "{candidate:?}");
    let [incumbent, candidate] = within(Span::from_millis(3030));
    assert!(holds(incumbent.size, 300_000.0), "{incumbent:?}");
    assert_eq!(candidate.reach, Reach::AtLeast);
    assert_eq!(
        (candidate.size.low, candidate.size.high),
        (Some(400_000.0), None)
    );
    let [incumbent, candidate] = within(Span::from_millis(20));
    assert_eq!(incumbent.reach, Reach::None, "the start alone takes longer");
    assert!(holds(candidate.size, 4500.0), "{candidate:?}");
}

#[test]
fn a_gate_that_bears_on_times_refuses_the_ratio() {
    let line = |size: f64| 5.0 + 0.01 * size;
    let mut all = evidence(&[1000.0, 9000.0], [&line, &line]);
    let asked = Some(Span::from_millis(50));
    let found = growth(asked, &all);
    assert!(found.ratio.is_some());
    assert!(found.baseline.line.unwrap().within_deadline.is_some());
    for block in &mut all.blocks {
        block.figures.steal_share = Some(0.3);
    }
    let refused = growth(asked, &all);
    assert_eq!(refused.ratio, None);
    assert!(refused.no_ratio.is_some());
    let line = refused.baseline.line.unwrap();
    assert_eq!(line.within_deadline, None, "it would be taken for a result");
}

/// The start of a program counts as an outcome of its own, and is no part of a run.
#[test]
fn a_start_is_compared_where_it_was_measured() {
    use crate::terms::Goal;
    use understudy_model::verdict::{Held, Resource};
    let line = |size: f64| 50.0 + size;
    let mut all = evidence(&[1.0], [&line, &line]);
    let of = |all: &Evidence| {
        let mut asked = terms(None);
        asked.goals = vec![Goal::Startup("-50%".parse().unwrap())];
        let document = verdict(&asked, all);
        let mut lines = document.comparisons[0].resources.iter();
        let found = lines.find(|line| line.resource == Resource::StartupUs);
        (found.cloned(), document.goals[0].held)
    };
    assert_eq!(of(&all), (None, Held::NotJudged));
    let mut random = Random::new(3);
    for block in &mut all.blocks {
        let ms = if block.side == Role::Incumbent {
            22.0
        } else {
            2.0
        };
        let ns = ms * 1e6 * (1.0 + 0.02 * random.uniform());
        block.figures.startup_ns = Some(ns as u64);
    }
    let (found, held) = of(&all);
    let ratio = found.unwrap().ratio.unwrap();
    assert!(holds(ratio, 2.0 / 22.0), "{ratio:?}");
    assert_eq!(held, Held::Holds);
}
