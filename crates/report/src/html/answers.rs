//! Are the answers the same, and where are they not?

use super::{badge, command, more, table};
use crate::figures::{count, share};
use crate::{self_test, wording};
use maud::{Markup, html};
use std::collections::BTreeMap;
use understudy_model::proof::SelfTest;
use understudy_model::verdict::{Comparison, Equivalence, Example, UnderLoad, VerdictDocument};
use understudy_model::{Pacing, Role};

/// Clusters shown; the document has all.
const CLUSTERS: usize = 60;

pub(super) fn section(document: &VerdictDocument) -> Markup {
    html! {
        @if let Some(comparison) = wording::of_contender(document, Role::Candidate) {
            (ledger(document.method.pacing, &comparison.equivalence))
            (clusters(comparison))
            @if let Some(under_load) = &comparison.under_load { (loaded(under_load)) }
            (excused(&comparison.equivalence))
            @if let Some(test) = &comparison.self_test { (tested(test)) }
        }
    }
}

/// Every request is somewhere: as a bar and as figures.
fn ledger(pacing: Pacing, e: &Equivalence) -> Markup {
    let parts = [
        ("equal", "equal", e.equal),
        ("excused", "excused", e.excused),
        ("different", "different", e.different),
        ("lost", "not compared", e.lost),
    ];
    let noun = pacing.noun();
    let how = match pacing {
        Pacing::Offered => {
            "Each request was sent to the incumbent, to a second incumbent and to the candidate, and the answers were compared by meaning;"
        }
        Pacing::Serial => {
            "Each case was run by the incumbent, by a second incumbent and by the candidate, each in a fresh directory, and what the runs left was compared;"
        }
    };
    html! {
        figure class="ledger" {
            figcaption {
                h3 { "Where did every " (noun) " go?" }
                p { (how) " " (super::typeset(&wording::mismatch(pacing, e))) "." }
            }
            (bar(&parts, &format!("{} {noun}s. {}", count(e.eligible), wording::ledger(e))))
            (statuses(e))
            (coverage(e))
            @if !e.lost_by_reason.is_empty() {
                (more("Why requests were not compared", table("Requests that were not compared", &["reason", "requests"], e.lost_by_reason.iter().map(|(why, pairs)| vec![why.clone(), count(*pairs)]))))
            }
        }
    }
}

/// The parts of a whole, each a class of the style sheet with its name: as a bar, and as figures with their shares.
pub(super) fn bar(parts: &[(&str, &str, u64)], label: &str) -> Markup {
    let all = parts.iter().map(|(.., pairs)| pairs).sum::<u64>().max(1) as f64;
    html! {
        div class="bar" role="img" aria-label=(label) {
            @for (class, _, pairs) in parts {
                @if *pairs > 0 { i class=(class) style={"flex-grow:" (*pairs as f64 / all)} {} }
            }
        }
        ul class="parts" {
            @for (class, name, pairs) in parts {
                li { i class={"swatch " (class)} aria-hidden="true" {} b { (count(*pairs)) } " " (name) span { " " (share(*pairs as f64 / all)) } }
            }
        }
    }
}

/// Which answers these were: two services that refuse alike show little.
fn statuses(e: &Equivalence) -> Markup {
    let all: Vec<String> = e
        .statuses
        .iter()
        .map(|(code, answers)| format!("{} with {code}", count(*answers)))
        .collect();
    html! {
        @if !all.is_empty() { p class="note" { "Statuses of the compared answers: " (all.join(", ")) "." } }
    }
}

/// How much of the answers was compared, and where not all of it was.
fn coverage(e: &Equivalence) -> Markup {
    let rows = e.coverage_by_operation.iter().map(|of| {
        let part = |bytes: u64| share(bytes as f64 / of.coverage.bytes.max(1) as f64);
        vec![
            of.operation.clone(),
            count(of.compared),
            count(of.covered),
            share(of.coverage.share()),
            part(of.coverage.noise),
            part(of.coverage.rules),
        ]
    });
    let head = [
        "operation",
        "compared",
        "not compared: noise covers all",
        "bytes compared",
        "excused by noise",
        "excused by rules",
    ];
    html! {
        @if !e.coverage_by_operation.is_empty() {
            (more("How much of the answers was compared", table("Bytes of the answers", &head, rows)))
        }
    }
}

pub(super) fn clusters(comparison: &Comparison) -> Markup {
    let clusters = wording::causes(&comparison.equivalence.clusters);
    if clusters.is_empty() {
        return html! {
            @if comparison.equivalence.compared > 0 {
                p class="lead" { (badge("better", "\u{2713}", "no difference")) " Nothing was found that a rule or learned noise does not excuse." }
            }
        };
    }
    html! {
        h3 { "In which ways do they differ?" }
        @for cause in clusters.iter().take(CLUSTERS) { (one(cause)) }
        @if clusters.len() > CLUSTERS {
            p class="note" { "And " (count((clusters.len() - CLUSTERS) as u64)) " more in verdict.json." }
        }
    }
}

fn one(cause: &wording::Cause<'_>) -> Markup {
    let cluster = cause.largest;
    html! {
        article class="cluster" {
            h4 { (badge("worse", "\u{2260}", &cluster.kind.name().replace('_', " "))) " at " code { (cluster.path) } " of " code { (cluster.operation) } @if cause.operations > 1 { " and " (count(cause.operations as u64 - 1)) " other operations" } }
            p { @if cause.operations > 1 { (count(cause.count)) " of " (count(cause.of)) " answers of these operations; " } (wording::seen(cluster)) "." }
            @for example in &cluster.examples { (pair(example)) }
            @if !cluster.reproduce.is_empty() {
                p class="note" { "The smallest request that shows it:" }
                (command(&cluster.reproduce))
            }
            @if let Some(rule) = cause.rule() {
                p class="note" { "If that may differ, this rule in trial.toml accepts it:" }
                (command(&format!("[[compare.rule]]\n{}\nreason = \"...\"", rule.join("\n"))))
            }
        }
    }
}

/// Both answers side by side; the part in which they differ is marked.
pub(super) fn pair(example: &Example) -> Markup {
    let (before, after) = common(&example.baseline, &example.contender);
    html! {
        div class="pair" {
            p class="at" { code { (example.path) } " of request " (example.request) }
            div class="side incumbent" { h5 { "incumbent" } (marked(&example.baseline, before, after)) }
            div class="side candidate" { h5 { "candidate" } (marked(&example.contender, before, after)) }
        }
    }
}

fn marked(value: &str, before: usize, after: usize) -> Markup {
    let end = value.len() - after;
    html! {
        @if value.is_empty() {
            p class="absent" { (wording::value(value)) }
        } @else {
            pre tabindex="0" { code { (value[..before]) mark { (value[before..end]) } (value[end..]) } }
        }
    }
}

/// How many bytes two texts share at their beginning, and at their end behind that.
fn common(one: &str, other: &str) -> (usize, usize) {
    let same = |(a, b): &(char, char)| a == b;
    let before = one.chars().zip(other.chars()).take_while(same);
    let before = before.map(|(c, _)| c.len_utf8()).sum();
    let ends = one[before..]
        .chars()
        .rev()
        .zip(other[before..].chars().rev());
    let after = ends.take_while(same).map(|(c, _)| c.len_utf8()).sum();
    (before, after)
}

fn loaded(under_load: &UnderLoad) -> Markup {
    let rows = under_load.deviations.iter().map(|d| {
        vec![
            d.operation.clone(),
            d.what.clone(),
            count(d.count),
            d.request.to_string(),
        ]
    });
    html! {
        h3 { "And under load?" }
        p { (wording::under_load(under_load)) "." }
        @if !under_load.deviations.is_empty() {
            (table("Answers under load that deviate", &["operation", "what", "answers", "a request"], rows))
        }
    }
}

fn excused(e: &Equivalence) -> Markup {
    let rules = e.excused_by.iter().map(|excuse| {
        vec![
            excuse.by.clone(),
            excuse.reason.clone().unwrap_or_else(|| "-".to_owned()),
            count(excuse.pairs),
        ]
    });
    let noise = e.noise.iter().map(|noise| {
        vec![
            noise.operation.clone(),
            noise.path.to_string(),
            noise.kind.to_string(),
            noise.characters.join(", "),
            noise.fits.clone(),
            count(noise.pairs),
        ]
    });
    html! {
        @if !e.excused_by.is_empty() {
            (more("What was excused, and by what", table("Excused pairs", &["by", "reason", "pairs"], rules)))
        }
        @if !e.noise.is_empty() {
            (more("Where the incumbent differs from itself", table("Noise learned from a second incumbent", &["operation", "place", "in which way", "characters", "what it excuses", "pairs"], noise)))
        }
    }
}

/// Would the comparison have reported a fault?
fn tested(test: &SelfTest) -> Markup {
    let hides = test.hidden_by.iter().map(|of| {
        let needless = match of.needless.as_slice() {
            [] => "-".to_owned(),
            places => places.join(", "),
        };
        vec![
            of.by.clone(),
            self_test::faults(of),
            of.places.join(", "),
            needless,
        ]
    });
    let mut faults: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for of in &test.faults {
        let (injected, missed) = faults.entry(&of.description).or_default();
        *injected += of.injected;
        *missed += of.missed;
    }
    let faults = faults
        .into_iter()
        .map(|(what, (injected, missed))| vec![what.to_owned(), count(injected), count(missed)]);
    html! {
        h3 { "Would it have reported a fault?" }
        p { (self_test::sentence(test)) "." }
        @if !test.hidden_by.is_empty() {
            (table("What hides faults", &["by", "faults", "at", "where no answer differs"], hides))
        }
        (more("Every fault that was tried", table("Faults", &["what is done to an answer", "answers", "missed"], faults)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_texts_share_is_found_from_both_ends_and_never_twice() {
        assert_eq!(common("\"12.50\"", "\"12.5\""), (5, 1));
        assert_eq!(common("aa", "aaa"), (2, 0));
        assert_eq!(common("é1ü", "é2ü"), (2, 2));
        assert_eq!(common("", "x"), (0, 0));
        assert_eq!(common("same", "same"), (4, 0));
    }
}
