//! The Bjontegaard delta rate: how many more bits one encoder needs than another for the same quality.
//!
//! The mean vertical distance of two curves of log rate over quality, over the qualities that both reach (Bjontegaard,
//! ITU-T SG16 VCEG-M33, 2001). The curves go through their points by piecewise cubic Hermite interpolation that does not
//! overshoot (Fritsch and Carlson 1980, with the slopes of Fritsch and Butland 1984): a cubic through all points does
//! (Herglotz et al., arXiv 2202.12565).

use std::fmt;

/// Fewer points say too little of a curve.
pub const LEAST_POINTS: usize = 4;

/// Why two curves have no delta rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRate {
    /// A curve has fewer than [`LEAST_POINTS`] points of different quality.
    TooFew {
        /// How many the shorter one has.
        points: usize,
    },
    /// A quality is not finite, or a rate not above 0.
    NotACurve,
    /// No quality is reached by both.
    NoOverlap,
}

impl fmt::Display for NoRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoRate::TooFew { points } => write!(
                f,
                "a curve has {points} points of different quality, and {LEAST_POINTS} are needed"
            ),
            NoRate::NotACurve => write!(f, "a point of a curve has no quality or no size"),
            NoRate::NoOverlap => write!(f, "the curves have no quality in common"),
        }
    }
}

/// By which share the contender needs more rate than the baseline (0.1: 10 % more) for the same quality. Points are
/// quality and rate, in any order.
///
/// # Errors
/// Why the curves cannot be compared.
pub fn bd_rate(baseline: &[(f64, f64)], contender: &[(f64, f64)]) -> Result<f64, NoRate> {
    let (a, b) = (Curve::new(baseline)?, Curve::new(contender)?);
    let low = a.x[0].max(b.x[0]);
    let high = a.x[a.x.len() - 1].min(b.x[b.x.len() - 1]);
    if low >= high {
        return Err(NoRate::NoOverlap);
    }
    let mean = |curve: &Curve| curve.integral(low, high) / (high - low);
    let change = (mean(&b) - mean(&a)).exp() - 1.0;
    match change.is_finite() {
        true => Ok(change),
        false => Err(NoRate::NotACurve),
    }
}

/// A curve of log rate over quality.
struct Curve {
    /// Qualities, ascending.
    x: Vec<f64>,
    /// Logarithms of the rates.
    y: Vec<f64>,
    /// Slopes at the points.
    slopes: Vec<f64>,
}

impl Curve {
    fn new(points: &[(f64, f64)]) -> Result<Curve, NoRate> {
        let is_point =
            |(quality, rate): &(f64, f64)| quality.is_finite() && rate.is_finite() && *rate > 0.0;
        if !points.iter().all(is_point) {
            return Err(NoRate::NotACurve);
        }
        let mut points = points.to_vec();
        points.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        // Of one quality at two rates the smaller rate is what it takes.
        points.dedup_by(|next, kept| next.0 == kept.0);
        if points.len() < LEAST_POINTS {
            return Err(NoRate::TooFew {
                points: points.len(),
            });
        }
        let x: Vec<f64> = points.iter().map(|(quality, _)| *quality).collect();
        let y: Vec<f64> = points.iter().map(|(_, rate)| rate.ln()).collect();
        let slopes = slopes(&x, &y);
        Ok(Curve { x, y, slopes })
    }

    /// The integral from `low` to `high`, both within the curve.
    fn integral(&self, low: f64, high: f64) -> f64 {
        let pieces = 0..self.x.len() - 1;
        let of = |i: usize| {
            let (from, to) = (self.x[i].max(low), self.x[i + 1].min(high));
            let step = self.x[i + 1] - self.x[i];
            let part = |at: f64| self.up_to(i, (at - self.x[i]) / step);
            if from < to {
                part(to) - part(from)
            } else {
                0.0
            }
        };
        pieces.map(of).sum()
    }

    /// The integral of piece `i` from its begin to the share `t` of it: the antiderivatives of the Hermite polynomials.
    fn up_to(&self, i: usize, t: f64) -> f64 {
        let step = self.x[i + 1] - self.x[i];
        let (t2, t3, t4) = (t * t, t * t * t, t * t * t * t);
        let value = self.y[i] * (t4 / 2.0 - t3 + t) + self.y[i + 1] * (t3 - t4 / 2.0);
        let slope = self.slopes[i] * (t4 / 4.0 - 2.0 * t3 / 3.0 + t2 / 2.0)
            + self.slopes[i + 1] * (t4 / 4.0 - t3 / 3.0);
        step * value + step * step * slope
    }
}

/// Slopes at the points: weighted harmonic means of those of both sides, 0 at a turn.
fn slopes(x: &[f64], y: &[f64]) -> Vec<f64> {
    let steps: Vec<f64> = x.windows(2).map(|two| two[1] - two[0]).collect();
    let rises: Vec<f64> = y
        .windows(2)
        .zip(&steps)
        .map(|(two, step)| (two[1] - two[0]) / step)
        .collect();
    let inner = steps.windows(2).zip(rises.windows(2)).map(|(h, d)| {
        if d[0] * d[1] <= 0.0 {
            return 0.0;
        }
        let (before, after) = (2.0 * h[1] + h[0], h[1] + 2.0 * h[0]);
        (before + after) / (before / d[0] + after / d[1])
    });
    let last = steps.len() - 1;
    let begin = at_end([steps[0], steps[1]], [rises[0], rises[1]]);
    let end = at_end(
        [steps[last], steps[last - 1]],
        [rises[last], rises[last - 1]],
    );
    std::iter::once(begin)
        .chain(inner)
        .chain(std::iter::once(end))
        .collect()
}

/// The slope at an end: of a parabola through three points, unless it overshoots.
fn at_end(h: [f64; 2], d: [f64; 2]) -> f64 {
    let slope = ((2.0 * h[0] + h[1]) * d[0] - h[0] * d[1]) / (h[0] + h[1]);
    if slope * d[0] <= 0.0 {
        0.0
    } else if d[0] * d[1] <= 0.0 && slope.abs() > 3.0 * d[0].abs() {
        3.0 * d[0]
    } else {
        slope
    }
}

#[cfg(test)]
mod tests;
