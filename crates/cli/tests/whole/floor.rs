//! The search for a memory floor as a whole process, against memory that is known to be needed. It is
//! killed in the midst of both searches, and continues.

use crate::harness::{Ended, Scratch, machine, run, subject, understudy};
use crate::load::Server;
use crate::resume::{eventually, files};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use understudy_probe::Cgroups;

const MIB: f64 = 1_048_576.0;
const TOUCHED_MIB: u32 = 64;
const SMALL_MIB: u32 = 16;

/// A side that writes to 64 MiB over and over cannot do with less, and needs little more than that and
/// what the same server takes without them.
#[test]
fn the_floor_of_a_side_that_touches_known_memory_is_found() {
    let groups = Cgroups::detect(Path::new("/sys/fs/cgroup"));
    if let Err(why) = groups.memory() {
        println!("skipped: memory cannot be limited here: {why}");
        return;
    }
    let _machine = machine();
    let scratch = Scratch::new("floor");
    let other = Server::with(&[]);
    scratch.write("trial.toml", &trial_toml(&other.address()));
    for _ in 0..3 {
        let runs = scratch.path().join("runs");
        let _ = std::fs::remove_dir_all(&runs);
        let ended = killed_twice(&scratch);
        let verdict: Value = serde_json::from_str(&ended.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", ended.stderr));
        let floors = verdict["memory_floors"].as_array().unwrap();
        assert_eq!(floors.len(), 1, "only a side that is launched: {verdict}");
        let floor = &floors[0];
        if floor["kind"] != "between" {
            // The machine was disturbed: the search says so.
            assert!(floor["because"].is_string(), "{floor}");
            continue;
        }
        assert_floor(floor, peak_rss(other.pid()));
        let capacities = verdict["capacity"].as_array().unwrap();
        assert_eq!(capacities.len(), 2, "{verdict}");
        let limits = verdict["limits_of_this_result"].to_string();
        assert!(
            limits.contains("memory floor of the candidate is not measured"),
            "{limits}"
        );
        assert_same_again(&scratch, &verdict);
        return;
    }
}

/// One program with a buffer of 64 MiB, and the same with one of 16 MiB: each needs that and little more. The search is
/// killed, and continues.
#[test]
fn the_floors_of_commands_are_those_of_their_buffers() {
    let groups = Cgroups::detect(Path::new("/sys/fs/cgroup"));
    if let Err(why) = groups.memory() {
        println!("skipped: memory cannot be limited here: {why}");
        return;
    }
    let _machine = machine();
    let scratch = Scratch::new("floor-commands");
    let copy = |mib: u32| format!("dd if=/dev/zero of=/dev/null bs={mib}M count=1 status=none");
    scratch.write(
        "trial.toml",
        &format!(
            "schema = 1\n[subject]\nkind = \"command\"\n[side.incumbent]\nrun = \"{}\"\n[side.candidate]\nrun = \"{}\"\n[judge]\ngoal = \"no_worse\"\nmargin = \"100%\"\nlongest = \"3s\"\n[memory_floor]\nrepeats = 2\nslower = \"100%\"\n",
            copy(TOUCHED_MIB),
            copy(SMALL_MIB)
        ),
    );
    let run_directory = begun(&scratch, "floor-");
    let before = files(&run_directory, "floor-");
    let ended = run(understudy()
        .args(["trial", "--json", "-", "--resume"])
        .arg(&run_directory));
    let after = files(&run_directory, "floor-");
    for (path, bytes) in &before {
        assert_eq!(&after[path], bytes, "{} was made again", path.display());
    }
    let verdict: Value = serde_json::from_str(&ended.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", ended.stderr));
    let floors = verdict["memory_floors"].as_array().unwrap();
    assert_eq!(floors.len(), 2, "{verdict}");
    for (floor, mib) in floors.iter().zip([TOUCHED_MIB, SMALL_MIB]) {
        assert_eq!(floor["kind"], "between", "{floor}");
        let of = |key: &str| floor[key].as_f64().unwrap();
        let (low, high, known) = (of("low_bytes"), of("high_bytes"), f64::from(mib) * MIB);
        assert!(high >= known && high <= 1.1 * known + 6.0 * MIB, "{floor}");
        assert!(low < high && high <= low * 1.06, "{floor}");
        assert_eq!((&floor["runs"]["of"], of("rate_rps")), (&1.into(), 0.0));
        let curve = floor["curve"].as_array().unwrap();
        assert!(curve.iter().any(|point| point["outcome"] == "killed"));
        assert!(curve.iter().any(|point| point["wall_us"].is_number()));
    }
    assert_same_again(&scratch, &verdict);
    let page = std::fs::read_to_string(run_directory.join("report.html")).unwrap();
    for said in ["its only case ended right", "wall time per run"] {
        assert!(page.contains(said), "{said}");
    }
    assert!(!page.contains("put under"), "no load was offered");
}

/// A limit that is too small for what starts the runs is the user's mistake, and is said.
#[test]
fn a_limit_too_small_for_the_launcher_is_named() {
    let groups = Cgroups::detect(Path::new("/sys/fs/cgroup"));
    if groups.memory().is_err() {
        return;
    }
    let _machine = machine();
    let scratch = Scratch::new("floor-too-small");
    scratch.write(
        "trial.toml",
        "schema = 1\n[subject]\nkind = \"command\"\n[side.incumbent]\nrun = \"true\"\n[side.candidate]\nrun = \"true\"\n[limits]\nmemory = \"64KiB\"\n",
    );
    let ended = run(understudy()
        .current_dir(scratch.path())
        .args(["trial", "--quick"]));
    assert_eq!(ended.code, 1, "{}{}", ended.stdout, ended.stderr);
    let [error] = &ended.errors()[..] else {
        panic!("{}", ended.stderr)
    };
    assert!(
        error.contains("its memory limit of 64KiB is too small for the launcher that runs it\nhint: raise `memory`"),
        "{error}"
    );
}

/// Begins the trial of a folder and kills it at the first measurement whose name begins so.
fn begun(scratch: &Scratch, stage: &str) -> PathBuf {
    let mut command = understudy();
    let trial = command.current_dir(scratch.path());
    killed_at(
        trial.args(["trial", "trial.toml", "--quick", "--out", "runs"]),
        &scratch.path().join("runs"),
        stage,
    );
    scratch.run()
}

/// Runs the trial until its search for the capacity is under way, and again until that for the floor is,
/// each time to a kill, then to its end. What was measured stays as it was.
fn killed_twice(scratch: &Scratch) -> Ended {
    let run_directory = begun(scratch, "capacity-");
    let capacity = files(&run_directory, "capacity-");
    killed_at(
        understudy().args(["trial", "--resume"]).arg(&run_directory),
        &scratch.path().join("runs"),
        "floor-",
    );
    let floor = files(&run_directory, "floor-");
    let ended = run(understudy()
        .args(["trial", "--json", "-", "--resume"])
        .arg(&run_directory));
    for (prefix, before) in [("capacity-", capacity), ("floor-", floor)] {
        let after = files(&run_directory, prefix);
        assert!(before.len() <= after.len());
        for (path, bytes) in &before {
            assert_eq!(&after[path], bytes, "{} was measured again", path.display());
        }
    }
    ended
}

/// Starts it and kills it as soon as there is a whole trial of this kind.
fn killed_at(command: &mut Command, runs: &Path, prefix: &str) {
    let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut process = quiet.spawn().unwrap();
    eventually(prefix, || {
        let run: PathBuf = std::fs::read_dir(runs).ok()?.next()?.unwrap().path();
        (!files(&run, prefix).is_empty()).then_some(())
    });
    process.kill().unwrap();
    process.wait().unwrap();
}

fn assert_floor(floor: &Value, baseline: f64) {
    let of = |key: &str| floor[key].as_f64().unwrap();
    let known = f64::from(TOUCHED_MIB) * MIB;
    let (low, high) = (of("low_bytes"), of("high_bytes"));
    assert!(
        high >= known && high <= 1.1 * (known + baseline),
        "{baseline}: {floor}"
    );
    assert!(low < high && high <= low * 1.06, "{floor}");
    assert!(of("verified_bytes") >= 1.1 * high, "{floor}");
    assert!(of("peak_rss_bytes") >= known, "{floor}");
    let killed = |point: &&Value| point["outcome"] == "killed";
    let curve = floor["curve"].as_array().unwrap();
    let below = curve
        .iter()
        .filter(killed)
        .map(|p| p["limit_bytes"].as_f64().unwrap());
    assert!(below.fold(0.0, f64::max) < high, "{floor}");
    assert!(
        curve
            .iter()
            .any(|point| point["p99_us"].is_number() && point["cpu"].is_number())
    );
}

/// What is stored gives the same floor, and no trial is made again.
fn assert_same_again(scratch: &Scratch, verdict: &Value) {
    let again = run(understudy()
        .args(["judge", "--json", "-"])
        .arg(scratch.run()));
    let again: Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!(&again, verdict);
}

fn trial_toml(candidate: &str) -> String {
    format!(
        "schema = 1\n[subject]\nkind = \"http\"\n[side.incumbent]\nrun = \"'{}' --port {{port}} --touch-mib {TOUCHED_MIB}\"\nready_timeout = \"5s\"\n[side.candidate]\nurl = \"{candidate}\"\n[workload]\npaths = [\"/items/1\"]\nrates = [300]\nconnections = 8\nwarmup = \"200ms\"\n[[slo]]\noperation = \"*\"\nquantile = 0.5\nmax = \"200ms\"\n[judge]\ngoal = \"no_worse\"\nmargin = \"50%\"\nlongest = \"5s\"\n[capacity]\nhighest_rate = 600\nwarmup = \"200ms\"\nbudget = \"5s\"\n[memory_floor]\nrepeats = 1\nwarmup = \"200ms\"\nmeasured = \"1s\"\nsoak = \"5s\"\n",
        subject().display()
    )
}

/// The highest resident set of a process, bytes.
fn peak_rss(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    let kibibytes: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kibibytes * 1024.0
}
