//! The text of a body in whatever character encoding it is.

use super::{BYTE_ORDER_MARK, Layout};
use crate::fields;
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use std::borrow::Cow;
use understudy_model::Field;

/// Bytes in which a document may name its encoding (HTML, section 13.2.3.2).
const DECLARED: usize = 1024;

/// The text without its byte order mark, which becomes part of the layout. `None` for what is not text:
/// not in its encoding, or with a NUL in it.
pub(super) fn decode<'b>(fields: &[Field], body: &'b [u8]) -> Option<(Cow<'b, str>, Layout)> {
    if fields::media_type(fields).is_some_and(|media| is_binary(&media)) {
        return None;
    }
    let mut layout = Layout::default();
    let (encoding, mark) = match Encoding::for_bom(body) {
        Some(of_mark) => {
            layout.note(BYTE_ORDER_MARK);
            of_mark
        }
        None => (stated(fields, body), 0),
    };
    // Where no header says so, nothing else shows that the bytes are others.
    if encoding != UTF_8 {
        layout.note(format!("encoded as {}", encoding.name()));
    }
    let text = match encoding == UTF_8 {
        true => Cow::Borrowed(std::str::from_utf8(&body[mark..]).ok()?),
        false => {
            let (text, had_errors) = encoding.decode_without_bom_handling(&body[mark..]);
            if had_errors {
                return None;
            }
            text
        }
    };
    (!text.contains('\0')).then_some((text, layout))
}

/// Is it a type of bytes that may be text by chance?
fn is_binary(media: &str) -> bool {
    let (class, subtype) = media.split_once('/').unwrap_or((media, ""));
    let is_packed = [
        "octet-stream",
        "protobuf",
        "grpc",
        "zip",
        "gzip",
        "zstd",
        "wasm",
        "pdf",
        "cbor",
        "msgpack",
        "messagepack",
        "avro",
        "thrift",
        "parquet",
        "pkcs",
        "x-tar",
    ];
    matches!(class, "audio" | "video" | "font")
        || class == "image" && subtype != "svg+xml"
        || is_packed.iter().any(|name| subtype.contains(name))
}

/// What the answer says, else what the document says, else what its first bytes show, else UTF-8.
fn stated(fields: &[Field], body: &[u8]) -> &'static Encoding {
    let label = |label: &[u8]| Encoding::for_label(label);
    if let Some(encoding) = fields::charset(fields).and_then(|name| label(name.as_bytes())) {
        return encoding;
    }
    let is_text = super::form_of(fields).is_some_and(|form| form != super::Form::Multipart);
    match body {
        // What says that it is text begins with a character of ASCII.
        [0, b, ..] if is_text && b.is_ascii_graphic() => return UTF_16BE,
        [b, 0, ..] if is_text && b.is_ascii_graphic() => return UTF_16LE,
        _ if std::str::from_utf8(body).is_ok() => return UTF_8,
        _ => {}
    }
    let start = &body[..body.len().min(DECLARED)];
    declared(&start.to_ascii_lowercase())
        .and_then(label)
        .unwrap_or(UTF_8)
}

/// The name behind `encoding` in an XML declaration or behind `charset` in a page.
fn declared(start: &[u8]) -> Option<&[u8]> {
    let find = |what: &[u8]| {
        let at = start
            .windows(what.len())
            .position(|window| window == what)?;
        Some(&start[at + what.len()..])
    };
    let rest = match start.starts_with(b"<?xml") {
        true => find(b"encoding")?,
        false => find(b"charset")?,
    };
    let rest = rest.trim_ascii_start().strip_prefix(b"=")?;
    let rest = rest.trim_ascii_start();
    let rest = rest
        .strip_prefix(b"\"")
        .or(rest.strip_prefix(b"'"))
        .unwrap_or(rest);
    let is_name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':');
    let end = rest.iter().take_while(|b| is_name(b)).count();
    Some(&rest[..end])
}
