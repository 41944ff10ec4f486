//! A share with an interval that may be looked at any time.

use super::mixture::{BetaBinomial, Mixture, Sides};
use super::{is_level, is_positive, threshold};
use crate::Interval;
use crate::special::bisect;

/// The share `k / n` with an interval that holds at every n at once with confidence 1 - `alpha`,
/// tightest around `n_opt`: every share that the two-sided beta-binomial martingale does not reject.
///
/// `None` for `k` above `n`, no trials, or parameters without a meaning.
pub fn interval(k: u64, n: u64, n_opt: f64, alpha: f64) -> Option<Interval> {
    if k > n || n == 0 || !is_positive(n_opt) || !is_level(alpha) {
        return None;
    }
    let trials = n as f64;
    let estimate = k as f64 / trials;
    let is_rejected = |p: f64| {
        let variance = p * (1.0 - p);
        BetaBinomial::new(variance * n_opt, alpha, p, 1.0 - p, Sides::Two).is_some_and(|mixture| {
            mixture.ln_e((estimate - p) * trials, variance * trials) > threshold(alpha)
        })
    };
    Some(Interval {
        estimate,
        low: if k == 0 {
            0.0
        } else {
            bisect(0.0, estimate, is_rejected)
        },
        high: if k == n {
            1.0
        } else {
            bisect(estimate, 1.0, |p| !is_rejected(p))
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_numbers_hold() {
        // From the unit tests of confseq (alpha = 0.05).
        for (k, n, n_opt, low, high) in [
            (700, 1000, 100.0, 0.651_629, 0.745_949),
            (15, 50, 50.0, 0.129_556, 0.511_896),
            (5, 50, 50.0, 0.013_021, 0.269_264),
            (1, 50, 50.0, 0.0, 0.134_89),
            (1, 2, 50.0, 0.0, 1.0),
            (100, 200, 1.0, 0.328_923, 0.671_076),
            (0, 1, 50.0, 0.0, 1.0),
            (1, 1, 50.0, 0.0, 1.0),
        ] {
            let found = interval(k, n, n_opt, 0.05).unwrap();
            let close = |found: f64, expected: f64| (found - expected).abs() < 1e-5;
            assert!(
                close(found.low, low) && close(found.high, high),
                "{k} of {n}: {found:?}"
            );
        }
    }

    #[test]
    fn what_has_no_meaning_is_none() {
        for (k, n, n_opt, alpha) in [
            (2, 1, 9.0, 0.05),
            (0, 0, 9.0, 0.05),
            (1, 2, 0.0, 0.05),
            (1, 2, 9.0, 1.0),
        ] {
            assert_eq!(interval(k, n, n_opt, alpha), None);
        }
    }
}
