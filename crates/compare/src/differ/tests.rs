mod conditions;
mod parts;

use super::*;
use crate::rules::Rule;
use crate::{Day, PREVIEW_BYTES};
use proptest::prelude::*;
use std::io::Write;
use understudy_model::{Failure, FailureKind, Field};

fn answer(code: i32, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Answer {
    let field = |(name, value): &(&str, &str)| Field {
        name: (*name).into(),
        value: (*value).into(),
    };
    crate::http::answer(
        code,
        headers.iter().map(field).collect(),
        body.into(),
        false,
    )
}

fn json(body: &str) -> Answer {
    answer(200, &[("content-type", "application/json")], body)
}

fn shown_whole(_: Option<&Place>, text: &str) -> String {
    text.to_owned()
}

fn differ_with(rules: &Rules, a: &Answer, b: &Answer) -> Vec<Difference> {
    let differ = Differ::new(rules, &shown_whole);
    differ.differences(
        "GET /x",
        &Outcome::Answered(a.clone()),
        &Outcome::Answered(b.clone()),
    )
}

fn differ(a: &Answer, b: &Answer) -> Vec<Difference> {
    differ_with(&Rules::default(), a, b)
}

/// Path and kind of every difference.
fn places(a: &Answer, b: &Answer) -> Vec<(String, Kind)> {
    differ(a, b)
        .into_iter()
        .map(|found| (found.path.to_string(), found.kind))
        .collect()
}

#[track_caller]
fn check(a: &Answer, b: &Answer, expected: &[(&str, Kind)]) {
    let expected: Vec<_> = expected
        .iter()
        .map(|(path, kind)| (path.to_string(), *kind))
        .collect();
    let mut found = places(a, b);
    // Each differing token of a text is a difference of its own.
    found.dedup();
    assert_eq!(found, expected);
}

/// The answer in which changes are planted.
const BASE: &str = r#"{"id":12345678901234567890,"name":"Ada","price":19.99,"tags":["a","b","c"],
    "items":[{"id":1,"n":1},{"id":2,"n":2},{"id":3,"n":3}],"owner":{"e mail":"x@y"},"gone":null,"ok":true}"#;

#[test]
fn every_planted_change_of_a_document_is_found_at_its_place_and_nothing_else() {
    for (from, to, path, kind) in [
        (r#""Ada""#, r#""Bob""#, "$.name", Kind::Value),
        ("19.99", "20.00", "$.price", Kind::Value),
        ("19.99", "19.990", "$.price", Kind::NumberText),
        ("19.99", r#""19.99""#, "$.price", Kind::Type),
        ("19.99", "null", "$.price", Kind::Null),
        ("null", "0", "$.gone", Kind::Null),
        (r#""gone":null,"#, "", "$.gone", Kind::Missing),
        (r#""ok":true"#, r#""ok":true,"new":1"#, "$.new", Kind::Extra),
        (
            r#""ok":true"#,
            r#""ok":true,"ok":true"#,
            "$.ok",
            Kind::DuplicateKey,
        ),
        (
            "12345678901234567890",
            "12345678901234567891",
            "$.id",
            Kind::Value,
        ),
        (
            "12345678901234567890",
            "12345678901234567000",
            "$.id",
            Kind::Value,
        ),
        (
            r#"["a","b","c"]"#,
            r#"["c","a","b"]"#,
            "$.tags",
            Kind::Order,
        ),
        (
            r#"["a","b","c"]"#,
            r#"["a","c"]"#,
            "$.tags[1]",
            Kind::Missing,
        ),
        (
            r#"["a","b","c"]"#,
            r#"["a","b","x","c"]"#,
            "$.tags[2]",
            Kind::Extra,
        ),
        (
            r#"["a","b","c"]"#,
            r#"["a","x","c"]"#,
            "$.tags[1]",
            Kind::Value,
        ),
        (r#"["a","b","c"]"#, "{}", "$.tags", Kind::Type),
        (r#""n":2"#, r#""n":7"#, "$.items[1].n", Kind::Value),
        (r#"{"id":2,"n":2},"#, "", "$.items[1]", Kind::Missing),
        (
            r#"{"id":2,"n":2}"#,
            r#"{"id":5,"n":2}"#,
            "$.items[1].id",
            Kind::Value,
        ),
        (r#""x@y""#, r#""y@x""#, "$.owner['e mail']", Kind::Value),
        ("true", "false", "$.ok", Kind::Value),
    ] {
        let changed = BASE.replacen(from, to, 1);
        assert_ne!(changed, BASE);
        check(&json(BASE), &json(&changed), &[(path, kind)]);
    }
}

#[test]
fn patterns_leave_indices_out_and_previews_show_both_values() {
    let found = differ(&json(BASE), &json(&BASE.replace(r#""n":2"#, r#""n":"2""#)));
    assert_eq!(found[0].pattern.to_string(), "$.items[*].n");
    assert_eq!(
        (found[0].baseline.as_str(), found[0].contender.as_str()),
        ("2", "\"2\"")
    );
    assert_eq!(found[0].baseline_character.0, "integer");
    assert_eq!(found[0].contender_character.0, "digits");
}

#[test]
fn outcomes_codes_and_bodies_of_other_sorts_are_compared() {
    let ok = json("{}");
    check(
        &ok,
        &answer(404, &[("content-type", "application/json")], "{}"),
        &[("code", Kind::Code)],
    );
    check(&ok, &json("oops"), &[("body", Kind::Type)]);
    check(&json("oops"), &ok, &[("body", Kind::Type)]);
    check(&ok, &json(""), &[("body", Kind::Missing)]);
    check(&json("oops"), &json("ooops"), &[("body", Kind::Text)]);
    check(
        &answer(200, &[], "a"),
        &answer(200, &[], "b"),
        &[("body", Kind::Text)],
    );
    check(
        &answer(200, &[], "a"),
        &answer(200, &[], ""),
        &[("body", Kind::Missing)],
    );
    check(
        &answer(200, &[], ""),
        &answer(200, &[], "b"),
        &[("body", Kind::Extra)],
    );
    check(
        &answer(200, &[], [0, 255]),
        &answer(200, &[], [0, 254]),
        &[("body", Kind::Bytes)],
    );
    // Without a content type structured bodies are JSON, words and numbers are text.
    check(&answer(200, &[], "[1]"), &answer(200, &[], "[ 1 ]"), &[]);
    check(
        &answer(200, &[], "1"),
        &answer(200, &[], "1 "),
        &[("body", Kind::Text)],
    );

    let differ = Differ::new(&EMPTY, &shown_whole);
    let failed = |kind| {
        Outcome::Failed(Failure {
            kind,
            detail: "x".into(),
        })
    };
    let of = |a: &Outcome, b: &Outcome| differ.differences("GET /x", a, b);
    let found = of(&Outcome::Answered(ok), &failed(FailureKind::Timeout));
    assert_eq!(
        (
            found[0].path.to_string().as_str(),
            found[0].kind,
            found.len()
        ),
        ("outcome", Kind::Outcome, 1)
    );
    assert_eq!(found[0].contender, "failed: timeout");
    assert!(of(&failed(FailureKind::Timeout), &failed(FailureKind::Timeout)).is_empty());
    assert_eq!(
        of(&failed(FailureKind::Timeout), &failed(FailureKind::Closed)).len(),
        1
    );
}

static EMPTY: std::sync::LazyLock<Rules> = std::sync::LazyLock::new(Rules::default);

#[test]
fn bytes_that_say_the_same_in_another_encoding_or_with_other_line_ends_are_not_the_same() {
    let utf16: Vec<u8> = "{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let media = [("content-type", "application/json")];
    let places = places(&json("{}"), &answer(200, &media, utf16));
    assert_eq!(places, [("body;layout".to_owned(), Kind::Text)]);
    check(
        &answer(200, &[], "a\r\nb\nc\n"),
        &answer(200, &[], "a\nb\r\nc\n"),
        &[("body;layout", Kind::Text)],
    );
}

#[test]
fn headers_are_compared_by_meaning() {
    let with = |headers: &[(&str, &str)]| answer(200, headers, "");
    for (a, b) in [
        (
            ("content-type", "application/json; charset=UTF-8"),
            ("content-type", "Application/JSON"),
        ),
        (
            ("content-type", "text/html;a=1;charset=utf-8"),
            ("content-type", "text/html; charset=\"UTF-8\"; a=1"),
        ),
        (
            ("cache-control", "public, max-age=60"),
            ("cache-control", "max-age=60,Public"),
        ),
        (("vary", "Origin, Accept-Encoding"), ("vary", "origin")),
        (
            ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
            ("server", "nginx"),
        ),
        (("connection", "close"), ("keep-alive", "timeout=5")),
    ] {
        check(&with(&[a]), &with(&[b]), &[]);
    }
    check(&with(&[("vary", "accept-encoding")]), &with(&[]), &[]);
    check(
        &with(&[("x-a", "1")]),
        &with(&[("x-a", "2")]),
        &[("header:x-a", Kind::Value)],
    );
    check(
        &with(&[("x-a", "1")]),
        &with(&[]),
        &[("header:x-a", Kind::Missing)],
    );
    check(
        &with(&[]),
        &with(&[("x-a", "1")]),
        &[("header:x-a", Kind::Extra)],
    );
    check(
        &with(&[("link", "1"), ("link", "2")]),
        &with(&[("link", "2"), ("link", "1")]),
        &[("header:link", Kind::Order)],
    );
    check(
        &with(&[("link", "1"), ("link", "1")]),
        &with(&[("link", "1")]),
        &[("header:link", Kind::Missing)],
    );
    check(
        &with(&[("etag", "\"a\"")]),
        &with(&[("etag", "W/\"a\"")]),
        &[("header:etag", Kind::Value)],
    );
    check(
        &with(&[("content-type", "text/html; charset=utf-8")]),
        &with(&[("content-type", "text/html; charset=latin1")]),
        &[("header:content-type", Kind::Value)],
    );
    // The length counts only where it describes a body that was not sent.
    check(
        &with(&[("content-length", "5")]),
        &with(&[("content-length", "6")]),
        &[("header:content-length", Kind::Value)],
    );
    check(&with(&[("content-length", "5")]), &with(&[]), &[]);
    let body = |length, body: &str| answer(200, &[("content-length", length)], body);
    check(&body("7", "{\"a\":1}"), &body("8", "{\"a\": 1}"), &[]);
}

#[test]
fn cookies_are_compared_by_name_and_attribute() {
    let with = |lines: &[&str]| {
        let headers: Vec<_> = lines.iter().map(|line| ("set-cookie", *line)).collect();
        answer(200, &headers, "")
    };
    let base =
        "sid=1; Path=/; HttpOnly; SameSite=Lax; Expires=Sun, 06 Nov 1994 08:49:37 GMT; Domain=.a.b";
    let same =
        "sid=1;domain=A.B; expires=Sunday, 06-Nov-94 08:49:37 GMT; SAMESITE=lax;httponly;path=/";
    check(&with(&[base, "b=2"]), &with(&["b=2", same]), &[]);
    for (from, to, path, kind) in [
        ("sid=1", "sid=2", "cookie:sid", Kind::Value),
        (" HttpOnly;", "", "cookie:sid;httponly", Kind::Missing),
        (
            "HttpOnly;",
            "HttpOnly; Secure;",
            "cookie:sid;secure",
            Kind::Extra,
        ),
        (
            "SameSite=Lax",
            "SameSite=Strict",
            "cookie:sid;samesite",
            Kind::Value,
        ),
        ("08:49:37", "08:49:38", "cookie:sid;expires", Kind::Value),
        ("Path=/", "Path=/x", "cookie:sid;path", Kind::Value),
    ] {
        check(
            &with(&[base]),
            &with(&[&base.replace(from, to)]),
            &[(path, kind)],
        );
    }
    check(&with(&[base]), &with(&[]), &[("cookie:sid", Kind::Missing)]);
    check(&with(&[]), &with(&[base]), &[("cookie:sid", Kind::Extra)]);
    check(
        &with(&["a=1", "a=2"]),
        &with(&["a=2", "a=1"]),
        &[("cookie:a", Kind::Order)],
    );
    check(
        &with(&["a=1", "a=1"]),
        &with(&["a=1"]),
        &[("cookie:a", Kind::Missing)],
    );
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(body).unwrap();
    out.finish().unwrap()
}

#[test]
fn compression_does_not_matter_and_bombs_do() {
    let packed = |body: &[u8]| {
        answer(
            200,
            &[
                ("content-type", "application/json"),
                ("content-encoding", "gzip"),
            ],
            gzip(body),
        )
    };
    check(&packed(BASE.as_bytes()), &json(BASE), &[]);
    check(
        &packed(b"{\"a\":1}"),
        &json("{\"a\":2}"),
        &[("$.a", Kind::Value)],
    );
    let bomb = Outcome::Answered(packed(&vec![b' '; 1 << 20]));
    let differ = Differ::new(&EMPTY, &shown_whole).with_decoded_bytes(1 << 10);
    let found = differ.differences("GET /x", &Outcome::Answered(json("{}")), &bomb);
    assert_eq!(
        (found[0].path.to_string().as_str(), found[0].kind),
        ("body", Kind::Bytes)
    );
    assert_eq!(found[0].contender, "too large when decoded");
    assert!(differ.differences("GET /x", &bomb, &bomb).is_empty());
}

#[test]
fn repetition_is_bounded_and_never_hides_what_nothing_excuses() {
    let list = |from: usize, rule_breaker: &str| {
        let items: Vec<String> = (from..from + 500)
            .map(|n| format!("{{\"id\":{},\"t\":{n}}}", n - from))
            .collect();
        json(&format!(
            "{{\"list\":[{}],\"z\":{rule_breaker}}}",
            items.join(",")
        ))
    };
    let found = differ(&list(0, "1"), &list(1000, "2"));
    assert_eq!(found.len(), KEPT_ALIKE + 1);
    assert_eq!(found.last().unwrap().path.to_string(), "$.z");
    // A rule covers the first 100 elements: the others are not alike, and are kept.
    let rule = Rule {
        path: "$.list[:100]".into(),
        ..rule()
    };
    let rules = Rules::compile(vec![rule], today()).unwrap();
    let found = differ_with(&rules, &list(0, "1"), &list(1000, "1"));
    assert_eq!(
        found.iter().filter(|d| d.rules.is_empty()).count(),
        KEPT_ALIKE
    );

    let keys = |n: usize| {
        let all: Vec<String> = (0..n).map(|n| format!("\"k{n}\":1")).collect();
        json(&format!("{{{}}}", all.join(",")))
    };
    let found = differ(&keys(5000), &json("{}"));
    assert_eq!(found.len(), KEPT + 1);
    assert_eq!(found.last().unwrap().contender, MORE);
}

fn today() -> Day {
    "2026-01-01".parse().unwrap()
}

fn rule() -> Rule {
    Rule {
        path: "$".into(),
        operation: None,
        kind: None,
        reason: None,
        owner: None,
        expires: None,
        ..Rule::default()
    }
}

#[test]
fn rules_are_noted_at_what_they_cover() {
    let paths = [
        "$.a",
        "$.list[?@.id == 2]",
        "body",
        "$.list[*].n",
        "code",
        "header:x-a",
        "cookie:sid",
    ];
    let mut rules: Vec<Rule> = paths
        .iter()
        .map(|path| Rule {
            path: (*path).into(),
            ..rule()
        })
        .collect();
    rules.push(Rule {
        path: "$..n".into(),
        kind: Some(Kind::Null),
        ..rule()
    });
    rules.push(Rule {
        path: "$".into(),
        operation: Some("POST *".into()),
        ..rule()
    });
    let rules = Rules::compile(rules, today()).unwrap();
    let a = r#"{"a":{"b":1},"list":[{"id":1,"n":1},{"id":2,"n":2}]}"#;
    let of = |b: &str| {
        let found = differ_with(&rules, &json(a), &json(b));
        found
            .into_iter()
            .map(|found| (found.path, found.rules))
            .collect::<Vec<_>>()
    };
    let one = |path: &str, rules: &[u32]| vec![(Place::from(path), rules.to_vec())];
    assert_eq!(of(&a.replace("\"b\":1", "\"b\":2")), one("$.a.b", &[0, 2]));
    assert_eq!(
        of(&a.replace("\"n\":2", "\"n\":3")),
        one("$.list[1].n", &[1, 2, 3])
    );
    assert_eq!(
        of(&a.replace("\"n\":1", "\"n\":null")),
        one("$.list[0].n", &[2, 3, 7])
    );
    assert_eq!(
        of(&a.replace("\"id\":1", "\"id\":9")),
        one("$.list[0].id", &[2])
    );
    // Selected in the contender only.
    assert_eq!(
        of(&a.replace("},{\"id\":2", "},{\"id\":7,\"n\":0},{\"id\":2"))[0].1,
        [2]
    );
    let other = answer(500, &[("x-a", "1"), ("set-cookie", "sid=1")], a);
    let found = differ_with(
        &rules,
        &answer(200, &[("set-cookie", "sid=1; secure")], a),
        &other,
    );
    let found: Vec<_> = found
        .iter()
        .map(|found| (found.path.to_string(), found.rules.clone()))
        .collect();
    assert_eq!(
        found,
        [
            ("code".to_owned(), vec![4]),
            ("header:x-a".to_owned(), vec![5]),
            ("cookie:sid;secure".to_owned(), vec![6])
        ]
    );
}

#[test]
fn nothing_reaches_a_difference_but_through_redaction() {
    let redact = |place: Option<&Place>, text: &str| -> String {
        let path = place.map_or_else(String::new, Place::to_string);
        if text.contains("s3cret") {
            format!("<{}:{path}>", text.len())
        } else {
            text.to_owned()
        }
    };
    let rules = Rules::default();
    let differ = Differ::new(&rules, &redact);
    let secret = |n: u8, filler: &str| {
        let body = format!(
            r#"{{"{filler}":"s3cret{n}","deep":[{{"k":["s3cret-{n}-{filler}"]}}],"s3cret{n}":1}}"#
        );
        let cookie = format!("sid=s3cret{n}");
        let headers = [
            ("x-key", "s3cret"),
            ("set-cookie", cookie.as_str()),
            ("content-type", "application/json"),
        ];
        answer(200, &headers[usize::from(n) % 2..], body)
    };
    let pairs = [
        (secret(1, "a"), secret(2, "a")),
        (secret(1, "a"), secret(2, "b")),
        (answer(200, &[], "xx s3cret1"), answer(200, &[], "s3cret22")),
        (json("{}"), secret(1, "a")),
        (json("s3cret"), secret(1, "a")),
        (json("[]"), json(r#"[{"a":{"b":"s3cret"}}]"#)),
    ];
    for (a, b) in pairs {
        let found = differ.differences("GET /x", &Outcome::Answered(a), &Outcome::Answered(b));
        assert!(!found.is_empty());
        assert!(!format!("{found:?}").contains("s3cret"), "{found:#?}");
    }
}

#[test]
fn previews_are_bounded_and_show_where_long_texts_part() {
    let long = |end: &str| {
        json(&format!(
            "{{\"a\":\"{}{end}{}\"}}",
            "ä".repeat(500),
            "z".repeat(500)
        ))
    };
    let found = &differ(&long("X"), &long("Y"))[0];
    assert!(found.baseline.contains("ääX") && found.contender.contains("ääY"));
    assert!(
        found.baseline.len() < PREVIEW_BYTES + 40,
        "{}",
        found.baseline
    );
    let found = &differ(
        &json("{}"),
        &json(&format!("{{\"a\":[{}1]}}", "1,".repeat(10_000))),
    )[0];
    assert!(found.contender.len() < PREVIEW_BYTES + 40);
}

/// Any JSON document as serde_json writes it.
fn document() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        (-3i64..3).prop_map(Into::into),
        any::<f64>()
            .prop_filter("finite", |n| n.is_finite())
            .prop_map(Into::into),
        "[a-c]{0,2}|\\PC{0,8}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            proptest::collection::btree_map("[a-d]|id|\\PC{0,4}", inner, 0..6)
                .prop_map(|entries| serde_json::Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// The same document with other white space, escapes and order of names.
fn rewritten(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Array(items) => {
            let items: Vec<String> = items.iter().map(rewritten).collect();
            format!("[ {}\n]", items.join(" ,\t"))
        }
        serde_json::Value::Object(entries) => {
            let entries = entries.iter().rev();
            let entries: Vec<String> = entries
                .map(|(k, v)| format!("{} : {}", escaped(k), rewritten(v)))
                .collect();
            format!("{{{}}}", entries.join(",\r\n"))
        }
        serde_json::Value::String(text) => escaped(text),
        other => other.to_string(),
    }
}

fn escaped(text: &str) -> String {
    let units: String = text
        .encode_utf16()
        .map(|unit| format!("\\u{unit:04X}"))
        .collect();
    format!("\"{units}\"")
}

fn mirrored(kind: Kind) -> Kind {
    match kind {
        Kind::Missing => Kind::Extra,
        Kind::Extra => Kind::Missing,
        other => other,
    }
}

proptest! {
    #[test]
    fn a_document_equals_itself_however_it_is_written(document in document()) {
        let (plain, other) = (json(&document.to_string()), json(&rewritten(&document)));
        prop_assert_eq!(places(&plain, &other), vec![]);
    }

    #[test]
    fn differences_mirror_each_other(a in document(), b in document()) {
        let (a, b) = (json(&a.to_string()), json(&b.to_string()));
        let (there, back) = (differ(&a, &b), differ(&b, &a));
        let key = |d: &Difference, kind| (d.pattern.clone(), kind, d.baseline_character.clone(), d.contender_character.clone());
        let mut there_keys: Vec<_> = there.iter().map(|d| key(d, d.kind)).collect();
        let mut back_keys: Vec<_> = back
            .iter()
            .map(|d| (d.pattern.clone(), mirrored(d.kind), d.contender_character.clone(), d.baseline_character.clone()))
            .collect();
        there_keys.sort();
        back_keys.sort();
        prop_assert_eq!(there_keys, back_keys);
        // Without arrays nothing moves, and the places are the very same.
        let moved = |found: &[Difference]| found.iter().any(|d| d.pattern.path().is_some_and(ValuePath::has_any));
        if !moved(&there) {
            let paths = |found: &[Difference]| found.iter().map(|d| d.path.clone()).collect::<Vec<_>>();
            prop_assert_eq!(paths(&there), paths(&back));
        }
    }

    #[test]
    fn two_documents_differ_exactly_when_their_meanings_do(a in document(), b in document()) {
        // The oracle writes names in order and numbers as they came.
        let (a, b) = (a.to_string(), b.to_string());
        prop_assert_eq!(places(&json(&a), &json(&b)).is_empty(), a == b);
    }

    #[test]
    fn one_removed_member_is_one_missing_place(document in document(), name in "[a-z]{1,5}") {
        let with = serde_json::json!({ "rest": document, name.as_str(): 1 });
        let without = serde_json::json!({ "rest": document });
        prop_assume!(name != "rest");
        let expected = vec![(format!("$.{name}"), Kind::Missing)];
        prop_assert_eq!(places(&json(&with.to_string()), &json(&without.to_string())), expected);
    }

    #[test]
    fn one_removed_element_is_one_missing_place(items in proptest::collection::hash_set(0u32..50, 2..12), at: prop::sample::Index) {
        let items: Vec<u32> = items.into_iter().collect();
        let mut fewer = items.clone();
        let at = at.index(items.len());
        fewer.remove(at);
        let body = |items: &[u32]| json(&serde_json::to_string(items).unwrap());
        prop_assert_eq!(places(&body(&items), &body(&fewer)), vec![(format!("$[{at}]"), Kind::Missing)]);
    }

    #[test]
    fn any_bytes_compare_without_panic(a: Vec<u8>, b: Vec<u8>, coding in prop::sample::select(vec!["", "gzip", "deflate", "br", "zstd"])) {
        let headers = [("content-encoding", coding), ("content-type", "application/json")];
        let (a, b) = (answer(200, &headers, a), answer(200, &headers, b));
        prop_assert!(differ(&a, &a).is_empty());
        differ(&a, &b);
    }
}

/// A token in the compact form of RFC 7515, of these claims. Nothing checks its signature.
fn web_token(claims: &str, signature: &str) -> String {
    use base64::Engine;
    let part = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
    let header = part(r#"{"alg":"HS256","typ":"JWT"}"#);
    format!("{header}.{}.{signature}", part(claims))
}

#[test]
fn the_claims_of_a_web_token_are_compared() {
    let token = |sub: &str, iat: u64| {
        let claims = format!(r#"{{"sub":"{sub}","iat":{iat}}}"#);
        web_token(&claims, "c2lnbmF0dXJl")
    };
    let (a, b) = (token("alice", 1_764_000_000), token("bob", 1_764_000_009));
    let body = |token: &str| json(&format!(r#"{{"session":"{token}"}}"#));
    let iat = "$.session['#jwt'].claims.iat";
    let sub = "$.session['#jwt'].claims.sub";
    check(
        &body(&a),
        &body(&b),
        &[(iat, Kind::Value), (sub, Kind::Value)],
    );
    let cookie = |token: &str| answer(200, &[("set-cookie", &format!("sid={token}; Path=/"))], "");
    let (iat, sub) = ("cookie:sid;jwt.claims.iat", "cookie:sid;jwt.claims.sub");
    check(
        &cookie(&a),
        &cookie(&b),
        &[(iat, Kind::Value), (sub, Kind::Value)],
    );
    let signed = |signature: &str| cookie(&web_token(r#"{"sub":"alice"}"#, signature));
    let signature = "cookie:sid;jwt.signature";
    check(
        &signed("c2lnbmF0dXJl"),
        &signed("b3RoZXI"),
        &[(signature, Kind::Value)],
    );
}
