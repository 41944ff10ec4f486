//! The share of events in a long sequence that comes in bursts, in memory that does not grow with it.

use crate::Interval;
use crate::binomial;
use crate::special::student_upper_quantile;

/// A sequence of any length is cut into more than half as many batches as this, and at most into these.
const MOST: usize = 40;

/// Counts of consecutive batches. When there are too many, neighbours become one and batches are twice
/// as long from then on, so the length of the sequence need not be known beforehand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batches {
    /// Events and length of each.
    counts: Vec<(u64, u64)>,
    /// Length of a full one.
    size: u64,
}

impl Default for Batches {
    fn default() -> Self {
        Batches {
            counts: Vec::with_capacity(MOST),
            size: 1,
        }
    }
}

impl Batches {
    /// Takes in the next of the sequence.
    pub fn add(&mut self, is_event: bool) {
        match self.counts.last_mut() {
            Some((events, length)) if *length < self.size => {
                *events += u64::from(is_event);
                *length += 1;
            }
            _ => {
                self.make_room();
                self.counts.push((u64::from(is_event), 1));
            }
        }
    }

    fn make_room(&mut self) {
        if self.counts.len() < MOST {
            return;
        }
        let pairs = self.counts.chunks(2);
        self.counts = pairs.map(sum).collect();
        self.size *= 2;
    }

    /// The share of events with its two-sided 95 % interval: that of the batch means (Conway 1963;
    /// Student's t, which needs no independence within a batch), and at least as wide as the exact one of
    /// [`binomial::interval`], which is what is left where no batch has any event.
    ///
    /// `None` of an empty sequence.
    pub fn interval(&self) -> Option<Interval> {
        let (events, length) = sum(&self.counts);
        let exact = binomial::interval(events, length)?;
        let shares = self.shares();
        let count = shares.len() as f64;
        if shares.len() < 2 {
            return Some(exact);
        }
        let mean = shares.iter().sum::<f64>() / count;
        let squares = shares.iter().map(|share| (share - mean).powi(2));
        let variance = squares.sum::<f64>() / (count - 1.0);
        let reach = student_upper_quantile(0.025, count - 1.0) * (variance / count).sqrt();
        Some(Interval {
            estimate: exact.estimate,
            low: exact.low.min((mean - reach).max(0.0)),
            high: exact.high.max((mean + reach).min(1.0)),
        })
    }

    /// The share of events of each batch; a last one that is less than half full counts to the one before.
    fn shares(&self) -> Vec<f64> {
        let last = self.counts.last();
        let short = last.is_some_and(|(_, length)| *length * 2 < self.size);
        let whole = self.counts.len() - usize::from(short);
        let mut counts = self.counts[..whole].to_vec();
        if let (true, Some(before)) = (short, counts.last_mut()) {
            *before = sum(&self.counts[whole - 1..]);
        }
        let share = |(events, length): (u64, u64)| events as f64 / length as f64;
        counts.into_iter().map(share).collect()
    }
}

fn sum(counts: &[(u64, u64)]) -> (u64, u64) {
    let add = |sum: (u64, u64), one: &(u64, u64)| (sum.0 + one.0, sum.1 + one.1);
    counts.iter().fold((0, 0), add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use proptest::prelude::*;

    fn of(events: impl IntoIterator<Item = bool>) -> Batches {
        let mut batches = Batches::default();
        events.into_iter().for_each(|event| batches.add(event));
        batches
    }

    #[test]
    fn a_short_series_has_a_batch_for_each_value() {
        assert_eq!(Batches::default().interval(), None);
        let one = of([true]).interval().unwrap();
        assert_eq!(one, binomial::interval(1, 1).unwrap());
        let none = of([false; 300]).interval().unwrap();
        assert_eq!(none, binomial::interval(0, 300).unwrap());
        assert_eq!(of([true, false, true]).shares(), [1.0, 0.0, 1.0]);
    }

    /// By hand: there is no room for the 41st and the 81st, so batches hold 2, then 4.
    #[test]
    fn batches_double_when_there_are_too_many() {
        let batches = of((0..100).map(|index| index < 50));
        assert_eq!((batches.size, batches.counts.len()), (4, 25));
        assert_eq!(batches.counts[12], (2, 4), "the one in the middle");
        let uneven = of((0..81).map(|index| index == 80));
        assert_eq!((uneven.size, uneven.counts.len()), (4, 21));
        assert_eq!(uneven.shares().len(), 20, "1 of 4 is no batch");
        assert!((uneven.shares()[19] - 0.2).abs() < 1e-12, "but is counted");
    }

    /// Events that come one by one are known as well as independent ones; the same number in three bursts
    /// is known far worse.
    #[test]
    fn bursts_widen_the_interval() {
        let mut random = Random::new(1);
        let scattered = of((0..100_000).map(|_| random.below(100) == 0));
        let burst = of((0..100_000).map(|index| index % 30_000 < 300));
        let width = |batches: &Batches| {
            let interval = batches.interval().unwrap();
            interval.high - interval.low
        };
        assert!(width(&scattered) < 0.002, "{:?}", scattered.interval());
        assert!(width(&burst) > 0.01, "{:?}", burst.interval());
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_memory_is_bounded(events: Vec<bool>, times in 1usize..60) {
            let all: Vec<bool> = std::iter::repeat_n(events, times).flatten().collect();
            let batches = of(all.iter().copied());
            let expected = (all.iter().filter(|event| **event).count() as u64, all.len() as u64);
            prop_assert_eq!(sum(&batches.counts), expected);
            prop_assert!(batches.counts.len() <= MOST);
            prop_assert!(all.len() < MOST || batches.counts.len() > MOST / 2);
            if let Some(interval) = batches.interval() {
                prop_assert!(interval.low <= interval.estimate && interval.estimate <= interval.high);
            }
        }
    }
}
