//! A request's body on its way from the client to the incumbent.

use super::inbound::ClientBody;
use crate::ledger::Reason;
use crate::mirror::Tee;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::cell::Cell;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::time::Sleep;

/// What the client did wrong with its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("the request's body is larger than this server takes")]
    TooLarge,
    #[error("the request's body did not come in time")]
    TooSlow,
    #[error("the request's body is malformed or broke off")]
    Broken,
}

/// How far the body has come: the time an answer may take counts from its last piece.
pub(crate) struct Progress {
    pub(crate) at: Cell<Instant>,
    pub(crate) fault: Cell<Option<Fault>>,
    /// What was not read of a body that is at fault.
    pub(crate) rest: Cell<Option<Incoming>>,
}

/// The body of a request as it comes from a client, of either protocol.
pub(crate) enum Incoming {
    Empty,
    One(ClientBody),
    Two(hyper::body::Incoming),
}

impl Incoming {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        match self {
            Incoming::Empty => Poll::Ready(None),
            Incoming::One(body) => Pin::new(body).poll_frame(cx).map_err(|_| Fault::Broken),
            Incoming::Two(body) => Pin::new(body).poll_frame(cx).map_err(|_| Fault::Broken),
        }
    }

    pub(crate) fn is_end_stream(&self) -> bool {
        match self {
            Incoming::Empty => true,
            Incoming::One(body) => body.is_end_stream(),
            Incoming::Two(body) => body.is_end_stream(),
        }
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        match self {
            Incoming::Empty => SizeHint::with_exact(0),
            Incoming::One(body) => body.size_hint(),
            Incoming::Two(body) => body.size_hint(),
        }
    }
}

/// The body on its way to a server.
pub(crate) enum Upload {
    Empty,
    Stream(Box<Stream>),
}

/// A body that comes from a client.
pub(crate) struct Stream {
    incoming: Incoming,
    left: u64,
    pace: Pace,
    progress: Rc<Progress>,
    tee: Option<Tee>,
}

impl Upload {
    pub(crate) fn stream(
        incoming: Incoming,
        limit: u64,
        pace: Duration,
        tee: Option<Tee>,
    ) -> (Upload, Rc<Progress>) {
        let progress = Rc::new(Progress {
            at: Cell::new(Instant::now()),
            fault: Cell::new(None),
            rest: Cell::new(None),
        });
        let stream = Stream {
            incoming,
            left: limit,
            pace: Pace::new(pace),
            progress: progress.clone(),
            tee,
        };
        (Upload::Stream(Box::new(stream)), progress)
    }
}

impl Stream {
    fn failed(&mut self, fault: Fault) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        self.progress.fault.set(Some(fault));
        let rest = std::mem::replace(&mut self.incoming, Incoming::Empty);
        self.progress.rest.set(Some(rest));
        if let Some(tee) = &mut self.tee {
            tee.abort(Reason::RequestCut);
        }
        Poll::Ready(Some(Err(fault)))
    }

    fn ended(&mut self) {
        if let Some(tee) = &mut self.tee {
            tee.end();
        }
    }

    fn passed(&mut self, frame: &Frame<Bytes>) {
        self.progress.at.set(Instant::now());
        if let Some(tee) = &mut self.tee {
            match (frame.data_ref(), frame.trailers_ref()) {
                (Some(data), _) => tee.data(data),
                (_, Some(trailers)) => tee.trailers(trailers),
                _ => {}
            }
        }
        // A reader that knows the length asks no further: the last piece is the end.
        if self.incoming.is_end_stream() {
            self.ended();
        }
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        let Upload::Stream(stream) = &mut *self else {
            return Poll::Ready(None);
        };
        match stream.incoming.poll_frame(cx) {
            Poll::Pending if stream.pace.is_over(cx) => stream.failed(Fault::TooSlow),
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Ok(frame))) => {
                stream.pace.stepped();
                let length = frame.data_ref().map_or(0, |data| data.len() as u64);
                match stream.left.checked_sub(length) {
                    Some(left) => stream.left = left,
                    None => return stream.failed(Fault::TooLarge),
                }
                stream.passed(&frame);
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(fault))) => stream.failed(fault),
            Poll::Ready(None) => {
                stream.ended();
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Upload::Empty => true,
            Upload::Stream(stream) => stream.incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Upload::Empty => SizeHint::with_exact(0),
            Upload::Stream(stream) => stream.incoming.size_hint(),
        }
    }
}

/// How long the rest of a refused body is read.
const LINGER: Duration = Duration::from_secs(2);

/// Reads what a client continues to send after it was refused over HTTP/2. Most clients look at the answer
/// only when they have sent all, and fail if their stream is reset before.
pub(crate) async fn drain(mut rest: Incoming) {
    let all = poll_fn(|cx| {
        while let Some(frame) = ready!(rest.poll_frame(cx)) {
            if frame.is_err() {
                break;
            }
        }
        Poll::Ready(())
    });
    let _ = tokio::time::timeout(LINGER, all).await;
}

/// The longest time between two pieces. A timer exists only during a wait.
pub(crate) struct Pace {
    longest: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Pace {
    pub(crate) fn new(longest: Duration) -> Pace {
        Pace {
            longest,
            timer: None,
        }
    }

    /// Nothing is there: has nothing been there for too long?
    pub(crate) fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        let longest = self.longest;
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(longest)));
        timer.as_mut().poll(cx).is_ready()
    }

    pub(crate) fn stepped(&mut self) {
        self.timer = None;
    }
}
