//! One quantile of one block of latencies, or the word that it cannot be judged.

#[cfg(test)]
mod tests;

use crate::Interval;

/// Requests that have to be beyond a quantile before it is judged at all.
const JUDGED_FROM: f64 = 10.0;
/// Requests that have to be beyond a quantile before it is smoothed over its neighbours.
const SMOOTHED_FROM: f64 = 50.0;
/// Weights below e^-this of the largest are left out of the Harrell-Davis estimate.
const NEGLIGIBLE: f64 = 40.0;

/// Up to this many values the interval of a median is exact; with more, the normal distribution gives its ranks.
const EXACT_TO: usize = 1000;

/// A quantile of a block in which some requests were never answered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BlockQuantile {
    /// The quantile, in the unit of the samples.
    Value(f64),
    /// The quantile is among the requests that were never answered.
    Infinite,
    /// Fewer than ten requests are beyond the quantile: it is not guessed.
    NotJudged {
        /// Requests in the block, the unanswered included.
        have: u64,
        /// Requests it takes; `u64::MAX` if `q` is not between 0 and 1.
        need: u64,
    },
}

/// Quantile `q` of a block: `sorted` holds the latencies of the answered requests, ascending and
/// finite; the `unanswered` rank above them all.
///
/// With n requests in all: Harrell and Davis where at least 50 are beyond the quantile and none of
/// the unanswered would carry weight, the plain order statistic down to 10, below that not judged.
pub fn block_quantile(sorted: &[f64], unanswered: u64, q: f64) -> BlockQuantile {
    let have = (sorted.len() as u64).saturating_add(unanswered);
    let need = samples_beyond(JUDGED_FROM, q);
    if have < need {
        return BlockQuantile::NotJudged { have, need };
    }
    if have >= samples_beyond(SMOOTHED_FROM, q)
        && let Some(value) = harrell_davis_of(sorted, have, q)
    {
        return BlockQuantile::Value(value);
    }
    match sorted.get(rank(have, q) as usize - 1) {
        Some(&value) => BlockQuantile::Value(value),
        None => BlockQuantile::Infinite,
    }
}

/// The Harrell-Davis estimate of quantile `q` of ascending samples: every order statistic, weighted
/// with the Beta(q(n+1), (1-q)(n+1)) probability of its cell (Harrell and Davis 1982).
///
/// Only the window in which weights matter is visited, so 100,000 samples cost microseconds. `None`
/// unless `q` leaves at least 50 samples on either side, which is where it is better than the plain
/// order statistic.
pub fn harrell_davis(sorted: &[f64], q: f64) -> Option<f64> {
    harrell_davis_of(sorted, sorted.len() as u64, q)
}

/// The sample of rank ceil(n q) in ascending samples; `None` without samples or for a `q` that is not
/// between 0 and 1.
pub fn order_statistic(sorted: &[f64], q: f64) -> Option<f64> {
    if sorted.is_empty() || !is_inside(q) {
        return None;
    }
    Some(sorted[rank(sorted.len() as u64, q) as usize - 1])
}

/// The ranks (from 1) of the two order statistics between which quantile `q` is with 95 %
/// confidence: j = floor(nq - 1.96 s), k = ceil(nq + 1.96 s) + 1 with s^2 = nq(1-q).
///
/// `None` where a rank would fall outside the sample, or `q` is not between 0 and 1.
pub fn order_statistic_ranks(n: u64, q: f64) -> Option<(u64, u64)> {
    if !is_inside(q) {
        return None;
    }
    let centre = n as f64 * q;
    let spread = 1.96 * (centre * (1.0 - q)).sqrt();
    let low = (centre - spread).floor();
    let high = (centre + spread).ceil() + 1.0;
    (low >= 1.0 && high <= n as f64).then_some((low as u64, high as u64))
}

/// The median of some values with an interval that holds the median of what they are drawn from with at least 95 %
/// confidence, whatever its distribution: the order statistics that invert the sign test (Conover 1999, section 3.2).
///
/// `None` with fewer than six values, whose extremes have less than 95 %, or a value that is not finite.
pub fn median_interval(values: &[f64]) -> Option<Interval> {
    if !values.iter().all(|value| value.is_finite()) {
        return None;
    }
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let n = sorted.len();
    let (low, high) = match n {
        ..=EXACT_TO => sign_test_ranks(n)?,
        many => order_statistic_ranks(many as u64, 0.5)?,
    };
    Some(Interval {
        estimate: (sorted[(n - 1) / 2] + sorted[n / 2]) / 2.0,
        low: sorted[low as usize - 1],
        high: sorted[high as usize - 1],
    })
}

/// The innermost ranks (from 1) of `n` values outside of which the median is in at most 5 % of all samples.
fn sign_test_ranks(n: usize) -> Option<(u64, u64)> {
    // How likely exactly, and at most, `below` of the values are below the median.
    let mut chance = 0.5_f64.powi(n as i32);
    let mut missed = chance;
    let mut below = 0;
    while 2.0 * missed <= 0.05 {
        chance *= (n - below) as f64 / (below + 1) as f64;
        missed += chance;
        below += 1;
    }
    (below > 0).then_some((below as u64, (n + 1 - below) as u64))
}

/// The smallest number of independent samples whose largest is a 95 % upper bound on quantile `q`:
/// n >= ln 0.05 / ln q. `None` if `q` is not between 0 and 1.
pub fn smallest_sample(q: f64) -> Option<u64> {
    is_inside(q).then(|| (0.05_f64.ln() / q.ln()).ceil() as u64)
}

/// The smallest n with n(1-q) >= `count`, forgiving the rounding of 1-q.
fn samples_beyond(count: f64, q: f64) -> u64 {
    if !is_inside(q) {
        return u64::MAX;
    }
    (count / (1.0 - q) * (1.0 - 1e-9)).ceil() as u64
}

/// ceil(nq), within 1 to n, forgiving the rounding of the product.
fn rank(n: u64, q: f64) -> u64 {
    ((n as f64 * q * (1.0 - 1e-14)).ceil() as u64).clamp(1, n.max(1))
}

fn is_inside(q: f64) -> bool {
    q > 0.0 && q < 1.0
}

/// The estimate for `n` samples of which the smallest are `sorted`: `None` if the window of weights
/// reaches past them, or the quantile is too near an end.
fn harrell_davis_of(sorted: &[f64], n: u64, q: f64) -> Option<f64> {
    if !is_inside(q) || n < samples_beyond(SMOOTHED_FROM, q.max(1.0 - q)) {
        return None;
    }
    let size = n as f64;
    // The exponents of the Beta density.
    let (left, right) = (q * (size + 1.0) - 1.0, (1.0 - q) * (size + 1.0) - 1.0);
    let mode = left / (left + right);
    // Relative to the mode: the normalisation drops out of a weighted mean.
    let ln_density = |x: f64| left * (x / mode).ln() + right * ((1.0 - x) / (1.0 - mode)).ln();
    let is_negligible = |cell: u64| ln_density((cell as f64 + 0.5) / size) < -NEGLIGIBLE;
    let middle = ((mode * size) as u64).min(n - 1);
    let first = (0..middle)
        .rev()
        .find(|&cell| is_negligible(cell))
        .map_or(0, |cell| cell + 1);
    let last = (middle + 1..n)
        .find(|&cell| is_negligible(cell))
        .map_or(n - 1, |cell| cell - 1);
    let window = sorted.get(usize::try_from(first).ok()?..=usize::try_from(last).ok()?)?;
    let (mut sum, mut total) = (0.0, 0.0);
    for (cell, value) in (first..).zip(window) {
        let weight = cell_weight(&ln_density, cell as f64 / size, 1.0 / size);
        sum += weight * value;
        total += weight;
    }
    Some(sum / total)
}

/// The integral of the density over one cell by Gauss-Legendre with three nodes. With 50 samples
/// beyond the quantile a cell is at most a fifth of a standard deviation wide: exact to about 1e-9.
fn cell_weight(ln_density: &impl Fn(f64) -> f64, start: f64, width: f64) -> f64 {
    const NODE: f64 = 0.774_596_669_241_483_4; // sqrt(3/5)
    let at = |node: f64| ln_density(start + width * (0.5 + node / 2.0)).exp();
    width * (5.0 * at(-NODE) + 8.0 * at(0.0) + 5.0 * at(NODE)) / 18.0
}
