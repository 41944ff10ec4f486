//! What comes back from a server, of either protocol.

use super::fields::{Malformed, Written};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::pin::Pin;
use std::task::{Context, Poll};
use understudy_wire::http1::{Head, ResponseError};

/// Takes the interim answers (1xx) that come before an answer over HTTP/1.1.
pub(crate) type Interim<'i> = &'i dyn Fn(&Head<'_>);

/// The body of an answer. What an HTTP/1.1 server sends is read by its connection.
#[derive(Debug)]
pub(crate) enum Received {
    One {
        /// Bytes that are still to come; `None` where only the server knows.
        left: Option<u64>,
        written: Written,
    },
    Two(Incoming),
}

/// A piece of it, its end, or why there is none.
pub(crate) type Piece = Option<Result<Frame<Bytes>, NoAnswer>>;

impl Received {
    pub(crate) fn is_end_stream(&self) -> bool {
        match self {
            Received::One { left, .. } => *left == Some(0),
            Received::Two(incoming) => incoming.is_end_stream(),
        }
    }

    /// The next piece where no connection is at hand any more: what an HTTP/1.1 server sent was taken
    /// with it.
    pub(crate) fn poll_alone(&mut self, cx: &mut Context<'_>) -> Poll<Piece> {
        match self {
            Received::One { .. } => Poll::Ready(None),
            Received::Two(incoming) => {
                let frame = Pin::new(incoming).poll_frame(cx);
                frame.map_err(|error| NoAnswer::from(&error))
            }
        }
    }

    /// The head as it came, where that was over HTTP/1.1.
    pub(super) fn written(&self) -> Written {
        match self {
            Received::One { written, .. } => written.clone(),
            Received::Two(_) => Written::default(),
        }
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        match self {
            Received::One { left, .. } => left.map_or_else(SizeHint::new, SizeHint::with_exact),
            Received::Two(incoming) => incoming.size_hint(),
        }
    }
}

/// Why there is no answer, or no more of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    TooLarge,
    /// What is malformed.
    Malformed(&'static str),
    Closed,
    /// The client's doing.
    RequestCut,
}

impl NoAnswer {
    pub(crate) fn as_text(self) -> String {
        match self {
            NoAnswer::TooLarge => "the head of the server's answer is too large".into(),
            NoAnswer::Malformed(what) => format!("the server's answer is malformed: {what}"),
            NoAnswer::Closed => "the server closed the connection without an answer".into(),
            NoAnswer::RequestCut => "the request broke off".into(),
        }
    }
}

impl From<ResponseError> for NoAnswer {
    fn from(error: ResponseError) -> NoAnswer {
        match error {
            error if error.is_too_large() => NoAnswer::TooLarge,
            ResponseError::Truncated => NoAnswer::Closed,
            error => NoAnswer::Malformed(error.what()),
        }
    }
}

impl From<Malformed> for NoAnswer {
    fn from(_: Malformed) -> NoAnswer {
        NoAnswer::Malformed("a header is malformed")
    }
}

impl From<&hyper::Error> for NoAnswer {
    fn from(error: &hyper::Error) -> NoAnswer {
        match error {
            error if error.is_parse_too_large() => NoAnswer::TooLarge,
            error if error.is_parse() => NoAnswer::Malformed("it is not HTTP/2"),
            _ => NoAnswer::Closed,
        }
    }
}

/// A request without an answer.
#[derive(Debug)]
pub(crate) struct Unanswered<B> {
    pub(crate) why: NoAnswer,
    /// Its body, if nothing of the request ever left.
    pub(crate) unsent: Option<B>,
}
