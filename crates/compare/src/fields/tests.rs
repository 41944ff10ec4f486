use super::*;

mod equal;
mod properties;

/// What counts of the lines of a header.
fn canonical(name: &str, lines: &[&str]) -> Vec<String> {
    let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    let values = values(name, &lines);
    values.into_iter().map(|(canonical, _)| canonical).collect()
}

#[track_caller]
fn check(name: &str, a: &str, b: &str, is_equal: bool) {
    let (of_a, of_b) = (canonical(name, &[a]), canonical(name, &[b]));
    assert_eq!(
        of_a == of_b,
        is_equal,
        "{name}: {a} | {b}\n{of_a:?}\n{of_b:?}"
    );
}

#[test]
fn lines_of_a_list_are_one_list_and_an_empty_list_is_none() {
    for (name, one, several) in [
        ("vary", "Origin, Cookie", ["cookie", "origin"]),
        (
            "cache-control",
            "no-cache, max-age=1",
            ["max-age=1", "no-cache"],
        ),
        ("x-frame-options", "DENY", ["DENY", "deny"]),
        ("x-content-type-options", "nosniff", ["nosniff", "nosniff"]),
        ("x-robots-tag", "noindex, nofollow", ["nofollow", "noindex"]),
        (
            "content-security-policy",
            "img-src a, img-src b",
            ["img-src b", "img-src a"],
        ),
        (
            "cache-status",
            "A; hit, B; fwd=miss",
            ["A;hit", "B;fwd=miss"],
        ),
        ("priority", "u=1, i", ["i", "u=1"]),
        ("nel", r#"{"a":1}, {"b":2}"#, [r#"{"a": 1}"#, r#"{"b":2}"#]),
    ] {
        assert_eq!(canonical(name, &[one]), canonical(name, &several), "{name}");
    }
    for name in [
        "vary",
        "cache-control",
        "permissions-policy",
        "link",
        "content-security-policy",
    ] {
        assert!(canonical(name, &[" "]).is_empty(), "{name}");
    }
    // No method is allowed; the answer is the document itself; already expired.
    for name in ["allow", "location", "expires", "x-other"] {
        assert_eq!(canonical(name, &[""]).len(), 1, "{name}");
    }
}

#[test]
fn the_order_of_a_list_counts_where_the_standard_gives_it_a_meaning() {
    for (name, a, b, is_equal) in [
        ("cache-status", "a;hit, b", "b, a;hit", false),
        ("proxy-status", "a, b", "b, a", false),
        (
            "link",
            "</a>; rel=next, </b>; rel=prev",
            "</b>; rel=prev, </a>; rel=next",
            true,
        ),
        (
            "link",
            "</a>; rel=preload, </b>; rel=preload",
            "</b>; rel=preload, </a>; rel=preload",
            false,
        ),
        // Of the links of type `b`, another is the first one.
        (
            "link",
            "</a>; rel=\"a b\", </b>; rel=b",
            "</b>; rel=b, </a>; rel=\"a b\"",
            false,
        ),
        (
            "link",
            "</a>; rel=\"b a\"",
            "</a>; rel=a, </a>; rel=b",
            true,
        ),
        (
            "www-authenticate",
            "Basic realm=a, Bearer",
            "Bearer, Basic realm=a",
            false,
        ),
        ("accept-patch", "a/b, c/d", "c/d, a/b", true),
        (
            "x-robots-tag",
            "a: noindex, nofollow",
            "nofollow, a: noindex",
            false,
        ),
    ] {
        check(name, a, b, is_equal);
    }
}

#[test]
fn bytes_that_are_not_text_stay_distinct() {
    assert_eq!(text(b"caf\xe9"), "caf\u{fffd}e9");
    assert_ne!(text("\u{fffd}e9".as_bytes()), text(b"\xe9"));
    assert_eq!(text("é".as_bytes()), "é");
    let answer = |name: &str, value: &[u8]| {
        crate::http::answer(
            200,
            vec![understudy_model::Field {
                name: name.into(),
                value: value.to_vec(),
            }],
            Vec::new(),
            false,
        )
    };
    for name in [
        "x-a",
        "vary",
        "content-disposition",
        "location",
        "set-cookie",
        "content-type",
    ] {
        let of = |byte: u8| answer(name, &[b"a; b=", &[byte][..]].concat());
        assert_eq!(compare(&of(0xe8), &of(0xe8)), []);
        assert_eq!(compare(&of(0xe8), &of(0xe9)).len(), 1, "{name}");
        assert_ne!(super::canonical(&of(0xe8)), super::canonical(&of(0xe9)));
    }
}

#[test]
fn another_boundary_is_the_same_if_the_parts_have_it() {
    let answer = |boundary: &str, body: &str| {
        crate::http::answer(
            200,
            vec![understudy_model::Field {
                name: "content-type".into(),
                value: format!("multipart/mixed; boundary={boundary}").into_bytes(),
            }],
            body.as_bytes().to_vec(),
            false,
        )
    };
    let with = |boundary: &str| {
        answer(
            boundary,
            &format!("--{boundary}\r\n\r\nx\r\n--{boundary}--"),
        )
    };
    assert_eq!(
        compare(&with("a"), &with("\"b c\"")).len(),
        1,
        "quotes are not part of it"
    );
    assert_eq!(compare(&with("a"), &with("b")), []);
    assert_eq!(compare(&answer("a", ""), &answer("b", "")), []);
    let wrong = answer("b", "--a\r\n\r\nx\r\n--a--");
    assert_eq!(compare(&with("a"), &wrong).len(), 1);
}

#[test]
fn several_lines_are_one_value() {
    let answer = |lines: &[&str]| {
        crate::http::answer(
            200,
            lines
                .iter()
                .map(|line| understudy_model::Field {
                    name: "x-a".into(),
                    value: line.as_bytes().to_vec(),
                })
                .collect(),
            Vec::new(),
            false,
        )
    };
    let (two, one) = (answer(&["a", "b"]), answer(&["a, b"]));
    assert_eq!(compare(&two, &one), []);
    assert_eq!(super::canonical(&two), super::canonical(&one));
    assert_eq!(compare(&two, &answer(&["a"]))[0].kind, Kind::Missing);
    assert_eq!(compare(&two, &answer(&["b", "a"]))[0].kind, Kind::Order);
}
