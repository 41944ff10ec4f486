//! Objectives, goals and gates: what was judged, against which bound.

use super::effects::axis_label;
use super::{badge, table, typeset};
use crate::charts::ratios::{Axis, Row};
use crate::figures::change;
use crate::{against_itself, wording};
use maud::{Markup, html};
use understudy_model::verdict::{Estimate, Gate, GoalResult, Held, SloResult, VerdictDocument};

pub(super) fn objectives(document: &VerdictDocument) -> Markup {
    html! {
        @if document.slo.is_empty() && document.goals.is_empty() {
            p class="absent" { "Neither an objective nor a goal is stated, so nothing could be missed. State an [[slo]] or a [goal] in trial.toml." }
        }
        @if !document.slo.is_empty() { (slos(document)) }
        @if !document.goals.is_empty() { (goals("Are the goals reached?", &document.goals)) }
    }
}

fn held(held: Held, word: &str) -> Markup {
    match held {
        Held::Holds => badge("better", "\u{2713}", word),
        Held::Misses => badge("worse", "\u{2715}", word),
        Held::Undecided => badge("same", "?", word),
        Held::NotJudged | Held::Refused => badge("same", "\u{2013}", word),
    }
}

/// A table of intervals against bounds, with the axis below them. The third column is drawn from one end to the other.
fn judged_table(
    caption: &str,
    [what, of, measured]: [&str; 3],
    [less, more]: [&str; 2],
    axis: &Axis,
    rows: &Markup,
) -> Markup {
    html! {
        table class="forest judged" role="table" {
            caption class="unseen" { (caption) }
            thead role="rowgroup" {
                tr role="row" {
                    th role="columnheader" scope="col" { (what) }
                    th role="columnheader" scope="col" { (of) }
                    th role="columnheader" scope="col" class="drawn" { span class="less" { "\u{2190} " (less) } span class="more" { (more) " \u{2192}" } }
                    th role="columnheader" scope="col" { (measured) }
                    th role="columnheader" scope="col" { "Judged" }
                }
            }
            tbody role="rowgroup" {
                (rows)
                tr role="row" class="axis" aria-hidden="true" { td role="cell" colspan="2" {} td role="cell" class="drawn" { (axis.labels()) } td role="cell" colspan="2" {} }
            }
        }
    }
}

fn slos(document: &VerdictDocument) -> Markup {
    let rows: Vec<(&SloResult, Row)> = document.slo.iter().map(|slo| (slo, slo_row(slo))).collect();
    let axis = Axis::new(rows.iter().map(|(_, row)| row), of_bound);
    let drawn = html! {
        @for (slo, row) in &rows {
            tr role="row" {
                th role="rowheader" scope="row" { (slo.slo) " " (wording::at(slo.rate_rps)) @if slo.primary { " " span class="primary" { "primary" } } }
                td role="cell" class="side" { (slo.side) }
                td role="cell" class="drawn" { (axis.strip(row)) }
                td role="cell" class="effect" { (typeset(&wording::with_interval(slo.value, |v| wording::objective_value(slo, v)))) }
                td role="cell" { (held(slo.held, wording::objective_held(slo.held))) }
            }
        }
    };
    let caption = "Each objective for each side: the 95 % interval against the bound";
    let columns = ["Objective", "Side", "Measured (95 % interval)"];
    html! {
        h3 { "Does each side hold the objectives?" }
        (judged_table(caption, columns, ["holds", "misses"], &axis, &drawn))
    }
}

/// An objective's interval in units of its bound.
fn slo_row(slo: &SloResult) -> Row {
    let part = |value: Option<f64>| value.map(|value| value / slo.bound);
    let ratio = slo.value.map(|value| Estimate {
        estimate: part(value.estimate),
        low: part(value.low),
        high: part(value.high),
    });
    let class = match slo.held {
        Held::Holds => "better",
        Held::Misses => "worse",
        Held::Undecided | Held::NotJudged | Held::Refused => "same",
    };
    let value = wording::with_interval(slo.value, |v| wording::objective_value(slo, v));
    Row {
        ratio,
        class,
        title: format!("{} of the {}: {value}", slo.slo, slo.side),
        ..Row::default()
    }
}

/// `half of it`, `bound`, `2 times` below the axis of objectives.
fn of_bound(ratio: f64) -> String {
    match ratio {
        1.0 => "bound".to_owned(),
        r if r >= 2.0 => format!("{r} times"),
        r => format!("{:.0} %", r * 100.0),
    }
}

pub(super) fn goals(title: &str, goals: &[GoalResult]) -> Markup {
    let rows: Vec<(&GoalResult, Row)> = goals.iter().map(|goal| (goal, goal_row(goal))).collect();
    let axis = Axis::new(rows.iter().map(|(_, row)| row), axis_label);
    let drawn = html! {
        @for (goal, row) in &rows {
            tr role="row" {
                th role="rowheader" scope="row" { (typeset(&goal.goal)) }
                td role="cell" class="side" data-of="at most" { (typeset(&change(goal.bound))) }
                td role="cell" class="drawn" { (axis.strip(row)) }
                td role="cell" class="effect" {
                    (typeset(&wording::effect(goal.ratio)))
                    @if !goal.required { small { "enough that it is not missed for certain" } }
                    @if let Some(why) = &goal.not_judged_because { small { (wording::capital(why)) } }
                }
                td role="cell" { (held(goal.held, wording::goal_held(goal))) }
            }
        }
    };
    let caption = "Each goal: the 95 % interval of the change against what was asked for";
    let columns = ["Goal", "At most", "Change (95 % interval)"];
    html! {
        h3 { (title) }
        (judged_table(caption, columns, ["less", "more"], &axis, &drawn))
    }
}

fn goal_row(goal: &GoalResult) -> Row {
    Row {
        ratio: goal.ratio,
        noise: None,
        bound: Some(goal.bound),
        class: match goal.held {
            Held::Holds => "better",
            Held::Misses => "worse",
            Held::Undecided | Held::NotJudged | Held::Refused => "same",
        },
        title: format!("{}: {}", goal.goal, wording::goal(goal)),
    }
}

pub(super) fn gates(document: &VerdictDocument) -> Markup {
    let failed: Vec<&Gate> = document.gates.iter().filter(|gate| !gate.passed).collect();
    let row = |gate: &Gate| {
        let word = if gate.passed { "held" } else { "failed" };
        vec![
            word.to_owned(),
            gate.code.replace('_', " "),
            gate.at.clone(),
            against_itself::gate_text(document, gate),
        ]
    };
    html! {
        @if document.gates.is_empty() {
            p class="absent" { "No measurement under load was made that a gate could have refused." }
        } @else if failed.is_empty() {
            p class="lead" { (badge("better", "\u{2713}", "yes")) " All " (document.gates.len()) " gates held." }
        } @else {
            p class="lead" { (badge("worse", "\u{2715}", "no")) " " (failed.len()) " of " (document.gates.len()) " gates failed:" }
            ul class="reasons" { @for gate in &failed { li { (typeset(&wording::capital(&gate.text))) } } }
            @for refused in &document.refused { p { "Refused: " (typeset(refused)) "." } }
        }
        @if let Some(aa) = against_itself::sentence(document) { p { "A/A: " (typeset(&aa)) "." } }
        @if !document.gates.is_empty() {
            (super::more("Every gate", table("What had to hold for the measurement to be trusted", &["held?", "gate", "where", "figure and limit"], document.gates.iter().map(row))))
        }
    }
}
