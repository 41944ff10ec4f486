//! An answer on its way from the incumbent to the client.

use super::answer::Received;
use super::record::Record;
use super::upload::Pace;
use crate::traffic::End;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

/// The body of an answer.
pub(crate) enum Download {
    /// The gateway's own words.
    Text(Option<Bytes>),
    Stream(Stream),
}

/// A body that comes from the incumbent.
pub(crate) struct Stream {
    incoming: Received,
    pace: Pace,
    total: Option<Pin<Box<Sleep>>>,
    record: Box<Record>,
}

/// The incumbent's answer broke off: the client's connection is closed, so that it sees that.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub(crate) enum Broken {
    #[error("the server closed before the end of its answer")]
    Closed,
    #[error("the server took too long for its answer")]
    Timeout,
}

impl Download {
    pub(crate) fn stream(
        incoming: Received,
        mut record: Box<Record>,
        idle: Duration,
        deadline: Option<Instant>,
    ) -> Download {
        if incoming.is_end_stream() {
            record.finish(End::Complete);
            return Download::Text(None);
        }
        Download::Stream(Stream {
            incoming,
            pace: Pace::new(idle),
            total: deadline.map(|deadline| Box::pin(tokio::time::sleep_until(deadline))),
            record,
        })
    }
}

impl Download {
    /// Are these the gateway's own words, or none?
    pub(crate) fn is_text(&self) -> bool {
        matches!(self, Download::Text(_))
    }
}

impl Stream {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match self.record.poll_frame(&mut self.incoming, cx) {
            Poll::Ready(Some(Ok(frame))) => {
                self.pace.stepped();
                self.record.passed(&frame);
                if self.incoming.is_end_stream() {
                    self.record.finish(End::Complete);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(None) => {
                self.record.finish(End::Complete);
                Poll::Ready(None)
            }
            Poll::Ready(Some(Err(_))) => {
                self.record.finish(End::Closed);
                Poll::Ready(Some(Err(Broken::Closed)))
            }
            Poll::Pending => {
                let total = self
                    .total
                    .as_mut()
                    .is_some_and(|total| total.as_mut().poll(cx).is_ready());
                if total || self.pace.is_over(cx) {
                    self.record.finish(End::Timeout);
                    return Poll::Ready(Some(Err(Broken::Timeout)));
                }
                Poll::Pending
            }
        }
    }
}

impl Body for Download {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match &mut *self {
            Download::Text(text) => Poll::Ready(text.take().map(|text| Ok(Frame::data(text)))),
            Download::Stream(stream) => stream.poll(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Download::Text(text) => text.is_none(),
            Download::Stream(stream) => stream.incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Download::Text(text) => {
                SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64))
            }
            Download::Stream(stream) => stream.incoming.size_hint(),
        }
    }
}
