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
fn escapes_are_undone_and_odd_requests_reported() {
    let of = |request: &str| format!("1.2.3.4 - - [t] \"{request}\" 400 0");
    let target = |request: &str| read(&of(request)).target;
    assert_eq!(target(r"GET /\xC3\xBC\x22x HTTP/1.1"), "/ü\"x");
    assert_eq!(target(r#"GET /a\"b\\c HTTP/1.0"#), "/a\"b\\c");
    assert_eq!(target(r"GET /a\tb\bc\vd HTTP/1.0"), "/a\tb\u{8}c\u{b}d");
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

const TIME: &str = "[29/Nov/2026:12:00:01 +0000]";
const REST: &str = "\"GET /a?b=1 HTTP/1.1\" 200 1 \"-\" \"ua\"";

#[test]
fn what_collectors_put_around_a_line_goes() {
    let line = format!("10.0.0.1 - - {TIME} {REST}");
    let json =
        r#"{"remote_addr":"10.0.0.1","request":"GET /a?b=1 HTTP/1.1","http_user_agent":"ua"}"#;
    for head in [
        "",
        "Nov 29 12:00:01 web1 nginx: ",
        "Nov  9 12:00:01 web1 nginx[7]: ",
        "Nov 29 2026 12:00:01 web1 nginx: ",
        "[nginx] | ",
        "<190>Nov 29 12:00:01 nginx: ",
        "<190>Nov 29 12:00:01 web1 nginx: ",
        "2026-11-29T12:00:01.123456+00:00 web1 nginx[7]: ",
        "<134>1 2026-11-29T12:00:01Z web1 nginx 7 - - ",
        "<134>1 2026-11-29T12:00:01Z web1 nginx - ID47 [a@1 b=\"x]\\\"y\"][c d=\"\"] \u{feff}",
        "nginx.1     | ",
        "\u{1b}[36mnginx-1  | \u{1b}[0m",
        "web-1 | 2026-11-29T12:00:01.123456789Z ",
        "2026-11-29T12:00:01.123456789Z stdout F ",
        "[pod/nginx-7c5d/nginx] ",
        "[pod/nginx-7c5d/nginx] 2026-11-29T12:00:01.123456789Z ",
        "nginx-7c5d nginx ",
    ] {
        for inner in [line.as_str(), json] {
            let logged = format!("{head}{inner}");
            assert_eq!(who_of(&logged), some(["10.0.0.1", "", "ua"]), "{logged}");
        }
    }
    let quoted = |text: &str| serde_json::to_string(text).unwrap();
    for shipped in [
        format!(
            r#"{{"log":{},"stream":"stdout","time":"t"}}"#,
            quoted(&format!("{line}\n"))
        ),
        format!(
            r#"{{"@timestamp":"t","message":{},"host":{{"name":"web1"}}}}"#,
            quoted(&line)
        ),
        format!(r#"{{"MESSAGE":{},"_HOSTNAME":"web1"}}"#, quoted(&line)),
        format!(r#"{{"log":{},"stream":"stdout"}}"#, quoted(json)),
        format!(r#"{{"insertId":"1","jsonPayload":{json}}}"#),
        format!("2026/11/29 12:00:00.000\tINFO\thttp.log.access\thandled request\t{json}"),
    ] {
        assert_eq!(who_of(&shipped), some(["10.0.0.1", "", "ua"]), "{shipped}");
    }
    let host = format!("\u{1b}[36mnginx.1  | \u{1b}[0mshop.test {line}");
    assert_eq!(who_of(&host), some(["10.0.0.1", "shop.test", "ua"]));
}

#[test]
fn the_client_is_the_first_address() {
    for (before, after, client) in [
        ("10.0.0.1, 172.16.0.1 - -", "", "10.0.0.1"),
        ("10.0.0.1,172.16.0.1 - -", "", "10.0.0.1"),
        ("2001:db8::1, 10.0.0.9, 10.0.0.8 - jo", "", "2001:db8::1"),
        ("unknown, 10.0.0.9 - -", "", "10.0.0.9"),
        ("10.0.0.9 - -", " \"203.0.113.7\"", "203.0.113.7"),
        (
            "10.0.0.9 - -",
            " \"203.0.113.7, 10.1.1.1\" 0.003",
            "203.0.113.7",
        ),
        ("10.0.0.9 - -", " \"-\"", "10.0.0.9"),
        ("10.0.0.9:4711 - -", "", "10.0.0.9"),
        ("10.0.0.9 ident user", "", "10.0.0.9"),
        ("- - -", "", ""),
        ("unix: - -", "", ""),
        ("shop.test 10.0.0.1", "", "10.0.0.1"),
        ("-", "", ""),
    ] {
        let line = format!("{before} {TIME} {REST}{after}");
        assert_eq!(who_of(&line), some([client, "", "ua"]), "{line}");
    }
    let vhost = format!("shop.test:443 10.0.0.1, 10.0.0.2 - - {TIME} {REST}");
    assert_eq!(who_of(&vhost), some(["10.0.0.1", "shop.test:443", "ua"]));
}

#[test]
fn bytes_that_are_not_text_are_sent_as_they_were() {
    let target = |line: &[u8]| entry(line).unwrap().target;
    let escaped = br#"10.0.0.1 - - [t] "GET /caf\xE9?q=\xC3\xA9 HTTP/1.1" 200 1"#;
    assert_eq!(target(escaped), "/caf%E9?q=\u{e9}");
    let raw = b"10.0.0.1 - - [t] \"GET /caf\xe9 HTTP/1.1\" 200 1";
    assert_eq!(target(raw), "/caf%E9");
    let json = br#"{"request":"GET /caf\xE9\x22\x5C HTTP/1.1"}"#;
    assert_eq!(target(json), "/caf%E9\"\\");
    let raw = b"{\"request\":\"GET /caf\xe9 HTTP/1.1\"}";
    assert_eq!(target(raw), "/caf%E9");
    let escaped =
        r#"{"request":"GET /b HTTP/1.1","http_user_agent":"caf\xC3\xA9 \x22q\x22\x0A\\x41"}"#;
    assert_eq!(
        read(escaped).user_agent.as_deref(),
        Some("caf\u{e9} \"q\"\n\\x41")
    );
}

#[test]
fn load_balancers_and_proxies() {
    for (line, expected) in [
        (
            r#"http 2026-11-29T12:00:01.1Z app/lb/50dc 10.0.0.1:2817 10.0.0.9:80 0.000 0.001 0.000 200 200 34 366 "GET /a?b=1 HTTP/1.1" "ua" - - arn:aws:x "Root=1-5" "-" "-""#,
            ["10.0.0.1", "", "ua"],
        ),
        (
            r#"2026-11-29T12:00:01.1Z my-lb 10.0.0.1:2817 10.0.0.9:80 0.000073 0.001048 0.000057 200 200 0 29 "GET /a?b=1 HTTP/1.1" "ua" - -"#,
            ["10.0.0.1", "", "ua"],
        ),
        (
            r#"Nov 29 12:00:01 lb haproxy[14389]: 10.0.0.1:33317 [29/Nov/2026:12:14:14.655] http-in static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 "GET /a?b=1 HTTP/1.1""#,
            ["10.0.0.1", "", ""],
        ),
        (
            r#"[2026-11-29T12:00:01.1Z] "GET /a?b=1 HTTP/2" 200 - 154 0 226 100 "10.0.0.1" "ua" "cc21d9b0-cf5c" "shop.test" "tcp://10.0.2.1:80""#,
            ["10.0.0.1", "shop.test", "ua"],
        ),
        (
            r#"[2026-11-29T12:00:01.1Z] "GET /a?b=1 HTTP/1.1" 200 - via_upstream - "-" 0 5 10 9 "-" "ua" "cc21d9b0-cf5c" "shop.test" "10.0.0.7:80" inbound|80|| 127.0.0.6:1 10.0.0.7:80 10.0.0.1:4000 - default"#,
            ["10.0.0.1", "shop.test", "ua"],
        ),
        (
            r#"INFO:     10.0.0.1:5000 - "GET /a?b=1 HTTP/1.1" 200 OK"#,
            ["10.0.0.1", "", ""],
        ),
        (
            r#"10.0.0.1 - - [t] "GET /a?b=1 HTTP/1.1" 200 85 "-" "ua" 1 "router@docker" "http://172.18.0.2:80" 2ms"#,
            ["10.0.0.1", "", "ua"],
        ),
    ] {
        assert_eq!(who_of(line), some(expected), "{line}");
    }
    let bad = r#"10.0.0.1:33317 [t] http-in/ http-in/<NOSRV> -1/-1/-1/-1/0 400 187 - - PR-- 1/1/0/0/0 0/0 "<BADREQ>""#;
    assert_eq!(error(bad), LineError::Request);
    let upgrade = r#"wss 2026-11-29T12:00:01.1Z app/lb/50dc 10.0.0.1:2817 10.0.0.9:80 0 0 0 101 101 3 3 "GET https://shop.test:443/ws HTTP/1.1" "ua""#;
    assert_eq!(error(upgrade), LineError::Request);
    // The same request is in the access log.
    let of_errors = r#"2026/11/29 12:00:01 [error] 12#12: *1 open() "/x" failed (2: No such file), client: 10.0.0.1, request: "GET /x HTTP/1.1", host: "h""#;
    assert_eq!(error(of_errors), LineError::Form);
}

/// Targets and clients of a file with the lines they are in.
fn all(file: &str) -> Vec<(u64, String, String)> {
    let of = |(line, entry): (u64, Result<Entry, LineError>)| match entry {
        Ok(entry) => (line, entry.target, entry.client.unwrap_or_default()),
        Err(error) => (line, error.to_string(), String::new()),
    };
    entries(file.as_bytes()).map(of).collect()
}

#[test]
fn objects_stand_on_lines_in_lists_or_over_many_lines() {
    let object =
        |path: &str| format!(r#"{{"remote_addr":"10.0.0.1","request":"GET {path} HTTP/1.1"}}"#);
    let (a, b) = (object("/a"), object("/b"));
    let pretty = a
        .replace(',', ",\n    ")
        .replace('{', "{\n    ")
        .replace('}', "\n  }");
    for (file, lines) in [
        (format!("{a}\n\n{b}\n"), [1, 3]),
        (format!("{a},\n{b},\n"), [1, 2]),
        (format!("[{a},\n{b}]\n"), [1, 2]),
        (format!("[\n{a},\n{b}\n]\n"), [2, 3]),
        (format!("[\n{a}\n,{b}\n]\n"), [2, 3]),
        (format!("[{a},{b}]"), [1, 1]),
        (format!("{a}{b}"), [1, 1]),
        (format!("[\n  {pretty},\n  {b}\n]"), [2, 6]),
    ] {
        let found = all(&file);
        let expected = [(lines[0], "/a"), (lines[1], "/b")]
            .map(|(line, target)| (line, target.to_owned(), "10.0.0.1".to_owned()));
        assert_eq!(found, expected, "{file}");
    }
    let cut = format!("{{\"request\":\"GET /x\n{b}\n");
    assert_eq!(
        all(&cut)[1].1,
        "/b",
        "a line that is cut takes nothing with it"
    );
}

#[test]
fn lines_that_a_container_runtime_cut_are_put_together() {
    let cri = |stream: &str, tag: &str, text: &str| {
        format!("2026-11-29T12:00:01.1Z {stream} {tag} {text}\n")
    };
    let docker = |text: &str| {
        let text = serde_json::to_string(text).unwrap();
        format!("{{\"log\":{text},\"stream\":\"stdout\",\"time\":\"t\"}}\n")
    };
    let end = " HTTP/1.1\" 200 1 \"-\" \"ua\"";
    let long = (1, "/long/er".to_owned(), "10.0.0.1".to_owned());
    for file in [
        cri("stdout", "P", "10.0.0.1 - - [t] \"GET /lo")
            + &cri("stdout", "P", "ng")
            + &cri("stdout", "F", &format!("/er{end}")),
        docker("10.0.0.1 - - [t] \"GET /long") + &docker(&format!("/er{end}\n")),
    ] {
        let whole = cri("stdout", "F", &format!("10.0.0.2 - - [t] \"GET /b{end}"));
        let found = all(&(file.clone() + &whole));
        assert_eq!(found.len(), 2, "{file}");
        assert_eq!((&found[0], found[1].1.as_str()), (&long, "/b"), "{file}");
    }
    // The end is missing, or belongs to another stream: nothing else is lost.
    let cut = cri("stdout", "P", "10.0.0.1 - - [t] \"GET /lo")
        + &cri("stderr", "F", "notice")
        + &cri("stdout", "F", &format!("10.0.0.2 - - [t] \"GET /b{end}"));
    let found = all(&cut);
    assert_eq!((found.len(), found[2].1.as_str()), (3, "/b"));
    assert_eq!(all(&cri("stdout", "P", "10.0.0.1")).len(), 1);
}

#[test]
fn columns_are_those_that_the_file_names() {
    let iis = "#Software: Microsoft Internet Information Services 10.0\n#Version: 1.0\n#Date: 2026-11-29 12:00:00\n\
               #Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs-host sc-status\n\
               2026-11-29 12:00:01 10.0.0.9 GET /a b=1 443 - 10.0.0.1 Mozilla/5.0+(X) shop.test 200\n\
               2026-11-29 12:00:01 10.0.0.9 GET /c - 443 - 10.0.0.2 - - 200\n\
               2026-11-29 12:00:01 cut\n";
    assert_eq!(
        all(iis),
        [
            (5, "/a?b=1".to_owned(), "10.0.0.1".to_owned()),
            (6, "/c".to_owned(), "10.0.0.2".to_owned()),
            (7, LineError::Form.to_string(), String::new()),
        ]
    );
    let cloudfront = "#Version: 1.0\n#Fields: date time c-ip cs-method cs(Host) cs-uri-stem sc-status cs(User-Agent) cs-uri-query x-host-header\n\
                      2026-11-29\t12:00:01\t10.0.0.1\tGET\td1.cloudfront.net\t/a\t200\tMozilla%2F5.0\tb=1\tshop.test\n";
    assert_eq!(
        all(cloudfront),
        [(3, "/a?b=1".to_owned(), "10.0.0.1".to_owned())]
    );
    let host = entries(cloudfront.as_bytes())
        .next()
        .unwrap()
        .1
        .unwrap()
        .host;
    assert_eq!(host.as_deref(), Some("shop.test"));
}

#[test]
fn json_of_proxies_and_schemas() {
    for (line, expected) in [
        (
            r#"{"authority":"shop.test","downstream_remote_address":"10.0.0.1:4000","method":"GET","path":"/a?b=1","response_code":200,"user_agent":"ua"}"#,
            ["10.0.0.1", "shop.test", "ua"],
        ),
        (
            r#"{"http":{"request":{"method":"get"}},"url":{"path":"/a","query":"b=1"},"source":{"ip":"::1"}}"#,
            ["::1", "", ""],
        ),
        (
            r#"{"http.request.method":"GET","url.path":"/a","url.query":"b=1","client.ip":"10.0.0.1","user_agent.original":"ua"}"#,
            ["10.0.0.1", "", "ua"],
        ),
        (
            r#"{"log":{"level":"info"},"http":{"request":{"method":"GET"}},"url":{"original":"/a?b=1"},"client":{"ip":"10.0.0.1"}}"#,
            ["10.0.0.1", "", ""],
        ),
        (
            r#"{"level":30,"req":{"id":1,"method":"GET","url":"/a?b=1","headers":{"host":"shop.test","user-agent":"ua"},"remoteAddress":"10.0.0.1"},"res":{"statusCode":200},"msg":"request completed"}"#,
            ["10.0.0.1", "shop.test", "ua"],
        ),
        (
            r#"{"httpRequest":{"requestMethod":"GET","requestUrl":"/a?b=1","status":200,"userAgent":"ua","remoteIp":"10.0.0.1"}}"#,
            ["10.0.0.1", "", "ua"],
        ),
        (
            r#"{"request":{"remote_ip":"10.0.0.9","client_ip":"10.0.0.1","method":"GET","host":"c.test","uri":"/a?b=1","headers":{"User-Agent":["ua"]}}}"#,
            ["10.0.0.1", "c.test", "ua"],
        ),
        (
            r#"{"ClientAddr":"10.0.0.1:55","ClientHost":"10.0.0.1","RequestHost":"t.test","RequestMethod":"GET","RequestPath":"/a?b=1","request_User-Agent":"ua"}"#,
            ["10.0.0.1", "t.test", "ua"],
        ),
        (
            r#"{"remoteIP":"10.0.0.1","host":"shop.test","request":"/a","query":"?b=1","method":"GET","status":"200","userAgent":"ua"}"#,
            ["10.0.0.1", "shop.test", "ua"],
        ),
        (
            r#"{"c-ip":"10.0.0.1","cs-method":"GET","cs-uri-stem":"/a","cs-uri-query":"b=1","cs(User-Agent)":"ua","x-host-header":"shop.test","cs(Host)":"d1.cloudfront.net"}"#,
            ["10.0.0.1", "shop.test", "ua"],
        ),
        (
            r#"{"_index":"x","_source":{"http":{"request":{"method":"GET"}},"url":{"path":"/a","query":"b=1"},"client":{"ip":"10.0.0.1"}}}"#,
            ["10.0.0.1", "", ""],
        ),
        (
            r#"{"remote_addr":"10.0.0.9","http_x_forwarded_for":"10.0.0.1, 10.0.0.8","request":"GET /a?b=1 HTTP/1.1"}"#,
            ["10.0.0.1", "", ""],
        ),
        (
            r#"{"remote_addr":"10.0.0.1","http_x_forwarded_for":"-","request":"GET /a?b=1 HTTP/1.1"},"#,
            ["10.0.0.1", "", ""],
        ),
    ] {
        assert_eq!(who_of(line), some(expected), "{line}");
    }
    let full =
        r#"{"http":{"request":{"method":"GET"}},"url":{"full":"http://shop.test:3000/a?b=1"}}"#;
    assert_eq!(read(full).target, "http://shop.test:3000/a?b=1");
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
        let lines = 1 + bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        prop_assert!(entries(&bytes).all(|(line, _)| line <= lines));
    }
}
