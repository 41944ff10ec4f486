//! Monte Carlo: one uniform number a figure and draw, turned into the figure by its quantiles.

use crate::case::Resolved;
use crate::document::{Arm, Bin, Quantile, Three};
use crate::input::Input;
use crate::model::{Model, Point, Rounding};
use crate::spread::Spread;
use rand_core::{Rng, SeedableRng};
use rand_pcg::Pcg64;

/// Steps of a histogram.
const BINS: u32 = 40;

/// The distribution of a result.
pub(crate) struct Sample(Vec<f64>);

impl Sample {
    fn new(mut values: Vec<f64>) -> Self {
        values.sort_unstable_by(f64::total_cmp);
        Sample(values)
    }

    /// The smallest value that at least a share `p` of the draws does not exceed.
    fn quantile(&self, p: f64) -> f64 {
        self.0.get(rank(p, self.0.len())).copied().unwrap_or(0.0)
    }

    /// Quantiles at 1, 5, 10, ... 95 and 99 %.
    pub(crate) fn quantiles(&self) -> Vec<Quantile> {
        let shares = [1].into_iter().chain((1..20).map(|n| n * 5)).chain([99]);
        shares
            .map(|percent| f64::from(percent) / 100.0)
            .map(|p| Quantile {
                p,
                value: self.quantile(p),
            })
            .collect()
    }

    /// Equal steps between the quantiles 1 % and 99 %, with the share of the draws in each.
    pub(crate) fn bins(&self) -> Vec<Bin> {
        let (low, high) = (self.quantile(0.01), self.quantile(0.99));
        let step = (high - low) / f64::from(BINS);
        if step <= 0.0 {
            return Vec::new();
        }
        let below = |value: f64| self.0.partition_point(|draw| *draw < value);
        let bin = |n: u32| {
            let (from, to) = (low + f64::from(n) * step, low + f64::from(n + 1) * step);
            let share = (below(to) - below(from)) as f64 / self.0.len() as f64;
            Bin { from, to, share }
        };
        (0..BINS).map(bin).collect()
    }

    /// The share of the draws above 0.
    fn positive(&self) -> f64 {
        let not = self.0.partition_point(|value| *value <= 0.0);
        (self.0.len() - not) as f64 / self.0.len().max(1) as f64
    }
}

/// Where in the order of so many values the quantile `p` is.
fn rank(p: f64, count: usize) -> usize {
    let rank = (p * count as f64).ceil() as usize;
    rank.saturating_sub(1).min(count.saturating_sub(1))
}

/// Three quantiles of values, which are put into another order: selecting is much faster than sorting.
fn three(values: &mut [f64]) -> Three {
    let [low, middle, high] = [0.1, 0.5, 0.9].map(|p| rank(p, values.len()));
    if values.is_empty() {
        return Three {
            p10: 0.0,
            p50: 0.0,
            p90: 0.0,
        };
    }
    // Selecting a value partitions the others around it, so the next one is sought in one part only.
    let mut select = |from: usize, rank: usize| {
        *values[from..]
            .select_nth_unstable_by(rank - from, f64::total_cmp)
            .1
    };
    let p10 = select(0, low);
    let p50 = select(low, middle);
    let p90 = select(middle, high);
    Three { p10, p50, p90 }
}

/// The distributions of one arm.
pub(crate) struct Simulated {
    pub(crate) instances: Three,
    pub(crate) yearly_cost: Three,
    pub(crate) yearly_saving: Three,
    pub(crate) one_off: Three,
    pub(crate) npv: Three,
}

/// The distributions of all arms, in the order of [`Arm::ALL`].
pub(crate) struct Simulation {
    pub(crate) arms: Vec<Simulated>,
    /// Net present value of the candidate.
    pub(crate) npv: Sample,
    pub(crate) p_npv_positive: f64,
    pub(crate) p_beats_tuning: f64,
}

/// The results that are kept of each draw and arm.
struct Columns {
    instances: Vec<f64>,
    yearly_cost: Vec<f64>,
    yearly_saving: Vec<f64>,
    one_off: Vec<f64>,
    npv: Vec<f64>,
}

impl Columns {
    fn of(draws: u32) -> Self {
        let empty = || Vec::with_capacity(draws as usize);
        Columns {
            instances: empty(),
            yearly_cost: empty(),
            yearly_saving: empty(),
            one_off: empty(),
            npv: empty(),
        }
    }

    fn push(&mut self, arm: Arm, model: &Model<'_>) -> f64 {
        let npv = model.npv(arm).0;
        let instances = model.instances(arm, 0);
        self.instances.push(instances.0);
        self.yearly_cost
            .push(model.price(arm).for_a_year(instances).0);
        self.yearly_saving.push(model.net(arm, 0).0);
        self.one_off.push(model.one_off(arm).0);
        self.npv.push(npv);
        npv
    }

    fn simulated(&mut self) -> Simulated {
        Simulated {
            instances: three(&mut self.instances),
            yearly_cost: three(&mut self.yearly_cost),
            yearly_saving: three(&mut self.yearly_saving),
            one_off: three(&mut self.one_off),
            npv: three(&mut self.npv),
        }
    }
}

/// Draws every uncertain figure independently of the others; the arms share each draw.
pub(crate) fn simulate(
    resolved: &Resolved,
    unsafe_memory: bool,
    draws: u32,
    seed: u64,
) -> Simulation {
    let uncertain: Vec<(Input, Spread)> = resolved
        .all()
        .filter(|(_, value)| !value.spread.is_point())
        .map(|(input, value)| (input, value.spread))
        .collect();
    let mut random = Pcg64::seed_from_u64(seed);
    let mut point = Point::medians(resolved);
    let mut columns = Arm::ALL.map(|_| Columns::of(draws));
    let mut better = 0u32;
    for _ in 0..draws {
        for (input, spread) in &uncertain {
            point.set(*input, spread.quantile(uniform(&mut random)));
        }
        let model = Model::new(&point, Rounding::Whole, unsafe_memory);
        let [_, tuned, candidate] = Arm::ALL.map(|arm| columns[arm as usize].push(arm, &model));
        better += u32::from(candidate > tuned);
    }
    let arms = columns.iter_mut().map(Columns::simulated).collect();
    let [_, _, candidate] = columns;
    let npv = Sample::new(candidate.npv);
    Simulation {
        arms,
        p_npv_positive: npv.positive(),
        npv,
        p_beats_tuning: f64::from(better) / f64::from(draws.max(1)),
    }
}

/// Uniform on (0, 1), neither end included: the middle of one of 2^53 cells.
fn uniform(random: &mut Pcg64) -> f64 {
    ((random.next_u64() >> 12) as f64 + 0.5) / (1u64 << 52) as f64
}
