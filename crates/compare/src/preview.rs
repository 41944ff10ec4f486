//! Bounded, redacted previews of what differs.

use crate::json::{Json, Value};
use crate::tree::Seen;
use understudy_model::Place;
use understudy_model::place::ValuePath;

/// What may be shown of a text at a place; see [`crate::Differ::new`].
pub type Redact<'a> = &'a (dyn Fn(Option<&Place>, &str) -> String + Sync);

/// Longest preview in bytes, marks of what was left out not counted.
pub const PREVIEW_BYTES: usize = 200;

/// How much of the common text is shown before the first difference of a long text.
const CONTEXT_BYTES: usize = 40;

/// The previews of two JSON values (or their absence) at this place.
pub(crate) fn pair(
    redact: Redact<'_>,
    place: &Place,
    a: Seen<'_>,
    b: Seen<'_>,
) -> (String, String) {
    if let (Some(a), Some(b)) = (a.string(), b.string()) {
        return quoted_texts(redact, place, a, b);
    }
    (one(redact, place, a), one(redact, place, b))
}

/// The previews of two texts: redacted as wholes (a cut secret is not recognised), then cut around
/// the first difference.
pub(crate) fn texts(redact: Redact<'_>, place: &Place, a: &str, b: &str) -> (String, String) {
    let (a, b) = (redact(Some(place), a), redact(Some(place), b));
    let same = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let start = if same <= PREVIEW_BYTES / 2 {
        0
    } else {
        same - CONTEXT_BYTES
    };
    (window(&a, start), window(&b, start))
}

/// The same, each as a JSON string.
pub(crate) fn quoted_texts(
    redact: Redact<'_>,
    place: &Place,
    a: &str,
    b: &str,
) -> (String, String) {
    let (a, b) = texts(redact, place, a, b);
    (quoted(&a), quoted(&b))
}

/// The preview of bytes that are not text: how many and where, since they may be anything.
pub(crate) fn bytes(bytes: &[u8], offset: usize) -> String {
    let s = if bytes.len() == 1 { "" } else { "s" };
    format!("{} byte{s} at offset {offset}", bytes.len())
}

/// The preview of one text.
pub(crate) fn text(redact: Redact<'_>, place: &Place, text: &str) -> String {
    window(&redact(Some(place), text), 0)
}

fn one(redact: Redact<'_>, place: &Place, seen: Seen<'_>) -> String {
    match seen {
        Seen::Absent => String::new(),
        Seen::Times(times) => format!("named {times} times"),
        Seen::Name(name) => shown_name(redact, name),
        Seen::Value(json) => {
            let mut writer = Writer {
                redact,
                place: place.clone(),
                out: String::new(),
            };
            writer.value(json);
            window(&writer.out, 0)
        }
    }
}

/// At most [`PREVIEW_BYTES`] of a text from `start` on, never cutting a character.
fn window(text: &str, start: usize) -> String {
    let start = boundary(text, start);
    let end = boundary(text, start + PREVIEW_BYTES);
    let before = if start > 0 { "…" } else { "" };
    let after = if end < text.len() {
        format!("… (+{} bytes)", text.len() - end)
    } else {
        String::new()
    };
    format!("{before}{}{after}", &text[start..end])
}

/// The last boundary of a character not after `at`.
fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len()))
        .rev()
        .find(|&at| text.is_char_boundary(at))
        .unwrap_or(0)
}

/// The text as a JSON string, so that `"1"` and `1` look different.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Writes a value as JSON, every leaf redacted at its own place, and stops when the preview is full.
struct Writer<'r> {
    redact: Redact<'r>,
    place: Place,
    out: String,
}

impl Writer<'_> {
    fn is_full(&self) -> bool {
        self.out.len() > PREVIEW_BYTES
    }

    fn value(&mut self, json: &Json) {
        if self.is_full() {
            return;
        }
        match json.value() {
            Value::Null => self.out.push_str("null"),
            Value::Bool(value) => self.out.push_str(if *value { "true" } else { "false" }),
            Value::Number(text) => self.out.push_str(&(self.redact)(Some(&self.place), text)),
            Value::Bytes(_) => json.write(&mut self.out),
            Value::String(text) => self
                .out
                .push_str(&quoted(&(self.redact)(Some(&self.place), text))),
            Value::Array(items) => self.array(items),
            Value::Object(entries) => self.object(entries),
        }
    }

    fn array(&mut self, items: &[Json]) {
        self.out.push('[');
        for (index, item) in items
            .iter()
            .enumerate()
            .take_while(|(i, _)| *i <= PREVIEW_BYTES)
        {
            self.separate(index);
            self.below(|path| path.push_index(index), item);
        }
        self.out.push(']');
    }

    fn object(&mut self, entries: &[(Box<str>, Json)]) {
        self.out.push('{');
        for (index, (name, value)) in entries
            .iter()
            .enumerate()
            .take_while(|(i, _)| *i <= PREVIEW_BYTES)
        {
            if self.is_full() {
                break;
            }
            self.separate(index);
            self.out.push_str(&quoted(&shown_name(self.redact, name)));
            self.out.push(':');
            self.below(|path| path.push_name(name), value);
        }
        self.out.push('}');
    }

    fn separate(&mut self, index: usize) {
        if index > 0 && !self.is_full() {
            self.out.push(',');
        }
    }

    /// Writes a value below this one. In a cookie it has no place of its own.
    fn below(&mut self, step: impl FnOnce(&mut ValuePath), json: &Json) {
        let mark = self.place.path_mut().map(|path| {
            let mark = path.mark();
            step(path);
            mark
        });
        self.value(json);
        if let Some((path, mark)) = self.place.path_mut().zip(mark) {
            path.back_to(mark);
        }
    }
}

/// A name in an object as it may be shown: it may itself be a secret (sessions by their token).
pub(crate) fn shown_name(redact: Redact<'_>, name: &str) -> String {
    redact(None, name)
}
