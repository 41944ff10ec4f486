//! Lines, and JSON documents one a line.

use super::{Layout, array, object};
use crate::json::{Json, Value};

/// Lines of a text that says nothing that are tried as JSON.
const TRIED: usize = 3;

/// What is before a record of a JSON text sequence (RFC 7464).
const SEPARATOR: char = '\u{1e}';
/// The white space of JSON (RFC 8259, section 2).
const SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

/// The lines of a text without their ends.
pub(crate) fn of(text: &str) -> impl Iterator<Item = &str> {
    text.strip_suffix('\n')
        .unwrap_or(text)
        .split('\n')
        .map(|line| line.strip_suffix('\r').unwrap_or(line))
}

/// Lines of any bytes as a text, each ended by a line feed alone: equal for those that are the same lines.
pub(crate) fn as_text(bytes: &[u8]) -> String {
    crate::fields::text(bytes).replace("\r\n", "\n")
}

/// Notes how lines end, where that is not a line feed behind each.
pub(super) fn note_ends(text: &str, layout: &mut Layout) {
    if text.contains("\r\n") {
        layout.note("lines end with CR LF");
        if text
            .split('\n')
            .rev()
            .skip(1)
            .any(|line| !line.ends_with('\r'))
        {
            layout.note("lines end with LF");
        }
    }
    if !text.is_empty() && !text.ends_with('\n') {
        layout.note("no end of the last line");
    }
}

/// One document a line (also behind a record separator, RFC 7464); what is not JSON is kept as its text.
pub(super) fn read(text: &str, layout: &mut Layout) -> Option<Json> {
    note_ends(text, layout);
    let one = |line: &str| {
        let text = line.trim_start_matches(SEPARATOR);
        // White space around what is not JSON is part of it.
        Json::parse_answer(text.trim_matches(SPACE)).unwrap_or_else(|_| {
            let text = Json::new(Value::String(text.into()));
            object(vec![("#text".into(), text)])
        })
    };
    let records: Vec<&str> = of(text)
        .filter(|line| !line.trim_matches(SPACE).is_empty())
        .collect();
    if records.len() < of(text).count() && !text.is_empty() {
        layout.note("empty lines");
    }
    let is_separated = |line: &&str| line.starts_with(SEPARATOR);
    match records.iter().filter(|line| is_separated(line)).count() {
        0 => {}
        all if all == records.len() => layout.note("record separators"),
        _ => layout.note("record separators before some lines"),
    }
    Some(array(records.into_iter().map(one).collect()))
}

/// Several lines, and the first ones are JSON arrays or objects each?
pub(super) fn looks_like(text: &str) -> bool {
    let mut lines = of(text)
        .filter(|line| !line.trim_matches(SPACE).is_empty())
        .peekable();
    let is_json = |line: &str| {
        Json::parse_answer(line.trim_matches(SPACE)).is_ok_and(|json| json.is_structured())
    };
    lines.next().is_some_and(is_json) && lines.peek().is_some() && lines.take(TRIED).all(is_json)
}
