//! The memory floor of the sides: in one sentence, as a curve by limit, and in figures.

use super::capacity::bounds;
use super::{more, table};
use crate::charts::floor::{Axes, chart};
use crate::charts::percentiles::Bound;
use crate::charts::{legend, side_class};
use crate::figures::{count, memory, rate, share, time};
use crate::memory_floor::{knots, of_what, over_floor, sentence, trials};
use crate::wording::or_infinite;
use maud::{Markup, html};
use understudy_model::floor::{FloorRuns, SideFloor};
use understudy_model::verdict::VerdictDocument;

/// The section; it says so where nothing was looked for.
pub(super) fn section(document: &VerdictDocument) -> Markup {
    let floors = &document.memory_floors;
    let Some(first) = floors.first() else {
        return html! {
            p class="absent" { "Not looked for. " code { "[memory_floor]" } " in trial.toml asks for the smallest memory limit at which each side holds the objectives." }
        };
    };
    let bounds_of = |of: &SideFloor| match of.runs.as_ref() {
        Some(runs) => vec![allowed(runs)],
        None => bounds(document),
    };
    let mut of_all: Vec<Bound> = Vec::new();
    for bound in floors.iter().flat_map(bounds_of) {
        let is_new = |there: &Bound| there.text != bound.text || there.us != bound.us;
        if of_all.iter().all(is_new) {
            of_all.push(bound);
        }
    }
    let axes = Axes::new(floors, &of_all);
    let is_of_runs = first.runs.is_some();
    html! {
        @for of in floors { p { b { (of.side) } ": " (sentence(of)) "." } }
        figure {
            figcaption {
                h3 { "How little memory is enough?" }
                p { (how(first)) }
                p { (why_not_peak(floors)) }
                @if is_of_runs { p { "The limit is that of a control group: it holds the launcher that starts the runs (about 3 MiB), all processes of a run, what they write to standard output until it is read, and page cache that cannot be dropped." } }
            }
            (legend(&keys(is_of_runs, &of_all)))
            @if let Some(axes) = &axes {
                @for of in floors {
                    h4 class={"of-side " (side_class(of.side))} { (of.side) }
                    (chart(of, axes, &bounds_of(of)))
                }
            } @else {
                p class="absent" { "No trial at a limit has a " (if is_of_runs { "wall time" } else { "latency" }) " that could be drawn." }
            }
            @for of in floors { (more(&format!("The trials of the {}", of.side.in_words()), figures(of))) }
        }
    }
}

/// What a trial was, and how to read the chart.
fn how(first: &SideFloor) -> String {
    let held = trials(first.repeats);
    match &first.runs {
        None => format!(
            "Each side was restarted under every limit and put under {}. Read it from right to left: the limit falls, and where memory gets tight the side works more and answers later, until it no longer holds {} or is killed. The floor is the smallest limit that held in {held}.",
            rate(first.rate_rps),
            first.objectives.join(" and "),
        ),
        Some(_) => format!(
            "Each side ran its cases under every limit. Read it from right to left: the limit falls, and where memory gets tight the runs take longer, end otherwise or are killed. A limit holds with {}; the floor is the smallest that held in {held}.",
            first.objectives.join(", "),
        ),
    }
}

/// The longest time that runs may take under a limit.
fn allowed(runs: &FloorRuns) -> Bound {
    Bound {
        us: runs.wall_us * (1.0 + runs.slower),
        text: format!("{} slower than without a limit", share(runs.slower)),
        quantile: None,
    }
}

/// What is drawn how; the bounds are at their lines where there is room for that.
fn keys(is_of_runs: bool, bounds: &[Bound]) -> Vec<(&'static str, &str)> {
    let mut keys = vec![
        ("incumbent line dot", "a limit that held"),
        (
            "cross-key",
            match is_of_runs {
                true => {
                    "one that did not: runs took too long, ended otherwise, or were killed (at the upper edge)"
                }
                false => {
                    "one that did not: missed the objectives, or was killed (at the upper edge)"
                }
            },
        ),
        ("band", "bracket: contains the floor"),
        ("bound-key", "peak RSS without a tighter limit (upright)"),
    ];
    let mut texts: Vec<&str> = bounds.iter().map(|bound| bound.text.as_str()).collect();
    texts.dedup();
    let notes = texts.into_iter();
    keys.extend(notes.map(|text| ("bound-key bound-note", text)));
    keys
}

/// Peak RSS is what people set limits by.
fn why_not_peak(floors: &[SideFloor]) -> String {
    let known = floors.iter().filter_map(|of| {
        Some(format!(
            "{:.1} times the floor of the {}",
            over_floor(of)?,
            of.side.in_words()
        ))
    });
    let known: Vec<String> = known.collect();
    let factors = match known.is_empty() {
        true => String::new(),
        false => format!(": here {}", known.join(", ")),
    };
    format!(
        "Peak RSS, the dotted line, is not the answer{factors}. It is what a side takes when nothing makes it save: a collected heap grows into what it is given."
    )
}

fn figures(of: &SideFloor) -> Markup {
    let cpu = |cpu: Option<f64>| cpu.map_or_else(|| "-".to_owned(), share);
    let rows = knots(of).into_iter().map(|knot| {
        vec![
            memory(knot.limit_bytes),
            count(knot.trials as u64),
            knot.outcome.to_owned(),
            or_infinite(knot.time_us, time),
            cpu(knot.cpu),
        ]
    });
    table(
        "Trials at the same limit together",
        &["limit", "trials", "outcome", of_what(of), "CPU, of one CPU"],
        rows,
    )
}
