//! `multipart/*` (RFC 2046, section 5.1): the boundary means nothing, parts and their headers do.

use super::{Body, array, object, read as read_body, string};
use crate::fields;
use crate::hash::Hash;
use crate::json::{Json, Value};
use understudy_model::{Answer, Field};

/// Parts that are read; what follows is one more.
const PARTS: usize = 1000;

/// The parts in their order. `None` without a boundary, or where the body does not hold it.
pub(super) fn read(answer: &Answer, body: &[u8]) -> Option<Json> {
    let boundary = fields::parameter(answer, "boundary").filter(|name| !name.is_empty())?;
    let mark = format!("--{boundary}");
    let mut rest = after(body, mark.as_bytes())?;
    let mut parts = Vec::new();
    while parts.len() < PARTS && !rest.starts_with(b"--") {
        rest = skip_line(rest);
        let end = find(rest, format!("\n{mark}").as_bytes())?;
        let part = &rest[..end];
        parts.push(one(part.strip_suffix(b"\r").unwrap_or(part)));
        rest = &rest[end + 1 + mark.len()..];
    }
    Some(array(parts))
}

fn one(part: &[u8]) -> Json {
    let (head, body) = match part.first() {
        // A part without headers begins with the empty line.
        Some(b'\r' | b'\n') => (&part[..0], skip_line(part)),
        _ => split_head(part),
    };
    let text = String::from_utf8_lossy(head);
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    let fields: Vec<Field> = lines
        .map(|(name, value)| Field {
            name: name.trim().to_ascii_lowercase(),
            value: value.trim().as_bytes().to_vec(),
        })
        .collect();
    let header = |field: &Field| {
        let value = String::from_utf8_lossy(&field.value);
        (field.name.as_str().into(), string(&value))
    };
    let headers = object(fields.iter().map(header).collect());
    let part = Answer {
        code: 0,
        fields,
        body: Vec::new(),
        truncated: false,
    };
    object(vec![
        ("headers".into(), headers),
        ("body".into(), content(&part, body)),
    ])
}

/// What a part says. Parts within a part are bytes: nothing nests without end.
fn content(part: &Answer, body: &[u8]) -> Json {
    let body_of_part = match super::form_of(part) {
        Some(super::Form::Multipart) => Body::Bytes,
        _ => read_body(part, body),
    };
    match body_of_part {
        Body::Document(document) => document.root,
        Body::Text(text, _) => Json::new(Value::String(text.into())),
        Body::Bytes => {
            let hash = Hash::new(b'p').bytes(body).finish_64();
            let text = format!("{} bytes #{hash:016x}", body.len());
            object(vec![(
                "#bytes".into(),
                Json::new(Value::String(text.into())),
            )])
        }
    }
}

fn split_head(part: &[u8]) -> (&[u8], &[u8]) {
    for end in [&b"\r\n\r\n"[..], b"\n\n"] {
        if let Some(at) = find(part, end) {
            return (&part[..at], &part[at + end.len()..]);
        }
    }
    (&part[..0], part)
}

fn skip_line(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|b| *b == b'\n');
    &bytes[end.map_or(bytes.len(), |end| end + 1)..]
}

fn after<'b>(bytes: &'b [u8], mark: &[u8]) -> Option<&'b [u8]> {
    find(bytes, mark).map(|at| &bytes[at + mark.len()..])
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, what)
}
