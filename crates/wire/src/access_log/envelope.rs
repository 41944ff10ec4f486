//! The line of an access log behind its framing, also one that a log shipper carries in a JSON object of its own.

use super::{LineError, MAX_LINE_BYTES, text};
use crate::framing::{Time, bare, text_of};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// A line without its framing.
pub(super) enum Logged<'l> {
    Object(Map<String, Value>),
    Text(Cow<'l, str>),
}

/// Most objects inside of one another.
const MOST: usize = 4;

/// Keys under which a shipper carries the line of another program, by their plain names.
const CARRIED: [&str; 13] = [
    "log",
    "logprocessed",
    "message",
    "msg",
    "shortmessage",
    "textpayload",
    "jsonpayload",
    "eventoriginal",
    "event",
    "data",
    "fields",
    "attributes",
    // `_source` of a document of Elasticsearch.
    "source",
];

/// Is this what the log is read for?
pub(super) type IsWanted = fn(&Logged<'_>) -> bool;

/// Takes the framing of a line away. Of an object that is not wanted itself, the first wanted line that it carries
/// counts.
///
/// # Errors
/// The line is too long, or broken JSON.
pub(super) fn logged(line: &[u8], is_wanted: IsWanted) -> Result<Logged<'_>, LineError> {
    if line.len() > MAX_LINE_BYTES {
        return Err(LineError::TooLong);
    }
    match text_of(line) {
        Cow::Borrowed(text) => of_framed(text, MOST, is_wanted),
        Cow::Owned(text) => of_framed(&text, MOST, is_wanted).map(owned),
    }
}

fn of_framed(line: &str, depth: usize, is_wanted: IsWanted) -> Result<Logged<'_>, LineError> {
    match bare(line, Time::Removed) {
        Cow::Borrowed(text) => of_text(text, depth, is_wanted),
        Cow::Owned(text) => of_text(&text, depth, is_wanted).map(owned),
    }
}

fn owned(logged: Logged<'_>) -> Logged<'static> {
    match logged {
        Logged::Object(object) => Logged::Object(object),
        Logged::Text(text) => Logged::Text(Cow::Owned(text.into_owned())),
    }
}

fn of_text(text: &str, depth: usize, is_wanted: IsWanted) -> Result<Logged<'_>, LineError> {
    if text.starts_with(['{', '[']) && !text::is_known(text) {
        let object = object(text).ok_or(LineError::Form)?;
        return Ok(of_object(object, depth, is_wanted));
    }
    // A logger may put its own time, level and name before the JSON.
    let inner = text.find("{\"").filter(|_| text.ends_with('}'));
    let inner = inner.filter(|_| !text::is_known(text));
    match inner.and_then(|at| object(&text[at..])) {
        Some(object) => Ok(of_object(object, depth, is_wanted)),
        None => Ok(Logged::Text(Cow::Borrowed(text))),
    }
}

/// The object, or the line that it carries.
fn of_object(object: Map<String, Value>, depth: usize, is_wanted: IsWanted) -> Logged<'static> {
    let outer = Logged::Object(object);
    let (Logged::Object(object), Some(depth), false) =
        (&outer, depth.checked_sub(1), is_wanted(&outer))
    else {
        return outer;
    };
    let carried = CARRIED.iter().flat_map(|key| {
        let named = object.iter().filter(|(name, _)| super::plain(name) == *key);
        named.map(|(_, value)| value)
    });
    let mut lines = carried.filter_map(|value| match value {
        Value::String(text) => of_framed(text, depth, is_wanted).map(owned).ok(),
        Value::Object(inner) => Some(of_object(inner.clone(), depth, is_wanted)),
        _ => None,
    });
    lines.find(|line| is_wanted(line)).unwrap_or(outer)
}

/// An object, with a comma behind it or as an element of a list that has one element a line.
fn object(text: &str) -> Option<Map<String, Value>> {
    let text = text
        .trim_end_matches([',', ']', ' '])
        .trim_start_matches(['[', ' ']);
    serde_json::from_str(text)
        .or_else(|_| serde_json::from_str(&with_json_escapes(text)))
        .ok()
}

/// nginx without `escape=json` writes `\xHH`, which JSON does not have.
fn with_json_escapes(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        rest = &rest[at..];
        let code = rest.get(2..4).filter(|_| rest.starts_with("\\x"));
        let length = match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte @ (b'"' | b'\\')) => {
                bytes.extend_from_slice(&[b'\\', byte]);
                4
            }
            Some(byte @ ..0x20) => {
                bytes.extend_from_slice(format!("\\u{byte:04x}").as_bytes());
                4
            }
            Some(byte) => {
                bytes.push(byte);
                4
            }
            None => {
                // A backslash and what it escapes.
                let length = 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
                bytes.extend_from_slice(&rest.as_bytes()[..length]);
                length
            }
        };
        rest = &rest[length..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    text_of(&bytes).into_owned()
}
