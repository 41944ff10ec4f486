//! `series.json`: what a report draws, made of the stored measurements. Pure and descriptive.

use std::collections::BTreeMap;
use understudy_model::series::{
    BlockSeries, CurvePoint, LatencyPoint, PercentileCurve, ResourcePoint, SCHEMA, SeriesDocument,
};
use understudy_model::stored::LatencyBlock;
use understudy_model::stored::{Row, Table};
use understudy_model::{Cause, Role};
use understudy_stats::quantile::order_statistic;

/// Windows that a measurement is divided into, and the shortest of them.
const WINDOWS: f64 = 60.0;
const SHORTEST_WINDOW_S: f64 = 0.1;
/// The points of a curve: equal steps in the number of nines, this many from one to the next.
const STEPS_PER_NINE: u32 = 12;
/// A quantile is drawn as long as so many requests are beyond it.
const FEWEST_BEYOND: f64 = 10.0;

/// Random the measurements; `samples` belong to the block of the same index.
pub fn draw(blocks: &[LatencyBlock], samples: &[Table]) -> SeriesDocument {
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
    let mut groups: BTreeMap<(u64, Role), Vec<&LatencyBlock>> = BTreeMap::new();
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

fn percentile_curve(rate_rps: f64, side: Role, blocks: &[&LatencyBlock]) -> PercentileCurve {
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

/// Quantiles 1 - 10^-k in equal steps of k, as far as enough of `n` requests are beyond them.
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

/// The order statistic at a quantile of sorted values, the ends included.
fn rank(sorted: &[f64], quantile: f64) -> f64 {
    let value = match quantile {
        q if q <= 0.0 => sorted.first().copied(),
        q if q >= 1.0 => sorted.last().copied(),
        q => order_statistic(sorted, q),
    };
    value.unwrap_or(f64::INFINITY)
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
        let at = row.observation.due_ns as f64 / 1e9 - from;
        windows[((at / window).max(0.0) as usize).min(count - 1)].push(row);
    }
    let point = |(index, rows): (usize, Vec<&Row>)| {
        let end = ((index + 1) as f64 * window).min(length);
        let begin = index as f64 * window;
        LatencyPoint {
            longest_pause_us: longest_pause_us(block, (from + begin, from + end)),
            ..latency_point((begin + end) / 2.0, &rows)
        }
    };
    windows.into_iter().enumerate().map(point).collect()
}

/// Of the pauses of the runtime that began within these seconds of the load.
fn longest_pause_us(block: &LatencyBlock, (from, to): (f64, f64)) -> Option<f64> {
    let pauses = block.happened.all.iter().filter(|happening| {
        let at = happening.start_ns as f64 / 1e9;
        happening.cause == Cause::RuntimeStop && from <= at && at < to
    });
    let longest = pauses.map(|pause| pause.end_ns - pause.start_ns).max();
    longest.map(|ns| ns as f64 / 1e3)
}

fn latency_point(at_s: f64, rows: &[&Row]) -> LatencyPoint {
    let mut answered = latencies(rows.iter().copied());
    answered.truncate(answered.partition_point(|us| us.is_finite()));
    let of = |quantile: f64| (!answered.is_empty()).then(|| rank(&answered, quantile));
    LatencyPoint {
        at_s,
        requests: rows.len() as u64,
        unanswered: (rows.len() - answered.len()) as u64,
        mean_us: (!answered.is_empty())
            .then(|| answered.iter().sum::<f64>() / answered.len() as f64),
        p50_us: of(0.5),
        p99_us: of(0.99),
        max_us: of(1.0),
        longest_pause_us: None,
    }
}

/// A point for every sample but the first: counters are shown by what they grew.
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

#[cfg(test)]
mod tests {
    use super::*;
    use understudy_model::stored::BlockFigures;
    use understudy_model::stored::Happenings;
    use understudy_model::{Ending, FailureKind};
    use understudy_testkit::answered;

    /// A block of one second after a warm-up of one, a request in the middle of each millisecond; the latency of the
    /// n-th is n microseconds, every hundredth is not answered.
    fn block(side: Role, block: u32, started_unix_s: f64) -> LatencyBlock {
        let row = |index: u32| {
            let due_ns = 1_000_500_000 + u64::from(index) * 1_000_000;
            let ended = due_ns + u64::from(index + 1) * 1000;
            let mut row = answered(0, (due_ns, due_ns, ended));
            if index % 100 == 99 {
                row.observation.ending = Ending::Failed(FailureKind::Timeout);
            }
            row
        };
        LatencyBlock {
            rate_rps: 1000.0,
            side,
            block,
            figures: BlockFigures {
                started_unix_s,
                warmup_s: 1.0,
                measured_s: 1.0,
                ..BlockFigures::default()
            },
            rows: (0..1000).map(row).collect(),
            happened: Happenings::default(),
        }
    }

    #[test]
    fn windows_hold_every_request_once_and_quantiles_are_order_statistics() {
        let blocks = [
            block(Role::Candidate, 0, 107.5),
            block(Role::Incumbent, 0, 100.0),
        ];
        let document = draw(&blocks, &[Table::default(), Table::default()]);
        let order: Vec<(Role, f64)> = document
            .blocks
            .iter()
            .map(|b| (b.side, b.started_s))
            .collect();
        assert_eq!(order, [(Role::Incumbent, 0.0), (Role::Candidate, 7.5)]);
        let windows = &document.blocks[0].latency;
        assert_eq!(windows.len(), 10, "none is shorter than 100 ms");
        for (index, window) in windows.iter().enumerate() {
            assert_eq!((window.requests, window.unanswered), (100, 1));
            assert!((window.at_s - (index as f64 * 0.1 + 0.05)).abs() < 1e-9);
            // 99 are answered, the slowest with the highest number.
            assert_eq!(window.max_us, Some(index as f64 * 100.0 + 99.0));
            assert_eq!(window.p50_us, Some(index as f64 * 100.0 + 50.0));
        }
        let curve = &document.curves[0];
        assert_eq!((curve.side, curve.requests), (Role::Incumbent, 1000));
        assert_eq!(curve.unanswered, 10);
        let last = curve.points.last().unwrap();
        assert!(
            (0.985..=0.99).contains(&last.quantile),
            "ten requests lie beyond {}",
            last.quantile
        );
        let middle = curve.points.iter().find(|p| p.quantile >= 0.5).unwrap();
        // Every hundredth is infinite and comes last.
        let rank = (1000.0 * middle.quantile).ceil();
        assert_eq!(
            middle.latency_us,
            Some(rank + ((rank - 1.0) / 99.0).floor())
        );
    }

    #[test]
    fn counters_become_rates_and_what_was_not_measured_is_absent() {
        let columns = [
            ("at_s", vec![Some(1.0), Some(1.5), Some(2.0)]),
            (
                "cpu_user_us",
                vec![Some(0.0), Some(250_000.0), Some(250_000.0)],
            ),
            ("threads", vec![Some(4.0), Some(5.0), Some(6.0)]),
            ("throttled_us", vec![None, None, None]),
        ];
        let samples = Table {
            columns: columns
                .map(|(name, values)| (name.to_owned(), values))
                .into(),
        };
        let points = resources(&block(Role::Incumbent, 0, 0.0), &samples);
        let of = |value: fn(&ResourcePoint) -> Option<f64>| -> Vec<Option<f64>> {
            points.iter().map(value).collect()
        };
        assert_eq!(of(|p| Some(p.at_s)), [Some(0.5), Some(1.0)]);
        assert_eq!(of(|p| p.cpu_user), [Some(0.5), Some(0.0)]);
        assert_eq!(of(|p| p.threads), [Some(5.0), Some(6.0)]);
        assert_eq!(of(|p| p.throttled), [None, None]);
        assert_eq!(of(|p| p.rss_bytes), [None, None]);
    }
}
