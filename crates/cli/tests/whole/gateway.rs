//! The gateway as a process: its file, its signals, and the commands that ask it.

use crate::harness::{Scratch, understudy};
use crate::load::Server;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

/// A gateway that ends with the test.
struct Gateway {
    child: Child,
    stderr: BufReader<ChildStderr>,
    address: String,
    admin: String,
}

impl Gateway {
    fn start(file: &Path) -> Gateway {
        let mut child = understudy()
            .arg("gateway")
            .arg(file)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let mut gateway = Gateway {
            child,
            stderr,
            address: String::new(),
            admin: String::new(),
        };
        gateway.address = gateway.wait_for_line("listening on ");
        gateway.admin = gateway
            .wait_for_line("admin interface at ")
            .trim_end_matches('/')
            .to_owned();
        gateway
    }

    /// Waits for a line that contains `what`; returns the text behind it.
    fn wait_for_line(&mut self, what: &str) -> String {
        let mut line = String::new();
        loop {
            line.clear();
            assert!(
                self.stderr.read_line(&mut line).unwrap() > 0,
                "it ended before it said {what:?}"
            );
            if let Some((_, rest)) = line.split_once(what) {
                return rest.trim().to_owned();
            }
        }
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Runs a command that asks it.
    fn ask(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = understudy()
            .arg("gateway")
            .args(arguments)
            .args(["--admin", &self.admin])
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn written(scratch: &Scratch, incumbent: &Server, candidate: &Server, more: &str) -> PathBuf {
    // Fixed, so that it is the same after a reload; of an address that no other program asks: one that is
    // waiting for a server of its own at a port that was free before would be a request more.
    let id = std::process::id();
    let host = format!(
        "127.{}.{}.{}",
        1 + id % 250,
        id / 250 % 256,
        1 + id / 64_000 % 250
    );
    let free = TcpListener::bind((host.as_str(), 0)).unwrap();
    let port = free.local_addr().unwrap().port();
    let text = format!(
        "schema = 1\nworkers = 1\nstate = \"state\"\naccess_log = \"access.jsonl\"\n{more}\n\
         [[listen]]\naddress = \"{host}:{port}\"\n[incumbent]\nservers = [\"http://127.0.0.1:{}\"]\n\
         [candidate]\nservers = [\"http://127.0.0.1:{}\"]\nask_twice = \"100%\"\n[admin]\naddress = \"127.0.0.1:0\"\n",
        incumbent.port, candidate.port,
    );
    scratch.write("gateway.toml", &text)
}

/// The numbers behind a text, each up to the next of these words; zeros where the text is missing.
fn numbers<const N: usize>(text: &str, begin: &str, ends: [&str; N]) -> [u64; N] {
    let mut rest = text.split_once(begin).map_or("", |(_, rest)| rest);
    ends.map(|end| {
        let (number, behind) = rest.split_once(end).unwrap_or_default();
        rest = behind;
        number.parse().unwrap_or(0)
    })
}

/// A line for each request, in the log or in the one that was moved away before the last of them.
fn check_logs(paths: &[PathBuf; 2], asked: usize) {
    let [log, moved] = paths
        .each_ref()
        .map(|path| std::fs::read_to_string(path).unwrap());
    let (before, after) = (moved.lines().count(), log.lines().count());
    // A line waits for the candidate: that of the request before the signal may come after it.
    assert!(
        before >= asked && after >= 1 && before + after == asked + 2,
        "{before} {after} of {asked} and two more"
    );
    let lines = moved
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let shown: Vec<serde_json::Value> = lines
        .filter(|line: &serde_json::Value| line["candidate"] == "200")
        .collect();
    assert!(shown.len() >= 30, "{moved}");
    for line in shown {
        assert!(line["status"] == 200 && line["end"] == "complete", "{line}");
    }
}

#[test]
fn it_serves_finds_the_planted_bug_is_reloaded_and_stops() {
    let _machine = crate::harness::machine();
    let scratch = Scratch::new("gateway");
    let (incumbent, candidate) = (Server::with(&[]), Server::with(&["--plant", "value"]));
    let file = written(&scratch, &incumbent, &candidate, "");
    let check = understudy()
        .args(["gateway", "--check"])
        .arg(&file)
        .output()
        .unwrap();
    assert!(
        check.status.success()
            && String::from_utf8(check.stdout)
                .unwrap()
                .contains("1 server of the incumbent")
    );
    let mut gateway = Gateway::start(&file);
    // Copies have the lowest priority: on a machine without any CPU left some are dropped, and more are asked for.
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    let mut asked = 0;
    loop {
        asked += 30;
        for id in 0..30 {
            let answer = gateway.get(&format!("/items/{id}"));
            assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        }
        std::thread::sleep(Duration::from_millis(300));
        let (code, text) = gateway.ask(&["differences"]);
        assert_eq!(code, Some(0), "{text}");
        let [differ, of] = numbers(&text, "GET /items/{id}  $.stock (value): ", [" of ", "\n"]);
        assert_eq!(differ, of, "{text}");
        if of >= 30 {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "{text}");
    }
    // A line of the log waits for the candidate as well.
    let [eligible, compared, dropped, _] = loop {
        let (code, text) = gateway.ask(&["status"]);
        assert_eq!(code, Some(5), "{text}");
        let ends = [" eligible = ", " compared + ", " dropped + ", " pending"];
        let ledger = numbers(&text, "ledger    ", ends);
        if ledger[3] == 0 {
            break ledger;
        }
        assert!(std::time::Instant::now() < deadline, "{text}");
        std::thread::sleep(Duration::from_millis(100));
    };
    assert_eq!((eligible, compared + dropped), (asked as u64, asked as u64));
    let (_, differences) = gateway.ask(&["differences"]);
    let all = format!("GET /items/{{id}}  $.stock (value): {compared} of {compared}\n");
    assert!(
        differences.contains(&all) && differences.contains("incumbent  0\n      candidate  1"),
        "{differences}"
    );
    let waiver = [
        "waive",
        "GET /items/{id}",
        "$.stock",
        "--owner",
        "shop",
        "--reason",
        "counted again",
    ];
    let (code, text) = gateway.ask(&[&waiver[..], &["--expires", "2020-01-01"]].concat());
    assert!(
        code == Some(2) && text.contains("2020-01-01 is over"),
        "{text}"
    );
    let (code, text) = gateway.ask(&[&waiver[..], &["--expires", "2999-01-01"]].concat());
    assert_eq!(code, Some(0), "{text}");
    let (code, text) = gateway.ask(&["status"]);
    assert_eq!(code, Some(4), "nothing differs that is not excused: {text}");

    let right = std::fs::read_to_string(&file).unwrap();
    scratch.write("gateway.toml", &right.replace("[candidate]", "[candidat]"));
    gateway.signal("HUP");
    let mistake = gateway.wait_for_line("did you mean `");
    assert!(mistake.starts_with("candidate"), "{mistake}");
    assert!(
        gateway.get("/items/1").contains("200 OK"),
        "the old configuration stays"
    );
    // A rotated log is announced by the same signal.
    let [log, moved] = ["access.jsonl", "access.jsonl.1"].map(|name| scratch.path().join(name));
    std::fs::rename(&log, &moved).unwrap();
    scratch.write(
        "gateway.toml",
        &right.replace("ask_twice", "fraction = \"50%\"\nask_twice"),
    );
    gateway.signal("HUP");
    gateway.wait_for_line("the new configuration is in use");
    assert!(gateway.get("/items/1").contains("200 OK"));

    gateway.signal("TERM");
    assert_eq!(gateway.child.wait().unwrap().code(), Some(0));
    check_logs(&[log, moved], asked);
    let state = std::fs::read_to_string(scratch.path().join("state/state.json")).unwrap();
    assert!(state.contains("counted again"));
}

#[test]
fn an_address_without_a_gateway_is_an_error() {
    let output = understudy()
        .args(["gateway", "status", "--admin", "http://127.0.0.1:1"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.code() == Some(1)
            && text.contains("no gateway answers at http://127.0.0.1:1"),
        "{text}"
    );
}
