//! `multipart/*` (RFC 2046, section 5.1): the boundary means nothing, parts and their headers do.

use super::{Body, Layout, array, charset, object, read as read_body, string};
use crate::fields;
use crate::json::{Json, Value};
use understudy_model::Field;

/// Parts that are read; what follows is one more.
const PARTS: usize = 1000;

/// The parts in their order. `None` without a boundary, or where the body does not have it.
pub(super) fn read(fields: &[Field], body: &[u8], layout: &mut Layout) -> Option<Json> {
    let boundary = fields::parameter(fields, "boundary").filter(|name| !name.is_empty())?;
    let mark = format!("--{boundary}");
    let (_, mut rest) = delimiter(body, mark.as_bytes())?;
    let mut parts = Vec::new();
    while !rest.starts_with(b"--") {
        rest = skip_line(rest);
        // What is behind the last part that is read apart belongs to one more.
        if parts.len() == PARTS {
            parts.push(one(rest, parts.len(), layout));
            break;
        }
        let (part, behind) = delimiter(rest, mark.as_bytes())?;
        parts.push(one(part, parts.len(), layout));
        rest = behind;
    }
    Some(array(parts))
}

/// What is before the next delimiter, and what is behind it. A longer boundary is another one.
fn delimiter<'b>(bytes: &'b [u8], mark: &[u8]) -> Option<(&'b [u8], &'b [u8])> {
    let is_line = |at: usize| {
        let behind = bytes.get(at + mark.len()..).unwrap_or_default();
        let end = behind
            .iter()
            .take_while(|b| matches!(b, b' ' | b'\t'))
            .count();
        let is_end = matches!(behind.get(end), None | Some(b'\r' | b'\n'));
        (at == 0 || bytes[at - 1] == b'\n') && (is_end || behind.starts_with(b"--"))
    };
    let at = memchr::memmem::find_iter(bytes, mark).find(|at| is_line(*at))?;
    let before = &bytes[..at];
    let before = before.strip_suffix(b"\n").unwrap_or(before);
    let before = before.strip_suffix(b"\r").unwrap_or(before);
    Some((before, &bytes[at + mark.len()..]))
}

fn one(part: &[u8], index: usize, layout: &mut Layout) -> Json {
    let (head, body) = match part.first() {
        // A part without headers begins with the empty line.
        None | Some(b'\r' | b'\n') => (&part[..0], skip_line(part)),
        _ => split_head(part),
    };
    let lines = lines(head);
    let fields: Vec<Field> = lines
        .iter()
        .filter_map(|line| {
            let colon = line.iter().position(|b| *b == b':')?;
            let name = String::from_utf8_lossy(&line[..colon]);
            Some(Field {
                name: name.trim().to_ascii_lowercase(),
                value: line[colon + 1..].trim_ascii().to_vec(),
            })
        })
        .collect();
    let header = |field: &Field| {
        let meaning = fields::meaning(&field.name, &fields::text(&field.value));
        (field.name.as_str().into(), string(&meaning))
    };
    let headers = object(fields.iter().map(header).collect());
    let (body, own) = content(&fields, body);
    if !own.is_empty() {
        layout.note(format!("part {}: {own}", index + 1));
    }
    object(vec![("headers".into(), headers), ("body".into(), body)])
}

/// The lines of a head, continued ones put together (RFC 5322, section 2.2.3).
fn lines(head: &[u8]) -> Vec<Vec<u8>> {
    let mut lines: Vec<Vec<u8>> = Vec::new();
    for line in head.split(|b| *b == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match lines.last_mut() {
            Some(last) if line.starts_with(b" ") || line.starts_with(b"\t") => {
                last.extend_from_slice(line);
            }
            _ => lines.push(line.to_vec()),
        }
    }
    lines
}

/// What a part says, and how it is written. Parts within a part are bytes: nothing nests without end.
fn content(fields: &[Field], body: &[u8]) -> (Json, String) {
    let body_of_part = match super::form_of(fields) {
        Some(super::Form::Multipart) => Body::Bytes,
        _ => read_body(fields, body, None),
    };
    match body_of_part {
        Body::Document(document) => (document.root, document.layout.text()),
        // The text has its line ends, but not its encoding.
        Body::Text(text, _) => {
            let layout = charset::decode(fields, body).map(|(_, layout)| layout.text());
            let text = Json::new(Value::String(text.into()));
            (text, layout.unwrap_or_default())
        }
        Body::Bytes => (Json::new(Value::Bytes(body.into())), String::new()),
    }
}

fn split_head(part: &[u8]) -> (&[u8], &[u8]) {
    for end in [&b"\r\n\r\n"[..], b"\n\n"] {
        if let Some(at) = memchr::memmem::find(part, end) {
            return (&part[..at], &part[at + end.len()..]);
        }
    }
    (&part[..0], part)
}

fn skip_line(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|b| *b == b'\n');
    &bytes[end.map_or(bytes.len(), |end| end + 1)..]
}
