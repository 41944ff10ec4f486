//! The capacity of the sides: in one sentence, as a knee curve, and in figures.

use super::{more, table};
use crate::charts::knee::chart;
use crate::charts::percentiles::Bound;
use crate::figures::{count, rate, share, time};
use crate::knee::{knots, sentence};
use crate::wording::or_infinite;
use maud::{Markup, html};
use understudy_model::capacity::SideCapacity;
use understudy_model::verdict::{Figure, VerdictDocument};

/// The section; it says so where nothing was looked for.
pub(super) fn section(document: &VerdictDocument) -> Markup {
    if document.capacity.is_empty() {
        return html! {
            p class="absent" { "Not looked for. " code { "[capacity]" } " in trial.toml asks for the highest rate at which each side holds the objectives." }
        };
    }
    html! {
        @for of in &document.capacity {
            p { b { (of.side) } ": " (sentence(&of.capacity)) }
        }
        p { "The highest rate at which one instance under these limits, on this machine, holds " (objectives(document)) ". Requests were sent whatever it did with them; beyond the bend, waiting requests pile up." }
        @if let Some(chart) = chart(&document.capacity, &bounds(document)) {
            figure {
                figcaption { p { "Each dot is one or several short trials at about that rate. The further right a curve bends upwards, the better. A curve that ends at the upper edge continues beyond it." } }
                (chart)
                @for of in &document.capacity { (more(&format!("The trials of the {}", of.side.in_words()), figures(of))) }
            }
        }
    }
}

fn objectives(document: &VerdictDocument) -> String {
    let first = document.capacity.first();
    first.map_or_else(String::new, |of| of.capacity.objectives.join(" and "))
}

/// The bounds on latencies of all requests that have to be held.
pub(super) fn bounds(document: &VerdictDocument) -> Vec<Bound> {
    let mut bounds: Vec<Bound> = Vec::new();
    for slo in &document.slo {
        if let Figure::Latency(about) = &slo.about
            && about.operation == "*"
            && !bounds.iter().any(|bound| bound.text == slo.slo)
        {
            bounds.push(Bound {
                us: slo.bound,
                text: slo.slo.clone(),
                quantile: Some(about.quantile),
            });
        }
    }
    bounds
}

fn figures(of: &SideCapacity) -> Markup {
    let rows = knots(&of.capacity).into_iter().map(|knot| {
        vec![
            rate(knot.rate_rps),
            count(knot.trials as u64),
            or_infinite(knot.p50_us, time),
            or_infinite(knot.p99_us, time),
            share(knot.violated),
            knot.cpu
                .map_or_else(|| "-".to_owned(), |cpu| format!("{cpu:.2}")),
        ]
    });
    table(
        "Trials at about the same rate together",
        &["rate", "trials", "p50", "p99", "over the SLO", "CPUs"],
        rows,
    )
}
