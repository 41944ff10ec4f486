//! Which request is next.

use crate::schedule::unit_interval;
use rand_core::SeedableRng;
use rand_pcg::Pcg64;
use understudy_stats::seeds::{Purpose, derived};

/// Chooses requests: in the order of the workload, or by weight.
#[derive(Clone, Debug)]
pub struct Picker {
    /// Sums of the weights up to and including each request.
    cumulative: Vec<f64>,
    count: u32,
    order: Order,
}

#[derive(Clone, Debug)]
enum Order {
    /// Equal weights: one after the other, from a start that differs between threads.
    InTurn { next: u32, step: u32 },
    /// At random by weight.
    Weighted(Box<Pcg64>),
}

impl Picker {
    /// A picker over requests with these weights (not negative, at least one above zero).
    ///
    /// Equal weights keep the order of the file, dealt out in turn to the threads.
    pub fn new(weights: &[f64], seed: u64, thread: usize, threads: usize) -> Self {
        let count = u32::try_from(weights.len()).unwrap_or(u32::MAX).max(1);
        let equal = weights.windows(2).all(|w| w[0] == w[1]);
        let order = if equal {
            Order::InTurn {
                next: thread as u32 % count,
                step: threads as u32 % count,
            }
        } else {
            let own = derived(seed, Purpose::Requests, thread as u64);
            Order::Weighted(Box::new(Pcg64::seed_from_u64(own)))
        };
        let cumulative = weights
            .iter()
            .scan(0.0, |sum, weight| {
                *sum += weight;
                Some(*sum)
            })
            .collect();
        Picker {
            cumulative,
            count,
            order,
        }
    }

    /// The index of the next request.
    pub fn next_request(&mut self) -> u32 {
        match &mut self.order {
            Order::InTurn { next, step } => {
                let this = *next;
                *next =
                    (u64::from(*next) + u64::from(*step)).rem_euclid(u64::from(self.count)) as u32;
                this
            }
            Order::Weighted(random) => {
                let total = self.cumulative.last().copied().unwrap_or(0.0);
                let at = unit_interval(random) * total;
                let index = self.cumulative.partition_point(|sum| *sum < at);
                (index as u32).min(self.count - 1)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_weights_keep_the_order_and_every_request_has_its_turn() {
        let mut picker = Picker::new(&[1.0; 3], 9, 0, 1);
        let picked: Vec<u32> = (0..7).map(|_| picker.next_request()).collect();
        assert_eq!(picked, [0, 1, 2, 0, 1, 2, 0]);
    }

    #[test]
    fn weights_are_kept_and_zero_means_never() {
        let mut picker = Picker::new(&[1.0, 0.0, 3.0], 9, 0, 1);
        let mut seen = [0u32; 3];
        for _ in 0..40_000 {
            seen[picker.next_request() as usize] += 1;
        }
        assert_eq!(seen[1], 0);
        let share = f64::from(seen[2]) / 40_000.0;
        assert!((share - 0.75).abs() < 0.01, "{share}");
    }
}
