//! The head of a response.

use super::framing::{Framing, framing};
use super::response::ResponseError;
use std::mem::MaybeUninit;

/// Most header lines in one head.
pub const MAX_HEADERS: usize = 128;

/// Room for the header lines of one head, on the stack and never written but where it is used.
pub type Room<'i> = [MaybeUninit<httparse::Header<'i>>; MAX_HEADERS];

/// An empty [`Room`].
pub const ROOM: Room<'static> = [const { MaybeUninit::uninit() }; MAX_HEADERS];

/// A parsed head.
#[derive(Debug)]
pub struct Head<'a> {
    /// The status code, 100 to 999.
    pub status: u16,
    /// The headers in the order received, names as received.
    pub headers: &'a [httparse::Header<'a>],
    /// The `x` of `HTTP/1.x`.
    pub minor_version: u8,
}

impl<'a> Head<'a> {
    /// The head at the beginning of the input, and how many bytes it takes; nothing while it is not
    /// complete.
    ///
    /// # Errors
    /// It is not HTTP/1, or longer than `most` bytes or [`MAX_HEADERS`] lines.
    pub fn read(
        input: &'a [u8],
        room: &'a mut Room<'a>,
        most: usize,
    ) -> Result<Option<(Head<'a>, usize)>, ResponseError> {
        let mut response = httparse::Response::new(&mut []);
        let parsed = httparse::ParserConfig::default().parse_response_with_uninit_headers(
            &mut response,
            input,
            room,
        );
        let length = match parsed {
            Ok(httparse::Status::Complete(length)) if length <= most => length,
            Ok(httparse::Status::Partial) if input.len() <= most => return Ok(None),
            Ok(_) | Err(httparse::Error::TooManyHeaders) => {
                return Err(ResponseError::HeadTooLarge);
            }
            Err(error) => return Err(ResponseError::Head(error)),
        };
        let Some(status @ 100..) = response.code else {
            return Err(ResponseError::Head(httparse::Error::Status));
        };
        let head = Head {
            status,
            headers: response.headers,
            minor_version: response.version.unwrap_or(1),
        };
        Ok(Some((head, length)))
    }

    /// Is another head to follow before the response?
    pub fn is_interim(&self) -> bool {
        self.status < 200 && self.status != 101
    }

    /// How long the body is, and whether the connection lives on after it.
    ///
    /// # Errors
    /// That cannot be known for sure.
    pub fn framing(&self, answers_head: bool) -> Result<Framing, ResponseError> {
        framing(self.status, self.minor_version, self.headers, answers_head)
    }
}
