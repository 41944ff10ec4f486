//! `series.json`: what a report draws, made of the stored measurements. Pure and descriptive.

use crate::judge::LatencyBlock;
use std::collections::BTreeMap;
use understudy_evidence::{Row, Table};
use understudy_model::Side;
use understudy_model::series::{
    BlockSeries, CurvePoint, LatencyPoint, PercentileCurve, ResourcePoint, SCHEMA, SeriesDocument,
};

/// Windows that a measurement is divided into, and the shortest of them.
const WINDOWS: f64 = 60.0;
const SHORTEST_WINDOW_S: f64 = 0.1;
/// The points of a curve: equal steps in the number of nines, this many from one to the next.
const STEPS_PER_NINE: u32 = 12;
/// A quantile is drawn as long as so many requests lie beyond it.
const FEWEST_BEYOND: f64 = 10.0;

/// Draws the measurements; `samples` belong to the block of the same index.
pub(crate) fn draw(blocks: &[LatencyBlock], samples: &[Table]) -> SeriesDocument {
    let mut order: Vec<(&LatencyBlock, &Table)> = blocks.iter().zip(samples).collect();
    order.sort_by(|a, b| f64::total_cmp(&started(a.0), &started(b.0)));
    let first = order.first().map_or(0.0, |(block, _)| started(block));
    SeriesDocument {
        schema: SCHEMA,
        curves: curves(blocks),
        blocks: order
            .into_iter()
            .map(|(block, samples)| BlockSeries {
                rate_rps: block.rate_rps,
                side: block.side,
                block: block.block,
                started_s: started(block) - first,
                measured_s: block.figures.measured_s,
                latency: latency(block),
                resources: resources(block, samples),
            })
            .collect(),
    }
}

fn started(block: &LatencyBlock) -> f64 {
    block.figures.started_unix_s
}

fn curves(blocks: &[LatencyBlock]) -> Vec<PercentileCurve> {
    let mut groups: BTreeMap<(u64, Side), Vec<&LatencyBlock>> = BTreeMap::new();
    for block in blocks {
        // The bits of positive numbers sort as the numbers do.
        let key = (block.rate_rps.to_bits(), block.side);
        groups.entry(key).or_default().push(block);
    }
    let curve = |((rate, side), blocks): (_, Vec<&LatencyBlock>)| {
        percentile_curve(f64::from_bits(rate), side, &blocks)
    };
    groups.into_iter().map(curve).collect()
}

fn percentile_curve(rate_rps: f64, side: Side, blocks: &[&LatencyBlock]) -> PercentileCurve {
    let each: Vec<Vec<f64>> = blocks.iter().map(|b| latencies(b.rows.iter())).collect();
    let mut all = each.concat();
    all.sort_unstable_by(f64::total_cmp);
    PercentileCurve {
        rate_rps,
        side,
        blocks: blocks.len() as u32,
        requests: all.len() as u64,
        unanswered: all.iter().filter(|us| us.is_infinite()).count() as u64,
        points: quantiles(all.len())
            .map(|quantile| curve_point(quantile, &all, &each))
            .collect(),
    }
}

/// Quantiles 1 - 10^-k in equal steps of k, as far as enough of `n` requests lie beyond them.
fn quantiles(n: usize) -> impl Iterator<Item = f64> {
    (0..=STEPS_PER_NINE * 9)
        .map(|step| 1.0 - 10f64.powf(-f64::from(step) / f64::from(STEPS_PER_NINE)))
        .take_while(move |q| n as f64 * (1.0 - q) >= FEWEST_BEYOND)
}

fn curve_point(quantile: f64, all: &[f64], each: &[Vec<f64>]) -> CurvePoint {
    let shortest = each.iter().map(Vec::len).min().unwrap_or(0);
    let enough = each.len() > 1 && shortest as f64 * (1.0 - quantile) >= FEWEST_BEYOND;
    let single = || each.iter().map(|block| rank(block, quantile));
    let finite = |us: f64| us.is_finite().then_some(us);
    CurvePoint {
        quantile,
        latency_us: finite(rank(all, quantile)),
        lowest_us: finite(single().fold(f64::INFINITY, f64::min)).filter(|_| enough),
        highest_us: finite(single().fold(0.0, f64::max)).filter(|_| enough),
    }
}

/// The order statistic at a quantile of sorted values.
fn rank(sorted: &[f64], quantile: f64) -> f64 {
    let index = (sorted.len() as f64 * quantile).ceil() as usize;
    let index = index.saturating_sub(1).min(sorted.len().saturating_sub(1));
    sorted.get(index).copied().unwrap_or(f64::INFINITY)
}

/// Sorted microseconds; infinite where no answer came.
fn latencies<'r>(rows: impl Iterator<Item = &'r Row>) -> Vec<f64> {
    let us = |row: &Row| {
        let latency = row.observation.latency_ns();
        latency.map_or(f64::INFINITY, |ns| ns as f64 / 1e3)
    };
    let mut all: Vec<f64> = rows.map(us).collect();
    all.sort_unstable_by(f64::total_cmp);
    all
}

fn latency(block: &LatencyBlock) -> Vec<LatencyPoint> {
    let (from, length) = (block.figures.warmup_s, block.figures.measured_s);
    let window = (length / WINDOWS).max(SHORTEST_WINDOW_S);
    let count = (length / window).ceil().max(1.0) as usize;
    let mut windows: Vec<Vec<&Row>> = vec![Vec::new(); count];
    for row in &block.rows {
        let at = row.observation.intended_ns as f64 / 1e9 - from;
        windows[((at / window).max(0.0) as usize).min(count - 1)].push(row);
    }
    let point = |(index, rows): (usize, Vec<&Row>)| {
        let end = ((index + 1) as f64 * window).min(length);
        latency_point((index as f64 * window + end) / 2.0, &rows)
    };
    windows.into_iter().enumerate().map(point).collect()
}

fn latency_point(at_s: f64, rows: &[&Row]) -> LatencyPoint {
    let mut answered = latencies(rows.iter().copied());
    answered.truncate(answered.partition_point(|us| us.is_finite()));
    let of = |quantile: f64| (!answered.is_empty()).then(|| rank(&answered, quantile));
    LatencyPoint {
        at_s,
        requests: rows.len() as u64,
        unanswered: (rows.len() - answered.len()) as u64,
        p50_us: of(0.5),
        p99_us: of(0.99),
        max_us: of(1.0),
    }
}

/// A point for every sample but the first: counters are told by what they grew.
fn resources(block: &LatencyBlock, samples: &Table) -> Vec<ResourcePoint> {
    let at = samples.column("at_s").unwrap_or_default();
    (1..at.len())
        .filter_map(|index| {
            let elapsed_s = at[index]? - at[index - 1]?;
            let now = |name: &str| *samples.column(name)?.get(index)?;
            let grown = |name: &str, unit: f64| {
                let column = samples.column(name)?;
                let grown = (*column.get(index)?)? - (*column.get(index - 1)?)?;
                (elapsed_s > 0.0).then(|| grown / elapsed_s / unit)
            };
            Some(ResourcePoint {
                at_s: at[index]? - block.figures.warmup_s,
                cpu_user: grown("cpu_user_us", 1e6),
                cpu_system: grown("cpu_system_us", 1e6),
                rss_bytes: now("rss_bytes"),
                pss_bytes: now("pss_bytes"),
                cgroup_bytes: now("cgroup_bytes"),
                working_set_bytes: now("cgroup_working_set_bytes"),
                threads: now("threads"),
                open_files: now("open_files"),
                voluntary_switches: grown("voluntary_switches", 1.0),
                involuntary_switches: grown("involuntary_switches", 1.0),
                major_faults: grown("major_faults", 1.0),
                run_queue_wait: grown("run_queue_wait_ns", 1e9),
                throttled: grown("throttled_us", 1e6),
                cpu_pressure: grown("cpu_pressure_us", 1e6),
                memory_pressure: grown("memory_pressure_us", 1e6),
                io_pressure: grown("io_pressure_us", 1e6),
            })
        })
        .collect()
}
