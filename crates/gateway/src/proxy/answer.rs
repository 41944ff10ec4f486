//! What comes back from a server, of either protocol.

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::pin::Pin;
use std::task::{Context, Poll};
use understudy_wire::http1::ResponseError;

/// The body of an answer. What an HTTP/1.1 server sends is read by its connection.
#[derive(Debug)]
pub(crate) enum Received {
    /// So many bytes are still to come; `None` where only the server knows.
    One(Option<u64>),
    Two(Incoming),
}

/// A piece of it, its end, or why there is none.
pub(crate) type Piece = Option<Result<Frame<Bytes>, NoAnswer>>;

impl Received {
    pub(crate) fn is_end_stream(&self) -> bool {
        match self {
            Received::One(left) => *left == Some(0),
            Received::Two(incoming) => incoming.is_end_stream(),
        }
    }

    /// The next piece where no connection is at hand any more: what an HTTP/1.1 server sent was taken
    /// with it.
    pub(crate) fn poll_alone(&mut self, cx: &mut Context<'_>) -> Poll<Piece> {
        match self {
            Received::One(_) => Poll::Ready(None),
            Received::Two(incoming) => {
                let frame = Pin::new(incoming).poll_frame(cx);
                frame.map_err(|error| NoAnswer::from(&error))
            }
        }
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        match self {
            Received::One(left) => left.map_or_else(SizeHint::new, SizeHint::with_exact),
            Received::Two(incoming) => incoming.size_hint(),
        }
    }
}

/// Why there is no answer, or no more of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    TooLarge,
    Malformed,
    Closed,
    /// The client's doing.
    RequestCut,
}

impl NoAnswer {
    pub(crate) fn as_text(self) -> &'static str {
        match self {
            NoAnswer::TooLarge => "the head of the server's answer is too large",
            NoAnswer::Malformed => "the server's answer is malformed",
            NoAnswer::Closed => "the server closed the connection without an answer",
            NoAnswer::RequestCut => "the request broke off",
        }
    }
}

impl From<ResponseError> for NoAnswer {
    fn from(error: ResponseError) -> NoAnswer {
        match error {
            error if error.is_too_large() => NoAnswer::TooLarge,
            ResponseError::Truncated => NoAnswer::Closed,
            _ => NoAnswer::Malformed,
        }
    }
}

impl From<&hyper::Error> for NoAnswer {
    fn from(error: &hyper::Error) -> NoAnswer {
        match error {
            error if error.is_parse_too_large() => NoAnswer::TooLarge,
            error if error.is_parse() => NoAnswer::Malformed,
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
