//! As much as may be passes, and more is refused with its reason.

use crate::harness::{Client, Server, config, json, run};
use crate::proxy::echo;
use std::thread;
use std::time::Duration;

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
fn an_answer_that_is_none_is_called_so() {
    let server = Server::http(|_| b"HTTP/1.1 20x OK\r\n\r\n".to_vec());
    let gateway = run(config(&server));
    let told = Client::of(&gateway).get("/");
    let reason = "502 the server's answer is malformed\n";
    assert_eq!((told.status(), &told.text()[..]), (502, reason));
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
    let told =
        Client::of(&gateway).ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n");
    assert_eq!(told.status(), 413);
    let untold = Client::of(&gateway).ask(&format!(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n{}\r\n0\r\n\r\n",
        "x".repeat(101)
    ));
    assert_eq!(untold.status(), 413);
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
