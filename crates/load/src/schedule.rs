//! When requests are due: an open-model schedule that a seed fixes for good.

use rand_core::{Rng, SeedableRng};
use rand_pcg::Pcg64;
use understudy_model::Arrivals;
use understudy_stats::seeds::{Purpose, derived};

/// An endless sequence of due times, in nanoseconds since the start.
#[derive(Clone, Debug)]
pub struct Schedule {
    arrivals: Arrivals,
    gap_ns: f64,
    /// Kept as a float so that the rounding of single gaps does not add up.
    at_ns: f64,
    random: Pcg64,
}

impl Schedule {
    /// The schedule of one of `threads` threads that together offer `rate_rps` requests a second.
    ///
    /// Merged Poisson processes are a Poisson process; metronomes are set off evenly.
    pub fn new(
        arrivals: Arrivals,
        rate_rps: f64,
        seed: u64,
        thread: usize,
        threads: usize,
    ) -> Self {
        let gap_ns = 1e9 * threads as f64 / rate_rps;
        let own = derived(seed, Purpose::Schedule, thread as u64);
        Schedule {
            arrivals,
            gap_ns,
            at_ns: match arrivals {
                Arrivals::Poisson => 0.0,
                Arrivals::Constant => gap_ns * (thread as f64 / threads as f64 - 1.0),
            },
            random: Pcg64::seed_from_u64(own),
        }
    }
}

impl Iterator for Schedule {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        self.at_ns += match self.arrivals {
            Arrivals::Constant => self.gap_ns,
            Arrivals::Poisson => -unit_interval(&mut self.random).ln() * self.gap_ns,
        };
        Some(self.at_ns as u64)
    }
}

/// Uniform on (0, 1], so that its logarithm is finite.
pub(crate) fn unit_interval(random: &mut Pcg64) -> f64 {
    ((random.next_u64() >> 11) + 1) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn times(schedule: Schedule, until_ns: u64) -> Vec<u64> {
        schedule.take_while(|t| *t < until_ns).collect()
    }

    #[test]
    fn a_metronome_beats_evenly_over_all_threads() {
        let mut all: Vec<u64> = (0..3)
            .flat_map(|t| {
                times(
                    Schedule::new(Arrivals::Constant, 1000.0, 1, t, 3),
                    1_000_000_000,
                )
            })
            .collect();
        all.sort_unstable();
        assert_eq!(all.len(), 1000);
        assert!(
            all.windows(2)
                .all(|w| (999_998..=1_000_002).contains(&(w[1] - w[0])))
        );
    }

    /// The first due times of a seed, which must never change.
    #[test]
    fn a_seed_means_the_same_tomorrow() {
        let first = |seed, thread| -> Vec<u64> {
            Schedule::new(Arrivals::Poisson, 1000.0, seed, thread, 2)
                .take(3)
                .collect()
        };
        assert_eq!(first(1, 0), [549_687, 2_686_661, 3_797_084]);
        assert_eq!(first(1, 1), [1_403_447, 2_059_477, 2_995_146]);
        assert_eq!(first(2, 0), [2_589_817, 7_303_600, 7_813_322]);
    }

    #[test]
    fn poisson_gaps_are_exponential() {
        let all = times(
            Schedule::new(Arrivals::Poisson, 10_000.0, 7, 0, 1),
            10_000_000_000,
        );
        let gaps: Vec<f64> = all.windows(2).map(|w| (w[1] - w[0]) as f64).collect();
        let n = gaps.len() as f64;
        let mean = gaps.iter().sum::<f64>() / n;
        let variance = gaps.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / n;
        // 100,000 gaps: one standard error of the mean is 0.3 %.
        assert!((mean / 1e5 - 1.0).abs() < 0.012, "mean {mean}");
        assert!(
            (variance.sqrt() / mean - 1.0).abs() < 0.02,
            "deviation {}",
            variance.sqrt()
        );
        let beyond = gaps.iter().filter(|g| **g > 3e5).count() as f64 / n;
        assert!(
            (beyond - (-3.0f64).exp()).abs() < 0.003,
            "{beyond} beyond three means"
        );
    }

    proptest! {
        #[test]
        fn the_seed_fixes_the_schedule_and_time_never_runs_back(
            seed: u64, rate in 1.0f64..1e6, thread in 0usize..4, poisson: bool,
        ) {
            let arrivals = if poisson { Arrivals::Poisson } else { Arrivals::Constant };
            let make = || Schedule::new(arrivals, rate, seed, thread, 4).take(200);
            let first: Vec<u64> = make().collect();
            prop_assert_eq!(&first, &make().collect::<Vec<_>>());
            prop_assert!(first.windows(2).all(|w| w[0] <= w[1]));
        }

        #[test]
        fn the_offered_rate_is_the_rate_asked_for(seed: u64, rate in 500.0f64..50_000.0) {
            let seconds = 4.0;
            let n = times(Schedule::new(Arrivals::Poisson, rate, seed, 0, 1), 4_000_000_000).len() as f64;
            let expected = rate * seconds;
            prop_assert!((n - expected).abs() < 6.0 * expected.sqrt(), "{} of {}", n, expected);
        }
    }
}
