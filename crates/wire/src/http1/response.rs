//! Reading responses from whatever pieces the network delivers.

use super::framing::{Body, framing};
use std::mem::MaybeUninit;

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

/// Most headers in one head.
const MAX_HEADERS: usize = 128;
/// Most bytes in a chunk-size line, extensions included.
const MAX_CHUNK_LINE: usize = 1024;

/// Why a response cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResponseError {
    /// The head is not HTTP/1.
    #[error("malformed response head: {0}")]
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
    /// `101 Switching Protocols` that nobody asked for.
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

/// A parsed response head.
#[derive(Debug)]
pub struct Head<'a> {
    /// The status code.
    pub status: u16,
    /// The headers in the order received, names as received.
    pub headers: &'a [httparse::Header<'a>],
}

/// Where a response goes while it is read.
pub trait Sink {
    /// The final head (interim responses are not shown).
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Head,
    Length(u64),
    ChunkSize,
    ChunkData(u64),
    ChunkEnd,
    Trailers(usize),
    UntilClose,
    Done,
}

/// Reads one response after another from a connection.
#[derive(Debug)]
pub struct ResponseReader {
    limits: Limits,
    state: State,
    answers_head: bool,
    keep_alive: bool,
    interim: u8,
    body_bytes: u64,
}

impl ResponseReader {
    /// A reader for the first response of a connection.
    pub fn new(limits: Limits) -> Self {
        ResponseReader {
            limits,
            state: State::Head,
            answers_head: false,
            keep_alive: false,
            interim: 0,
            body_bytes: 0,
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
        let mut at = 0;
        loop {
            if self.state == State::Done {
                return Ok(Step::Done {
                    consumed: at,
                    reusable: self.keep_alive,
                });
            }
            let rest = &input[at..];
            let used = match self.state {
                State::Head => self.head(rest, sink)?,
                State::Length(left) => Some(self.length(left, rest, sink)),
                State::ChunkSize => self.chunk_size(rest)?,
                State::ChunkData(left) => Some(self.chunk_data(left, rest, sink)),
                State::ChunkEnd => self.chunk_end(rest)?,
                State::Trailers(seen) => self.trailer(seen, rest)?,
                State::UntilClose => {
                    self.count_body(rest.len() as u64)?;
                    sink.body(rest);
                    Some(rest.len())
                }
                State::Done => Some(0),
            };
            match used {
                None => return Ok(Step::NeedMore { consumed: at }),
                Some(used) => at += used,
            }
            if at == input.len() && self.state != State::Done {
                return Ok(Step::NeedMore { consumed: at });
            }
        }
    }

    /// The connection was closed by the other side: is the response whole?
    ///
    /// # Errors
    /// [`ResponseError::Truncated`] unless the close is what ends the body.
    pub fn end_of_input(&mut self) -> Result<(), ResponseError> {
        match self.state {
            State::UntilClose | State::Done => {
                self.state = State::Done;
                Ok(())
            }
            _ => Err(ResponseError::Truncated),
        }
    }

    fn head(&mut self, input: &[u8], sink: &mut impl Sink) -> Result<Option<usize>, ResponseError> {
        let mut space = [const { MaybeUninit::uninit() }; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut []);
        let parsed = httparse::ParserConfig::default().parse_response_with_uninit_headers(
            &mut response,
            input,
            &mut space,
        );
        let length = match parsed {
            Ok(httparse::Status::Complete(length)) if length <= self.limits.head_bytes => length,
            Ok(httparse::Status::Partial) if input.len() <= self.limits.head_bytes => {
                return Ok(None);
            }
            Ok(_) | Err(httparse::Error::TooManyHeaders) => {
                return Err(ResponseError::HeadTooLarge);
            }
            Err(error) => return Err(ResponseError::Head(error)),
        };
        let status = response
            .code
            .ok_or(ResponseError::Head(httparse::Error::Status))?;
        match status {
            0..=99 => return Err(ResponseError::Head(httparse::Error::Status)),
            101 => return Err(ResponseError::Switched),
            100..=199 => {
                self.interim += 1;
                if self.interim > self.limits.interim {
                    return Err(ResponseError::TooManyInterim);
                }
                return Ok(Some(length));
            }
            _ => {}
        }
        let minor = response.version.unwrap_or(1);
        let framing = framing(status, minor, response.headers, self.answers_head)?;
        self.keep_alive = framing.keep_alive;
        self.state = match framing.body {
            Body::Length(0) => State::Done,
            Body::Length(length) => {
                self.count_body(length)?;
                State::Length(length)
            }
            Body::Chunked => State::ChunkSize,
            Body::UntilClose => State::UntilClose,
        };
        sink.head(&Head {
            status,
            headers: response.headers,
        });
        Ok(Some(length))
    }

    fn count_body(&mut self, more: u64) -> Result<(), ResponseError> {
        self.body_bytes = self.body_bytes.saturating_add(more);
        if self.body_bytes > self.limits.body_bytes {
            return Err(ResponseError::BodyTooLarge);
        }
        Ok(())
    }

    fn length(&mut self, left: u64, input: &[u8], sink: &mut impl Sink) -> usize {
        let take = part(left, input);
        sink.body(&input[..take]);
        let left = left - take as u64;
        self.state = if left == 0 {
            State::Done
        } else {
            State::Length(left)
        };
        take
    }

    /// `1*HEXDIG [chunk-ext] CRLF` (RFC 9112, section 7.1).
    fn chunk_size(&mut self, input: &[u8]) -> Result<Option<usize>, ResponseError> {
        let Some(line) = line(input, MAX_CHUNK_LINE).map_err(|()| ResponseError::Chunk)? else {
            return Ok(None);
        };
        let digits = line.iter().take_while(|b| b.is_ascii_hexdigit()).count();
        let clean_end = match line.get(digits) {
            None => true,
            Some(b';') => true,
            Some(b' ' | b'\t') => line[digits..]
                .trim_ascii_start()
                .first()
                .is_none_or(|b| *b == b';'),
            Some(_) => false,
        };
        if digits == 0 || digits > 15 || !clean_end {
            return Err(ResponseError::Chunk);
        }
        let size = line[..digits]
            .iter()
            .fold(0u64, |sum, b| sum << 4 | u64::from(hex(*b)));
        self.count_body(size)?;
        self.state = if size == 0 {
            State::Trailers(0)
        } else {
            State::ChunkData(size)
        };
        Ok(Some(line.len() + 2))
    }

    fn chunk_data(&mut self, left: u64, input: &[u8], sink: &mut impl Sink) -> usize {
        let take = part(left, input);
        sink.body(&input[..take]);
        let left = left - take as u64;
        self.state = if left == 0 {
            State::ChunkEnd
        } else {
            State::ChunkData(left)
        };
        take
    }

    fn chunk_end(&mut self, input: &[u8]) -> Result<Option<usize>, ResponseError> {
        match input {
            [b'\r', b'\n', ..] => {
                self.state = State::ChunkSize;
                Ok(Some(2))
            }
            [] | [b'\r'] => Ok(None),
            _ => Err(ResponseError::Chunk),
        }
    }

    /// Trailer fields are read past, line by line.
    fn trailer(&mut self, seen: usize, input: &[u8]) -> Result<Option<usize>, ResponseError> {
        let room = self.limits.head_bytes.saturating_sub(seen);
        let Some(line) = line(input, room).map_err(|()| ResponseError::HeadTooLarge)? else {
            return Ok(None);
        };
        self.state = if line.is_empty() {
            State::Done
        } else {
            State::Trailers(seen + line.len() + 2)
        };
        Ok(Some(line.len() + 2))
    }
}

fn part(left: u64, input: &[u8]) -> usize {
    usize::try_from(left).map_or(input.len(), |left| left.min(input.len()))
}

/// The line up to CRLF; `None` if it is not complete, an error if it breaks off wrongly or is
/// longer than `bound`.
fn line(input: &[u8], bound: usize) -> Result<Option<&[u8]>, ()> {
    let window = &input[..input.len().min(bound + 2)];
    match window.iter().position(|b| *b == b'\n') {
        Some(at) if at > 0 && window[at - 1] == b'\r' => Ok(Some(&window[..at - 1])),
        Some(_) => Err(()),
        None if input.len() >= bound + 2 => Err(()),
        None => Ok(None),
    }
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit.wrapping_sub(b'A').wrapping_add(10),
    }
}

#[cfg(test)]
mod tests;
