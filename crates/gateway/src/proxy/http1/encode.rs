//! The head of a request as it goes to an HTTP/1.1 server.

use crate::proxy::head::Head;
use http::Method;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http_body::SizeHint;
use std::io::Write;

/// How the server is told where the body ends (RFC 9112, section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    /// So many bytes are left; announced by `Content-Length`, or none at all.
    Length(u64),
    /// Each piece says its own length.
    Chunked,
}

/// Writes the head behind what is there. What it says of the body's length is of the gateway's own
/// making: that of the client is for its connection.
pub(super) fn head(
    out: &mut Vec<u8>,
    head: &Head,
    authority: &HeaderValue,
    body: Option<SizeHint>,
) -> Coding {
    let target = head.uri.path_and_query().map_or("/", |path| path.as_str());
    for part in [head.method.as_str(), " ", target, " HTTP/1.1\r\n"] {
        out.extend_from_slice(part.as_bytes());
    }
    if !head.headers.contains_key(header::HOST) {
        field(out, &header::HOST, authority);
    }
    let mut announced = false;
    for (name, value) in &head.headers {
        match *name {
            header::CONTENT_LENGTH => announced = true,
            header::TRANSFER_ENCODING => {}
            _ => field(out, name, value),
        }
    }
    let coding = match body.map(|hint| hint.exact()) {
        None => Coding::Length(0),
        Some(Some(length)) => Coding::Length(length),
        Some(None) => Coding::Chunked,
    };
    match coding {
        Coding::Chunked => out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
        // Where a body is usual, its absence is told (RFC 9110, section 8.6).
        Coding::Length(0) if !announced && !has_usually_a_body(&head.method) => {}
        Coding::Length(length) => write!(out, "content-length: {length}\r\n").expect(WRITTEN),
    }
    out.extend_from_slice(b"\r\n");
    coding
}

fn has_usually_a_body(method: &Method) -> bool {
    matches!(*method, Method::POST | Method::PUT | Method::PATCH)
}

fn field(out: &mut Vec<u8>, name: &HeaderName, value: &HeaderValue) {
    out.extend_from_slice(name.as_str().as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Why writing to memory cannot fail.
const WRITTEN: &str = "a vector grows";

/// What goes before the bytes of a chunk.
pub(super) fn chunk(out: &mut Vec<u8>, length: usize) {
    write!(out, "{length:x}\r\n").expect(WRITTEN);
}

/// The end of a body in chunks, with those trailers that the head has announced (RFC 9110, section
/// 6.6.2).
pub(super) fn last_chunk(
    out: &mut Vec<u8>,
    trailers: Option<&HeaderMap>,
    announced: &[HeaderName],
) {
    out.extend_from_slice(b"0\r\n");
    for (name, value) in trailers.into_iter().flatten() {
        if announced.contains(name) {
            field(out, name, value);
        }
    }
    out.extend_from_slice(b"\r\n");
}

/// The trailers that a head announces, but for those that would change what it says.
pub(super) fn announced(headers: &HeaderMap) -> Vec<HeaderName> {
    let forbidden = [
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        header::HOST,
        header::TRAILER,
        header::CONNECTION,
    ];
    let values = headers.get_all(header::TRAILER).iter();
    let names = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','))
        .filter_map(|name| HeaderName::from_bytes(name.trim().as_bytes()).ok());
    names.filter(|name| !forbidden.contains(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::headers::tests::map;

    fn encoded(
        method: Method,
        fields: &[(&'static str, &'static str)],
        body: Option<SizeHint>,
    ) -> String {
        let of = Head {
            method,
            uri: "http://shop/a?b".parse().unwrap(),
            headers: map(fields),
        };
        let mut out = Vec::new();
        head(&mut out, &of, &HeaderValue::from_static("up:1"), body);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_head_says_once_where_the_body_ends_and_whom_it_is_for() {
        let get = |fields: &[_]| encoded(Method::GET, fields, None);
        assert_eq!(
            get(&[("accept", "*/*")]),
            "GET /a?b HTTP/1.1\r\nhost: up:1\r\naccept: */*\r\n\r\n"
        );
        // A length without a body would make a body of the next request.
        assert_eq!(
            get(&[
                ("host", "h"),
                ("content-length", "5"),
                ("content-length", "6")
            ]),
            "GET /a?b HTTP/1.1\r\nhost: h\r\ncontent-length: 0\r\n\r\n"
        );
        let post = |fields: &[_], body| encoded(Method::POST, fields, body);
        assert!(post(&[], None).ends_with("\r\ncontent-length: 0\r\n\r\n"));
        let sized = post(
            &[("content-length", "7"), ("transfer-encoding", "gzip")],
            Some(SizeHint::with_exact(7)),
        );
        assert_eq!(
            sized,
            "POST /a?b HTTP/1.1\r\nhost: up:1\r\ncontent-length: 7\r\n\r\n"
        );
        assert!(
            post(&[], Some(SizeHint::new())).ends_with("\r\ntransfer-encoding: chunked\r\n\r\n")
        );
    }

    #[test]
    fn trailers_go_on_if_they_were_announced_and_are_none_of_the_head() {
        let names = announced(&map(&[
            ("trailer", "X-Sum, Content-Length"),
            ("trailer", "x-two"),
        ]));
        let mut out = Vec::new();
        let trailers = map(&[("x-sum", "1"), ("content-length", "9"), ("x-other", "2")]);
        last_chunk(&mut out, Some(&trailers), &names);
        assert_eq!(out, b"0\r\nx-sum: 1\r\n\r\n");
        out.clear();
        chunk(&mut out, 255);
        assert_eq!(out, b"ff\r\n");
    }
}
