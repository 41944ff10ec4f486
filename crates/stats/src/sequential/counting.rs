//! P1: rare events (errors, crashes, differences) in two arms, from their counts alone.
//!
//! Of each event in either arm it is asked whether the candidate's arm had it. With the candidate
//! getting the share pi of traffic, and events there at most R0 times as likely as in the baseline,
//! that chance is at most theta0 = pi R0 / (1 - pi + pi R0).
//!
//! Valid only when each request is assigned to an arm by its own coin flip and bursts are collapsed
//! (one event an instance and second): bursts of 5 in one arm raise the false alarms from 5 % to more
//! than half. Where that does not hold use [`super::symmetric`].

use super::{is_level, ln_mean_exp};
use crate::special::{beta_tails, ln_beta};

/// Beta(a, a) priors over which the evidence is averaged: for large, middling and small effects.
const PRIORS: [f64; 3] = [1.0, 10.0, 100.0];
/// Rate ratios of the grid, over R0: from 2 % more to fifty-fold.
const GRID_POINTS: u32 = 40;
const GRID_FROM: f64 = 1.02;
const GRID_TO: f64 = 50.0;

/// Events while the candidate had one share of the traffic. Stages of several gateways add up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stage {
    /// Share of the traffic the candidate got, between 0 and 1.
    pub candidate_share: f64,
    /// Events in the candidate's arm.
    pub candidate: u64,
    /// Events in both arms.
    pub both: u64,
}

/// theta0: the largest chance that an event falls into the candidate's arm if its rate there is at
/// most `rate_ratio` times the baseline's. `None` unless the share is between 0 and 1 and the ratio
/// is positive.
pub fn largest_chance(candidate_share: f64, rate_ratio: f64) -> Option<f64> {
    let weighted = candidate_share * rate_ratio;
    let chance = weighted / (1.0 - candidate_share + weighted);
    (is_level(candidate_share) && is_level(chance)).then_some(chance)
}

/// ln E against "an event falls into the candidate's arm with chance at most `theta0`", when it had
/// `k` of `n` events: the average over three priors. `None` for `k` above `n`, or `theta0` not
/// between 0 and 1.
pub fn ln_e(k: u64, n: u64, theta0: f64) -> Option<f64> {
    if k > n || !is_level(theta0) {
        return None;
    }
    Some(ln_mean_exp(
        &PRIORS.map(|prior| ln_e_with_prior(k, n, theta0, prior)),
    ))
}

/// ln E with a Beta(a, a) prior on the chance, cut off below `theta0`.
fn ln_e_with_prior(k: u64, n: u64, theta0: f64, a: f64) -> f64 {
    let (hits, misses) = (k as f64, (n - k) as f64);
    let ln_mass = |a: f64, b: f64| ln_beta(a, b) + beta_tails(a, b, theta0).upper;
    ln_mass(a + hits, a + misses) - ln_mass(a, a) - hits * theta0.ln() - misses * (-theta0).ln_1p()
}

/// ln E against "the candidate's rate is at most `rate_ratio` times the baseline's" where its share of
/// the traffic changed by stage: the average over forty larger ratios. The state is two integers a
/// stage and merges exactly.
///
/// `None` for counts that do not fit, a share not between 0 and 1 or a ratio that is not positive.
pub fn ln_e_over_stages(stages: &[Stage], rate_ratio: f64) -> Option<f64> {
    let grid: Option<Vec<f64>> = (0..GRID_POINTS)
        .map(|j| ln_likelihood_ratio(stages, rate_ratio, grid_factor(j)))
        .collect();
    Some(ln_mean_exp(&grid?))
}

/// From 1.02 to 50, evenly on the log scale.
fn grid_factor(index: u32) -> f64 {
    let part = f64::from(index) / f64::from(GRID_POINTS - 1);
    (GRID_FROM.ln() + part * (GRID_TO.ln() - GRID_FROM.ln())).exp()
}

fn ln_likelihood_ratio(stages: &[Stage], rate_ratio: f64, factor: f64) -> Option<f64> {
    let mut sum = 0.0;
    for stage in stages {
        let null = largest_chance(stage.candidate_share, rate_ratio)?;
        let other = largest_chance(stage.candidate_share, rate_ratio * factor)?;
        let misses = stage.both.checked_sub(stage.candidate)? as f64;
        sum += stage.candidate as f64 * (other / null).ln();
        sum += misses * ((1.0 - other) / (1.0 - null)).ln();
    }
    Some(sum)
}

/// The upper bound, valid at any time with confidence 1 - `alpha`, on the share of requests that
/// differ after `n` of which none did: [ln(1/alpha) - ln B(1/2, 1/2 + n) + ln B(1/2, 1/2)] / n.
/// 1 where that is not a bound (no requests, a level not between 0 and 1).
pub fn upper_bound_of_none(n: u64, alpha: f64) -> f64 {
    if n == 0 || !is_level(alpha) {
        return 1.0;
    }
    let requests = n as f64;
    ((-alpha.ln() - ln_beta(0.5, 0.5 + requests) + ln_beta(0.5, 0.5)) / requests).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sequential::threshold;
    use proptest::prelude::*;

    /// The smallest k that rejects at `alpha` among n events.
    fn smallest(n: u64, alpha: f64, ln_e: impl Fn(u64, u64) -> f64) -> u64 {
        (0..=n).find(|&k| ln_e(k, n) >= threshold(alpha)).unwrap()
    }

    fn flat(k: u64, n: u64) -> f64 {
        ln_e_with_prior(k, n, 0.5, 1.0)
    }

    fn averaged(k: u64, n: u64) -> f64 {
        ln_e(k, n, 0.5).unwrap()
    }

    const LEVELS: [f64; 3] = [0.05, 0.01, 0.001];

    #[test]
    fn the_reference_numbers_hold() {
        assert!(
            (flat(15, 20).exp() - 6.3555).abs() < 5e-5,
            "{}",
            flat(15, 20).exp()
        );
        for (n, expected) in [
            (20, [16, 18, 19]),
            (100, [65, 68, 71]),
            (1000, [553, 560, 569]),
        ] {
            assert_eq!(LEVELS.map(|alpha| smallest(n, alpha, flat)), expected);
        }
        for (n, expected) in [
            (20, [17, 18, 19]),
            (100, [65, 68, 71]),
            (1000, [547, 556, 566]),
        ] {
            assert_eq!(LEVELS.map(|alpha| smallest(n, alpha, averaged)), expected);
        }
    }

    #[test]
    fn the_reference_numbers_hold_without_any_error_of_the_baseline() {
        let first = |alpha: f64, ln_e: fn(u64, u64) -> f64| {
            (1..100).find(|&n| ln_e(n, n) >= threshold(alpha)).unwrap()
        };
        assert_eq!(LEVELS.map(|alpha| first(alpha, flat)), [7, 9, 13]);
        assert_eq!(
            LEVELS[..2]
                .iter()
                .map(|&alpha| first(alpha, averaged))
                .collect::<Vec<_>>(),
            [8, 11]
        );
        assert_eq!(first(0.001, averaged), 15);
    }

    #[test]
    fn the_reference_numbers_hold_over_stages() {
        let stage = |candidate_share, candidate, both| Stage {
            candidate_share,
            candidate,
            both,
        };
        for (stages, expected) in [
            (vec![stage(0.5, 65, 100)], 2.544_596),
            (vec![stage(0.01, 5, 50)], 6.023_269),
        ] {
            let found = ln_e_over_stages(&stages, 1.0).unwrap();
            assert!((found - expected).abs() < 1e-6, "{found} != {expected}");
        }
        // Two gateways' counts of one stage add up.
        let apart = ln_e_over_stages(&[stage(0.5, 40, 60), stage(0.5, 25, 40)], 1.0).unwrap();
        assert!((apart - 2.544_596).abs() < 1e-6);
    }

    #[test]
    fn none_different_of_a_million_is_ten_and_a_half_ppm() {
        assert!((upper_bound_of_none(1_000_000, 0.05) * 1e6 - 10.5).abs() < 0.05);
        assert_eq!(upper_bound_of_none(0, 0.05), 1.0);
        assert_eq!(upper_bound_of_none(1, 0.05), 1.0);
    }

    #[test]
    fn degenerate_inputs_give_no_bound() {
        assert_eq!(ln_e(2, 1, 0.5), None);
        assert_eq!(ln_e(1, 2, 1.0), None);
        assert_eq!(largest_chance(0.0, 1.0), None);
        assert_eq!(largest_chance(0.5, -1.0), None);
        let impossible = Stage {
            candidate_share: 0.5,
            candidate: 2,
            both: 1,
        };
        assert_eq!(ln_e_over_stages(&[impossible], 1.0), None);
        assert_eq!(ln_e_over_stages(&[], 1.1), Some(0.0));
    }

    proptest! {
        #[test]
        fn more_events_in_the_candidate_are_more_evidence(n in 1u64..20_000, part in 0.0..1.0f64, theta0 in 0.01..0.99f64) {
            let k = (n as f64 * part) as u64;
            let fewer = ln_e(k, n, theta0).unwrap();
            let more = ln_e(k + 1, n.max(k + 1), theta0).unwrap();
            prop_assert!(fewer.is_finite() && fewer <= more, "{fewer} > {more}");
        }
    }
}
