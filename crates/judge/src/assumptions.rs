//! What the estimates take for granted, each as a gate: that a side does not change while it is
//! measured, that requests left at random where that was asked for, that one pair says nothing about the
//! next, and that limits held.
//!
//! A gate here refuses only what is certain: together they let 98 of 100 clean runs through, and more
//! (`tests` simulates it).

use crate::blocks::{From, Latencies, from_sent_us};
use crate::comparisons::resource_values;
use crate::culprit;
use crate::gates::MOST_BROKEN;
use crate::plan::Plan;
use crate::refusals::bearing_of;
use crate::search::lateness;
use crate::terms::Terms;
use understudy_model::gates as load_gates;
use understudy_model::stored::LatencyBlock;
use understudy_model::verdict::{Gate, VerdictRules};
use understudy_model::{Arrivals, Pacing, Role};
use understudy_stats::goodness::{exponential, neighbours, thin};
use understudy_stats::paired::{p_above, p_below};
use understudy_stats::quantile::{BlockQuantile, order_statistic};

/// A change between the halves of a measurement that is none to speak of.
const NEGLIGIBLE_DRIFT: f64 = 0.05;
/// How sure a drift has to be.
const DRIFT_P: f64 = 0.001;
/// Requests that must be beyond the quantile in half a measurement.
const FEWEST_BEYOND: f64 = 10.0;
/// How sure it has to be that neighbouring pairs resemble each other.
const NEIGHBOURS_P: f64 = 0.005;
/// How little of it may be seen in the pairs that are left once some are dropped for it.
const TAMED_P: f64 = 0.05;
/// Fewest pairs that are left where only some count: fewer could not show that they are independent.
const FEWEST_LEFT: usize = 7;
/// Gaps that are looked at in one measurement, and how far their Anderson-Darling statistic may be
/// from that of random arrivals. One of a hundred random samples exceeds 1.96; lateness that `send_lag`
/// allows gives up to 7 (seen at 3,000/s on a noisy virtual machine), and 200 equal gaps give over 80: this
/// gate is for a generator that does something else than it was asked to.
const GAPS: usize = 200;
const MOST_A2: f64 = 10.0;
/// Share of a measurement's requests that wait for a connection from which a side is overloaded: its backlog grows as
/// long as it is measured, which is a result and no drift.
const OVERLOADED: f64 = 0.10;
/// What a side may use beyond its limit: the kernel accounts in periods and pages.
const SLACK: f64 = 1.05;

/// The gate of arrivals at random.
pub(crate) const POISSON: &str = "poisson";

/// Judges all of them; every `step`-th pair counts ([`thinning`]).
pub(crate) fn judge(
    terms: &Terms,
    plan: &Plan,
    blocks: &[LatencyBlock],
    latencies: &Latencies,
    step: usize,
) -> Vec<Gate> {
    let mut gates = Vec::new();
    for rate in &plan.rates {
        let here = |side: Role| -> Vec<&LatencyBlock> {
            let at_rate = blocks.iter().filter(|b| b.rate_rps == rate.rate_rps);
            at_rate.filter(|block| block.side == side).collect()
        };
        let sides: Vec<_> = terms.sides().map(|side| (side, here(side))).collect();
        let all: Vec<&LatencyBlock> = sides.iter().flat_map(|(_, b)| b.iter().copied()).collect();
        // Runs one after the other have no course within a measurement, and no arrivals.
        if terms.pacing == Pacing::Offered {
            for (side, blocks) in &sides {
                let at = (rate.rate_rps, plan.primary.quantile);
                gates.extend(stationary(*side, at, blocks, latencies.rules));
            }
            if terms.arrivals == Arrivals::Poisson {
                gates.extend(poisson(rate.rate_rps, &all));
            }
        }
        gates.extend(limits(terms, rate.rate_rps, &all));
    }
    gates.extend(independent(
        plan,
        differences(plan, latencies, blocks),
        step,
    ));
    gates
}

/// A gate whose sentence ends with what to change where it failed.
fn gate(code: &str, rate_rps: f64, passed: bool, figure: String, advice: &str) -> Gate {
    let text = match passed {
        true => figure,
        false => format!("{figure}; {advice}"),
    };
    told(code, rate_rps, passed, text)
}

/// A gate with its sentence.
fn told(code: &str, rate_rps: f64, passed: bool, text: String) -> Gate {
    Gate {
        bears_on: bearing_of(code),
        rate_rps: Some(rate_rps),
        code: code.to_owned(),
        at: Pacing::at(rate_rps),
        passed,
        text,
    }
}

/// Does a side change within its measurements? The halves of each are compared, block by block.
fn stationary(
    side: Role,
    (rate_rps, primary): (f64, f64),
    blocks: &[&LatencyBlock],
    rules: VerdictRules,
) -> Option<Gate> {
    let overloaded = blocks.iter().filter(|block| waiting(block) > OVERLOADED);
    if overloaded.count() as f64 > blocks.len() as f64 * MOST_BROKEN {
        return None;
    }
    let halves: Vec<[Vec<f64>; 2]> = blocks.iter().map(|block| halves(block, rules)).collect();
    let enough = |q: f64| {
        let shortest = halves.iter().flatten().map(Vec::len).min().unwrap_or(0);
        shortest as f64 * (1.0 - q) >= FEWEST_BEYOND
    };
    let quantile = [primary, 0.5].into_iter().find(|q| enough(*q))?;
    let drifts = halves.iter().map(|[first, second]| {
        let ratio = order_statistic(second, quantile)? / order_statistic(first, quantile)?;
        Some(ratio).filter(|ratio| ratio.is_finite())
    });
    // An infinite quantile is a result of its own: the objectives see it.
    let drifts: Vec<f64> = drifts.collect::<Option<_>>()?;
    let slower = p_above(&drifts, 1.0 + NEGLIGIBLE_DRIFT)?;
    let faster = p_below(&drifts, 1.0 / (1.0 + NEGLIGIBLE_DRIFT))?;
    let mean = drifts.iter().map(|ratio| ratio.ln()).sum::<f64>() / drifts.len() as f64;
    let figure = format!(
        "in the second half of its measurements at {rate_rps}/s p{} of the {} differs by {:+.1} % from the first (limit 5 % if significant)",
        (quantile * 1e8).round() / 1e6,
        side.in_words(),
        mean.exp_m1() * 100.0,
    );
    let advice = match mean > 0.0 {
        true => {
            "it slows down under load: find out why (a leak, a cache that overflows), or measure it fresh = \"block\" with a longer warmup"
        }
        false => "it is still warming up when it is measured: lengthen warmup",
    };
    let passed = slower.min(faster) >= DRIFT_P;
    Some(gate("stationary", rate_rps, passed, figure, advice))
}

/// Latencies of the requests due in each half of a measurement, microseconds, ascending.
fn halves(block: &LatencyBlock, rules: VerdictRules) -> [Vec<f64>; 2] {
    let figures = &block.figures;
    let middle = (figures.warmup_s + figures.measured_s / 2.0) * 1e9;
    let mut halves = [Vec::new(), Vec::new()];
    for row in &block.rows {
        let second = usize::from(row.observation.due_ns as f64 >= middle);
        halves[second].push(from_sent_us(&row.observation, rules));
    }
    for half in &mut halves {
        half.sort_unstable_by(f64::total_cmp);
    }
    halves
}

/// Were requests sent at random, as was asked for?
fn poisson(rate_rps: f64, blocks: &[&LatencyBlock]) -> Option<Gate> {
    let judged: Vec<(&LatencyBlock, f64)> = blocks
        .iter()
        .filter_map(|block| Some((*block, exponential(&gaps(block)?)?)))
        .collect();
    if judged.is_empty() {
        return None;
    }
    let broken: Vec<&LatencyBlock> = judged
        .iter()
        .filter(|(_, a2)| *a2 > MOST_A2)
        .map(|(block, _)| *block)
        .collect();
    let passed = broken.len() as f64 <= judged.len() as f64 * MOST_BROKEN;
    let one = load_gates::Gate {
        code: POISSON,
        passed,
        figure: format!(
            "in {} of {} measurements at {rate_rps}/s the gaps between requests are not those of random arrivals (Anderson-Darling above {MOST_A2}; limit {:.0} % of them)",
            broken.len(),
            judged.len(),
            MOST_BROKEN * 100.0,
        ),
        advice: "the generator sent in bursts or in step: quieten the machine, lower the rate, or ask for arrivals = \"constant\"".to_owned(),
    };
    let seen = broken
        .iter()
        .filter_map(|block| block.figures.neighbours.as_ref());
    Some(told(
        POISSON,
        rate_rps,
        passed,
        culprit::sentence(&one, seen),
    ))
}

/// Gaps between requests as they left, evenly spread over the measurement; `None` where the side, not
/// the generator, decided when they left.
fn gaps(block: &LatencyBlock) -> Option<Vec<f64>> {
    if waiting(block) > load_gates::MOST_WAITING {
        return None;
    }
    let rows = block.rows.iter().map(|row| &row.observation);
    let mut sent: Vec<u64> = rows.map(|row| row.sent_ns).collect();
    sent.sort_unstable();
    let step = (sent.len().saturating_sub(1) / GAPS).max(1);
    let gaps = sent.windows(2).step_by(step).take(GAPS);
    Some(gaps.map(|two| (two[1] - two[0]) as f64).collect())
}

/// Share of the requests of a measurement that had to wait for a connection.
fn waiting(block: &LatencyBlock) -> f64 {
    lateness::waiting(block.rows.iter().map(|row| &row.observation))
}

/// Every how many-th pair counts: the smallest step at which one pair says nothing about the next. 1 where
/// that cannot be known, and where no step helps as long as enough pairs are left.
pub(crate) fn thinning(plan: &Plan, latencies: &Latencies, blocks: &[LatencyBlock]) -> usize {
    let thinned = |differences: Vec<f64>| thin(&differences, FEWEST_LEFT, (NEIGHBOURS_P, TAMED_P));
    differences(plan, latencies, blocks)
        .and_then(thinned)
        .unwrap_or(1)
}

fn every(differences: &[f64], step: usize) -> Vec<f64> {
    differences.iter().copied().step_by(step).collect()
}

/// The measurements whose pairs count.
pub(crate) fn thinned<'b>(
    blocks: &'b [LatencyBlock],
    plan: &Plan,
    step: usize,
) -> Vec<&'b LatencyBlock> {
    let counts = |block: &&LatencyBlock| {
        block.rate_rps != plan.primary.rate_rps || (block.block as usize).is_multiple_of(step)
    };
    blocks.iter().filter(counts).collect()
}

/// The difference of each pair at the primary outcome, on the log scale; `None` where a quantile is
/// infinite or not judged.
fn differences(plan: &Plan, latencies: &Latencies, blocks: &[LatencyBlock]) -> Option<Vec<f64>> {
    let primary = &plan.primary;
    if let Some(resource) = primary.resource {
        let blocks: Vec<&LatencyBlock> = blocks.iter().collect();
        let (a, b) = resource_values(primary.rate_rps, resource, &blocks, Role::Candidate);
        return a
            .into_iter()
            .zip(b)
            .map(|(a, b)| Some((b? / a?).ln()))
            .collect();
    }
    let quantiles = |side: Role| -> Vec<BlockQuantile> {
        let blocks = latencies.of(primary.rate_rps, side, &primary.operation);
        blocks
            .iter()
            .map(|block| block.quantile(primary.quantile, From::Sent))
            .collect()
    };
    let (incumbent, candidate) = (quantiles(Role::Incumbent), quantiles(Role::Candidate));
    let differences = incumbent.iter().zip(&candidate).map(|pair| match pair {
        (BlockQuantile::Value(a), BlockQuantile::Value(b)) => Some((b / a).ln()),
        _ => None,
    });
    differences.collect()
}

/// Does one pair of measurements say something about the next, also of those that are left when only
/// every so many-th counts?
fn independent(plan: &Plan, differences: Option<Vec<f64>>, step: usize) -> Option<Gate> {
    let primary = &plan.primary;
    let differences = differences?;
    let left = every(&differences, step);
    let (rho, p) = neighbours(&left)?;
    let counted = match step {
        1 => String::new(),
        step => format!(
            "; {} of {} pairs count, one in {step}: the others resemble their neighbours",
            left.len(),
            differences.len(),
        ),
    };
    let figure = format!(
        "the difference of one pair and that of the next correlate with {rho:+.2} (Spearman; p = {p:.3}, limit {NEIGHBOURS_P}){counted}"
    );
    let advice = "something changes slowly, so the intervals are too narrow: find what (a job, a throttled CPU, a growing store), or measure longer blocks (--thorough)";
    Some(gate(
        "independent",
        primary.rate_rps,
        p >= NEIGHBOURS_P,
        figure,
        advice,
    ))
}

/// Did a side use more than it was allowed?
fn limits(terms: &Terms, rate_rps: f64, blocks: &[&LatencyBlock]) -> Option<Gate> {
    let cpus = terms.limits.cpus.map(|cpus| cpus.get());
    let memory = terms.limits.memory.map(|memory| memory.bytes() as f64);
    let used = |block: &LatencyBlock| {
        let figures = &block.figures;
        let cpu = figures
            .side_cpu_us
            .zip(cpus)
            .map(|(us, allowed)| us / 1e6 / figures.measured_s.max(1e-9) / allowed);
        let held = figures.peak_cgroup_bytes.or(figures.peak_rss_bytes);
        let memory = held.zip(memory).map(|(used, allowed)| used / allowed);
        cpu.into_iter().chain(memory).reduce(f64::max)
    };
    let shares: Vec<(f64, &LatencyBlock)> = blocks
        .iter()
        .filter_map(|block| Some((used(block)?, *block)))
        .collect();
    let worst = shares.iter().max_by(|a, b| f64::total_cmp(&a.0, &b.0))?;
    let beyond = shares.iter().filter(|(share, _)| *share > SLACK).count();
    let figure = format!(
        "the {} used at most {:.0} % of what its limits allow {} (limit {:.0} %)",
        worst.1.side.in_words(),
        worst.0 * 100.0,
        Pacing::at(rate_rps),
        SLACK * 100.0,
    );
    let passed = beyond as f64 <= shares.len() as f64 * MOST_BROKEN;
    let advice = "the limits did not hold: run as root or under systemd-run --user --scope -p Delegate=yes, or leave [limits] out";
    Some(gate("limits", rate_rps, passed, figure, advice))
}

#[cfg(test)]
mod tests;
