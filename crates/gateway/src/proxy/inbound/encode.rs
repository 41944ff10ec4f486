//! The head of an answer as it goes to a client over HTTP/1.1.

use crate::proxy::fields::Written;
use crate::proxy::headers::is_of_connection;
use crate::proxy::outgoing::{Coding, WRITTEN};
use http::header::{self, HeaderMap};
use http::{Method, StatusCode, Version};
use http_body::SizeHint;
use std::io::Write;
use understudy_wire::http1::Head;

/// What decides how a request is answered.
pub(super) struct Asked {
    pub(super) version: Version,
    pub(super) is_head: bool,
    /// May another request follow?
    pub(super) keep_alive: bool,
}

impl Asked {
    pub(super) fn new(method: &Method, version: Version, keep_alive: bool) -> Asked {
        Asked {
            version,
            is_head: method == Method::HEAD,
            keep_alive,
        }
    }

    /// Has the answer no body, whatever its headers say (RFC 9112, section 6.3)?
    pub(super) fn is_bodiless(&self, status: StatusCode) -> bool {
        let never = [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED];
        self.is_head || status.is_informational() || never.contains(&status)
    }

    /// How the answer says where its body ends.
    pub(super) fn coding(&self, status: StatusCode, body: &SizeHint) -> Coding {
        match body.exact() {
            _ if self.is_bodiless(status) => Coding::Length(0),
            Some(length) => Coding::Length(length),
            None if self.version == Version::HTTP_10 => Coding::UntilClose,
            None => Coding::Chunked,
        }
    }
}

/// Writes the head behind what is there.
pub(super) fn head(
    out: &mut Vec<u8>,
    asked: &Asked,
    (status, headers, written): (StatusCode, &HeaderMap, &Written),
    coding: Coding,
) {
    let reason = written
        .reason()
        .unwrap_or_else(|| status.canonical_reason().unwrap_or_default().as_bytes());
    for part in [
        b"HTTP/1.1 ",
        status.as_str().as_bytes(),
        b" ",
        reason,
        b"\r\n",
    ] {
        out.extend_from_slice(part);
    }
    let bodiless = asked.is_bodiless(status);
    // A 204 has no length (RFC 9110, section 8.6); that of a 304 or of an answer to HEAD is what a body would have.
    let keeps_length = match coding {
        Coding::Length(_) => !(status.is_informational() || status == StatusCode::NO_CONTENT),
        Coding::Chunked | Coding::UntilClose => false,
    };
    let mut announced = bodiless;
    for (name, value) in headers {
        if name == header::CONTENT_LENGTH {
            if !keeps_length {
                continue;
            }
            announced = true;
        }
        written.field(out, name, value);
    }
    match coding {
        Coding::Length(length) if !announced => {
            write!(out, "content-length: {length}\r\n").expect(WRITTEN);
        }
        Coding::Chunked => out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
        Coding::Length(_) | Coding::UntilClose => {}
    }
    let connection: &[u8] = match (status, asked.keep_alive, asked.version) {
        // It says itself what comes next.
        (StatusCode::SWITCHING_PROTOCOLS, _, _) => b"connection: upgrade\r\n",
        (_, false, _) => b"connection: close\r\n",
        (_, true, Version::HTTP_10) => b"connection: keep-alive\r\n",
        (_, true, _) => b"",
    };
    out.extend_from_slice(connection);
    out.extend_from_slice(b"\r\n");
}

/// Writes an interim answer, without what belongs to one connection.
pub(super) fn interim(out: &mut Vec<u8>, head: &Head<'_>) {
    let status = StatusCode::from_u16(head.status).unwrap_or(StatusCode::PROCESSING);
    let reason = status.canonical_reason().unwrap_or_default();
    write!(out, "HTTP/1.1 {} {reason}\r\n", head.status).expect(WRITTEN);
    for field in head.headers {
        if !is_of_connection(field.name) {
            for part in [field.name.as_bytes(), b": ", field.value, b"\r\n"] {
                out.extend_from_slice(part);
            }
        }
    }
    out.extend_from_slice(b"\r\n");
}

/// The answer to what is not a request.
pub(super) fn refusal(out: &mut Vec<u8>, status: u16, why: &str) {
    let reason = StatusCode::from_u16(status).ok();
    let reason = reason.and_then(|status| status.canonical_reason());
    let text = format!("{status} {why}\n");
    write!(
        out,
        "HTTP/1.1 {status} {}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{text}",
        reason.unwrap_or_default(),
        text.len()
    )
    .expect(WRITTEN);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::headers::tests::map;

    fn encoded(
        asked: (&Method, Version, bool),
        status: u16,
        fields: &[(&'static str, &'static str)],
        body: SizeHint,
    ) -> String {
        let (asked, status) = (
            Asked::new(asked.0, asked.1, asked.2),
            StatusCode::from_u16(status).unwrap(),
        );
        let mut out = Vec::new();
        let coding = asked.coding(status, &body);
        let of = (status, &map(fields), &Written::default());
        head(&mut out, &asked, of, coding);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_head_says_where_the_body_ends_and_what_becomes_of_the_connection() {
        let (get, head) = (&Method::GET, &Method::HEAD);
        let (one, old) = (Version::HTTP_11, Version::HTTP_10);
        let (five, unknown) = (SizeHint::with_exact(5), SizeHint::new());
        for (asked, status, fields, body, expected) in [
            (
                (get, one, true),
                200,
                &[("content-length", "5")][..],
                &five,
                "200 OK\r\ncontent-length: 5\r\n",
            ),
            (
                (get, one, true),
                200,
                &[],
                &five,
                "200 OK\r\ncontent-length: 5\r\n",
            ),
            (
                (get, one, false),
                200,
                &[],
                &unknown,
                "200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n",
            ),
            (
                (get, old, true),
                200,
                &[],
                &five,
                "200 OK\r\ncontent-length: 5\r\nconnection: keep-alive\r\n",
            ),
            (
                (get, old, false),
                200,
                &[],
                &unknown,
                "200 OK\r\nconnection: close\r\n",
            ),
            (
                (head, one, true),
                200,
                &[("content-length", "7")],
                &unknown,
                "200 OK\r\ncontent-length: 7\r\n",
            ),
            ((head, one, true), 200, &[], &unknown, "200 OK\r\n"),
            (
                (get, one, true),
                304,
                &[("content-length", "7")],
                &unknown,
                "304 Not Modified\r\ncontent-length: 7\r\n",
            ),
            (
                (get, one, true),
                204,
                &[("content-length", "7")],
                &unknown,
                "204 No Content\r\n",
            ),
            (
                (get, one, true),
                101,
                &[("upgrade", "x")],
                &unknown,
                "101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n",
            ),
            (
                (get, one, true),
                599,
                &[],
                &five,
                "599 \r\ncontent-length: 5\r\n",
            ),
        ] {
            assert_eq!(
                encoded(asked, status, fields, *body),
                format!("HTTP/1.1 {expected}\r\n")
            );
        }
    }
}
