use super::*;
use crate::requests::WorkloadRequest;
use proptest::prelude::*;
use std::collections::BTreeSet;

const ALL: Limits = Limits {
    writes: true,
    most: usize::MAX,
    idle: Duration::ZERO,
};
const READS: Limits = Limits {
    writes: false,
    ..ALL
};
const BODY: &str = r#"{"name": "a", "count": 1}"#;

fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> WorkloadRequest {
    let of = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let mut request = WorkloadRequest::get(path);
    request.method = method.to_owned();
    request.body = body.as_bytes().to_vec();
    request
        .with_headers(headers.iter().map(of).collect(), &|_| None)
        .unwrap()
}

/// One operation that reads and one that writes.
fn example() -> Requests {
    let json = [("Content-Type", "application/json")];
    Requests {
        all: vec![
            request("GET", "/items/1", &[], ""),
            request("POST", "/items", &json, BODY),
        ],
    }
}

fn made(limits: Limits) -> Vec<Edge> {
    edges(&example(), &[0, 1], limits)
}

/// Head and body as they are sent.
fn sent(raw: &Raw) -> String {
    let bytes = [raw.render("h"), raw.payload()].concat();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn ids(edges: &[Edge]) -> Vec<&'static str> {
    edges.iter().map(|edge| edge.class.id).collect()
}

#[test]
fn a_connection_is_left_idle_last_and_only_where_that_is_asked() {
    let idle = Duration::from_secs(8);
    let edges = made(Limits { idle, ..READS });
    let (last, others) = edges.split_last().unwrap();
    assert_eq!((last.class.id, last.from), ("connection.idle", 0));
    assert_eq!(last.idle, idle);
    assert_eq!(ids(others), ids(&made(READS)));
    assert_eq!(
        last.reproduce(&Redactor::new([7; 16])),
        "curl -sS -i --path-as-is \"$URL\"'/items/1' --path-as-is \"$URL\"'/items/1' -v --rate 450/h"
    );
}

#[test]
fn classes_are_unique_and_the_strongest_come_first() {
    let all = classes();
    let ids: BTreeSet<&str> = all.iter().map(|class| class.id).collect();
    assert_eq!(ids.len(), all.len());
    assert!(all.windows(2).all(|pair| pair[0].share >= pair[1].share));
    for class in all {
        assert!((0.0..=1.0).contains(&class.share), "{class:?}");
        assert!(class.id.split_once('.').is_some(), "{class:?}");
        let sentence = class.breaks.strip_suffix('.').unwrap();
        assert!(
            !sentence.is_empty() && !sentence.contains(". "),
            "{class:?}"
        );
        assert!(!class.title.is_empty(), "{class:?}");
    }
}

/// What classes send of the example: a part of the head.
const HEADS: &[(&str, &str)] = &[
    ("method.lower_case", "get /items/1 HTTP/1.1\r\n"),
    ("method.unknown", "XYZZY /items/1 HTTP/1.1\r\n"),
    ("method.options", "OPTIONS /items/1 HTTP/1.1\r\n"),
    ("method.preflight", "Access-Control-Request-Method: GET\r\n"),
    ("method.delete", "DELETE /items/1 HTTP/1.1\r\n"),
    ("method.put", "PUT /items/1 HTTP/1.1\r\n"),
    ("method.patch", "PATCH /items/1 HTTP/1.1\r\n"),
    ("method.get", "GET /items HTTP/1.1\r\n"),
    ("method.options_star", "OPTIONS * HTTP/1.1\r\n"),
    ("method.head", "HEAD /items/1 HTTP/1.1\r\n"),
    ("head.lines_101", "X-Understudy-100: 1\r\n\r\n"),
    ("host.missing", "GET /items/1 HTTP/1.1\r\n\r\n"),
    ("host.malformed", "Host: a b\r\n"),
    ("host.another", "Host: other.test\r\n"),
    ("accept.unmet", "Accept: application/xml\r\n"),
    ("body.unread", "DELETE /items/1 HTTP/1.1\r\n"),
    ("body.large", "Content-Length: 3000025\r\n\r\n   "),
    (
        "body.large_chunked",
        "Transfer-Encoding: chunked\r\n\r\n10000\r\n   ",
    ),
    ("body.gzip", "Content-Encoding: gzip\r\n"),
    (
        "expect.accepted",
        "Content-Type: application/json\r\nExpect: 100-continue\r\n",
    ),
    (
        "expect.refused_type",
        "Content-Type: text/plain\r\nExpect: 100-continue\r\n",
    ),
    (
        "expect.unknown_path",
        "POST /understudy-unknown HTTP/1.1\r\n",
    ),
    (
        "content_type.form",
        "Content-Type: application/x-www-form-urlencoded\r\n",
    ),
    (
        "content_type.multipart",
        "Content-Type: multipart/form-data; boundary=x\r\n",
    ),
    (
        "content_type.text",
        "Content-Type: text/plain\r\nContent-Length: 25\r\n",
    ),
    (
        "content_type.none",
        "POST /items HTTP/1.1\r\nHost: h\r\nContent-Length: 25\r\n",
    ),
    (
        "content_type.octet_stream",
        "Content-Type: application/octet-stream\r\n",
    ),
    (
        "content_type.bad_parameter",
        "Content-Type: application/json; charset\r\n",
    ),
    (
        "content_type.vendor",
        "Content-Type: application/vnd.api+json\r\n",
    ),
    ("target.star", "GET * HTTP/1.1\r\n"),
    (
        "target.absolute_form",
        "GET http://other.test/items/1 HTTP/1.1\r\n",
    ),
    ("target.trailing_slash_write", "POST /items/ HTTP/1.1\r\n"),
];

/// The target of a GET.
const TARGETS: &[(&str, &str)] = &[
    ("target.bad_escape", "/items/%zz"),
    ("target.raw_utf8", "/items/\u{e9}"),
    ("target.trailing_slash", "/items/1/"),
    ("target.doubled_slash", "/items//1"),
    ("target.encoded_slash", "/items/1%2F2"),
    ("target.matrix_parameter", "/items/1;v=2"),
    ("target.empty_segment", "/items/"),
    ("integer.overflow", "/items/99999999999999999999"),
    ("integer.two_to_63", "/items/9223372036854775808"),
    ("integer.exponent", "/items/1e0"),
    ("integer.hexadecimal", "/items/0x1"),
    ("integer.decimal_point", "/items/1.0"),
    ("integer.trailing_space", "/items/1%20"),
    ("integer.leading_space", "/items/%201"),
    ("integer.underscore", "/items/1_0"),
    ("integer.full_width_digits", "/items/%EF%BC%91"),
    ("integer.plus_sign", "/items/%2B1"),
    ("integer.two_to_53_plus_1", "/items/9007199254740993"),
    ("query.raw_quotes", "/items/1?q=\"a\""),
    ("query.bad_escape", "/items/1?q=%zz"),
    ("query.raw_brackets", "/items/1?q[]=1"),
];

/// The body.
const BODIES: &[(&str, &str)] = &[
    (
        "json.two_to_63",
        r#"{"name": "a", "count": 9223372036854775808}"#,
    ),
    ("json.lone_surrogate", r#"{"name": "\ud800", "count": 1}"#),
    (
        "json.invalid_utf8",
        "{\"name\": \"\u{fffd}\u{fffd}\", \"count\": 1}",
    ),
    ("json.decimal_point", r#"{"name": "a", "count": 1.0}"#),
    ("json.exponent", r#"{"name": "a", "count": 1e2}"#),
    ("json.array_for_object", r#"["a",1]"#),
    ("json.trailing_text", r#"{"name": "a", "count": 1} x"#),
    ("json.wrong_type", r#"{"name": 5, "count": 1}"#),
    (
        "json.byte_order_mark",
        "\u{feff}{\"name\": \"a\", \"count\": 1}",
    ),
    ("json.null_member", r#"{"name": null, "count": 1}"#),
    ("json.key_case", r#"{"NAME": "a", "count": 1}"#),
    ("json.null", "null"),
    ("json.missing_member", r#"{"count": 1}"#),
    (
        "json.duplicate_key",
        r#"{"name": "a", "count": 1,"name":"b"}"#,
    ),
    ("json.minus_zero", r#"{"name": "a", "count": -0}"#),
    ("json.scalar", r#""x""#),
    ("json.beyond_double", r#"{"name": "a", "count": 1e400}"#),
    ("json.malformed", r#"{"name": "#),
    ("json.leading_zero", r#"{"name": "a", "count": 01}"#),
    ("json.plus_sign", r#"{"name": "a", "count": +1}"#),
    ("json.empty", ""),
    (
        "json.two_to_53_plus_1",
        r#"{"name": "a", "count": 9007199254740993}"#,
    ),
    (
        "json.unknown_member",
        r#"{"name": "a", "count": 1,"understudy":1}"#,
    ),
];

/// What each class sends of the example.
fn expected() -> Vec<(&'static str, String)> {
    let nines = "9".repeat(40);
    let long = [
        (
            "head.field_9kb",
            format!("X-Understudy: {}\r\n", "a".repeat(9_000)),
        ),
        (
            "head.field_17kb",
            format!("X-Understudy: {}\r\n", "a".repeat(17_000)),
        ),
        (
            "head.field_70kb",
            format!("X-Understudy: {}\r\n", "a".repeat(70_000)),
        ),
        (
            "target.query_5kb",
            format!("GET /items/1?q={} ", "a".repeat(5_000)),
        ),
        (
            "target.query_70kb",
            format!("GET /items/1?q={} ", "a".repeat(70_000)),
        ),
        (
            "target.segment_500",
            format!("GET /items/{} ", "1".repeat(500)),
        ),
        (
            "target.segment_5000",
            format!("GET /items/{} ", "1".repeat(5_000)),
        ),
        ("json.long_number", format!("\"count\": {nines}}}")),
    ];
    let heads = HEADS.iter().map(|(id, head)| (*id, (*head).to_owned()));
    let targets = TARGETS.iter();
    let targets =
        targets.map(|(id, target)| (*id, format!("GET {target} HTTP/1.1\r\nHost: h\r\n")));
    let bodies = BODIES
        .iter()
        .map(|(id, body)| (*id, format!("\r\n\r\n{body}")));
    heads.chain(targets).chain(bodies).chain(long).collect()
}

#[test]
fn each_class_asks_what_it_says() {
    let made = made(ALL);
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for (id, part) in expected() {
        seen.insert(id);
        let edge = made.iter().find(|edge| edge.class.id == id);
        let sent = sent(&edge.unwrap_or_else(|| panic!("{id} is not made")).raw);
        let is_there = match id.starts_with("json.") {
            true => sent.ends_with(&part),
            false => sent.contains(&part),
        };
        assert!(
            is_there,
            "{id}: {}",
            &sent.chars().take(500).collect::<String>()
        );
    }
    // It needs a query.
    seen.insert("query.duplicate_key");
    let all: BTreeSet<&str> = classes().iter().map(|class| class.id).collect();
    assert_eq!(seen, all);
    assert!(!ids(&made).contains(&"query.duplicate_key"));
    let queried = Requests {
        all: vec![request("GET", "/items?q=1", &[], "")],
    };
    let made = edges(&queried, &[0], READS);
    let twice = made
        .iter()
        .find(|edge| edge.class.id == "query.duplicate_key");
    assert_eq!(twice.unwrap().raw.target, "/items?q=1&q=2");
}

#[test]
fn a_head_of_101_lines_has_as_many() {
    let recorded: [&[(&str, &str)]; 2] = [&[], &[("Host", "x"), ("Accept", "*/*")]];
    for headers in recorded {
        let requests = Requests {
            all: vec![request("GET", "/", headers, "")],
        };
        let made = edges(&requests, &[0], READS);
        let many = made.iter().find(|edge| edge.class.id == "head.lines_101");
        let head = sent(&many.unwrap().raw);
        // The line of the request, the fields, and the empty line.
        assert_eq!(head.matches("\r\n").count(), 1 + 101 + 1, "{head}");
    }
}

#[test]
fn each_operation_has_one_of_a_class_and_the_strongest_classes_are_made_first() {
    let requests = Requests {
        all: vec![
            request("GET", "/items/all", &[], ""),
            request("GET", "/orders/7", &[], ""),
            request("GET", "/items/2", &[], ""),
            request("GET", "/items/3", &[], ""),
        ],
    };
    let made = edges(&requests, &[0, 1, 0, 0], READS);
    let from = |id: &str| -> Vec<u32> {
        let of = made.iter().filter(|edge| edge.class.id == id);
        of.map(|edge| edge.from).collect()
    };
    assert_eq!(from("target.trailing_slash"), [0, 1]);
    assert_eq!(from("integer.overflow"), [2, 1]);
    assert_eq!(from("method.options_star"), [0]);
    let shares: Vec<f64> = made.iter().map(|edge| edge.class.share).collect();
    assert!(shares.is_sorted_by(|a, b| a >= b));
    for most in [0, 1, 7] {
        let few = edges(&requests, &[0, 1, 0, 0], Limits { most, ..READS });
        assert_eq!(ids(&few), ids(&made)[..most]);
    }
}

#[test]
fn a_method_that_is_recorded_is_not_an_edge() {
    let mut requests = example();
    requests.all.push(request("DELETE", "/items/9", &[], ""));
    requests.all.push(request("HEAD", "/items", &[], ""));
    let made = edges(&requests, &[0, 1, 2, 3], ALL);
    let asked: BTreeSet<(&str, &str)> = made
        .iter()
        .map(|edge| (edge.class.id, edge.raw.target.as_str()))
        .collect();
    assert!(!asked.contains(&("method.delete", "/items/1")));
    assert!(asked.contains(&("method.delete", "/items")));
    assert!(!asked.contains(&("method.head", "/items")));
    assert!(asked.contains(&("method.head", "/items/1")));
    let unread = made.iter().find(|edge| edge.class.id == "body.unread");
    assert_eq!(unread.unwrap().raw.method, "PUT");
}

#[test]
fn credentials_are_sent_and_not_shown() {
    let headers = vec![("Authorization".to_owned(), "Bearer $TOKEN".to_owned())];
    let request = WorkloadRequest::get("/items/1")
        .with_headers(headers, &|_| Some("s3cret".to_owned()))
        .unwrap();
    let made = edges(&Requests { all: vec![request] }, &[0], READS);
    let redactor = Redactor::new([7; 16]);
    let slash = made
        .iter()
        .find(|edge| edge.class.id == "target.trailing_slash");
    let slash = slash.unwrap();
    assert!(sent(&slash.raw).contains("Authorization: Bearer s3cret\r\n"));
    assert_eq!(slash.raw.shown(&redactor), "GET /items/1/");
    for edge in &made {
        let line = edge.reproduce(&redactor);
        assert!(!line.contains("s3cret") && line.len() < 5_000, "{line}");
    }
    // A browser sends none with a preflight.
    let preflight = made.iter().find(|edge| edge.class.id == "method.preflight");
    assert!(!sent(&preflight.unwrap().raw).contains("s3cret"));
}

fn recorded() -> impl Strategy<Value = WorkloadRequest> {
    let methods = vec![
        "GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "PURGE", "get",
    ];
    let names = vec![
        "Host",
        "Cookie",
        "Connection",
        "Content-Type",
        "Accept",
        "Expect",
        "TE",
        "Upgrade",
    ];
    let header = (prop::sample::select(names), "[a-z0-9;=/, ]{0,10}");
    let body = prop_oneof![
        "\\PC{0,20}",
        "\\{\"[a-zA-Z]{0,4}\":(\"[a-z]{0,3}\"|[1-9]{1,3}|null|\\[\\])\\}",
    ];
    (
        prop::sample::select(methods),
        "(/[a-z0-9é%;+-]{0,4}){1,4}(\\?[a-z]{0,2}(=[a-z0-9%]{0,2}(&[a-z])?)?)?",
        proptest::collection::vec(header, 0..4),
        body,
    )
        .prop_map(|(method, path, headers, body)| {
            let headers: Vec<(&str, &str)> = headers
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            request(method, &path, &headers, &body)
        })
}

/// A head in which every server reads one request: one length of the body, no line break in a line, no line that
/// continues another.
fn is_one_request(raw: &Raw) -> Result<(), TestCaseError> {
    let head = raw.render("h:1");
    let head = std::str::from_utf8(&head).unwrap();
    let lines: Vec<&str> = head
        .strip_suffix("\r\n\r\n")
        .unwrap()
        .split("\r\n")
        .collect();
    prop_assert_eq!(lines[0].split(' ').count(), 3, "{}", lines[0]);
    for line in &lines {
        prop_assert!(!line.contains(['\r', '\n', '\0']), "{line:?}");
        prop_assert!(
            !line.is_empty() && !line.starts_with([' ', '\t']),
            "{line:?}"
        );
    }
    let values = |name: &str| -> Vec<&str> {
        let pairs = lines[1..].iter().filter_map(|line| line.split_once(':'));
        pairs
            .filter(|(of, _)| of.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
            .collect()
    };
    let (lengths, codings) = (values("content-length"), values("transfer-encoding"));
    match raw.framing {
        Framing::None => prop_assert!(lengths.is_empty() && codings.is_empty()),
        Framing::Length => {
            prop_assert_eq!(lengths, [raw.body.length().to_string()]);
            prop_assert!(codings.is_empty());
        }
        Framing::Chunked => {
            prop_assert!(lengths.is_empty());
            prop_assert_eq!(codings, ["chunked"]);
        }
    }
    prop_assert!(values("connection").is_empty() && values("upgrade").is_empty());
    if raw.body.padding == 0 && raw.framing != Framing::Chunked {
        prop_assert_eq!(raw.payload().len(), raw.body.length());
    }
    Ok(())
}

proptest! {
    #[test]
    fn without_writes_nothing_is_sent_that_may_change_the_service(
        all in proptest::collection::vec(recorded(), 1..6),
    ) {
        let operations: Vec<u32> = (0..all.len() as u32).collect();
        for edge in edges(&Requests { all }, &operations, READS) {
            let method = edge.raw.method.as_str();
            let safe = ["GET", "get", "HEAD", "OPTIONS", "XYZZY"];
            prop_assert!(safe.contains(&method), "{} {method}", edge.class.id);
        }
    }

    #[test]
    fn nothing_is_sent_that_two_servers_may_read_as_two_requests(
        all in proptest::collection::vec(recorded(), 1..6),
    ) {
        let operations: Vec<u32> = (0..all.len() as u32).collect();
        for edge in edges(&Requests { all }, &operations, ALL) {
            is_one_request(&edge.raw)?;
        }
    }
}
