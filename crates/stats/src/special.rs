//! Special functions with their logarithmic tails.
//!
//! `ln gamma` and `erfc` come from `statrs`. Its incomplete beta function stops after 140 terms
//! whether it has converged or not (I_0.5(5e5, 5e5) = 0.49878), and `puruspe` gives 0 there; neither
//! has the logarithm of a tail. Both matter for millions of requests, so the continued fraction is
//! evaluated here, in logarithms and until it has converged.

use statrs::function::erf::{erfc, erfc_inv};
use statrs::function::gamma::ln_gamma;
use std::f64::consts::{PI, SQRT_2};

/// The two tails of a distribution, as logarithms.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LnTails {
    /// ln P(X <= x).
    pub(crate) lower: f64,
    /// ln P(X > x).
    pub(crate) upper: f64,
}

/// ln B(a, b).
pub(crate) fn ln_beta(a: f64, b: f64) -> f64 {
    ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b)
}

/// Both tails at `x` of the Beta(a, b) distribution: ln I_x(a, b) and ln(1 - I_x(a, b)).
///
/// The side of the mean at which the continued fraction (DLMF 8.17.22) converges is computed, the
/// other is its complement; a tail far out therefore keeps its relative accuracy.
pub(crate) fn beta_tails(a: f64, b: f64, x: f64) -> LnTails {
    if x <= 0.0 {
        return LnTails {
            lower: f64::NEG_INFINITY,
            upper: 0.0,
        };
    }
    if x >= 1.0 {
        return LnTails {
            lower: 0.0,
            upper: f64::NEG_INFINITY,
        };
    }
    let ln_density = a * x.ln() + b * (-x).ln_1p() - ln_beta(a, b);
    if x < (a + 1.0) / (a + b + 2.0) {
        let lower = (ln_density - a.ln() + ln_beta_fraction(a, b, x)).min(0.0);
        LnTails {
            lower,
            upper: ln_complement(lower),
        }
    } else {
        let upper = (ln_density - b.ln() + ln_beta_fraction(b, a, 1.0 - x)).min(0.0);
        LnTails {
            lower: ln_complement(upper),
            upper,
        }
    }
}

/// ln(1 - e^ln_p).
fn ln_complement(ln_p: f64) -> f64 {
    (-ln_p.exp()).ln_1p()
}

/// The logarithm of the continued fraction of I_x(a, b), by the modified Lentz method.
fn ln_beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let guarded = |value: f64| if value.abs() < TINY { TINY } else { value };
    // It needs about sqrt(max(a, b)) terms where it is used; the cap only ends hopeless input.
    let cap = 200.0 + 20.0 * a.max(b).sqrt();
    let mut c = 1.0;
    let mut d = 1.0 / guarded(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    let mut m = 1.0;
    while m <= cap {
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / guarded(1.0 + even * d);
        c = guarded(1.0 + even / c);
        fraction *= c * d;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / guarded(1.0 + odd * d);
        c = guarded(1.0 + odd / c);
        fraction *= c * d;
        if (c * d - 1.0).abs() < 1e-15 {
            break;
        }
        m += 1.0;
    }
    fraction.ln()
}

/// The x at which I_x(a, b) = p, to the last bit that bisection can resolve.
pub(crate) fn beta_quantile(a: f64, b: f64, p: f64) -> f64 {
    let ln_p = p.ln();
    bisect(0.0, 1.0, |x| beta_tails(a, b, x).lower < ln_p)
}

/// The point at which `is_left` turns from true to false, between `low` and `high`.
pub(crate) fn bisect(mut low: f64, mut high: f64, is_left: impl Fn(f64) -> bool) -> f64 {
    loop {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            return middle;
        }
        if is_left(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
}

/// P(T > t) of Student's distribution.
pub(crate) fn student_upper_tail(t: f64, degrees: f64) -> f64 {
    let both = beta_tails(degrees / 2.0, 0.5, degrees / (degrees + t * t))
        .lower
        .exp();
    if t > 0.0 {
        both / 2.0
    } else {
        1.0 - both / 2.0
    }
}

/// The t with P(T > t) = `tail`, for `tail` below one half.
pub(crate) fn student_upper_quantile(tail: f64, degrees: f64) -> f64 {
    let x = beta_quantile(degrees / 2.0, 0.5, 2.0 * tail);
    (degrees * (1.0 - x) / x).sqrt()
}

/// Phi(x).
pub(crate) fn normal_cdf(x: f64) -> f64 {
    0.5 * erfc(-x / SQRT_2)
}

/// The x with Phi(x) = p.
pub(crate) fn normal_quantile(p: f64) -> f64 {
    -SQRT_2 * erfc_inv(2.0 * p)
}

/// ln Phi(x), also where Phi(x) is zero in floating point.
pub(crate) fn ln_normal_cdf(x: f64) -> f64 {
    if x > -30.0 {
        return normal_cdf(x).ln();
    }
    // Mills' ratio for large -x (Abramowitz and Stegun 26.2.12): the term left out is below 1e-13.
    let r = 1.0 / (x * x);
    let series = 1.0 - r * (1.0 - 3.0 * r * (1.0 - 5.0 * r * (1.0 - 7.0 * r)));
    -x * x / 2.0 - (-x).ln() - (2.0 * PI).ln() / 2.0 + series.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64, relative: f64) {
        assert!(
            (found - expected).abs() <= relative * expected.abs(),
            "{found} != {expected}"
        );
    }

    #[test]
    fn beta_tails_agree_with_scipy_far_out_and_for_many_samples() {
        // scipy.special.betainc / betaincc (Boost).
        let cases = [
            ((500000.0, 500000.0, 0.5), 0.49999999999999967, 0.5),
            (
                (500000.0, 500000.0, 0.4999),
                0.4207403093309411,
                0.5792596906690474,
            ),
            (
                (1000000.0, 10000.0, 0.99),
                0.1574553938250943,
                0.8425446061749042,
            ),
            (
                (99000.0, 1000.0, 0.9905),
                0.9458286126770968,
                0.05417138732290267,
            ),
            (
                (2.0, 99999.0, 3e-05),
                0.8008562074089982,
                0.1991437925904933,
            ),
            ((0.5, 0.5, 0.3), 0.36901011956554536, 0.6309898804344546),
            ((3.0, 4.0, 0.01), 1.9553589999999998e-05, 0.99998044641),
            ((3.0, 4.0, 0.99), 0.99999985239, 1.476100000000005e-07),
            ((16.0, 6.0, 0.5), 0.013301849365234375, 0.9866981506347656),
            ((1.5, 40.0, 0.9), 1.0, 6.8427631649687e-40),
        ];
        for ((a, b, x), lower, upper) in cases {
            let tails = beta_tails(a, b, x);
            // ln gamma of a million is known to 1e-9: so are the tails.
            close(tails.lower.exp(), lower, 1e-8);
            close(tails.upper.exp(), upper, 1e-8);
        }
    }

    #[test]
    fn beta_quantiles_invert_the_tails() {
        for (a, b, p) in [
            (5.0, 96.0, 0.025),
            (1e5, 12.0, 0.975),
            (0.5, 0.5, 0.3),
            (1.0, 1e6, 0.95),
        ] {
            close(
                beta_tails(a, b, beta_quantile(a, b, p)).lower.exp(),
                p,
                1e-8,
            );
        }
    }

    #[test]
    fn student_agrees_with_scipy() {
        // scipy.stats.t
        close(
            student_upper_quantile(0.025, 5.0),
            2.5705818356363155,
            1e-10,
        );
        close(student_upper_quantile(0.1, 5.0), 1.4758840488244813, 1e-10);
        close(
            student_upper_quantile(0.025, 1.0),
            12.706204736174705,
            1e-10,
        );
        close(
            student_upper_quantile(0.025, 29.0),
            2.045229642132704,
            1e-10,
        );
        close(
            student_upper_quantile(0.1, 999.0),
            1.2823995700373971,
            1e-10,
        );
        close(student_upper_tail(2.0, 5.0), 0.050969739414929174, 1e-10);
        close(student_upper_tail(-1.0, 11.0), 0.8305996519018992, 1e-10);
        close(student_upper_tail(0.0, 3.0), 0.5, 1e-10);
        close(student_upper_tail(12.0, 7.0), 3.179155189092549e-06, 1e-10);
    }

    #[test]
    fn the_normal_distribution_agrees_with_scipy_in_both_branches() {
        // scipy.special.log_ndtr, ndtri
        close(ln_normal_cdf(-100.0), -5005.524208694205, 1e-10);
        close(ln_normal_cdf(-40.0), -804.6084420137539, 1e-10);
        close(ln_normal_cdf(-31.0), -484.8539636271794, 1e-10);
        close(ln_normal_cdf(-29.0), -424.78741990973026, 1e-10);
        close(ln_normal_cdf(-5.0), -15.064998393988727, 1e-10);
        close(ln_normal_cdf(-1.0), -1.8410216450092634, 1e-10);
        close(ln_normal_cdf(0.0), -std::f64::consts::LN_2, 1e-10);
        close(ln_normal_cdf(2.0), -0.023012909328963476, 1e-10);
        close(normal_quantile(0.025), -1.9599639845400545, 1e-9);
        close(normal_quantile(0.5001), 0.0002506628300880075, 1e-9);
        close(normal_quantile(0.975), 1.959963984540054, 1e-9);
        close(normal_quantile(1e-12), -7.034483825301131, 1e-9);
        // The two branches meet.
        close(
            ln_normal_cdf(-30.0 - 1e-9),
            ln_normal_cdf(-30.0 + 1e-9),
            1e-9,
        );
    }
}
