use super::*;
use crate::fixtures::{estimate, resource, run};
use std::cell::RefCell;
use tempfile::TempDir;
use understudy_model::verdict::{Figure, Reason, Resource, Verdict};

fn verdict(of: Verdict) -> Ended {
    let mut document = run(25, 60.0, 0.5).verdict;
    document.verdict = of;
    document.because = vec![Reason {
        code: "goal_reached".to_owned(),
        text: "the goal is reached".to_owned(),
        figures: Default::default(),
    }];
    Ended::Judged(Box::new(document))
}

fn begun(folder: &TempDir, names: &[&str]) -> Suite {
    let directory = RunDirectory::create(folder.path(), "tools", "20261130T080000Z").unwrap();
    let heading = Heading {
        name: "tools".to_owned(),
        understudy: "0.1.0".to_owned(),
        started_at: "2026-11-30T08:00:00Z".to_owned(),
    };
    let pairs = names
        .iter()
        .map(|name| ((*name).to_owned(), format!("{name}-1")));
    Suite::begin(directory, heading, pairs).unwrap()
}

/// Carries a suite out, each trial ending as `end` says; returns which ran.
fn carried(suite: &mut Suite, fail_fast: bool, end: impl Fn(&str) -> Ended) -> (End, Vec<String>) {
    let mut ran = Vec::new();
    let trial = |turn: Turn<'_>| {
        ran.push(format!(
            "{} of {}, {}",
            turn.index + 1,
            turn.of,
            turn.row.name
        ));
        end(&turn.row.name)
    };
    let ended = suite.carry_out(fail_fast, trial, |_| {}).unwrap();
    (ended, ran)
}

fn verdicts(suite: &Suite) -> Vec<Option<&'static str>> {
    let rows = suite.document().pairs.iter();
    rows.map(|row| row.verdict.map(PairVerdict::name)).collect()
}

#[test]
fn each_row_is_stored_before_the_next_pair_begins() {
    let folder = tempfile::tempdir().unwrap();
    let mut suite = begun(&folder, &["a", "b", "c"]);
    let directory = suite.directory().clone();
    let stored = || directory.read_json::<SuiteDocument>(DOCUMENT).unwrap();
    let seen = RefCell::new(Vec::new());
    let trial = |_: Turn<'_>| {
        let rows = stored().pairs;
        seen.borrow_mut()
            .push(rows.iter().filter(|row| row.verdict.is_some()).count());
        verdict(Verdict::Replace)
    };
    let end = suite.carry_out(false, trial, |document| assert_eq!(*document, stored()));
    assert_eq!(end.unwrap(), End::Complete);
    assert_eq!(*seen.borrow(), [0, 1, 2]);
    assert!(stored().complete);
    assert_eq!(stored().worst, Some(PairVerdict::Replace));
}

#[test]
fn a_suite_continues_with_what_has_no_verdict_and_with_what_failed() {
    let folder = tempfile::tempdir().unwrap();
    let mut suite = begun(&folder, &["a", "b", "c", "d"]);
    let (end, ran) = carried(&mut suite, false, |name| match name {
        "b" => Ended::Failed("there is no program\nhint: build it".to_owned()),
        "d" => Ended::Interrupted,
        _ => verdict(Verdict::Keep),
    });
    assert_eq!((end, ran.len()), (End::Interrupted, 4));
    let expected = [Some("keep"), Some("failed"), Some("keep"), None];
    assert_eq!(verdicts(&suite), expected);
    assert_eq!(suite.document().worst, Some(PairVerdict::Failed));
    assert!(!suite.document().complete);
    let directory = suite.directory().clone();
    let in_use = Suite::open(directory.clone()).err().unwrap().to_string();
    assert!(in_use.contains("in use"), "{in_use}");
    drop(suite);

    let mut again = Suite::open(directory).unwrap();
    assert_eq!(verdicts(&again), expected);
    let (end, ran) = carried(&mut again, false, |_| verdict(Verdict::Replace));
    assert_eq!(end, End::Complete);
    assert_eq!(ran, ["2 of 4, b", "4 of 4, d"]);
    assert_eq!(again.document().worst, Some(PairVerdict::Keep));
    assert!(again.document().complete);
    assert_eq!(
        again.document().pairs[1].error,
        None,
        "what is fixed is gone"
    );
    let (_, ran) = carried(&mut again, false, |_| verdict(Verdict::Invalid));
    assert_eq!(ran, Vec::<String>::new(), "nothing is left");
}

#[test]
fn nothing_runs_after_a_pair_that_did_not_end_well_if_that_was_asked() {
    let folder = tempfile::tempdir().unwrap();
    let mut suite = begun(&folder, &["a", "b", "c"]);
    let end = |name: &str| match name {
        "b" => verdict(Verdict::NotEquivalent),
        _ => verdict(Verdict::NoWorse),
    };
    let (ended, ran) = carried(&mut suite, true, end);
    assert_eq!((ended, ran.len()), (End::Stopped, 2));
    assert_eq!(verdicts(&suite)[2], None);
    let (ended, ran) = carried(&mut suite, true, end);
    assert_eq!((ended, ran), (End::Complete, vec!["3 of 3, c".to_owned()]));
    // The last one has nothing behind it that would not be run.
    let mut last = begun(&folder, &["a", "b"]);
    assert_eq!(carried(&mut last, true, end).0, End::Complete);
}

#[test]
fn the_worst_verdict_is_the_first_of_the_order() {
    let order = [
        PairVerdict::Failed,
        PairVerdict::Invalid,
        PairVerdict::NotEquivalent,
        PairVerdict::Inconclusive,
        PairVerdict::Worse,
        PairVerdict::Keep,
        PairVerdict::Replace,
        PairVerdict::NoWorse,
    ];
    assert!(order.is_sorted());
}

#[test]
fn a_row_has_the_figures_of_the_verdict() {
    let mut document = run(25, 60.0, 0.5).verdict;
    let blank = || SuiteRow::pending("a".to_owned(), "a-1".to_owned());
    let row = row::of(&document, blank());
    // A service: the latency that was declared before the run.
    assert!(matches!(row.time.unwrap().about, Figure::Latency(_)));
    let cpu = row.cpu.unwrap();
    assert_eq!(cpu.about, Figure::Resource(Resource::CpuUsPerRequest));
    assert_eq!(cpu.ratio, estimate(0.5));
    assert_eq!(
        row.memory.unwrap().about,
        Figure::Resource(Resource::PeakRssBytes)
    );

    // A command: wall time, whatever else there is.
    let resources = &mut document.comparisons[0].resources;
    resources.push(resource(Resource::WallUsPerRun, 900.0, 0.7));
    let time = row::of(&document, blank()).time.unwrap();
    assert_eq!(time.about, Figure::Resource(Resource::WallUsPerRun));
    assert_eq!(time.ratio, estimate(0.7));

    // What a gate refused has no ratio, and nothing takes its place.
    for line in &mut document.comparisons[0].resources {
        line.ratio = None;
    }
    document.comparisons[0].latency[0].judged = false;
    let row = row::of(&document, blank());
    assert_eq!((row.time, row.cpu, row.memory), (None, None, None));
}
