//! Rules that say what is allowed: what is within is accepted, what is beyond is not, and nothing beside it is.

use super::*;
use crate::{Condition, Normal, Unordered};

/// The paths of what is left over of a pair of bodies once this rule has accepted what it allows.
fn left(rule: Rule, a: &str, b: &str) -> Vec<String> {
    let rules = Rules::compile(vec![rule], today()).unwrap();
    differ_with(&rules, &json(a), &json(b))
        .into_iter()
        .filter(|found| found.rules.is_empty())
        .map(|found| format!("{} {}", found.kind.name(), found.path))
        .collect()
}

fn at(path: &str, condition: Condition) -> Rule {
    Rule {
        path: path.to_owned(),
        condition,
        ..Rule::default()
    }
}

fn tolerance(text: &str) -> Condition {
    Condition {
        tolerance: Some(text.to_owned()),
        ..Condition::default()
    }
}

#[test]
fn a_tolerance_accepts_what_is_within_at_its_place() {
    let rule = || at("$.price", tolerance("0.01"));
    assert_eq!(
        left(rule(), r#"{"price":1.50}"#, r#"{"price":1.51}"#),
        [""; 0]
    );
    assert_eq!(
        left(rule(), r#"{"price":1.50}"#, r#"{"price":1.52}"#),
        ["value $.price"]
    );
    assert_eq!(
        left(rule(), r#"{"price":1.50}"#, r#"{"price":1.5}"#),
        [""; 0]
    );
    assert_eq!(
        left(rule(), r#"{"price":1.50}"#, r#"{"price":"1.50"}"#),
        ["type $.price"]
    );
    assert_eq!(
        left(rule(), r#"{"price":1.50}"#, r#"{"price":null}"#),
        ["null $.price"]
    );
    assert_eq!(left(rule(), r#"{"price":1.50}"#, "{}"), ["missing $.price"]);
    assert_eq!(
        left(rule(), r#"{"price":1,"n":1}"#, r#"{"price":1,"n":1.001}"#),
        ["value $.n"]
    );
}

#[test]
fn a_moment_may_be_so_late() {
    let rule = || at("$..at", tolerance("2s"));
    let body = |at: &str| format!(r#"{{"item":{{"at":"{at}"}}}}"#);
    let (a, near, far) = (
        body("2026-11-30T10:00:00Z"),
        body("2026-11-30T10:00:01.9Z"),
        body("2026-11-30T10:00:03Z"),
    );
    assert_eq!(left(rule(), &a, &near), [""; 0]);
    assert_eq!(left(rule(), &a, &far), ["value $.item.at"]);
}

#[test]
fn presence_a_form_and_a_few_values_are_conditions_too() {
    let present = || {
        let condition = Condition {
            present: true,
            ..Condition::default()
        };
        at("$.id", condition)
    };
    assert_eq!(left(present(), r#"{"id":"a"}"#, r#"{"id":true}"#), [""; 0]);
    assert_eq!(
        left(present(), r#"{"id":"a"}"#, r#"{"id":null}"#),
        ["null $.id"]
    );
    assert_eq!(left(present(), r#"{"id":"a"}"#, "{}"), ["missing $.id"]);

    let matches = || {
        let condition = Condition {
            matches: Some("[a-f0-9]{4}".to_owned()),
            ..Condition::default()
        };
        at("$.id", condition)
    };
    assert_eq!(
        left(matches(), r#"{"id":"00ff"}"#, r#"{"id":"ab12"}"#),
        [""; 0]
    );
    assert_eq!(
        left(matches(), r#"{"id":"00ff"}"#, r#"{"id":"ab12x"}"#),
        ["value $.id"]
    );

    let few = || {
        let condition = Condition {
            one_of: ["open", "new"].map(str::to_owned).into(),
            ..Condition::default()
        };
        at("$.state", condition)
    };
    assert_eq!(
        left(few(), r#"{"state":"open"}"#, r#"{"state":"new"}"#),
        [""; 0]
    );
    assert_eq!(
        left(few(), r#"{"state":"open"}"#, r#"{"state":"shut"}"#),
        ["value $.state"]
    );

    let case = || {
        let condition = Condition {
            normalise: vec![Normal::Case],
            ..Condition::default()
        };
        at("$.name", condition)
    };
    assert_eq!(
        left(
            case(),
            r#"{"name":"Blue Chair"}"#,
            r#"{"name":"blue chair"}"#
        ),
        [""; 0]
    );
    assert_ne!(
        left(
            case(),
            r#"{"name":"Blue Chair"}"#,
            r#"{"name":"blue chairs"}"#
        ),
        [""; 0]
    );
}

#[test]
fn an_array_may_be_in_any_order_and_its_elements_answer_by_a_key() {
    let unordered = |how: Unordered| {
        let condition = Condition {
            unordered: Some(how),
            ..Condition::default()
        };
        at("$.items", condition)
    };
    let (a, b) = (r#"{"items":[1,2,3]}"#, r#"{"items":[3,1,2]}"#);
    assert_eq!(left(unordered(Unordered::Likeness), a, b), [""; 0]);
    let more = r#"{"items":[3,1,2,4]}"#;
    assert_eq!(
        left(unordered(Unordered::Likeness), a, more),
        ["extra $.items[3]"]
    );
    let nested = [r#"{"items":[[1,2]]}"#, r#"{"items":[[2,1]]}"#];
    assert_eq!(
        left(unordered(Unordered::Likeness), nested[0], nested[1]),
        ["order $.items[0]"],
        "what is below has an order of its own"
    );
    let key = || unordered(Unordered::Key("k".to_owned()));
    let a = r#"{"items":[{"k":1,"v":10},{"k":2,"v":20}]}"#;
    let b = r#"{"items":[{"k":2,"v":10},{"k":1,"v":20}]}"#;
    let mut found = left(key(), a, b);
    found.sort();
    assert_eq!(found, ["value $.items[0].v", "value $.items[1].v"]);
}

#[test]
fn all_but_what_counts_is_accepted() {
    let only = |paths: &[&str]| Rule {
        only: paths.iter().map(|path| (*path).to_owned()).collect(),
        ..Rule::default()
    };
    let rules = Rules::compile(vec![only(&["code", "$.items[*].id"])], today()).unwrap();
    let of = |code: i32, kind: &str, body: &str| {
        answer(
            code,
            &[("content-type", "application/json"), ("x-a", kind)],
            body,
        )
    };
    let a = of(200, "1", r#"{"items":[{"id":1,"at":5}],"page":1}"#);
    let left = |b: &Answer| -> Vec<String> {
        let found = differ_with(&rules, &a, b);
        let left = found.into_iter().filter(|found| found.rules.is_empty());
        left.map(|found| found.path.to_string()).collect()
    };
    assert_eq!(
        left(&of(
            200,
            "2",
            r#"{"items":[{"id":1,"at":6}],"page":2,"more":0}"#
        )),
        [""; 0]
    );
    assert_eq!(
        left(&of(201, "1", r#"{"items":[{"id":1,"at":5}],"page":1}"#)),
        ["code"]
    );
    assert_eq!(
        left(&of(200, "1", r#"{"items":[{"id":2,"at":5}],"page":1}"#)),
        ["$.items[0].id"]
    );
    assert_eq!(
        left(&of(200, "1", r#"{"page":1}"#)),
        ["$.items"],
        "what holds it counts as well"
    );
    assert_eq!(
        left(&of(
            200,
            "1",
            r#"{"items":[{"id":1,"at":5},{"id":2}],"page":1}"#
        )),
        ["$.items[1]"]
    );
    assert_eq!(left(&of(200, "1", "")), ["body"]);
}
