//! How the time of a run grows with the size of its case: a line of each measurement, and their pairs.

use crate::comparisons::{estimate, log_differences, wall_us};
use crate::plan::Plan;
use crate::terms::{Sizing, Terms};
use std::collections::BTreeMap;
use understudy_model::growth::{Growth, Line, Reach, SideGrowth, WithinDeadline};
use understudy_model::stored::{LatencyBlock, RequestFacts};
use understudy_model::verdict::Estimate;
use understudy_model::{Pacing, Role};
use understudy_stats::paired::{effect, log_mean_interval, mean_interval};
use understudy_stats::quantile::{median_interval, order_statistic};
use understudy_stats::slope::{Line as Fitted, relative_line};

/// By how much a line may be off at one of its sizes, as a share of the time there.
const MOST_OFF: f64 = 0.2;
/// How far beyond the largest size that was measured a line is continued.
const CONTINUED: f64 = 4.0;

/// What was measured: the names of the operations, what is known of each case, the measurements whose pairs count.
pub(crate) struct Measured<'a> {
    pub(crate) operations: &'a [String],
    pub(crate) requests: &'a [RequestFacts],
    pub(crate) blocks: &'a [&'a LatencyBlock],
}

/// The mean wall time of a measurement at each size, microseconds. The keys are the bits of the sizes, which are in the
/// order of the sizes: they are above 0.
type Times = BTreeMap<u64, f64>;

/// The growth of each operation whose cases have at least two sizes: a contender next to the incumbent.
pub(crate) fn compare(
    plan: &Plan,
    terms: &Terms,
    measured: &Measured<'_>,
    contender: Role,
) -> Vec<Growth> {
    let operations = (0u32..).zip(measured.operations);
    let growth = operations.filter_map(|(operation, name)| {
        let [a, b] = [Role::Incumbent, contender].map(|side| measured.times(side, operation));
        let mut all: Vec<u64> = a
            .iter()
            .chain(&b)
            .flat_map(|of| of.keys().copied())
            .collect();
        all.sort_unstable();
        all.dedup();
        // A pair counts where both of its measurements hold every size.
        let is_whole = |(a, b): &(&Times, &Times)| a.len() == all.len() && b.len() == all.len();
        let (a, b): (Vec<&Times>, Vec<&Times>) = a.iter().zip(&b).filter(is_whole).unzip();
        let sizes: Vec<f64> = all.into_iter().map(f64::from_bits).collect();
        if sizes.len() < 2 {
            return None;
        }
        let [a, b] = [a, b].map(|times| Side::of(&sizes, &times));
        let ratio = ratio(&a, &b, plan, terms.seed);
        let is_told = a.no_line.is_none() && b.no_line.is_none();
        Some(Growth {
            operation: name.clone(),
            unit: terms.sizing.unit.clone(),
            baseline: a.told(&sizes, &terms.sizing),
            contender: b.told(&sizes, &terms.sizing),
            sizes,
            pairs: a.lines.len() as u32,
            no_ratio: (is_told && ratio.is_none())
                .then(|| "in some measurement the larger size took no longer".to_owned()),
            ratio: ratio.filter(|_| is_told),
        })
    });
    growth.collect()
}

impl Measured<'_> {
    /// The times of one side at an operation, measurement by measurement.
    fn times(&self, side: Role, operation: u32) -> Vec<Times> {
        let mut mine: Vec<&&LatencyBlock> = self
            .blocks
            .iter()
            .filter(|block| block.side == side && block.rate_rps == Pacing::NO_RATE)
            .collect();
        mine.sort_by_key(|block| block.block);
        let of_block = |block: &&LatencyBlock| {
            let mut sums: BTreeMap<u64, (f64, f64)> = BTreeMap::new();
            for row in &block.rows {
                let observation = &row.observation;
                let facts = self.requests.get(observation.case as usize);
                let size = facts.and_then(|facts| facts.size);
                let here = size.filter(|_| observation.operation == operation);
                if let Some(size) = here.filter(|size| *size > 0.0 && size.is_finite()) {
                    let (sum, count) = sums.entry(size.to_bits()).or_default();
                    *sum += wall_us(observation);
                    *count += 1.0;
                }
            }
            let means = sums.into_iter();
            means
                .map(|(size, (sum, count))| (size, sum / count))
                .collect()
        };
        mine.into_iter().map(of_block).collect()
    }
}

/// The lines of one side.
struct Side {
    /// One a measurement.
    lines: Vec<Fitted>,
    /// The median of all measurements, one a size.
    times: Vec<Estimate>,
    worst_error: Option<f64>,
    no_line: Option<String>,
}

impl Side {
    fn of(sizes: &[f64], times: &[&Times]) -> Side {
        let usual = |size: &f64| {
            let all = times.iter().filter_map(|of| of.get(&size.to_bits()));
            all.sum::<f64>() / times.len() as f64
        };
        let usual: Vec<f64> = sizes.iter().map(usual).collect();
        let medians = sizes.iter().map(|size| {
            let all = times.iter().filter_map(|of| of.get(&size.to_bits()));
            median(&all.copied().collect::<Vec<f64>>())
        });
        let medians: Vec<Estimate> = medians.collect();
        let line = |of: &dyn Fn(usize) -> Option<f64>| {
            let points = sizes.iter().zip(&usual).enumerate();
            let points: Option<Vec<_>> = points
                .map(|(at, (size, usual))| Some((*size, of(at)?, *usual)))
                .collect();
            relative_line(&points?)
        };
        let lines: Option<Vec<Fitted>> = times
            .iter()
            .map(|of| line(&|at| of.get(&sizes[at].to_bits()).copied()))
            .collect();
        let whole = line(&|at| Some(usual[at]));
        let (Some(lines), Some(whole)) = (lines.filter(|lines| lines.len() > 1), whole) else {
            return Side {
                lines: Vec::new(),
                times: medians,
                worst_error: None,
                no_line: Some("too few measurements hold every size".to_owned()),
            };
        };
        let off = |(size, usual): (&f64, &f64)| (whole.at(*size) - usual).abs() / usual;
        let worst = sizes.iter().zip(&usual).map(off).fold(0.0, f64::max);
        let slopes: Vec<f64> = lines.iter().map(|line| line.slope).collect();
        let rises = mean_interval(&slopes).is_some_and(|slope| slope.low > 0.0);
        let no_line = match (worst > MOST_OFF, rises) {
            (true, _) => Some(format!(
                "the time does not grow in a straight line: a line is off by {:.0} % at one of the sizes",
                worst * 100.0
            )),
            (false, false) => {
                Some("it is not certain that the time grows with the size".to_owned())
            }
            (false, true) => None,
        };
        Side {
            lines,
            times: medians,
            // Through two points a line always goes.
            worst_error: (sizes.len() > 2).then_some(worst),
            no_line,
        }
    }

    fn slopes(&self) -> Vec<f64> {
        self.lines.iter().map(|line| line.slope).collect()
    }

    fn told(&self, sizes: &[f64], sizing: &Sizing) -> SideGrowth {
        let line = self.line(sizes, sizing);
        SideGrowth {
            line: line.filter(|_| self.no_line.is_none()),
            no_line: self.no_line.clone(),
            worst_error: self.worst_error,
            times: self.times.clone(),
        }
    }

    fn line(&self, sizes: &[f64], sizing: &Sizing) -> Option<Line> {
        let fixed: Vec<f64> = self.lines.iter().map(|line| line.at_zero).collect();
        let slope = positive_or_any(&self.slopes())?;
        let inverse = |us: Option<f64>| us.filter(|us| *us > 0.0).map(|us| 1e6 / us);
        let largest = sizes.last().copied()?;
        Some(Line {
            fixed_us: estimate(mean_interval(&fixed)?),
            us_per_unit: slope,
            units_per_s: Estimate {
                estimate: inverse(slope.estimate),
                low: inverse(slope.high),
                high: inverse(slope.low),
            },
            within_deadline: sizing
                .deadline
                .and_then(|deadline| self.within(deadline.micros(), CONTINUED * largest)),
        })
    }

    /// The largest size within a deadline: the size at which the line of each measurement reaches it.
    fn within(&self, deadline_us: f64, line_ends_at: f64) -> Option<WithinDeadline> {
        let reached = self.lines.iter();
        let reached: Vec<f64> = reached
            .map(|line| (deadline_us - line.at_zero) / line.slope)
            .collect();
        if self.lines.iter().any(|line| line.slope <= 0.0) {
            return None;
        }
        let size = positive_or_any(&reached)?;
        let low = size.low?;
        let known = |end: Option<f64>| end.filter(|size| *size <= line_ends_at);
        let (reach, size) = match low {
            low if low >= line_ends_at => (
                Reach::AtLeast,
                Estimate {
                    estimate: None,
                    low: Some(line_ends_at),
                    high: None,
                },
            ),
            low if low > 0.0 => (
                Reach::UpTo,
                Estimate {
                    estimate: known(size.estimate),
                    low: Some(low),
                    high: known(size.high),
                },
            ),
            _ => (
                Reach::None,
                Estimate {
                    estimate: known(size.estimate),
                    low: Some(low),
                    high: known(size.high),
                },
            ),
        };
        Some(WithinDeadline {
            deadline_us,
            reach,
            size,
            line_ends_at,
        })
    }
}

/// The mean of a figure over the measurements: on the log scale where all of them are above 0, as times are judged.
fn positive_or_any(values: &[f64]) -> Option<Estimate> {
    let interval = log_mean_interval(values).or_else(|| mean_interval(values));
    interval.map(estimate)
}

/// The median of a time over the measurements; without an interval where they are too few.
fn median(values: &[f64]) -> Estimate {
    if let Some(interval) = median_interval(values) {
        return estimate(interval);
    }
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    Estimate {
        estimate: order_statistic(&sorted, 0.5),
        low: None,
        high: None,
    }
}

/// Time per unit, contender over incumbent.
fn ratio(a: &Side, b: &Side, plan: &Plan, seed: u64) -> Option<Estimate> {
    let (a, b) = (a.slopes(), b.slopes());
    if a.iter().chain(&b).any(|slope| *slope <= 0.0) {
        return None;
    }
    let effect = effect(&log_differences(&a, &b), plan.centre(), seed)?;
    Some(estimate(effect.ratio))
}

#[cfg(test)]
mod tests;
