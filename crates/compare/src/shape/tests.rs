use super::*;
use crate::fixtures::json as answer;
use crate::{Day, Differ, Row, Rule};
use proptest::prelude::*;
use understudy_model::{Difference, Field, Outcome, Place};

#[test]
fn shapes_show_names_and_types_and_no_values() {
    let of = |body: &str| shape(&answer(body), None);
    assert_eq!(
        of(r#"{"a":1,"b":[{"c":"x"},{"c":"y"}]}"#),
        of(r#"{"b":[{"c":""}],"a":2.5}"#)
    );
    for other in [
        r#"{"a":1,"b":[]}"#,
        r#"{"a":null,"b":[{"c":"x"}]}"#,
        r#"{"a":"1","b":[{"c":"x"}]}"#,
        r#"{"a":1,"b":[{"c":"x"},{"d":"x"}]}"#,
        r#"{"a":1}"#,
        "text",
        "",
    ] {
        assert_ne!(of(r#"{"a":1,"b":[{"c":"x"}]}"#), of(other), "{other}");
    }
    assert_ne!(shape(&answer([0xff]), None), of("text"));
    assert_eq!(of("some text"), of("other text"));
}

fn noisy(pattern: &str, kind: Kind) -> Row {
    let difference = Difference {
        path: pattern.into(),
        pattern: pattern.into(),
        kind,
        baseline: String::new(),
        contender: String::new(),
        baseline_character: understudy_model::Character("text".into()),
        contender_character: understudy_model::Character("text".into()),
        relation: Default::default(),
        spot: None,
        position: None,
        bytes: 0,
        rules: Vec::new(),
    };
    Row {
        noise: vec![difference],
        ..Row::default()
    }
}

#[test]
fn masked_places_do_not_count_and_all_others_do() {
    let noise = Noise::learn(&[
        noisy("$.l[*].at", Kind::Value),
        noisy("$.set", Kind::Order),
        noisy("$.debug", Kind::Missing),
        noisy("header:etag", Kind::Value),
        noisy("cookie:sid;expires", Kind::Value),
    ]);
    let rule = |path: &str| Rule {
        path: path.into(),
        operation: None,
        kind: None,
        reason: None,
        owner: None,
        expires: None,
        ..Rule::default()
    };
    let rules = Rules::compile(
        vec![rule("$.x[0]"), rule("header:x-id")],
        Day::new(2026, 1, 1).unwrap(),
    )
    .unwrap();
    let mask = Mask::new(&noise, &rules, (0, "GET /x"));
    let base = r#"{"l":[{"at":1,"n":1}],"set":[1,2],"debug":1,"x":[1,2]}"#;
    let of = |body: &str| mask.value_hash(&answer(body));
    for (from, to) in [
        (r#""at":1"#, r#""at":2"#),
        (r#""at":1,"#, ""),
        ("[1,2],\"debug\"", "[2,1],\"debug\""),
        (r#""debug":1,"#, ""),
        (r#""x":[1,2]"#, r#""x":[9,2]"#),
        (r#"{"l""#, r#"{ "l" "#),
    ] {
        assert_eq!(of(base), of(&base.replace(from, to)), "{from} {to}");
    }
    for (from, to) in [
        (r#""n":1"#, r#""n":1.0"#),
        ("[1,2],\"debug\"", "[1,3],\"debug\""),
        (r#""x":[1,2]"#, r#""x":[1,3]"#),
        (r#""x":[1,2]"#, r#""x":[2,1]"#),
        (r#""l""#, r#""m""#),
    ] {
        assert_ne!(of(base), of(&base.replace(from, to)), "{from} {to}");
    }
    let with = |name: &str, value: &str| {
        let mut answer = answer(base);
        answer.fields.push(Field {
            name: name.into(),
            value: value.into(),
        });
        mask.value_hash(&answer)
    };
    for (name, a, b) in [
        ("etag", "1", "2"),
        ("x-id", "1", "2"),
        ("date", "1", "2"),
        ("set-cookie", "sid=1; expires=1", "sid=1; expires=2"),
    ] {
        assert_eq!(with(name, a), with(name, b), "{name}");
    }
    assert_ne!(with("x-other", "1"), with("x-other", "2"));
    assert_ne!(with("set-cookie", "a=1"), with("set-cookie", "a=2"));
    assert_ne!(
        mask.value_hash(&Answer {
            status: crate::http::answer(201, Vec::new(), Vec::new(), false).status,
            ..answer(base)
        }),
        of(base)
    );
}

proptest! {
    /// Without a mask two answers have one hash exactly when they do not differ.
    #[test]
    fn values_hash_alike_exactly_when_nothing_differs(a in "[\\[\\]{}:,01\"ab ]{0,12}", b in "[\\[\\]{}:,01\"ab ]{0,12}") {
        let (noise, rules) = (Noise::default(), Rules::default());
        let mask = Mask::new(&noise, &rules, (0, "GET /x"));
        let (a, b) = (answer(a), answer(b));
        let alike = mask.value_hash(&a) == mask.value_hash(&b);
        let redact = |_: Option<&Place>, text: &str| text.to_owned();
        let differ = Differ::new(&rules, &redact);
        let found = differ.differences("GET /x", &Outcome::Answered(a), &Outcome::Answered(b));
        prop_assert_eq!(alike, found.is_empty());
    }

    #[test]
    fn hashes_are_never_zero(body: Vec<u8>) {
        let (noise, rules) = (Noise::default(), Rules::default());
        let answer = answer(body);
        prop_assert!(shape(&answer, None) != 0);
        prop_assert!(Mask::new(&noise, &rules, (0, "GET /x")).value_hash(&answer) != 0);
    }
}
