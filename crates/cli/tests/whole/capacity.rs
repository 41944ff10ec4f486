//! The search for a capacity as a whole process, against a worker with known service times.

use crate::harness::{Scratch, machine, run, understudy};
use crate::load::Server;
use serde_json::Value;

/// One worker of 1 ms a request can never serve 1,000 a second, and by theory (M/D/1) p99 is at most
/// 10 ms up to 773/s. A noisy machine costs some of that; half of it would be another answer.
#[test]
fn the_capacity_of_a_worker_with_known_service_times_is_found() {
    let _machine = machine();
    let server = Server::with(&["--worker-us", "1000"]);
    let pid = server.pid().to_string();
    for _ in 0..3 {
        let ended = run(understudy()
            .args(["load", &server.url(), "--find-capacity"])
            .args([
                "--slo", "p99<10ms", "--rate", "400", "--warmup", "300ms", "--budget", "12s",
                "--width", "20%", "--pid", &pid, "--json", "-",
            ]));
        let document: Value = serde_json::from_str(&ended.stdout).unwrap();
        let capacity = &document["capacity"];
        if capacity["kind"] != "between" {
            // The generator was disturbed: the search says so, and the exit code too.
            assert!(capacity["refused"].as_u64().unwrap() > 0, "{capacity}");
            assert!([3, 4].contains(&ended.code), "{}", ended.code);
            continue;
        }
        let end = |name: &str| capacity["rate_rps"][name].as_f64().unwrap();
        assert!(end("low") < 1000.0 && end("high") > 380.0, "{capacity}");
        assert_eq!(capacity["binding"], "p99 of all requests at most 10ms");
        assert!(capacity["knee"][0]["cpu"].is_number(), "{capacity}");
        assert_eq!(ended.code, if capacity["narrow"] == true { 0 } else { 4 });
        return;
    }
}

#[test]
fn what_cannot_be_searched_is_reported_before_anything_is_sent() {
    let scratch = Scratch::new("capacity-usage");
    let refused = |arguments: &[&str], expected: &str| {
        let ended = run(understudy()
            .current_dir(scratch.path())
            .args(["load", "http://127.0.0.1:1/"])
            .args(arguments));
        assert_eq!(ended.code, 2, "{}", ended.stderr);
        assert!(ended.stderr.contains(expected), "{}", ended.stderr);
    };
    refused(&["--find-capacity"], "--slo");
    let search = ["--find-capacity", "--slo", "p99<20ms"];
    refused(&[&search[..], &["--rate", "max"]].concat(), "closed model");
    refused(&[&search[..], &["--width", "0%"]].concat(), "--width");
    refused(&[&search[..], &["--budget", "1s"]].concat(), "--budget");
    refused(&[&search[..], &["--duration", "5s"]].concat(), "--duration");
    refused(&["--slo", "p99<20ms"], "--find-capacity");
}
