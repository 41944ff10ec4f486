//! Reading a request that was captured whole.

use std::fmt;

/// Most headers of one request.
const MAX_HEADERS: usize = 128;

/// A request as it was on the wire, its framing taken away.
#[derive(Clone, PartialEq, Eq)]
pub struct ReceivedRequest {
    /// The method.
    pub method: String,
    /// The target as it was sent: a path with its query, or an absolute URL.
    pub target: String,
    /// The headers in order, names as written.
    pub headers: Vec<(String, String)>,
    /// Names of headers that are left out of them: their values are not UTF-8.
    pub not_text: Vec<String>,
    /// The body, without the chunked coding.
    pub body: Vec<u8>,
    /// Is it known how long the body is? If not, `body` is empty: the headers do not say it, or say that it is
    /// chunked while the capture has it without its chunks.
    pub has_length: bool,
}

impl fmt::Debug for ReceivedRequest {
    /// Bodies and headers may hold secrets: they are left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.target)
    }
}

/// Why bytes are not one whole request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceivedError {
    /// The head is not HTTP/1.
    #[error("the head is not that of an HTTP/1 request")]
    Head,
    /// The head has too many headers.
    #[error("the head has more than {MAX_HEADERS} headers")]
    TooManyHeaders,
    /// The body is shorter than the head says, or its coding is broken.
    #[error("the body was not captured whole")]
    Body,
}

impl ReceivedRequest {
    /// Reads the request that the bytes begin with; also how many of them it takes.
    ///
    /// # Errors
    /// What is not HTTP/1, or is not whole.
    pub fn read(bytes: &[u8]) -> Result<(Self, usize), ReceivedError> {
        let mut space = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut space);
        let head = match request.parse(bytes) {
            Ok(httparse::Status::Complete(head)) => head,
            Err(httparse::Error::TooManyHeaders) => return Err(ReceivedError::TooManyHeaders),
            Ok(httparse::Status::Partial) | Err(_) => return Err(ReceivedError::Head),
        };
        let (mut headers, mut not_text) = (Vec::new(), Vec::new());
        for header in request.headers.iter() {
            let name = header.name.to_owned();
            match std::str::from_utf8(header.value) {
                Ok(value) => headers.push((name, value.to_owned())),
                Err(_) if is_framing(&name) => return Err(ReceivedError::Body),
                Err(_) => not_text.push(name),
            }
        }
        let rest = &bytes[head..];
        let has_length =
            headers.iter().any(|(name, _)| is_framing(name)) && !is_unchunked(&headers, rest);
        let (body, length) = match has_length {
            true => body(&headers, rest)?,
            false => (Vec::new(), 0),
        };
        let received = ReceivedRequest {
            method: request.method.unwrap_or_default().to_owned(),
            target: request.path.unwrap_or_default().to_owned(),
            has_length,
            headers,
            not_text,
            body,
        };
        Ok((received, head + length))
    }
}

/// Is the body announced as chunked, and is not?
fn is_unchunked(headers: &[(String, String)], rest: &[u8]) -> bool {
    let is_chunked = headers.iter().any(|(name, value)| {
        name.eq_ignore_ascii_case("transfer-encoding")
            && value.trim().eq_ignore_ascii_case("chunked")
    });
    is_chunked && !rest.is_empty() && httparse::parse_chunk_size(rest).is_err()
}

fn is_framing(name: &str) -> bool {
    ["content-length", "transfer-encoding"]
        .iter()
        .any(|framing| name.eq_ignore_ascii_case(framing))
}

/// The body that the headers announce (RFC 9112, section 6.3), and how many bytes it takes.
fn body(headers: &[(String, String)], rest: &[u8]) -> Result<(Vec<u8>, usize), ReceivedError> {
    let values = |name: &'static str| {
        let named = move |(other, _): &&(String, String)| other.eq_ignore_ascii_case(name);
        headers.iter().filter(named).map(|(_, value)| value.trim())
    };
    let mut lengths = values("content-length");
    match (values("transfer-encoding").next(), lengths.next()) {
        (Some(coding), _) if coding.eq_ignore_ascii_case("chunked") => dechunked(rest),
        (Some(_), _) => Err(ReceivedError::Body),
        (None, Some(text)) => {
            // Two lengths that differ are two messages, and nothing says which one was meant.
            if lengths.any(|other| other != text) || !text.bytes().all(|b| b.is_ascii_digit()) {
                return Err(ReceivedError::Body);
            }
            let length: usize = text.parse().map_err(|_| ReceivedError::Body)?;
            let body = rest.get(..length).ok_or(ReceivedError::Body)?;
            Ok((body.to_vec(), length))
        }
        (None, None) => Ok((Vec::new(), 0)),
    }
}

/// Takes the chunked coding away (RFC 9112, section 7.1); trailers are dropped.
fn dechunked(bytes: &[u8]) -> Result<(Vec<u8>, usize), ReceivedError> {
    let mut body = Vec::new();
    let mut rest = bytes;
    loop {
        let Ok(httparse::Status::Complete((line, size))) = httparse::parse_chunk_size(rest) else {
            return Err(ReceivedError::Body);
        };
        rest = &rest[line..];
        if size == 0 {
            rest = behind_trailers(rest);
            return Ok((body, bytes.len() - rest.len()));
        }
        let size = usize::try_from(size).map_err(|_| ReceivedError::Body)?;
        let chunk = rest.get(..size).ok_or(ReceivedError::Body)?;
        body.extend_from_slice(chunk);
        rest = rest[size..]
            .strip_prefix(b"\r\n")
            .ok_or(ReceivedError::Body)?;
    }
}

/// What is behind the trailers and the empty line that ends them; all of it where the capture ends before that.
fn behind_trailers(rest: &[u8]) -> &[u8] {
    let mut behind = rest;
    while let Some(at) = behind.iter().position(|byte| *byte == b'\n') {
        let line = behind[..at].trim_ascii_end();
        behind = &behind[at + 1..];
        if line.is_empty() {
            return behind;
        }
        if !line.contains(&b':') {
            break;
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bodies_lose_their_framing() {
        let of = |text: &str| ReceivedRequest::read(text.as_bytes()).map(|(read, _)| read);
        let plain = of("POST /a?b HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}more").unwrap();
        assert_eq!(
            (plain.method.as_str(), plain.target.as_str()),
            ("POST", "/a?b")
        );
        assert_eq!(plain.body, b"{}");
        assert_eq!(plain.headers[0], ("Host".to_owned(), "h".to_owned()));
        let chunked = of(
            "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1;x=y\r\nd\r\n0\r\n\r\n",
        );
        assert_eq!(chunked.unwrap().body, b"abcd");
        assert_eq!(of("GET / HTTP/1.1\r\n\r\n").unwrap().body, b"");
    }

    #[test]
    fn what_is_not_whole_is_refused() {
        let of = |text: &[u8]| ReceivedRequest::read(text).unwrap_err();
        assert_eq!(of(b"GET / HTTP/1.1\r\nHost"), ReceivedError::Head);
        assert_eq!(of(b"\x16\x03\x01"), ReceivedError::Head);
        let many = "A: b\r\n".repeat(MAX_HEADERS + 1);
        assert_eq!(
            of(format!("GET / HTTP/1.1\r\n{many}\r\n").as_bytes()),
            ReceivedError::TooManyHeaders
        );
        for head in [
            "Content-Length: 5",
            "Content-Length: -1",
            "Content-Length: +1",
            "Content-Length: 1\r\nContent-Length: 2",
            "Transfer-Encoding: gzip",
        ] {
            let text = format!("POST / HTTP/1.1\r\n{head}\r\n\r\nabc");
            assert_eq!(of(text.as_bytes()), ReceivedError::Body);
        }
        for broken in ["3\r\nab", "3\r\nabcd\r\n0\r\n\r\n", "3", ""] {
            let text = format!("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{broken}");
            assert_eq!(of(text.as_bytes()), ReceivedError::Body, "{broken:?}");
        }
    }

    #[test]
    fn chunks_that_were_taken_away_leave_the_length_open() {
        let head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
        let text = format!("{head}{{\"a\":1}}");
        let (read, length) = ReceivedRequest::read(text.as_bytes()).unwrap();
        assert_eq!(
            (read.has_length, read.body.len(), length),
            (false, 0, head.len())
        );
    }

    #[test]
    fn a_request_ends_where_the_next_one_begins() {
        let next = "GET /next HTTP/1.1\r\n\r\n";
        for first in [
            "GET / HTTP/1.1\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n\r\n",
        ] {
            let text = format!("{first}{next}");
            let (_, length) = ReceivedRequest::read(text.as_bytes()).unwrap();
            assert_eq!(&text[length..], next, "{first}");
        }
    }

    #[test]
    fn headers_that_are_not_text_are_named() {
        let (read, _) =
            ReceivedRequest::read(b"GET / HTTP/1.1\r\nA: \xff\r\nB: c\r\n\r\n").unwrap();
        assert_eq!(
            (read.headers.len(), read.not_text),
            (1, vec!["A".to_owned()])
        );
        let framing = ReceivedRequest::read(b"GET / HTTP/1.1\r\nContent-Length: \xff\r\n\r\n");
        assert_eq!(framing.unwrap_err(), ReceivedError::Body);
    }

    proptest! {
        #[test]
        fn what_was_rendered_is_read(path in "/[a-z0-9/?=&%]{0,30}", body: Vec<u8>, value in "[!-~]{0,20}") {
            let headers = [("X-Any".to_owned(), value)];
            let head = crate::http1::RequestHead {
                method: "POST",
                target: &path,
                host: "h",
                headers: &headers,
            };
            let wire = head.render(&body).unwrap();
            let (read, length) = ReceivedRequest::read(&wire).unwrap();
            prop_assert_eq!((read.target, read.body, length), (path, body, wire.len()));
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = ReceivedRequest::read(&bytes);
        }
    }
}
