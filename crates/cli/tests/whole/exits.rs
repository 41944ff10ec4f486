//! Sides that exit while they are needed: a result where it is the candidate, an error where it is not.

use crate::harness::{Trial, because, machine, understudy};
use serde_json::Value;
use std::fs;

/// `judge` gives the stored verdict again, bit for bit.
fn assert_same_again(trial: &Trial, code: i32) {
    let run = trial.scratch.run();
    let stored = fs::read(run.join("verdict.json")).unwrap();
    let judged = understudy().arg("judge").arg(&run).output().unwrap();
    let stderr = String::from_utf8_lossy(&judged.stderr).into_owned();
    assert_eq!(judged.status.code(), Some(code), "{stderr}");
    assert_eq!(fs::read(run.join("verdict.json")).unwrap(), stored);
}

fn reason(verdict: &Value, at: usize) -> &str {
    verdict["because"][at]["text"].as_str().unwrap_or_default()
}

#[test]
fn a_candidate_that_exits_while_answers_are_compared_is_not_equivalent() {
    let _machine = machine();
    let mut trial = Trial::new("candidate-exits");
    // The check that it is ready asks for nothing.
    trial.candidate = "--die-after 17".to_owned();
    let (ended, verdict) = trial.run();
    assert_eq!(ended.code, 5, "{}", ended.stderr);
    assert_eq!(
        (verdict["verdict"].as_str(), because(&verdict)),
        (Some("not_equivalent"), "candidate_exited"),
        "{verdict:#}"
    );
    let text = reason(&verdict, 0);
    for part in [
        "exited while answers were compared",
        "after 17 answers",
        "exit code 70",
        "out of luck",
    ] {
        assert!(text.contains(part), "{text}");
    }
    // 17 of 420 were answered: each of the others is a difference.
    let equivalence = &verdict["comparisons"][0]["equivalence"];
    assert_eq!(
        (
            &equivalence["different"],
            &equivalence["compared"],
            &equivalence["lost"]
        ),
        (&403.into(), &420.into(), &0.into()),
    );
    assert_same_again(&trial, 5);
    let shown = understudy()
        .arg("judge")
        .arg(trial.scratch.run())
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("because the candidate exited"), "{shown}");
}

#[test]
fn an_incumbent_that_exits_is_an_error_about_the_incumbent() {
    let _machine = machine();
    let mut trial = Trial::new("incumbent-exits");
    trial.incumbent = "--die-after 17".to_owned();
    let (ended, verdict) = trial.run();
    assert_eq!(
        (ended.code, &verdict),
        (1, &Value::Null),
        "{}",
        ended.stderr
    );
    let errors = ended.errors();
    assert_eq!(errors.len(), 1, "{}", ended.stderr);
    let error = &errors[0];
    for part in [
        "the incumbent exited while answers were compared, after 17 answers (exit code 70)",
        "its last log lines:",
        "\nhint: its whole log is `",
        "--resume",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    let log = error.split("its whole log is `").nth(1).unwrap();
    assert!(fs::exists(log.split('`').next().unwrap()).unwrap(), "{log}");
    // What was compared until then is kept.
    let lines = fs::read_to_string(trial.scratch.run().join("differences.jsonl")).unwrap();
    assert!(lines.lines().count() >= 17, "{lines}");
}

#[test]
fn a_candidate_that_exits_under_load_is_kept_out() {
    let _machine = machine();
    let mut trial = Trial::new("candidate-exits-under-load");
    // Enough for 420 comparisons and the first load, of 1500/s, not for the measurements.
    trial.candidate = "--die-after 9000".to_owned();
    let Some((ended, verdict)) = trial.run_decided() else {
        return;
    };
    assert_eq!(ended.code, 6, "{}\n{}", ended.stderr, verdict["because"]);
    assert_eq!(
        (verdict["verdict"].as_str(), because(&verdict)),
        (Some("keep"), "candidate_exited"),
        "{}",
        verdict["because"]
    );
    assert!(
        reason(&verdict, 0).contains("exited under load"),
        "{verdict:#}"
    );
    assert_same_again(&trial, 6);
}

#[test]
fn an_incumbent_that_exits_under_load_is_an_error_and_the_run_continues() {
    let _machine = machine();
    let mut trial = Trial::new("incumbent-exits-under-load");
    trial.incumbent = "--die-after 8000".to_owned();
    let (ended, _) = trial.run();
    if ended.was_disturbed() {
        return;
    }
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    let run = trial.scratch.run();
    let resume = format!("understudy trial --resume {}", run.display());
    for part in [
        "the incumbent exited under load",
        "exit code 70",
        "out of luck",
        &resume,
    ] {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
    let judged = understudy().arg("judge").arg(&run).output().unwrap();
    // Too little was measured to decide, or on a busy machine to be trusted.
    assert!(
        [3, 4].contains(&judged.status.code().unwrap()),
        "{judged:?}"
    );
}
