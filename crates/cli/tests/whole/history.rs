//! What `report` shows of the runs next to the one that it is asked for.

use crate::harness::{Scratch, run, understudy};
use crate::report::verdict;
use serde_json::json;
use std::fs;
use std::path::Path;
use understudy_evidence::RunDirectory;
use understudy_model::verdict::{Comparison, Primary, VerdictDocument};

/// A run of a day of November in which the incumbent took so much CPU time a request.
fn measured(day: u32, cpu_us: f64, ratio: f64) -> VerdictDocument {
    let estimate =
        |value: f64| json!({"estimate": value, "low": value * 0.95, "high": value * 1.05});
    let comparison: Comparison = serde_json::from_value(json!({
        "baseline": "incumbent",
        "contender": "candidate",
        "equivalence": {
            "eligible": 400, "compared": 400, "equal": 400, "different": 0, "excused": 0, "lost": 0,
            "lost_by_reason": {}, "excused_by": [], "mismatch_upper_95": 0.0075, "clusters": [], "noise": [],
        },
        "under_load": null,
        "latency": [],
        "resources": [{
            "resource": "cpu_us_per_request", "rate_rps": 500.0, "pairs": 6, "unmeasured": null,
            "baseline": estimate(cpu_us), "contender": estimate(cpu_us * ratio), "ratio": estimate(ratio),
        }],
    }))
    .unwrap();
    let mut document = verdict();
    document.comparisons = vec![comparison];
    document.primary = Some(Primary {
        operation: "*".to_owned(),
        quantile: 0.99,
        rate_rps: 500.0,
        resource: None,
    });
    document.environment.started_at = format!("2026-11-{day:02}T10:11:12.5Z");
    let hashes = &mut document.environment.hashes;
    for side in ["incumbent", "candidate"] {
        hashes.insert(side.to_owned(), format!("{side} of today"));
    }
    document
}

fn stored(runs: &Path, document: &VerdictDocument) -> RunDirectory {
    let day = &document.environment.started_at[8..10];
    let stamp = format!("202611{day}T101112Z");
    let run = RunDirectory::create(runs, &document.name, &stamp).unwrap();
    run.write_json("verdict.json", document).unwrap();
    run
}

fn markdown(of: &RunDirectory) -> String {
    let ended = run(understudy()
        .arg("report")
        .arg(of.path())
        .args(["--format", "markdown"]));
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    ended.stdout
}

#[test]
fn a_report_shows_earlier_runs_of_the_same_trial_and_counts_what_it_cannot_read() {
    let scratch = Scratch::new("report-history");
    let runs = scratch.path().join("runs");
    let today = stored(&runs, &measured(29, 120.0, 0.6));
    assert!(
        !markdown(&today).contains("Earlier runs"),
        "it is the first"
    );

    for (day, cpu_us) in [(20, 61.0), (21, 74.0), (22, 64.0), (23, 70.0)] {
        stored(&runs, &measured(day, cpu_us, 0.6));
    }
    // Neither a later run nor another trial is an earlier one.
    stored(&runs, &measured(30, 900.0, 0.1));
    let mut other = measured(24, 900.0, 0.1);
    other.name = "another".to_owned();
    stored(&runs, &other);
    let mut renamed = measured(24, 900.0, 0.1);
    renamed.name = "planted (one)".to_owned();
    stored(&runs, &renamed);
    // Another machine is named, and not mixed in.
    let mut elsewhere = measured(25, 900.0, 0.1);
    elsewhere.environment.cpu_model = "Another <CPU>".to_owned();
    stored(&runs, &elsewhere);
    // Damaged, of a later format, a folder in place of the document, without a verdict.
    let broken = stored(&runs, &measured(26, 900.0, 0.1));
    fs::write(broken.path().join("verdict.json"), "{\"schema\": 1,").unwrap();
    let newer = stored(&runs, &measured(27, 900.0, 0.1));
    fs::write(newer.path().join("format"), "99\n").unwrap();
    let folder = stored(&runs, &measured(28, 900.0, 0.1));
    fs::remove_file(folder.path().join("verdict.json")).unwrap();
    fs::create_dir(folder.path().join("verdict.json")).unwrap();
    let unfinished = stored(&runs, &measured(19, 900.0, 0.1));
    fs::remove_file(unfinished.path().join("verdict.json")).unwrap();

    let text = markdown(&today);
    let overview = "**Earlier runs**: 5 earlier runs on 5 days: 4 of the same sides; not compared: 1 on another machine, 1 without a verdict, 3 not readable.";
    assert!(text.contains(overview), "{text}");
    let level = "The incumbent's CPU per request was 61.0 us to 74.0 us in 4 earlier runs on 4 days; they predict";
    assert!(text.contains(level), "{text}");
    assert!(
        text.contains("this run's 120 us is outside of that"),
        "{text}"
    );
    assert!(text.contains("this run's -40.0 % is within that"), "{text}");

    // The page has it as well; the document does not, and stays what it was.
    let before = fs::read(today.path().join("verdict.json")).unwrap();
    let page = run(understudy()
        .arg("report")
        .arg(today.path())
        .args(["--out", "-"]));
    assert!(page.stdout.contains("id=\"history\""));
    assert!(
        page.stdout
            .contains("another machine: processor Another &lt;CPU&gt;")
    );
    assert_eq!(fs::read(today.path().join("verdict.json")).unwrap(), before);
}

#[test]
fn the_ten_most_recent_runs_are_shown_and_the_rest_is_counted() {
    let scratch = Scratch::new("report-history-long");
    let runs = scratch.path().join("runs");
    for day in 1..=12 {
        stored(&runs, &measured(day, 60.0 + f64::from(day), 0.6));
    }
    let today = stored(&runs, &measured(13, 66.0, 0.6));
    let text = markdown(&today);
    assert!(text.contains("10 earlier runs on 10 days"), "{text}");
    assert!(text.contains("2 older"), "{text}");
    assert!(
        text.contains("63.0 us to 72.0 us in 10 earlier runs"),
        "{text}"
    );
}
