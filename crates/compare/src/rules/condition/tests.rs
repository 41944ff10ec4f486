use super::*;
use proptest::prelude::*;

fn of(condition: Condition) -> Compiled {
    condition.compile().unwrap()
}

fn tolerance(text: &str) -> Compiled {
    of(Condition {
        tolerance: Some(text.to_owned()),
        ..Condition::default()
    })
}

fn numbers(condition: &Compiled, a: &str, b: &str) -> bool {
    condition.holds(Kind::Value, Some((At::Number(a), At::Number(b))), true)
}

fn texts(condition: &Compiled, a: &str, b: &str) -> bool {
    condition.holds(Kind::Value, At::texts(a, b), true)
}

#[test]
fn numbers_may_be_so_far_apart() {
    let cent = tolerance("0.01");
    assert!(numbers(&cent, "1.00", "1.01") && numbers(&cent, "-1.005", "-1"));
    assert!(!numbers(&cent, "1.00", "1.0100001") && !numbers(&cent, "1", "1e400"));
    let percent = tolerance("1%");
    assert!(numbers(&percent, "100", "101") && !numbers(&percent, "100", "102"));
    let ulp = tolerance("1ulp");
    assert!(numbers(&ulp, "0.1", "0.10000000000000002"));
    assert!(!numbers(&ulp, "0.1", "0.10000000000000003"));
    assert!(
        numbers(&tolerance("2ulp"), "5e-324", "-5e-324"),
        "across zero"
    );
    assert!(texts(&cent, "1.00", "1.01"), "a number as text is one");
    assert!(!texts(&cent, "one", "two"));
}

#[test]
fn moments_may_be_so_far_apart_in_whatever_form() {
    let seconds = tolerance("2s");
    assert!(texts(
        &seconds,
        "2026-11-30T10:00:00Z",
        "2026-11-30T10:00:02Z"
    ));
    assert!(texts(
        &seconds,
        "2026-11-30T10:00:00Z",
        "2026-11-30T11:00:01+01:00"
    ));
    assert!(!texts(
        &seconds,
        "2026-11-30T10:00:00Z",
        "2026-11-30T10:00:02.1Z"
    ));
    assert!(numbers(&seconds, "1732500000", "1732500001"));
    assert!(
        !numbers(&seconds, "1732500000", "1732500000000"),
        "another unit"
    );
    assert!(!numbers(&seconds, "1", "2"), "no moments");
}

#[test]
fn both_values_have_to_match_and_to_the_end() {
    let uuid = of(Condition {
        matches: Some("[0-9a-f]{8}|none".to_owned()),
        ..Condition::default()
    });
    assert!(texts(&uuid, "0123abcd", "none"));
    assert!(!texts(&uuid, "0123abcd", "0123abcd9") && !texts(&uuid, "?", "none"));
    let wrong = |matches: &str| Condition {
        matches: Some(matches.to_owned()),
        ..Condition::default()
    };
    for expression in ["(", "a)(b", "[z-a]"] {
        let (key, error) = wrong(expression).compile().unwrap_err();
        assert_eq!(key, "matches");
        assert!(error.contains("no regular expression"), "{error}");
    }
}

#[test]
fn what_is_present_may_be_anything_but_nothing() {
    let present = of(Condition {
        present: true,
        ..Condition::default()
    });
    assert!(texts(&present, "a", "b"));
    assert!(present.holds(Kind::Type, Some((At::Bool(true), At::Other)), false));
    assert!(!present.holds(Kind::Missing, None, true));
    assert!(!present.holds(Kind::Null, None, true));
    assert!(
        !present.holds(Kind::Value, None, true),
        "a value that is not known"
    );
}

#[test]
fn values_may_be_among_a_few() {
    let few = of(Condition {
        one_of: ["open", "new", "1"].map(str::to_owned).into(),
        ..Condition::default()
    });
    assert!(texts(&few, "open", "new") && numbers(&few, "1", "1.0"));
    assert!(!texts(&few, "open", "closed") && !numbers(&few, "1", "2"));
}

#[test]
fn texts_may_be_the_same_in_a_normal_form() {
    let form = |normalise: &[Normal]| {
        of(Condition {
            normalise: normalise.to_vec(),
            ..Condition::default()
        })
    };
    for (normal, a, b, other) in [
        (Normal::Case, "Straße", "STRASSE", "strasse x"),
        (Normal::Whitespace, " a  b\n", "a b", "ab"),
        (Normal::Unicode, "é", "e\u{301}", "e"),
        (Normal::TrailingZero, "1.50", "1.5", "1.05"),
        (
            Normal::Url,
            "HTTP://Example.test/%7ea/./b",
            "http://example.test/~a/b",
            "http://example.test/a/b",
        ),
    ] {
        let only = form(&[normal]);
        // Simple case folding knows no Straße.
        assert_eq!(texts(&only, a, b), normal != Normal::Case, "{normal:?}");
        assert!(!texts(&only, a, other), "{normal:?}");
    }
    assert!(texts(&form(&[Normal::Case]), "ABC", "abc"));
    assert!(texts(
        &form(&[Normal::Case, Normal::Whitespace]),
        " A b",
        "a  B "
    ));
    assert_eq!(without_trailing_zeros("-10.00"), Some("-10"));
    for text in ["10", "1.", ".0", "1.0e5", "v1.0"] {
        assert_eq!(without_trailing_zeros(text), None, "{text}");
    }
}

#[test]
fn an_order_is_accepted_at_the_place_and_not_below() {
    let unordered = of(Condition {
        unordered: Some(Unordered::Likeness),
        ..Condition::default()
    });
    assert!(unordered.holds(Kind::Order, None, true));
    assert!(!unordered.holds(Kind::Order, None, false));
    assert!(!unordered.holds(Kind::Value, At::texts("a", "b"), true));
    let both = Condition {
        unordered: Some(Unordered::Likeness),
        present: true,
        ..Condition::default()
    };
    assert!(both.compile().is_err());
}

#[test]
fn without_a_condition_everything_is_accepted() {
    let none = of(Condition::default());
    assert!(Kind::ALL.iter().all(|kind| none.holds(*kind, None, false)));
}

proptest! {
    #[test]
    fn no_value_makes_it_panic(a: String, b: String, bound in "[0-9.e-]{0,6}(%|ulp|s|ms)?") {
        let condition = Condition {
            tolerance: Some(bound),
            normalise: Normal::ALL.to_vec(),
            ..Condition::default()
        };
        if let Ok(condition) = condition.compile() {
            let _ = texts(&condition, &a, &b);
            let _ = numbers(&condition, &a, &b);
        }
    }

    #[test]
    fn a_condition_is_the_same_both_ways(a in -1e9f64..1e9, b in -1e9f64..1e9, ulps in 0u64..100) {
        let (x, y) = (a.to_string(), b.to_string());
        for condition in [tolerance("5%"), tolerance("1000"), tolerance(&format!("{ulps}ulp"))] {
            prop_assert_eq!(numbers(&condition, &x, &y), numbers(&condition, &y, &x));
        }
    }
}
