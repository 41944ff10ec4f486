//! Where and why a text is not JSON, in words of our own.

use serde_json::error::Category;

/// The first mistake of a text that should be JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Line, from 1.
    pub line: u64,
    /// What is wrong there.
    pub what: String,
}

/// Tokens of other languages, which people recognise when a message names them. Anything else of the text could be
/// a secret and is not repeated.
const FOREIGN: [&str; 7] = [
    "NaN",
    "Infinity",
    "undefined",
    "None",
    "True",
    "False",
    "nan",
];

/// What the error means. `expected` describes a document of the right form, for JSON of another one.
pub fn mistake(text: &str, error: &serde_json::Error, expected: &str) -> Mistake {
    let (line, column) = (error.line(), error.column());
    let what = match error.classify() {
        Category::Eof => "it ends before its last bracket is closed: it was cut".to_owned(),
        Category::Data => expected.to_owned(),
        Category::Syntax | Category::Io => match token(text, line, column) {
            Some(token) => format!("column {column}: {token} is not JSON"),
            None => format!("column {column} is not JSON"),
        },
    };
    Mistake {
        line: line as u64,
        what,
    }
}

/// The word or sign at a place, where it may be shown.
fn token(text: &str, line: usize, column: usize) -> Option<String> {
    let line = text.split('\n').nth(line.checked_sub(1)?)?;
    let at = column.saturating_sub(1);
    let rest = line.get(at..)?;
    let foreign = FOREIGN.iter().find(|word| rest.starts_with(**word));
    if let Some(word) = foreign {
        return Some((*word).to_owned());
    }
    let sign = rest.chars().next()?;
    sign.is_ascii_punctuation().then(|| format!("`{sign}`"))
}

/// The text with `null` for the numbers that JSON does not have (`NaN`, `Infinity`, `-Infinity`) and that some
/// writers put there; nothing if it has none.
pub fn without_nan(text: &str) -> Option<String> {
    let mut out = String::new();
    let (mut kept, mut at) = (0, 0);
    let bytes = text.as_bytes();
    while at < bytes.len() {
        let word = ["NaN", "-Infinity", "Infinity"]
            .into_iter()
            .find(|word| bytes[at..].starts_with(word.as_bytes()));
        match (bytes[at], word) {
            (b'"', _) => at = end_of_string(bytes, at + 1),
            (_, Some(word)) => {
                out.push_str(&text[kept..at]);
                out.push_str("null");
                at += word.len();
                kept = at;
            }
            _ => at += 1,
        }
    }
    (kept > 0).then(|| out + &text[kept..])
}

/// The place behind the quote that closes the string which begins at `at`.
pub(crate) fn end_of_string(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() {
        match bytes[at] {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// The keys of the object that a text begins with, each with the text from its value on. Values are skipped over;
/// a text that is cut or broken gives the keys before that.
pub fn keys(text: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut at = text.iter().position(|byte| *byte == b'{');
    std::iter::from_fn(move || {
        let (key, value, next) = next_key(text, at? + 1)?;
        at = Some(next);
        Some((key, &text[value..]))
    })
}

/// The next key of an object, the place of its value, and that of the comma behind it.
fn next_key(text: &[u8], mut at: usize) -> Option<(&[u8], usize, usize)> {
    let word = |at: usize| {
        Some(
            at + text
                .get(at..)?
                .iter()
                .position(|b| !b.is_ascii_whitespace())?,
        )
    };
    at = word(at)?;
    if text[at] != b'"' {
        return None;
    }
    let end = end_of_string(text, at + 1);
    let key = text.get(at + 1..end.checked_sub(1)?)?;
    let colon = word(end).filter(|at| text[*at] == b':')?;
    let value = word(colon + 1)?;
    Some((key, value, end_of_value(text, value)))
}

/// The place of the comma or bracket behind a value, the end of the text if there is none.
fn end_of_value(text: &[u8], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while at < text.len() {
        match text[at] {
            b'"' => {
                at = end_of_string(text, at + 1);
                continue;
            }
            b'{' | b'[' => depth += 1,
            b',' if depth == 0 => return at,
            b'}' | b']' => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return at,
            },
            _ => {}
        }
        at += 1;
    }
    text.len()
}

/// The value at the begin of a text that starts with a bracket, up to the bracket that closes it; nothing if it is
/// not closed.
pub fn value(text: &[u8]) -> Option<&[u8]> {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        match text[at] {
            b'"' => {
                at = end_of_string(text, at + 1);
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return text.get(..=at);
                }
            }
            _ if depth == 0 => return None,
            _ => {}
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn of(text: &str) -> (u64, String) {
        let error = serde_json::from_str::<Vec<u8>>(text).unwrap_err();
        let mistake = mistake(text, &error, "a list of numbers is expected");
        (mistake.line, mistake.what)
    }

    #[test]
    fn mistakes_are_described_without_the_words_of_a_library() {
        for (text, line, what) in [
            ("[1,\n NaN]", 2, "column 2: NaN is not JSON"),
            ("[1,]", 1, "column 4: `]` is not JSON"),
            (
                "[1",
                1,
                "it ends before its last bracket is closed: it was cut",
            ),
            ("{}", 1, "a list of numbers is expected"),
            ("[1,\n swordfish]", 2, "column 2 is not JSON"),
        ] {
            assert_eq!(of(text), (line, what.to_owned()), "{text}");
        }
    }

    #[test]
    fn numbers_that_json_does_not_have_become_null() {
        let text = r#"{"a":NaN,"NaN":"\"NaN","b":[-Infinity,Infinity]}"#;
        let without = without_nan(text).unwrap();
        assert_eq!(without, r#"{"a":null,"NaN":"\"NaN","b":[null,null]}"#);
        assert_eq!(without_nan(r#"{"a":"NaN"}"#), None);
    }

    #[test]
    fn keys_and_values_are_found_without_reading_the_document() {
        let text = br#" {"a\"b" : {"c":[1,"}"]}, "d":"x,y" ,"e":1}{"f":2}"#;
        let first = |(key, value): (&'static [u8], &[u8])| (key, value[0]);
        let found: Vec<(&[u8], u8)> = keys(text).map(first).collect();
        let expected: [(&[u8], u8); 3] = [(br#"a\"b"#, b'{'), (b"d", b'"'), (b"e", b'1')];
        assert_eq!(found, expected);
        let cut: Vec<(&[u8], u8)> = keys(b"{\n \"log\": {\"entries\": [").map(first).collect();
        assert_eq!(cut, [(b"log".as_slice(), b'{')]);
        assert_eq!(
            value(b"{\"a\":[\"}\"]} {\"b\":1}"),
            Some(b"{\"a\":[\"}\"]}".as_slice())
        );
        assert_eq!(value(b"{\"a\":1"), None);
        assert_eq!(value(b"1"), None);
    }

    proptest! {
        #[test]
        fn keys_are_those_that_a_reader_finds(text in "[\\[\\]{}:,\"\\\\a-z0-9é ]{0,40}") {
            let found = keys(text.as_bytes()).count();
            if let Ok(Value::Object(object)) = serde_json::from_str(&text) {
                prop_assert!(found >= object.len());
                prop_assert_eq!(value(text.trim().as_bytes()), Some(text.trim().as_bytes()));
            }
            if let Err(error) = serde_json::from_str::<Value>(&text) {
                let _ = mistake(&text, &error, "");
            }
            let _ = without_nan(&text);
        }
    }
}
