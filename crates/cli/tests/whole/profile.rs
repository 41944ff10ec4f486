//! `understudy profile` as a whole process.

use crate::harness::{machine, run, understudy};
use crate::load::Server;
use serde_json::Value;

/// A few requests a second of a service that can do far more: there is nothing to solve.
#[test]
fn a_service_with_ample_headroom_has_no_problem() {
    let _machine = machine();
    let server = Server::with(&[]);
    let pid = server.pid().to_string();
    for _ in 0..3 {
        let ended = run(understudy().args(["profile", &server.url()]).args([
            "--rate",
            "20",
            "--slo",
            "p90<200ms",
            "--warmup",
            "200ms",
            "--budget",
            "10s",
            "--pid",
            &pid,
            "--json",
            "-",
        ]));
        let document: Value = serde_json::from_str(&ended.stdout).unwrap();
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

#[test]
fn every_mistake_is_told_before_anything_is_sent() {
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
