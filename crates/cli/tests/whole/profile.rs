//! `understudy profile` as a whole process.

use crate::harness::{Ended, Scratch, ended, machine, run, understudy};
use crate::load::Server;
use crate::report::{empty_run, verdict};
use serde_json::Value;
use std::process::{Command, Stdio};
use std::time::Duration;
use understudy_model::Role;
use understudy_model::floor::{FloorKind, SideFloor};

/// A few requests a second of a service that can do far more: there is nothing to solve.
#[test]
fn a_service_with_ample_headroom_has_no_problem() {
    let _machine = machine();
    let server = Server::with(&[]);
    let pid = server.pid().to_string();
    for _ in 0..3 {
        let ended = run(understudy().args(["profile", &server.url()]).args([
            "--rate",
            "100",
            "--slo",
            "p90<200ms",
            "--warmup",
            "200ms",
            "--budget",
            "12s",
            "--pid",
            &pid,
            "--json",
            "-",
        ]));
        let document: Value = serde_json::from_str(&ended.stdout).unwrap();
        // The machine was disturbed, and it says so.
        if document["findings"][0]["code"] == "headroom_not_known" {
            continue;
        }
        if document["findings"][0]["code"] == "not_known" {
            assert_eq!(ended.code, 3);
            continue;
        }
        assert_eq!(document["findings"][0]["code"], "no_problem", "{document}");
        assert!(document["headroom"].as_f64().unwrap() >= 2.0);
        assert!(document["peak_rss_bytes"].as_f64().unwrap() > 1e5);
        assert_eq!(ended.code, 0);
        return;
    }
}

/// A server that stops for 40 ms in every second and logs it: arithmetic says that 4 % of the requests
/// meet a stop, half of them wait longer than 20 ms, and all of the slowest hundredth do.
#[test]
fn stops_that_a_log_reports_are_where_the_tail_comes_from() {
    let _machine = machine();
    let scratch = Scratch::new("profile-stops");
    let prefix = scratch.path().join("pauses");
    let prefix = prefix.to_str().unwrap();
    let flags = ["--stop-ms", "40", "--every-ms", "1000"];
    let server = Server::with_env(&flags, &[("UNDERSTUDY_PAUSES", prefix)]);
    let (pid, log) = (
        server.pid().to_string(),
        format!("{prefix}-{}.log", server.pid()),
    );
    while !std::path::Path::new(&log).exists() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let named = ["--pid", &pid, "--runtime-log", &log, "--json", "-"];

    let watched = run(understudy()
        .args(["profile", "--watch", "--for", "3s", "--slo", "p99<20ms"])
        .args(named));
    let watched = document(&watched);
    assert_eq!(codes(&watched)[0], "latency_not_seen", "{watched}");
    assert!(codes(&watched).contains(&"stops_miss"), "{watched}");
    assert_stops(&watched);
    assert_eq!(watched["capacity"], Value::Null);

    for _ in 0..3 {
        let ended = run(understudy()
            .args([
                "profile",
                &server.url(),
                "--rate",
                "1000",
                "--slo",
                "p99<20ms",
            ])
            .args(["--warmup", "200ms", "--budget", "13s"])
            .args(named));
        let loaded = document(&ended);
        if loaded["tail"].is_null() || codes(&loaded)[0] == "not_known" {
            continue; // The machine was disturbed: it says so.
        }
        assert_stops(&loaded);
        if machine_interfered(&loaded) {
            continue;
        }
        assert!(codes(&loaded).contains(&"tail_runtime"), "{loaded}");
        let causes = loaded["tail"]["causes"].as_array().unwrap();
        let stops = causes.iter().find(|one| one["cause"] == "runtime_stop");
        let stops = stops.unwrap();
        assert!(stops["explained_share"].as_f64().unwrap() > 0.5, "{stops}");
        let p99_us = loaded["tail"]["at_us"].as_f64().unwrap();
        let without_us = stops["quantile_without_us"].as_f64().unwrap();
        assert!(without_us < 0.5 * p99_us, "{loaded}");
        return;
    }
}

/// Half of the slowest requests or more are due to the machine, or it takes what makes half of the stops.
fn machine_interfered(profile: &Value) -> bool {
    let codes = codes(profile);
    codes.contains(&"tail_outside") || codes.contains(&"tail_mixed")
}

fn assert_stops(profile: &Value) {
    let pauses = &profile["pauses"];
    let of = |key: &str| pauses[key].as_f64().unwrap();
    assert!(of("stops") >= 3.0, "{pauses}");
    // A busy machine wakes it later than it wants to, never earlier.
    assert!((0.03..0.1).contains(&of("time_share")), "{pauses}");
    assert!((40e3..400e3).contains(&of("longest_us")), "{pauses}");
    let waiting = pauses["against"]["waiting_longer"].as_f64().unwrap();
    assert!(waiting > 0.012, "{pauses}");
}

/// Others send 1,000 requests a second, and the service logs how long each took: one that answers at once
/// has no problem, one that stops for 60 ms in each half second misses its objective, because of that. They
/// have a connection for each that waits: what waits for one before that, no server can log.
#[test]
fn live_traffic_is_judged_by_its_access_log() {
    let _machine = machine();
    let scratch = Scratch::new("profile-access");
    let prefix = scratch.path().join("pauses");
    let prefix = prefix.to_str().unwrap();
    let watched = |name: &str, flags: &[&str], slo: &str| {
        let access = scratch.write(name, "");
        let access = access.to_str().unwrap();
        let flags = [&["--access-log", access], flags].concat();
        let server = Server::with_env(&flags, &[("UNDERSTUDY_PAUSES", prefix)]);
        let (pid, url) = (server.pid().to_string(), server.url());
        let load = understudy()
            .args([
                "load",
                &url,
                "--rate",
                "1000",
                "--duration",
                "8s",
                "--warmup",
                "0s",
            ])
            .args(["--connections", "128"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let mut load = load.unwrap();
        std::thread::sleep(Duration::from_millis(1500));
        let mut watch = understudy();
        watch.args([
            "profile", "--watch", "--for", "5s", "--slo", slo, "--json", "-",
        ]);
        watch.args(["--pid", &pid, "--access-log", access]);
        let log = format!("{prefix}-{pid}.log");
        if std::path::Path::new(&log).exists() {
            watch.args(["--runtime-log", &log]);
        }
        let profile = document(&run(&mut watch));
        load.kill().unwrap();
        load.wait().unwrap();
        let traffic = &profile["traffic"];
        let rate = traffic["rate_rps"].as_f64().unwrap();
        assert!((750.0..1250.0).contains(&rate), "{traffic}");
        assert_eq!(traffic["without_duration"], 0);
        profile
    };
    let stops = ["--stop-ms", "60", "--every-ms", "500"];
    let stopped = watched("stopped.log", &stops, "p99<20ms");
    assert_eq!(codes(&stopped)[0], "slo_missed", "{stopped}");
    let named = codes(&stopped).contains(&"tail_runtime");
    assert!(named || machine_interfered(&stopped), "{stopped}");
    let over = &stopped["traffic"]["objectives"][0]["violated"]["estimate"];
    assert!((0.05..0.2).contains(&over.as_f64().unwrap()), "{stopped}");
    for _ in 0..3 {
        // A machine with neighbours may stall for 20 ms a hundredth of the time, hardly for 200.
        let quick = watched("quick.log", &[], "p99<200ms");
        if codes(&quick)[0] != "undecided" {
            assert_eq!(codes(&quick)[0], "no_problem", "{quick}");
            return;
        }
    }
}

/// What a trial found that it needs is held against what it is given.
#[test]
fn the_memory_floor_of_a_trial_is_held_against_what_is_given() {
    let scratch = Scratch::new("profile-floor");
    let stored = empty_run(&scratch);
    let server = Server::with(&[]);
    let pid = server.pid().to_string();
    let watched = || {
        run(understudy()
            .args(["profile", "--watch", "--for", "1s", "--pid", &pid])
            .args(["--json", "-", "--floor-of"])
            .arg(stored.path()))
    };
    let refused = |expected: &str| {
        let ended = watched();
        assert_eq!(ended.code, 2, "{}", ended.stderr);
        assert!(ended.stderr.contains(expected), "{}", ended.stderr);
    };
    refused("--floor-of: ");
    let mut of_trial = verdict();
    stored.write_json("verdict.json", &of_trial).unwrap();
    refused("has no memory floor of its incumbent");
    of_trial.memory_floors.push(SideFloor {
        side: Role::Incumbent,
        kind: FloorKind::Between,
        high_bytes: Some(16e6),
        low_bytes: Some(15e6),
        because: None,
        rate_rps: 300.0,
        repeats: 3,
        objectives: vec!["p50 of all requests at most 200ms".to_owned()],
        verified_bytes: Some(17.6e6),
        verified_s: Some(30.0),
        growth_bytes_per_s: Some(0.0),
        peak_rss_bytes: Some(20e6),
        peak_cgroup_bytes: None,
        runs: None,
        curve: Vec::new(),
    });
    stored.write_json("verdict.json", &of_trial).unwrap();
    let profile = document(&watched());
    assert_eq!(profile["memory_floor"]["high_bytes"], 16e6, "{profile}");
    let limited = profile["used"]["memory"]["limited"] == true;
    let expected = match limited {
        true => "memory_over_given",
        false => "memory_unlimited",
    };
    assert!(codes(&profile).contains(&expected), "{profile}");
}

/// Two watches, one ended by the exit of the process and one by a signal: both report what was seen.
#[test]
fn a_watch_that_ends_early_reports_what_it_saw() {
    let _machine = machine();
    let server = Server::with(&["--touch-mib", "64"]);
    let pid = server.pid().to_string();
    let mut watch = understudy();
    watch.args([
        "profile", "--watch", "--for", "60s", "--json", "-", "--pid", &pid,
    ]);
    let watch = || {
        let piped = Command::new(watch.get_program())
            .args(watch.get_args())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(1800));
        piped
    };

    let interrupted = watch();
    let signalled = Command::new("kill")
        .args(["-INT", &interrupted.id().to_string()])
        .status();
    assert!(signalled.unwrap().success());
    let interrupted = ended(interrupted.wait_with_output().unwrap());
    assert_eq!(interrupted.code, 130, "{}", interrupted.stderr);
    let seen = document(&interrupted);
    assert_eq!(seen["interrupted"], true);
    assert_touched(&seen);

    let left = watch();
    server.signal("-KILL");
    drop(server);
    let left = ended(left.wait_with_output().unwrap());
    assert_eq!(left.code, 0, "{}", left.stderr);
    let seen = document(&left);
    assert_touched(&seen);
    let not_seen = seen["not_seen"].to_string();
    assert!(not_seen.contains("has ended"), "{not_seen}");
}

fn assert_touched(profile: &Value) {
    let used = &profile["used"];
    let rss = used["memory"]["peak_rss_bytes"].as_f64().unwrap();
    assert!(
        (64.0 * 1_048_576.0..100.0 * 1_048_576.0).contains(&rss),
        "{used}"
    );
    let seconds = used["seconds"].as_f64().unwrap();
    assert!((0.4..10.0).contains(&seconds), "{used}");
    assert_eq!(
        used["memory"]["growth_bytes_per_s"],
        Value::Null,
        "too short"
    );
    assert!(used["given_cpus"].as_f64().unwrap() >= 0.1, "{used}");
}

fn document(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

fn codes(profile: &Value) -> Vec<&str> {
    let findings = profile["findings"].as_array().unwrap();
    findings
        .iter()
        .map(|finding| finding["code"].as_str().unwrap())
        .collect()
}

#[test]
fn every_mistake_is_reported_before_anything_is_sent() {
    let ended = run(understudy()
        .args(["profile", "http://192.0.2.1/", "--rate", "0"])
        .args(["--slo", "p99<20ms", "--budget", "1s", "--timeout", "0s"]));
    assert_eq!(ended.code, 2);
    for expected in ["--rate", "--budget", "--timeout", "--allow-remote"] {
        assert!(
            ended.stderr.contains(expected),
            "{expected}: {}",
            ended.stderr
        );
    }
}

#[test]
fn every_mistake_about_a_watch_is_reported_at_once() {
    let ended = run(understudy()
        .args(["profile", "http://127.0.0.1:1/", "--watch", "--rate", "5"])
        .args(["--for", "0s", "--runtime-log", "/no/such/log"]));
    assert_eq!(ended.code, 2);
    for expected in [
        "leave out the URL",
        "leave out `--rate`",
        "`--watch` needs a process",
        "`--for` is not from 1s to 24h",
        "--runtime-log: cannot read /no/such/log",
    ] {
        assert!(
            ended.stderr.contains(expected),
            "{expected}: {}",
            ended.stderr
        );
    }
    let me = std::process::id().to_string();
    for (named, expected) in [
        (["--pid", "4194304"], "process 4194304 has ended"),
        (["--cgroup", "/no/such/group"], "does not exist below"),
        (["--jvm", &me], "it is not a JVM"),
    ] {
        let ended = run(understudy().args(["profile", "--watch"]).args(named));
        assert_eq!(ended.code, 2, "{named:?}");
        assert!(ended.stderr.contains(expected), "{}", ended.stderr);
    }
}
