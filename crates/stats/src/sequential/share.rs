//! A share with an interval that may be looked at any time.

use super::mixture::{BetaBinomial, Mixture, Sides};
use super::{is_level, is_positive, threshold};
use crate::Interval;
use crate::special::{bisect, ln_beta};

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

/// The upper bound on the share behind `k` of `n` that holds at every n at once with confidence
/// 1 - `alpha`: the largest share p at which the evidence B(1/2 + k, 1/2 + n - k) / (B(1/2, 1/2) p^k
/// (1 - p)^(n - k)) of the mixture over Jeffreys' prior (Robbins 1970) stays below 1/alpha.
///
/// 1 for no trials, `k` not below `n`, or a level not between 0 and 1.
pub fn upper_bound(k: u64, n: u64, alpha: f64) -> f64 {
    if k >= n || !is_level(alpha) {
        return 1.0;
    }
    let (hits, misses) = (k as f64, (n - k) as f64);
    let ln_mixture = ln_beta(0.5 + hits, 0.5 + misses) - ln_beta(0.5, 0.5);
    let is_inside = |p: f64| {
        let ln_likelihood = if k == 0 { 0.0 } else { hits * p.ln() } + misses * (-p).ln_1p();
        ln_mixture - ln_likelihood < threshold(alpha)
    };
    bisect(hits / n as f64, 1.0, is_inside)
}

/// The least number of further trials, none of which hits, that brings [`upper_bound`] down to
/// `goal`. 0 if it is there already; `None` if `goal` is not between 0 and 1.
pub fn trials_to_goal(k: u64, n: u64, alpha: f64, goal: f64) -> Option<u64> {
    if !is_level(goal) || !is_level(alpha) {
        return None;
    }
    let reached = |more: u64| upper_bound(k, n.saturating_add(more), alpha) <= goal;
    if reached(0) {
        return Some(0);
    }
    let mut high = 1u64;
    while !reached(high) {
        // Beyond every traffic there is: the goal cannot be reached with these hits.
        high = high.checked_mul(2).filter(|high| *high < 1 << 50)?;
    }
    let mut low = high / 2;
    while low + 1 < high {
        let middle = low + (high - low) / 2;
        if reached(middle) {
            high = middle
        } else {
            low = middle
        }
    }
    Some(high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sequential::counting::upper_bound_of_none;
    use proptest::prelude::*;

    #[test]
    fn the_bound_agrees_with_that_of_none() {
        for n in [10, 1000, 1_000_000] {
            // -ln(1 - p) <= x: the bound of none replaces it by p.
            let exact = -(-upper_bound(0, n, 0.05)).ln_1p();
            let of_none = upper_bound_of_none(n, 0.05);
            assert!(
                (exact - of_none).abs() < 1e-9 + 1e-6 * of_none || of_none == 1.0,
                "{n}: {exact} {of_none}"
            );
        }
        assert_eq!(
            (
                upper_bound(0, 0, 0.05),
                upper_bound(3, 3, 0.05),
                upper_bound(0, 9, 1.0)
            ),
            (1.0, 1.0, 1.0)
        );
    }

    #[test]
    fn the_goal_is_reached_by_just_so_many() {
        for (k, n) in [(0, 0), (0, 500), (3, 900), (50, 1000)] {
            let more = trials_to_goal(k, n, 0.05, 0.001).unwrap();
            assert!(upper_bound(k, n + more, 0.05) <= 0.001);
            assert!(
                upper_bound(k, n + more - 1, 0.05) > 0.001,
                "{k} of {n}: {more}"
            );
        }
        assert_eq!(trials_to_goal(0, 1 << 20, 0.05, 0.001), Some(0));
        assert_eq!(trials_to_goal(0, 1, 0.05, 0.0), None);
    }

    proptest! {
        #[test]
        fn the_bound_holds_the_share_and_shrinks(n in 1u64..100_000, share in 0.0..0.9f64) {
            let k = (n as f64 * share) as u64;
            let bound = upper_bound(k, n, 0.05);
            prop_assert!(bound > k as f64 / n as f64 && bound <= 1.0);
            prop_assert!(upper_bound(4 * k, 4 * n, 0.05) < bound);
            prop_assert!(upper_bound(k + 1, n + 1, 0.05) > bound);
        }
    }

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
    fn degenerate_inputs_give_no_bound() {
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
