//! Reading the body of a message from whatever pieces the network delivers.

use super::framing::Length;
use super::incoming::is_token_byte;
use super::response::{Limits, ResponseError};

/// Most bytes in a chunk-size line, extensions included.
const MAX_CHUNK_LINE: usize = 1024;

/// Most bytes of chunk extensions in one body of a request: what nothing reads must not cost more than
/// what is read.
const MAX_EXTENSIONS: usize = 16 * 1024;

/// What is at the beginning of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Too little to decide: the same must be offered again, together with what follows it.
    More,
    /// So many bytes of framing.
    Framing(usize),
    /// So many bytes of the body.
    Data(usize),
    /// A trailer field: a line of so many bytes, with its line break.
    Trailer(usize),
    /// What belongs to the next response, if anything: this body has ended.
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Length(u64),
    ChunkSize,
    ChunkData(u64),
    ChunkEnd,
    Trailers(usize),
    UntilClose,
    Ended,
}

/// Reads one body (RFC 9112, sections 6 and 7). It keeps no byte of it.
#[derive(Debug)]
pub struct BodyReader {
    limits: Limits,
    state: State,
    bytes: u64,
    /// Is the line of a chunk held to its grammar? Old servers pad the size with spaces; a client has no
    /// reason to.
    strict: bool,
    extension_bytes: usize,
}

impl BodyReader {
    /// A reader for the body of a request.
    ///
    /// # Errors
    /// It is longer than the bound.
    pub fn of_request(length: Length, limits: Limits) -> Result<BodyReader, ResponseError> {
        let reader = BodyReader::new(length, limits)?;
        Ok(BodyReader {
            strict: true,
            ..reader
        })
    }

    /// A reader for a body of this length.
    ///
    /// # Errors
    /// It is longer than the bound.
    pub fn new(length: Length, limits: Limits) -> Result<BodyReader, ResponseError> {
        let mut reader = BodyReader {
            limits,
            state: match length {
                Length::Exact(0) => State::Ended,
                Length::Exact(length) => State::Length(length),
                Length::Chunked => State::ChunkSize,
                Length::UntilClose => State::UntilClose,
            },
            bytes: 0,
            strict: false,
            extension_bytes: 0,
        };
        if let Length::Exact(length) = length {
            reader.count(length)?;
        }
        Ok(reader)
    }

    /// Is there nothing more to read?
    pub fn has_ended(&self) -> bool {
        self.state == State::Ended
    }

    /// Is what comes next no byte of the body, but what is around its chunks?
    pub fn is_at_framing(&self) -> bool {
        matches!(
            self.state,
            State::ChunkSize | State::ChunkEnd | State::Trailers(_)
        )
    }

    /// Bytes of the body that are still to come, where that is known.
    pub fn left(&self) -> Option<u64> {
        match self.state {
            State::Length(left) => Some(left),
            State::Ended => Some(0),
            _ => None,
        }
    }

    /// What the input begins with; the caller removes it before the next call.
    ///
    /// # Errors
    /// The body is malformed or exceeds a bound; the connection is of no further use.
    pub fn next(&mut self, input: &[u8]) -> Result<Piece, ResponseError> {
        if self.state == State::Ended {
            return Ok(Piece::End);
        }
        if input.is_empty() {
            return Ok(Piece::More);
        }
        match self.state {
            State::Length(left) => Ok(self.data(left, input, State::Length, State::Ended)),
            State::ChunkData(left) => Ok(self.data(left, input, State::ChunkData, State::ChunkEnd)),
            State::ChunkSize => self.chunk_size(input),
            State::ChunkEnd => self.chunk_end(input),
            State::Trailers(seen) => self.trailer(seen, input),
            State::UntilClose => {
                self.count(input.len() as u64)?;
                Ok(Piece::Data(input.len()))
            }
            State::Ended => Ok(Piece::End),
        }
    }

    /// The connection was closed by the other side: is the body whole?
    ///
    /// # Errors
    /// [`ResponseError::Truncated`] unless the close is what ends the body.
    pub fn end_of_input(&mut self) -> Result<(), ResponseError> {
        match self.state {
            State::UntilClose | State::Ended => {
                self.state = State::Ended;
                Ok(())
            }
            _ => Err(ResponseError::Truncated),
        }
    }

    fn count(&mut self, more: u64) -> Result<(), ResponseError> {
        self.bytes = self.bytes.saturating_add(more);
        if self.bytes > self.limits.body_bytes {
            return Err(ResponseError::BodyTooLarge);
        }
        Ok(())
    }

    fn data(&mut self, left: u64, input: &[u8], more: fn(u64) -> State, end: State) -> Piece {
        let taken = usize::try_from(left).map_or(input.len(), |left| left.min(input.len()));
        let left = left - taken as u64;
        self.state = if left == 0 { end } else { more(left) };
        Piece::Data(taken)
    }

    /// `1*HEXDIG [chunk-ext] CRLF` (RFC 9112, section 7.1).
    fn chunk_size(&mut self, input: &[u8]) -> Result<Piece, ResponseError> {
        let Some(line) = line(input, MAX_CHUNK_LINE).map_err(|()| ResponseError::Chunk)? else {
            return Ok(Piece::More);
        };
        let digits = line.iter().take_while(|b| b.is_ascii_hexdigit()).count();
        let rest = &line[digits..];
        self.extension_bytes = self.extension_bytes.saturating_add(rest.len());
        let clean_end = match self.strict {
            true => are_extensions(rest) && self.extension_bytes <= MAX_EXTENSIONS,
            false => matches!(without_space(rest), [] | [b';', ..]),
        };
        if digits == 0 || digits > 15 || !clean_end {
            return Err(ResponseError::Chunk);
        }
        let size = line[..digits]
            .iter()
            .fold(0u64, |sum, b| sum << 4 | u64::from(hex(*b)));
        self.count(size)?;
        self.state = if size == 0 {
            State::Trailers(0)
        } else {
            State::ChunkData(size)
        };
        Ok(Piece::Framing(line.len() + 2))
    }

    fn chunk_end(&mut self, input: &[u8]) -> Result<Piece, ResponseError> {
        match input {
            [b'\r', b'\n', ..] => {
                self.state = State::ChunkSize;
                Ok(Piece::Framing(2))
            }
            [] | [b'\r'] => Ok(Piece::More),
            _ => Err(ResponseError::Chunk),
        }
    }

    fn trailer(&mut self, seen: usize, input: &[u8]) -> Result<Piece, ResponseError> {
        let room = self.limits.head_bytes.saturating_sub(seen);
        let Some(line) = line(input, room).map_err(|()| ResponseError::HeadTooLarge)? else {
            return Ok(Piece::More);
        };
        let bytes = line.len() + 2;
        if line.is_empty() {
            self.state = State::Ended;
            return Ok(Piece::Framing(bytes));
        }
        self.state = State::Trailers(seen + bytes);
        Ok(Piece::Trailer(bytes))
    }
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

/// `*( ";" name [ "=" ( token / quoted-string ) ] )`, with space around names and values (RFC 9112,
/// section 7.1.1).
fn are_extensions(mut rest: &[u8]) -> bool {
    while let [b';', extension @ ..] = rest {
        let Some(behind) = behind_token(without_space(extension)) else {
            return false;
        };
        rest = without_space(behind);
        if let [b'=', value @ ..] = rest {
            let behind = match without_space(value) {
                [b'"', quoted @ ..] => behind_quoted(quoted),
                token => behind_token(token),
            };
            let Some(behind) = behind else {
                return false;
            };
            rest = without_space(behind);
        }
    }
    rest.is_empty()
}

fn without_space(text: &[u8]) -> &[u8] {
    let space = text.iter().take_while(|b| matches!(b, b' ' | b'\t'));
    &text[space.count()..]
}

fn behind_token(text: &[u8]) -> Option<&[u8]> {
    let length = text.iter().take_while(|b| is_token_byte(**b)).count();
    (length > 0).then(|| &text[length..])
}

/// What follows the quote that ends a text.
fn behind_quoted(mut text: &[u8]) -> Option<&[u8]> {
    loop {
        text = match text {
            [b'"', rest @ ..] => return Some(rest),
            [b'\\', escaped, rest @ ..] if is_text_byte(*escaped) => rest,
            [byte, rest @ ..] if *byte != b'\\' && is_text_byte(*byte) => rest,
            _ => return None,
        };
    }
}

fn is_text_byte(byte: u8) -> bool {
    byte == b'\t' || !byte.is_ascii_control()
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit.wrapping_sub(b'A').wrapping_add(10),
    }
}
