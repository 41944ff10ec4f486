//! What can be seen of a run while it is under way, without disturbing it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use understudy_model::{Ending, Observation};

/// Counters that one engine thread adds to and a display reads.
#[derive(Debug, Default)]
pub struct Progress {
    ended: AtomicU64,
    failed: AtomicU64,
    waiting: AtomicU64,
    /// The longest latency since it was last read.
    worst_ns: AtomicU64,
}

/// The counters at one moment, since the start (the worst latency: since the last look).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Glimpse {
    /// Exchanges that ended, warm-up included.
    pub ended: u64,
    /// Those without an answer.
    pub failed: u64,
    /// Requests that are due and wait for a connection.
    pub waiting: u64,
    /// The longest latency since the last look, in nanoseconds.
    pub worst_ns: u64,
}

impl Progress {
    /// Only the owning thread writes, so a load and a store do; no locked instruction is needed.
    pub(crate) fn note(&self, observation: &Observation, waiting: usize) {
        self.ended.store(self.ended.load(Relaxed) + 1, Relaxed);
        self.waiting.store(waiting as u64, Relaxed);
        match observation.latency_ns() {
            Some(latency) if latency > self.worst_ns.load(Relaxed) => {
                self.worst_ns.store(latency, Relaxed);
            }
            None if observation.ending != Ending::Answered => {
                self.failed.store(self.failed.load(Relaxed) + 1, Relaxed);
            }
            _ => {}
        }
    }

    /// Reads the counters.
    pub fn look(&self) -> Glimpse {
        Glimpse {
            ended: self.ended.load(Relaxed),
            failed: self.failed.load(Relaxed),
            waiting: self.waiting.load(Relaxed),
            worst_ns: self.worst_ns.swap(0, Relaxed),
        }
    }
}

impl Glimpse {
    /// Several threads seen as one.
    pub fn sum(glimpses: impl IntoIterator<Item = Glimpse>) -> Glimpse {
        glimpses
            .into_iter()
            .fold(Glimpse::default(), |sum, one| Glimpse {
                ended: sum.ended + one.ended,
                failed: sum.failed + one.failed,
                waiting: sum.waiting + one.waiting,
                worst_ns: sum.worst_ns.max(one.worst_ns),
            })
    }
}
