//! A timer for deadlines that hardly ever come.
//!
//! Each request has its deadlines, and nearly all are over before they come. To put a timer among
//! those of the runtime and to take it out again would cost each request more than to parse its head.
//! So a connection has one timer. It stays as it was set for an earlier request; when it rings, it is
//! set to the deadline of now, if that has not come: once in the time that a request may take, instead
//! of once a request.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::time::Sleep;

/// The timer of a connection; clones are the same one. One deadline is waited for at a time.
#[derive(Clone, Default)]
pub(crate) struct Alarm(Arc<Mutex<Option<Pin<Box<Sleep>>>>>);

impl Alarm {
    /// Has the deadline come? If not, the task is woken then, and may be woken before.
    pub(crate) fn poll(&self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let mut timer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let timer = timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline.into())))
            .as_mut();
        self::poll(timer, cx, deadline)
    }
}

fn poll(mut timer: Pin<&mut Sleep>, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
    if timer.deadline() > deadline.into() {
        timer.as_mut().reset(deadline.into());
    }
    ready!(timer.as_mut().poll(cx));
    if Instant::now() >= deadline {
        return Poll::Ready(());
    }
    // It rang for an earlier request.
    timer.as_mut().reset(deadline.into());
    timer.poll(cx)
}

impl fmt::Debug for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Alarm")
    }
}

/// One deadline of a connection.
struct Due {
    alarm: Alarm,
    at: Instant,
}

impl Future for Due {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.alarm.poll(cx, self.at)
    }
}

impl hyper::rt::Sleep for Due {}

impl hyper::rt::Timer for Alarm {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn hyper::rt::Sleep>> {
        self.sleep_until(Instant::now() + duration)
    }

    fn sleep_until(&self, at: Instant) -> Pin<Box<dyn hyper::rt::Sleep>> {
        let alarm = self.clone();
        Box::pin(Due { alarm, at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::task::Waker;

    #[test]
    fn it_rings_at_the_deadline_of_now_whatever_it_was_set_to_before() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let _inside = runtime.enter();
        let ring = |alarm: &Alarm, wait: u64| {
            let (began, wait) = (Instant::now(), Duration::from_millis(wait));
            runtime.block_on(poll_fn(|cx| alarm.poll(cx, began + wait)));
            began.elapsed() >= wait
        };
        for before in [10, 3_600_000] {
            let alarm = Alarm::default();
            let deadline = Instant::now() + Duration::from_millis(before);
            let cx = &mut Context::from_waker(Waker::noop());
            assert!(alarm.poll(cx, deadline).is_pending());
            assert!(ring(&alarm, 50), "{before}");
            assert!(ring(&alarm, 20), "once more");
            assert!(alarm.poll(cx, Instant::now()).is_ready(), "over already");
        }
    }
}
