//! Whether the threads that carry copies get to run.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How often such a thread notes that it runs.
pub(crate) const BEAT: Duration = Duration::from_millis(100);
/// One that has a CPU of its own is a few milliseconds late at most.
const LATE: Duration = Duration::from_millis(25);

/// The last sign of life of a thread, for others to look at.
#[derive(Debug)]
pub(crate) struct Pulse {
    began: Instant,
    /// Milliseconds since then.
    beat: AtomicU64,
    late: AtomicBool,
}

impl Pulse {
    pub(crate) fn new(now: Instant) -> Pulse {
        Pulse {
            began: now,
            beat: AtomicU64::new(0),
            late: AtomicBool::new(false),
        }
    }

    /// The thread runs, so much later than it wanted to.
    pub(crate) fn beats(&self, now: Instant, late_by: Duration) {
        self.beat.store(self.since_began(now), Ordering::Relaxed);
        self.late.store(late_by > LATE, Ordering::Relaxed);
    }

    /// Does the thread wait for a CPU, or has it just waited for one?
    pub(crate) fn is_starved(&self, now: Instant) -> bool {
        let silent = self
            .since_began(now)
            .saturating_sub(self.beat.load(Ordering::Relaxed));
        self.late.load(Ordering::Relaxed) || u128::from(silent) > (BEAT + LATE).as_millis()
    }

    fn since_began(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.began).as_millis();
        u64::try_from(since).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_starved_while_it_is_silent_and_until_it_is_on_time_again() {
        let began = Instant::now();
        let at = |millis| began + Duration::from_millis(millis);
        let pulse = Pulse::new(began);
        assert!(!pulse.is_starved(at(125)));
        assert!(pulse.is_starved(at(126)));
        pulse.beats(at(900), Duration::from_millis(800));
        assert!(pulse.is_starved(at(901)), "it was late");
        pulse.beats(at(1000), Duration::from_millis(1));
        assert!(!pulse.is_starved(at(1001)));
        assert!(!pulse.is_starved(began), "a clock that was read earlier");
    }
}
