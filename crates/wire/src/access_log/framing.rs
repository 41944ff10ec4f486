//! What collectors and terminals put around a line: colours, the name of a container, a time, the head of syslog,
//! the JSON of Docker or of a log shipper.

use super::{LineError, MAX_LINE_BYTES, is_foreign, text};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// A line without its framing.
pub(super) enum Logged<'l> {
    Object(Map<String, Value>),
    Text(Cow<'l, str>),
}

/// Most framings inside of one another, and heads before one line.
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

/// Takes the framing of a line away.
///
/// # Errors
/// The line is too long, or broken JSON.
pub(super) fn logged(line: &[u8]) -> Result<Logged<'_>, LineError> {
    if line.len() > MAX_LINE_BYTES {
        return Err(LineError::TooLong);
    }
    match bare(text_of(line)) {
        Cow::Borrowed(text) => of_text(text, MOST),
        Cow::Owned(text) => of_text(&text, MOST).map(owned),
    }
}

fn owned(logged: Logged<'_>) -> Logged<'static> {
    match logged {
        Logged::Object(object) => Logged::Object(object),
        Logged::Text(text) => Logged::Text(Cow::Owned(text.into_owned())),
    }
}

fn of_text(text: &str, depth: usize) -> Result<Logged<'_>, LineError> {
    if text.starts_with(['{', '[']) && !text::is_known(text) {
        let object = object(text).ok_or(LineError::Form)?;
        return Ok(of_object(object, depth));
    }
    // Whatever else stands before the JSON of a logger: its own time, level and name.
    let inner = text.find("{\"").filter(|_| text.ends_with('}'));
    let inner = inner.filter(|_| !text::is_known(text));
    match inner.and_then(|at| object(&text[at..])) {
        Some(object) => Ok(of_object(object, depth)),
        None => Ok(Logged::Text(Cow::Borrowed(text))),
    }
}

/// The object, or the line that it carries if it is none of an access log itself.
fn of_object(object: Map<String, Value>, depth: usize) -> Logged<'static> {
    let Some(depth) = depth.checked_sub(1).filter(|_| is_foreign(&object)) else {
        return Logged::Object(object);
    };
    let carried = CARRIED.iter().flat_map(|key| {
        let named = object.iter().filter(|(name, _)| super::plain(name) == *key);
        named.map(|(_, value)| value)
    });
    for value in carried {
        let logged = match value {
            Value::String(text) => match of_text(&bare(Cow::Borrowed(text)), depth) {
                Ok(logged) => owned(logged),
                Err(_) => continue,
            },
            Value::Object(inner) => of_object(inner.clone(), depth),
            _ => continue,
        };
        let is_request = match &logged {
            Logged::Object(object) => !is_foreign(object),
            Logged::Text(text) => text::is_known(text),
        };
        if is_request {
            return logged;
        }
    }
    Logged::Object(object)
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

/// Bytes as text; those that are not UTF-8 as in a target, `%E9`, so that it can be sent as it was.
pub(super) fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(bytes.len() + 8);
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        for byte in chunk.invalid() {
            out += &format!("%{byte:02X}");
        }
    }
    Cow::Owned(out)
}

/// A line without colours and heads.
fn bare(line: Cow<'_, str>) -> Cow<'_, str> {
    match line {
        Cow::Borrowed(line) if !line.contains('\u{1b}') => Cow::Borrowed(headless(line)),
        line => Cow::Owned(headless(&without_colours(&line)).to_owned()),
    }
}

/// Takes the control sequences of terminals away (ECMA-48).
fn without_colours(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        if c != '\u{1b}' {
            out.push(c);
        } else if rest.next() == Some('[') {
            // Parameters, and the letter that ends the sequence.
            rest.find(|c| ('@'..='~').contains(c));
        }
    }
    out
}

/// The line behind the heads that stand before it.
fn headless(line: &str) -> &str {
    let mut line = line.trim();
    for _ in 0..MOST {
        let heads = [bracketed, piped, syslog, timed];
        match heads.iter().find_map(|head| head(line)) {
            Some(rest) => line = rest.trim_start(),
            None => break,
        }
    }
    line
}

/// `[pod/NAME/CONTAINER] ` of `kubectl logs --prefix`.
fn bracketed(line: &str) -> Option<&str> {
    line.strip_prefix("[pod/")?
        .split_once("] ")
        .map(|(_, rest)| rest)
}

/// `nginx-1  | ` of Docker Compose, `[nginx] | ` of Podman's.
fn piped(line: &str) -> Option<&str> {
    let (name, rest) = line.split_once('|')?;
    let name = name.trim_end();
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.[]".contains(c);
    (!name.is_empty() && name.chars().all(is_name)).then_some(rest)
}

/// The head of syslog: `<134>Nov 29 12:00:01 web1 nginx[7]: ` (RFC 3164, with or without priority and host) and
/// `<134>1 2026-11-29T12:00:01Z web1 nginx 7 - - ` (RFC 5424).
fn syslog(line: &str) -> Option<&str> {
    let without = line.strip_prefix('<').and_then(|line| {
        let (priority, rest) = line.split_once('>')?;
        let digits = !priority.is_empty() && priority.bytes().all(|b| b.is_ascii_digit());
        digits.then_some(rest)
    });
    if let Some(rest) = without.and_then(|line| line.strip_prefix("1 ")) {
        return structured(rest);
    }
    let line = without.unwrap_or(line);
    let rest = month(line)
        .or_else(|| iso(line))
        .or_else(|| without.map(|_| line))?;
    tagged(rest).or_else(|| without.map(|_| rest))
}

/// Behind the words and the structured data of RFC 5424.
fn structured(line: &str) -> Option<&str> {
    // Time, host, program, process, kind of message.
    let data = (0..5).try_fold(line, |rest, _| Some(rest.split_once(' ')?.1))?;
    if let Some(rest) = data.strip_prefix('-') {
        return Some(rest.trim_start().trim_start_matches('\u{feff}'));
    }
    let mut quoted = false;
    let mut escaped = false;
    let mut end = None;
    for (at, c) in data.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            ']' if !quoted => {
                end = Some(at + 1);
                if !data[at + 1..].starts_with('[') {
                    break;
                }
            }
            _ => {}
        }
    }
    Some(data[end?..].trim_start().trim_start_matches('\u{feff}'))
}

/// Behind `Nov 29 12:00:01 `.
fn month(line: &str) -> Option<&str> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (month, rest) = line.split_once(' ')?;
    let (day, rest) = rest.trim_start().split_once(' ')?;
    let (time, rest) = match rest.trim_start().split_once(' ')? {
        // Some write the year.
        (year, rest) if year.len() == 4 && year.bytes().all(|b| b.is_ascii_digit()) => {
            rest.split_once(' ')?
        }
        time => time,
    };
    let is_day = day.len() <= 2 && day.bytes().all(|b| b.is_ascii_digit());
    let is_time = time.len() >= 8 && time.as_bytes()[2] == b':' && time.as_bytes()[5] == b':';
    (MONTHS.contains(&month) && is_day && is_time).then_some(rest)
}

/// Behind `2026-11-29T12:00:01.5Z `.
fn iso(line: &str) -> Option<&str> {
    let (word, rest) = line.split_once([' ', '\t'])?;
    let bytes = word.as_bytes();
    let is_time = bytes.len() >= 19
        && bytes[..4].iter().all(u8::is_ascii_digit)
        && [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':')]
            .iter()
            .all(|(at, sign)| bytes[*at] == *sign);
    is_time.then_some(rest)
}

/// Behind `web1 nginx[7]: ` or `nginx: `.
fn tagged(line: &str) -> Option<&str> {
    let (first, rest) = line.split_once(' ')?;
    if is_tag(first) {
        return Some(rest);
    }
    let (second, rest) = rest.split_once(' ')?;
    is_tag(second).then_some(rest)
}

fn is_tag(word: &str) -> bool {
    let name = word.strip_suffix(':').unwrap_or_default();
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && !name.contains(['"', '{', '='])
}

/// Behind a time, and behind `stdout F ` of a container runtime (CRI).
fn timed(line: &str) -> Option<&str> {
    let rest = iso(line)?;
    let stream = ["stdout ", "stderr "];
    let behind = stream.iter().find_map(|stream| rest.strip_prefix(stream));
    let whole = behind.and_then(|rest| rest.strip_prefix("F ").or_else(|| rest.strip_prefix("P ")));
    Some(whole.unwrap_or(rest))
}
