use super::*;
use crate::http1::ROOM;

/// The status of the refusal, or 0, of a head with this first line and these headers.
fn status(line: &str, headers: &str) -> u16 {
    let head = format!("{line}\r\n{headers}\r\n");
    let mut room = ROOM;
    match IncomingHead::read(head.as_bytes(), &mut room, 64 * 1024) {
        Ok(Some((_, bytes))) if bytes == head.len() => 0,
        Ok(_) => panic!("{head:?} is complete"),
        Err(refused) => refused.status,
    }
}

fn get(headers: &str) -> u16 {
    status("GET / HTTP/1.1", headers)
}

fn post(headers: &str) -> u16 {
    status("POST / HTTP/1.1", &format!("Host: a\r\n{headers}\r\n"))
}

#[test]
fn lengths_that_are_ambiguous_or_malformed_are_refused() {
    assert_eq!(post("Content-Length: 4"), 0);
    assert_eq!(post("content-LENGTH:4"), 0);
    assert_eq!(post("Transfer-Encoding: Chunked"), 0);
    for headers in [
        "Transfer-Encoding: chunked\r\nContent-Length: 4",
        "Content-Length: 4\r\nTransfer-Encoding: chunked",
        "Content-Length: 4\r\nContent-Length: 4",
        "Content-Length: 4, 4",
        "Content-Length: +4",
        "Content-Length: -4",
        "Content-Length: 0x4",
        "Content-Length: 4 4",
        "Content-Length:",
        "Content-Length: 9999999999999999999",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: gzip, chunked, chunked",
        "Transfer-Encoding: chunked, gzip",
        "Transfer-Encoding: gzip",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked;q=1",
        "Transfer-Encoding: chunked,",
        "Transfer-Encoding: , chunked",
        "Transfer-Encoding: \"chunked\"",
        "Transfer-Encoding:",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding\t: chunked",
        " Transfer-Encoding: chunked",
        "Transfer-Encoding: \u{b}chunked",
    ] {
        assert_eq!(post(headers), 400, "{headers}");
    }
    for headers in [
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: identity,chunked",
    ] {
        assert_eq!(post(headers), 501, "{headers}");
    }
    assert_eq!(
        status("POST / HTTP/1.0", "Transfer-Encoding: chunked\r\n"),
        400
    );
}

#[test]
fn a_request_has_one_well_formed_host() {
    for host in ["a", "a:80", "[::1]:80", " a "] {
        assert_eq!(get(&format!("Host: {host}\r\n")), 0, "{host:?}");
    }
    for host in [
        "", "a, b", "a b", "me@a", "a:b", "a/b", "a?b", "\u{fc}", "a:70000", "http://a",
    ] {
        assert_eq!(get(&format!("Host: {host}\r\n")), 400, "{host:?}");
    }
    assert_eq!(get(""), 400);
    assert_eq!(get("Host: a\r\nHost: a\r\n"), 400);
    assert_eq!(status("GET http://a/ HTTP/1.1", ""), 400);
    assert_eq!(status("GET / HTTP/1.0", ""), 0);
    assert_eq!(status("GET / HTTP/1.0", "Host: a b\r\n"), 400);
}

#[test]
fn a_target_has_one_of_four_forms() {
    let host = "Host: a\r\n";
    for target in [
        "/",
        "/a?b",
        "//a",
        "/a\"<>|{}^`\\",
        "http://a",
        "HTTPS://a:1/b",
        "http://a?b",
    ] {
        assert_eq!(
            status(&format!("GET {target} HTTP/1.1"), host),
            0,
            "{target}"
        );
    }
    for target in [
        "a",
        "a/b",
        "?a",
        "*",
        "/a#b",
        "/\u{fc}",
        "/a\tb",
        "ftp://a/",
        "http://",
        "http:///a",
        "http:/a",
        "http://me@a/",
        "http://a:b/",
        "http://a#b",
        "/a b",
        "a:80",
    ] {
        assert_eq!(
            status(&format!("GET {target} HTTP/1.1"), host),
            400,
            "{target}"
        );
    }
    assert_eq!(status("OPTIONS * HTTP/1.1", host), 0);
    assert_eq!(status("OPTIONS *a HTTP/1.1", host), 400);
    assert_eq!(status("CONNECT a:443 HTTP/1.1", host), 0);
    assert_eq!(status("CONNECT /a HTTP/1.1", host), 400);
    let long = format!("GET /{} HTTP/1.1", "a".repeat(70_000));
    assert_eq!(status(&long, host), 414);
}

#[test]
fn a_head_is_made_of_whole_lines() {
    for head in [
        "GET / HTTP/1.1\nHost: a\n\n",
        "GET / HTTP/1.1\r\nHost: a\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: b\rc\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /\tHTTP/1.1\r\nHost: a\r\n\r\n",
        "G@T / HTTP/1.1\r\nHost: a\r\n\r\n",
        "HELLO\r\n\r\n",
    ] {
        let mut room = ROOM;
        let refused = IncomingHead::read(head.as_bytes(), &mut room, 64 * 1024);
        assert_eq!(
            refused.map_err(|refused| refused.status).unwrap_err(),
            400,
            "{head:?}"
        );
    }
}

#[test]
fn a_head_that_is_too_large_is_refused_before_it_is_complete() {
    let read = |input: &str| {
        let mut room = ROOM;
        IncomingHead::read(input.as_bytes(), &mut room, 100)
            .map(|head| head.is_some())
            .map_err(|refused| refused.status)
    };
    assert_eq!(read(&"a".repeat(100)), Ok(false));
    assert_eq!(read(&"a".repeat(101)), Err(414));
    assert_eq!(
        read(&format!("GET / HTTP/1.1\r\nX: {}", "a".repeat(90))),
        Err(431)
    );
    let many: String = (0..129).map(|n| format!("X{n}: 1\r\n")).collect();
    assert_eq!(get(&format!("Host: a\r\n{many}")), 431);
}

#[test]
fn a_higher_minor_version_is_read_like_1_1_and_other_versions_are_refused() {
    let mut input = b"\r\nGET /2 HTTP/1.2\r\nHost: a\r\n\r\n".to_vec();
    let mut room = ROOM;
    assert_eq!(
        IncomingHead::read(&input, &mut room, 1000)
            .unwrap_err()
            .status,
        505
    );
    assert!(lower_minor_version(&mut input));
    let mut room = ROOM;
    let (head, _) = IncomingHead::read(&input, &mut room, 1000)
        .unwrap()
        .unwrap();
    assert_eq!((head.minor_version, head.target), (1, Target::Origin("/2")));
    for version in ["HTTP/2.0", "HTTP/0.9", "HTTP/1.10", "HTTP/3", "http/1.1"] {
        let mut input = format!("GET / {version}\r\nHost: a\r\n\r\n").into_bytes();
        assert!(!lower_minor_version(&mut input), "{version}");
        let mut room = ROOM;
        let refused = IncomingHead::read(&input, &mut room, 1000).unwrap_err();
        assert!(matches!(refused.status, 400 | 505), "{version}: {refused}");
    }
}

#[test]
fn the_connection_header_decides_whether_another_request_may_follow() {
    for (line, headers, expected) in [
        ("GET / HTTP/1.1", "", true),
        ("GET / HTTP/1.1", "Connection: a, Close\r\n", false),
        (
            "GET / HTTP/1.1",
            "Connection: close\r\nConnection: keep-alive\r\n",
            false,
        ),
        ("GET / HTTP/1.0", "", false),
        ("GET / HTTP/1.0", "Connection: Keep-Alive\r\n", true),
    ] {
        let head = format!("{line}\r\nHost: a\r\n{headers}\r\n");
        let mut room = ROOM;
        let (head, _) = IncomingHead::read(head.as_bytes(), &mut room, 1000)
            .unwrap()
            .unwrap();
        assert_eq!(head.keep_alive, expected, "{line} {headers}");
    }
}
