//! Header fields of HTTP/1.1: read from a head, and written as they were spelled.

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

/// A field that no header has.
#[derive(Debug)]
pub(super) struct Malformed;

/// The fields of a head, and how they were spelled. There is room for some `more`.
pub(super) fn of_head(
    fields: &[httparse::Header<'_>],
    head: &[u8],
    more: usize,
) -> Result<(HeaderMap, Written), Malformed> {
    let start = head.as_ptr().addr();
    // One piece of memory for all values.
    let text = Bytes::copy_from_slice(head);
    let mut map = HeaderMap::with_capacity(fields.len() + more);
    for field in fields {
        let name = name(field)?;
        // Two that say the same were taken for one (RFC 9110, section 8.6).
        if name == header::CONTENT_LENGTH && map.contains_key(&name) {
            continue;
        }
        let at = field.value.as_ptr().addr() - start;
        let value = match field.value {
            [] => Ok(HeaderValue::from_static("")),
            value => HeaderValue::from_maybe_shared(text.slice(at..at + value.len())),
        };
        map.append(name, value.map_err(|_| Malformed)?);
    }
    Ok((map, Written(text)))
}

fn name(field: &httparse::Header<'_>) -> Result<HeaderName, Malformed> {
    HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| Malformed)
}

/// The field of a trailer's line.
pub(super) fn of_trailer(line: &[u8]) -> Result<(HeaderName, HeaderValue), Malformed> {
    // The parser wants the empty line that ends a block of fields.
    let block = [line, b"\r\n"].concat();
    let mut room = [httparse::EMPTY_HEADER; 1];
    match httparse::parse_headers(&block, &mut room) {
        Ok(httparse::Status::Complete((_, [field]))) => {
            let value = HeaderValue::from_bytes(field.value).map_err(|_| Malformed)?;
            Ok((name(field)?, value))
        }
        _ => Err(Malformed),
    }
}

/// Does a field say how a message is read, or which client sent it? Such a field is never taken from a trailer.
pub(super) fn is_of_head(name: &HeaderName) -> bool {
    [
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        header::HOST,
        header::TRAILER,
        header::CONNECTION,
        header::TE,
        header::UPGRADE,
        header::CONTENT_ENCODING,
        header::CONTENT_TYPE,
        header::CONTENT_RANGE,
        header::AUTHORIZATION,
        header::COOKIE,
        header::SET_COOKIE,
        header::EXPECT,
        header::MAX_FORWARDS,
    ]
    .contains(name)
}

/// A head as it came over HTTP/1.1, where it did.
#[derive(Clone, Debug, Default)]
pub(crate) struct Written(Bytes);

impl Written {
    /// Writes a field as it was spelled. What the gateway has added is spelled in lower case.
    pub(super) fn field(&self, out: &mut Vec<u8>, name: &HeaderName, value: &HeaderValue) {
        out.extend_from_slice(self.name(name, value));
        out.extend_from_slice(b": ");
        out.extend_from_slice(value.as_bytes());
        out.extend_from_slice(b"\r\n");
    }

    /// A part of it.
    pub(super) fn slice(&self, range: std::ops::Range<usize>) -> Bytes {
        self.0.slice(range)
    }

    /// What is between the status code of an answer and the end of the first line.
    pub(super) fn reason(&self) -> Option<&[u8]> {
        let line = self.0.split(|byte| *byte == b'\r').next()?;
        // `HTTP/1.1 200 `; without a reason the last space may be missing.
        (!line.is_empty()).then(|| line.get(13..).unwrap_or_default())
    }

    /// A value is a part of the text, so that its name is found in front of it.
    fn name<'w>(&'w self, name: &'w HeaderName, value: &HeaderValue) -> &'w [u8] {
        let (text, usual) = (&self.0[..], name.as_str().as_bytes());
        let at = value
            .as_bytes()
            .as_ptr()
            .addr()
            .wrapping_sub(text.as_ptr().addr());
        let before = match text.get(..at) {
            Some(before) if !value.is_empty() => before,
            _ if value.is_empty() => return self.name_of_empty(usual),
            _ => return usual,
        };
        let before = before.trim_ascii_end();
        let Some(before) = before.strip_suffix(b":") else {
            return usual;
        };
        match before.split_at_checked(before.len().wrapping_sub(usual.len())) {
            Some(([.., b'\n'], written)) if written.eq_ignore_ascii_case(usual) => written,
            _ => usual,
        }
    }

    /// An empty value is not part of anything.
    fn name_of_empty<'w>(&'w self, usual: &'w [u8]) -> &'w [u8] {
        let lines = self.0.split(|byte| *byte == b'\n');
        let names = lines.filter_map(|line| line.split_at_checked(usual.len()));
        names
            .filter(|(_, rest)| rest.first() == Some(&b':') && rest[1..].trim_ascii().is_empty())
            .map(|(written, _)| written)
            .find(|written| written.eq_ignore_ascii_case(usual))
            .unwrap_or(usual)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_as_they_were_spelled_and_new_ones_in_lower_case() {
        let head = b"HTTP/1.1 200 Fine  by me\r\nX-Request-ID: 1\r\nETag:\t2\r\nx-empty:\r\nX-EMPTY: \r\nSOAPAction:\r\nHost: a\r\n\r\n";
        let mut room = [httparse::EMPTY_HEADER; 8];
        let mut parsed = httparse::Response::new(&mut room);
        parsed.parse(head).unwrap();
        let (mut map, written) = of_head(parsed.headers, head, 0).unwrap();
        assert_eq!(written.reason(), Some(&b"Fine  by me"[..]));
        let bare = Written(Bytes::from_static(b"HTTP/1.1 200\r\n\r\n"));
        assert_eq!(bare.reason(), Some(&b""[..]));
        assert_eq!(Written::default().reason(), None);
        map.insert("x-forwarded-host", map["host"].clone());
        map.insert("etag", HeaderValue::from_static("3"));
        let mut out = Vec::new();
        for (name, value) in &map {
            written.field(&mut out, name, value);
        }
        let mut lines: Vec<&str> = std::str::from_utf8(&out).unwrap().lines().collect();
        lines.sort_unstable();
        assert_eq!(
            lines,
            [
                "Host: a",
                "SOAPAction: ",
                "X-Request-ID: 1",
                "etag: 3",
                "x-empty: ",
                "x-empty: ",
                "x-forwarded-host: a"
            ]
        );
        let mut out = Vec::new();
        Written::default().field(&mut out, &header::ETAG, &HeaderValue::from_static("4"));
        assert_eq!(out, b"etag: 4\r\n");
    }

    #[test]
    fn a_trailer_is_one_field() {
        let (name, value) = of_trailer(b"X-Sum: 1\r\n").unwrap();
        assert_eq!((name.as_str(), value.to_str().unwrap()), ("x-sum", "1"));
        for line in ["X-Sum\r\n", " X: 1\r\n", "X : 1\r\n", "X: a\0\r\n", "\r\n"] {
            assert!(of_trailer(line.as_bytes()).is_err(), "{line:?}");
        }
    }
}
