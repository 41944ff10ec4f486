use super::*;
use proptest::prelude::*;

fn read(line: &str) -> Entry {
    entry(line.as_bytes()).unwrap()
}

fn error(line: &str) -> LineError {
    entry(line.as_bytes()).unwrap_err()
}

/// Client, host, user agent.
fn who_of(line: &str) -> [Option<String>; 3] {
    let entry = read(line);
    assert_eq!(
        (entry.method.as_str(), entry.target.as_str()),
        ("GET", "/a?b=1"),
        "{line}"
    );
    [entry.client, entry.host, entry.user_agent]
}

fn some(texts: [&str; 3]) -> [Option<String>; 3] {
    texts.map(|text| (!text.is_empty()).then(|| text.to_owned()))
}

#[test]
fn the_common_and_the_combined_format() {
    let time = "[22/Nov/2026:10:00:00 +0000]";
    let request = "\"GET /a?b=1 HTTP/1.1\" 200 512";
    for (before, after, expected) in [
        ("198.51.100.7 - -", "", ["198.51.100.7", "", ""]),
        ("host.test - jo doe", " \"-\" \"-\"", ["host.test", "", ""]),
        (
            "198.51.100.7 - -",
            " \"https://x/\" \"A \\\"b\\\" c\" \"more\"",
            ["198.51.100.7", "", "A \"b\" c"],
        ),
        (
            "shop.test:443 2001:db8::1 - -",
            " \"-\" \"curl\"",
            ["2001:db8::1", "shop.test:443", "curl"],
        ),
        (
            "shop.test client.test - jo",
            " \"-\" \"curl\"",
            ["client.test", "shop.test", "curl"],
        ),
    ] {
        let line = format!("{before} {time} {request}{after}");
        assert_eq!(who_of(&line), some(expected), "{line}");
    }
}

#[test]
fn escapes_are_undone_and_odd_requests_told() {
    let of = |request: &str| format!("1.2.3.4 - - [t] \"{request}\" 400 0");
    let target = |request: &str| read(&of(request)).target;
    assert_eq!(target(r"GET /\xC3\xBC\x22x HTTP/1.1"), "/ü\"x");
    assert_eq!(target(r#"GET /a\"b\\c HTTP/1.0"#), "/a\"b\\c");
    assert_eq!(target("GET /with space HTTP/1.1"), "/with space");
    assert_eq!(target("GET /old"), "/old");
    assert_eq!(target("GET http://x.test/a HTTP/1.1"), "http://x.test/a");
    for garbage in [
        "-",
        "",
        r"\x16\x03\x01\x02",
        r"\x16\x03 /x",
        "GET  HTTP/1.1",
    ] {
        assert_eq!(error(&of(garbage)), LineError::Request, "{garbage}");
    }
    for line in [
        "",
        "hello",
        "1.2.3.4 - - [t] \"GET / HTTP/1.1\"",
        "1.2.3.4 - - [t] \"GET / HTTP/1.1\" ok 5",
        "1.2.3.4 - - [t] \"GET /\\x4",
    ] {
        assert_eq!(error(line), LineError::Form, "{line}");
    }
    assert_eq!(
        entry(&vec![b'a'; MAX_LINE_BYTES + 1]),
        Err(LineError::TooLong)
    );
}

#[test]
fn json_under_the_usual_names() {
    for (line, expected) in [
        (
            r#"{"time_iso8601":"t","remote_addr":"1.1.1.1","request":"GET /a?b=1 HTTP/2.0","status":200,"http_user_agent":"ua"}"#,
            ["1.1.1.1", "", "ua"],
        ),
        (
            r#"{"request_method":"GET","uri":"/index.html","request_uri":"/a?b=1","host":"shop.test","client_ip":"1.1.1.1"}"#,
            ["1.1.1.1", "shop.test", ""],
        ),
        (
            r#"{"method":"GET","path":"/a","args":"b=1","user_agent":"-"}"#,
            ["", "", ""],
        ),
        (
            r#"{"request":{"remote_ip":"1.1.1.1","method":"GET","host":"c.test","uri":"/a?b=1","headers":{"User-Agent":["ua"]}}}"#,
            ["1.1.1.1", "c.test", "ua"],
        ),
        (
            r#"{"ClientHost":"1.1.1.1","RequestHost":"t.test","RequestMethod":"GET","RequestPath":"/a?b=1"}"#,
            ["1.1.1.1", "t.test", ""],
        ),
        (
            r#"{"http":{"request":{"method":"GET"}},"url":{"original":"/a?b=1"},"client":{"ip":"1.1.1.1"},"user_agent":{"original":"ua"}}"#,
            ["1.1.1.1", "", "ua"],
        ),
    ] {
        assert_eq!(who_of(line), some(expected), "{line}");
    }
    let body = read(
        r#"{"request":"POST /x HTTP/1.1","request_body":"{}","content_type":"application/json"}"#,
    );
    assert_eq!(
        body.body,
        Some(("{}".to_owned(), Some("application/json".to_owned())))
    );
    assert_eq!(error(r#"{"request":"-"}"#), LineError::Request);
    assert_eq!(error(r#"{"level":"info"}"#), LineError::Form);
    assert_eq!(error("{broken"), LineError::Form);
}

proptest! {
    #[test]
    fn what_was_logged_is_read(method in "[A-Z]{1,8}", path in "/[!-~]{0,20}", agent in "[ -~]{1,20}") {
        let escaped = |text: &str| text.replace('\\', "\\x5C").replace('"', "\\x22");
        let line = format!(
            "10.0.0.1 - - [x] \"{method} {} HTTP/1.1\" 200 1 \"-\" \"{}\"", escaped(&path), escaped(&agent)
        );
        let entry = read(&line);
        let asked = served(line.as_bytes(), None).unwrap().asked;
        prop_assert_eq!(asked, Some((method.clone(), path.clone())));
        prop_assert_eq!((entry.method, entry.target), (method, path));
        prop_assert_eq!(entry.user_agent, Some(agent).filter(|agent| agent != "-"));
    }

    #[test]
    fn no_bytes_panic(bytes: Vec<u8>, text in "\\PC{0,60}") {
        let _ = entry(&bytes);
        let _ = entry(format!("1.1.1.1 - - [] \"{text}\" 200 {text}").as_bytes());
        let _ = entry(format!("{{\"request\":{text}}}").as_bytes());
    }
}
