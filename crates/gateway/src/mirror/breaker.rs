//! Leaves a candidate alone that fails again and again.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Failures in a row that open it.
const FAILURES: u32 = 20;
/// How long it stays open at first, and at most.
const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);

/// Open after failures in a row; after a while one request is let through to see.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    /// What the path of the clients looks at, without a lock.
    open: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    opened: Option<(Instant, Duration)>,
}

impl Breaker {
    pub(crate) fn is_open(&self) -> bool {
        self.open.load(Ordering::Relaxed)
    }

    /// May a request be sent that found it open? Asked by the threads that talk to the candidate.
    pub(crate) fn probe(&self, now: Instant) {
        let state = &mut *self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((since, rest)) = state.opened
            && now.duration_since(since) >= rest
        {
            // The next failure opens it again at once, for longer.
            self.open.store(false, Ordering::Relaxed);
        }
    }

    pub(crate) fn succeeded(&self) {
        let state = &mut *self.state.lock().unwrap_or_else(PoisonError::into_inner);
        *state = State::default();
        self.open.store(false, Ordering::Relaxed);
    }

    pub(crate) fn failed(&self, now: Instant) {
        let state = &mut *self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.failures += 1;
        let rest = match state.opened {
            // Those that were under way when it opened say nothing new.
            Some((since, rest)) if now.duration_since(since) < rest => return,
            Some((_, rest)) => (rest * 2).min(LONGEST),
            None if state.failures >= FAILURES => FIRST,
            None => return,
        };
        state.opened = Some((now, rest));
        self.open.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_probes_opens_for_longer_and_closes() {
        let breaker = Breaker::default();
        let start = Instant::now();
        for _ in 0..FAILURES - 1 {
            breaker.failed(start);
        }
        assert!(!breaker.is_open());
        breaker.failed(start);
        assert!(breaker.is_open());
        breaker.probe(start + FIRST / 2);
        assert!(breaker.is_open());
        breaker.probe(start + FIRST);
        assert!(!breaker.is_open(), "one may try");
        breaker.failed(start + FIRST);
        assert!(breaker.is_open());
        breaker.probe(start + FIRST * 2);
        assert!(breaker.is_open(), "twice as long");
        breaker.probe(start + FIRST * 3);
        breaker.succeeded();
        breaker.failed(start + FIRST * 3);
        assert!(!breaker.is_open());
    }
}
