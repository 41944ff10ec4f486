use super::number::{fraction_digits, same_value};
use super::*;
use proptest::prelude::*;

fn hash(text: &str) -> u128 {
    Json::parse(text.as_bytes())
        .unwrap_or_else(|error| panic!("{text}: {error}"))
        .hash()
}

#[test]
fn what_carries_no_meaning_is_gone() {
    for (a, b) in [
        (
            r#"{"a":1,"b":[true,null]}"#,
            " {\n\t\"b\" : [ true , null ] , \"a\" : 1 } \r\n",
        ),
        (r#""\u00e4\/\ud83d\ude00\n""#, "\"ä/😀\\u000a\""),
        ("[]", "[ ]"),
        ("{}", "{ }"),
    ] {
        assert_eq!(hash(a), hash(b), "{a}");
    }
}

#[test]
fn what_carries_meaning_is_kept() {
    let different = [
        "1",
        "1.0",
        "1e0",
        "-1",
        "\"1\"",
        "0",
        "-0",
        "null",
        "true",
        "false",
        "[]",
        "{}",
        "\"\"",
        "[1]",
        "[[1]]",
        "[1,1]",
        "[1,2]",
        "[2,1]",
        r#"{"a":1}"#,
        r#"{"a":1,"a":1}"#,
        r#"{"a":1,"a":2}"#,
        r#"{"a":2,"a":1}"#,
        r#"{"a":{"b":1}}"#,
        r#"{"a":[],"b":1}"#,
        "9007199254740992",
        "9007199254740993",
        r#"["a","b"]"#,
        r#"["ab"]"#,
        r#"{"a":"b"}"#,
    ];
    for (i, a) in different.iter().enumerate() {
        for b in &different[..i] {
            assert_ne!(hash(a), hash(b), "{a} {b}");
        }
    }
}

#[test]
fn hashes_are_stable_across_runs_and_machines() {
    let known = hash("[1]");
    assert_eq!(format!("{known:032x}"), "b85bc16d23843faac9959f5747199bea");
}

#[test]
fn the_parser_is_strict() {
    for (text, problem) in [
        ("", "no value"),
        ("01", "text after the value"),
        ("1.", "no digit"),
        (".5", "no value"),
        ("+1", "no value"),
        ("1e", "no digit"),
        ("-", "no digit"),
        ("NaN", "no value"),
        ("nul", "no value"),
        ("'a'", "no value"),
        ("[1,]", "no value"),
        ("[1 2]", "neither a comma nor an end"),
        ("[1", "neither a comma nor an end"),
        (r#"{"a" 1}"#, "no colon after a name"),
        (r#"{a:1}"#, "no string"),
        (r#"{"a":1,}"#, "no string"),
        ("\"a", "a string without end"),
        ("\"\n\"", "a control character in a string"),
        (r#""\x""#, "no such escape"),
        (r#""\u12g4""#, "no hex digit"),
        (r#""\ud800""#, "a lone surrogate"),
        (r#""\udc00""#, "a lone surrogate"),
        (r#""\ud800\u0041""#, "a lone surrogate"),
        ("\u{feff}1", "no value"),
        ("1 1", "text after the value"),
    ] {
        assert_eq!(
            Json::parse(text.as_bytes()).map_err(|e| e.problem).err(),
            Some(problem),
            "{text}"
        );
    }
    assert_eq!(
        Json::parse(b"\"\xff\"").err(),
        Some(JsonError {
            problem: "not UTF-8",
            at: 1
        })
    );
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(Json::parse(nested(MAX_DEPTH).as_bytes()).is_ok());
    assert!(Json::parse(nested(MAX_DEPTH + 1).as_bytes()).is_err());
    assert!(Json::parse("[".repeat(1 << 20).as_bytes()).is_err());
    assert!(Json::parse("{\"a\":".repeat(1 << 20).as_bytes()).is_err());
}

#[test]
fn numbers_are_compared_by_all_their_digits() {
    for (a, b) in [
        ("1", "1.0"),
        ("1", "10e-1"),
        ("1E2", "100"),
        ("0.00120", "12e-4"),
        ("0", "-0.0"),
        ("0", "0e99999999999999999999"),
        ("-5", "-5.000e+0"),
        ("1e000000000000000000001", "10"),
        ("1e99999999999999999999", "1e99999999999999999999"),
    ] {
        assert!(same_value(a, b) && same_value(b, a), "{a} {b}");
    }
    for (a, b) in [
        ("9007199254740992", "9007199254740993"),
        ("0.1", "0.1000000000000000055511151231257827"),
        ("1", "-1"),
        ("1", "10"),
        ("1e400", "2e400"),
        ("1e99999999999999999999", "10e99999999999999999999"),
    ] {
        assert!(!same_value(a, b) && !same_value(b, a), "{a} {b}");
    }
    assert_eq!(fraction_digits("1.25"), Some(2));
    assert_eq!(fraction_digits("1"), None);
    assert_eq!(fraction_digits("1.5e3"), None);
}

proptest! {
    /// The oracle is serde_json: what it accepts is accepted (up to the depth), and nothing else.
    #[test]
    fn accepts_what_serde_json_accepts(text in "[\\[\\]{}:,0-9eE.+\\-\"\\\\a-z \n]{0,24}") {
        let ours = Json::parse(text.as_bytes());
        // serde_json alone refuses numbers beyond a double.
        let theirs = serde_json::from_str::<serde_json::Value>(&text);
        let range = theirs.as_ref().is_err_and(|error| error.to_string().contains("out of range"));
        prop_assert!(range || ours.is_ok() == theirs.is_ok(), "{} {:?} {:?}", text, ours.err(), theirs);
    }

    #[test]
    fn integers_and_fractions_agree_with_exact_arithmetic(a: i64, b: i64, zeros in 0usize..5, shift in 0u32..4) {
        let with_zeros = format!("{a}.{}", "0".repeat(zeros + 1));
        prop_assert!(same_value(&a.to_string(), &with_zeros));
        let scaled = i128::from(a) * 10_i128.pow(shift);
        let shifted = format!("{a}e{shift}");
        prop_assert!(same_value(&scaled.to_string(), &shifted));
        prop_assert_eq!(same_value(&a.to_string(), &b.to_string()), a == b);
    }
}
