//! Quantiles with intervals that may be looked at any time (Howard and Ramdas 2022).

use super::mixture::{BetaBinomial, Mixture, Sides};
use super::{is_level, is_positive};
use crate::special::bisect;

/// The constant of [`distribution_bound`]: the one the paper recommends. Above 1/sqrt(2).
const LIL_FACTOR: f64 = 0.85;

/// The ranks (from 1) between which quantile `p` is at every sample size at once with confidence
/// 1 - `alpha`, after `t` samples, tightest around `t_opt`: floor(t (p - r) + 1) and ceil(t (p + r)),
/// with r the two-sided beta-binomial bound over t.
///
/// `None` where no rank bounds the quantile yet, or the parameters have no meaning.
pub fn ranks(p: f64, t: u64, t_opt: f64, alpha: f64) -> Option<(u64, u64)> {
    if !is_level(p) {
        return None;
    }
    let samples = t as f64;
    let variance = p * (1.0 - p);
    let radius = |g: f64, h: f64| {
        let mixture = BetaBinomial::new(variance * t_opt, alpha, g, h, Sides::Two)?;
        let bound = mixture.bound(variance * samples, alpha);
        // At the largest possible sum nothing was rejected: no rank bounds the quantile yet.
        (bound < mixture.largest_sum(variance * samples)).then_some(bound)
    };
    let low = (samples * p - radius(1.0 - p, p)? + 1.0).floor();
    let high = (samples * p + radius(p, 1.0 - p)?).ceil();
    (low >= 1.0 && high <= samples).then_some((low as u64, high as u64))
}

/// How far the empirical distribution function of `t` samples strays from the true one, at any point
/// and at any t >= `t_min`, with probability `alpha`: A sqrt((ln(1 + ln(t / t_min)) + C) / t)
/// (Theorem 2; the law of the iterated logarithm for the empirical process).
///
/// Infinite before `t_min`; `None` for parameters without a meaning.
pub fn distribution_bound(t: f64, t_min: f64, alpha: f64) -> Option<f64> {
    if !(is_level(alpha) && is_positive(t) && t_min >= 1.0 && t_min.is_finite()) {
        return None;
    }
    if t < t_min {
        return Some(f64::INFINITY);
    }
    let c = bisect(0.1, 1e4, |c| lil_error(c) > alpha);
    Some(LIL_FACTOR * (((t / t_min).ln().ln_1p() + c) / t).sqrt())
}

/// The chance that the bound with constant `c` is ever crossed, for the best spacing of its epochs.
fn lil_error(c: f64) -> f64 {
    // gamma^2 of the paper; the series over epochs converges where it exceeds 1.
    let gamma = |eta: f64| 2.0 / eta * (LIL_FACTOR - (2.0 * (eta - 1.0) / c).sqrt()).powi(2);
    let error = |eta: f64| {
        let gamma = gamma(eta);
        4.0 * (-gamma * c).exp() * (1.0 + 1.0 / ((gamma - 1.0) * eta.ln()))
    };
    let converges = |eta: f64| (eta / 2.0).sqrt() + (2.0 * (eta - 1.0) / c).sqrt() < LIL_FACTOR;
    let widest = bisect(1.0, 2.0 * LIL_FACTOR * LIL_FACTOR, converges);
    golden_minimum(1.0, widest, error)
}

/// The smallest value of a function with a single valley between `low` and `high`, where it is
/// infinite (golden-section search; forty steps narrow the place down by 4e-9).
fn golden_minimum(mut low: f64, mut high: f64, value: impl Fn(f64) -> f64) -> f64 {
    let shrink = (5f64.sqrt() - 1.0) / 2.0;
    for _ in 0..40 {
        let left = high - shrink * (high - low);
        let right = low + shrink * (high - low);
        if value(left) < value(right) {
            high = right;
        } else {
            low = left;
        }
    }
    value((low + high) / 2.0)
}

/// How far the number of samples below any quantile `p` strays from t p, for all quantiles and all
/// t >= `t_opt` at once, with probability `alpha` (Theorem 3, double stitching over time and
/// quantiles, with the paper's delta = 0.5, s = 1.4, eta = 2).
///
/// `None` for parameters without a meaning.
pub fn all_quantiles_bound(p: f64, t: f64, t_opt: f64, alpha: f64) -> Option<f64> {
    const DELTA: f64 = 0.5;
    const S: f64 = 1.4;
    const ETA: f64 = 2.0;
    const ZETA_OF_S: f64 = 3.1055472779775815;
    if !(is_level(p) && is_level(alpha) && is_positive(t) && t_opt >= 1.0 && t_opt.is_finite()) {
        return None;
    }
    let t = t.max(t_opt);
    let epochs = t / t_opt;
    let logit = (p / (1.0 - p)).ln();
    let nearest = if p >= 0.5 {
        p
    } else {
        let shifted = logit + 2.0 * DELTA * (ETA / epochs).sqrt();
        (1.0 / (1.0 + (-shifted).exp())).min(0.5)
    };
    let variance = nearest * (1.0 - nearest);
    let step = epochs.sqrt() * logit.abs() / (2.0 * DELTA) + 1.0;
    let loudness = S * (ETA * epochs).ln().ln()
        + S * step.ln()
        + (2.0 * ZETA_OF_S * (2.0 * ZETA_OF_S + 1.0) / (alpha * ETA.ln().powf(S))).ln();
    let k1 = (ETA.powf(0.25) + ETA.powf(-0.25)) / 2f64.sqrt();
    let k2 = (ETA.sqrt() + 1.0) / 2.0;
    let skew = k2 * (1.0 - 2.0 * p) / 3.0 * loudness;
    let between = DELTA * (ETA * epochs * variance).sqrt();
    Some(between + (k1 * k1 * variance * t * loudness + skew * skew).sqrt() + skew)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_ranks_hold() {
        assert_eq!(ranks(0.99, 10_000, 1e4, 0.05), Some((9_868, 9_929)));
        // Wider than those that may be looked at only once.
        assert_eq!(
            crate::quantile::order_statistic_ranks(10_000, 0.99),
            Some((9_880, 9_921))
        );
        assert_eq!(ranks(0.99, 100, 1e4, 0.05), None);
        assert_eq!(ranks(1.0, 100, 1e4, 0.05), None);
        assert_eq!(ranks(0.5, 100, 0.0, 0.05), None);
    }

    #[test]
    fn the_reference_bounds_hold() {
        // From the unit tests of confseq.
        let found = distribution_bound(1000.0, 100.0, 0.05).unwrap();
        assert!((found - 0.082_047_69).abs() < 1e-7, "{found}");
        for (p, expected) in [(0.5, 68.628_03), (0.9, 43.721_19), (0.1, 59.965_21)] {
            let found = all_quantiles_bound(p, 1000.0, 100.0, 0.05).unwrap();
            assert!((found - expected).abs() < 1e-5, "{found} != {expected}");
        }
    }

    #[test]
    fn degenerate_inputs_give_no_bound() {
        assert_eq!(distribution_bound(99.0, 100.0, 0.05), Some(f64::INFINITY));
        assert_eq!(distribution_bound(99.0, 0.5, 0.05), None);
        assert_eq!(distribution_bound(f64::NAN, 1.0, 0.05), None);
        assert_eq!(all_quantiles_bound(0.0, 1000.0, 100.0, 0.05), None);
        assert_eq!(all_quantiles_bound(0.5, 1000.0, 0.0, 0.05), None);
    }
}
