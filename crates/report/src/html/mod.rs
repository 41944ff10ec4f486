//! The report as one HTML file: nothing is loaded from anywhere, everything is readable without
//! JavaScript, and every text from outside is escaped by the templates.

mod answers;
mod capacity;
mod case;
mod edges;
mod effects;
mod floor;
mod growth;
mod history;
mod latency;
mod method;
mod objectives;
mod quality;
mod resources;
mod suite;
mod tail;
mod tuning;
mod verdict;

pub use case::case_page;
pub use suite::suite_page;

use crate::wording;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use understudy_case::CaseDocument;
use understudy_model::Pacing;
use understudy_model::history::History;
use understudy_model::series::{BlockSeries, SeriesDocument};
use understudy_model::verdict::{Verdict, VerdictDocument};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
/// SHA-256 of [`SCRIPT`]: no other script runs, whatever finds its way into the page. The browser
/// reports the right one, and a test in it fails, when the two differ.
const SCRIPT_HASH: &str = "sha256-YU784MGeidcxDdONh7tFxpKdD/0dx4Eb53DW3pyznV8=";

/// The page: verdict and key figures first, then what they rest on.
///
/// `business` is the case of a trial that has one, `earlier` what earlier runs of it showed. Without `series` (a run whose answers differ or that was
/// interrupted has none) the curves are left out and the page says why. Its size is bounded however long the trial
/// was.
pub fn page(
    document: &VerdictDocument,
    series: Option<&SeriesDocument>,
    business: Option<&CaseDocument>,
    earlier: Option<&History>,
) -> String {
    let is_serial = document.method.pacing == Pacing::Serial;
    let mut sections = match is_serial {
        true => vec![
            ("runs", "Runs", latency::runs(document, series)),
            ("effects", "Effects", effects::section(document)),
        ],
        false => vec![
            ("latency", "Latency", latency::section(document, series)),
            ("tail", "Where the tail comes from", tail::section(document)),
            ("effects", "Effects", effects::section(document)),
            (
                "resources",
                "CPU and memory",
                resources::section(document, series),
            ),
            ("capacity", "Capacity", capacity::section(document)),
            ("memory-floor", "Memory floor", floor::section(document)),
        ],
    };
    if is_serial && !document.memory_floors.is_empty() {
        sections.push(("memory-floor", "Memory floor", floor::section(document)));
    }
    if let Some(growth) = growth::section(document) {
        sections.push(("sizes", "Time by size", growth));
    }
    sections.extend([
        ("answers", "Answers", answers::section(document)),
        (
            "objectives",
            "Objectives and goals",
            objectives::objectives(document),
        ),
        ("gates", "Can it be trusted?", objectives::gates(document)),
        ("method", "How it was measured", method::section(document)),
        ("limits", "Limits of this result", method::limits(document)),
        ("repeat", "How to repeat it", method::repeat(document)),
        ("words", "Words", method::words()),
    ]);
    if let Some(edges) = edges::section(document) {
        let answers = sections.iter().position(|(id, ..)| *id == "answers");
        let place = answers.map_or(sections.len(), |place| place + 1);
        sections.insert(place, ("edges", "Requests that traffic lacks", edges));
    }
    let after = sections.iter().position(|(id, ..)| *id == "effects");
    let place = after.map_or(sections.len(), |place| place + 1);
    if let Some(earlier) = earlier {
        sections.insert(
            place,
            ("history", "Earlier runs", history::section(earlier)),
        );
    }
    if let Some(quality) = quality::section(document) {
        sections.insert(place, ("quality", "Bits for the same quality", quality));
    }
    if let Some(tuning) = tuning::section(document) {
        sections.insert(place, ("tuning", "What tuning alone gains", tuning));
    }
    if let Some(business) = business {
        sections.insert(0, ("case", "Does it pay?", case::section(business)));
    }
    // What decided comes first where nothing else counts.
    let deciding = match document.verdict {
        Verdict::NotEquivalent => "answers",
        Verdict::Invalid => "gates",
        // Where the primary latency is not resolved, the figures that are come first.
        _ if is_serial || verdict::is_latency_open(document) => "effects",
        _ => "latency",
    };
    sections.sort_by_key(|(id, ..)| *id != deciding);
    let title = format!("{}: {}", wording::headline(document.verdict), document.name);
    let content = html! {
        (verdict::section(document))
        nav aria-label="Sections" {
            @for (id, title, _) in sections.iter().filter(|(id, ..)| leads_somewhere(document, id)) {
                a href={"#" (id)} { (title) }
            }
        }
        @for (id, title, body) in &sections {
            section id=(id) class=[refused(document, id)] aria-labelledby={(id) "-title"} {
                h2 id={(id) "-title"} { (title) }
                @if refused(document, id).is_some() { (refusal()) }
                (body)
            }
        }
    };
    let footer = html! {
        "Drawn by Understudy " (document.environment.understudy)
        " from what the run directory stores. This file loads nothing from anywhere."
    };
    shell(&title, verdict::masthead(document), content, footer)
}

/// The section of a search or a measurement that was not made only says how to ask for it, so no link leads there.
fn leads_somewhere(document: &VerdictDocument, section: &str) -> bool {
    let is_measured = document
        .comparisons
        .iter()
        .any(|comparison| !comparison.latency.is_empty() || !comparison.resources.is_empty());
    match section {
        "latency" | "runs" | "effects" | "resources" | "tail" => is_measured,
        "capacity" => !document.capacity.is_empty(),
        "memory-floor" => !document.memory_floors.is_empty(),
        _ => true,
    }
}

/// How a page looks, and what it does where there is JavaScript.
struct Dress {
    /// Behind the style of all pages.
    style: &'static str,
    script: &'static str,
    /// SHA-256 of the script.
    hash: &'static str,
}

/// That of a report.
const REPORT: Dress = Dress {
    style: "",
    script: SCRIPT,
    hash: SCRIPT_HASH,
};

/// A page around its content.
fn shell(title: &str, masthead: Markup, content: Markup, footer: Markup) -> String {
    dressed(&REPORT, title, [masthead, content, footer])
}

/// The same in a dress of its own.
fn dressed(dress: &Dress, title: &str, [masthead, content, footer]: [Markup; 3]) -> String {
    let policy = format!(
        "default-src 'none'; style-src 'unsafe-inline'; script-src '{}'; base-uri 'none'; form-action 'none'",
        dress.hash,
    );
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (title) " \u{b7} Understudy" }
                style { (PreEscaped(STYLE)) (PreEscaped(dress.style)) }
            }
            body {
                a class="skip" href="#content" { "Skip to the verdict" }
                (masthead)
                main id="content" { (content) }
                footer { (footer) }
                script { (PreEscaped(dress.script)) }
            }
        }
    };
    wording::visible(&page.into_string())
}

/// What was measured under load is shown without praise or blame where it was refused.
fn refused(document: &VerdictDocument, section: &str) -> Option<&'static str> {
    let measured = [
        "latency",
        "tail",
        "effects",
        "tuning",
        "resources",
        "capacity",
        "memory-floor",
        "sizes",
        "objectives",
    ]
    .contains(&section);
    (measured && document.verdict == Verdict::Invalid).then_some("refused")
}

/// Why there are no curves.
fn no_series(document: &VerdictDocument, is_stored: bool) -> Markup {
    html! {
        p class="absent" {
            @if document.verdict == Verdict::NotEquivalent {
                "Not measured: the answers differ, and a fast wrong answer never beats a slow right one. "
                code { "understudy trial --continue" } " measures nevertheless."
            } @else if is_stored {
                "No measurement under load is stored in series.json."
            } @else {
                "There are no curves: the run has no series.json, because it ended before latency was measured or because an earlier version made it. "
                code { "understudy judge" } " writes it again from what is stored."
            }
        }
    }
}

/// Before figures that a gate refused.
fn refusal() -> Markup {
    html! {
        p class="refusal" { "This measurement was refused. What follows helps to find out why; it is not a result and says nothing about either side." }
    }
}

/// The rates of a series, ascending.
fn rates(series: &SeriesDocument) -> Vec<f64> {
    let curves = series.curves.iter().map(|curve| curve.rate_rps);
    rates_of(curves.chain(series.blocks.iter().map(|block| block.rate_rps)))
}

/// Each of these once, ascending.
fn rates_of(rates: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut rates: Vec<f64> = rates.collect();
    rates.sort_by(f64::total_cmp);
    rates.dedup();
    rates
}

/// The measurements at a rate, in the order in which they were made.
fn blocks(series: &SeriesDocument, rate_rps: f64) -> Vec<&BlockSeries> {
    let here = |block: &&BlockSeries| block.rate_rps == rate_rps;
    series.blocks.iter().filter(here).collect()
}

/// One of several to choose from, the last one first; without a choice it is simply there. Works
/// without JavaScript: radio buttons and CSS. Print shows all of them.
fn tabs(name: &str, panels: Vec<(String, Markup)>) -> Markup {
    let last = panels.len().saturating_sub(1);
    html! {
        @if last == 0 {
            @for (label, panel) in panels { p class="only" { "At " (label) "." } (panel) }
        } @else {
            fieldset class="tabs" {
                legend class="unseen" { "Offered rate" }
                @for (index, (label, panel)) in panels.into_iter().enumerate() {
                    input type="radio" name=(name) id={(name) "-" (index)} checked[index == last];
                    label for={(name) "-" (index)} { (label) }
                    div class="tab" { p class="only printed" { "At " (label) "." } (panel) }
                }
            }
        }
    }
}

/// A table that scrolls within its own box where it is wider than the page.
fn table(caption: &str, head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Markup {
    html! {
        div class="scroll" tabindex="0" role="region" aria-label=(caption) {
            table class="figures" {
                caption { (caption) }
                thead { tr { @for cell in head { th scope="col" { (cell) } } } }
                tbody {
                    @for row in rows {
                        tr {
                            @for (index, cell) in row.iter().enumerate() {
                                @if index == 0 { th scope="row" { (cell) } } @else { td { (typeset(cell)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Details that start out collapsed.
fn more(summary: &str, body: Markup) -> Markup {
    html! { details { summary { (summary) } div class="body" { (body) } } }
}

/// Figures as a book sets them: a minus sign in place of a hyphen, and no line break between a
/// number and its unit.
fn typeset(figures: &str) -> String {
    if figures == "-" {
        return "\u{2013}".to_owned();
    }
    let unbroken = wording::unbroken(figures);
    let mut words = unbroken.split(' ').map(|word| {
        let (bracket, number) = match word.strip_prefix('(') {
            Some(number) => ("(", number),
            None => ("", word),
        };
        match number.strip_prefix('-') {
            Some(digits) if digits.starts_with(|c: char| c.is_ascii_digit()) => {
                format!("{bracket}\u{2212}{digits}")
            }
            _ => word.to_owned(),
        }
    });
    let first = words.next().unwrap_or_default();
    words.fold(first, |out, word| out + " " + &word)
}

/// A command with a button that copies it, where there is JavaScript.
fn command(text: &str) -> Markup {
    html! {
        div class="command" {
            pre tabindex="0" { code { (text) } }
            button type="button" class="copy" hidden { "Copy" }
        }
    }
}

/// A word with a sign, so that it can be distinguished without its colour.
fn badge(class: &str, sign: &str, word: &str) -> Markup {
    html! { span class={"badge " (class)} { span aria-hidden="true" { (sign) } " " (word) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_units_and_get_a_minus() {
        assert_eq!(
            typeset("-75.0 % (-89.6 % to +1.0 %), 3 times, 12 ms; not-judged, - 7 s"),
            "−75.0\u{a0}% (−89.6\u{a0}% to +1.0\u{a0}%), 3 times, 12\u{a0}ms; not-judged, - 7\u{a0}s"
        );
    }
}
