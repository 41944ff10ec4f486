//! Where one more value is to be expected, from others of its kind.

use crate::Interval;
use crate::paired::Sample;
use crate::special::student_upper_quantile;

/// Fewer values give no interval: with three, Student's quantile alone is 4.3, and the interval says nothing.
pub const FEWEST: usize = 4;
/// How often the next value may be outside.
const ALPHA: f64 = 0.05;

/// The 95 % prediction interval of one more value: `exp(mean +- t s sqrt(1 + 1/k))` of the logarithms of `values`,
/// with k - 1 degrees of freedom (Whitmore, *Prediction limits for a univariate normal observation*, The American
/// Statistician 40, 1986; Meeker, Hahn and Escobar, *Statistical Intervals*, 2017, chapter 4). The estimate is their
/// geometric mean.
///
/// `None` for fewer than [`FEWEST`] values, or one that is not positive and finite.
pub fn log_prediction_interval(values: &[f64]) -> Option<Interval> {
    if values.len() < FEWEST {
        return None;
    }
    let sample = Sample::of_logs(values)?;
    let spread = sample.deviation * (1.0 + 1.0 / sample.n as f64).sqrt();
    let half = student_upper_quantile(ALPHA / 2.0, sample.degrees()) * spread;
    let interval = Interval {
        estimate: sample.mean,
        low: sample.mean - half,
        high: sample.mean + half,
    };
    Some(interval.exp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paired::log_mean_interval;
    use crate::random::Random;

    #[test]
    fn it_is_the_published_formula() {
        // scipy: x = ln [61, 64, 66, 70, 74]; exp(mean(x) -+ t.ppf(.975, 4) * std(x, ddof=1) * sqrt(1 + 1/5))
        let found = log_prediction_interval(&[61.0, 64.0, 66.0, 70.0, 74.0]).unwrap();
        for (found, expected) in [
            (found.estimate, 66.84619643777808),
            (found.low, 53.1064730884131),
            (found.high, 84.14066531510913),
        ] {
            assert!((found / expected - 1.0).abs() < 1e-9, "{found} {expected}");
        }
    }

    #[test]
    fn too_few_or_impossible_values_have_none() {
        assert_eq!(log_prediction_interval(&[1.0, 2.0, 3.0]), None);
        assert_eq!(log_prediction_interval(&[1.0, 2.0, 3.0, 0.0]), None);
        assert_eq!(log_prediction_interval(&[1.0, 2.0, 3.0, f64::NAN]), None);
        assert_eq!(
            log_prediction_interval(&[1.0, 2.0, 3.0, f64::INFINITY]),
            None
        );
        let same = log_prediction_interval(&[5.0; 4]).unwrap();
        assert!((same.low - 5.0).abs() < 1e-12 && (same.high - 5.0).abs() < 1e-12);
    }

    /// The next value is inside 95 times of 100 for every number of values, where the interval of the mean holds it
    /// far less often: of 20,000 draws the share has a standard error of 0.15 %.
    #[test]
    fn the_next_value_is_inside_as_often_as_stated() {
        const DRAWS: usize = 20_000;
        let mut random = Random::new(11);
        for k in [4, 5, 10] {
            let (mut inside, mut inside_of_mean) = (0, 0);
            for _ in 0..DRAWS {
                // Levels of days around 66 us, 8 % apart.
                let mut level = || (66.0_f64.ln() + 0.08 * random.normal()).exp();
                let values: Vec<f64> = (0..k).map(|_| level()).collect();
                let next = level();
                let holds = |of: Interval| usize::from(of.low <= next && next <= of.high);
                inside += holds(log_prediction_interval(&values).unwrap());
                inside_of_mean += holds(log_mean_interval(&values).unwrap());
            }
            let share = inside as f64 / DRAWS as f64;
            assert!((0.944..0.956).contains(&share), "{k}: {share}");
            assert!((inside_of_mean as f64) < 0.9 * DRAWS as f64, "{k}");
        }
    }
}
