//! The text of a document as a value. A key that occurs twice is a mistake: which of the two is meant is not said.

use crate::{Problem, Wrong};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::cell::RefCell;
use std::fmt;
use understudy_wire::json::mistake;

/// Most bytes of a document.
pub(super) const MAX_BYTES: usize = 16 * 1024 * 1024;
/// Most nodes of a YAML document, aliases followed.
const MAX_NODES: usize = 2_000_000;

/// Reads JSON or YAML.
pub(super) fn parsed(text: &str) -> Result<Value, Wrong> {
    if text.len() > MAX_BYTES {
        let what = format!("it has more than {MAX_BYTES} bytes");
        return Err((None, Problem::OpenApi(what)));
    }
    if !text.trim_start().starts_with('{') {
        return yaml(text);
    }
    let duplicate = RefCell::new(None);
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = Unique(&duplicate)
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value));
    let error = match read {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    if let Some(key) = duplicate.into_inner() {
        return Err(twice(text, &key, error.line()));
    }
    // YAML in flow style begins with a brace, too.
    yaml(text).map_err(|_| {
        let mistake = mistake(text, &error, "it is not an object");
        (Some(mistake.line), Problem::OpenApi(mistake.what))
    })
}

fn yaml(text: &str) -> Result<Value, Wrong> {
    let options = serde_saphyr::options! {
        // YAML 1.2, as OpenAPI asks for: `yes` and `on` are words.
        strict_booleans: true,
        with_snippet: false,
        budget: serde_saphyr::budget! {
            max_nodes: MAX_NODES,
            max_events: 3 * MAX_NODES,
        },
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let line = error.location().map(|location| location.line());
        match &error {
            serde_saphyr::Error::DuplicateMappingKey { key: Some(key), .. } => {
                twice(text, key, line.map_or(0, |line| line as usize))
            }
            serde_saphyr::Error::Budget { .. } => {
                let what = format!("it has more than {MAX_NODES} nodes, aliases followed");
                (line, Problem::OpenApi(what))
            }
            serde_saphyr::Error::MultipleDocuments { .. } => (
                line,
                Problem::OpenApi("a second YAML document begins here".to_owned()),
            ),
            _ => {
                let column = error.location().map(|location| location.column());
                let what = column.map_or_else(
                    || "it is not valid YAML".to_owned(),
                    |column| format!("column {column} is not valid YAML"),
                );
                (line, Problem::OpenApi(what))
            }
        }
    })
}

/// The mistake of a key that occurs twice, the second time in this line (from 1).
fn twice(text: &str, key: &str, line: usize) -> Wrong {
    let lines: Vec<&str> = text.lines().take(line).collect();
    let indentation = |line: &str| line.len() - line.trim_start().len();
    let is_key = |line: &str| {
        let begin = line.trim_start().trim_start_matches(['"', '\'']);
        begin.strip_prefix(key).is_some_and(|rest| {
            rest.trim_start_matches(['"', '\''])
                .trim_start()
                .starts_with(':')
        })
    };
    let same_depth = |other: &str| match lines.last() {
        Some(second) if is_key(second) => indentation(other) == indentation(second),
        _ => true,
    };
    let before = &lines[..lines.len().saturating_sub(1)];
    let first = before
        .iter()
        .rposition(|line| is_key(line) && same_depth(line));
    let key: String = key.chars().take(60).collect();
    let what = match first {
        Some(first) => format!(
            "the key `{key}` occurs twice, in lines {} and {line}",
            first + 1
        ),
        None => format!("the key `{key}` occurs twice"),
    };
    (Some(line as u64), Problem::OpenApi(what))
}

/// Reads a value in which no key occurs twice; remembers the one that does.
#[derive(Clone, Copy)]
struct Unique<'c>(&'c RefCell<Option<String>>);

impl<'de> DeserializeSeed<'de> for Unique<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Value, A::Error> {
        let mut out = Vec::new();
        while let Some(value) = all.next_element_seed(self)? {
            out.push(value);
        }
        Ok(Value::Array(out))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut all: A) -> Result<Value, A::Error> {
        let mut out = Map::new();
        while let Some(key) = all.next_key::<String>()? {
            if out.contains_key(&key) {
                *self.0.borrow_mut() = Some(key);
                return Err(A::Error::custom("a key occurs twice"));
            }
            out.insert(key, all.next_value_seed(self)?);
        }
        Ok(Value::Object(out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        let (line, problem) = parsed(text).unwrap_err();
        format!("{line:?} {problem}")
    }

    #[test]
    fn a_key_that_occurs_twice_is_named_with_both_lines() {
        for text in [
            "paths:\n  /a: {x: 1}\n  /b: {}\n  /a: {y: 2}\n",
            "{\"paths\": {\n\"/a\": {\"/a\": 1},\n\"/b\": 2,\n\"/a\": 3\n}}",
        ] {
            assert_eq!(
                error(text),
                "Some(4) is not an OpenAPI document: the key `/a` occurs twice, in lines 2 and 4",
                "{text}"
            );
        }
        assert_eq!(
            error("a: {b: 1, b: 2}\n"),
            "Some(1) is not an OpenAPI document: the key `b` occurs twice"
        );
        let twice = "paths:\n  /a:\n    get: {}\n  /b:\n    get: {}\n    get: {}\n";
        assert!(
            error(twice).ends_with("in lines 5 and 6"),
            "{}",
            error(twice)
        );
    }

    #[test]
    fn mistakes_are_described_in_our_own_words() {
        assert_eq!(
            error("{\n\"a\": nil}\n}"),
            "Some(2) is not an OpenAPI document: column 7 is not JSON"
        );
        let second = error("a: 1\n---\nb: 2\n");
        assert!(
            second.ends_with("a second YAML document begins here"),
            "{second}"
        );
        let yaml = error("a: [\n  b: }\n");
        assert!(
            yaml.contains(" is not an OpenAPI document: column "),
            "{yaml}"
        );
        assert!(yaml.ends_with("is not valid YAML"), "{yaml}");
    }

    #[test]
    fn flow_style_and_commas_behind_the_last_element_are_yaml() {
        for text in ["{a: {b: 1}}", "{\"a\": {\"b\": 1,},}"] {
            assert_eq!(
                parsed(text).unwrap(),
                serde_json::json!({"a": {"b": 1}}),
                "{text}"
            );
        }
    }
}
