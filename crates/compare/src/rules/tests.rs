use super::*;
use proptest::prelude::*;

fn rule(path: &str) -> Rule {
    let path = path.into();
    Rule {
        path,
        operation: None,
        kind: None,
        reason: None,
        owner: None,
        expires: None,
        ..Rule::default()
    }
}

fn today() -> Day {
    Day::new(2026, 3, 1).unwrap()
}

#[test]
fn all_mistakes_of_all_rules_are_reported_at_once() {
    let expires = Day::new(2026, 2, 28).ok();
    let rules = vec![
        rule("$.a["),
        rule("price"),
        rule("$.ok"),
        rule("header:"),
        rule("header:two words"),
        rule("cookie:a;b c"),
        Rule {
            expires,
            owner: Some("ann".into()),
            ..rule("code")
        },
        Rule {
            expires,
            ..rule("status")
        },
        rule("outcome"),
    ];
    let errors = Rules::compile(rules, today()).unwrap_err();
    let messages: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert!(
        messages[0].starts_with("rule 1: \"$.a[\" is not a valid JSONPath (RFC 9535): "),
        "{}",
        messages[0]
    );
    assert_eq!(
        messages[5],
        "rule 7: the rule for \"code\" expired on 2026-02-28 (owner: ann); renew or remove it"
    );
    let indices: Vec<usize> = errors.iter().map(|error| error.index).collect();
    assert_eq!(indices, [0, 1, 3, 4, 5, 6, 7, 7, 8]);
}

#[test]
fn a_rule_holds_on_its_last_day() {
    let rules = vec![Rule {
        expires: Some(today()),
        ..rule("header:X-Trace")
    }];
    let rules = Rules::compile(rules, today()).unwrap();
    assert_eq!(
        rules.at_place("GET /", &Place::header("x-trace"), DifferenceKind::Value),
        [0]
    );
}

#[test]
fn places_cover_themselves_and_cookies_their_attributes() {
    let paths = ["cookie:sid", "cookie:sid;Path", "header:x", "body", "code"];
    let rules = Rules::compile(paths.into_iter().map(rule).collect(), today()).unwrap();
    let at = |place: &str| rules.at_place("GET /", &place.into(), DifferenceKind::Value);
    assert_eq!(at("cookie:sid"), [0]);
    assert_eq!(at("cookie:sid;path"), [0, 1]);
    assert_eq!(at("cookie:sid2"), [0; 0]);
    assert_eq!(at("cookie:sid;pathology"), [0]);
    assert_eq!(at("header:x"), [2]);
    assert_eq!(at("header:x-y"), [0; 0]);
    assert_eq!(at("body"), [3]);
    assert_eq!(at("code"), [4]);
    assert_eq!(at("outcome"), [0; 0]);
}

#[test]
fn operations_match_by_name_or_star() {
    for (pattern, operation, expected) in [
        ("GET /items/{id}", "GET /items/{id}", true),
        ("GET /items/{id}", "GET /items/{id}/x", false),
        ("*", "GET /", true),
        ("GET *", "POST /", false),
        ("*/items/*", "GET /v1/items/{id}", true),
        ("*/items/*", "GET /v1/items", false),
        ("*a*a", "a", false),
        ("*a*a", "aa", true),
        ("a**b", "ab", true),
        ("", "", true),
        ("", "x", false),
    ] {
        assert_eq!(
            matches(pattern, operation),
            expected,
            "{pattern} {operation}"
        );
    }
}

#[test]
fn a_rule_survives_its_configuration_format() {
    let text = r#"{"path":"$.a","kind":"number_text","expires":"2026-12-31"}"#;
    let read: Rule = serde_json::from_str(text).unwrap();
    assert_eq!(read.kind, Some(DifferenceKind::NumberText));
    assert_eq!(serde_json::to_string(&read).unwrap(), text);
    assert!(serde_json::from_str::<Rule>(r#"{"path":"$.a","kin":"value"}"#).is_err());
    assert!(serde_json::from_str::<Rule>(r#"{"path":"$.a","expires":"soon"}"#).is_err());
}

proptest! {
    /// The oracle tries every way to spread the text over the stars.
    #[test]
    fn stars_match_as_exhaustive_search_says(pattern in "[ab*]{0,6}", text in "[ab]{0,7}") {
        fn exhaustive(pattern: &[u8], text: &[u8]) -> bool {
            match pattern.split_first() {
                None => text.is_empty(),
                Some((b'*', rest)) => (0..=text.len()).any(|skip| exhaustive(rest, &text[skip..])),
                Some((c, rest)) => text.first() == Some(c) && exhaustive(rest, &text[1..]),
            }
        }
        prop_assert_eq!(matches(&pattern, &text), exhaustive(pattern.as_bytes(), text.as_bytes()));
    }

    #[test]
    fn any_text_is_a_rule_or_an_error(path: String) {
        match Rules::compile(vec![rule(&path)], today()) {
            Ok(rules) => prop_assert_eq!(rules.iter().len(), 1),
            Err(errors) => prop_assert!(!errors.is_empty()),
        }
    }
}

#[test]
fn rules_name_the_parts_of_a_command_and_what_is_said_of_them() {
    let compile = |path: &str| Rules::compile(vec![rule(path)], today());
    for place in [
        "stdout;layout",
        "stderr;class",
        "file:a.gz;coding",
        "file:$HOME/a b.txt;entry",
        "file:$HOME/a:$.n",
        "outside:../x",
        "left_behind",
    ] {
        assert!(compile(place).is_ok(), "{place}");
    }
    for wrong in ["file:", "stdout;mode", "outside:", "file:a;b", "left"] {
        assert!(compile(wrong).is_err(), "{wrong}");
    }
    let of_file = compile("file:$HOME/a").unwrap();
    let covered = |place: &str| {
        !of_file
            .at_place("x", &place.into(), DifferenceKind::Value)
            .is_empty()
    };
    assert!(covered("file:$HOME/a") && covered("file:$HOME/a;entry"));
    assert!(!covered("file:$HOME/ab;entry") && !covered("stdout"));
}

#[test]
fn rules_name_streams_and_clips_of_media() {
    let compile = |path: &str| Rules::compile(vec![rule(path)], today());
    let covered = |path: &str, place: &str| {
        let rules = compile(path).unwrap();
        !rules
            .at_place("x", &place.into(), DifferenceKind::Value)
            .is_empty()
    };
    let frame = "file:a.mkv;stream 0;frame";
    for path in [frame, "file:a.mkv;stream 0", "file:a.mkv"] {
        assert!(covered(path, frame), "{path}");
    }
    assert!(!covered(
        "file:a.mkv;stream 0",
        "file:a.mkv;stream 01;frame"
    ));
    assert!(!covered(frame, "file:a.mkv;stream 0;frames"));
    assert!(covered("file:a.ivf;clip bikes", "file:a.ivf;clip bikes"));
    assert!(compile("file:a.mkv;stream 0;frame 17").is_err());
}

#[test]
fn a_class_of_edge_requests_is_accepted_as_a_whole_and_nothing_else_is() {
    let answer = |operation: Option<&str>| Rule {
        operation: operation.map(str::to_owned),
        ..rule("answer")
    };
    for operation in [None, Some("*"), Some("GET /items/{id}")] {
        let errors = Rules::compile(vec![answer(operation)], today()).unwrap_err();
        assert_eq!(errors[0].problem, RuleProblem::Everything, "{operation:?}");
    }
    let rules = Rules::compile(vec![answer(Some("edge:method.*"))], today()).unwrap();
    let at = |operation: &str, place: &str| {
        rules.at_place(operation, &Place::from(place), DifferenceKind::Code)
    };
    assert_eq!(at("edge:method.delete", "code"), [0]);
    assert_eq!(at("edge:method.delete", "header:allow"), [0]);
    assert!(at("edge:target.slash", "code").is_empty());
    assert!(at("DELETE /items/{id}", "code").is_empty());
    let outcome = rules.at_place(
        "edge:method.delete",
        &Place::Outcome,
        DifferenceKind::Outcome,
    );
    assert!(
        outcome.is_empty(),
        "no rule excuses that a side does not answer"
    );
}
