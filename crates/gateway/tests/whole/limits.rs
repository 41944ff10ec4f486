//! As much as may be passes, and more is refused with its reason.

use crate::harness::{Client, Server, config, eventually, json, receive, run};
use crate::proxy::echo;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;
use understudy_gateway::config::LogTo;

/// So many header lines of a request at most, and of an answer.
const LINES: usize = 100;
const ANSWER_LINES: usize = 128;

fn lines(count: usize) -> String {
    (0..count).map(|n| format!("X-{n}: {n}\r\n")).collect()
}

#[test]
fn a_request_has_a_hundred_header_lines_at_most() {
    let gateway = run(config(&echo()));
    let request = |more: usize| format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", lines(more));
    let whole = Client::of(&gateway).ask(&request(LINES - 1));
    assert_eq!(whole.status(), 200);
    assert!(whole.text().contains("x-98: 98\n"), "the last one arrives");
    let mut more = Client::of(&gateway);
    assert_eq!(more.ask(&request(LINES)).status(), 431);
    assert!(more.is_closed());
}

#[test]
fn an_answer_has_128_header_lines_at_most() {
    let server = Server::http(|request| {
        let count: usize = request.path()[1..].parse().unwrap();
        let lines = lines(count - 1);
        format!("HTTP/1.1 200 OK\r\n{lines}Content-Length: 2\r\n\r\n{{}}").into_bytes()
    });
    let gateway = run(config(&server));
    let whole = Client::of(&gateway).get(&format!("/{ANSWER_LINES}"));
    assert_eq!((whole.status(), whole.headers.len()), (200, ANSWER_LINES));
    assert_eq!(whole.header("x-126"), Some("126"));
    let more = Client::of(&gateway).get(&format!("/{}", ANSWER_LINES + 1));
    let reason = "502 the head of the server's answer is too large\n";
    assert_eq!((more.status(), &more.text()[..]), (502, reason));
    assert_eq!(gateway.status().routes["all"].by_end["upstream_closed"], 1);
}

#[test]
fn a_malformed_answer_is_called_so() {
    let server = Server::http(|_| b"HTTP/1.1 20x OK\r\n\r\n".to_vec());
    let gateway = run(config(&server));
    let answer = Client::of(&gateway).get("/");
    let reason = "502 the server's answer is malformed: its first line is not HTTP/1.x and a status of \
                  three digits\n";
    assert_eq!((answer.status(), &answer.text()[..]), (502, reason));
}

#[test]
fn what_is_too_large_or_too_slow_is_refused() {
    let mut config = config(&echo());
    config.limits.body_bytes = 100;
    config.limits.headers = 20;
    config.limits.header_bytes = 2000;
    config.limits.header_timeout = Duration::from_millis(300);
    config.limits.body_timeout = Duration::from_millis(300);
    let gateway = run(config);
    let with_length =
        Client::of(&gateway).ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n");
    assert_eq!(with_length.status(), 413);
    let without_length = Client::of(&gateway).ask(&format!(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n{}\r\n0\r\n\r\n",
        "x".repeat(101)
    ));
    assert_eq!(without_length.status(), 413);
    let many: String = (0..30).map(|n| format!("X{n}: 1\r\n")).collect();
    assert_eq!(
        Client::of(&gateway)
            .ask(&format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n"))
            .status(),
        431
    );
    let long = format!(
        "GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n",
        "x".repeat(3000)
    );
    assert_eq!(Client::of(&gateway).ask(&long).status(), 431);
    let mut slow = Client::of(&gateway);
    slow.send("GET / HTTP/1.1\r\nHost: a\r\n");
    assert!(slow.is_closed(), "a head that does not come");
    let mut slow = Client::of(&gateway);
    slow.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
    assert_eq!(slow.answer().status(), 408);
}

/// A reset may overtake the answer on its way to a client that is still sending.
#[test]
fn a_client_that_continues_to_send_gets_the_refusal_and_no_reset() {
    let mut config = config(&echo());
    config.limits.body_bytes = 100;
    let gateway = run(config);
    let mut stream = TcpStream::connect(gateway.addresses()[0]).unwrap();
    let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    for _ in 0..20 {
        thread::sleep(Duration::from_millis(20));
        stream.write_all(&[b'x'; 10_000]).unwrap();
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

/// Method and target, status, end and reason of each line of the log of a gateway that has stopped.
fn logged(path: &Path) -> Vec<(String, u64, String, String)> {
    let text = std::fs::read_to_string(path).unwrap();
    let line = |line: &str| {
        let of: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| of[name].as_str().unwrap_or_default().to_owned();
        let request = format!("{} {}", text("method"), text("target"));
        (
            request,
            of["status"].as_u64().unwrap(),
            text("end"),
            text("why"),
        )
    };
    text.lines().map(line).collect()
}

#[test]
fn a_head_that_is_refused_is_counted_and_logged_like_every_refusal() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("access.jsonl");
    let mut config = config(&echo());
    config.access_log = Some(LogTo::File(log.clone()));
    config.limits.header_bytes = 100_000;
    config.limits.header_timeout = Duration::from_millis(700);
    let gateway = run(config);
    let many = format!("GET /many HTTP/1.1\r\nHost: a\r\n{}\r\n", lines(LINES + 5));
    let large = format!("GET /large HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(200_000));
    let long = format!(
        "GET /long{} HTTP/1.1\r\nHost: a\r\n\r\n",
        "g".repeat(70_000)
    );
    let refused: [(&str, &str, u64); 8] = [
        (&many, "GET /many", 431),
        (&large, "GET /large", 431),
        (&long, &format!("GET /long{}", "g".repeat(64 - 9)), 414),
        (
            "G@T /method HTTP/1.1\r\nHost: a\r\n\r\n",
            "G@T /method",
            400,
        ),
        ("GET /name HTTP/1.1\r\nHo st: a\r\n\r\n", "GET /name", 400),
        (
            "GET /fold HTTP/1.1\r\nHost: a\r\n b\r\n\r\n",
            "GET /fold",
            400,
        ),
        (
            "POST /old HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST /old",
            400,
        ),
        (
            "\x16\x03\x01\x02 over TLS\r\n\r\n",
            " \x16\x03\x01\x02 over TLS",
            400,
        ),
    ];
    for (head, request, status) in refused {
        let mut client = Client::of(&gateway);
        // It may be answered, and closed, before all of it was sent.
        let _ = client.0.write_all(head.as_bytes());
        assert_eq!(u64::from(client.answer().status()), status, "{request}");
        assert!(client.is_closed(), "{request}");
    }
    let mut slow = Client::of(&gateway);
    slow.send("GET /slow HTTP/1.1\r\n");
    let mut left = Client::of(&gateway);
    left.send("GET /left HTTP/1.1\r\nHost: a\r\n");
    left.0.shutdown(std::net::Shutdown::Write).unwrap();
    assert!(slow.is_closed() && left.is_closed());
    // Nothing was asked for, so nothing was refused.
    let mut idle = Client::of(&gateway);
    assert_eq!(idle.get("/idle").status(), 200);
    assert!(idle.is_closed());

    let status = eventually(&gateway, |status| status.connections == 0);
    let (of, requests) = (&status.routes["none"], refused.len() as u64 + 2);
    let by_end = |end: &str| of.by_end.get(end).copied().unwrap_or_default();
    assert_eq!((of.requests, of.by_class["4xx"]), (requests, requests));
    assert_eq!(
        (
            by_end("refused"),
            by_end("client_head"),
            by_end("client_left")
        ),
        (refused.len() as u64, 1, 1)
    );
    gateway.stop().unwrap();
    let written = logged(&log);
    for (_, request, status) in refused {
        let line = written.iter().find(|line| line.0 == request);
        let line = line.unwrap_or_else(|| panic!("{request}: {written:#?}"));
        assert_eq!((line.1, &line.2[..]), (status, "refused"), "{request}");
        assert!(line.3.contains(' '), "{line:?}");
    }
    let slow = written.iter().find(|line| line.0 == "GET /slow").unwrap();
    assert_eq!((slow.1, &slow.2[..]), (408, "client_head"));
    let left = written.iter().find(|line| line.0 == "GET /left").unwrap();
    assert_eq!((left.1, &left.2[..]), (499, "client_left"));
    assert_eq!(written.len(), refused.len() + 3, "{written:#?}");
}

#[test]
fn what_may_be_sent_again_is_within_the_budget_and_what_changes_data_never_is() {
    let asked = Arc::new(AtomicU64::new(0));
    let count = asked.clone();
    let server = Server::raw(move |mut stream| {
        if matches!(receive(&mut stream, false), Ok(Some(_))) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    let mut config = config(&server);
    config.incumbent.retry_budget = 0.1;
    let gateway = run(config);
    let mut client = Client::of(&gateway);
    let post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}";
    for _ in 0..5 {
        assert_eq!(client.ask(post).status(), 502);
    }
    assert_eq!(asked.swap(0, Ordering::Relaxed), 5);
    for _ in 0..100 {
        assert_eq!(client.get("/").status(), 502);
    }
    // Twenty to begin with, and one for each ten requests.
    let again = asked.load(Ordering::Relaxed) - 100;
    assert!((28..=30).contains(&again), "{again}");
    assert_eq!(gateway.status().routes["all"].retries, again);
}

#[test]
fn as_many_requests_and_connections_as_may_be() {
    let slow = Server::http(|_| {
        thread::sleep(Duration::from_millis(400));
        json("{}")
    });
    let mut config = config(&slow);
    config.limits.requests = 1;
    config.limits.connections = 2;
    let gateway = run(config);
    let (mut first, mut second) = (Client::of(&gateway), Client::of(&gateway));
    first.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    thread::sleep(Duration::from_millis(100));
    let refused = second.get("/");
    assert_eq!(
        (refused.status(), refused.header("retry-after")),
        (503, Some("1"))
    );
    assert!(Client::of(&gateway).is_closed(), "a third connection");
    assert_eq!(first.answer().status(), 200);
    assert_eq!(second.get("/").status(), 200);
}
