//! A request as it is sent, right or wrong: the writer of everything else refuses what is malformed. Pure.

use crate::credentials::Credentials;
use crate::requests::WorkloadRequest;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;
use understudy_model::count;
use understudy_redact::Redactor;

/// Most characters of a method and a target that people are shown.
const SHOWN_CHARACTERS: usize = 80;
/// Bytes in one chunk of a body that is sent in chunks.
const CHUNK_BYTES: usize = 64 * 1024;
/// What a recorded head says of its own connection (RFC 9110, section 7.6.1), and what makes a server answer in
/// another protocol or wait.
const OF_ITS_CONNECTION: [&str; 8] = [
    "connection",
    "expect",
    "http2-settings",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
];
/// How the names of fields begin that describe a body.
const OF_BODY: &str = "content-";

/// A request with everything that is sent of it.
///
/// Its length is given once at most, and no part of its head has a line break: two servers in a row read it alike, so
/// that it is a wrong request and never two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raw {
    /// The method, in the case in which it is sent.
    pub method: String,
    /// The target: of any form, also none that the standard knows.
    pub target: String,
    /// What `Host` says.
    pub host: Host,
    /// The other fields, in order; without those that `expects` and `framing` make.
    pub fields: Vec<RawField>,
    /// `Expect: 100-continue` is sent, and the body only once the server asks for it, or has not for a second.
    pub expects: bool,
    /// How the length of the body is given.
    pub framing: Framing,
    /// The body.
    pub body: Body,
}

/// What `Host` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// The authority of the target, unless the fields say another.
    Given,
    /// Nothing: there is no such field.
    Missing,
    /// This.
    Value(String),
}

/// A field of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawField {
    /// Its name.
    pub name: String,
    /// Its value as sent.
    pub value: String,
    /// Its value as written in the workload, `$NAME` unexpanded: what may be shown, redacted.
    pub written: String,
}

/// How the length of a body is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Not at all: there is no body.
    None,
    /// By `Content-Length`.
    Length,
    /// By `Transfer-Encoding: chunked`.
    Chunked,
}

/// A body. A large one takes no memory before it is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    /// Spaces before the bytes, which JSON ignores.
    pub padding: usize,
    /// The bytes after them.
    pub bytes: Vec<u8>,
    /// Both are compressed.
    pub gzip: bool,
}

impl Body {
    /// The bytes of it, compressed where it says so.
    pub fn encoded(&self) -> Vec<u8> {
        let mut plain = vec![b' '; self.padding];
        plain.extend_from_slice(&self.bytes);
        if !self.gzip {
            return plain;
        }
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        let written = encoder.write_all(&plain).and_then(|()| encoder.finish());
        // There is always room in memory.
        written.unwrap_or(plain)
    }

    /// Bytes of it as it is sent, chunks not counted.
    pub fn length(&self) -> usize {
        match self.gzip {
            true => self.encoded().len(),
            false => self.padding + self.bytes.len(),
        }
    }
}

impl RawField {
    fn new(name: &str, value: &str) -> Self {
        RawField {
            name: name.to_owned(),
            value: value.to_owned(),
            written: value.to_owned(),
        }
    }

    fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

impl Raw {
    /// A recorded request as it would be sent again, without what its head says of its own connection.
    pub(super) fn of(request: &WorkloadRequest) -> Self {
        let sent = request.sent_headers().iter().zip(&request.headers);
        let fields = sent.map(|((name, value), (_, written))| RawField {
            name: name.clone(),
            value: value.clone(),
            written: written.clone(),
        });
        let is_kept = |field: &RawField| !OF_ITS_CONNECTION.iter().any(|name| field.is(name));
        let raw = Raw {
            fields: fields.filter(is_kept).collect(),
            ..Raw::new(&request.method, &request.path)
        };
        match request.body.is_empty() && !has_length(&request.method) {
            true => raw,
            false => raw.with_body(request.body.clone()),
        }
    }

    /// A request with this method and this target, and with nothing else but `Host`.
    pub(super) fn new(method: &str, target: &str) -> Self {
        Raw {
            method: method.to_owned(),
            target: target.to_owned(),
            host: Host::Given,
            fields: Vec::new(),
            expects: false,
            framing: Framing::None,
            body: Body::default(),
        }
    }

    /// The same with these bytes as its body, and with their length.
    pub(super) fn with_body(self, bytes: Vec<u8>) -> Self {
        Raw {
            framing: Framing::Length,
            body: Body {
                bytes,
                ..Body::default()
            },
            ..self
        }
    }

    /// The same without a body and without what fields say of one.
    pub(super) fn without_body(self) -> Self {
        let of_body = |name: &str| {
            let begin = name.get(..OF_BODY.len());
            begin.is_some_and(|begin| begin.eq_ignore_ascii_case(OF_BODY))
        };
        let fields = self.fields.into_iter();
        Raw {
            fields: fields.filter(|field| !of_body(&field.name)).collect(),
            framing: Framing::None,
            body: Body::default(),
            ..self
        }
    }

    /// The same with this target.
    pub(super) fn with_target(self, target: String) -> Self {
        Raw { target, ..self }
    }

    /// The same with this value in place of all that the field had.
    pub(super) fn with_field(self, name: &str, value: &str) -> Self {
        let mut raw = self.without_field(name);
        raw.fields.push(RawField::new(name, value));
        raw
    }

    /// The same without this field.
    pub(super) fn without_field(mut self, name: &str) -> Self {
        self.fields.retain(|field| !field.is(name));
        self
    }

    /// The same with this in `Host`.
    pub(super) fn with_host(self, host: Host) -> Self {
        Raw {
            host,
            ..self.without_field("host")
        }
    }

    /// Does it have this field?
    pub(super) fn has_field(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.is(name))
    }

    /// The same with what the server has handed out before: cookies, and captured values in place of `${NAME}`. It is to
    /// be sent and never to be shown.
    pub(super) fn with_credentials(&self, credentials: &Credentials) -> Self {
        let pair = |field: &RawField| (field.name.clone(), field.value.clone());
        let pairs: Vec<_> = self.fields.iter().map(pair).collect();
        let sent = credentials.headers(&self.target, &pairs);
        let fields = sent.into_iter().map(|(name, value)| RawField {
            written: value.clone(),
            name,
            value,
        });
        Raw {
            fields: fields.collect(),
            ..self.clone()
        }
    }

    /// The head as it is sent to `host`: the line of the request, `Host`, the fields, the length of the body, an empty
    /// line.
    pub fn render(&self, host: &str) -> Vec<u8> {
        let mut head = Vec::with_capacity(256 + self.target.len());
        for part in [&*self.method, " ", &*self.target, " HTTP/1.1\r\n"] {
            head.extend_from_slice(part.as_bytes());
        }
        match &self.host {
            Host::Value(value) => push(&mut head, "Host", value),
            Host::Given if !self.has_field("host") => push(&mut head, "Host", host),
            Host::Given | Host::Missing => {}
        }
        for field in &self.fields {
            push(&mut head, &field.name, &field.value);
        }
        if self.expects {
            push(&mut head, "Expect", "100-continue");
        }
        match self.framing {
            Framing::None => {}
            Framing::Length => {
                push(&mut head, "Content-Length", &self.body.length().to_string());
            }
            Framing::Chunked => push(&mut head, "Transfer-Encoding", "chunked"),
        }
        head.extend_from_slice(b"\r\n");
        head
    }

    /// What is sent after the head.
    pub fn payload(&self) -> Vec<u8> {
        match self.framing {
            Framing::None => Vec::new(),
            Framing::Length => self.body.encoded(),
            Framing::Chunked => in_chunks(&self.body.encoded()),
        }
    }

    /// Method and target for people, without secrets; a long target is cut, and its length is told.
    pub fn shown(&self, redactor: &Redactor) -> String {
        let whole = redactor.redact_text(&format!("{} {}", self.method, self.target));
        let characters = whole.chars().count();
        if characters <= SHOWN_CHARACTERS {
            return whole;
        }
        let begin: String = whole.chars().take(SHOWN_CHARACTERS).collect();
        format!("{begin}… ({} characters)", count(characters as u64))
    }
}

/// Do requests of this method say how long their body is, also where they have none (RFC 9110, section 8.6)?
fn has_length(method: &str) -> bool {
    matches!(method, "POST" | "PUT" | "PATCH")
}

fn push(head: &mut Vec<u8>, name: &str, value: &str) {
    for part in [name, ": ", value.trim_matches([' ', '\t']), "\r\n"] {
        head.extend_from_slice(part.as_bytes());
    }
}

/// The chunked coding (RFC 9112, section 7.1).
fn in_chunks(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 1024 + 16);
    for chunk in bytes.chunks(CHUNK_BYTES) {
        out.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        out.extend_from_slice(chunk);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"0\r\n\r\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_recorded_request_is_sent_again_without_what_is_of_its_connection() {
        let mut request = WorkloadRequest::get("/items/1?q=a");
        request.method = "PUT".to_owned();
        request.body = b"{}".to_vec();
        let of = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let headers = vec![
            of("Connection", "close"),
            of("Authorization", "Bearer $TOKEN"),
            of("expect", "100-continue"),
        ];
        let request = request
            .with_headers(headers, &|_| Some("s3cret".to_owned()))
            .unwrap();
        let raw = Raw::of(&request);
        assert_eq!(
            text(raw.render("h:1")),
            "PUT /items/1?q=a HTTP/1.1\r\nHost: h:1\r\nAuthorization: Bearer s3cret\r\nContent-Length: 2\r\n\r\n"
        );
        assert_eq!(raw.payload(), b"{}");
        assert_eq!(raw.fields[0].written, "Bearer $TOKEN");
    }

    #[test]
    fn each_part_of_a_head_is_sent_as_it_is_said() {
        let raw = Raw::new("get", "items/\u{e9}").with_host(Host::Value("a b".to_owned()));
        assert_eq!(
            text(raw.render("h")),
            "get items/\u{e9} HTTP/1.1\r\nHost: a b\r\n\r\n"
        );
        let raw = Raw {
            expects: true,
            ..Raw::new("POST", "/")
                .with_field("Host", "own")
                .with_body(b"abc".to_vec())
        };
        assert_eq!(
            text(raw.render("h")),
            "POST / HTTP/1.1\r\nHost: own\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
        );
        let raw = raw.with_host(Host::Missing);
        assert!(!text(raw.render("h")).contains("Host"));
    }

    #[test]
    fn a_body_is_padded_compressed_and_cut_into_chunks() {
        let padded = Body {
            padding: 3,
            bytes: b"{}".to_vec(),
            gzip: false,
        };
        assert_eq!(padded.encoded(), b"   {}");
        let packed = Body {
            gzip: true,
            ..padded.clone()
        };
        let encoded = packed.encoded();
        assert_eq!(encoded.len(), packed.length());
        let mut unpacked = Vec::new();
        std::io::copy(
            &mut flate2::read::GzDecoder::new(encoded.as_slice()),
            &mut unpacked,
        )
        .unwrap();
        assert_eq!(unpacked, b"   {}");
        assert_eq!(in_chunks(b"abc"), b"3\r\nabc\r\n0\r\n\r\n");
        let chunked = Raw {
            framing: Framing::Chunked,
            body: padded,
            ..Raw::new("POST", "/")
        };
        assert!(text(chunked.render("h")).ends_with("Transfer-Encoding: chunked\r\n\r\n"));
        assert_eq!(chunked.payload(), b"5\r\n   {}\r\n0\r\n\r\n");
    }

    #[test]
    fn people_see_a_short_target_without_secrets() {
        let redactor = Redactor::new([7; 16]);
        let raw = Raw::new("GET", "/items/1?password=hunter2");
        let shown = raw.shown(&redactor);
        assert!(
            shown.starts_with("GET /items/1?password=") && !shown.contains("hunter2"),
            "{shown}"
        );
        let raw = Raw::new("GET", &format!("/{}", "1".repeat(5_000)));
        let expected = format!("GET /{}… (5,005 characters)", "1".repeat(75));
        assert_eq!(raw.shown(&redactor), expected);
    }
}
