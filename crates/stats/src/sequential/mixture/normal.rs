use super::{Mixture, Sides, best_rho};
use crate::special::ln_normal_cdf;
use std::f64::consts::LN_2;

/// Sub-Gaussian sums: normal (two-sided) or half-normal (one-sided) mixing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Normal {
    rho: f64,
    sides: Sides,
}

impl Normal {
    /// Tightest at the variance `v_opt` for level `alpha`. `None` unless `v_opt` is positive and
    /// `alpha` between 0 and 1 (one half for one side).
    pub fn new(v_opt: f64, alpha: f64, sides: Sides) -> Option<Self> {
        Some(Self {
            rho: best_rho(v_opt, alpha, sides)?,
            sides,
        })
    }
}

impl Mixture for Normal {
    fn ln_e(&self, s: f64, v: f64) -> f64 {
        let spread = v + self.rho;
        let both = 0.5 * (self.rho / spread).ln() + s * s / (2.0 * spread);
        match self.sides {
            Sides::Two => both,
            Sides::One => both + LN_2 + ln_normal_cdf(s / spread.sqrt()),
        }
    }
}
