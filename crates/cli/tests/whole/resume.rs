//! Nothing is lost: trials that are killed, resumed, or lose a side.

use crate::harness::{Trial, ended, machine, run, subject, understudy};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// Waits for something that must come.
pub(crate) fn eventually<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(Instant::now() < deadline, "never happened: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Starts a trial of `file` in the background.
fn start(trial: &Trial, file: &Path) -> Child {
    let mut command = understudy();
    command.args(["trial", "--quick", "--out"]);
    command.arg(trial.scratch.path().join("runs")).arg(file);
    let quiet = command.stdout(Stdio::null()).stderr(Stdio::piped());
    quiet.spawn().unwrap()
}

/// The finished blocks of the latency stage with their bytes.
fn blocks(run: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    files(run, "latency-")
}

/// The finished blocks whose names begin so, with their bytes.
pub(crate) fn files(run: &Path, prefix: &str) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(run.join("requests")).into_iter().flatten();
    entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy();
            name.starts_with(prefix) && name.ends_with(".parquet")
        })
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect()
}

/// Processes that a trial of this id has started and that still run.
fn started_by(pid: u32) -> Vec<String> {
    let mark = format!("UNDERSTUDY_CHILD=understudy-{pid}-");
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter(|process| {
            let environ = fs::read(process.path().join("environ")).unwrap_or_default();
            let mut variables = environ.split(|byte| *byte == 0);
            variables.any(|variable| variable.starts_with(mark.as_bytes()))
        })
        .map(|process| process.file_name().to_string_lossy().into_owned())
        .collect()
}

fn resume(run_directory: &Path) -> (crate::harness::Ended, Value) {
    let mut command = understudy();
    command.args(["trial", "--json", "-", "--resume"]);
    let ended = run(command.arg(run_directory));
    let verdict = serde_json::from_str(&ended.stdout).unwrap_or(Value::Null);
    (ended, verdict)
}

/// Candidate and tuned incumbent are both twice as fast as the incumbent: a rewrite gains what tuning gains.
#[test]
fn a_killed_trial_leaves_nothing_running_and_continues_where_it_was() {
    let _machine = machine();
    let mut trial = Trial::new("killed");
    trial.incumbent = "--delay-us 4000".to_owned();
    trial.candidate = "--delay-us 2000".to_owned();
    trial.tuned = Some("--delay-us 2000".to_owned());
    trial.tables = "[goal]\np50 = \"-25%\"\n[[slo]]\nquantile = 0.9\nmax = \"1s\"\n".to_owned();
    let file = trial.write();
    // A shell that stays next to the subject: a grandchild of Understudy.
    let incumbent = &trial.incumbent;
    let plain = format!(
        "run = \"'{}' --port {{port}} {incumbent}\"",
        subject().display()
    );
    let nested = format!(
        "run = \"sh -c 'sleep 600 & \\\"{}\\\" --port {{port}} {incumbent}; true'\"",
        subject().display()
    );
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains(&plain), "{text}");
    fs::write(&file, text.replace(&plain, &nested)).unwrap();

    let mut process = start(&trial, &file);
    let pid = process.id();
    let runs = trial.scratch.path().join("runs");
    let before = eventually("two measurements", || {
        if process.try_wait().unwrap().is_some() {
            return Some(BTreeMap::new());
        }
        let run = fs::read_dir(&runs).ok()?.next()?.unwrap().path();
        Some(blocks(&run)).filter(|blocks| blocks.len() >= 2)
    });
    if before.is_empty() {
        let ended = ended(process.wait_with_output().unwrap());
        assert!(ended.was_disturbed(), "{}", ended.stderr);
        return;
    }
    assert!(!started_by(pid).is_empty());
    process.kill().unwrap();
    process.wait().unwrap();
    eventually("the end of all that it started", || {
        started_by(pid).is_empty().then_some(())
    });

    let run_directory = trial.scratch.run();
    let (ended, verdict) = resume(&run_directory);
    let word = verdict["verdict"].as_str().unwrap_or_default();
    // A machine that is too busy refuses; a test cannot quieten it.
    let words = ["keep", "invalid", "inconclusive"];
    assert!(words.contains(&word), "{}", ended.stderr);
    let after = blocks(&run_directory);
    for (path, bytes) in &before {
        assert_eq!(&after[path], bytes, "{} was measured again", path.display());
    }
    let limits = verdict["limits_of_this_result"].to_string();
    assert!(limits.contains("continued after"), "{limits}");
    if word != "keep" {
        // It need not go on to the last measurement: what disturbs it is told early.
        return;
    }
    assert_eq!(after.len(), 18, "every measurement of the plan");
    let because = verdict["because"][0]["code"].as_str();
    assert_eq!(because, Some("tuning_gains_it"), "{}", ended.stderr);
    assert_eq!(verdict["tuned_goals"][0]["held"], "holds");
    assert_eq!(verdict["comparisons"][1]["contender"], "tuned");

    let stored = fs::read(run_directory.join("verdict.json")).unwrap();
    let judged = run(understudy().arg("judge").arg(&run_directory));
    assert_eq!(judged.code, ended.code, "{}", judged.stderr);
    let (again, _) = resume(&run_directory);
    assert_eq!(again.code, ended.code, "{}", again.stderr);
    assert_eq!(
        fs::read(run_directory.join("verdict.json")).unwrap(),
        stored
    );
    assert_eq!(blocks(&run_directory), after, "nothing is left to measure");
}

#[test]
fn a_comparison_that_was_killed_continues_with_the_next_request() {
    let _machine = machine();
    let mut trial = Trial::new("compared");
    trial.incumbent = "--delay-us 5000".to_owned();
    let file = trial.write();
    let mut process = start(&trial, &file);
    let runs = trial.scratch.path().join("runs");
    let compared = |run: &Path| fs::read_to_string(run.join("differences.jsonl")).ok();
    eventually("fifty comparisons", || {
        let run = fs::read_dir(&runs).ok()?.next()?.unwrap().path();
        compared(&run).filter(|text| text.lines().count() >= 50)
    });
    process.kill().unwrap();
    process.wait().unwrap();
    let run_directory = trial.scratch.run();
    let before = compared(&run_directory).unwrap();
    assert!(before.lines().count() < 420, "it was killed in time");
    let whole = &before[..=before.rfind('\n').unwrap()];

    let (ended, verdict) = resume(&run_directory);
    let equivalence = &verdict["comparisons"][0]["equivalence"];
    assert_eq!(equivalence["eligible"], 420, "{}", ended.stderr);
    assert!(compared(&run_directory).unwrap().starts_with(whole));
}

#[test]
fn what_cannot_be_resumed_says_why() {
    let trial = Trial::new("not-resumed");
    let none = trial.scratch.path().join("none");
    let refused = |arguments: &[&str]| {
        let mut command = understudy();
        let ended = run(command.arg("trial").args(arguments));
        assert_eq!(ended.code, 2, "{}", ended.stderr);
        ended.stderr
    };
    let said = refused(&["--resume", none.to_str().unwrap()]);
    assert!(said.contains("--resume: cannot open"), "{said}");
    let said = refused(&["--resume", trial.scratch.path().to_str().unwrap()]);
    assert!(said.contains("is not"), "{said}");
    let said = refused(&["--resume", "x", "--quick"]);
    assert!(said.contains("cannot be used with"), "{said}");
}
