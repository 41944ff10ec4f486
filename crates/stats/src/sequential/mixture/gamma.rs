use super::{Mixture, Sides, best_rho, is_positive};
use statrs::function::gamma::{checked_gamma_lr, checked_gamma_ur, ln_gamma};

/// Sub-exponential sums (increments bounded from one side, by a scale c): gamma mixing, one-sided.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GammaExponential {
    /// rho / c^2.
    shape: f64,
    c: f64,
    ln_normaliser: f64,
}

/// Sub-Poisson sums of scale c: gamma mixing, one-sided.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GammaPoisson {
    /// rho / c^2.
    shape: f64,
    c: f64,
    ln_normaliser: f64,
}

/// ln P(a, x), minus infinity where it has no meaning.
fn ln_lower(a: f64, x: f64) -> f64 {
    checked_gamma_lr(a, x).map_or(f64::NEG_INFINITY, f64::ln)
}

/// ln Q(a, x), minus infinity where it has no meaning.
fn ln_upper(a: f64, x: f64) -> f64 {
    checked_gamma_ur(a, x).map_or(f64::NEG_INFINITY, f64::ln)
}

/// rho / c^2, for parameters that have a meaning.
fn shape(v_opt: f64, alpha: f64, c: f64) -> Option<f64> {
    is_positive(c).then_some(best_rho(v_opt, alpha, Sides::One)? / (c * c))
}

impl GammaExponential {
    /// Tightest at the variance `v_opt` for level `alpha`; `c` is the scale. `None` unless `v_opt` and
    /// `c` are positive and `alpha` is between 0 and 1/2.
    pub fn new(v_opt: f64, alpha: f64, c: f64) -> Option<Self> {
        let shape = shape(v_opt, alpha, c)?;
        let ln_normaliser = shape * shape.ln() - ln_gamma(shape) - ln_lower(shape, shape);
        Some(Self {
            shape,
            c,
            ln_normaliser,
        })
    }
}

impl Mixture for GammaExponential {
    fn ln_e(&self, s: f64, v: f64) -> f64 {
        let v = v / (self.c * self.c);
        let sum = s / self.c + v;
        let (a, x) = (v + self.shape, sum + self.shape);
        if x <= 0.0 {
            return f64::NEG_INFINITY;
        }
        self.ln_normaliser + ln_gamma(a) + ln_lower(a, x) - a * x.ln() + sum
    }
}

impl GammaPoisson {
    /// Tightest at the variance `v_opt` for level `alpha`; `c` is the scale. `None` unless `v_opt` and
    /// `c` are positive and `alpha` is between 0 and 1/2.
    pub fn new(v_opt: f64, alpha: f64, c: f64) -> Option<Self> {
        let shape = shape(v_opt, alpha, c)?;
        let ln_normaliser = shape * shape.ln() - ln_gamma(shape) - ln_upper(shape, shape);
        Some(Self {
            shape,
            c,
            ln_normaliser,
        })
    }
}

impl Mixture for GammaPoisson {
    fn ln_e(&self, s: f64, v: f64) -> f64 {
        let v = v / (self.c * self.c);
        let x = v + self.shape;
        let a = s / self.c + x;
        if a <= 0.0 {
            return f64::NEG_INFINITY;
        }
        self.ln_normaliser + ln_gamma(a) + ln_upper(a, x) - a * x.ln() + v
    }
}
