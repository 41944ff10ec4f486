//! The centre of a sample by signed ranks: what a few wild values move little, and what many values of a symmetric
//! distribution place nearly as well as their mean.
//!
//! Wilcoxon, *Individual comparisons by ranking methods*, 1945; the estimate and the interval are those that the test
//! implies: Hodges and Lehmann, *Estimates of location based on rank tests*, 1963; Tukey 1949. Of normal values the
//! interval is 2 % wider than Student's (asymptotic relative efficiency 3/pi); of values of which some come from a far
//! wider distribution it is many times narrower. It holds exactly for every symmetric distribution, which the
//! difference of a pair that was measured in random order is.

use crate::Interval;
use crate::special::{normal_cdf, normal_quantile};

/// Above this many values the distribution of the ranks is taken as normal: its error is then below 0.001.
const EXACT_UP_TO: usize = 200;

/// The pseudo-median of a sample, with what its Walsh averages say about it.
pub(crate) struct SignedRank {
    /// Means of all pairs of values, each with itself too; ascending.
    walsh: Vec<f64>,
    n: usize,
}

impl SignedRank {
    /// `None` for an empty sample, or a value that is not finite.
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        if values.is_empty() || !values.iter().all(|value| value.is_finite()) {
            return None;
        }
        let mut walsh: Vec<f64> = values
            .iter()
            .enumerate()
            .flat_map(|(at, one)| values[at..].iter().map(move |other| (one + other) / 2.0))
            .collect();
        walsh.sort_unstable_by(f64::total_cmp);
        Some(SignedRank {
            walsh,
            n: values.len(),
        })
    }

    /// The median of the Walsh averages.
    pub(crate) fn estimate(&self) -> f64 {
        let middle = self.walsh.len() / 2;
        match self.walsh.len() % 2 {
            1 => self.walsh[middle],
            _ => (self.walsh[middle - 1] + self.walsh[middle]) / 2.0,
        }
    }

    /// The interval that misses the centre with a probability of `alpha` at most; `None` where so few values cannot say
    /// it.
    pub(crate) fn interval(&self, alpha: f64) -> Option<Interval> {
        let skip = self.ranks_below(alpha / 2.0)?;
        Some(Interval {
            estimate: self.estimate(),
            low: self.walsh[skip],
            high: self.walsh[self.walsh.len() - 1 - skip],
        })
    }

    /// The chances of a sample at least this far above `centre`, and this far below it, were that the centre. Averages
    /// that are equal to it count half.
    pub(crate) fn tails(&self, centre: f64) -> (f64, f64) {
        let below = self.walsh.partition_point(|average| *average < centre);
        let above = self.walsh.len() - self.walsh.partition_point(|average| *average <= centre);
        let equal = (self.walsh.len() - below - above) as f64;
        // The distribution is symmetric: at least so many on one side is at most all others on the other.
        let others = |there: usize| (there as f64 + equal / 2.0).ceil() as usize;
        (self.at_most(others(below)), self.at_most(others(above)))
    }

    /// The most Walsh averages that may be cut off an end for a chance of `share` at most.
    fn ranks_below(&self, share: f64) -> Option<usize> {
        // A cut of k leaves an end beyond which the centre lies if the sum of ranks is at most k.
        if self.n > EXACT_UP_TO {
            let (mean, deviation) = self.moments();
            let cut = mean - 0.5 + normal_quantile(share) * deviation;
            return (cut >= 0.0).then_some(cut as usize);
        }
        let mut sum = 0.0;
        let mut cut = None;
        for (rank, chance) in distribution(self.n).into_iter().enumerate() {
            sum += chance;
            if sum > share {
                break;
            }
            cut = Some(rank);
        }
        cut
    }

    /// The chance of a sum of ranks of at most `sum`.
    fn at_most(&self, sum: usize) -> f64 {
        if self.n > EXACT_UP_TO {
            let (mean, deviation) = self.moments();
            return normal_cdf((sum as f64 + 0.5 - mean) / deviation);
        }
        let chances = distribution(self.n);
        chances.iter().take(sum + 1).sum::<f64>().min(1.0)
    }

    /// Mean and standard deviation of the sum of ranks.
    fn moments(&self) -> (f64, f64) {
        let n = self.n as f64;
        let variance = n * (n + 1.0) * (2.0 * n + 1.0) / 24.0;
        (n * (n + 1.0) / 4.0, variance.sqrt())
    }
}

/// The chance of each sum of the ranks of positive values, were each positive as likely as negative: every rank up to
/// `n` is in the sum or not.
fn distribution(n: usize) -> Vec<f64> {
    let most = n * (n + 1) / 2;
    let mut chances = vec![0.0; most + 1];
    chances[0] = 1.0;
    let mut reached = 0;
    for rank in 1..=n {
        reached += rank;
        for sum in (0..=reached).rev() {
            let without = chances[sum];
            let with = match sum.checked_sub(rank) {
                Some(rest) => chances[rest],
                None => 0.0,
            };
            chances[sum] = (without + with) / 2.0;
        }
    }
    chances
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paired::mean_interval;
    use crate::random::Random;
    use proptest::prelude::*;

    /// Hollander, Wolfe, Chicken, *Nonparametric statistical methods*, 3rd edition, 2014, table A.4: chances of the sum
    /// of ranks of n = 12 and 6 values.
    #[test]
    fn the_distribution_is_that_of_the_tables() {
        let at_most = |n: usize, sum: usize| distribution(n).iter().take(sum + 1).sum::<f64>();
        assert!((at_most(12, 13) - 0.0212).abs() < 5e-5);
        assert!((at_most(12, 17) - 0.0461).abs() < 5e-5);
        assert!((at_most(6, 2) - 3.0 / 64.0).abs() < 1e-12);
        assert!((distribution(20).iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn interval_and_test_agree() {
        let mut random = Random::new(3);
        for n in [6, 12, 24, 250] {
            let values: Vec<f64> = (0..n).map(|_| random.normal()).collect();
            let ranks = SignedRank::of(&values).unwrap();
            let Some(interval) = ranks.interval(0.05) else {
                panic!("{n} values reach 5 %")
            };
            let just = 1e-9;
            assert!(ranks.tails(interval.low - just).0 <= 0.0252, "{n}");
            assert!(ranks.tails(interval.low + just).0 > 0.0248, "{n}");
            let of_all = ranks.tails(interval.high + just).0;
            assert!(of_all >= 0.9748, "{n}: {of_all}");
        }
        let few = SignedRank::of(&[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
        assert!(few.interval(0.05).is_none(), "five cannot: 2/32");
    }

    #[test]
    fn equal_values_are_known_for_certain() {
        let ranks = SignedRank::of(&[0.25; 12]).unwrap();
        let interval = ranks.interval(0.05).unwrap();
        assert_eq!(
            (interval.low, interval.estimate, interval.high),
            (0.25, 0.25, 0.25)
        );
        assert!((ranks.tails(0.25).0 - 0.5).abs() < 0.02);
        assert!(ranks.tails(0.2).0 < 0.001 && ranks.tails(0.3).0 > 0.999);
    }

    /// Values of a normal distribution, of which a share is of one ten times as wide.
    fn drawn(random: &mut Random, n: usize, wild: f64) -> Vec<f64> {
        let one = |random: &mut Random| {
            let width = if random.uniform() < wild { 10.0 } else { 1.0 };
            width * random.normal()
        };
        (0..n).map(|_| one(random)).collect()
    }

    /// Of 2,000 samples: how many intervals miss the centre, and the mean width over that of Student's.
    fn coverage(n: usize, wild: f64) -> (usize, f64) {
        let mut random = Random::new(17);
        let (mut missed, mut width, mut of_student) = (0, 0.0, 0.0);
        for _ in 0..2000 {
            let values = drawn(&mut random, n, wild);
            let interval = SignedRank::of(&values).unwrap().interval(0.05).unwrap();
            let student = mean_interval(&values).unwrap();
            missed += usize::from(interval.low > 0.0 || interval.high < 0.0);
            width += interval.high - interval.low;
            of_student += student.high - student.low;
        }
        (missed, width / of_student)
    }

    #[test]
    fn intervals_hold_as_often_as_they_say_and_wild_values_cost_little() {
        for n in [12, 24] {
            for wild in [0.0, 0.15] {
                let (missed, width) = coverage(n, wild);
                // 5 % of 2,000 are 100; 130 would have a chance of 0.1 %.
                assert!(missed <= 130, "{n} {wild}: {missed}");
                let most = if wild > 0.0 { 0.7 } else { 1.08 };
                assert!(width < most, "{n} {wild}: {width}");
            }
        }
    }

    proptest! {
        #[test]
        fn shifted_and_scaled_values_have_shifted_and_scaled_intervals(
            values in prop::collection::vec(-10.0..10.0f64, 6..30),
            shift in -5.0..5.0f64,
        ) {
            let of = |values: &[f64]| SignedRank::of(values).unwrap().interval(0.05).unwrap();
            let plain = of(&values);
            let shifted: Vec<f64> = values.iter().map(|v| shift - 2.0 * v).collect();
            let shifted = of(&shifted);
            prop_assert!((shifted.low - (shift - 2.0 * plain.high)).abs() < 1e-9);
            prop_assert!((shifted.high - (shift - 2.0 * plain.low)).abs() < 1e-9);
            prop_assert!((shifted.estimate - (shift - 2.0 * plain.estimate)).abs() < 1e-9);
        }
    }
}
