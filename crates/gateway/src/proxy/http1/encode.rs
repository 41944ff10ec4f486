//! The head of a request as it goes to an HTTP/1.1 server.

use crate::proxy::head::Head;
use crate::proxy::outgoing::{Coding, WRITTEN};
use http::Method;
use http::header::{self, HeaderValue};
use http_body::SizeHint;
use std::io::Write;

/// Writes the head behind what is there. What it says of the body's length is of the gateway's own
/// making: that of the client is for its connection.
pub(super) fn head(
    out: &mut Vec<u8>,
    head: &Head,
    authority: &HeaderValue,
    body: Option<SizeHint>,
) -> Coding {
    let method = head.method.as_str().as_bytes();
    for part in [method, b" ", head.target(), b" HTTP/1.1\r\n"] {
        out.extend_from_slice(part);
    }
    let written = &head.written;
    if !head.headers.contains_key(header::HOST) {
        written.field(out, &header::HOST, authority);
    }
    let mut announced = false;
    for (name, value) in &head.headers {
        match *name {
            header::CONTENT_LENGTH => announced = true,
            header::TRANSFER_ENCODING => {}
            _ => written.field(out, name, value),
        }
    }
    let coding = match body.map(|hint| hint.exact()) {
        None => Coding::Length(0),
        Some(Some(length)) => Coding::Length(length),
        Some(None) => Coding::Chunked,
    };
    match coding {
        Coding::Chunked => out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
        Coding::UntilClose => {}
        // Where a body is usual, its absence is announced (RFC 9110, section 8.6).
        Coding::Length(0) if !announced && !has_usually_a_body(&head.method) => {}
        Coding::Length(length) => write!(out, "content-length: {length}\r\n").expect(WRITTEN),
    }
    out.extend_from_slice(b"\r\n");
    coding
}

fn has_usually_a_body(method: &Method) -> bool {
    matches!(*method, Method::POST | Method::PUT | Method::PATCH)
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
            ..Head::default()
        };
        let mut out = Vec::new();
        head(&mut out, &of, &HeaderValue::from_static("up:1"), body);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_rendered_head_has_one_host_and_one_framing() {
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
}
