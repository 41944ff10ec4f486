//! Wakes whoever waits for a connection, unless it is at work on it already.
//!
//! Who waits for an answer reads and writes the connection as well. Most of what wakes it then is its
//! own doing: a request that is handed over, an answer that has been parsed, a piece that was taken.
//! Told to the runtime, each would cost another turn of the whole task, with nothing left to do in it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// Turns at once, after which others may go first.
const TURNS: usize = 4;

/// Wakes the task that waits; nobody, while none does.
pub(crate) struct Relay {
    wakes: Arc<Wakes>,
    waker: Waker,
}

#[derive(Default)]
struct Wakes {
    /// Was it woken since the last turn began?
    woken: AtomicBool,
    waiting: Mutex<Option<Waker>>,
}

impl Wakes {
    fn wait(&self, waiting: Option<Waker>) {
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = waiting;
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        let waiting = self
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    }
}

impl Relay {
    pub(crate) fn new() -> Relay {
        let wakes = Arc::<Wakes>::default();
        Relay {
            waker: wakes.clone().into(),
            wakes,
        }
    }

    /// Takes turns until one is done, or nothing has woken it meanwhile.
    pub(crate) fn poll<T>(
        &self,
        cx: &mut Context<'_>,
        mut turn: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.wakes.wait(None);
        for _ in 0..TURNS {
            self.wakes.woken.store(false, Ordering::Release);
            if let done @ Poll::Ready(_) = turn(&mut Context::from_waker(&self.waker)) {
                return done;
            }
            if !self.wakes.woken.load(Ordering::Acquire) {
                self.wakes.wait(Some(cx.waker().clone()));
                // What came before the line above found nobody to wake.
                if !self.wakes.woken.load(Ordering::Acquire) {
                    return Poll::Pending;
                }
                self.wakes.wait(None);
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What `turn` returns, how many turns were taken, and how often the task was woken meanwhile.
    fn poll(
        relay: &Relay,
        mut turn: impl FnMut(usize, &Waker) -> Poll<()>,
    ) -> (Poll<()>, usize, Arc<Count>) {
        let (woken, mut turns) = (Arc::<Count>::default(), 0);
        let task = Waker::from(woken.clone());
        let end = relay.poll(&mut Context::from_waker(&task), |cx| {
            turns += 1;
            turn(turns, cx.waker())
        });
        (end, turns, woken)
    }

    #[test]
    fn its_own_doing_costs_a_turn_and_wakes_nobody() {
        let relay = Relay::new();
        let (end, turns, woken) = poll(&relay, |turn, waker| match turn {
            1 => {
                waker.wake_by_ref();
                Poll::Pending
            }
            _ => Poll::Ready(()),
        });
        assert!(end.is_ready() && turns == 2 && woken.0.load(Ordering::Relaxed) == 0);
        relay.waker.wake_by_ref();
        assert_eq!(woken.0.load(Ordering::Relaxed), 0, "nobody waits any more");
    }

    #[test]
    fn what_comes_later_wakes_whoever_waits_once() {
        let relay = Relay::new();
        let (end, turns, woken) = poll(&relay, |_, _| Poll::Pending);
        assert!(end.is_pending() && turns == 1 && woken.0.load(Ordering::Relaxed) == 0);
        relay.waker.wake_by_ref();
        relay.waker.wake_by_ref();
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn one_that_never_rests_lets_others_go_first() {
        let (end, turns, woken) = poll(&Relay::new(), |_, waker| {
            waker.wake_by_ref();
            Poll::Pending
        });
        assert!(end.is_pending() && turns == TURNS && woken.0.load(Ordering::Relaxed) == 1);
    }

    #[test]
    fn no_wake_of_another_thread_is_lost() {
        let relay = Relay::new();
        let ready = Arc::new(AtomicBool::new(false));
        for _ in 0..2_000 {
            ready.store(false, Ordering::Release);
            let (waker, tell) = (relay.waker.clone(), ready.clone());
            let other = std::thread::spawn(move || {
                tell.store(true, Ordering::Release);
                waker.wake();
            });
            let (end, _, woken) = poll(&relay, |_, _| match ready.load(Ordering::Acquire) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            });
            other.join().unwrap();
            assert!(end.is_ready() || woken.0.load(Ordering::Relaxed) > 0);
        }
    }
}
