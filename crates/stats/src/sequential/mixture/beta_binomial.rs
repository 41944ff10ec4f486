use super::{Mixture, Sides, best_rho, is_positive};
use crate::special::{beta_tails, ln_beta};

/// Sub-Bernoulli sums, whose increments are between -g and h: beta mixing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BetaBinomial {
    r: f64,
    g: f64,
    h: f64,
    sides: Sides,
    ln_normaliser: f64,
}

impl BetaBinomial {
    /// Tightest at the variance `v_opt` for level `alpha`; increments are between -`g` and `h`. `None`
    /// unless `v_opt`, `g` and `h` are positive and `alpha` between 0 and 1 (one half for one side).
    pub fn new(v_opt: f64, alpha: f64, g: f64, h: f64, sides: Sides) -> Option<Self> {
        let rho = best_rho(v_opt, alpha, sides)?;
        if !is_positive(g) || !is_positive(h) {
            return None;
        }
        let r = (rho - g * h).max(1e-3 * g * h);
        let mut mixture = Self {
            r,
            g,
            h,
            sides,
            ln_normaliser: 0.0,
        };
        mixture.ln_normaliser = mixture.ln_mixed(0.0, 0.0);
        Some(mixture)
    }

    /// ln of the (for one side incomplete) beta function of the mixture at (s, v).
    fn ln_mixed(&self, s: f64, v: f64) -> f64 {
        let (g, h) = (self.g, self.h);
        let a = (self.r + v - g * s) / (g * (g + h));
        let b = (self.r + v + h * s) / (h * (g + h));
        if a <= 0.0 || b <= 0.0 {
            return f64::NEG_INFINITY; // no sum of such increments
        }
        ln_beta(a, b)
            + match self.sides {
                Sides::One => beta_tails(a, b, h / (g + h)).lower,
                Sides::Two => 0.0,
            }
    }
}

impl Mixture for BetaBinomial {
    fn ln_e(&self, s: f64, v: f64) -> f64 {
        let (g, h) = (self.g, self.h);
        let width = g + h;
        v / (g * h) * width.ln()
            - (v + h * s) / (h * width) * g.ln()
            - (v - g * s) / (g * width) * h.ln()
            + self.ln_mixed(s, v)
            - self.ln_normaliser
    }

    fn largest_sum(&self, v: f64) -> f64 {
        v / self.g
    }
}
