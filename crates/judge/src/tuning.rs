//! What tuning alone comes to: does the tuned incumbent reach what a replacement would be for?

use crate::Evidence;
use crate::decide::{failures, is_surely_deviating, slos};
use crate::sentences::{goal_figures, goal_text, reason, slo_figures, slo_text, slo_text_with};
use understudy_model::Role;
use understudy_model::verdict::{Comparison, GoalResult, Held, Reason, SloResult, VerdictDocument};

/// The reason of a verdict that is open because that of the tuned incumbent is.
pub(crate) const UNDECIDED: &str = "tuning_undecided";

/// What a replacement would be for, all of it.
pub(crate) enum Need<'d> {
    /// Objectives that the incumbent misses.
    Objectives(Vec<&'d SloResult>),
    /// The goals that are stated.
    Goals,
}

/// What the tuned incumbent does about a need, with the reasons.
pub(crate) enum Tuning {
    /// All of it, for certain: it is not a reason to replace.
    Reaches(Vec<Reason>),
    /// Not all of it, for certain, or at an unacceptable price; without reasons there is no tuned side.
    FallsShort(Vec<Reason>),
    /// That is open.
    Open(Vec<Reason>),
}

/// Judges the tuned incumbent as what is available without a replacement. It is taken as a whole: one that
/// gains a goal and loses an objective, an answer or another goal is not an alternative.
pub(crate) fn judge(document: &VerdictDocument, evidence: &Evidence, need: &Need<'_>) -> Tuning {
    let tuned = |of: &&Comparison| of.contender == Role::Tuned;
    let Some(comparison) = document.comparisons.iter().find(tuned) else {
        return Tuning::FallsShort(Vec::new());
    };
    let unfit = unfit(document, evidence, comparison);
    if !unfit.is_empty() {
        return Tuning::FallsShort(unfit);
    }
    let results = match need {
        Need::Objectives(missed) => objectives(document, missed),
        Need::Goals => goals(&document.tuned_goals),
    };
    let of = |wanted: &dyn Fn(Held) -> bool| -> Vec<Reason> {
        let chosen = results.iter().filter(|(held, _)| wanted(*held));
        chosen.map(|(_, why)| why.clone()).collect()
    };
    let short = of(&|held| held == Held::Misses);
    if !short.is_empty() {
        return Tuning::FallsShort(short);
    }
    let open = of(&|held| held != Held::Holds);
    match open.is_empty() {
        true => Tuning::Reaches(of(&|_| true)),
        false => Tuning::Open(open),
    }
}

/// Why it is not an alternative, whatever it gains.
fn unfit(document: &VerdictDocument, evidence: &Evidence, comparison: &Comparison) -> Vec<Reason> {
    let equivalence = &comparison.equivalence;
    let mut unfit = Vec::new();
    if equivalence.different > 0 {
        let text = format!(
            "the tuned incumbent is not an alternative: {} of {} of its answers differ from the incumbent's",
            equivalence.different, equivalence.compared,
        );
        let figures = [
            ("different", equivalence.different as f64),
            ("compared", equivalence.compared as f64),
        ];
        unfit.push(reason("tuned_differs", text, figures));
    }
    if let Some(under_load) = &comparison.under_load
        && is_surely_deviating(under_load)
    {
        let text = format!(
            "the tuned incumbent is not an alternative: under load {} of {} of its answers deviate from the incumbent's",
            under_load.deviating, under_load.answered,
        );
        let figures = [
            ("deviating", under_load.deviating as f64),
            ("answered", under_load.answered as f64),
        ];
        unfit.push(reason("tuned_differs", text, figures));
    }
    unfit.extend(failures(evidence, Role::Tuned).unwrap_or_default());
    unfit.extend(slos(document, Role::Tuned, Held::Misses).map(|slo| {
        let text = slo_text(slo, "misses");
        reason("tuned_misses_slo", text, slo_figures(slo))
    }));
    unfit
}

/// What became of objectives that the incumbent misses.
fn objectives(document: &VerdictDocument, missed: &[&SloResult]) -> Vec<(Held, Reason)> {
    let of = |miss: &&SloResult| {
        let tuned = document.slo.iter().find(|slo| {
            slo.side == Role::Tuned && slo.slo == miss.slo && slo.rate_rps == miss.rate_rps
        })?;
        let (code, text) = match tuned.held {
            Held::Holds => ("tuning_gains_it", slo_text(tuned, "holds")),
            _ => (
                UNDECIDED,
                slo_text_with(tuned, "is undecided (the interval contains the bound) for"),
            ),
        };
        Some((tuned.held, reason(code, text, slo_figures(tuned))))
    };
    missed.iter().filter_map(of).collect()
}

/// What became of the goals.
fn goals(goals: &[GoalResult]) -> Vec<(Held, Reason)> {
    let of = |goal: &GoalResult| {
        let (code, verb) = match goal.held {
            Held::Holds => ("tuning_gains_it", "is reached by tuning alone"),
            Held::Misses => ("tuning_falls_short", "is not reached by tuning alone"),
            _ => (
                UNDECIDED,
                "is undecided for tuning alone (the interval contains the goal)",
            ),
        };
        let why = reason(code, goal_text(goal, verb), goal_figures(goal));
        (goal.held, why)
    };
    goals.iter().map(of).collect()
}

#[cfg(test)]
mod tests;
