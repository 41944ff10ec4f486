//! A contender next to the incumbent: latency quantiles and resources, by pairs of blocks.

use crate::blocks::{From, Latencies, Sorted, judged_operations};
use crate::plan::{Plan, RatePlan};
use crate::terms::{Goal, Slo, Terms};
use understudy_model::stored::LatencyBlock;
use understudy_model::verdict::{Estimate, LatencyComparison, Resource, ResourceComparison};
use understudy_model::{Observation, Pacing, Role};
use understudy_stats::Interval;
use understudy_stats::holm;
use understudy_stats::paired::{Centre, effect, log_mean_interval, log_mean_interval_at};
use understudy_stats::quantile::BlockQuantile;

/// Quantiles that are described whatever the objectives name.
const DESCRIBED: [f64; 4] = [0.5, 0.9, 0.99, 0.999];
/// How often the interval of a figure that is described may miss.
const ALPHA: f64 = 0.05;

/// An interval as documents have it.
pub fn estimate(interval: Interval) -> Estimate {
    Estimate {
        estimate: Some(interval.estimate),
        low: Some(interval.low),
        high: Some(interval.high),
    }
}

/// The quantiles of one side's blocks.
pub(crate) enum Values {
    /// One a block; infinite ones are `f64::INFINITY`.
    Judged(Vec<f64>),
    /// Too few samples, and in which words.
    NotJudged(String),
}

/// Takes a quantile of each block; one block that cannot be judged makes all of them so.
pub(crate) fn values(blocks: &[&Sorted], q: f64, from: From) -> Values {
    if blocks.len() < 2 {
        return Values::NotJudged(format!(
            "{} of at least 2 blocks were measured",
            blocks.len()
        ));
    }
    let mut values = Vec::with_capacity(blocks.len());
    for block in blocks {
        match block.quantile(q, from) {
            BlockQuantile::Value(value) => values.push(value),
            BlockQuantile::Infinite => values.push(f64::INFINITY),
            BlockQuantile::NotJudged { have, need } => {
                return Values::NotJudged(format!(
                    "a block has {have} requests; {need} are needed to judge this quantile"
                ));
            }
        }
    }
    Values::Judged(values)
}

/// One side's interval, which misses with probability `alpha`. With infinite blocks the upper end is infinite, and the
/// rest comes from the finite ones.
pub(crate) fn side_estimate(values: &[f64], alpha: f64) -> Option<Estimate> {
    let finite: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    if finite.len() == values.len() {
        return log_mean_interval_at(values, alpha).map(estimate);
    }
    let lowest = finite.iter().copied().fold(f64::INFINITY, f64::min);
    Some(Estimate {
        estimate: None,
        low: lowest.is_finite().then_some(lowest),
        high: None,
    })
}

/// The rates at which each measurement has quantiles of its own. Runs one after the other are too few for that.
fn offered(plan: &Plan) -> impl Iterator<Item = &RatePlan> {
    let rates = plan.rates.iter();
    rates.filter(|rate| rate.rate_rps != Pacing::NO_RATE)
}

/// Every judged quantile of every rate: the contender over the incumbent, Holm-corrected but for the
/// primary.
pub(crate) fn latency(
    plan: &Plan,
    terms: &Terms,
    latencies: &Latencies,
    contender: Role,
) -> Vec<LatencyComparison> {
    let mut all = Vec::new();
    for rate in offered(plan) {
        for operation in judged_operations(terms) {
            for q in quantiles(terms, &operation) {
                let of = |side| latencies.of(rate.rate_rps, side, &operation);
                let (a, b) = (of(Role::Incumbent), of(contender));
                let pairs = a.len().min(b.len());
                let (a, b) = (&a[..pairs], &b[..pairs]);
                let how = (plan.centre(), terms.seed);
                all.push(compare((&operation, rate.rate_rps, q), (a, b), how));
            }
        }
    }
    correct(plan, &mut all);
    all
}

/// The incumbent against itself: the two incumbent measurements of each ABBA block.
pub(crate) fn aa(plan: &Plan, terms: &Terms, latencies: &Latencies) -> Vec<LatencyComparison> {
    let mut all = Vec::new();
    for rate in offered(plan) {
        let blocks = latencies.of(rate.rate_rps, Role::Incumbent, &plan.primary.operation);
        let (first, second): (Vec<&Sorted>, Vec<&Sorted>) = blocks
            .chunks_exact(2)
            .map(|pair| (pair[0], pair[1]))
            .unzip();
        for q in quantiles(terms, &plan.primary.operation) {
            let at = (&*plan.primary.operation, rate.rate_rps, q);
            let how = (plan.centre(), terms.seed);
            all.push(compare(at, (&first, &second), how));
        }
    }
    all
}

/// The described quantiles and those that objectives and goals name for this operation, ascending.
fn quantiles(terms: &Terms, operation: &str) -> Vec<f64> {
    let mut quantiles = DESCRIBED.to_vec();
    for slo in &terms.slos {
        match slo {
            Slo::Latency {
                operation: named,
                quantile,
                ..
            } if named == operation => {
                quantiles.push(*quantile);
            }
            _ => {}
        }
    }
    for goal in terms.judged_goals() {
        if let Goal::Latency { quantile, .. } = goal {
            quantiles.push(quantile);
        }
    }
    quantiles.sort_by(f64::total_cmp);
    quantiles.dedup();
    quantiles
}

fn compare(
    (operation, rate_rps, quantile): (&str, f64, f64),
    (baseline, contender): (&[&Sorted], &[&Sorted]),
    (centre, seed): (Centre, u64),
) -> LatencyComparison {
    let mut comparison = LatencyComparison {
        operation: operation.to_owned(),
        rate_rps,
        quantile,
        baseline_us: None,
        contender_us: None,
        baseline_from_sent_us: None,
        contender_from_sent_us: None,
        ratio_from_sent: None,
        ratio: None,
        p_value: None,
        p_value_holm: None,
        mde: None,
        pairs: 0,
        judged: false,
        not_judged_because: None,
    };
    let of = |from| {
        (
            values(baseline, quantile, from),
            values(contender, quantile, from),
        )
    };
    let due = of(From::Due);
    if let ((Values::Judged(a), Values::Judged(b)), (Values::Judged(x), Values::Judged(y))) =
        (&due, of(From::Sent))
        && (*a != x || *b != y)
    {
        comparison.baseline_from_sent_us = side_estimate(&x, ALPHA);
        comparison.contender_from_sent_us = side_estimate(&y, ALPHA);
        let effect = effect(&log_differences(&x, &y), centre, seed);
        comparison.ratio_from_sent = effect.map(|effect| estimate(effect.ratio));
    }
    match due {
        (Values::Judged(a), Values::Judged(b)) => {
            comparison.pairs = a.len().min(b.len()) as u32;
            comparison.baseline_us = side_estimate(&a, ALPHA);
            comparison.contender_us = side_estimate(&b, ALPHA);
            comparison.judged = true;
            match effect(&log_differences(&a, &b), centre, seed) {
                Some(effect) => {
                    comparison.ratio = Some(estimate(effect.ratio));
                    comparison.p_value = Some(effect.p_value);
                    comparison.mde = Some(effect.mde);
                }
                None => {
                    comparison.not_judged_because =
                        Some("the quantile is infinite in some block: no ratio".to_owned());
                }
            }
        }
        (Values::NotJudged(why), _) | (_, Values::NotJudged(why)) => {
            comparison.not_judged_because = Some(why);
        }
    }
    comparison
}

/// ln(contender) - ln(baseline) of each pair.
pub(crate) fn log_differences(baseline: &[f64], contender: &[f64]) -> Vec<f64> {
    baseline
        .iter()
        .zip(contender)
        .map(|(a, b)| b.ln() - a.ln())
        .collect()
}

/// Holm's correction over everything that is not the primary comparison.
fn correct(plan: &Plan, comparisons: &mut [LatencyComparison]) {
    let primary = &plan.primary;
    let secondary: Vec<usize> = comparisons
        .iter()
        .enumerate()
        .filter(|(_, c)| {
            c.p_value.is_some()
                && !(c.operation == primary.operation
                    && c.quantile == primary.quantile
                    && c.rate_rps == primary.rate_rps)
        })
        .map(|(index, _)| index)
        .collect();
    let p_values: Vec<f64> = secondary
        .iter()
        .filter_map(|index| comparisons[*index].p_value)
        .collect();
    for (index, adjusted) in secondary.iter().zip(holm::adjust(&p_values)) {
        comparisons[*index].p_value_holm = Some(adjusted);
    }
}

/// What is compared of the machine's resources.
const RESOURCES: [Resource; 6] = [
    Resource::WallUsPerRun,
    Resource::StartupUs,
    Resource::CpuUsPerRequest,
    Resource::PeakRssBytes,
    Resource::PeakPssBytes,
    Resource::PeakCgroupBytes,
];

/// What there is to compare where cases are asked like this. A service is asked at a rate, and its pace is that of the
/// rate; nothing else is known of the memory of a run than its largest resident set.
fn compared_resources(pacing: Pacing) -> impl Iterator<Item = Resource> + Clone {
    let of_runs = |resource: &Resource| match resource {
        Resource::WallUsPerRun | Resource::StartupUs => Some(true),
        Resource::CpuUsPerRequest | Resource::PeakRssBytes => None,
        Resource::PeakPssBytes | Resource::PeakCgroupBytes => Some(false),
    };
    let is_there = move |resource: &Resource| {
        of_runs(resource).is_none_or(|of_runs| of_runs == (pacing == Pacing::Serial))
    };
    RESOURCES.into_iter().filter(is_there)
}

/// Was it asked for? A start without a case is measured only where the trial says how to make one.
fn is_asked(resource: Resource, blocks: &[&LatencyBlock]) -> bool {
    let mut figures = blocks.iter().map(|block| &block.figures);
    resource != Resource::StartupUs || figures.any(|figures| figures.startup_ns.is_some())
}

/// One value a block of a side; `None` where it was not measured.
type Measured = Vec<Option<f64>>;

/// CPU per request and memory at every rate.
pub(crate) fn resources(
    plan: &Plan,
    terms: &Terms,
    blocks: &[&LatencyBlock],
    contender: Role,
) -> Vec<ResourceComparison> {
    let said = blocks
        .iter()
        .find_map(|block| block.figures.unmeasured.as_deref());
    let at = |rate_rps: f64, resource: Resource| {
        let values = resource_values(rate_rps, resource, blocks, contender);
        compare_resource(
            (rate_rps, resource),
            values,
            said,
            (plan.centre(), terms.seed),
        )
    };
    let rates = plan.rates.iter();
    let asked = compared_resources(terms.pacing).filter(|resource| is_asked(*resource, blocks));
    rates
        .flat_map(|rate| asked.clone().map(|resource| at(rate.rate_rps, resource)))
        .collect()
}

/// The incumbent against itself: CPU and memory of the two incumbent measurements of each ABBA block. What was not
/// measured is left out.
pub(crate) fn aa_resources(
    plan: &Plan,
    terms: &Terms,
    blocks: &[LatencyBlock],
) -> Vec<ResourceComparison> {
    let blocks: Vec<&LatencyBlock> = blocks.iter().collect();
    let at = |rate_rps: f64, resource: Resource| {
        let all = side_values(rate_rps, resource, &blocks, Role::Incumbent);
        let halves = all.chunks_exact(2).map(|pair| (pair[0], pair[1])).unzip();
        compare_resource(
            (rate_rps, resource),
            halves,
            None,
            (plan.centre(), terms.seed),
        )
    };
    let rates = plan.rates.iter();
    rates
        .flat_map(|rate| {
            compared_resources(terms.pacing).map(|resource| at(rate.rate_rps, resource))
        })
        .filter(|compared| compared.unmeasured.is_none())
        .collect()
}

/// Of each ABBA block of the incumbent, the second measurement over the first; `None` where one was not measured.
pub(crate) fn resource_of_itself(
    rate_rps: f64,
    resource: Resource,
    blocks: &[LatencyBlock],
) -> Option<Vec<f64>> {
    let blocks: Vec<&LatencyBlock> = blocks.iter().collect();
    let all = side_values(rate_rps, resource, &blocks, Role::Incumbent);
    let pairs = all.chunks_exact(2);
    pairs.map(|pair| Some(pair[1]? / pair[0]?)).collect()
}

fn compare_resource(
    (rate_rps, resource): (f64, Resource),
    (a, b): (Measured, Measured),
    said: Option<&str>,
    (centre, seed): (Centre, u64),
) -> ResourceComparison {
    let measured = a.iter().chain(&b).all(Option::is_some) && a.len() >= 2 && b.len() >= 2;
    let unmeasured = (!measured).then(|| said.unwrap_or("not measured in every block").to_owned());
    let pairs = a.len().min(b.len());
    let (a, b): (Vec<f64>, Vec<f64>) = a.into_iter().zip(b).filter_map(|(a, b)| a.zip(b)).unzip();
    let estimates = measured.then(|| (log_mean_interval(&a), log_mean_interval(&b)));
    let ratio = measured
        .then(|| effect(&log_differences(&a, &b), centre, seed))
        .flatten();
    ResourceComparison {
        resource,
        rate_rps,
        baseline: estimates.and_then(|(a, _)| a).map(estimate),
        contender: estimates.and_then(|(_, b)| b).map(estimate),
        ratio: ratio.map(|effect| estimate(effect.ratio)),
        pairs: pairs as u32,
        unmeasured,
    }
}

/// The values of the incumbent and a contender, block by block.
pub(crate) fn resource_values(
    rate_rps: f64,
    resource: Resource,
    blocks: &[&LatencyBlock],
    contender: Role,
) -> (Measured, Measured) {
    let of = |side| side_values(rate_rps, resource, blocks, side);
    let (mut a, mut b) = (of(Role::Incumbent), of(contender));
    let pairs = a.len().min(b.len());
    a.truncate(pairs);
    b.truncate(pairs);
    (a, b)
}

/// The values of one side, block by block.
fn side_values(
    rate_rps: f64,
    resource: Resource,
    blocks: &[&LatencyBlock],
    side: Role,
) -> Measured {
    let mut mine: Vec<&LatencyBlock> = blocks
        .iter()
        .copied()
        .filter(|b| b.side == side && b.rate_rps == rate_rps)
        .collect();
    mine.sort_by_key(|b| b.block);
    mine.into_iter()
        .map(|block| resource_of(block, resource))
        .collect()
}

/// The wall time of a run, microseconds. One that failed took as long as it took: whether it may fail is judged before.
pub(crate) fn wall_us(observation: &Observation) -> f64 {
    let Observation {
        sent_ns, last_ns, ..
    } = observation;
    last_ns.saturating_sub(*sent_ns) as f64 / 1e3
}

fn resource_of(block: &LatencyBlock, resource: Resource) -> Option<f64> {
    let figures = &block.figures;
    let value = match resource {
        Resource::WallUsPerRun => {
            let took = block.rows.iter().map(|row| wall_us(&row.observation));
            (!block.rows.is_empty()).then(|| took.sum::<f64>() / block.rows.len() as f64)
        }
        Resource::StartupUs => figures.startup_ns.map(|ns| ns as f64 / 1e3),
        Resource::CpuUsPerRequest => {
            let answered = block
                .rows
                .iter()
                .filter(|r| r.observation.latency_ns().is_some())
                .count();
            figures
                .side_cpu_us
                .filter(|_| answered > 0)
                .map(|us| us / answered as f64)
        }
        Resource::PeakRssBytes => figures.peak_rss_bytes,
        Resource::PeakPssBytes => figures.peak_pss_bytes,
        Resource::PeakCgroupBytes => figures.peak_cgroup_bytes,
    };
    value.filter(|value| *value > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulated::{self, ns};
    use crate::terms::Level;
    use understudy_testkit::answered;

    /// The first measurement of each ABBA block of the incumbent takes 100 us a request, the second 110 us.
    #[test]
    fn cpu_of_the_incumbent_is_compared_with_itself_by_halves_of_blocks() {
        let terms = simulated::terms(Level::Quick, &[1000.0], 0.99);
        let block = |side: Role, number: u32| {
            let rows = (0..100).map(|at| {
                let due = f64::from(at) * 1e-3;
                answered(0, (ns(due), ns(due), ns(due + 1e-3)))
            });
            let mut block = simulated::block((side, number), (1000.0, 0.1), rows.collect());
            let cpu_us = if number.is_multiple_of(2) {
                100.0
            } else {
                110.0
            };
            block.figures.side_cpu_us = Some(100.0 * cpu_us);
            block
        };
        let sides = [Role::Incumbent, Role::Candidate];
        let all = |numbers: u32| -> Vec<LatencyBlock> {
            let numbers = 0..numbers;
            numbers
                .flat_map(|number| sides.map(|side| block(side, number)))
                .collect()
        };
        let plan = Plan::new(&terms);
        let [cpu] = &aa_resources(&plan, &terms, &all(7))[..] else {
            unreachable!("CPU alone was measured, and the seventh measurement has no other half")
        };
        assert_eq!((cpu.resource, cpu.pairs), (Resource::CpuUsPerRequest, 3));
        let ratio = cpu.ratio.and_then(|of| of.estimate).unwrap_or_default();
        assert!((ratio - 1.1).abs() < 1e-9, "{cpu:?}");
        // One ABBA block has no interval.
        assert_eq!(aa_resources(&plan, &terms, &all(2)), []);
    }
}
