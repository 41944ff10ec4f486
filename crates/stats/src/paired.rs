//! The effect between two sides from pairs of blocks, and one side against a bound.
//!
//! The unit of evidence is the block, never the request: requests of one block share its bursts and
//! its moment, and pooling them across blocks as if independent makes every interval too narrow.

#[cfg(test)]
mod tests;

use crate::Interval;
use crate::resample;
use crate::signed_rank::SignedRank;
use crate::special::{student_upper_quantile, student_upper_tail};

/// From this many pairs on the centre is estimated as [`Centre`] says; below, by the mean with Student's interval.
const MANY: usize = 12;
/// How often a 95 % interval may miss the truth.
const ALPHA: f64 = 0.05;

/// What 12 pairs or more are summed up by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Centre {
    /// The mean, with the bias-corrected accelerated bootstrap of whole pairs (Efron 1987; 10,000 draws from the seed).
    Mean,
    /// The pseudo-median, with the interval of the signed-rank test (Hodges and Lehmann 1963): a few pairs that
    /// something else disturbed do not widen it.
    PseudoMedian,
}

/// How the contender compares with the baseline, as a ratio.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effect {
    /// Contender over baseline, with its 95 % interval.
    pub ratio: Interval,
    /// p value of "no difference": sign flips of whole pairs, two-sided.
    pub p_value: f64,
    /// The smallest relative difference that these pairs would have shown with 90 % power at a
    /// two-sided level of 5 %: 0.05 stands for 5 %.
    pub mde: f64,
    /// Pairs of blocks.
    pub pairs: usize,
}

/// The effect behind `differences`: one ln(contender) - ln(baseline) per pair of blocks.
///
/// Fewer than 12 pairs get exp(mean) with Student's interval, more what `centre` says. The p value is exact up to 20
/// pairs and sampled with `seed` above; six pairs are the fewest that can reach 0.05. Negated differences give the
/// inverse ratio and the same p value, for the same seed.
///
/// `None` for fewer than two pairs, or a difference that is not finite (an infinite quantile has no
/// logarithm to average).
pub fn effect(differences: &[f64], centre: Centre, seed: u64) -> Option<Effect> {
    effect_at(differences, ALPHA, centre, seed)
}

/// [`effect`] with an interval that misses the truth with probability `alpha`, between 0 and 1, instead
/// of 5 %: where several such intervals share what may go wrong.
pub fn effect_at(differences: &[f64], alpha: f64, centre: Centre, seed: u64) -> Option<Effect> {
    let sample = Sample::of(differences)?;
    let ranks = ranks(differences, centre);
    let interval = |alpha: f64| match &ranks {
        Some(ranks) => ranks
            .interval(alpha)
            .unwrap_or_else(|| sample.student_interval(alpha)),
        None if sample.n < MANY => sample.student_interval(alpha),
        None => resample::bca_interval(differences, alpha, seed),
    };
    let multiplier = mde_multiplier(sample.n)?;
    let unseen = match &ranks {
        // What Student's interval of these values would be as wide as, were they normal.
        Some(_) => {
            let of_5 = interval(ALPHA);
            let quantile = student_upper_quantile(ALPHA / 2.0, sample.degrees());
            let error = (of_5.high - of_5.low) / 2.0 / quantile;
            multiplier * error * (sample.n as f64).sqrt()
        }
        None => multiplier * sample.deviation,
    };
    Some(Effect {
        ratio: interval(alpha).exp(),
        p_value: resample::sign_flip_p_value(differences, seed),
        mde: unseen.exp_m1(),
        pairs: sample.n,
    })
}

/// The signed ranks, where the centre of so many differences is estimated by them.
fn ranks(differences: &[f64], centre: Centre) -> Option<SignedRank> {
    let by_ranks = centre == Centre::PseudoMedian && differences.len() >= MANY;
    by_ranks.then(|| SignedRank::of(differences)).flatten()
}

/// One-sided p values against "the ratio behind `differences` is at most `bound`" and "at least `bound`", by the test
/// that the interval of [`effect_at`] belongs to (the mean's: Student's). `None` where that is, or for a bound that is
/// not positive and finite.
pub fn p_against(differences: &[f64], bound: f64, centre: Centre) -> Option<(f64, f64)> {
    let bound = ln_positive(bound)?;
    match ranks(differences, centre) {
        Some(ranks) => Some(ranks.tails(bound)),
        None => Sample::of(differences)?.tails(bound),
    }
}

/// By what the standard deviation of the log-differences is multiplied to give the smallest one that
/// `pairs` pairs show with 90 % power: (t_.975 + t_.9) / sqrt(n). `None` below two pairs.
pub fn mde_multiplier(pairs: usize) -> Option<f64> {
    let degrees = pairs.checked_sub(1).filter(|&degrees| degrees > 0)? as f64;
    let quantiles = student_upper_quantile(0.025, degrees) + student_upper_quantile(0.1, degrees);
    Some(quantiles / (pairs as f64).sqrt())
}

/// How many pairs would give a 95 % interval whose upper end is at most `times` its lower one, were their differences
/// to vary as those behind the interval of `pairs` pairs: the smallest n with `2 t s / sqrt(n) <= ln(times)`.
///
/// `None` if no interval can be read, or 10,000 pairs are too few.
pub fn pairs_needed((low, high): (f64, f64), pairs: usize, times: f64) -> Option<usize> {
    const MOST: usize = 10_000;
    let half = |n: usize| {
        let degrees = n.checked_sub(1).filter(|degrees| *degrees > 0)? as f64;
        Some(student_upper_quantile(ALPHA / 2.0, degrees) / (n as f64).sqrt())
    };
    let deviation = (ln_positive(high)? - ln_positive(low)?) / (2.0 * half(pairs)?);
    let width = ln_positive(times)?;
    // The half width falls with every pair more.
    let enough = |n: &usize| half(*n).is_some_and(|half| 2.0 * half * deviation <= width);
    let (mut least, mut most) = (2, MOST);
    if !enough(&most) {
        return None;
    }
    while least < most {
        let middle = least.midpoint(most);
        match enough(&middle) {
            true => most = middle,
            false => least = middle + 1,
        }
    }
    Some(most)
}

/// The mean of `values` with Student's 95 % interval. `None` for fewer than two values, or one that
/// is not finite.
pub fn mean_interval(values: &[f64]) -> Option<Interval> {
    Some(Sample::of(values)?.student_interval(ALPHA))
}

/// The geometric mean of `values` (one side's value of each block, in any unit) with Student's 95 %
/// interval, taken on the log scale.
///
/// `None` for fewer than two values, or one that is not positive and finite.
pub fn log_mean_interval(values: &[f64]) -> Option<Interval> {
    log_mean_interval_at(values, ALPHA)
}

/// [`log_mean_interval`] with an interval that misses the truth with probability `alpha`, between 0 and
/// 1, instead of 5 %.
pub fn log_mean_interval_at(values: &[f64], alpha: f64) -> Option<Interval> {
    Some(Sample::of_logs(values)?.student_interval(alpha).exp())
}

/// One-sided p value against "the geometric mean of `values` is at most `bound`": small where it is
/// above. `None` where [`log_mean_interval`] is, or for a bound that is not positive and finite.
pub fn p_above(values: &[f64], bound: f64) -> Option<f64> {
    Sample::of_logs(values)?.upper_tail(ln_positive(bound)?)
}

/// One-sided p value against "the geometric mean of `values` is at least `bound`": small where it is
/// below. `None` where [`log_mean_interval`] is, or for a bound that is not positive and finite.
pub fn p_below(values: &[f64], bound: f64) -> Option<f64> {
    let inverse: Vec<f64> = values.iter().map(|value| value.recip()).collect();
    p_above(&inverse, bound.recip())
}

fn ln_positive(value: f64) -> Option<f64> {
    (value > 0.0 && value.is_finite()).then(|| value.ln())
}

/// What Student's distribution needs of a sample.
pub(crate) struct Sample {
    pub(crate) n: usize,
    pub(crate) mean: f64,
    pub(crate) deviation: f64,
}

impl Sample {
    fn of(values: &[f64]) -> Option<Self> {
        if values.len() < 2 || !values.iter().all(|value| value.is_finite()) {
            return None;
        }
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Some(Self {
            n: values.len(),
            mean,
            deviation: (squares / (n - 1.0)).sqrt(),
        })
    }

    pub(crate) fn of_logs(values: &[f64]) -> Option<Self> {
        Self::of(
            &values
                .iter()
                .map(|&value| ln_positive(value))
                .collect::<Option<Vec<_>>>()?,
        )
    }

    pub(crate) fn degrees(&self) -> f64 {
        (self.n - 1) as f64
    }

    fn standard_error(&self) -> f64 {
        self.deviation / (self.n as f64).sqrt()
    }

    fn student_interval(&self, alpha: f64) -> Interval {
        let half = student_upper_quantile(alpha / 2.0, self.degrees()) * self.standard_error();
        Interval {
            estimate: self.mean,
            low: self.mean - half,
            high: self.mean + half,
        }
    }

    /// The chances of a mean this far above `centre`, and this far below it, were `centre` the truth.
    fn tails(&self, centre: f64) -> Option<(f64, f64)> {
        let above = self.mean - centre;
        self.tail(above).zip(self.tail(-above))
    }

    /// The chance of a mean this far above `centre`, were `centre` the truth.
    fn upper_tail(&self, centre: f64) -> Option<f64> {
        self.tail(self.mean - centre)
    }

    /// The chance of a mean so far above the truth.
    fn tail(&self, above: f64) -> Option<f64> {
        if above == 0.0 {
            return Some(0.5); // also where every value is the same
        }
        Some(student_upper_tail(
            above / self.standard_error(),
            self.degrees(),
        ))
    }
}
