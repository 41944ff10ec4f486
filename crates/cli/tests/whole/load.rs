//! `understudy load` as a whole process.

use crate::harness::{Scratch, ended, machine, run, subject, understudy};
use serde_json::Value;
use std::io::Read;
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use understudy_host::Clock;
use understudy_load::Schedule;
use understudy_model::Arrivals;

pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
}

impl Server {
    fn start() -> Self {
        Server::with(&[])
    }

    pub(crate) fn with(flags: &[&str]) -> Self {
        Server::with_env(flags, &[])
    }

    pub(crate) fn with_env(flags: &[&str], env: &[(&str, &str)]) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let child = Command::new(subject())
            .args(["--port", &port.to_string()])
            .args(flags)
            .envs(env.iter().copied())
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

    pub(crate) fn url(&self) -> String {
        format!("{}/items/1", self.address())
    }

    /// The server alone, as the URL of a side names it.
    pub(crate) fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, name: &str) {
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
        "latency_from_sent_us",
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

/// Moments on CLOCK_MONOTONIC, nanoseconds: before and after each signal that began and ended a stall.
struct Stall {
    begun: [u64; 2],
    ended: [u64; 2],
}

impl Server {
    fn stall(&self, length: Duration) -> Stall {
        let signal = |name: &str| {
            let before = monotonic_ns();
            self.signal(name);
            [before, monotonic_ns()]
        };
        let begun = signal("-STOP");
        std::thread::sleep(length);
        let ended = signal("-CONT");
        Stall { begun, ended }
    }
}

fn monotonic_ns() -> u64 {
    Clock::since(Instant::now()).zero_monotonic_ns().unwrap()
}

/// Latencies (ms) at p95 and p99 of a server that answers at once and stops in the windows.
fn simulated(due: &[u64], windows: &[(u64, u64)]) -> [f64; 2] {
    let wait = |at: &u64| {
        let window = windows
            .iter()
            .find(|(begin, end)| (begin..end).contains(&at));
        window.map_or(0, |(_, end)| end - at)
    };
    let mut waits: Vec<u64> = due.iter().map(wait).collect();
    waits.sort_unstable();
    [0.95, 0.99].map(|q: f64| waits[(q * waits.len() as f64).ceil() as usize - 1] as f64 / 1e6)
}

/// One run against a server that is stalled three times: what it measured at p95 and p99, and the least
/// and the most that the stalls explain (ms).
fn stalled(arrivals: Arrivals, rate: u32) -> ([f64; 2], [f64; 2], [f64; 2]) {
    let server = Server::start();
    let scratch = Scratch::new("stalled");
    let log = scratch.path().join("log.parquet");
    let load = understudy()
        .args([
            "load",
            &server.url(),
            "--rate",
            &rate.to_string(),
            "--seed",
            "5",
        ])
        .args(["--duration", "3s", "--warmup", "0s", "--json", "-"])
        .args(["--arrivals", arrivals.name(), "--log"])
        .arg(&log)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let stalls = [(); 3].map(|()| {
        std::thread::sleep(Duration::from_millis(500));
        server.stall(Duration::from_millis(200))
    });
    let ended = ended(load.wait_with_output().unwrap());
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    let zero = report["log"]["zero_monotonic_ns"].as_u64().unwrap();
    let due: Vec<u64> = Schedule::new(arrivals, f64::from(rate), 5, 0, 1)
        .take_while(|due| *due < 3_000_000_000)
        .collect();
    assert_eq!(
        report["answered"],
        due.len(),
        "what the seed says was sent and answered"
    );
    assert_eq!(report["log"]["rows"], due.len());
    let windows = |begin: usize, end: usize| {
        stalls
            .iter()
            .map(|s| (s.begun[begin] - zero, s.ended[end] - zero))
            .collect::<Vec<_>>()
    };
    let measured = ["p95", "p99"].map(|q| report["latency_us"][q].as_f64().unwrap() / 1e3);
    let least = simulated(&due, &windows(1, 0));
    let most = simulated(&due, &windows(0, 1));
    (measured, least, most)
}

#[test]
fn latencies_are_those_of_a_simulation_of_the_same_arrivals() {
    let _machine = machine();
    for (arrivals, rate) in [(Arrivals::Constant, 1000), (Arrivals::Poisson, 2000)] {
        let mut excess = Vec::new();
        // A machine that is busy with something else makes latencies longer, never shorter.
        let explained = (0..6).any(|_| {
            let (measured, least, most) = stalled(arrivals, rate);
            for n in 0..2 {
                assert!(least[n] > 50.0, "the stalls reach p95: {least:?}");
                assert!(
                    measured[n] > least[n] - 2.0,
                    "{arrivals:?}: {measured:?}, at least {least:?}"
                );
            }
            excess.push([measured[0] - most[0], measured[1] - most[1]]);
            // Less than a stall: counting one twice would show.
            excess
                .last()
                .is_some_and(|ms| ms.iter().all(|ms| *ms < 150.0))
        });
        assert!(
            explained,
            "{arrivals:?}: longer than the stalls explain by {excess:?} ms"
        );
    }
}

#[test]
fn the_log_has_a_row_for_every_request_and_only_its_owner_reads_it() {
    use std::os::unix::fs::PermissionsExt;
    let _machine = machine();
    let server = Server::start();
    let scratch = Scratch::new("log");
    let log = scratch.path().join("log.parquet");
    let ended = run(understudy()
        .args(["load", &server.url(), "--rate", "2000", "--duration", "1s"])
        .args([
            "--arrivals",
            "constant",
            "--warmup",
            "0.2s",
            "--threads",
            "2",
            "--log",
        ])
        .arg(&log));
    assert!(matches!(ended.code, 0 | 3), "{}", ended.stderr);
    let line = ended
        .stdout
        .lines()
        .find(|line| line.trim_start().starts_with("log "))
        .unwrap();
    assert!(line.contains("log.parquet, 2,000 rows, "), "{line}");
    let bytes = std::fs::read(&log).unwrap();
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
    assert_eq!(log.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(
        std::fs::read_dir(scratch.path()).unwrap().count(),
        1,
        "nothing unfinished"
    );
    let refused = run(understudy()
        .args(["load", "http://127.0.0.1:1/", "--log"])
        .arg(&log));
    assert_eq!(refused.code, 1, "{}", refused.stderr);
    assert_eq!(
        std::fs::read_dir(scratch.path()).unwrap().count(),
        1,
        "nothing of a run that never began"
    );
    assert!(
        std::fs::read(&log).unwrap() == bytes,
        "the log before it is as it was"
    );
}

#[cfg(unix)]
#[test]
fn a_log_that_cannot_be_written_makes_the_run_invalid_and_leaves_the_one_before() {
    let _machine = machine();
    let server = Server::start();
    let scratch = Scratch::new("full");
    let log = scratch.write("log.parquet", "the log before");
    // The system refuses what a full disk would: a file longer than 8 KiB (16 in some shells).
    let ended = run(Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 16; exec \"$0\" \"$@\""])
        .arg(understudy().get_program())
        .args(["load", &server.url(), "--rate", "5000", "--duration", "1s"])
        .args(["--warmup", "0s", "--json", "-", "--log"])
        .arg(&log));
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(report["valid"], false);
    assert_eq!(report["log"]["rows"], 0);
    assert_eq!(report["log"]["missed"], report["requests"]);
    let reasons = report["invalid_because"].as_array().unwrap();
    let reason = reasons.iter().filter_map(Value::as_str);
    let reason = reason
        .filter(|r| r.contains("missing from the log"))
        .collect::<String>();
    assert!(reason.contains("cannot write "), "{reason}");
    assert!(reason.contains("the file would be too large"), "{reason}");
    assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 1);
    assert_eq!(std::fs::read(&log).unwrap(), b"the log before");
}

#[test]
fn rows_of_a_killed_run_are_not_written_over() {
    let scratch = Scratch::new("killed");
    let log = scratch.path().join("log.parquet");
    let left = scratch.write("log.parquet.tmp", "rows");
    let load = || {
        run(understudy()
            .args(["load", "http://127.0.0.1:1/", "--log"])
            .arg(&log))
    };
    let refused = load();
    assert_eq!((refused.code, refused.errors().len()), (2, 1));
    let advice = "is what an interrupted run left\nhint: rename it to keep it, or remove it";
    assert!(refused.stderr.contains(advice), "{}", refused.stderr);
    let writer = std::fs::File::open(&left).unwrap();
    writer.lock().unwrap();
    let refused = load();
    assert_eq!((refused.code, refused.errors().len()), (2, 1));
    assert!(refused.stderr.contains("is in use"), "{}", refused.stderr);
    assert_eq!(std::fs::read(&left).unwrap(), b"rows");
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
    let ended = ended(load.wait_with_output().unwrap());
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
        (https.code, https.errors().len()),
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
    let log =
        run(understudy().args(["load", "http://127.0.0.1:1/", "--log", "/nowhere/x.parquet"]));
    assert_eq!((log.code, log.errors().len()), (2, 1));
    assert!(
        log.stderr
            .contains("--log: cannot create /nowhere/x.parquet")
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
    let ended = ended(load.wait_with_output().unwrap());
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

#[test]
fn a_malformed_answer_says_what_is_malformed() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                use std::io::Write;
                let mut asked = [0; 4096];
                while stream.read(&mut asked).is_ok_and(|read| read > 0) {
                    let answer = b"HTTP/1.1 200 OK\r\nX-A : b\r\nContent-Length: 2\r\n\r\n{}";
                    if stream.write_all(answer).is_err() {
                        return;
                    }
                }
            });
        }
    });
    let load = [
        "load",
        &url,
        "--rate",
        "50",
        "--duration",
        "500ms",
        "--warmup",
        "100ms",
    ];
    let output = understudy()
        .args(load)
        .args(["--connections", "2"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("malformed       first: a header line begins with a space"),
        "{text}"
    );
}
