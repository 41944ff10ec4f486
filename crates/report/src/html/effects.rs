//! Every effect with its interval, compared with the effect of the incumbent against itself.

use super::verdict::direction_class;
use super::{more, table, typeset};
use crate::charts::legend;
use crate::charts::ratios::{Axis, Row};
use crate::figures::{change, time};
use crate::{against_itself, growth, wording};
use maud::{Markup, html};
use understudy_model::Role;
use understudy_model::verdict::{
    Bearing, Comparison, Estimate, Figure, LatencyComparison, LatencyQuantile, Resource,
    ResourceComparison, VerdictDocument,
};

/// A line of the table: words and figures around a drawing.
struct Line {
    rate_rps: f64,
    label: String,
    primary: bool,
    sides: [String; 2],
    effect: String,
    note: Option<String>,
    /// Does the run say how it changes? What it does not comes last.
    is_resolved: bool,
    row: Row,
}

pub(super) fn section(document: &VerdictDocument) -> Markup {
    html! {
        @if let Some(comparison) = wording::of_contender(document, Role::Candidate) { (of_comparison(document, comparison)) }
        @if let Some(counted) = crate::instructions::sentence(document) {
            p { "Instructions: " (counted) "." }
        }
    }
}

pub(super) fn of_comparison(document: &VerdictDocument, comparison: &Comparison) -> Markup {
    let rates = wording::rates(&comparison.latency, &comparison.resources);
    if rates.is_empty() {
        return html! { p class="absent" { "No load was put on the sides, so there is nothing to compare but their answers." } };
    }
    let latency = comparison
        .latency
        .iter()
        .map(|line| latency_line(document, line));
    let resources = rates
        .iter()
        .flat_map(|rate_rps| resource_lines(document, comparison, *rate_rps));
    let mut lines: Vec<Line> = latency.chain(resources).collect();
    lines.sort_by_key(|line| !line.is_resolved);
    let axis = Axis::new(lines.iter().map(|line| &line.row), axis_label);
    html! {
        p class="lead" {
            "The " (comparison.contender.in_words()) " against the " (comparison.baseline.in_words()) ". Where a bar crosses the line there may be no difference at all."
        }
        (legend(&[
            ("interval-key", "95 % interval around the estimate"),
            ("noise-key", "incumbent against itself: what this machine calls a difference when there is none"),
            ("bound-key", "goal"),
        ]))
        table class="forest" role="table" {
            caption class="unseen" { "Change of each figure with its 95 % interval" }
            thead role="rowgroup" {
                tr role="row" {
                    th role="columnheader" scope="col" { span class="unseen" { "Figure" } }
                    th role="columnheader" scope="col" { (comparison.baseline) }
                    th role="columnheader" scope="col" { (comparison.contender) }
                    th role="columnheader" scope="col" class="drawn" { span class="less" { "\u{2190} less" } span class="more" { "more \u{2192}" } }
                    th role="columnheader" scope="col" { "Change (95 % interval)" }
                }
            }
            tbody role="rowgroup" {
                @for rate_rps in rates.into_iter().rev() {
                    tr role="row" class="group" { th role="rowheader" scope="rowgroup" colspan="5" { (wording::capital(&wording::at(rate_rps))) } }
                    @for line in lines.iter().filter(|line| line.rate_rps == rate_rps) { (line_row(line, [comparison.baseline, comparison.contender], &axis)) }
                }
                tr role="row" class="axis" aria-hidden="true" { td role="cell" colspan="3" {} td role="cell" class="drawn" { (axis.labels()) } td role="cell" {} }
            }
        }
        @if let Some(aa) = against_itself::sentence(document) { p class="note" { "A/A: " (typeset(&aa)) "." } }
        (more("Every figure, with p values and smallest detectable effects", details(comparison)))
    }
}

fn line_row(line: &Line, sides: [Role; 2], axis: &Axis) -> Markup {
    html! {
        tr role="row" {
            th role="rowheader" scope="row" { (line.label) @if line.primary { " " span class="primary" { "primary" } } }
            td role="cell" class="side" data-of=(sides[0]) { (typeset(&line.sides[0])) }
            td role="cell" class="side" data-of=(sides[1]) { (typeset(&line.sides[1])) }
            td role="cell" class="drawn" { (axis.strip(&line.row)) }
            td role="cell" class="effect" {
                (typeset(&line.effect))
                @if let Some(note) = &line.note { small { (typeset(note)) } }
            }
        }
    }
}

fn latency_line(document: &VerdictDocument, line: &LatencyComparison) -> Line {
    let label = wording::latency_label(line);
    let effect = match line.judged {
        true => wording::effect(line.ratio),
        false => "not judged".to_owned(),
    };
    let note = match line.judged {
        true => wording::remarks(line),
        false => Some(wording::not_judged(line).to_owned()),
    };
    let about = Figure::Latency(LatencyQuantile {
        operation: line.operation.clone(),
        quantile: line.quantile,
    });
    let itself = document.aa.iter().find(|aa| {
        aa.operation == line.operation
            && aa.quantile == line.quantile
            && aa.rate_rps == line.rate_rps
    });
    Line {
        rate_rps: line.rate_rps,
        primary: wording::is_primary(document, line),
        is_resolved: wording::is_resolved(line),
        sides: [line.baseline_us, line.contender_us].map(|side| wording::estimate(side, time)),
        note,
        row: Row {
            noise: itself
                .and_then(|aa| aa.ratio)
                .filter(|_| !against_itself::is_refused(document, Bearing::Latency))
                .filter(|ratio| against_itself::is_informative(*ratio)),
            ..row(
                &label,
                line.ratio,
                bound_of(document, line.rate_rps, &about),
            )
        },
        label: wording::capital(&label),
        effect,
    }
}

/// The resources at a rate; one line for all that are missing for the same reason.
fn resource_lines(document: &VerdictDocument, comparison: &Comparison, rate_rps: f64) -> Vec<Line> {
    let here = comparison
        .resources
        .iter()
        .filter(|line| line.rate_rps == rate_rps);
    let here: Vec<&ResourceComparison> = here.collect();
    let (first, alike) = match here.split_first() {
        Some((first, rest)) => (first, rest.iter().all(|l| l.unmeasured == first.unmeasured)),
        None => return Vec::new(),
    };
    if alike && first.unmeasured.is_some() {
        return vec![Line {
            label: "CPU and memory".to_owned(),
            ..resource_line(document, first)
        }];
    }
    let start = growth::start_of_run(comparison).into_iter();
    let start: Vec<String> = start.map(|(side, text)| format!("{side} {text}")).collect();
    let with_note = |line: &ResourceComparison| {
        let is_start = line.resource == Resource::StartupUs && !start.is_empty();
        let drawn = resource_line(document, line);
        Line {
            note: drawn.note.or_else(|| is_start.then(|| start.join("; "))),
            ..drawn
        }
    };
    here.into_iter().map(with_note).collect()
}

fn resource_line(document: &VerdictDocument, line: &ResourceComparison) -> Line {
    let label = wording::resource_label(line.resource, line.rate_rps);
    let show = |value| wording::resource(line.resource, value);
    let mut itself = document.aa_resources.iter();
    let itself = itself.find(|aa| aa.resource == line.resource && aa.rate_rps == line.rate_rps);
    Line {
        rate_rps: line.rate_rps,
        label: wording::capital(label),
        primary: false,
        sides: [line.baseline, line.contender].map(|side| wording::estimate(side, show)),
        effect: match &line.unmeasured {
            Some(_) => "unmeasured".to_owned(),
            None => wording::effect(line.ratio),
        },
        note: line.unmeasured.clone(),
        is_resolved: line.ratio.is_some(),
        row: Row {
            noise: itself
                .and_then(|aa| aa.ratio)
                .filter(|ratio| against_itself::is_informative(*ratio)),
            ..row(
                label,
                line.ratio,
                bound_of(document, line.rate_rps, &Figure::Resource(line.resource)),
            )
        },
    }
}

fn row(label: &str, ratio: Option<Estimate>, bound: Option<f64>) -> Row {
    Row {
        ratio,
        noise: None,
        bound,
        class: direction_class(ratio),
        title: format!("{label}: {}", wording::effect(ratio)),
    }
}

/// The bound of the goal that is about this figure; goals are judged at the primary rate.
fn bound_of(document: &VerdictDocument, rate_rps: f64, about: &Figure) -> Option<f64> {
    document
        .primary
        .as_ref()
        .filter(|primary| primary.rate_rps == rate_rps)?;
    let goal = document.goals.iter().find(|goal| goal.about == *about);
    goal.map(|goal| goal.bound)
}

/// `-50 %`, `±0`, `2 times` below an axis.
pub(super) fn axis_label(ratio: f64) -> String {
    match ratio {
        1.0 => "\u{b1}0".to_owned(),
        r if r >= 2.0 => format!("{r} times"),
        r => typeset(&format!("{:+.0} %", (r - 1.0) * 100.0)),
    }
}

fn details(comparison: &Comparison) -> Markup {
    let contender = format!("{} (95 % interval)", comparison.contender);
    let head = [
        "figure",
        "rate",
        "incumbent (95 % interval)",
        &contender,
        "change (95 % interval)",
        "p",
        "p, Holm",
        "smallest detectable",
        "pairs",
    ];
    let p = |p: Option<f64>| p.map_or("-".to_owned(), |p| format!("{p:.3}"));
    let latency = comparison.latency.iter().map(|line| {
        vec![
            wording::latency_label(line),
            wording::load(line.rate_rps),
            wording::with_interval(line.baseline_us, time),
            wording::with_interval(line.contender_us, time),
            match line.judged {
                true => wording::effect(line.ratio),
                false => format!("not judged: {}", wording::not_judged(line)),
            },
            p(line.p_value),
            p(line.p_value_holm),
            line.mde.map_or("-".to_owned(), |mde| change(1.0 + mde)),
            line.pairs.to_string(),
        ]
    });
    let resources = comparison.resources.iter().map(|line| {
        let show = |value| wording::resource(line.resource, value);
        vec![
            wording::resource_label(line.resource, line.rate_rps).to_owned(),
            wording::load(line.rate_rps),
            wording::with_interval(line.baseline, show),
            wording::with_interval(line.contender, show),
            match &line.unmeasured {
                Some(why) => format!("unmeasured: {why}"),
                None => wording::effect(line.ratio),
            },
            "-".to_owned(),
            "-".to_owned(),
            "-".to_owned(),
            line.pairs.to_string(),
        ]
    });
    table("Every figure", &head, latency.chain(resources))
}
