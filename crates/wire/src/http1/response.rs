//! Reading responses from whatever pieces the network delivers.

use super::body::{BodyReader, Piece};
use super::head::{Head, ROOM};

/// Bounds on what a subject may send. Beyond them it is a failure, not memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one response head, and of trailers.
    pub head_bytes: usize,
    /// Bytes of one body.
    pub body_bytes: u64,
    /// Interim (1xx) responses before the final one.
    pub interim: u8,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            head_bytes: 64 * 1024,
            body_bytes: 64 * 1024 * 1024,
            interim: 16,
        }
    }
}

/// Why a response cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResponseError {
    /// The head is not HTTP/1.
    #[error("malformed response head: {}", self.what())]
    Head(httparse::Error),
    /// The head exceeds its bound.
    #[error("response head longer than the bound")]
    HeadTooLarge,
    /// The body exceeds its bound.
    #[error("response body longer than the bound")]
    BodyTooLarge,
    /// Too many interim responses.
    #[error("too many interim (1xx) responses")]
    TooManyInterim,
    /// `101 Switching Protocols` that was not asked for.
    #[error("the subject switched protocols unasked")]
    Switched,
    /// Not a decimal number.
    #[error("malformed Content-Length")]
    ContentLength,
    /// The length of the body cannot be known for sure.
    #[error("ambiguous framing: {0}")]
    Ambiguous(&'static str),
    /// The chunked coding is broken.
    #[error("malformed chunked coding")]
    Chunk,
    /// The connection ended before the response did.
    #[error("the connection ended before the response did")]
    Truncated,
}

impl ResponseError {
    /// What is malformed.
    pub fn what(self) -> &'static str {
        match self {
            ResponseError::Head(httparse::Error::HeaderName) => {
                "a header line begins with a space, or its name is malformed or not followed by a colon"
            }
            ResponseError::Head(httparse::Error::HeaderValue) => {
                "the value of a header has a control character"
            }
            ResponseError::Head(httparse::Error::Version) => {
                "it does not begin with HTTP/1.0 or 1.1"
            }
            ResponseError::Head(httparse::Error::NewLine) => "a line does not end with CR LF",
            ResponseError::Head(_) => "its first line is not HTTP/1.x and a status of three digits",
            ResponseError::HeadTooLarge => "the head is longer than the bound",
            ResponseError::BodyTooLarge => "the body is longer than the bound",
            ResponseError::TooManyInterim => "too many interim (1xx) responses",
            ResponseError::Switched => "it changes the protocol without being asked",
            ResponseError::ContentLength => "Content-Length is not a number",
            ResponseError::Ambiguous(what) => what,
            ResponseError::Chunk => "the chunked coding is broken",
            ResponseError::Truncated => "it ends too early",
        }
    }

    /// True where a bound was exceeded rather than the protocol broken.
    pub fn is_too_large(self) -> bool {
        matches!(
            self,
            ResponseError::HeadTooLarge
                | ResponseError::BodyTooLarge
                | ResponseError::TooManyInterim
        )
    }
}

/// Where a response goes while it is read.
pub trait Sink {
    /// An interim response (1xx) of this status went by.
    fn interim(&mut self, status: u16) {
        let _ = status;
    }
    /// The final head.
    fn head(&mut self, head: &Head<'_>);
    /// The next part of the body, chunked coding removed.
    fn body(&mut self, part: &[u8]);
}

/// How far [`ResponseReader::advance`] came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// `consumed` bytes are done with; more input is needed. Unconsumed bytes must be offered again,
    /// together with what follows them.
    NeedMore {
        /// Bytes of the input that are done with.
        consumed: usize,
    },
    /// The response is complete.
    Done {
        /// Bytes of the input that belong to it.
        consumed: usize,
        /// May the connection carry another request?
        reusable: bool,
    },
}

/// Reads one response after another from a connection.
#[derive(Debug)]
pub struct ResponseReader {
    limits: Limits,
    answers_head: bool,
    interim: u8,
    /// Once the head is there: its body, and whether the connection may be used again.
    body: Option<(BodyReader, bool)>,
}

impl ResponseReader {
    /// A reader for the first response of a connection.
    pub fn new(limits: Limits) -> Self {
        ResponseReader {
            limits,
            answers_head: false,
            interim: 0,
            body: None,
        }
    }

    /// Makes ready for the next response; `answers_head` if the request was a HEAD.
    pub fn reset(&mut self, answers_head: bool) {
        *self = ResponseReader {
            answers_head,
            ..ResponseReader::new(self.limits)
        };
    }

    /// Reads as much of `input` as possible.
    ///
    /// # Errors
    /// The response is malformed or exceeds a bound; the connection is of no further use.
    pub fn advance(&mut self, input: &[u8], sink: &mut impl Sink) -> Result<Step, ResponseError> {
        let mut consumed = 0;
        loop {
            let rest = &input[consumed..];
            let Some((body, reusable)) = &mut self.body else {
                match self.head(rest, sink)? {
                    Some(taken) => consumed += taken,
                    None => return Ok(Step::NeedMore { consumed }),
                }
                continue;
            };
            match body.next(rest)? {
                Piece::More => return Ok(Step::NeedMore { consumed }),
                Piece::Framing(taken) | Piece::Trailer(taken) => consumed += taken,
                Piece::Data(taken) => {
                    sink.body(&rest[..taken]);
                    consumed += taken;
                }
                Piece::End => {
                    return Ok(Step::Done {
                        consumed,
                        reusable: *reusable,
                    });
                }
            }
        }
    }

    /// The connection was closed by the other side: is the response whole?
    ///
    /// # Errors
    /// [`ResponseError::Truncated`] unless the close is what ends the body.
    pub fn end_of_input(&mut self) -> Result<(), ResponseError> {
        match &mut self.body {
            Some((body, _)) => body.end_of_input(),
            None => Err(ResponseError::Truncated),
        }
    }

    /// Bytes of the head at the beginning of the input, if it is complete.
    fn head(&mut self, input: &[u8], sink: &mut impl Sink) -> Result<Option<usize>, ResponseError> {
        if input.is_empty() {
            return Ok(None);
        }
        let mut room = ROOM;
        let Some((head, bytes)) = Head::read(input, &mut room, self.limits.head_bytes)? else {
            return Ok(None);
        };
        if head.is_interim() {
            self.interim += 1;
            if self.interim > self.limits.interim {
                return Err(ResponseError::TooManyInterim);
            }
            sink.interim(head.status);
            return Ok(Some(bytes));
        }
        if head.status == 101 {
            return Err(ResponseError::Switched);
        }
        let framing = head.framing(self.answers_head)?;
        let body = BodyReader::new(framing.length, self.limits)?;
        self.body = Some((body, framing.keep_alive));
        sink.head(&head);
        Ok(Some(bytes))
    }
}

#[cfg(test)]
mod tests;
