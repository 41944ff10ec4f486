//! When the measurement as a whole cannot be trusted.

mod frequency;

use crate::blocks::{From, Latencies};
use crate::comparisons::resource_of_itself;
use crate::culprit;
use crate::plan::Plan;
use crate::refusals::bearing_of;
use crate::search::lateness;
use crate::terms::{Goal, Slo, Terms};
use std::collections::BTreeMap;
use understudy_model::gates::{self as load_gates, Figures};
use understudy_model::stored::LatencyBlock;
use understudy_model::verdict::{Gate, LatencyComparison, ResourceComparison, VerdictRules};
use understudy_model::{Pacing, Role};
use understudy_stats::paired::{p_above, p_below};
use understudy_stats::quantile::{BlockQuantile, order_statistic};

/// Share of the measurements at one rate that may break a gate. One stolen moment
/// spoils one block, and the pairs absorb it; many are a machine that cannot measure.
pub(crate) const MOST_BROKEN: f64 = 0.20;
/// The gate of a side that the kernel killed for memory.
const OUT_OF_MEMORY: &str = "out_of_memory";
/// The gate of the incumbent against itself.
pub(crate) const AA: &str = "aa";
/// How far from 1 a ratio of what should be equal may be, where that is more than chance: at 98 %, since at 95 % the gate
/// of the incumbent against itself alone refuses 8 of 300 simulated clean runs, and all of them together may refuse 6.
const MOST_APART: f64 = 0.05;
const APART_P: f64 = 0.01;

/// Are ratios of what should be equal close to 1, as far as chance lets one see? `None` of too few.
fn are_even(ratios: &[f64], estimate: f64) -> Option<bool> {
    let p = p_above(ratios, 1.0)?.min(p_below(ratios, 1.0)?);
    Some(p >= APART_P || (estimate - 1.0).abs() <= MOST_APART)
}

/// Share of an objective's bound that the generator's lateness may be without a word.
const NEGLIGIBLE: f64 = 0.05;

/// What the measurement has to answer.
struct Asked {
    quantile: f64,
    /// Lateness that changes nothing that is judged, microseconds.
    negligible_us: f64,
    /// The highest quantile that is asked for.
    highest: f64,
}

impl Asked {
    /// Lateness counts in proportion to what is judged: the objective's bound, where one is stated
    /// for the primary quantile and no goal compares the quantiles themselves.
    fn new(terms: &Terms, plan: &Plan) -> Self {
        let compares = terms
            .judged_goals()
            .iter()
            .any(|goal| matches!(goal, Goal::Latency { .. }));
        let bound = terms.slos.iter().find_map(|slo| match slo {
            Slo::Latency {
                operation,
                quantile,
                max,
            } if *operation == plan.primary.operation && *quantile == plan.primary.quantile => {
                Some(max.micros())
            }
            _ => None,
        });
        let negligible_us = bound
            .filter(|_| !compares)
            .map_or(0.0, |bound| bound * NEGLIGIBLE);
        Asked {
            quantile: plan.primary.quantile,
            negligible_us,
            highest: terms.highest_quantile(),
        }
    }
}

/// Judges all gates.
pub(crate) fn judge(
    terms: &Terms,
    plan: &Plan,
    blocks: &[LatencyBlock],
    latencies: &Latencies,
    (aa, aa_resources): (&[LatencyComparison], &[ResourceComparison]),
) -> Vec<Gate> {
    let asked = Asked::new(terms, plan);
    let mut gates = Vec::new();
    for rate in &plan.rates {
        gates.extend(generator(rate.rate_rps, &asked, blocks, latencies));
        gates.extend(frequency::judge(rate.rate_rps, blocks));
    }
    gates.extend(against_itself(
        plan,
        (aa, aa_resources),
        (blocks, latencies),
    ));
    gates.extend(blocks.iter().filter_map(out_of_memory));
    gates
}

/// The generator's gates of every measurement at one rate, summed up.
fn generator(
    rate_rps: f64,
    asked: &Asked,
    blocks: &[LatencyBlock],
    latencies: &Latencies,
) -> Vec<Gate> {
    let mut by_code: BTreeMap<&str, Vec<(&LatencyBlock, load_gates::Gate)>> = BTreeMap::new();
    let mut bounds: BTreeMap<&str, usize> = BTreeMap::new();
    let here: Vec<&LatencyBlock> = blocks.iter().filter(|b| b.rate_rps == rate_rps).collect();
    for block in here {
        let observations = block.rows.iter().map(|row| &row.observation);
        let is_known = lateness::is_known(observations, block.figures.stamped, asked.highest);
        let judged = load_gates::judge(&figures(block, asked, latencies));
        for gate in judged
            .into_iter()
            .filter(|gate| bears_on_pacing(gate.code, rate_rps))
        {
            match is_a_bound(gate.code, latencies.rules, is_known) {
                true => *bounds.entry(gate.code).or_default() += 1,
                false => by_code.entry(gate.code).or_default().push((block, gate)),
            }
        }
    }
    by_code
        .into_iter()
        .map(|(code, gates)| {
            let judged = gates.len();
            let all = judged + bounds.get(code).copied().unwrap_or(0);
            let broken: Vec<_> = gates.iter().filter(|(_, gate)| !gate.passed).collect();
            let passed = broken.len() as f64 <= all as f64 * MOST_BROKEN;
            let (_, example) = broken.first().copied().unwrap_or(&gates[0]);
            let sentence = match passed {
                true => example.text(),
                false => {
                    let blocks = broken.iter().map(|(block, _)| block);
                    let seen = blocks.filter_map(|block| block.figures.neighbours.as_ref());
                    culprit::sentence(example, seen)
                }
            };
            Gate {
                code: code.to_owned(),
                at: Pacing::at(rate_rps),
                passed,
                text: format!(
                    "in {} of {all} measurements {}: {sentence}",
                    match broken.len() {
                        0 => judged,
                        broken => broken,
                    },
                    Pacing::at(rate_rps),
                ),
                bears_on: bearing_of(code),
                rate_rps: Some(rate_rps),
            }
        })
        .collect()
}

/// Is it a gate of what was done? Who asks one case after the other is never late, so only what took the CPUs from the
/// whole machine is left.
fn bears_on_pacing(code: &str, rate_rps: f64) -> bool {
    rate_rps != Pacing::NO_RATE || code == load_gates::STEAL
}

/// Lateness of single requests bounds their latencies: what turns on it stays undecided by itself.
fn is_a_bound(code: &str, rules: VerdictRules, lateness_is_known: bool) -> bool {
    match code {
        load_gates::SEND_LAG => rules >= VerdictRules::BOUNDS,
        load_gates::RUN_QUEUE => rules >= VerdictRules::ARRIVALS && lateness_is_known,
        _ => false,
    }
}

fn figures(block: &LatencyBlock, asked: &Asked, latencies: &Latencies) -> Figures {
    let mut lags: Vec<f64> = block
        .rows
        .iter()
        .filter_map(|row| row.observation.send_lag_ns())
        .map(|ns| ns as f64 / 1e3)
        .collect();
    lags.sort_unstable_by(f64::total_cmp);
    let sorted = latencies.of(block.rate_rps, block.side, "*");
    let sorted = sorted.get(block.block as usize).copied();
    // A gate needs a figure even where a quantile is not judged: the plain order statistic.
    Figures {
        generator: block.figures.generator(),
        offered_rate_rps: Some(block.rate_rps).filter(|rate| *rate != Pacing::NO_RATE),
        quantile: asked.quantile,
        negligible_us: asked.negligible_us,
        send_lag_us: order_statistic(&lags, asked.quantile).unwrap_or(0.0),
        latency_us: sorted.and_then(|s| order_statistic(&s.answered_us, asked.quantile)),
    }
}

/// The primary outcome of the incumbent against itself.
fn against_itself(
    plan: &Plan,
    (aa, aa_resources): (&[LatencyComparison], &[ResourceComparison]),
    (blocks, latencies): (&[LatencyBlock], &Latencies),
) -> Option<Gate> {
    let primary = &plan.primary;
    let (ratio, ratios) = match primary.resource {
        None => {
            let is_primary = |of: &&LatencyComparison| {
                of.quantile == primary.quantile && of.rate_rps == primary.rate_rps
            };
            let ratio = aa.iter().find(is_primary)?.ratio;
            (ratio, ratios_of_itself(plan, latencies))
        }
        Some(resource) => {
            let is_primary = |of: &&ResourceComparison| {
                of.resource == resource && of.rate_rps == primary.rate_rps
            };
            let ratio = aa_resources.iter().find(is_primary)?.ratio;
            (
                ratio,
                resource_of_itself(primary.rate_rps, resource, blocks),
            )
        }
    };
    let (ratio, ratios) = (ratio?, ratios?);
    let (estimate, low, high) = (ratio.estimate?, ratio.low?, ratio.high?);
    let passed = are_even(&ratios, estimate)?;
    Some(Gate {
        code: AA.to_owned(),
        at: Pacing::at(primary.rate_rps),
        passed,
        text: format!(
            "the incumbent against itself: {:+.1} % (95 % interval {:+.1} % to {:+.1} %; limit {:.0} % if significant at 2 %){}",
            (estimate - 1.0) * 100.0,
            (low - 1.0) * 100.0,
            (high - 1.0) * 100.0,
            MOST_APART * 100.0,
            if passed {
                ""
            } else {
                "; the machine or the incumbent drifts: quieten the machine, or lengthen the warm-up"
            },
        ),
        bears_on: bearing_of(AA),
        rate_rps: Some(primary.rate_rps),
    })
}

/// The primary quantile of the second over that of the first incumbent measurement of each ABBA block.
fn ratios_of_itself(plan: &Plan, latencies: &Latencies) -> Option<Vec<f64>> {
    let primary = &plan.primary;
    let blocks = latencies.of(primary.rate_rps, Role::Incumbent, &primary.operation);
    let quantile = |at: usize| match blocks[at].quantile(primary.quantile, From::Sent) {
        BlockQuantile::Value(value) => Some(value),
        _ => None,
    };
    let pairs = (0..blocks.len() / 2).map(|k| Some(quantile(2 * k + 1)? / quantile(2 * k)?));
    pairs.collect()
}

/// A side that was killed for memory did not run under the limits that were asked for.
fn out_of_memory(block: &LatencyBlock) -> Option<Gate> {
    let kills = block.figures.oom_kills.filter(|kills| *kills > 0)?;
    Some(Gate {
        code: OUT_OF_MEMORY.to_owned(),
        at: format!(
            "{} {} block {}",
            Pacing::at(block.rate_rps),
            block.side,
            block.block
        ),
        passed: false,
        text: format!(
            "the kernel killed {kills} process{} of the {} for memory; raise limits.memory or lower its heap",
            if kills == 1 { "" } else { "es" },
            block.side.in_words(),
        ),
        bears_on: bearing_of(OUT_OF_MEMORY),
        rate_rps: None,
    })
}

#[cfg(test)]
mod tests;
