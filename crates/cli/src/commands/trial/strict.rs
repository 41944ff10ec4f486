//! `--strict`: a rule that excused nothing is an error. It may hide a difference tomorrow that nobody has decided about.

use crate::exit::Failure;
use std::collections::BTreeSet;
use understudy_compare::{Rule, Rules};
use understudy_model::verdict::{Excuse, VerdictDocument};

/// Fails where one of the rules excused nothing in this document.
///
/// # Errors
/// One line for each such rule.
pub(crate) fn refuse_unused(rules: &Rules, document: &VerdictDocument) -> Result<(), Failure> {
    let comparisons = document.comparisons.iter();
    let excuses = comparisons.flat_map(|of| {
        let edges = of.edges.iter().flat_map(|edges| &edges.excused_by);
        of.equivalence.excused_by.iter().chain(edges)
    });
    let unused = unused(rules, excuses);
    match unused.is_empty() {
        true => Ok(()),
        false => Err(Failure::Usage(unused)),
    }
}

fn unused<'d>(rules: &Rules, excuses: impl Iterator<Item = &'d Excuse>) -> Vec<String> {
    let used: BTreeSet<&str> = excuses.map(|excuse| excuse.by.as_str()).collect();
    let unused = Rule::names(rules.iter()).filter(|name| !used.contains(name.as_str()));
    let hint = "hint: remove it, or add requests that show what it is for";
    unused
        .map(|name| format!("{name}: excused nothing in this run\n{hint}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use understudy_compare::Day;

    #[test]
    fn each_rule_that_excused_nothing_is_named() {
        let rule = |path: &str| Rule {
            path: path.to_owned(),
            ..Rule::default()
        };
        let day = Day::new(2026, 11, 30).unwrap();
        let rules = Rules::compile(vec![rule("$.a"), rule("$.b")], day).unwrap();
        let excuse = |by: &str| Excuse {
            by: by.to_owned(),
            reason: None,
            pairs: 1,
        };
        let mut excuses = vec![excuse("rule 1: $.a"), excuse("noise: GET / $.b")];
        let found = unused(&rules, excuses.iter());
        assert!(
            found.len() == 1 && found[0].starts_with("rule 2: $.b"),
            "{found:?}"
        );
        excuses.push(excuse("rule 2: $.b"));
        assert_eq!(unused(&rules, excuses.iter()), Vec::<String>::new());
    }
}
