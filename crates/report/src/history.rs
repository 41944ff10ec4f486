//! What earlier runs of a trial showed, in sentences that every form of a report shares.

use crate::figures::{change, quantile, time};
use crate::wording;
use std::collections::BTreeSet;
use understudy_model::history::{EarlierRun, FigureHistory, History, Likeness, Sameness, Spread};
use understudy_model::verdict::Figure;

/// Earlier runs below which nothing is predicted.
const FEWEST: u32 = understudy_stats::prediction::FEWEST as u32;

/// `latency p99`, `CPU per request`.
pub(crate) fn label(about: &Figure, rate_rps: f64) -> String {
    match about {
        Figure::Latency(of) if of.operation == "*" => format!("latency {}", quantile(of.quantile)),
        Figure::Latency(of) => format!("{} {}", of.operation, quantile(of.quantile)),
        Figure::ErrorShare => "error rate".to_owned(),
        Figure::Instructions => "instructions".to_owned(),
        Figure::Resource(of) => wording::resource_label(*of, rate_rps).to_owned(),
    }
}

/// A value of a figure with its unit.
pub(crate) fn value(about: &Figure, value: f64) -> String {
    match about {
        Figure::Latency(_) => time(value),
        Figure::ErrorShare => crate::figures::share(value),
        Figure::Instructions => crate::instructions::short(value),
        Figure::Resource(of) => wording::resource(*of, value),
    }
}

/// How an earlier run compares: `same sides`, `another candidate`, `another machine: kernel linux 6.1`.
pub(crate) fn likeness(run: &EarlierRun) -> String {
    match &run.likeness {
        Likeness::OtherMachine(what) => format!("another machine: {what}"),
        Likeness::OtherSetup(what) => format!("set up differently: {what}"),
        Likeness::Alike {
            incumbent,
            candidate,
        } => alike(*incumbent, *candidate).to_owned(),
    }
}

fn alike(incumbent: Sameness, candidate: Sameness) -> &'static str {
    match (incumbent, candidate) {
        (Sameness::Same, Sameness::Same) => "same sides",
        (Sameness::Same, Sameness::Other) => "another candidate",
        (Sameness::Same, Sameness::Unknown) => "same incumbent, code of the candidate unknown",
        (Sameness::Other, Sameness::Same) => "another incumbent",
        (Sameness::Other, _) => "other sides",
        (Sameness::Unknown, _) => "code of the incumbent unknown",
    }
}

/// How many runs there are, on which days, and which of them are not compared:
/// `5 earlier runs on 4 days: 4 of the same sides; not compared: 1 on another machine`.
pub(crate) fn overview(history: &History) -> String {
    let days: BTreeSet<&str> = history
        .runs
        .iter()
        .map(|run| day(&run.started_at))
        .collect();
    let runs = counted(history.runs.len(), "earlier run");
    let mut out = format!("{runs} on {}", counted(days.len(), "day"));
    let (compared, mut apart) = kinds(history);
    let left_out = &history.left_out;
    for (count, what) in [
        (left_out.unfinished, "without a verdict"),
        (left_out.unreadable, "not readable"),
        (left_out.older, "older"),
    ] {
        if count > 0 {
            apart.push((what, count as usize));
        }
    }
    if !compared.is_empty() {
        out += &format!(": {}", list(&compared));
    }
    if !apart.is_empty() {
        out += &format!("; not compared: {}", list(&apart));
    }
    out
}

/// The same for a screen, without what is not compared.
pub(crate) fn short_overview(history: &History) -> String {
    let (compared, apart) = kinds(history);
    let runs = counted(history.runs.len(), "earlier run");
    let predicts = |figure: &FigureHistory| {
        let spreads = [figure.incumbent, figure.ratio];
        spreads
            .into_iter()
            .flatten()
            .any(|of| of.expected.is_some())
    };
    let need = match history.figures.iter().any(predicts) {
        true => String::new(),
        false => format!("; a prediction needs {FEWEST}"),
    };
    match (compared.is_empty(), apart.is_empty()) {
        (true, _) => format!("none of {runs} can be compared ({})", list(&apart)),
        (false, true) => format!("{runs}: {}{need}", list(&compared)),
        (false, false) => {
            let count: usize = compared.iter().map(|(_, count)| count).sum();
            format!(
                "{count} of {runs} can be compared: {}{need}",
                list(&compared)
            )
        }
    }
}

/// Runs of one kind, and how many.
type Kinds = Vec<(&'static str, usize)>;

/// The runs by what they have in common with this one: those that are compared, and those that are not.
fn kinds(history: &History) -> (Kinds, Kinds) {
    let (mut compared, mut apart) = (Kinds::new(), Kinds::new());
    for run in &history.runs {
        let (kinds, kind) = match &run.likeness {
            Likeness::OtherMachine(_) => (&mut apart, "on another machine"),
            Likeness::OtherSetup(_) => (&mut apart, "set up differently"),
            Likeness::Alike {
                incumbent: Sameness::Same,
                candidate,
            } => (&mut compared, of_sides(*candidate)),
            Likeness::Alike { incumbent, .. } => (&mut apart, of_incumbent(*incumbent)),
        };
        match kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => *count += 1,
            None => kinds.push((kind, 1)),
        }
    }
    (compared, apart)
}

fn list(kinds: &[(&str, usize)]) -> String {
    let all: Vec<String> = kinds
        .iter()
        .map(|(kind, count)| format!("{count} {kind}"))
        .collect();
    all.join(", ")
}

fn of_sides(candidate: Sameness) -> &'static str {
    match candidate {
        Sameness::Same => "of the same sides",
        Sameness::Other => "of another candidate",
        Sameness::Unknown => "of a candidate whose code is unknown",
    }
}

fn of_incumbent(incumbent: Sameness) -> &'static str {
    match incumbent {
        Sameness::Unknown => "of an incumbent whose code is unknown",
        Sameness::Same | Sameness::Other => "of another incumbent",
    }
}

/// The incumbent's level over the runs, and if this run's is unusual.
pub(crate) fn level(figure: &FigureHistory) -> String {
    let name = label(&figure.about, figure.rate_rps);
    let Some(spread) = &figure.incumbent else {
        let refused = figure.earlier.iter().flatten().any(|of| of.refused);
        let why = match refused {
            true => "what the earlier runs measured of it was refused, or is of another incumbent",
            false => "no earlier run measured it of the same incumbent in the same setting",
        };
        return format!("{name}: {why}");
    };
    let now = figure.today.incumbent.and_then(|of| of.estimate);
    let what = format!("the incumbent's {name} was");
    sentence(&what, spread, now, figure, |of| value(&figure.about, of))
}

/// The change over the runs of the same pair, and if this run's is unusual.
pub(crate) fn ratio(figure: &FigureHistory) -> Option<String> {
    let spread = figure.ratio.as_ref()?;
    let now = figure.today.ratio.and_then(|of| of.estimate);
    let what = "between the same sides the change was";
    Some(sentence(what, spread, now, figure, change))
}

fn sentence(
    what: &str,
    spread: &Spread,
    now: Option<f64>,
    figure: &FigureHistory,
    show: impl Fn(f64) -> String,
) -> String {
    let seen = range(spread, &show);
    let (runs, days) = (
        counted(spread.runs as usize, "earlier run"),
        counted(spread.days as usize, "day"),
    );
    let this = match now {
        Some(now) => format!("this run's {}", show(now)),
        None if figure.today.refused => "this run's figure is refused".to_owned(),
        None => "this run has none".to_owned(),
    };
    let judged = match (spread.expected, spread.is_outside) {
        (Some(expected), is_outside) => {
            let standing = match is_outside {
                Some(true) => " is outside of that",
                Some(false) => " is within that",
                None => "",
            };
            format!(
                "they predict {} for one more run (95 % prediction interval); {this}{standing}",
                wording::interval(expected, show)
            )
        }
        (None, _) => {
            let is = if now.is_some() { " is not judged" } else { "" };
            format!("{this}{is}: a prediction needs {FEWEST} runs")
        }
    };
    format!("{what} {seen} in {runs} on {days}; {judged}")
}

/// The same for a screen: one line, and two where this run is outside of what is predicted. Nothing where no earlier
/// run can be compared.
pub(crate) fn short(figure: &FigureHistory) -> Vec<String> {
    let part = |what: &str, spread: &Spread, now: Option<f64>, show: &dyn Fn(f64) -> String| {
        let now = now.map_or_else(|| "refused".to_owned(), show);
        let seen = format!("{what} {} (now {now})", range(spread, show));
        let outside = spread.expected.filter(|_| spread.is_outside == Some(true));
        let outside = outside.map(|expected| {
            let predicted = wording::interval(expected, show);
            format!("{seen}: OUTSIDE the predicted {predicted}")
        });
        (seen, outside, spread.is_outside == Some(false))
    };
    let level = figure.incumbent.as_ref().map(|spread| {
        let now = figure.today.incumbent.and_then(|of| of.estimate);
        part("incumbent", spread, now, &|of| value(&figure.about, of))
    });
    let ratio = figure.ratio.as_ref().map(|spread| {
        let now = figure.today.ratio.and_then(|of| of.estimate);
        part("change", spread, now, &change)
    });
    let parts: Vec<_> = level.into_iter().chain(ratio).collect();
    let inside: Vec<&str> = parts
        .iter()
        .filter(|(_, outside, _)| outside.is_none())
        .map(|(seen, ..)| seen.as_str())
        .collect();
    let is_judged = parts.iter().any(|(.., is_inside)| *is_inside);
    let standing = if is_judged { ": as predicted" } else { "" };
    let inside = (!inside.is_empty()).then(|| format!("{}{standing}", inside.join(", ")));
    let outside = parts.iter().filter_map(|(_, outside, _)| outside.clone());
    let name = label(&figure.about, figure.rate_rps);
    let lines = outside.chain(inside);
    lines.map(|line| format!("{name}: {line}")).collect()
}

/// `61.0 us to 74.0 us`, or one value of a single run.
fn range(spread: &Spread, show: impl Fn(f64) -> String) -> String {
    let (low, high) = (show(spread.low), show(spread.high));
    if low == high {
        return low;
    }
    format!("{low} to {high}")
}

/// The day of an RFC 3339 time.
pub(crate) fn day(time: &str) -> &str {
    time.split_once('T').map_or(time, |(day, _)| day)
}

/// Day and minute of an RFC 3339 time: `2026-11-25 10:11`.
pub(crate) fn minute(time: &str) -> String {
    time.get(..16).unwrap_or(time).replace('T', " ")
}

fn counted(count: usize, what: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {what}{s}")
}
