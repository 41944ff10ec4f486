//! Answers of several parts, as a command gives them.

use super::*;
use understudy_model::{Class, Part, Place, Status};

/// Exit code 0 and these parts: name, media type, bytes.
fn ran(parts: &[(&str, &str, &str)]) -> Answer {
    let part = |(name, media, text): &(&str, &str, &str)| Part {
        name: (*name).to_owned(),
        media: (*media).to_owned(),
        bytes: text.as_bytes().to_vec(),
        ..Part::default()
    };
    Answer {
        status: Status {
            code: 0,
            class: Class::Ok,
        },
        fields: Vec::new(),
        parts: parts.iter().map(part).collect(),
        ..Answer::default()
    }
}

fn differences(paths: &[&str], a: &Answer, b: &Answer) -> Vec<(String, Kind, usize)> {
    let rule = |path: &&str| Rule {
        path: (*path).to_owned(),
        operation: None,
        kind: None,
        reason: None,
        owner: None,
        expires: None,
        ..Rule::default()
    };
    let rules = paths.iter().map(rule).collect();
    let rules = Rules::compile(rules, Day::new(2026, 11, 30).unwrap()).unwrap();
    let differ = Differ::new(&rules, &shown_whole);
    let (a, b) = (Outcome::Answered(a.clone()), Outcome::Answered(b.clone()));
    let found = differ.differences("sort", &a, &b);
    found
        .into_iter()
        .map(|one| (one.path.to_string(), one.kind, one.rules.len()))
        .collect()
}

#[test]
fn a_difference_is_named_by_its_part() {
    let a = ran(&[
        ("stdout", "", "b\na\n"),
        ("stderr", "", ""),
        ("file:out.json", "application/json", r#"{"n":[1,2]}"#),
        ("file:notes", "", "one\ntwo\nthree\n"),
    ]);
    assert_eq!(differences(&[], &a, &a), []);
    let b = ran(&[
        ("stdout", "", "b\nc\n"),
        ("stderr", "", "warning"),
        ("file:out.json", "application/json", r#"{"n":[1,3]}"#),
        ("file:notes", "", "one\ntwo\nthree\n"),
    ]);
    assert_eq!(
        differences(&[], &a, &b),
        [
            ("stdout:2".to_owned(), Kind::Text, 0),
            ("stderr".to_owned(), Kind::Extra, 0),
            ("file:out.json:$.n[1]".to_owned(), Kind::Value, 0),
        ]
    );
}

#[test]
fn a_part_that_only_one_side_has_is_a_difference_though_it_is_empty() {
    let (a, b) = (
        ran(&[("stdout", "", "x"), ("file:log", "", "")]),
        ran(&[("stdout", "", "x"), ("file:other", "", "y")]),
    );
    assert_eq!(
        differences(&[], &a, &b),
        [
            ("file:log".to_owned(), Kind::Missing, 0),
            ("file:other".to_owned(), Kind::Extra, 0),
        ]
    );
}

/// Every byte of the baseline counts once, whatever becomes of the parts around it.
#[test]
fn the_bytes_of_each_part_count_once() {
    let (rules, redact) = (Rules::default(), |_: Option<&Place>, text: &str| {
        text.to_owned()
    });
    let differ = Differ::new(&rules, &redact);
    let bytes = |a: &Answer, b: &Answer| {
        let (a, b) = (Outcome::Answered(a.clone()), Outcome::Answered(b.clone()));
        let found = differ.differences_after(crate::differ::Past::None, "sort", &a, &b);
        let missing = found.differences.iter().map(|one| one.bytes).sum::<u64>();
        (found.bytes, missing)
    };
    let a = ran(&[("stdout", "", "seven b"), ("file:log", "", "four")]);
    assert_eq!(bytes(&a, &a), (11, 0));
    assert_eq!(bytes(&a, &ran(&[("stdout", "", "seven b")])), (11, 4));
    let mut cut = a.clone();
    cut.parts[1].truncated = true;
    assert_eq!(bytes(&a, &cut), (7, 0), "what was cut off was not compared");
}

/// `$` is a letter of a cookie's name as of any other (RFC 6265, section 4.1.1).
#[test]
fn a_cookie_whose_name_begins_like_a_document_is_in_none() {
    let of = |value: &str| {
        let cookie = format!("$v={value}");
        answer(200, &[("set-cookie", cookie.as_str())], "")
    };
    let (rules, redact) = (Rules::default(), |_: Option<&Place>, text: &str| {
        text.to_owned()
    });
    let differ = Differ::new(&rules, &redact);
    let (a, b) = (
        Outcome::Answered(of("one two")),
        Outcome::Answered(of("one six")),
    );
    let found = differ.differences("GET /", &a, &b);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].path.to_string(), "cookie:$v");
    assert_eq!((found[0].baseline.as_str(), found[0].bytes), ("one two", 0));
}

#[test]
fn rules_name_a_part_or_a_place_in_one() {
    let of = |n: u8| {
        let json = format!(r#"{{"n":{n},"m":{n}}}"#);
        ran(&[
            ("stdout", "application/json", &json),
            ("stderr", "", &format!("took {n} s")),
            ("file:a/b.json", "application/json", &json),
        ])
    };
    let covered = |paths: &[&str]| -> Vec<String> {
        let found = differences(paths, &of(1), &of(2)).into_iter();
        found
            .filter(|(_, _, rules)| *rules > 0)
            .map(|(path, ..)| path)
            .collect()
    };
    assert_eq!(differences(&[], &of(1), &of(2)).len(), 5);
    assert_eq!(covered(&["stdout:$.n"]), ["stdout:$.n"]);
    assert_eq!(covered(&["stdout"]), ["stdout:$.m", "stdout:$.n"]);
    assert_eq!(covered(&["stderr"]), ["stderr"]);
    assert_eq!(covered(&["file:a/b.json:$.m"]), ["file:a/b.json:$.m"]);
    // The body is the one part over HTTP, and none of these.
    assert_eq!(covered(&["$.n", "body"]), [] as [String; 0]);
}

#[test]
fn a_part_that_is_cut_off_makes_the_pair_a_lost_one() {
    let whole = ran(&[("stdout", "", "x"), ("stderr", "", "")]);
    let mut cut = whole.clone();
    cut.parts[0].truncated = true;
    let (rules, redact) = (Rules::default(), |_: Option<&Place>, text: &str| {
        text.to_owned()
    });
    let differ = Differ::new(&rules, &redact);
    let row = |other: &Answer| {
        let (a, b) = (
            Outcome::Answered(cut.clone()),
            Outcome::Answered(other.clone()),
        );
        let outcomes = crate::Outcomes {
            incumbent: &a,
            second: None,
            candidate: &b,
        };
        let history = &mut crate::History::default();
        crate::Row::compare(&differ, history, 0, (0, "sort"), outcomes)
    };
    assert!(
        row(&whole).lost.is_some(),
        "what was cut off was not compared"
    );
    let mut other = whole.clone();
    other.parts[1].bytes = b"oops".to_vec();
    let found = row(&other);
    assert_eq!((found.lost, found.differences.len()), (None, 1));
}
