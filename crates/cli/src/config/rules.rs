//! `[[compare.rule]]`: differences that are accepted.

use super::Mode;
use super::reader::Section;
use understudy_compare::{Day, Rule, RuleProblem, Rules};
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
        &["path"],
        "write the place it covers, such as path = \"$.generated_at\"",
    );
    let path = section.text("path").map(str::to_owned);
    let mut optional = |key| section.text(key).map(str::to_owned);
    let (operation, reason, owner) = (optional("operation"), optional("reason"), optional("owner"));
    let kinds = DifferenceKind::ALL.map(|kind| (kind.name(), kind));
    let kind = section.choice("kind", &kinds);
    let expires = section.parsed::<Day>("expires", "a day such as \"2026-01-31\"");
    let rule = path.map(|path| Rule {
        path,
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

fn check(section: &Section<'_>, rule: &Rule, today: Day) {
    let errors = Rules::compile(vec![rule.clone()], today).err();
    for error in errors.into_iter().flatten() {
        let key = match error.problem {
            RuleProblem::Expired { .. } => "expires",
            _ => "path",
        };
        section.refuse(key, error.problem);
    }
}
