//! A JSON tree that keeps what a comparison needs: the text of numbers and repeated names.
//!
//! Strict RFC 8259. Three things a generic parser would lose decide whether two answers are the
//! same: how a number is written (and all its digits, however many), names that an object has more
//! than once, and nothing else. Insignificant white space, escapes in strings and the order of an
//! object's names carry no meaning and are gone after parsing.
//!
//! Limits: at most [`MAX_DEPTH`] nested arrays and objects; a lone surrogate (`"\ud800"`), which no
//! Unicode text can hold, is an error (I-JSON, RFC 7493, forbids it too).

pub(crate) mod number;
mod parse;

use crate::hash::Hash;

/// The deepest nesting that is parsed. Deeper input is an error, never a stack overflow.
pub const MAX_DEPTH: usize = 128;

/// A parsed JSON value with the hash of its meaning.
#[derive(Clone, Debug)]
pub struct Json {
    hash: u128,
    value: Value,
}

/// What a JSON value is.
#[derive(Clone, Debug)]
pub enum Value {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// The text of a number, exactly as written.
    Number(Box<str>),
    /// A string without its escapes.
    String(Box<str>),
    /// An array.
    Array(Vec<Json>),
    /// Bytes that are not text: a part of a multipart body. No JSON text has them.
    Bytes(Box<[u8]>),
    /// An object, ordered by name; entries of one name keep the order written.
    Object(Vec<(Box<str>, Json)>),
}

/// Why bytes are not JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem} at byte {at}")]
pub struct JsonError {
    /// What is wrong.
    pub problem: &'static str,
    /// Where, counted in bytes from 0.
    pub at: usize,
}

impl Json {
    /// Parses a whole text: one value, surrounded by nothing but white space.
    ///
    /// # Errors
    /// When the bytes are not UTF-8, not JSON, or nested deeper than [`MAX_DEPTH`].
    pub fn parse(bytes: &[u8]) -> Result<Json, JsonError> {
        parse::whole(bytes)
    }

    /// Parses what servers send as JSON: besides what [`Json::parse`] takes, `NaN`, `Infinity` and `-Infinity`
    /// are numbers, and a string that is itself a JSON array or object is read as that ([`embedded`]).
    pub(crate) fn parse_answer(text: &str) -> Result<Json, JsonError> {
        parse::answer(text)
    }

    /// What it is.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The hash of its meaning, number text included: equal exactly for equal values
    /// (up to collisions of 128-bit SipHash). Stable across runs and machines.
    pub fn hash(&self) -> u128 {
        self.hash
    }

    /// Writes it as compact JSON.
    pub(crate) fn write(&self, out: &mut String) {
        self.write_with(out, &|text, out| out.push_str(text));
    }

    /// The same with numbers as `number` writes their texts.
    pub(crate) fn write_with(&self, out: &mut String, number: &impl Fn(&str, &mut String)) {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        match &self.value {
            Value::Null => out.push_str("null"),
            Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Value::Number(text) => number(text, out),
            Value::String(text) => out.push_str(&quoted(text)),
            Value::Bytes(bytes) => out.push_str(&quoted(&self.in_words(bytes))),
            Value::Array(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    item.write_with(out, number);
                }
                out.push(']');
            }
            Value::Object(entries) => {
                out.push('{');
                for (index, (name, value)) in entries.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    out.push_str(&quoted(name));
                    out.push(':');
                    value.write_with(out, number);
                }
                out.push('}');
            }
        }
    }

    /// The value with its hash. Entries of an object have to be ordered by name.
    pub(crate) fn new(value: Value) -> Json {
        let hash = match &value {
            Value::Null => Hash::new(b'z').finish(),
            Value::Bool(value) => Hash::new(b'b').bytes(&[u8::from(*value)]).finish(),
            Value::Number(text) => Hash::new(b'n').bytes(text.as_bytes()).finish(),
            Value::String(text) => Hash::new(b's').bytes(text.as_bytes()).finish(),
            Value::Bytes(bytes) => Hash::new(b'y').bytes(bytes).finish(),
            Value::Array(items) => items
                .iter()
                .fold(Hash::new(b'a'), |hash, item| hash.part(item.hash))
                .finish(),
            Value::Object(entries) => entries
                .iter()
                .fold(Hash::new(b'o'), |hash, (name, value)| {
                    hash.bytes(name.as_bytes()).part(value.hash)
                })
                .finish(),
        };
        Json { hash, value }
    }

    /// The same document for a library that asks for one. Of repeated names the last wins; a number
    /// beyond a double becomes its text.
    pub(crate) fn to_serde(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Number(text) => text
                .parse::<serde_json::Number>()
                .map_or_else(|_| text.to_string().into(), serde_json::Value::Number),
            Value::String(text) => text.to_string().into(),
            Value::Bytes(bytes) => self.in_words(bytes).into(),
            Value::Array(items) => items.iter().map(Json::to_serde).collect(),
            Value::Object(entries) => entries
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_serde()))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        }
    }

    /// About how many bytes it takes as compact JSON: escapes are not counted.
    pub(crate) fn bytes(&self) -> u64 {
        match &self.value {
            Value::Null | Value::Bool(true) => 4,
            Value::Bool(false) => 5,
            Value::Number(text) => text.len() as u64,
            Value::String(text) => text.len() as u64 + 2,
            Value::Bytes(bytes) => bytes.len() as u64,
            Value::Array(items) => 2 + items.iter().map(|item| 1 + item.bytes()).sum::<u64>(),
            Value::Object(entries) => {
                let entry =
                    |(name, value): &(Box<str>, Json)| name.len() as u64 + 4 + value.bytes();
                2 + entries.iter().map(entry).sum::<u64>()
            }
        }
    }

    /// What stands for bytes in a text.
    fn in_words(&self, bytes: &[u8]) -> String {
        format!("{} bytes #{:016x}", bytes.len(), self.hash as u64)
    }

    /// Is it an array or an object?
    pub(crate) fn is_structured(&self) -> bool {
        matches!(self.value, Value::Array(_) | Value::Object(_))
    }
}

/// The entry of a text that is JSON, and the one that says how it is written.
pub(crate) const EMBEDDED: &str = "#json";
const SPELLING: &str = "#spelling";
/// The entry of a text that is a JSON web token. What is below it is redacted by this name.
const WEB_TOKEN: &str = "#jwt";

/// A text that is itself a JSON array or object: the document and its layout, which a comparison of the texts
/// would also see. For a JSON web token: header, claims and signature. `None` for any other text.
pub(crate) fn embedded(text: &str) -> Option<Json> {
    parse::embedded(text, 0)
}

#[cfg(test)]
mod tests;
