//! How fast a series rises, whatever its noise looks like.

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

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
