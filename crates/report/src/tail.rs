//! Where the tail comes from, in words: one home for terminal, page and Markdown.

use crate::figures::{count, quantile, rate, share, time};
use crate::wording::or_infinite;
use understudy_model::tail::{Tail, TailCause};
use understudy_model::verdict::VerdictDocument;

/// The tails at the highest rate.
pub(crate) fn primary(document: &VerdictDocument) -> impl Iterator<Item = &Tail> {
    let highest = document
        .tails
        .iter()
        .map(|tail| tail.rate_rps)
        .fold(0.0, f64::max);
    document
        .tails
        .iter()
        .filter(move |tail| tail.rate_rps == highest)
}

/// Whose tail it is, and how much of it there is.
pub(crate) fn subject(tail: &Tail) -> String {
    format!(
        "{} at {}, {} requests above {} ({})",
        tail.side,
        rate(tail.rate_rps),
        count(tail.requests),
        quantile(tail.quantile),
        or_infinite(tail.at_us, time),
    )
}

/// What it comes from, in one sentence.
pub(crate) fn sentence(tail: &Tail) -> String {
    let causes = tail.causes.iter().filter(|cause| cause.first_share > 0.0);
    let mut parts: Vec<String> = causes
        .map(|cause| {
            let without = cause.quantile_without_us.map_or_else(String::new, |us| {
                format!(
                    ", {} at most {} without it",
                    quantile(tail.quantile),
                    time(us)
                )
            });
            let lift = lift(cause).map_or_else(String::new, |lift| format!(" ({lift}{without})"));
            format!("{} {}{lift}", share(cause.first_share), cause.cause.label())
        })
        .collect();
    parts.push(format!("{} unexplained", share(tail.unexplained)));
    let recorded = match &tail.runtime {
        Some(runtime) => format!("; pauses of the {runtime} runtime were recorded"),
        None => "; no runtime was recorded".to_owned(),
    };
    format!("{}: {}{recorded}", subject(tail), parts.join(", "))
}

/// How much more often than by chance; `None` where chance has no part in it.
pub(crate) fn lift(cause: &TailCause) -> Option<String> {
    let [times, low, high] = lift_figures(cause)?;
    Some(format!("{times} times chance, {low} to {high}"))
}

/// The same without words, for a column: `25.0 (20.1 to 33.0)`.
pub(crate) fn short_lift(cause: &TailCause) -> Option<String> {
    let [times, low, high] = lift_figures(cause)?;
    Some(format!("{times} ({low} to {high})"))
}

fn lift_figures(cause: &TailCause) -> Option<[String; 3]> {
    let lift = cause.lift?;
    let figure = |value| or_infinite(value, |value| format!("{value:.1}"));
    Some([lift.estimate, lift.low, lift.high].map(figure))
}
