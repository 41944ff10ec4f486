//! Do gaps look exponential, and do neighbours resemble each other?

use crate::special::normal_cdf;

/// The Anderson-Darling statistic of gaps against an exponential distribution with their own mean,
/// `A^2 (1 + 0.6 / n)` (Stephens 1974; D'Agostino and Stephens, *Goodness-of-fit techniques*, 1986, table
/// 4.14). Its upper points are [`EXPONENTIAL_1_PERCENT`] and so on. `None` for fewer than 8 gaps, a negative
/// one, or only zeros.
pub fn exponential(gaps: &[f64]) -> Option<f64> {
    let n = gaps.len();
    let mean = gaps.iter().sum::<f64>() / n as f64;
    let proper = gaps.iter().all(|gap| gap.is_finite() && *gap >= 0.0);
    if n < 8 || !proper || mean <= 0.0 {
        return None;
    }
    let mut sorted: Vec<f64> = gaps.iter().map(|gap| gap / mean).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    // ln F and ln(1 - F) of an exponential; a gap of zero is one below the resolution of the clock.
    let ln_below = |x: f64| (-(-x.max(1e-9)).exp_m1()).ln();
    let sum: f64 = (0..n)
        .map(|i| (2 * i + 1) as f64 * (ln_below(sorted[i]) - sorted[n - 1 - i]))
        .sum();
    let a2 = -(n as f64) - sum / n as f64;
    Some(a2 * (1.0 + 0.6 / n as f64))
}

/// Exceeded by 1 % of exponential samples.
pub const EXPONENTIAL_1_PERCENT: f64 = 1.959;

/// Spearman's rank correlation of each value with the next, and the one-sided p value that
/// neighbours resemble each other (normal approximation: `rho sqrt(n - 1)` for n neighbours). `None` for
/// fewer than 5 neighbours or equal values throughout.
pub fn neighbours(values: &[f64]) -> Option<(f64, f64)> {
    let n = values.len().checked_sub(1).filter(|n| *n >= 5)?;
    let (first, next) = (ranks(&values[..n]), ranks(&values[1..]));
    let middle = (n as f64 + 1.0) / 2.0;
    let product = |a: &[f64], b: &[f64]| -> f64 {
        let pairs = a.iter().zip(b);
        pairs.map(|(a, b)| (a - middle) * (b - middle)).sum()
    };
    let spread = (product(&first, &first) * product(&next, &next)).sqrt();
    (spread > 0.0).then(|| {
        let rho = product(&first, &next) / spread;
        // Under independence the correlation with the next is -1/n on average, not 0.
        (
            rho,
            1.0 - normal_cdf((rho + 1.0 / n as f64) * (n as f64 - 1.0).sqrt()),
        )
    })
}

/// Every how many-th value to take so that they say nothing about each other: 1 where [`neighbours`] of all
/// of them give a p value of at least `noticed`, else the smallest step whose values give at least `enough`.
/// `None` where no step does that leaves `fewest` values.
///
/// Thinning loses more than batch means would, and needs no assumption about how far the dependence reaches.
/// What the test cannot show any more is still there: intervals of thinned values are somewhat too narrow.
pub fn thin(values: &[f64], fewest: usize, (noticed, enough): (f64, f64)) -> Option<usize> {
    let holds = |step: usize, limit: f64| {
        let some: Vec<f64> = values.iter().copied().step_by(step).collect();
        neighbours(&some).is_none_or(|(_, p)| p >= limit)
    };
    if holds(1, noticed) {
        return Some(1);
    }
    let leaves = |step: &usize| values.len().div_ceil(*step) >= fewest;
    (2..).take_while(leaves).find(|step| holds(*step, enough))
}

/// Ranks from 1, ties sharing the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| f64::total_cmp(&values[*a], &values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut begin = 0;
    while begin < order.len() {
        let same = order[begin..]
            .iter()
            .take_while(|at| values[**at] == values[order[begin]])
            .count();
        let rank = (2 * begin + same + 1) as f64 / 2.0;
        for at in &order[begin..begin + same] {
            ranks[*at] = rank;
        }
        begin += same;
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use proptest::prelude::*;

    fn exponentials(random: &mut Random, n: usize) -> Vec<f64> {
        (0..n).map(|_| -(1.0 - random.uniform()).ln()).collect()
    }

    #[test]
    fn one_percent_of_exponential_samples_exceed_its_point() {
        let mut random = Random::new(17);
        for n in [50, 500] {
            let beyond = (0..4000).filter(|_| {
                exponential(&exponentials(&mut random, n)).unwrap() > EXPONENTIAL_1_PERCENT
            });
            // 40 expected, four standard errors to either side.
            let beyond = beyond.count();
            assert!((15..=65).contains(&beyond), "{beyond} of 4000 at n = {n}");
        }
    }

    #[test]
    fn a_metronome_and_bursts_are_not_exponential() {
        let mut random = Random::new(2);
        let metronome = vec![1.0; 200];
        assert!(exponential(&metronome).unwrap() > 10.0);
        let bursts: Vec<f64> = (0..200)
            .map(|k| if k % 10 == 0 { 10.0 } else { 0.0 })
            .collect();
        assert!(exponential(&bursts).unwrap() > 10.0);
        let late = exponentials(&mut random, 200)
            .iter()
            .map(|gap| gap + 0.3)
            .collect::<Vec<_>>();
        assert!(exponential(&late).unwrap() > EXPONENTIAL_1_PERCENT);
        assert_eq!(exponential(&[1.0; 7]), None);
        assert_eq!(exponential(&[0.0; 20]), None);
        assert_eq!(exponential(&[-1.0; 20]), None);
    }

    #[test]
    fn neighbours_that_drift_resemble_each_other_and_independent_ones_do_not() {
        let mut random = Random::new(23);
        let refused = |random: &mut Random, drift: f64| {
            let mut level = 0.0;
            let values: Vec<f64> = (0..20)
                .map(|_| {
                    level = drift * level + random.normal();
                    level
                })
                .collect();
            neighbours(&values).unwrap().1 < 0.01
        };
        let by_chance = (0..4000).filter(|_| refused(&mut random, 0.0)).count();
        assert!(by_chance <= 60, "{by_chance} of 4000");
        let planted = (0..400).filter(|_| refused(&mut random, 0.95)).count();
        assert!(planted > 200, "{planted} of 400");
        assert_eq!(neighbours(&[1.0; 20]), None);
        assert_eq!(neighbours(&[1.0, 2.0, 3.0]), None);
    }

    #[test]
    fn ties_share_their_ranks() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 2.0]), [3.5, 1.0, 3.5, 2.0]);
    }

    proptest! {
        #[test]
        fn no_input_panics(values in prop::collection::vec(any::<f64>(), 0..40)) {
            let _ = exponential(&values);
            let _ = neighbours(&values);
        }
    }

    /// An autoregressive series around 0, each value with this part of the one before.
    fn autoregressive(random: &mut Random, part: f64, n: usize) -> Vec<f64> {
        let mut last = random.normal() / (1.0 - part * part).sqrt();
        let next = |_| {
            last = part * last + random.normal();
            last
        };
        (0..n).map(next).collect()
    }

    /// Of 600 series of 120 values: how many intervals of 95 % hold the truth, all values taken and thinned.
    #[test]
    fn thinning_makes_intervals_honest_again() {
        let covers = |values: &[f64]| {
            let positive: Vec<f64> = values.iter().map(|value| value.exp()).collect();
            let interval = crate::paired::log_mean_interval(&positive).unwrap();
            interval.low <= 1.0 && 1.0 <= interval.high
        };
        let mut random = Random::new(41);
        let (mut all, mut thinned) = (0, 0);
        for _ in 0..600 {
            let values = autoregressive(&mut random, 0.6, 120);
            let step = thin(&values, 7, (0.005, 0.05)).unwrap();
            let some: Vec<f64> = values.iter().copied().step_by(step).collect();
            all += u32::from(covers(&values));
            thinned += u32::from(covers(&some));
        }
        assert!(
            all < 450,
            "{all} of 600: dependent values look surer than they are"
        );
        assert!(thinned >= 520, "{thinned} of 600");
    }

    #[test]
    fn independent_values_are_left_alone_and_a_trend_is_beyond_help() {
        let mut random = Random::new(7);
        let kept = (0..400).filter(|_| {
            let values: Vec<f64> = (0..40).map(|_| random.uniform()).collect();
            thin(&values, 7, (0.005, 0.05)) == Some(1)
        });
        // One of two hundred would be thinned by chance.
        assert!(kept.count() >= 392);
        let trend: Vec<f64> = (0..40).map(f64::from).collect();
        assert_eq!(thin(&trend, 7, (0.005, 0.05)), None);
        assert_eq!(thin(&[1.0, 2.0], 7, (0.005, 0.05)), Some(1));
    }
}
