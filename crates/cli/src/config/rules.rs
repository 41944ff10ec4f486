//! `[[compare.rule]]`: differences that are accepted.

use super::Mode;
use super::reader::{self, Section, expected};
use toml::de::DeValue;
use understudy_compare::{Condition, Day, Normal, Rule, RuleProblem, Rules, Unordered};
use understudy_model::DifferenceKind;

/// Reads a section that holds rules and nothing else.
pub(super) fn read(mut section: Section<'_>, mode: Mode) -> Vec<Rule> {
    let rules = read_from(&mut section, mode);
    section.finish();
    rules
}

/// Reads the rules among the other keys of a section.
pub(super) fn read_from(section: &mut Section<'_>, mode: Mode) -> Vec<Rule> {
    let rules = section.sections("rule");
    rules
        .into_iter()
        .filter_map(|section| rule(section, mode))
        .collect()
}

fn rule(mut section: Section<'_>, mode: Mode) -> Option<Rule> {
    section.need(
        &["path", "only"],
        "write the place it covers, such as path = \"$.generated_at\"",
    );
    let path = section.text("path").map(str::to_owned);
    let only = section.list(
        "only",
        "the places that count, such as [\"code\", \"$.id\"]",
        |value| reader::text(value).map(str::to_owned),
    );
    if section.has("path") && section.has("only") {
        section.refuse("only", RuleProblem::PathAndOnly);
    }
    let mut optional = |key| section.text(key).map(str::to_owned);
    let (operation, reason, owner) = (optional("operation"), optional("reason"), optional("owner"));
    let kinds = DifferenceKind::ALL.map(|kind| (kind.name(), kind));
    let kind = section.choice("kind", &kinds);
    let expires = section.parsed::<Day>("expires", "a day such as \"2026-01-31\"");
    let condition = condition(&mut section);
    let is_there = path.is_some() || only.is_some();
    let rule = is_there.then(|| Rule {
        path: path.unwrap_or_default(),
        only: only.unwrap_or_default(),
        condition,
        operation,
        kind,
        reason,
        owner,
        expires,
    });
    if let (Some(rule), Mode::Run { day: today, .. }) = (&rule, mode) {
        check(&section, rule, today);
    }
    section.finish();
    rule
}

/// What both values have to be.
fn condition(section: &mut Section<'_>) -> Condition {
    let what = "texts or numbers such as [\"open\", \"new\"]";
    let forms = Normal::ALL.map(|normal| (normal.name(), normal));
    Condition {
        tolerance: section.get("tolerance", |value| {
            scalar(value)
                .ok_or_else(|| expected("a number, or a text such as \"1%\" or \"2s\"", value))
        }),
        matches: section.text("matches").map(str::to_owned),
        present: section.boolean("present").unwrap_or_default(),
        one_of: section
            .list("one_of", what, |value| {
                scalar(value).ok_or_else(|| expected("a text or a number", value))
            })
            .unwrap_or_default(),
        normalise: section
            .list("normalise", "forms such as [\"case\"]", |value| {
                reader::one_of(value, &forms)
            })
            .unwrap_or_default(),
        unordered: section
            .get("unordered", |value| match value {
                DeValue::Boolean(true) => Ok(Some(Unordered::Likeness)),
                DeValue::Boolean(false) => Ok(None),
                DeValue::String(key) => Ok(Some(Unordered::Key(key.to_string()))),
                _ => Err(expected(
                    "true, or the name of the member that is the key",
                    value,
                )),
            })
            .flatten(),
    }
}

/// A text, or a number as it is written.
fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.as_str().to_owned()),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        _ => None,
    }
}

fn check(section: &Section<'_>, rule: &Rule, today: Day) {
    let errors = Rules::compile(vec![rule.clone()], today).err();
    for error in errors.into_iter().flatten() {
        let key = match error.problem {
            RuleProblem::Expired { .. } => "expires",
            RuleProblem::Condition { key, .. } => key,
            _ if rule.path.is_empty() => "only",
            _ => "path",
        };
        section.refuse(key, error.problem);
    }
}
