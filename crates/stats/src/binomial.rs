//! What `k` of `n` says about a share, exactly (Clopper and Pearson 1934).

use crate::Interval;
use crate::special::{beta_quantile, beta_tails};

/// The share `k / n` with its two-sided 95 % Clopper-Pearson interval.
///
/// `None` if `k` exceeds `n` or `n` is zero.
pub fn interval(k: u64, n: u64) -> Option<Interval> {
    if k > n || n == 0 {
        return None;
    }
    Some(Interval {
        estimate: k as f64 / n as f64,
        low: if k == 0 {
            0.0
        } else {
            beta_quantile(k as f64, (n - k + 1) as f64, 0.025)
        },
        high: upper(k, n, 0.975),
    })
}

/// The one-sided upper 95 % bound on the share behind `k` of `n`; 1 if nothing was seen (`n` is zero)
/// or `k` is not less than `n`.
pub fn upper_95(k: u64, n: u64) -> f64 {
    upper(k, n, 0.95)
}

/// One-sided p value against "the share is at most `bound`": the probability of `k` or more of `n`
/// at the bound. 1 if nothing speaks against it.
pub fn p_above(k: u64, n: u64, bound: f64) -> f64 {
    if k == 0 || k > n || bound >= 1.0 {
        return 1.0;
    }
    if bound <= 0.0 {
        return 0.0;
    }
    beta_tails(k as f64, (n - k + 1) as f64, bound).lower.exp()
}

/// One-sided p value against "the share is at least `bound`": the probability of `k` or fewer of
/// `n` at the bound. 1 if nothing speaks against it.
pub fn p_below(k: u64, n: u64, bound: f64) -> f64 {
    if k >= n || bound <= 0.0 {
        return 1.0;
    }
    if bound >= 1.0 {
        return 0.0;
    }
    beta_tails((k + 1) as f64, (n - k) as f64, bound)
        .upper
        .exp()
}

fn upper(k: u64, n: u64, confidence: f64) -> f64 {
    if k >= n {
        return 1.0;
    }
    beta_quantile((k + 1) as f64, (n - k) as f64, confidence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tails_agree_with_arithmetic() {
        // P(X >= 2) and P(X <= 2) for Binomial(3, 1/2).
        assert!((p_above(2, 3, 0.5) - 0.5).abs() < 1e-12);
        assert!((p_below(2, 3, 0.5) - 0.875).abs() < 1e-12);
        assert!((p_below(0, 300, 0.01) - 0.99f64.powi(300)).abs() < 1e-12);
        assert_eq!(
            (p_above(0, 9, 0.1), p_above(1, 9, 0.0), p_below(0, 9, 0.0)),
            (1.0, 0.0, 1.0)
        );
    }

    #[test]
    fn intervals_agree_with_scipy() {
        // scipy.stats.beta.ppf of (0.025; k, n-k+1), (0.975; k+1, n-k) and (0.95; k+1, n-k).
        let cases = [
            ((0, 300), 0.0, 0.01222097469429355, 0.009936081944457708),
            (
                (1, 100000),
                2.531780477933314e-07,
                5.571516034774275e-05,
                4.743775717386053e-05,
            ),
            (
                (3, 20),
                0.0320709371854637,
                0.37892682654531396,
                0.3436638043142818,
            ),
            ((20, 20), 0.8315665290169146, 1.0, 1.0),
            (
                (700, 1000),
                0.670538321302634,
                0.7282788878708555,
                0.7238772288409887,
            ),
            (
                (5000, 1000000),
                0.004862691820452957,
                0.005140187265579256,
                0.0051175840516408605,
            ),
        ];
        let close = |found: f64, expected: f64| (found - expected).abs() <= 1e-8 * expected;
        for ((k, n), low, high, upper) in cases {
            let found = interval(k, n).unwrap();
            assert!(
                close(found.low, low) && close(found.high, high),
                "{k} of {n}: {found:?}"
            );
            assert!(close(upper_95(k, n), upper), "{k} of {n}");
        }
    }

    #[test]
    fn the_ends_are_closed() {
        assert_eq!(interval(0, 0), None);
        assert_eq!(interval(3, 2), None);
        assert_eq!(interval(0, 5).unwrap().low, 0.0);
        assert_eq!(interval(5, 5).unwrap().high, 1.0);
        assert_eq!(upper_95(0, 0), 1.0);
        // "Rule of three", exactly: 1 - 0.05^(1/n).
        assert!((upper_95(0, 300) - (1.0 - 0.05f64.powf(1.0 / 300.0))).abs() < 1e-14);
    }

    proptest! {
        #[test]
        fn the_interval_contains_the_share_and_shrinks_with_n(n in 1u64..100_000, share in 0.0..=1.0f64) {
            let k = (n as f64 * share) as u64;
            let found = interval(k, n).unwrap();
            prop_assert!(0.0 <= found.low && found.low <= found.estimate);
            prop_assert!(found.estimate <= found.high && found.high <= 1.0);
            prop_assert!(found.estimate <= upper_95(k, n) && upper_95(k, n) <= found.high);
            let longer = interval(4 * k, 4 * n).unwrap();
            prop_assert!(longer.high - longer.low < found.high - found.low);
        }
    }
}
