//! From figures to the document.

use crate::case::{Case, Resolved, Source};
use crate::decide::{Decided, Known, decide};
use crate::document::{Arm, ArmFigures, Assumption, CaseDocument, SCHEMA};
use crate::input::{Input, Unit};
use crate::lines::lines;
use crate::model::{Model, Point, Rounding};
use crate::sensitivity::{Sensitivity, source_name};
use crate::simulate::{Simulation, simulate};
use understudy_model::verdict::Verdict;

/// Draws of a simulation, where nothing is said: quantiles of NPV then have a standard error below
/// 0.1 % of the P5 to P95 spread.
pub const DRAWS: u32 = 1_000_000;

/// The whole case. `resolved` are the figures of `case`; the same seed gives the same document.
pub fn assess(case: &Case, resolved: &Resolved, draws: u32, seed: u64) -> CaseDocument {
    let unsafe_memory = case.facts.memory_safe == Some(false);
    let simulation = simulate(resolved, unsafe_memory, draws, seed);
    let sensitivity = Sensitivity::new(resolved, unsafe_memory);
    let tornado = sensitivity.tornado();
    let break_even = sensitivity.break_even();
    let point = Point::medians(resolved);
    let threshold = point.get(Input::Threshold).unwrap_or(1.0);
    let Decided {
        verdict,
        because,
        next,
        checks,
    } = decide(&Known {
        case,
        point: &point,
        simulation: &simulation,
        break_even: &break_even,
        tornado: &tornado,
        threshold,
    });
    debug_assert!(matches!(
        verdict,
        Verdict::Replace | Verdict::Keep | Verdict::Inconclusive
    ));
    CaseDocument {
        schema: SCHEMA,
        name: case.name.clone(),
        currency: case.currency.to_string(),
        verdict,
        because,
        next,
        threshold,
        p_npv_positive: simulation.p_npv_positive,
        p_beats_tuning: simulation.p_beats_tuning,
        npv: simulation.npv.quantiles(),
        distribution: simulation.npv.bins(),
        fleets: sensitivity.fleets(&break_even),
        arms: arms(
            &simulation,
            &Model::new(&point, Rounding::Whole, unsafe_memory),
        ),
        break_even,
        flip: sensitivity.flip(case.currency),
        checks,
        defaults: sensitivity.defaults(&tornado),
        tornado,
        assumptions: assumptions(case, resolved),
        lines: lines(resolved, unsafe_memory, case.currency),
        draws,
        seed,
    }
}

fn arms(simulation: &Simulation, medians: &Model<'_>) -> Vec<ArmFigures> {
    let each = Arm::ALL.into_iter().zip(&simulation.arms);
    each.map(|(arm, drawn)| ArmFigures {
        arm,
        instances: drawn.instances,
        yearly_cost: drawn.yearly_cost,
        yearly_saving: drawn.yearly_saving,
        one_off: drawn.one_off,
        npv: drawn.npv,
        payback_months: match arm {
            Arm::Incumbent => None,
            Arm::Tuned | Arm::Candidate => medians.payback(arm),
        },
    })
    .collect()
}

fn assumptions(case: &Case, resolved: &Resolved) -> Vec<Assumption> {
    let each = resolved.all().map(|(input, value)| {
        let (low, high) = value.spread.bounds();
        let (Source::Measured(origin) | Source::Stated(origin) | Source::Default(origin)) =
            &value.source;
        Assumption {
            input: input.name().to_owned(),
            meaning: input.what().to_owned(),
            unit: match input.about().unit {
                // Numbers of a document are never in percent.
                Unit::Share => "share".to_owned(),
                other => other.word(case.currency),
            },
            distribution: value.spread.form().to_owned(),
            low,
            median: value.spread.median(),
            high,
            source: source_name(&value.source).to_owned(),
            origin: origin.clone(),
        }
    });
    each.collect()
}
