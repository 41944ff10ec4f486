use super::*;
use proptest::prelude::*;
use serde_json::Value;

const FIXTURES: [(&str, &[u8]); 6] = [
    ("shop.har", include_bytes!("../fixtures/shop.har")),
    ("access.log", include_bytes!("../fixtures/access.log")),
    ("vhost.log", include_bytes!("../fixtures/vhost.log")),
    ("access.jsonl", include_bytes!("../fixtures/access.jsonl")),
    ("chat.gor", include_bytes!("../fixtures/chat.gor")),
    (
        "shop.openapi.yaml",
        include_bytes!("../fixtures/shop.openapi.yaml"),
    ),
];

fn fixture(name: &str) -> Source<'static> {
    let (name, bytes) = FIXTURES.iter().find(|(of, _)| *of == name).unwrap();
    Source { name, bytes }
}

fn with(source: &Source<'_>, options: &Options) -> (Vec<Value>, Summary) {
    let imported = import(std::slice::from_ref(source), options).unwrap();
    let lines = imported
        .jsonl
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    (lines.collect(), imported.summary)
}

fn of(name: &str) -> (Vec<Value>, Summary) {
    with(&fixture(name), &Options::default())
}

/// Everything that was read is written or left out, of the whole and of each file; the weights are
/// what was written.
fn balanced(imported: &Imported) -> Result<(), TestCaseError> {
    let summary = &imported.summary;
    let left = |all: &[LeftOut]| all.iter().map(|left| left.requests).sum::<u64>();
    prop_assert_eq!(summary.read, summary.written + left(&summary.left_out));
    for file in &summary.files {
        prop_assert_eq!(file.read, file.written + left(&file.left_out));
    }
    let mut weights = 0;
    for line in imported.jsonl.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        weights += line["weight"].as_u64().unwrap_or(1);
    }
    prop_assert_eq!(weights, summary.written);
    prop_assert_eq!(summary.lines as usize, imported.jsonl.lines().count());
    prop_assert_eq!(
        summary.operations.iter().map(|of| of.requests).sum::<u64>(),
        summary.written
    );
    Ok(())
}

#[test]
fn every_fixture_balances_and_together_they_do() {
    let sources: Vec<Source<'_>> = FIXTURES
        .map(|(name, bytes)| Source { name, bytes })
        .to_vec();
    let all = import(&sources, &Options::default()).unwrap();
    balanced(&all).unwrap();
    let alone: u64 = FIXTURES.iter().map(|(name, _)| of(name).1.written).sum();
    assert_eq!((all.summary.written, all.summary.files.len()), (alone, 6));
}

#[test]
fn an_archive_becomes_sessions_with_variables() {
    let (lines, summary) = of("shop.har");
    assert_eq!((summary.read, summary.written), (16, 10));
    let reasons: Vec<Reason> = summary.left_out.iter().map(|left| left.reason).collect();
    assert_eq!(
        reasons,
        [
            Reason::Unreadable,
            Reason::OtherHost,
            Reason::FromCache,
            Reason::NotAnswered,
            Reason::WebSocket,
            Reason::NoBody,
        ]
    );
    assert_eq!(summary.left_out[0].first, "shop.har:931 (entry 16)");
    let of = |path: &str| {
        lines
            .iter()
            .find(|line| line["path"].as_str().unwrap().starts_with(path))
            .unwrap()
    };
    let export = of("/api/export");
    assert_eq!(export["path"], "/api/export?access_token=${ACCESS_TOKEN}");
    assert_eq!(export["variables"], serde_json::json!(["ACCESS_TOKEN"]));
    let login = of("/login");
    assert_eq!(login["body"], r#"{"user":"ada","password":"${PASSWORD}"}"#);
    let cart = lines
        .iter()
        .find(|line| line["path"] == "/api/cart")
        .unwrap();
    assert_eq!(
        cart["headers"]["Cookie"],
        "session=$SESSION_COOKIE; theme=dark"
    );
    assert_eq!(cart["headers"]["X-Price"], "$$5 each");
    assert!(cart["headers"]["Content-Length"].is_null() && cart["headers"][":method"].is_null());
    assert_eq!(cart["body"], "{\"item\":1001,\"quantity\":2}");
    assert_eq!(
        (&cart["session"], &lines[0]["session"]),
        (&Value::from("s2"), &Value::from("s1"))
    );
    let text = format!("{lines:?}{summary:?}");
    for secret in [
        "9f8e7d6c",
        "eyJhbGciOiJIUzI1NiJ9",
        "correct horse",
        "Zx81kQp0Lm55",
    ] {
        assert!(!text.contains(secret), "{secret} is written");
    }
}

#[test]
fn a_log_becomes_weights_where_there_is_no_order() {
    let (lines, summary) = of("access.log");
    assert_eq!((summary.read, summary.written, summary.lines), (25, 22, 17));
    let health = lines.iter().find(|line| line["path"] == "/health").unwrap();
    assert_eq!(
        (&health["weight"], &health["session"]),
        (&Value::from(6), &Value::Null)
    );
    assert_eq!(summary.sessions.requests, 14);
    let no_sessions = Options {
        sessions: false,
        ..Options::default()
    };
    let (lines, summary) = with(&fixture("access.log"), &no_sessions);
    assert_eq!(
        (summary.written, summary.lines, summary.sessions.sessions),
        (22, 9, 0)
    );
    assert_eq!(
        (&lines[0]["path"], &lines[0]["weight"]),
        (&Value::from("/items/100?expand=price"), &Value::from(3))
    );
    assert_eq!(lines[0]["operation"], "GET /items/{id}");
    let skipped = Options {
        skip_static: true,
        ..Options::default()
    };
    let (_, summary) = with(&fixture("access.log"), &skipped);
    assert!(
        summary
            .left_out
            .iter()
            .any(|left| left.reason == Reason::StaticAsset)
    );
}

#[test]
fn hosts_are_taken_as_asked_for() {
    let hosts = |name: &str, hosts: &[&str]| {
        let options = Options {
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            ..Options::default()
        };
        with(&fixture(name), &options).1.written
    };
    assert_eq!(hosts("vhost.log", &[]), 5);
    assert_eq!(hosts("vhost.log", &["Admin.example.test"]), 2);
    assert_eq!(hosts("vhost.log", &["shop.example.test:443"]), 3);
    assert_eq!(hosts("shop.har", &["metrics.example.net"]), 1);
    assert_eq!(
        hosts("shop.har", &["metrics.example.net", "shop.example.test"]),
        11
    );
    assert_eq!(
        hosts("access.log", &["unknown.example"]),
        22,
        "a log that names no host"
    );
    let (_, summary) = of("shop.har");
    let taken: Vec<(&str, u64)> = summary
        .hosts
        .iter()
        .map(|of| (of.host.as_str(), of.taken))
        .collect();
    assert_eq!(
        taken,
        [("shop.example.test", 10), ("metrics.example.net", 0)]
    );
}

#[test]
fn captures_keep_bodies_and_mark_cut_ones() {
    let (lines, summary) = of("chat.gor");
    assert_eq!(
        (summary.read, summary.written),
        (8, 6),
        "answers are not requests"
    );
    assert_eq!(lines[1]["body"], "{\"text\":\"hello\"}");
    assert_eq!(lines[2]["headers"]["Authorization"], "$AUTHORIZATION_2");
    assert!(
        lines
            .iter()
            .any(|line| line["path"] == "/notes/1" && line["body"] == "hello")
    );
    let reasons: Vec<(Reason, &str)> = summary
        .left_out
        .iter()
        .map(|left| (left.reason, left.first.as_str()))
        .collect();
    assert_eq!(
        reasons,
        [
            (Reason::Unreadable, "chat.gor:94"),
            (Reason::NoBody, "chat.gor:51")
        ]
    );
}

/// What is written of a file, and what is said about it.
fn all_of(name: &str, text: &str) -> (String, Summary) {
    let source = Source {
        name,
        bytes: text.as_bytes(),
    };
    let imported = import(&[source], &Options::default()).unwrap();
    balanced(&imported).unwrap();
    (imported.jsonl, imported.summary)
}

#[test]
fn no_secret_is_part_of_the_name_of_an_operation() {
    let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlc2lnbmF0dXJl";
    let log = format!(
        "10.0.0.1 - - [t] \"GET /verify/{jwt}/x HTTP/1.1\" 200 1\n\
         10.0.0.1 - - [t] \"GET /a;jsessionid=8F3C/b HTTP/1.1\" 200 1\n"
    );
    let (jsonl, summary) = all_of("a.log", &log);
    assert!(
        !jsonl.contains("eyJhbGci") && !jsonl.contains("8F3C"),
        "{jsonl}"
    );
    let operations: Vec<&str> = summary
        .operations
        .iter()
        .map(|of| of.operation.as_str())
        .collect();
    assert_eq!(
        operations,
        ["GET /a;jsessionid={id}/b", "GET /verify/{id}/x"]
    );
    assert!(
        jsonl.contains(r#""operation":"GET /verify/{id}/x""#),
        "{jsonl}"
    );
}

#[test]
fn archives_are_left_out_for_the_true_reason() {
    let entry = |url: &str, more: &str| {
        format!(
            r#"{{"request":{{"method":"POST","url":"{url}",{more}"headers":[{{"name":"Host","value":"h"}}]}}}}"#
        )
    };
    let entries = [
        entry("https://h/ok", ""),
        entry("/relative", ""),
        entry("https://h/cut", r#""bodySize":9,"postData":{"text":"abc"},"#),
        entry("https://h/absent", r#""bodySize":9,"#),
        entry("data:text/plain,x", ""),
        entry("blob:https://h/1", ""),
        entry("chrome-extension://abc/x.js", ""),
        entry("wss://h/socket", ""),
        r#"{"request":{"method":"GET","url":"https://h/line","headers":[{"name":"A","value":"b\nc"}]}}"#.to_owned(),
    ];
    let archive = format!("{{\"log\":{{\"entries\":[{}]}}}}", entries.join(",\n"));
    let (jsonl, summary) = all_of("a.har", &archive);
    assert_eq!(jsonl.lines().count(), 2, "{jsonl}");
    let reasons: Vec<(Reason, u64, &str)> = summary
        .left_out
        .iter()
        .map(|left| (left.reason, left.requests, left.first.as_str()))
        .collect();
    assert_eq!(
        reasons,
        [
            (Reason::LocalUrl, 3, "a.har:5 (entry 5)"),
            (Reason::Header, 1, "a.har:9 (entry 9)"),
            (Reason::WebSocket, 1, "a.har:8 (entry 8)"),
            (Reason::NoBody, 1, "a.har:4 (entry 4)"),
            (Reason::BodyDiffers, 1, "a.har:3 (entry 3)"),
        ]
    );
}

#[test]
fn parts_that_are_left_out_of_a_request_are_counted() {
    let capture = b"1 aa 1 0\nGET /a HTTP/1.1\r\nX-Name: caf\xe9\r\n\r\n\n";
    let source = Source {
        name: "a.gor",
        bytes: capture,
    };
    let imported = import(&[source], &Options::default()).unwrap();
    balanced(&imported).unwrap();
    let without = &imported.summary.without;
    assert_eq!(
        (without[0].part, without[0].requests),
        (Part::HeaderNotText, 1)
    );
    assert_eq!(without[0].first, "a.gor:1");
    assert_eq!(*without, imported.summary.files[0].without);
}

#[test]
fn files_of_windows_shells_are_read() {
    let log = "10.0.0.1 - - [t] \"GET /a HTTP/1.1\" 200 1\r\n";
    let wide: Vec<u8> = log.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let bytes = [&[0xff, 0xfe], wide.as_slice()].concat();
    let source = Source {
        name: "a",
        bytes: &bytes,
    };
    assert_eq!(
        import(&[source], &Options::default())
            .unwrap()
            .summary
            .written,
        1
    );
}

#[test]
fn too_many_requests_and_another_encoding_are_reported() {
    let room = |room| read(fixture("access.log"), None, room, &()).map(|file| file.found.len());
    assert_eq!(room(25).ok(), Some(25));
    assert!(matches!(room(24), Err((None, Problem::TooMany))));
    let latin = b"{\"log\": {\"entries\": [\"\xfc\"]}}";
    assert_eq!(error("a", latin), "a:1: is not UTF-8");
}

fn error(name: &str, bytes: &[u8]) -> String {
    let errors = import(&[Source { name, bytes }], &Options::default()).unwrap_err();
    assert_eq!(errors.len(), 1);
    errors[0].to_string()
}

#[test]
fn files_without_anything_to_use_are_reported() {
    assert_eq!(error("a", b""), "a: is empty");
    let unknown = "a: is not a HAR file, an access log, a GoReplay capture or an OpenAPI document";
    assert_eq!(error("a", b"hello\n"), unknown);
    let bytes: &[u8] = &[0x1f, 0x8b, 8, 0];
    let errors = import(
        &[Source {
            name: "a.gz",
            bytes,
        }],
        &Options::default(),
    )
    .unwrap_err();
    assert_eq!(errors[0].to_string(), "a.gz: is compressed (gzip)");
    assert_eq!(
        errors[0].hint().as_deref(),
        Some("unpack it: `zcat FILE | understudy import -`")
    );
    let cut = "a:3: is not a HAR file: it ends before its last bracket is closed: it was cut";
    assert_eq!(error("a", b"{\n \"log\": {\n"), cut);
    assert_eq!(error("a", b"{\"log\": {\"entries\": []}}"), "a: is empty");
    let posts = "1.1.1.1 - - [t] \"POST /a HTTP/1.1\" 200 1\nbroken\n".repeat(2);
    assert_eq!(
        error("a", posts.as_bytes()),
        "a: has no request that can be used: its body is not, or not completely, in the file (2, first: a:1); \
         not a line of an access log, or broken (2, first: a:2)"
    );
    let both = [
        fixture("access.log"),
        Source {
            name: "b",
            bytes: b"x",
        },
        Source {
            name: "c",
            bytes: b"",
        },
    ];
    assert_eq!(
        import(&both, &Options::default()).unwrap_err().len(),
        2,
        "all at once"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_log_balances(
        requests in proptest::collection::vec((0u8..4, 0u8..6, "[a-z0-9/?=&$%. ]{0,12}", 0u8..8), 1..60),
        sessions: bool,
        skip_static: bool,
    ) {
        let lines = requests.iter().map(|(client, method, path, broken)| {
            let method = ["GET", "HEAD", "POST", "DELETE", "-", "CONNECT"][usize::from(*method)];
            match broken {
                0 => format!("{path}\n"),
                _ => format!("10.0.0.{client} - - [t] \"{method} /{path} HTTP/1.1\" 200 1 \"-\" \"{client}\"\n"),
            }
        });
        let log: String = lines.chain(["1.1.1.1 - - [t] \"GET / HTTP/1.1\" 200 1\n".to_owned()]).collect();
        let options = Options { sessions, skip_static, format: Some(Format::AccessLog), ..Options::default() };
        let imported = import(&[Source { name: "l", bytes: log.as_bytes() }], &options).unwrap();
        balanced(&imported)?;
        let rows = log.lines().filter(|line| !line.trim().is_empty()).count();
        prop_assert_eq!(imported.summary.read as usize, rows);
    }

    #[test]
    fn order_within_a_session_is_that_of_the_file(clients in proptest::collection::vec(0u8..3, 1..40)) {
        let log: String = clients
            .iter()
            .enumerate()
            .map(|(n, client)| format!("10.0.0.{client} - - [t] \"GET /p/x{n} HTTP/1.1\" 200 1\n"))
            .collect();
        let (lines, _) = with(&Source { name: "l", bytes: log.as_bytes() }, &Options::default());
        let paths: Vec<&str> = lines.iter().map(|line| line["path"].as_str().unwrap()).collect();
        let expected: Vec<String> = (0..clients.len()).map(|n| format!("/p/x{n}")).collect();
        prop_assert_eq!(paths, expected);
        for (a, b) in lines.iter().zip(&clients).flat_map(|a| lines.iter().zip(&clients).map(move |b| (a, b))) {
            if !a.0["session"].is_null() {
                prop_assert_eq!(a.0["session"] == b.0["session"], a.1 == b.1);
            }
        }
    }

    #[test]
    fn no_bytes_panic(bytes: Vec<u8>, text in "\\PC{0,80}") {
        for format in [Format::Har, Format::AccessLog, Format::Gor, Format::OpenApi] {
            let options = Options { format: Some(format), ..Options::default() };
            let _ = import(&[Source { name: "f", bytes: &bytes }], &options);
            let _ = import(&[Source { name: "f", bytes: text.as_bytes() }], &options);
        }
    }
}
