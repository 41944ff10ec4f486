//! Reasons in words: one sentence each, with its figures.

use std::collections::BTreeMap;
use understudy_model::Pacing;
use understudy_model::verdict::{Estimate, Figure, GoalResult, Reason, SloResult};

pub(crate) fn slo_text(slo: &SloResult, verb: &str) -> String {
    format!(
        "the {} {verb} \"{}\" {}: {}",
        slo.side.in_words(),
        slo.slo,
        Pacing::at(slo.rate_rps),
        interval_text(slo),
    )
}

pub(crate) fn slo_text_with(slo: &SloResult, how: &str) -> String {
    format!(
        "\"{}\" {how} the {} {}: {}",
        slo.slo,
        slo.side.in_words(),
        Pacing::at(slo.rate_rps),
        interval_text(slo)
    )
}

/// What to do where an objective turns on how late the generator was; `None` where it does not.
pub(crate) fn lateness_text(slo: &SloResult) -> Option<String> {
    let sent = slo.from_sent?;
    sent.high.filter(|high| *high <= slo.bound)?;
    let estimate_ms = sent.estimate? / 1e3;
    Some(format!(
        "counted from when requests were sent it is {estimate_ms:.2} ms and held, so it turns on how late the generator was: quieten the machine, or pin the generator apart (--cpus; [machine] in trial.toml)"
    ))
}

/// The value with its interval, in milliseconds or percent.
fn interval_text(slo: &SloResult) -> String {
    let Some(value) = slo.value else {
        return "too few samples".to_owned();
    };
    let show = |figure: Option<f64>| match (figure, is_share(slo)) {
        (None, _) => "infinite".to_owned(),
        (Some(share), true) => format!("{:.3} %", share * 100.0),
        (Some(us), false) => format!("{:.2} ms", us / 1e3),
    };
    format!(
        "{} (95 % interval {} to {})",
        show(value.estimate),
        show(value.low),
        show(value.high)
    )
}

pub(crate) fn goal_text(goal: &GoalResult, verb: &str) -> String {
    let change = |ratio: Option<f64>| {
        ratio.map_or_else(
            || "unknown".to_owned(),
            |r| format!("{:+.1} %", (r - 1.0) * 100.0),
        )
    };
    let Some(Estimate {
        estimate,
        low,
        high,
    }) = goal.ratio
    else {
        let why = goal.not_judged_because.as_deref();
        let why = why.unwrap_or("it could not be measured");
        return format!("the goal \"{}\" {verb}: {why}", goal.goal);
    };
    format!(
        "the goal \"{}\" {verb}: {} (95 % interval {} to {})",
        goal.goal,
        change(estimate),
        change(low),
        change(high),
    )
}

/// The bound and the interval, with their unit in the names.
pub(crate) fn slo_figures(slo: &SloResult) -> Vec<(&'static str, f64)> {
    let names = match is_share(slo) {
        true => ["bound_share", "estimate_share", "low_share", "high_share"],
        false => ["bound_us", "estimate_us", "low_us", "high_us"],
    };
    let mut figures = named(names, slo.bound, slo.value);
    figures.push(("rate_rps", slo.rate_rps));
    figures
}

pub(crate) fn goal_figures(goal: &GoalResult) -> Vec<(&'static str, f64)> {
    let names = ["bound_ratio", "estimate_ratio", "low_ratio", "high_ratio"];
    named(names, goal.bound, goal.ratio)
}

/// Infinite ends have no figure.
fn named(
    [bound, estimate, low, high]: [&'static str; 4],
    limit: f64,
    value: Option<Estimate>,
) -> Vec<(&'static str, f64)> {
    let ends = value.map_or([None; 3], |value| [value.estimate, value.low, value.high]);
    let ends = [estimate, low, high].into_iter().zip(ends);
    let known = ends.filter_map(|(name, figure)| Some((name, figure?)));
    std::iter::once((bound, limit)).chain(known).collect()
}

fn is_share(slo: &SloResult) -> bool {
    slo.about == Figure::ErrorShare
}

pub(crate) fn reason(
    code: &str,
    text: String,
    figures: impl IntoIterator<Item = (&'static str, f64)>,
) -> Reason {
    Reason {
        code: code.to_owned(),
        text,
        figures: figures
            .into_iter()
            .map(|(n, v)| (n.to_owned(), v))
            .collect::<BTreeMap<_, _>>(),
    }
}
