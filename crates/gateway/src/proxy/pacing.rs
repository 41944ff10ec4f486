//! How connections for copies are opened: few at a time, and in time.
//!
//! A server with a short listen backlog (5 in many standard libraries) drops what comes faster than it
//! accepts, and a dropped SYN costs its sender a second. That says nothing about its answers. So copies take turns,
//! a connect that is not answered at once is given up and tried again a little later, and what finds no
//! connection while others do is not the server's failure.

use std::cell::Cell;
use std::future::Future;
use std::io;
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// Connects of one thread to one server that are under way at once.
const AT_ONCE: u32 = 4;
/// How long a connect may take before it is taken for dropped, at least.
const PATIENCE: Duration = Duration::from_millis(20);
/// That, as a multiple of what the last connect took.
const USUAL: u32 = 4;
/// Between two connects once one was dropped, and what that grows to.
const PAUSE: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(50));

/// What one thread knows about opening connections to one server.
#[derive(Default)]
pub(super) struct Pacing {
    under_way: Cell<u32>,
    /// Wakes those that wait: a turn has ended, or a connection is unused.
    changed: Notify,
    /// What the last connect took.
    took: Cell<Option<Duration>>,
    /// When the server last took a connection or answered a request.
    alive: Cell<Option<Instant>>,
}

/// The right to open a connection.
pub(super) struct Turn<'a>(&'a Pacing);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.under_way.set(self.0.under_way.get() - 1);
        self.0.changed();
    }
}

/// How long to wait for one connect, and before the next: both grow while the server takes none.
pub(super) struct Patience {
    dropped: u32,
}

impl Patience {
    pub(super) fn new() -> Patience {
        Patience { dropped: 0 }
    }

    fn grown(&self, of: Duration) -> Duration {
        of.saturating_mul(1 << self.dropped.min(16))
    }
}

impl Pacing {
    /// A turn, unless as many connects are under way as may be.
    pub(super) fn turn(&self) -> Option<Turn<'_>> {
        let under_way = self.under_way.get();
        (under_way < AT_ONCE).then(|| {
            self.under_way.set(under_way + 1);
            Turn(self)
        })
    }

    /// One of those that wait may have another look.
    pub(super) fn changed(&self) {
        self.changed.notify_one();
    }

    /// Waits until there may be a connection or a turn, or until this time.
    pub(super) async fn wait(&self, until: Instant) {
        let _ = tokio::time::timeout_at(until.into(), self.changed.notified()).await;
    }

    /// The server is alive.
    pub(super) fn is_alive(&self) {
        self.alive.set(Some(Instant::now()));
    }

    /// Was it, since then?
    pub(super) fn was_alive(&self, since: Instant) -> bool {
        self.alive.get().is_some_and(|alive| alive >= since)
    }

    /// Connects. `None`: it was not answered in time, and there is time left for another attempt.
    pub(super) async fn attempt<S>(
        &self,
        connecting: impl Future<Output = io::Result<S>>,
        patience: &mut Patience,
        until: Instant,
    ) -> Option<io::Result<S>> {
        let begun = Instant::now();
        // The first connect of all shows how far away the server is.
        let most = self.took.get().map_or(Duration::MAX, |took| {
            patience.grown(took.saturating_mul(USUAL).max(PATIENCE))
        });
        let given_up = begun.checked_add(most).map_or(until, |at| at.min(until));
        match tokio::time::timeout_at(given_up.into(), connecting).await {
            Ok(Ok(stream)) => {
                self.took.set(Some(begun.elapsed()));
                self.is_alive();
                return Some(Ok(stream));
            }
            Ok(Err(error)) => return Some(Err(error)),
            Err(_) => {}
        }
        let pause = patience.grown(PAUSE.0).min(PAUSE.1);
        patience.dropped += 1;
        self.wait(until.min(Instant::now() + pause)).await;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::ErrorKind;

    #[test]
    fn turns_are_few_and_come_back() {
        let pacing = Pacing::default();
        let mut turns: Vec<_> = (0..AT_ONCE).map(|_| pacing.turn().unwrap()).collect();
        assert!(pacing.turn().is_none());
        turns.pop();
        assert!(pacing.turn().is_some());
    }

    #[tokio::test]
    async fn a_connect_that_hangs_is_tried_again_and_the_next_may_take_longer() {
        let pacing = Pacing::default();
        let mut patience = Patience::new();
        let until = Instant::now() + Duration::from_secs(60);
        let opened = pacing.attempt(async { Ok(()) }, &mut patience, until).await;
        assert!(opened.unwrap().is_ok());
        let mut spent = Vec::new();
        for _ in 0..3 {
            let begun = tokio::time::Instant::now();
            let hanging = std::future::pending::<io::Result<()>>();
            assert!(
                pacing
                    .attempt(hanging, &mut patience, until)
                    .await
                    .is_none()
            );
            spent.push(begun.elapsed());
        }
        assert!(spent[0] >= PATIENCE && spent.is_sorted(), "{spent:?}");
        assert!(spent[2] >= PATIENCE * 4, "{spent:?}");
        let refused = async { Err::<(), _>(ErrorKind::ConnectionRefused.into()) };
        let refused = pacing.attempt(refused, &mut patience, until).await;
        assert!(refused.unwrap().is_err(), "a refusal is an answer");
    }
}
