//! `understudy load` as a whole process.

use crate::harness::{machine, run, subject, understudy};
use serde_json::Value;
use std::io::Read;
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start() -> Self {
        Server::with(&[])
    }

    fn with(flags: &[&str]) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let child = Command::new(subject())
            .args(["--port", &port.to_string()])
            .args(flags)
            .spawn()
            .unwrap();
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(
                start.elapsed() < Duration::from_secs(10),
                "the subject never listened"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        Server { child, port }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/items/1", self.port)
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([name, &pid])
                .status()
                .unwrap()
                .success()
        );
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_document_has_every_figure_and_counts_what_was_asked() {
    let _machine = machine();
    let server = Server::start();
    let ended = run(understudy()
        .args([
            "load",
            &server.url(),
            "--rate",
            "1000",
            "--duration",
            "2s",
            "--warmup",
            "0.2s",
        ])
        .args(["--arrivals", "constant", "--json", "-", "--seed", "7"]));
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert!(matches!(ended.code, 0 | 3), "{}", ended.stderr);
    assert_eq!(report["valid"], ended.code == 0);
    assert_eq!(
        (&report["requests"], &report["answered"]),
        (&2000.into(), &2000.into())
    );
    assert_eq!(report["statuses"]["200"], 2000);
    assert_eq!(
        (&report["load_model"], &report["seed"]),
        (&"open".into(), &7.into())
    );
    for distribution in [
        "latency_us",
        "service_time_us",
        "connection_wait_us",
        "send_lag_us",
    ] {
        for quantile in ["p50", "p90", "p95", "p99", "max", "mean"] {
            assert!(
                report[distribution][quantile].is_number(),
                "{distribution} {quantile}"
            );
        }
        // 2,000 requests leave 2 beyond p99.9.
        assert!(report[distribution]["p99_9"].is_null(), "{distribution}");
        assert!(
            report[distribution]["not_judged"]
                .as_array()
                .unwrap()
                .contains(&"p99_9".into())
        );
    }
}

#[test]
fn a_stall_is_seen_by_every_request_that_was_due_in_it() {
    let _machine = machine();
    let server = Server::start();
    let mut load = understudy()
        .args([
            "load",
            &server.url(),
            "--rate",
            "1000",
            "--duration",
            "4s",
            "--warmup",
            "0s",
        ])
        .args(["--arrivals", "constant", "--json", "-"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // A quarter of the time: the requests due in a stall wait between 0 and 500 ms.
    for _ in 0..2 {
        std::thread::sleep(Duration::from_millis(800));
        server.signal("-STOP");
        std::thread::sleep(Duration::from_millis(500));
        server.signal("-CONT");
    }
    let mut text = String::new();
    load.stdout
        .take()
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    load.wait().unwrap();
    let report: Value = serde_json::from_str(&text).unwrap();
    let latency = |name: &str| report["latency_us"][name].as_f64().unwrap() / 1e3;
    assert!(
        latency("p50") < 100.0,
        "most requests meet no stall: {} ms",
        latency("p50")
    );
    assert!(
        (200.0..520.0).contains(&latency("p90")),
        "{} ms",
        latency("p90")
    );
    assert!(
        (430.0..620.0).contains(&latency("p99")),
        "{} ms",
        latency("p99")
    );
    assert_eq!(report["requests"], 4000);
}

#[test]
fn an_interrupt_prints_what_was_measured() {
    let _machine = machine();
    let server = Server::start();
    let load = understudy()
        .args([
            "load",
            &server.url(),
            "--rate",
            "500",
            "--duration",
            "60s",
            "--warmup",
            "0s",
        ])
        .args(["--json", "-"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    assert!(
        Command::new("kill")
            .args(["-INT", &load.id().to_string()])
            .status()
            .unwrap()
            .success()
    );
    let ended = crate::harness::ended(load.wait_with_output().unwrap());
    assert_eq!(ended.code, 130);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(report["interrupted"], true);
    assert!(
        report["requests"].as_u64().unwrap() > 200,
        "{}",
        report["requests"]
    );
}

#[test]
fn what_cannot_be_done_is_one_sentence() {
    let refused = run(understudy().args(["load", "http://127.0.0.1:1/", "--duration", "1s"]));
    assert_eq!(refused.code, 1);
    assert!(
        refused.stderr.contains("cannot connect to 127.0.0.1:1"),
        "{}",
        refused.stderr
    );
    let remote = run(understudy().args(["load", "http://192.0.2.1/"]));
    assert_eq!(remote.code, 2);
    assert!(
        remote.stderr.contains("--allow-remote"),
        "{}",
        remote.stderr
    );
    let https = run(understudy().args(["load", "https://127.0.0.1/"]));
    assert_eq!(
        (https.code, https.stderr.lines().count()),
        (2, 1),
        "{}",
        https.stderr
    );
    let folder =
        run(understudy().args(["load", "http://127.0.0.1:1/", "--json", "/nowhere/x.json"]));
    assert_eq!(folder.code, 2);
    assert!(
        folder.stderr.contains("/nowhere/x.json"),
        "{}",
        folder.stderr
    );
    let rate = run(understudy().args(["load", "http://127.0.0.1:1/", "--rate", "fast"]));
    assert_eq!(rate.code, 2);
}

#[test]
fn a_server_that_dies_is_counted_and_not_hidden() {
    let _machine = machine();
    let mut server = Server::start();
    let load = understudy()
        .args([
            "load",
            &server.url(),
            "--rate",
            "500",
            "--duration",
            "2s",
            "--warmup",
            "0s",
        ])
        .args(["--arrivals", "constant", "--json", "-"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(1000));
    server.child.kill().unwrap();
    let ended = crate::harness::ended(load.wait_with_output().unwrap());
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    let errors = report["errors"].as_object().unwrap();
    let failed: u64 = errors.values().filter_map(Value::as_u64).sum();
    assert_eq!(report["requests"], 1000, "every request is accounted for");
    assert_eq!(
        report["answered"].as_u64().unwrap() + failed,
        1000,
        "{errors:?}"
    );
    assert!(failed > 300, "{errors:?}");
    assert!(
        report["latency_us"]["p90"].is_null(),
        "a quantile among the unanswered is infinite"
    );
}

#[test]
fn requests_that_wait_are_sent_when_a_closed_connection_is_open_again() {
    let _machine = machine();
    let server = Server::with(&["--close", "--delay-us", "3000"]);
    let ended = run(understudy()
        .args(["load", &server.url(), "--rate", "200", "--duration", "2s"])
        .args(["--warmup", "0s", "--connections", "1", "--json", "-"]));
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    let (requests, answered) = (&report["requests"], &report["answered"]);
    assert!(requests.as_u64().unwrap() > 300, "{requests}");
    assert_eq!(requests, answered, "{}", report["errors"]);
}
