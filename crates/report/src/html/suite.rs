//! A suite: a row a pair, each with a link to its report.

use super::verdict::{direction_class, look};
use super::{Dress, badge, dressed, typeset};
use crate::suite::{cases, counts, overview, reason, sorted, time_label, verdict};
use crate::wording;
use maud::{Markup, html};
use understudy_model::suite::{PairVerdict, RowChange, SuiteDocument, SuiteRow};

/// The report of a pair, in its run directory.
const PAGE: &str = "report.html";

const DRESS: Dress = Dress {
    style: include_str!("suite.css"),
    script: include_str!("suite.js"),
    hash: "sha256-R4kXJ9+YygwvMFmWJhbZSxNnrTHbz84uUlPM3HCnB8Q=",
};

/// The page of a suite. Its links lead to the reports next to it.
pub fn suite_page(document: &SuiteDocument) -> String {
    let when = document
        .started_at
        .get(..16)
        .unwrap_or(&document.started_at);
    let masthead = html! {
        header {
            p class="brand" { "Understudy " span { "suite report" } }
            h1 { (document.name) }
            p class="when" { (when.replace('T', " ")) " UTC" }
        }
    };
    let content = html! {
        section aria-label="Verdicts" {
            ul class="counts" {
                @for (word, number) in counts(document) {
                    @let (class, _) = document.pairs.iter().find(|row| verdict(row) == word).map_or(("none", ""), shape);
                    li class=(class) { b { (number) } span { (words(word)) } }
                }
            }
            @if !document.complete {
                p class="note" { "Pairs that have no verdict yet, or failed, continue with " code { "understudy suite --resume" } "." }
            }
        }
        (controls(document))
        (pairs(document))
    };
    let footer = html! {
        "Drawn by Understudy " (document.understudy)
        " from suite.json. This file loads nothing from anywhere; its links lead to the reports next to it."
    };
    let title = format!("{}: {}", document.name, overview(document));
    dressed(&DRESS, &title, [masthead, content, footer])
}

/// The filter, which needs JavaScript and is hidden without.
fn controls(document: &SuiteDocument) -> Markup {
    html! {
        div class="controls" hidden {
            label { "Filter" input type="search" placeholder="name or reason"; }
            label {
                "Verdict"
                select {
                    option value="" { "all" }
                    @for (word, number) in counts(document) {
                        option value=(word) { (words(word)) " (" (number) ")" }
                    }
                }
            }
            output {}
        }
    }
}

fn pairs(document: &SuiteDocument) -> Markup {
    let time = wording::capital(time_label(document));
    let heads = [
        "Verdict", "Pair", &time, "CPU time", "Memory", "Cases", "Reason",
    ];
    html! {
        section aria-label="Pairs" {
            table class="pairs" {
                caption { "Changes from the incumbent to the candidate with their 95 % intervals; less is better." }
                thead { tr { @for head in heads { th scope="col" { (head) } } } }
                tbody { @for row in sorted(document) { (pair(row, &time)) } }
            }
        }
    }
}

fn pair(row: &SuiteRow, time: &str) -> Markup {
    let (class, sign) = shape(row);
    let rank = row.verdict.map_or(u8::MAX, |verdict| verdict as u8);
    let has_report = row.verdict.is_some_and(|of| of != PairVerdict::Failed);
    html! {
        tr class=(class) data-verdict=(verdict(row)) {
            td data-sort=(rank) { (badge("", sign, &words(verdict(row)))) }
            th scope="row" data-sort=(row.name) {
                @if has_report { a href={"./" (row.run) "/" (PAGE)} { (row.name) } } @else { (row.name) }
            }
            (figure(time, row.time.as_ref()))
            (figure("CPU time", row.cpu.as_ref()))
            (figure("Memory", row.memory.as_ref()))
            td class="figure" data-of="Cases" data-sort=(row.cases) {
                (typeset(&cases(row)))
                @if row.different > 0 { small { (row.different) " of " (row.compared) " answers" } }
            }
            td class="reason" { @if let Some(reason) = reason(row) { (typeset(reason)) } }
        }
    }
}

fn figure(label: &str, change: Option<&RowChange>) -> Markup {
    let ratio = change.map(|change| change.ratio);
    let sort = ratio.map_or_else(String::new, |ratio| {
        // What is infinite has the name that JavaScript gives it.
        ratio
            .estimate
            .map_or_else(|| "Infinity".to_owned(), |ratio| ratio.to_string())
    });
    html! {
        td class="figure" data-of=(label) data-sort=(sort) {
            @if let Some(ratio) = ratio {
                span class=(direction_class(Some(ratio))) {
                    (typeset(&wording::or_infinite(ratio.estimate, crate::figures::change)))
                }
                small { (typeset(&wording::interval(ratio, crate::figures::change))) }
            } @else { "\u{2013}" }
        }
    }
}

/// Class and sign of the verdict of a row.
fn shape(row: &SuiteRow) -> (&'static str, &'static str) {
    match row.verdict {
        None => ("none", "\u{2026}"),
        Some(verdict) => verdict.of_trial().map_or(("bad", "\u{2715}"), look),
    }
}

/// A verdict as people write it.
fn words(name: &str) -> String {
    name.replace('_', " ")
}
