//! Wrong input and bad luck: one clear sentence, the right exit code, nothing left behind.

use crate::harness::{Ended, Scratch, Trial, ended, machine, run, subject, understudy};
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The subjects that still run for this test.
fn left(scratch: &Scratch) -> Vec<String> {
    let marker = scratch.path().display().to_string();
    let mut left = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if line.contains("planted_subject") && in_folder(&entry.path(), &marker) {
            left.push(line);
        }
    }
    left
}

/// Does the process run in the folder of this test?
fn in_folder(process: &Path, folder: &str) -> bool {
    fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder))
}

/// The control groups that a trial of this id has left.
fn cgroups(pid: u32) -> Vec<String> {
    let own = format!("understudy-{pid}-");
    let mut found = Vec::new();
    for controller in fs::read_dir("/sys/fs/cgroup")
        .into_iter()
        .flatten()
        .flatten()
    {
        for group in fs::read_dir(controller.path())
            .into_iter()
            .flatten()
            .flatten()
        {
            let name = group.file_name().to_string_lossy().into_owned();
            if name.starts_with(&own) {
                found.push(name);
            }
        }
    }
    found
}

fn fails(trial: &Trial, code: i32, expected: &[&str]) -> Ended {
    let (ended, _) = trial.run();
    assert_eq!(ended.code, code, "{}", ended.stderr);
    for part in expected {
        assert!(
            ended.stderr.contains(part),
            "{part:?} is not in: {}",
            ended.stderr
        );
    }
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    assert_eq!(left(&trial.scratch), [] as [String; 0]);
    ended
}

#[test]
fn mistakes_in_the_configuration_are_reported_all_at_once() {
    let scratch = Scratch::new("mistakes");
    let file = scratch.write(
        "trial.toml",
        "schema = 1\n[subject]\nkind = \"http\"\n[side.incumbent]\nrum = \"x {port}\"\n[side.candidate]\nurl = \"http://127.0.0.1:1\"\n[workload]\nrequests = \"gone.jsonl\"\nrates = [-1]\n",
    );
    let ended = run(understudy().arg("trial").arg(&file));
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    for part in [":5:", "did you mean", "gone.jsonl", "rates"] {
        assert!(
            ended.stderr.contains(part),
            "{part:?} is not in: {}",
            ended.stderr
        );
    }
    assert!(ended.errors().len() >= 3, "{}", ended.stderr);
    assert!(!scratch.path().join("runs").exists(), "nothing was started");
}

#[test]
fn addresses_and_paths_that_lead_nowhere_are_named_all_at_once() {
    let scratch = Scratch::new("addresses");
    let file = scratch.write(
        "trial.toml",
        "schema = 1\n[subject]\nkind = \"http\"\n[side.incumbent]\nurl = \"http://127.0.0.1:99999\"\n[side.candidate]\nurl = \"http://127.0.0.1:8081/base\"\n[workload]\npaths = [\"/a#b\"]\nrates = [10]\n",
    );
    let ended = run(understudy().arg("plan").arg(&file));
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    for part in [
        ":5: side.incumbent.url: the port of",
        ":7: side.candidate.url:",
        "\"/base\"",
        ":9: workload.paths",
        "has a fragment",
    ] {
        assert!(
            ended.stderr.contains(part),
            "{part:?} is not in: {}",
            ended.stderr
        );
    }
}

#[test]
fn a_missing_file_and_a_wrong_request_line_are_usage_errors() {
    let missing = run(understudy().args(["trial", "/nowhere/trial.toml"]));
    assert_eq!(missing.code, 2);
    assert!(
        missing.stderr.contains("/nowhere/trial.toml"),
        "{}",
        missing.stderr
    );
    let trial = Trial::new("line");
    trial
        .scratch
        .write("requests.jsonl", "{\"path\":\"/a\"}\n{\"pth\":\"/b\"}\n");
    fails(&trial, 2, &["requests.jsonl:2:", "did you mean \"path\"?"]);
}

#[test]
fn an_unwritable_folder_is_reported_before_anything_starts() {
    let trial = Trial::new("unwritable");
    let file = trial.write();
    trial
        .scratch
        .write("blocked", "a file where a folder should be");
    let mut command = understudy();
    command
        .arg("trial")
        .arg(file)
        .arg("--out")
        .arg(trial.scratch.path().join("blocked/runs"));
    let ended = run(&mut command);
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert!(ended.stderr.contains("blocked/runs"), "{}", ended.stderr);
}

#[test]
fn a_side_that_does_not_start_is_reported_with_its_last_log_lines() {
    let _machine = machine();
    let mut build = Trial::new("build");
    build.sides = "build = \"echo no such luck; exit 3\"".to_owned();
    fails(
        &build,
        1,
        &["the build of the incumbent failed", "no such luck"],
    );

    let mut exits = Trial::new("exits");
    exits.candidate = "--exit goodbye".to_owned();
    fails(
        &exits,
        1,
        &["the candidate exited before it was ready", "goodbye"],
    );

    let mut never = Trial::new("never");
    never.incumbent = "--never-ready".to_owned();
    never.sides = "dir = \".\"".to_owned();
    fails(&never, 1, &["the incumbent was not ready within 5 s"]);
}

#[test]
fn an_endless_answer_is_a_difference_and_not_the_end_of_memory() {
    let _machine = machine();
    let mut trial = Trial::new("endless");
    trial.candidate = "--endless".to_owned();
    trial
        .scratch
        .write("requests.jsonl", "{\"path\":\"/items/1\"}\n");
    trial.workload = "rates = [100]\ntimeout = \"2s\"".to_owned();
    let (ended, verdict) = trial.run();
    assert_eq!(ended.code, 5, "{}", ended.stderr);
    assert_eq!(crate::harness::clusters(&verdict)[0].1, "outcome");
}

/// Waits for a file of a trial; false if the trial has ended before.
fn wait_for(child: &mut Child, file: &Path) -> bool {
    let start = Instant::now();
    while !file.exists() {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "{} never came",
            file.display()
        );
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}

/// Starts a trial, sends it a signal once `file` exists below its run directory, and looks at
/// what is left.
fn interrupted(name: &str, sides: &str, file: &str) {
    let mut trial = Trial::new(name);
    trial.sides = format!("dir = \".\"\n{sides}");
    let mut child = trial
        .command()
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = child.id();
    assert!(wait_for(&mut child, &trial.scratch.path().join("runs")));
    let start = Instant::now();
    while trial
        .scratch
        .path()
        .join("runs")
        .read_dir()
        .unwrap()
        .next()
        .is_none()
    {
        assert!(start.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(20));
    }
    let run_directory = trial.scratch.run();
    if wait_for(&mut child, &run_directory.join(file)) {
        std::thread::sleep(Duration::from_millis(100));
        let signal = Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status()
            .unwrap();
        assert!(signal.success());
    }
    let ended = ended(child.wait_with_output().unwrap());
    if ended.code != 130 && ended.was_disturbed() {
        return;
    }
    assert_eq!(ended.code, 130, "{name}: {}", ended.stderr);
    assert!(
        ended.stderr.contains(
            "error: interrupted: what was measured is kept\nhint: continue with `understudy trial --resume"
        ),
        "{}",
        ended.stderr
    );
    assert_eq!(left(&trial.scratch), [] as [String; 0], "{name}");
    assert_eq!(cgroups(pid), [] as [String; 0], "{name}");
    let judged = run(understudy().arg("judge").arg(&run_directory));
    // Inconclusive; invalid where the machine was too busy for the little that was measured.
    assert!(
        matches!(judged.code, 3 | 4),
        "{name}: evidence so far can be judged: {}",
        judged.stderr
    );
}

#[test]
fn an_interrupt_at_any_stage_leaves_nothing_but_evidence() {
    let _machine = machine();
    interrupted(
        "int-build",
        "build = \"sleep 30\"",
        "logs/build-incumbent.log",
    );
    interrupted("int-compare", "", "differences.jsonl");
    interrupted(
        "int-measure",
        "",
        "requests/latency-1500-incumbent-0.parquet",
    );
}

#[test]
fn what_cannot_be_started_says_why_and_what_to_do() {
    let _machine = machine();
    let scratch = Scratch::new("not started");
    scratch.write("requests.jsonl", "{\"path\":\"/items/1\"}\n");
    scratch.write("plain", "no program");
    let trial = |side: &str, command: &str| {
        let good = format!("'{}' --port {{port}}", subject().display());
        let (incumbent, candidate) = match side {
            "incumbent" => (command, good.as_str()),
            _ => (good.as_str(), command),
        };
        let mut trial = understudy();
        trial.current_dir(scratch.path()).args(["trial", "--quick"]);
        trial.args(["--incumbent", incumbent, "--candidate", candidate]);
        trial.args(["--requests", "requests.jsonl", "--out", "my runs"]);
        run(&mut trial)
    };
    // Nothing listens there: reserved, and not for HTTP.
    let url = "http://127.0.0.1:1";
    for (side, command, parts) in [
        (
            "candidate",
            "./none --port {port}",
            [
                "the candidate cannot be started: `./none` in ",
                ": it does not exist\nhint: build it",
            ],
        ),
        (
            "candidate",
            "./plain --port {port}",
            [
                ": permission denied\nhint: make it executable",
                "hint: continue with `",
            ],
        ),
        (
            "incumbent",
            url,
            [
                "the incumbent does not answer at 127.0.0.1:",
                ": connection refused\nhint: start it",
            ],
        ),
    ] {
        let ended = trial(side, command);
        assert_eq!(ended.code, 1, "{}", ended.stderr);
        for part in parts {
            assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
        }
        assert!(!ended.stderr.contains("os error"), "{}", ended.stderr);
        // A command line that is shown can be copied.
        let resume = ended
            .stderr
            .split("understudy trial --resume '")
            .nth(1)
            .unwrap();
        let folder = resume.split('\'').next().unwrap();
        assert!(
            scratch.path().join(folder).join("trial.toml").exists(),
            "{folder}"
        );
    }
}
