//! Two answers with arbitrary bodies and a few headers: comparing them never panics, an answer equals
//! itself, and what differs one way differs the other way.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use understudy_compare::{
    Condition, Differ, History, Mask, Noise, Normal, Outcomes, Row, Rule, Rules, Unordered,
    try_faults,
};
use understudy_model::{DifferenceKind, Field, Outcome, Place};

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    headers: [(u8, &'a [u8]); 2],
    media: u8,
    coding: u8,
    /// The bodies, apart at the first NUL of this or else in the middle, so that the fuzzer can make
    /// two alike.
    bodies: &'a [u8],
}

/// One of each grammar.
const NAMES: [&str; 30] = [
    "set-cookie",
    "cache-control",
    "vary",
    "content-type",
    "etag",
    "x-any",
    "accept-patch",
    "allow",
    "cache-status",
    "content-disposition",
    "content-range",
    "content-security-policy",
    "deprecation",
    "expires",
    "feature-policy",
    "last-modified",
    "link",
    "location",
    "nel",
    "permissions-policy",
    "priority",
    "ratelimit",
    "referrer-policy",
    "refresh",
    "retry-after",
    "signature-input",
    "strict-transport-security",
    "warning",
    "www-authenticate",
    "x-robots-tag",
];
/// Every type of body that has a structure.
const MEDIA: [&str; 12] = [
    "",
    "application/json",
    "text/html",
    "application/xml",
    "text/csv",
    "text/event-stream",
    "application/x-ndjson",
    "application/x-www-form-urlencoded",
    "multipart/mixed; boundary=a",
    "text/plain; charset=utf-16",
    "application/msgpack",
    "application/cbor",
];
const CODINGS: [&str; 6] = ["", "gzip", "deflate", "br", "zstd", "gzip, br"];
/// Small, so that bombs end quickly.
const DECODED_BYTES: usize = 1 << 16;

fn answer(input: &Input<'_>, header: (u8, &[u8]), body: &[u8]) -> Outcome {
    let field = |name: &str, value: &[u8]| Field {
        name: name.to_owned(),
        value: value.to_vec(),
    };
    let mut fields = vec![field(NAMES[usize::from(header.0) % NAMES.len()], header.1)];
    let media = MEDIA[usize::from(input.media) % MEDIA.len()];
    if !media.is_empty() {
        fields.push(field("content-type", media.as_bytes()));
    }
    fields.push(field(
        "content-encoding",
        CODINGS[usize::from(input.coding) % CODINGS.len()].as_bytes(),
    ));
    Outcome::Answered(understudy_compare::http::answer(200, fields, body.to_vec(), false))
}

static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let rule = |path: &str| Rule {
        path: path.to_owned(),
        ..Rule::default()
    };
    let when = |path: &str, condition: Condition| Rule {
        condition,
        ..rule(path)
    };
    let conditions = [
        when(
            "$..n",
            Condition {
                tolerance: Some("1%".to_owned()),
                normalise: Normal::ALL.to_vec(),
                ..Condition::default()
            },
        ),
        when(
            "$",
            Condition {
                unordered: Some(Unordered::Key("c".to_owned())),
                ..Condition::default()
            },
        ),
        Rule {
            only: vec!["$..z".to_owned(), "code".to_owned()],
            operation: Some("POST *".to_owned()),
            ..Rule::default()
        },
    ];
    let today = "2026-01-01".parse().expect("a day");
    let paths = ["$..a", "$[0]", "$.b[?@.c == 1]", "cookie:a", "body"];
    let all = paths.into_iter().map(rule).chain(conditions);
    Rules::compile(all.collect(), today).expect("right rules")
});

fuzz_target!(|input: Input<'_>| {
    let middle = input
        .bodies
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(input.bodies.len() / 2);
    let (one, other) = input.bodies.split_at(middle);
    let a = answer(&input, input.headers[0], one);
    let b = answer(
        &input,
        input.headers[1],
        other.strip_prefix(b"\0").unwrap_or(other),
    );

    let redact = |_: Option<&Place>, text: &str| text.to_owned();
    let differ = Differ::new(&RULES, &redact).with_decoded_bytes(DECODED_BYTES);
    assert!(differ.differences("GET /", &a, &a).is_empty());
    let (there, back) = (
        differ.differences("GET /", &a, &b),
        differ.differences("GET /", &b, &a),
    );
    assert_eq!(there.is_empty(), back.is_empty());
    // Below the bounds on what is kept every difference has its mirror image.
    if there.len() < 32 && back.len() < 32 {
        let mut there: Vec<_> = there
            .into_iter()
            .map(|found| (found.pattern, found.kind))
            .collect();
        let mut back: Vec<_> = back
            .into_iter()
            .map(|found| (found.pattern, mirrored(found.kind)))
            .collect();
        there.sort();
        back.sort();
        assert_eq!(there, back);
    }

    let mut history = History::default();
    let outcomes = Outcomes {
        incumbent: &a,
        second: Some(&b),
        candidate: &b,
    };
    let row = Row::compare(&differ, &mut history, 0, (0, "GET /"), outcomes);
    assert_eq!(row.noise.len(), row.differences.len());
    if let Outcome::Answered(answer) = &a {
        try_faults(
            &differ,
            &history,
            (0, "GET /"),
            (answer, &row.noise),
            input.bodies.len() as u64,
        );
    }

    let noise = Noise::default();
    let mask = Mask::new(&noise, &RULES, (0, "GET /"));
    for outcome in [&a, &b] {
        if let Outcome::Answered(answer) = outcome {
            assert_ne!(mask.shape(answer), 0);
            assert_ne!(mask.value_hash(answer), 0);
        }
    }
});

fn mirrored(kind: DifferenceKind) -> DifferenceKind {
    match kind {
        DifferenceKind::Missing => DifferenceKind::Extra,
        DifferenceKind::Extra => DifferenceKind::Missing,
        other => other,
    }
}
