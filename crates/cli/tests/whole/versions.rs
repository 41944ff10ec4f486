//! Two versions of one service: commits that are built next to the working tree, and the question
//! whether the newer one is worse.

use crate::harness::{Ended, Scratch, git, machine, run, subject, understudy, until_decided};
use serde_json::Value;
use std::fs;

/// A repository whose commits differ in how their service behaves.
fn repository(scratch: &Scratch) {
    let git = |arguments: &[&str]| git(scratch.path(), arguments);
    git(&["init", "-q"]);
    for (flags, tag) in [
        ("", "first"),
        ("--delay-us 0", "same"),
        ("--delay-us 3000", "slow"),
    ] {
        scratch.write("flags", flags);
        git(&["add", "flags"]);
        git(&["commit", "-q", "-m", tag]);
        git(&["tag", tag]);
    }
    scratch.write(
        "flags",
        "--exit \"the working tree is not what was asked for\"",
    );
    let trial = format!(
        r#"schema = 1
[side.incumbent]
build = "cp flags built"
run = "sh -c 'exec \"{}\" --port {{port}} $(cat built)'"
[workload]
paths = ["/items/1", "/items/2"]
rates = [500]
warmup = "200ms"
[[slo]]
quantile = 0.5
max = "1s"
[judge]
goal = "no_worse"
margin = "95%"
longest = "60s"
[goal]
"p50" = "+95%"
"#,
        subject().display()
    );
    scratch.write("trial.toml", &trial);
}

fn compare(scratch: &Scratch, incumbent: &str, candidate: &str) -> (Ended, Value) {
    let mut command = understudy();
    command.arg("trial").arg(scratch.path().join("trial.toml"));
    for (side, version) in [("incumbent", incumbent), ("candidate", candidate)] {
        command.args(["--side", &format!("{side}=git:{version}")]);
    }
    command.args(["--quick", "--json", "-", "--out"]);
    let ended = run(command.arg(scratch.path().join("runs")));
    let verdict = serde_json::from_str(&ended.stdout).unwrap_or(Value::Null);
    (ended, verdict)
}

#[test]
fn a_slower_commit_is_worse_and_an_equal_one_is_not() {
    let _machine = machine();
    let scratch = Scratch::new("versions");
    repository(&scratch);

    let Some((ended, verdict)) = until_decided(&scratch, || compare(&scratch, "first", "slow"))
    else {
        return;
    };
    assert_eq!(verdict["verdict"], "worse", "{}", ended.stderr);
    assert_eq!(ended.code, 6);

    let Some((ended, verdict)) = until_decided(&scratch, || compare(&scratch, "first", "same"))
    else {
        return;
    };
    assert_eq!(verdict["verdict"], "no_worse", "{}", ended.stderr);
    assert_eq!(ended.code, 0);
    // Once while answers are compared, and for every pair: one start differs from the next.
    let pairs = verdict["method"]["rates"][0]["pairs"].as_u64().unwrap();
    let starts = verdict["warm_up"].as_array().unwrap().iter();
    let candidate = starts
        .clone()
        .find(|one| one["side"] == "candidate")
        .unwrap();
    assert_eq!(candidate["starts"].as_u64(), Some(1 + pairs), "{candidate}");

    for run in fs::read_dir(scratch.path().join("runs")).unwrap() {
        let left = run.unwrap().path().join("worktrees");
        let left = fs::read_dir(left).into_iter().flatten().count();
        assert_eq!(left, 0, "work trees are removed");
    }
}

#[test]
fn a_commit_that_is_not_there_is_reported_before_anything_starts() {
    let scratch = Scratch::new("no-version");
    repository(&scratch);
    let (ended, _) = compare(&scratch, "first", "nowhere");
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    let said = "--side candidate: \"nowhere\" is not a commit, branch or tag";
    assert!(ended.stderr.contains(said), "{}", ended.stderr);
    assert!(!scratch.path().join("runs").exists());
}
