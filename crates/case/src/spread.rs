//! A figure with its uncertainty.

use statrs::function::erf::erfc_inv;
use std::f64::consts::SQRT_2;

/// The standard normal quantile of 0.9: low and high of an effort are its P10 and P90.
const Z90: f64 = 1.281_551_565_544_600_4;
/// The standard normal quantile of 0.975: half the width of a 95 % interval.
const Z975: f64 = 1.959_963_984_540_054;

/// What is known of a figure: one number, or a distribution. Always finite and in order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread(Form);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    Point(f64),
    Uniform(f64, f64),
    Triangular(f64, f64, f64),
    Tailed(f64, f64, f64),
    Interval(f64, f64, f64),
}

impl Spread {
    /// Exactly this. `None` if it is not finite.
    pub fn point(value: f64) -> Option<Self> {
        value.is_finite().then_some(Spread(Form::Point(value)))
    }

    /// Anywhere between the two, nothing more likely than another. `None` unless in order.
    pub fn between(low: f64, high: f64) -> Option<Self> {
        ordered([low, low, high])?;
        Some(Spread(match low == high {
            true => Form::Point(low),
            false => Form::Uniform(low, high),
        }))
    }

    /// Triangular: least, most likely, most. `None` unless in order.
    pub fn triangular(low: f64, likely: f64, high: f64) -> Option<Self> {
        ordered([low, likely, high])?;
        Some(Spread(match low == high {
            true => Form::Point(low),
            false => Form::Triangular(low, likely, high),
        }))
    }

    /// An effort with its heavy right tail: P10, median and P90 of a shifted lognormal distribution, cut
    /// at 0. `None` unless in order and with the longer way above the median.
    pub fn tailed(p10: f64, median: f64, p90: f64) -> Option<Self> {
        ordered([p10, median, p90])?;
        if p10 == p90 {
            return Self::point(p10);
        }
        (median > p10 && p90 - median > median - p10)
            .then_some(Spread(Form::Tailed(p10, median, p90)))
    }

    /// A measured estimate with its 95 % interval: a normal distribution whose halves have their own
    /// widths (two-piece normal, median at the estimate). `None` unless in order.
    pub fn interval(low: f64, estimate: f64, high: f64) -> Option<Self> {
        ordered([low, estimate, high])?;
        Some(Spread(match low == high {
            true => Form::Point(low),
            false => Form::Interval(low, estimate, high),
        }))
    }

    /// What it takes the name of in output.
    pub fn form(&self) -> &'static str {
        match self.0 {
            Form::Point(_) => "point",
            Form::Uniform(..) => "uniform",
            Form::Triangular(..) => "triangular",
            Form::Tailed(..) => "lognormal",
            Form::Interval(..) => "interval",
        }
    }

    /// Is it one number?
    pub fn is_point(&self) -> bool {
        matches!(self.0, Form::Point(_))
    }

    /// The numbers that define it: low and high, with what is between.
    pub fn bounds(&self) -> (f64, f64) {
        match self.0 {
            Form::Point(value) => (value, value),
            Form::Uniform(low, high)
            | Form::Triangular(low, _, high)
            | Form::Tailed(low, _, high)
            | Form::Interval(low, _, high) => (low, high),
        }
    }

    /// The value that a share `p` in (0, 1) of the distribution is below.
    pub fn quantile(&self, p: f64) -> f64 {
        match self.0 {
            Form::Point(value) => value,
            Form::Uniform(low, high) => low + p * (high - low),
            Form::Triangular(low, likely, high) => {
                let width = high - low;
                let left = (likely - low) / width;
                match p < left {
                    true => low + (p * width * (likely - low)).sqrt(),
                    false => high - ((1.0 - p) * width * (high - likely)).sqrt(),
                }
            }
            Form::Tailed(low, median, high) => {
                // With k = (P90 - median) / (median - P10) and X = shift + m exp(sigma z): the
                // quantiles fit for sigma = ln k / z90, m = k (median - P10) / (k - 1).
                let (below, above) = (median - low, high - median);
                let ratio = above / below;
                let scale = below * ratio / (ratio - 1.0);
                let grown = (ratio.ln() * normal(p) / Z90).exp();
                (median + scale * (grown - 1.0)).max(0.0)
            }
            Form::Interval(low, estimate, high) => {
                let z = normal(p) / Z975;
                let width = if z < 0.0 {
                    estimate - low
                } else {
                    high - estimate
                };
                estimate + z * width
            }
        }
    }

    /// Its median.
    pub fn median(&self) -> f64 {
        match self.0 {
            Form::Tailed(_, median, _) | Form::Interval(_, median, _) => median,
            _ => self.quantile(0.5),
        }
    }
}

fn ordered(values: [f64; 3]) -> Option<()> {
    let finite = values.iter().all(|value| value.is_finite());
    (finite && values[0] <= values[1] && values[1] <= values[2]).then_some(())
}

/// The standard normal quantile.
fn normal(p: f64) -> f64 {
    -SQRT_2 * erfc_inv(2.0 * p)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_distributions() {
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-9 * b.abs().max(1.0), "{a} {b}");
        // Triangular(0, 1, 3): F(1) = 1/3, F(x) = 1 - (3-x)^2/6 above it.
        let triangular = Spread::triangular(0.0, 1.0, 3.0).unwrap();
        close(triangular.quantile(1.0 / 3.0), 1.0);
        close(triangular.quantile(1.0 - 1.0 / 6.0), 2.0);
        close(triangular.quantile(1.0 / 12.0), 0.5);
        // The figures that define an effort are its P10, median and P90.
        let effort = Spread::tailed(6.0, 9.0, 24.0).unwrap();
        close(effort.quantile(0.1), 6.0);
        close(effort.quantile(0.5), 9.0);
        close(effort.quantile(0.9), 24.0);
        assert!(effort.quantile(0.99) > 60.0, "a heavy tail");
        // Without a shift it is the lognormal distribution: P97.5 = median exp(1.96 sigma).
        let lognormal = Spread::tailed(2.0, 4.0, 8.0).unwrap();
        close(
            lognormal.quantile(0.975),
            4.0 * (2f64.ln() / Z90 * Z975).exp(),
        );
        let measured = Spread::interval(0.4, 0.5, 0.7).unwrap();
        close(measured.quantile(0.025), 0.4);
        close(measured.quantile(0.975), 0.7);
        close(Spread::between(2.0, 4.0).unwrap().quantile(0.25), 2.5);
    }

    #[test]
    fn what_is_not_a_range_is_refused() {
        assert_eq!(Spread::point(f64::NAN), None);
        assert_eq!(Spread::between(2.0, 1.0), None);
        assert_eq!(Spread::triangular(1.0, 3.0, 2.0), None);
        assert_eq!(Spread::tailed(1.0, 5.0, 6.0), None);
        assert_eq!(Spread::tailed(1.0, 1.0, 6.0), None);
        assert!(Spread::between(1.0, 1.0).unwrap().is_point());
    }
}
