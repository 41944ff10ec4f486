//! The memory floor of the sides: in one sentence, as a curve by limit, and in figures.

use super::capacity::bounds;
use super::{more, table};
use crate::charts::floor::{Axes, chart};
use crate::charts::percentiles::Bound;
use crate::charts::{legend, side_class};
use crate::figures::{count, memory, rate, share, time};
use crate::memory_floor::{knots, over_floor, sentence};
use crate::wording::or_infinite;
use maud::{Markup, html};
use understudy_model::floor::SideFloor;
use understudy_model::verdict::VerdictDocument;

/// The section; it says so where nothing was looked for.
pub(super) fn section(document: &VerdictDocument) -> Markup {
    let floors = &document.memory_floors;
    let Some(first) = floors.first() else {
        return html! {
            p class="absent" { "Not looked for. " code { "[memory_floor]" } " in trial.toml asks for the smallest memory limit at which each side holds the objectives." }
        };
    };
    let bounds = bounds(document);
    let axes = Axes::new(floors, &bounds);
    html! {
        @for of in floors { p { b { (of.side) } ": " (sentence(of)) "." } }
        figure {
            figcaption {
                h3 { "How little memory is enough?" }
                p {
                    "Each side was restarted under every limit and put under " (rate(first.rate_rps)) ". Read it from right to left: the limit falls, and where memory gets tight the side works more and answers later, until it no longer holds "
                    (first.objectives.join(" and ")) " or is killed. The floor is the smallest limit that held in each of " (count(first.repeats.into())) " trials."
                }
                p { (why_not_peak(floors)) }
            }
            (legend(&keys(&bounds)))
            @if let Some(axes) = &axes {
                @for of in floors {
                    h4 class={"of-side " (side_class(of.side))} { (of.side) }
                    (chart(of, axes, &bounds))
                }
            } @else {
                p class="absent" { "No trial at a limit has a latency that could be drawn." }
            }
            @for of in floors { (more(&format!("The trials of the {}", of.side.in_words()), figures(of))) }
        }
    }
}

/// What is drawn how; the objectives are at their lines where there is room for that.
fn keys(bounds: &[Bound]) -> Vec<(&'static str, &str)> {
    let mut keys = vec![
        ("incumbent line dot", "a limit that held"),
        (
            "cross-key",
            "one that did not: missed the objectives, or was killed (at the upper edge)",
        ),
        ("band", "bracket: contains the floor"),
        ("bound-key", "peak RSS without a tighter limit (upright)"),
    ];
    let notes = bounds.iter();
    keys.extend(notes.map(|bound| ("bound-key bound-note", bound.text.as_str())));
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
            or_infinite(knot.p99_us, time),
            cpu(knot.cpu),
        ]
    });
    table(
        "Trials at the same limit together",
        &["limit", "trials", "outcome", "p99", "CPU, of one CPU"],
        rows,
    )
}
