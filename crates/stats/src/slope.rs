//! How fast a series rises, whatever its noise looks like, and lines through the times of sizes.

use crate::Interval;
use crate::special::normal_quantile;

/// Fewer points have no interval: with four, chance alone puts all of them in order more than one time
/// in twenty.
const FEWEST: usize = 5;

/// The slope of a line through points `(x, y)`: the median of the slopes between any two of them (Theil
/// 1950), with the 95 % interval of Sen (1968, JASA 63:1379), which inverts Kendall's test. Points at
/// the same x have no slope; `None` with fewer than five others.
///
/// Points have to be independent: give it few that are apart rather than every sample of a series.
pub fn theil_sen(points: &[(f64, f64)]) -> Option<Interval> {
    let n = points.len();
    let mut slopes: Vec<f64> = points
        .iter()
        .enumerate()
        .flat_map(|(at, a)| points[at + 1..].iter().map(move |b| (a, b)))
        .filter(|(a, b)| a.0 != b.0)
        .map(|(a, b)| (b.1 - a.1) / (b.0 - a.0))
        .filter(|slope| slope.is_finite())
        .collect();
    if n < FEWEST || slopes.len() < FEWEST * (FEWEST - 1) / 2 {
        return None;
    }
    slopes.sort_unstable_by(f64::total_cmp);
    let (count, all) = (n as f64, slopes.len() as f64);
    // The standard deviation of Kendall's score without ties.
    let spread = (count * (count - 1.0) * (2.0 * count + 5.0) / 18.0).sqrt();
    let reach = normal_quantile(0.975) * spread;
    let at = |rank: f64| slopes[(rank.max(0.0) as usize).min(slopes.len() - 1)];
    let middle = (at(((all - 1.0) / 2.0).floor()) + at(((all - 1.0) / 2.0).ceil())) / 2.0;
    Some(Interval {
        estimate: middle,
        // The ranks M1 and M2 + 1, counted from 1: outwards to whole ones.
        low: at(((all - reach) / 2.0).floor() - 1.0),
        high: at(((all + reach) / 2.0).ceil()),
    })
}

/// A straight line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Its value at 0.
    pub at_zero: f64,
    /// By how much it rises for each unit.
    pub slope: f64,
}

impl Line {
    /// Its value at `x`.
    pub fn at(&self, x: f64) -> f64 {
        self.at_zero + self.slope * x
    }
}

/// The line of least squares through points `(x, y, usual)`, where an error counts relative to the `usual` value at that
/// x: errors that are a share of the value weigh alike at every size (weighted least squares: Carroll and Ruppert,
/// Transformation and Weighting in Regression, 1988; Tofallis, Least squares percentage regression, 2008). With weights
/// that are the same for all measurements the line of each is linear in its values, so its mean is not biased.
///
/// `None` with fewer than two different x, a usual value that is not above 0, or a number that is not finite.
pub fn relative_line(points: &[(f64, f64, f64)]) -> Option<Line> {
    let is_sound = |&(x, y, usual): &(f64, f64, f64)| {
        x.is_finite() && y.is_finite() && usual > 0.0 && usual.is_finite()
    };
    if !points.iter().all(is_sound) {
        return None;
    }
    // Weights relative to the largest: those of very long times would vanish.
    let least = points
        .iter()
        .map(|point| point.2)
        .fold(f64::INFINITY, f64::min);
    let weighted = points
        .iter()
        .map(|&(x, y, usual)| ((least / usual).powi(2), x, y));
    let sum = |of: fn(f64, f64, f64) -> f64| -> f64 {
        weighted.clone().map(|(w, x, y)| of(w, x, y)).sum()
    };
    let all = sum(|w, _, _| w);
    let (mean_x, mean_y) = (sum(|w, x, _| w * x) / all, sum(|w, _, y| w * y) / all);
    let (mut spread, mut together) = (0.0, 0.0);
    for (w, x, y) in weighted {
        spread += w * (x - mean_x).powi(2);
        together += w * (x - mean_x) * (y - mean_y);
    }
    let slope = together / spread;
    let at_zero = mean_y - slope * mean_x;
    let is_line = spread > 0.0 && slope.is_finite() && at_zero.is_finite();
    is_line.then_some(Line { at_zero, slope })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn a_line_goes_through_two_points_whatever_their_weights() {
        let line = relative_line(&[(100.0, 31.0, 30.0), (10_000.0, 130.0, 400.0)]).unwrap();
        assert!((line.at_zero - 30.0).abs() < 1e-9 && (line.slope - 0.01).abs() < 1e-12);
        assert!((line.at(1e6) - 10_030.0).abs() < 1e-6);
        for wrong in [
            &[][..],
            &[(1.0, 1.0, 1.0)],
            &[(1.0, 1.0, 1.0), (1.0, 2.0, 2.0)],
            &[(1.0, 1.0, 0.0), (2.0, 2.0, 2.0)],
            &[(1.0, f64::NAN, 1.0), (2.0, 2.0, 2.0)],
            &[(1.0, f64::INFINITY, 1.0), (2.0, 2.0, 2.0)],
        ] {
            assert_eq!(relative_line(wrong), None, "{wrong:?}");
        }
    }

    /// 5 % of a second is 50 times all of the time of the smallest size: without weights, that one would not count.
    #[test]
    fn errors_count_relative_to_the_time() {
        let y = |x: f64| 1.0 + 0.01 * x;
        let points = [10.0, 1000.0, 100_000.0].map(|x| (x, y(x), y(x)));
        let mut disturbed = points;
        disturbed[2].1 *= 1.05;
        let line = relative_line(&disturbed).unwrap();
        assert!((line.at(10.0) / y(10.0) - 1.0).abs() < 0.01, "{line:?}");
        let exact = relative_line(&points).unwrap();
        assert!((exact.at_zero - 1.0).abs() < 1e-9 && (exact.slope - 0.01).abs() < 1e-12);
    }

    #[test]
    fn a_line_has_its_slope_and_an_outlier_does_not_change_it() {
        let mut points: Vec<(f64, f64)> = (0..12)
            .map(|x| (f64::from(x), 3.0 * f64::from(x)))
            .collect();
        let found = theil_sen(&points).unwrap();
        assert_eq!((found.low, found.estimate, found.high), (3.0, 3.0, 3.0));
        points[4].1 = 1e6;
        assert_eq!(theil_sen(&points).unwrap().estimate, 3.0);
        assert_eq!(theil_sen(&points[..4]), None);
        assert_eq!(theil_sen(&[(1.0, 2.0); 9]), None);
    }

    /// Of 2,000 noisy lines at least 93 % of the intervals hold the slope.
    #[test]
    fn the_interval_holds_the_slope() {
        let mut random = Random::new(7);
        let uniform = |random: &mut Random| random.below(1 << 30) as f64 / f64::from(1 << 30);
        let mut held = 0;
        for _ in 0..2000 {
            let points: Vec<(f64, f64)> = (0..12)
                .map(|x| {
                    // Skewed, as memory is: mostly little, sometimes much.
                    let noise = -(1.0 - uniform(&mut random)).ln() * 5.0;
                    (f64::from(x), 2.0 * f64::from(x) + noise)
                })
                .collect();
            let found = theil_sen(&points).unwrap();
            held += u32::from(found.low <= 2.0 && 2.0 <= found.high);
        }
        assert!((1860..=1995).contains(&held), "{held} of 2000");
    }
}
