//! Where the tail comes from.

use super::{rates_of, table, tabs};
use crate::figures::{count, quantile, rate, share, time};
use crate::tail::subject;
use crate::wording::or_infinite;
use maud::{Markup, html};
use understudy_model::Cause;
use understudy_model::tail::{Tail, TailCause};
use understudy_model::verdict::VerdictDocument;

/// Nothing where nothing was attributed.
pub(super) fn section(document: &VerdictDocument) -> Markup {
    if document.tails.is_empty() {
        return html! { p class="absent" { "No measurement under load has a tail to attribute." } };
    }
    let panels = rates_of(document.tails.iter().map(|tail| tail.rate_rps))
        .into_iter()
        .map(|rate_rps| {
            let here: Vec<&Tail> = document
                .tails
                .iter()
                .filter(|tail| tail.rate_rps == rate_rps)
                .collect();
            (rate(rate_rps), at_one_rate(&here))
        });
    html! {
        p class="lead" {
            "One request of a hundred is slower than p99. What was going on while those were under way, or while the backlog drained that it left? "
            "A cause explains what it meets only if it meets slow requests more often than chance would have it: than the same events do when they are shifted in time."
        }
        (tabs("tail-rate", panels.collect()))
    }
}

fn at_one_rate(tails: &[&Tail]) -> Markup {
    let mut shown: Vec<Cause> = tails
        .iter()
        .flat_map(|tail| &tail.causes)
        .filter(|cause| cause.first_share > 0.0)
        .map(|cause| cause.cause)
        .collect();
    shown.sort_unstable();
    shown.dedup();
    html! {
        figure {
            figcaption {
                h3 { "What made the slowest requests slow?" }
                p { "The whole bar is the tail of one side. Each request in it counts once, for the first of its causes, and only as far as that is not chance." }
            }
            @for tail in tails { (bar(tail)) }
            p class="legend" {
                @for cause in &shown { span { i class={"key cause " (cause.name())} aria-hidden="true" {} (cause.label()) } }
                span { i class="key cause unexplained" aria-hidden="true" {} "unexplained" }
            }
        }
        @for tail in tails { (figures(tail)) }
    }
}

fn bar(tail: &Tail) -> Markup {
    let parts = tail
        .causes
        .iter()
        .map(|cause| (cause.cause.name(), cause.cause.label(), cause.first_share))
        .chain([("unexplained", "unexplained", tail.unexplained)])
        .filter(|(_, _, part)| *part > 0.0);
    let said: Vec<String> = parts
        .clone()
        .map(|(_, label, part)| format!("{} {label}", share(part)))
        .collect();
    html! {
        p class="stack-title" { (subject(tail)) }
        div class="stack" role="img" aria-label=(said.join(", ")) {
            @for (class, label, part) in parts {
                span class={"cause " (class)} style={"width:" (format!("{:.2}%", part * 100.0))} title={(label) " " (share(part))} {
                    @if part >= 0.07 { b { (share(part)) } }
                }
            }
        }
    }
}

fn figures(tail: &Tail) -> Markup {
    let without = format!("{} without it, at most", quantile(tail.quantile));
    let head = [
        "cause",
        "events",
        "share of time",
        "longest",
        "meets of the tail",
        "by chance",
        "times chance (95 %)",
        "explains of the tail",
        without.as_str(),
    ];
    let listened = match &tail.runtime {
        Some(runtime) => format!("Pauses of its {runtime} runtime were recorded."),
        None => "No runtime was recorded: its pauses, if it has any, are among the unexplained."
            .to_owned(),
    };
    html! {
        (table(&format!("Causes of the tail of the {}", tail.side.in_words()), &head, tail.causes.iter().map(row)))
        p class="note" {
            (listened) " " (share(tail.unexplained)) " of the tail is unexplained. "
            @if tail.causes.iter().any(|cause| cause.quantile_without_us.is_some()) {
                "What is taken off for the last column is the time in which a request and the events overlap: a lower bound of what they cost, since a collector also costs barriers, caches and help, and the backlog that a pause leaves is not in it. Only another heap or collector shows the whole."
            }
        }
    }
}

fn row(cause: &TailCause) -> Vec<String> {
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    vec![
        cause.cause.label().to_owned(),
        count(cause.events),
        share(cause.time_share),
        time(cause.longest_us),
        share(cause.share),
        or_none(cause.expected_share.map(share)),
        or_none(cause.lift.map(|estimate| {
            let times = |value: f64| format!("{value:.1}");
            let ends = (
                or_infinite(estimate.low, times),
                or_infinite(estimate.high, times),
            );
            format!(
                "{} ({} to {})",
                or_infinite(estimate.estimate, times),
                ends.0,
                ends.1
            )
        })),
        match cause.explains {
            true => share(cause.explained_share),
            false => "nothing for certain".to_owned(),
        },
        or_none(cause.quantile_without_us.map(time)),
    ]
}
