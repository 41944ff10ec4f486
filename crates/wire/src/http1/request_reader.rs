//! Reading one request after the other from a connection.

use super::body::{BodyReader, Piece};
use super::framing::Length;
use super::incoming::{IncomingHead, Refused};
use super::response::{Limits, ResponseError};
use std::mem::MaybeUninit;

/// Reads the requests of one connection. There is no other way past a body than [`RequestReader::body`]
/// and no other way to a head than [`RequestReader::head`], so that each head is held to the rules of
/// [`IncomingHead::read`], whatever precedes it and however it is cut.
#[derive(Debug)]
pub struct RequestReader {
    limits: Limits,
    /// Of the request under way.
    body: Option<BodyReader>,
    /// The connection brings nothing more that can be trusted.
    is_spoiled: bool,
}

impl RequestReader {
    /// A reader for a connection. The bound of a body is the caller's: `limits` has one for lengths that
    /// are announced.
    pub fn new(limits: Limits) -> RequestReader {
        RequestReader {
            limits,
            body: None,
            is_spoiled: false,
        }
    }

    /// Is a request under way whose body has not ended?
    pub fn is_within_body(&self) -> bool {
        self.body.as_ref().is_some_and(|body| !body.has_ended())
    }

    /// The body of the request under way.
    pub fn body_reader(&self) -> Option<&BodyReader> {
        self.body.as_ref()
    }

    /// The next head, and how many bytes of the input it takes; nothing while it is not complete. The
    /// body before it must have ended.
    ///
    /// # Errors
    /// The request must not be carried on, and nothing that follows it.
    pub fn head<'a>(
        &mut self,
        input: &'a [u8],
        room: &'a mut [MaybeUninit<httparse::Header<'a>>],
    ) -> Result<Option<(IncomingHead<'a>, usize)>, Refused> {
        if self.is_spoiled || self.is_within_body() {
            return Ok(None);
        }
        let read = IncomingHead::read(input, room, self.limits.head_bytes);
        self.is_spoiled = read.is_err();
        let Some((head, bytes)) = read? else {
            return Ok(None);
        };
        self.body = match head.length {
            Length::Exact(0) => None,
            length => match BodyReader::of_request(length, self.limits) {
                Ok(body) => Some(body),
                Err(_) => {
                    self.is_spoiled = true;
                    return Err(Refused {
                        status: 413,
                        why: "the request's body is larger than this server takes",
                    });
                }
            },
        };
        Ok(Some((head, bytes)))
    }

    /// What the input begins with, of the body of the request under way.
    ///
    /// # Errors
    /// The body is malformed, and nothing that follows it can be trusted.
    pub fn body(&mut self, input: &[u8]) -> Result<Piece, ResponseError> {
        let Some(body) = &mut self.body else {
            return Ok(Piece::End);
        };
        let piece = body.next(input);
        self.is_spoiled |= piece.is_err();
        piece
    }
}

#[cfg(test)]
mod tests;
