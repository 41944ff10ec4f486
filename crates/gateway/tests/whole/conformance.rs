//! What RFC 9110 and RFC 9112 want of an intermediary, from both ends of a connection.

use crate::harness::{Client, Server, config, eventually, json, receive, run};
use crate::proxy::echo;
use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use understudy_gateway::GatewayConfig;

/// The first line and the headers of a request, as the server gets them from a gateway that is changed so.
fn seen_with(change: impl Fn(&mut GatewayConfig), request: &str) -> String {
    let mut config = config(&raw_echo());
    change(&mut config);
    Client::of(&run(config)).ask(request).text()
}

fn seen(request: &str) -> String {
    seen_with(|_| {}, request)
}

/// Answers with the head of the request as it came, byte by byte.
fn raw_echo() -> Server {
    Server::raw(|mut stream| {
        let mut head = Vec::new();
        let mut byte = [0];
        while stream.read(&mut byte).is_ok_and(|read| read > 0) {
            head.push(byte[0]);
            if head.ends_with(b"\r\n\r\n") {
                let text = String::from_utf8_lossy(&head).into_owned();
                head.clear();
                if stream.write_all(&json(&text)).is_err() {
                    return;
                }
            }
        }
    })
}

#[test]
fn a_request_that_is_refused_alone_is_refused_behind_every_other_which_is_answered_first() {
    let server = echo();
    let gateway = run(config(&server));
    let refused = "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    for before in [
        "GET /a HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}",
        "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX-Sum: 1\r\n\r\n",
    ] {
        let mut client = Client::of(&gateway);
        client.send(&format!("{before}{refused}"));
        let first = client.answer();
        assert_eq!(first.status(), 200, "{before}");
        assert!(first.text().contains("/a HTTP/1.1"), "{before}");
        let second = client.answer();
        assert_eq!(
            (second.status(), second.text().as_str()),
            (
                400,
                "400 both Transfer-Encoding and Content-Length are given\n"
            ),
            "{before}"
        );
        assert!(client.is_closed(), "{before}");
    }
}

#[test]
fn what_is_refused_is_refused_with_its_status_and_a_reason() {
    let gateway = run(config(&echo()));
    for (request, status) in [
        ("GET /a HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        ("GET /a HTTP/0.9\r\nHost: a\r\n\r\n", 505),
        (
            "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            501,
        ),
        (
            "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
        ("GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /\u{fc} HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET http://a/ HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: me@a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", 400),
        ("GET / HTTP/1.1\nHost: a\n\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nExpect: much\r\n\r\n", 417),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue, much\r\n\r\n",
            417,
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2 \r\n{}\r\n0\r\n\r\n",
            400,
        ),
        (
            "OPTIONS / HTTP/1.1\r\nHost: a\r\nMax-Forwards: many\r\n\r\n",
            400,
        ),
        ("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 501),
    ] {
        let answer = Client::of(&gateway).ask(request);
        assert_eq!(answer.status(), status, "{request:?}: {answer:?}");
        let reason = answer.text();
        assert!(
            reason.starts_with(&format!("{status} ")) && reason.len() > 12,
            "{reason}"
        );
    }
}

#[test]
fn a_target_reaches_the_server_as_it_was_written() {
    let first = |request: &str| seen(request).lines().next().unwrap_or_default().to_owned();
    for target in [
        "/a?q={\"x\":1}",
        "/<a>|^`\\",
        "//a/../b",
        "/a%2fb?c=d?e",
        "/a?<b>",
    ] {
        let line = first(&format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!(line, format!("GET {target} HTTP/1.1"));
    }
    for (target, expected) in [
        ("OPTIONS *", "OPTIONS * HTTP/1.1"),
        ("OPTIONS http://b", "OPTIONS * HTTP/1.1"),
        ("GET http://b", "GET / HTTP/1.1"),
        ("GET http://b?c", "GET /?c HTTP/1.1"),
        ("GET http://b/\"", "GET /\" HTTP/1.1"),
    ] {
        let text = seen(&format!("{target} HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert!(text.starts_with(expected), "{target}: {text}");
        let host = if target.contains("//b") { "b" } else { "a" };
        assert!(
            text.contains(&format!("ost: {host}\r\n")),
            "{target}: {text}"
        );
    }
    assert!(first("GET /a HTTP/1.2\r\nHost: a\r\n\r\n") == "GET /a HTTP/1.1");
}

#[test]
fn the_spelling_of_names_passes_in_both_directions_and_so_does_the_reason_phrase() {
    let text =
        seen("GET / HTTP/1.1\r\nHost: a\r\nX-Request-ID: 1\r\nSOAPAction: \"x\"\r\nETAG:\r\n\r\n");
    for line in [
        "Host: a\r\n",
        "X-Request-ID: 1\r\n",
        "SOAPAction: \"x\"\r\n",
        "ETAG: \r\n",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let server = Server::http(|_| {
        b"HTTP/1.1 299 Mostly  fine\r\nWWW-Authenticate: x\r\nETag: y\r\nContent-LENGTH: 2\r\n\r\n{}".to_vec()
    });
    let gateway = run(config(&server));
    let mut client = Client::of(&gateway);
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let mut answer = String::new();
    client.0.read_to_string(&mut answer).unwrap();
    let expected = "HTTP/1.1 299 Mostly  fine\r\nWWW-Authenticate: x\r\nETag: y\r\nContent-LENGTH: 2\r\n\
                    connection: close\r\n\r\n{}";
    assert_eq!(answer, expected);
}

#[test]
fn interim_answers_pass_but_not_to_a_client_that_does_not_know_them() {
    let server = Server::http(|_| {
        let hints = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nConnection: x\r\n\r\n";
        [
            b"HTTP/1.1 100 Continue\r\n\r\n",
            hints.as_bytes(),
            hints.as_bytes(),
            &json("{}"),
        ]
        .concat()
    });
    let gateway = run(config(&server));
    let mut client = Client::of(&gateway);
    for _ in 0..2 {
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        for _ in 0..2 {
            let interim = receive(&mut client.0, true).unwrap().unwrap();
            assert_eq!(
                (interim.status(), interim.header("link")),
                (103, Some("</a.css>"))
            );
            assert_eq!(interim.header("connection"), None);
        }
        assert_eq!(client.answer().status(), 200);
    }
    let old = Client::of(&gateway).ask("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
    assert_eq!(old.status(), 200);
}

#[test]
fn the_hops_of_a_request_are_counted_and_named() {
    let text = seen("OPTIONS / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 3\r\nVia: 1.0 b\r\n\r\n");
    assert!(
        text.to_lowercase().contains("max-forwards: 2\r\n"),
        "{text}"
    );
    assert!(
        text.contains("Via: 1.0 b\r\nvia: 1.1 understudy\r\n"),
        "{text}"
    );
    let text = seen("GET / HTTP/1.0\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n");
    assert!(
        text.contains("Max-Forwards: 0\r\n") && text.contains("via: 1.0 understudy\r\n"),
        "{text}"
    );
    let text = seen_with(
        |config| config.via = false,
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    );
    assert!(!text.contains("via"), "{text}");
    let server = echo();
    let gateway = run(config(&server));
    for (method, status) in [("OPTIONS", 200), ("TRACE", 501)] {
        let request = format!("{method} / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n");
        let answer = Client::of(&gateway).ask(&request);
        assert_eq!(answer.status(), status);
        assert!(answer.text().contains("Max-Forwards"), "{answer:?}");
    }
    assert_eq!(server.connections.load(Ordering::Relaxed), 0);
}

#[test]
fn forwarding_headers_of_strangers_and_headers_like_framing_are_removed() {
    let request = "GET / HTTP/1.1\r\nHost: a\r\nForwarded: for=1.2.3.4\r\nX-Real-IP: 1.2.3.4\r\n\
                   X-Forwarded-Port: 1\r\nX-Forwarded-Prefix: /x\r\nX-Forwarded-For: 1.2.3.4\r\n\
                   X-Forwarded-For: 5.6.7.8\r\nContent_Length: 5\r\nTransfer_Encoding: chunked\r\n\
                   X_Forwarded_For: 9.9.9.9\r\nx-real_ip: 9.9.9.9\r\nX_Own_Name: kept\r\n\
                   Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\
                   Connection: Upgrade, HTTP2-Settings\r\n\r\n";
    let text = seen(request).to_lowercase();
    for gone in [
        "1.2.3.4",
        "5.6.7.8",
        "9.9.9.9",
        "x-forwarded-port",
        "/x",
        "_length",
        "_encoding",
        "upgrade",
        "http2",
    ] {
        assert!(!text.contains(gone), "{gone}: {text}");
    }
    assert!(
        text.contains("x-forwarded-for: 127.0.0.1\r\n") && text.contains("x_own_name: kept"),
        "{text}"
    );
    let trusted =
        seen_with(|config| config.listeners[0].trust_forwarded = true, request).to_lowercase();
    for kept in [
        "x-forwarded-for: 1.2.3.4, 5.6.7.8, 127.0.0.1\r\n",
        "forwarded: for=1.2.3.4\r\n",
        "x-real-ip: 1.2.3.4\r\n",
        "x-forwarded-port: 1\r\n",
    ] {
        assert!(trusted.contains(kept), "{kept}: {trusted}");
    }
    assert!(!trusted.contains("9.9.9.9"), "{trusted}");
}

#[test]
fn lengths_that_say_what_a_body_would_have_been_pass() {
    let server = Server::http(|request| {
        let status = match request.path() {
            "/304" => "304 Not Modified",
            "/204" => "204 No Content",
            _ => "200 OK",
        };
        format!("HTTP/1.1 {status}\r\nContent-Length: 7\r\n\r\n").into_bytes()
    });
    let gateway = run(config(&server));
    let mut client = Client::of(&gateway);
    for (method, path, length) in [
        ("HEAD", "/", Some("7")),
        ("GET", "/304", Some("7")),
        ("GET", "/204", None),
    ] {
        client.send(&format!("{method} {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
        let answer = receive(&mut client.0, true).unwrap().unwrap();
        assert_eq!(answer.header("content-length"), length, "{method} {path}");
    }
    // The gateway's own words have a length too, and a HEAD gets none of them.
    client.send("HEAD /x HTTP/1.1\r\nHost: a\r\nExpect: much\r\n\r\n");
    assert_eq!(receive(&mut client.0, true).unwrap().unwrap().status(), 417);
    assert!(client.is_closed());
}

#[test]
fn a_connection_over_http_1_0_is_kept_where_the_client_asks_for_it() {
    let server = Server::http(|request| match request.path() {
        "/chunks" => {
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n".to_vec()
        }
        _ => json("{}"),
    });
    let gateway = run(config(&server));
    let mut client = Client::of(&gateway);
    for _ in 0..3 {
        let answer = client.ask("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
        assert_eq!(
            (answer.text().as_str(), answer.header("connection")),
            ("{}", Some("keep-alive"))
        );
    }
    // There is no other end for a body of unknown length.
    client.send("GET /chunks HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    let mut answer = String::new();
    client.0.read_to_string(&mut answer).unwrap();
    assert!(
        answer.contains("connection: close\r\n") && answer.ends_with("\r\n\r\n{}"),
        "{answer}"
    );
    assert!(!answer.contains("chunked"), "{answer}");
}

#[test]
fn trailers_pass_whether_they_were_announced_or_not() {
    let server = Server::raw(|mut stream| {
        let mut got = Vec::new();
        let mut piece = [0; 1024];
        while !got.ends_with(b"X-Sum: 1\r\n\r\n") {
            match stream.read(&mut piece) {
                Ok(read) if read > 0 => got.extend_from_slice(&piece[..read]),
                _ => return,
            }
            if got.ends_with(b"x-sum: 1\r\n\r\n") {
                break;
            }
        }
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX-Out: 2\r\nContent-Length: 9\r\n\r\n");
    });
    let gateway = run(config(&server));
    let mut client = Client::of(&gateway);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n");
    let mut answer = String::new();
    client.0.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("\r\n0\r\nx-out: 2\r\n\r\n"), "{answer}");
}

#[test]
fn a_malformed_answer_says_what_is_malformed_and_is_not_asked_for_again() {
    let asked = Arc::new(AtomicU64::new(0));
    for (answer, reason) in [
        (
            "HTTP/1.1 200 OK\r\nX-A : b\r\n\r\n",
            "not followed by a colon",
        ),
        ("HTTP/1.1 200 OK\r\nX-A: b\0\r\n\r\n", "value of a header"),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
            "Content-Length",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "two different Content-Length",
        ),
        ("HTTP/1.1 2x0 OK\r\n\r\n", "first line"),
        ("HTTP/3.1 200 OK\r\n\r\n", "HTTP/1.0 or 1.1"),
    ] {
        let count = asked.clone();
        let server = Server::http(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            answer.as_bytes().to_vec()
        });
        let gateway = run(config(&server));
        let response = Client::of(&gateway).get("/");
        assert!(
            response.status() == 502 && response.text().contains(reason),
            "{answer:?}: {}",
            response.text()
        );
        assert_eq!(asked.swap(0, Ordering::Relaxed), 1, "{answer:?}");
    }
}

#[test]
fn a_connection_that_the_server_is_about_to_close_is_not_used() {
    // Says that it keeps connections for a second, and answers nothing that comes later.
    let server = Server::raw(|mut stream| {
        let mut last = None::<std::time::Instant>;
        while let Ok(Some(_)) = receive(&mut stream, false) {
            if last.is_some_and(|last| last.elapsed() > Duration::from_millis(600)) {
                return;
            }
            let answer =
                "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1, max=100\r\nContent-Length: 2\r\n\r\n{}";
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
            last = Some(std::time::Instant::now());
        }
    });
    let gateway = run(config(&server));
    let mut client = Client::of(&gateway);
    client.get("/");
    std::thread::sleep(Duration::from_millis(700));
    let answer = client.get("/");
    assert_eq!((answer.status(), answer.header("keep-alive")), (200, None));
    assert_eq!(server.connections.load(Ordering::Relaxed), 2);
    assert_eq!(gateway.status().routes["all"].retries, 0);
}

#[test]
fn what_may_not_be_sent_twice_takes_a_connection_that_was_just_used_or_a_fresh_one() {
    let open = Arc::new(AtomicU64::new(0));
    let count = open.clone();
    let server = Server::raw(move |mut stream| {
        count.fetch_add(1, Ordering::SeqCst);
        while let Ok(Some(_)) = receive(&mut stream, false) {
            stream.write_all(&json("{}")).unwrap();
        }
        count.fetch_sub(1, Ordering::SeqCst);
    });
    let gateway = run(config(&server));
    let mut client = Client::of(&gateway);
    let post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}";
    for connections in [1, 2, 3] {
        assert_eq!(client.ask(post).status(), 200);
        let made = server.connections.load(Ordering::Relaxed);
        assert!(made >= connections, "{made}");
        std::thread::sleep(Duration::from_millis(200));
    }
    let before = server.connections.load(Ordering::Relaxed);
    assert_eq!(client.get("/").status(), 200);
    assert_eq!(server.connections.load(Ordering::Relaxed), before);
    // The fresh one has taken the place of the old one.
    eventually(&gateway, |_| open.load(Ordering::SeqCst) == 1);
}
