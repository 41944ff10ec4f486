//! The head of a request as a server reads it (RFC 9112, sections 2, 3 and 6).
//!
//! What two servers could read in two ways is refused and never resolved: that is how one of them is
//! made to see two requests where the other sees one.

use super::framing::Length;
use super::host::is_host;
use memchr::{memchr, memchr_iter};
use std::mem::MaybeUninit;

/// Most bytes of a target.
const MAX_TARGET: usize = 65_000;

/// The head of a request that may be carried on.
#[derive(Debug)]
pub struct IncomingHead<'a> {
    /// The method.
    pub method: &'a str,
    /// What is asked for.
    pub target: Target<'a>,
    /// The `x` of `HTTP/1.x`: 0 or 1.
    pub minor_version: u8,
    /// The headers in the order received, names as received.
    pub headers: &'a [httparse::Header<'a>],
    /// How long the body is; never [`Length::UntilClose`].
    pub length: Length,
    /// Does the client want to send another request on this connection?
    pub keep_alive: bool,
}

/// The four forms of a target (RFC 9112, section 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// A path with its query.
    Origin(&'a str),
    /// A whole URL, as a proxy gets it.
    Absolute {
        /// Host and port.
        authority: &'a str,
        /// What follows the authority: empty, or it begins with `/` or `?`.
        path: &'a str,
    },
    /// `*`: the server as a whole.
    Asterisk,
    /// Of `CONNECT`.
    Authority(&'a str),
}

/// Why a request is not carried on. Nothing that follows on its connection can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{status} {why}")]
pub struct Refused {
    /// The status that says so.
    pub status: u16,
    /// The reason.
    pub why: &'static str,
}

const fn refused<T>(status: u16, why: &'static str) -> Result<T, Refused> {
    Err(Refused { status, why })
}

impl<'a> IncomingHead<'a> {
    /// The head at the beginning of the input, and how many bytes it takes; nothing while it is not
    /// complete.
    ///
    /// # Errors
    /// It is malformed or ambiguous, has more lines than `room` or is longer than `most` bytes.
    pub fn read(
        input: &'a [u8],
        room: &'a mut [MaybeUninit<httparse::Header<'a>>],
        most: usize,
    ) -> Result<Option<(IncomingHead<'a>, usize)>, Refused> {
        let mut request = httparse::Request::new(&mut []);
        let parsed = httparse::ParserConfig::default().parse_request_with_uninit_headers(
            &mut request,
            input,
            room,
        );
        let length = match parsed {
            Ok(httparse::Status::Complete(length)) if length <= most => length,
            Ok(httparse::Status::Partial) if input.len() <= most => return Ok(None),
            Ok(_) if !input[..most.min(input.len())].contains(&b'\n') => {
                return refused(414, "the target of the request is too long");
            }
            Ok(_) => return refused(431, "the head of the request is too large"),
            Err(httparse::Error::Version) if has_version(input) => {
                return refused(505, "the version of the request is not HTTP/1.0 or 1.1");
            }
            Err(error) => return Err(of_parser(error)),
        };
        if has_bare_line_feed(&input[..length]) {
            return refused(400, "a line of the head does not end with CR LF");
        }
        let method = request.method.unwrap_or_default();
        let minor_version = request.version.unwrap_or(1);
        let target = target(method, request.path.unwrap_or_default())?;
        let fields = Fields::read(request.headers)?;
        fields.check_host(minor_version)?;
        Ok(Some((
            IncomingHead {
                method,
                target,
                minor_version,
                length: fields.length(minor_version)?,
                keep_alive: fields.keep_alive.unwrap_or(minor_version >= 1),
                headers: request.headers,
            },
            length,
        )))
    }
}

/// Makes 1.1 of a higher minor version, which is read like 1.1 (RFC 9110, section 2.5). The parser
/// knows no other than 1.0 and 1.1, so that [`Refused::status`] is 505.
///
/// Gives whether there was something to change.
pub fn lower_minor_version(input: &mut [u8]) -> bool {
    let line = first_line(input);
    match &mut input[line] {
        [
            ..,
            b' ',
            b'H',
            b'T',
            b'T',
            b'P',
            b'/',
            b'1',
            b'.',
            minor @ b'2'..=b'9',
        ] => {
            *minor = b'1';
            true
        }
        _ => false,
    }
}

/// Where the first line that is not empty is.
fn first_line(input: &[u8]) -> std::ops::Range<usize> {
    let start = input
        .iter()
        .position(|byte| !matches!(byte, b'\r' | b'\n'))
        .unwrap_or(0);
    start..start + memchr(b'\r', &input[start..]).unwrap_or(0)
}

/// Does the first line have a method, a target and some version of HTTP?
fn has_version(input: &[u8]) -> bool {
    let line = &input[first_line(input)];
    let (words, last) = line.split_at(line.iter().rposition(|b| *b == b' ').unwrap_or(0));
    words.iter().filter(|byte| **byte == b' ').count() == 1
        && matches!(last, [b' ', b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit())
}

fn of_parser(error: httparse::Error) -> Refused {
    let (status, why) = match error {
        httparse::Error::TooManyHeaders => (431, "the request has too many header lines"),
        httparse::Error::HeaderName => (400, "the name of a header is malformed"),
        httparse::Error::HeaderValue => (400, "the value of a header is malformed"),
        httparse::Error::NewLine => (400, "a line of the head does not end with CR LF"),
        _ => (400, "the first line of the request is malformed"),
    };
    Refused { status, why }
}

/// The parser lets a line end with LF alone; another server may take that LF for a part of the value.
fn has_bare_line_feed(head: &[u8]) -> bool {
    memchr_iter(b'\n', head).any(|at| at == 0 || head[at - 1] != b'\r')
}

fn target<'a>(method: &str, target: &'a str) -> Result<Target<'a>, Refused> {
    if target.len() > MAX_TARGET {
        return refused(414, "the target of the request is too long");
    }
    if !target.is_ascii() {
        return refused(400, "the target has bytes above 127; percent-encode them");
    }
    if target.contains('#') {
        return refused(400, "the target has a fragment");
    }
    if method == "CONNECT" {
        return match is_host(target.as_bytes()) {
            true => Ok(Target::Authority(target)),
            false => refused(400, "the target is not host:port"),
        };
    }
    if target.starts_with('/') {
        return Ok(Target::Origin(target));
    }
    if target == "*" {
        return match method {
            "OPTIONS" => Ok(Target::Asterisk),
            _ => refused(400, "the target * is for OPTIONS alone"),
        };
    }
    let Some((scheme, rest)) = target.split_once("://") else {
        return refused(400, "the target does not begin with /");
    };
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return refused(400, "the scheme of the target is not http or https");
    }
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    match !authority.is_empty() && is_host(authority.as_bytes()) {
        true => Ok(Target::Absolute { authority, path }),
        false => refused(400, "the host of the target is malformed"),
    }
}

/// The headers that decide how a request is read.
#[derive(Default)]
struct Fields<'a> {
    host: Option<&'a [u8]>,
    length: Option<&'a [u8]>,
    coding: Option<&'a [u8]>,
    keep_alive: Option<bool>,
}

impl<'a> Fields<'a> {
    fn read(headers: &'a [httparse::Header<'a>]) -> Result<Fields<'a>, Refused> {
        let mut fields = Fields::default();
        for header in headers {
            let (name, value) = (header.name, header.value);
            // The length of the name sorts out nearly all headers without a comparison.
            let before = match name.len() {
                4 if name.eq_ignore_ascii_case("host") => fields.host.replace(value),
                14 if name.eq_ignore_ascii_case("content-length") => fields.length.replace(value),
                17 if name.eq_ignore_ascii_case("transfer-encoding") => {
                    fields.coding.replace(value)
                }
                10 if name.eq_ignore_ascii_case("connection") => {
                    fields.connection(value);
                    None
                }
                _ => None,
            };
            if before.is_some() {
                return refused(
                    400,
                    match name.len() {
                        4 => "Host is given twice",
                        14 => "Content-Length is given twice",
                        _ => "Transfer-Encoding is given twice",
                    },
                );
            }
        }
        Ok(fields)
    }

    /// `close` counts for more than `keep-alive`.
    fn connection(&mut self, value: &[u8]) {
        for option in value.split(|byte| *byte == b',') {
            let option = option.trim_ascii();
            if option.eq_ignore_ascii_case(b"close") {
                self.keep_alive = Some(false);
            } else if option.eq_ignore_ascii_case(b"keep-alive") {
                self.keep_alive.get_or_insert(true);
            }
        }
    }

    /// RFC 9112, section 3.2: also where the target has a host of its own.
    fn check_host(&self, minor_version: u8) -> Result<(), Refused> {
        match self.host {
            None if minor_version == 0 => Ok(()),
            None => refused(400, "Host is missing"),
            Some(host) if is_host(host) => Ok(()),
            Some(_) => refused(400, "Host is malformed"),
        }
    }

    /// RFC 9112, section 6.3.
    fn length(&self, minor_version: u8) -> Result<Length, Refused> {
        match (self.coding, self.length) {
            (Some(_), Some(_)) => {
                refused(400, "both Transfer-Encoding and Content-Length are given")
            }
            (Some(_), None) if minor_version == 0 => {
                refused(400, "HTTP/1.0 has no Transfer-Encoding")
            }
            (Some(coding), None) => transfer_coding(coding).map(|()| Length::Chunked),
            (None, Some(length)) => content_length(length).map(Length::Exact),
            (None, None) => Ok(Length::Exact(0)),
        }
    }
}

/// `chunked` and nothing else: no other coding is undone here, and what is not undone cannot be passed
/// on as if it had been.
fn transfer_coding(value: &[u8]) -> Result<(), Refused> {
    if value.eq_ignore_ascii_case(b"chunked") {
        return Ok(());
    }
    let is_token =
        |coding: &[u8]| !coding.is_empty() && coding.iter().all(|byte| is_token_byte(*byte));
    let mut codings: Vec<&[u8]> = value
        .split(|byte| *byte == b',')
        .map(|coding| coding.trim_ascii())
        .collect();
    let is_chunked = |coding: &&[u8]| coding.eq_ignore_ascii_case(b"chunked");
    match codings.pop() {
        Some(last)
            if is_chunked(&last)
                && codings
                    .iter()
                    .all(|coding| is_token(coding) && !is_chunked(coding)) =>
        {
            refused(501, "a transfer coding other than chunked is not supported")
        }
        Some(last) if is_chunked(&last) => refused(400, "Transfer-Encoding is malformed"),
        // Then the end of the body cannot be known.
        _ => refused(400, "the last transfer coding is not chunked"),
    }
}

/// May a token have it (RFC 9110, section 5.6.2)?
pub(super) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn content_length(digits: &[u8]) -> Result<u64, Refused> {
    if digits.is_empty() || digits.len() > 18 || !digits.iter().all(u8::is_ascii_digit) {
        return refused(400, "Content-Length is malformed");
    }
    Ok(digits
        .iter()
        .fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')))
}

#[cfg(test)]
mod tests;
