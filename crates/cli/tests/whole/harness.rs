//! Runs the real program against real servers with planted faults.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard};

/// Trials measure: two at once would disturb each other.
static MACHINE: Mutex<()> = Mutex::new(());

/// Waits until no other test of this file measures.
pub(crate) fn machine() -> MutexGuard<'static, ()> {
    MACHINE
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// The program under test.
pub(crate) fn understudy() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_understudy"));
    command.stdin(Stdio::null()).env("NO_COLOR", "1");
    command
}

/// The server with planted faults, an example of the testkit. A `cargo test` of the workspace has built it;
/// one of this package has not, or has left an older one. Built with the features of the workspace it is the
/// same as then: nothing is compiled twice.
pub(crate) fn subject() -> PathBuf {
    static BUILT: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    let path = BUILT.get_or_init(|| {
        let profile = Path::new(env!("CARGO_BIN_EXE_understudy"))
            .parent()
            .unwrap();
        let mut build = Command::new(env!("CARGO"));
        build.args([
            "build",
            "--quiet",
            "--workspace",
            "--example",
            "planted_subject",
        ]);
        if profile.ends_with("release") {
            build.arg("--release");
        }
        assert!(build.status().unwrap().success());
        profile.join("examples/planted_subject")
    });
    path.clone()
}

/// A folder of its own for one test, removed at its end.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("understudy-test-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Scratch(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// The only run directory below `runs`.
    pub(crate) fn run(&self) -> PathBuf {
        let runs: Vec<PathBuf> = fs::read_dir(self.0.join("runs"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert_eq!(runs.len(), 1, "one run directory: {runs:?}");
        runs.into_iter().next().unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What a finished program left.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// The errors that it reports, each with its hint.
    pub(crate) fn errors(&self) -> Vec<String> {
        let all = format!("\n{}", self.stderr);
        all.split("\nerror: ").skip(1).map(str::to_owned).collect()
    }

    /// Did a trial end early because others used the machine? What it was to show it then does not.
    pub(crate) fn was_disturbed(&self) -> bool {
        self.stderr.contains(
            "measurements in a row were disturbed, and nothing that was asked can be decided",
        )
    }
}

pub(crate) fn ended(output: Output) -> Ended {
    Ended {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Runs git in a folder, as someone.
pub(crate) fn git(folder: &Path, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=test", "-c", "user.email=test@localhost"]);
    let ended = run(command.arg("-C").arg(folder).args(arguments));
    assert_eq!(ended.code, 0, "git {arguments:?}: {}", ended.stderr);
}

pub(crate) fn run(command: &mut Command) -> Ended {
    ended(command.output().unwrap())
}

/// A trial of two planted subjects.
pub(crate) struct Trial {
    pub(crate) scratch: Scratch,
    pub(crate) incumbent: String,
    pub(crate) candidate: String,
    /// Flags of a third side, if there is one.
    pub(crate) tuned: Option<String>,
    pub(crate) tables: String,
    pub(crate) workload: String,
    pub(crate) sides: String,
}

impl Trial {
    pub(crate) fn new(name: &str) -> Self {
        let scratch = Scratch::new(name);
        let requests: Vec<String> = (1..=60)
            .map(|id| format!("{{\"method\":\"GET\",\"path\":\"/items/{id}\"}}\n"))
            .collect();
        scratch.write("requests.jsonl", &requests.concat());
        Trial {
            scratch,
            incumbent: String::new(),
            candidate: String::new(),
            tuned: None,
            tables: String::new(),
            workload: "rates = [1500]\nwarmup = \"200ms\"".to_owned(),
            sides: String::new(),
        }
    }

    /// Writes trial.toml.
    pub(crate) fn write(&self) -> PathBuf {
        let subject = subject();
        let side = |name: &str, flags: &str| {
            format!(
                "[side.{name}]\nrun = \"'{}' --port {{port}} {flags}\"\nready_timeout = \"5s\"\n{}\n",
                subject.display(),
                self.sides,
            )
        };
        let text = format!(
            "schema = 1\n[trial]\nname = \"planted\"\n[subject]\nkind = \"http\"\n{}{}{}\n[workload]\nrequests = \"requests.jsonl\"\n{}\n{}\n",
            side("incumbent", &self.incumbent),
            side("candidate", &self.candidate),
            self.tuned
                .as_ref()
                .map_or_else(String::new, |flags| side("tuned", flags)),
            self.workload,
            self.tables,
        );
        self.scratch.write("trial.toml", &text)
    }

    /// The command that runs it.
    pub(crate) fn command(&self) -> Command {
        let file = self.write();
        let mut command = understudy();
        command
            .arg("trial")
            .arg(file)
            .args(["--quick", "--json", "-", "--out"])
            .arg(self.scratch.path().join("runs"));
        command
    }

    /// Runs it to its end; the verdict if there is one.
    pub(crate) fn run(&self) -> (Ended, Value) {
        let ended = run(&mut self.command());
        let verdict = serde_json::from_str(&ended.stdout).unwrap_or(Value::Null);
        (ended, verdict)
    }
}

impl Trial {
    /// Runs it until the machine was quiet enough to decide.
    pub(crate) fn run_decided(&self) -> Option<(Ended, Value)> {
        until_decided(&self.scratch, || self.run())
    }
}

/// Repeats a trial until the machine was quiet enough: a measurement that was refused, or that leaves
/// open what is planted plainly, says nothing about the sides. `None` where the machine never was: what
/// is refused for it is not an answer, right or wrong.
#[expect(clippy::print_stdout, reason = "a test says why it was skipped")]
pub(crate) fn until_decided(
    scratch: &Scratch,
    trial: impl Fn() -> (Ended, Value),
) -> Option<(Ended, Value)> {
    for _ in 0..2 {
        let (ended, verdict) = trial();
        if verdict["verdict"] != "invalid" && verdict["verdict"] != "inconclusive" {
            return Some((ended, verdict));
        }
        let run = newest(&scratch.path().join("runs"));
        fs::remove_dir_all(run).unwrap();
    }
    let (ended, verdict) = trial();
    match because(&verdict) {
        "not_measured" if ended.was_disturbed() => {
            println!("skipped: this machine is too busy: {}", ended.stderr);
            None
        }
        "gate_generator_run_queue" | "gate_send_lag" | "gate_sent_rate" | "gate_steal" => {
            println!("skipped: this machine is too busy: {}", verdict["because"]);
            None
        }
        _ => Some((ended, verdict)),
    }
}

/// The run that was begun last.
fn newest(runs: &Path) -> PathBuf {
    let runs = fs::read_dir(runs).unwrap().map(|entry| entry.unwrap());
    let begun = |entry: &fs::DirEntry| entry.metadata().unwrap().modified().unwrap();
    runs.max_by_key(begun).unwrap().path()
}

/// The clusters of a verdict as (path, kind).
pub(crate) fn clusters(verdict: &Value) -> Vec<(String, String)> {
    let clusters = verdict["comparisons"][0]["equivalence"]["clusters"].as_array();
    clusters
        .into_iter()
        .flatten()
        .map(|c| {
            let text = |key: &str| c[key].as_str().unwrap_or_default().to_owned();
            (text("path"), text("kind"))
        })
        .collect()
}

/// The ratio of a latency quantile over all requests.
pub(crate) fn ratio(verdict: &Value, quantile: f64) -> [f64; 3] {
    let latency = verdict["comparisons"][0]["latency"].as_array().unwrap();
    let line = latency
        .iter()
        .find(|l| l["operation"] == "*" && l["quantile"] == quantile)
        .unwrap_or_else(|| panic!("no {quantile} in {latency:?}"));
    ["low", "estimate", "high"].map(|key| line["ratio"][key].as_f64().unwrap())
}

/// The code of the first reason.
pub(crate) fn because(verdict: &Value) -> &str {
    verdict["because"][0]["code"].as_str().unwrap_or_default()
}
