//! Mixture martingales: ln E from a sum S of deviations and its variance process V, and the bound
//! that S crosses with probability alpha.

mod beta_binomial;
mod gamma;
mod normal;

pub use beta_binomial::BetaBinomial;
pub use gamma::{GammaExponential, GammaPoisson};
pub use normal::Normal;

use super::{is_level, is_positive, threshold};
use crate::special::bisect;

/// Which deviations count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sides {
    /// Only upwards.
    One,
    /// Upwards and downwards.
    Two,
}

/// A martingale that mixes over the sizes an effect may have.
pub trait Mixture {
    /// ln E for the sum `s` of the deviations and its variance process `v`. Growing in `s` above 0.
    fn ln_e(&self, s: f64, v: f64) -> f64;

    /// The largest `s` that is possible at `v`; infinite where nothing bounds it.
    fn largest_sum(&self, _v: f64) -> f64 {
        f64::INFINITY
    }

    /// The `s` that is ever reached with probability at most `alpha`: where ln E is ln(1/alpha). The
    /// largest possible sum where no sum speaks that loudly.
    fn bound(&self, v: f64, alpha: f64) -> f64 {
        let enough = threshold(alpha);
        let mut high = self.largest_sum(v);
        if high.is_infinite() {
            high = v.max(1.0);
            while self.ln_e(high, v) < enough && high.is_finite() {
                high *= 2.0;
            }
        }
        if self.ln_e(high, v) < enough {
            return high;
        }
        bisect(0.0, high, |s| self.ln_e(s, v) < enough)
    }
}

/// The variance of the mixing distribution at which the bound is tightest at `v_opt`:
/// v / (2 ln(1/a) + ln(1 + 2 ln(1/a))), with a = 2 alpha for one side.
///
/// `None` for a variance that is not positive, or a level not between 0 and 1 (1/2 for one side).
fn best_rho(v_opt: f64, alpha: f64, sides: Sides) -> Option<f64> {
    let alpha = match sides {
        Sides::One => 2.0 * alpha,
        Sides::Two => alpha,
    };
    if !is_positive(v_opt) || !is_level(alpha) {
        return None;
    }
    let loudness = 2.0 * threshold(alpha);
    Some(v_opt / (loudness + loudness.ln_1p()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The settings of confseq's own tests: V_opt = v = 100, alpha = 0.05; s = 10.
    fn check(mixture: Option<impl Mixture>, ln_e: f64, bound: f64) {
        let mixture = mixture.unwrap();
        let found = (mixture.ln_e(10.0, 100.0), mixture.bound(100.0, 0.05));
        assert!((found.0 - ln_e).abs() < 1e-6, "{} != {ln_e}", found.0);
        assert!((found.1 - bound).abs() < 1e-4, "{} != {bound}", found.1);
    }

    #[test]
    fn the_reference_numbers_hold() {
        check(
            Normal::new(100.0, 0.05, Sides::Two),
            -0.651_005_2,
            30.352_09,
        );
        check(
            Normal::new(100.0, 0.05, Sides::One),
            -0.065_023_91,
            27.660_71,
        );
        check(
            GammaExponential::new(100.0, 0.05, 2.0),
            -0.249_016_5,
            33.020_17,
        );
        check(GammaPoisson::new(100.0, 0.05, 2.0), -0.069_912_19, 30.194_9);
        check(
            BetaBinomial::new(100.0, 0.05, 0.2, 0.8, Sides::Two),
            -0.694_101_2,
            31.430_8,
        );
        check(
            BetaBinomial::new(100.0, 0.05, 0.2, 0.8, Sides::One),
            -0.071_340_19,
            28.412_38,
        );
    }

    #[test]
    fn a_sum_that_cannot_be_exceeded_is_the_bound_where_nothing_is_loud_enough() {
        let mixture = BetaBinomial::new(100.0, 0.05, 0.2, 0.8, Sides::One).unwrap();
        assert!((mixture.bound(2.0 * 0.2 * 0.8, 0.05) - 2.0 * 0.8).abs() < 1e-12);
    }

    #[test]
    fn parameters_without_a_meaning_are_refused() {
        assert!(Normal::new(0.0, 0.05, Sides::Two).is_none());
        assert!(Normal::new(100.0, 1.0, Sides::Two).is_none());
        assert!(Normal::new(100.0, 0.5, Sides::One).is_none());
        assert!(Normal::new(f64::NAN, 0.05, Sides::One).is_none());
        assert!(GammaExponential::new(100.0, 0.05, 0.0).is_none());
        assert!(GammaPoisson::new(100.0, 0.05, -1.0).is_none());
        assert!(BetaBinomial::new(100.0, 0.05, 0.0, 0.8, Sides::One).is_none());
    }

    #[test]
    fn sums_that_are_impossible_never_count_as_evidence() {
        let gamma = GammaExponential::new(100.0, 0.05, 2.0).unwrap();
        assert!(gamma.ln_e(-1e6, 100.0) < 0.0);
        let poisson = GammaPoisson::new(100.0, 0.05, 2.0).unwrap();
        assert!(poisson.ln_e(-1e6, 100.0) < 0.0);
        let beta = BetaBinomial::new(100.0, 0.05, 0.2, 0.8, Sides::Two).unwrap();
        assert!(beta.ln_e(1e6, 100.0) < 0.0 && beta.ln_e(-1e6, 100.0) < 0.0);
    }
}
