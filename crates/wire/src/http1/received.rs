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
    /// The body, without the chunked coding.
    pub body: Vec<u8>,
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
    /// A header is not text.
    #[error("a header is not UTF-8")]
    Text,
    /// The body is shorter than the head says, or its coding is broken.
    #[error("the body was not captured whole")]
    Body,
}

impl ReceivedRequest {
    /// Reads the bytes of one request. Bytes behind its body are ignored: a capture may cut late.
    ///
    /// # Errors
    /// What is not HTTP/1, or is not whole.
    pub fn read(bytes: &[u8]) -> Result<Self, ReceivedError> {
        let mut space = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut space);
        let head = match request.parse(bytes) {
            Ok(httparse::Status::Complete(head)) => head,
            Ok(httparse::Status::Partial) | Err(_) => return Err(ReceivedError::Head),
        };
        let headers = request
            .headers
            .iter()
            .map(|header| {
                let value = std::str::from_utf8(header.value).map_err(|_| ReceivedError::Text)?;
                Ok((header.name.to_owned(), value.to_owned()))
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(ReceivedRequest {
            method: request.method.unwrap_or_default().to_owned(),
            target: request.path.unwrap_or_default().to_owned(),
            body: body(&headers, &bytes[head..])?,
            headers,
        })
    }
}

/// The body that the headers announce (RFC 9112, section 6.3).
fn body(headers: &[(String, String)], rest: &[u8]) -> Result<Vec<u8>, ReceivedError> {
    let value = |name: &str| {
        let found = headers
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim())
    };
    match (value("transfer-encoding"), value("content-length")) {
        (Some(coding), _) if coding.eq_ignore_ascii_case("chunked") => dechunked(rest),
        (Some(_), _) => Err(ReceivedError::Body),
        (None, Some(length)) => {
            let length: usize = length.parse().map_err(|_| ReceivedError::Body)?;
            rest.get(..length)
                .map(<[u8]>::to_vec)
                .ok_or(ReceivedError::Body)
        }
        (None, None) => Ok(Vec::new()),
    }
}

/// Takes the chunked coding away (RFC 9112, section 7.1); trailers are dropped.
fn dechunked(mut rest: &[u8]) -> Result<Vec<u8>, ReceivedError> {
    let mut body = Vec::new();
    loop {
        let Ok(httparse::Status::Complete((line, size))) = httparse::parse_chunk_size(rest) else {
            return Err(ReceivedError::Body);
        };
        rest = &rest[line..];
        if size == 0 {
            return Ok(body);
        }
        let size = usize::try_from(size).map_err(|_| ReceivedError::Body)?;
        let chunk = rest.get(..size).ok_or(ReceivedError::Body)?;
        body.extend_from_slice(chunk);
        rest = rest[size..]
            .strip_prefix(b"\r\n")
            .ok_or(ReceivedError::Body)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bodies_lose_their_framing() {
        let of = |text: &str| ReceivedRequest::read(text.as_bytes());
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
        assert_eq!(
            of(b"GET / HTTP/1.1\r\nA: \xff\r\n\r\n"),
            ReceivedError::Text
        );
        for head in [
            "Content-Length: 5",
            "Content-Length: -1",
            "Transfer-Encoding: gzip",
        ] {
            let text = format!("POST / HTTP/1.1\r\n{head}\r\n\r\nabc");
            assert_eq!(of(text.as_bytes()), ReceivedError::Body);
        }
        for broken in ["3\r\nab", "3\r\nabcd\r\n0\r\n\r\n", "zz\r\n", ""] {
            let text = format!("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{broken}");
            assert_eq!(of(text.as_bytes()), ReceivedError::Body, "{broken:?}");
        }
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
            let read = ReceivedRequest::read(&head.render(&body).unwrap()).unwrap();
            prop_assert_eq!((read.target, read.body), (path, body));
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = ReceivedRequest::read(&bytes);
        }
    }
}
