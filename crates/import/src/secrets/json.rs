//! The positions of the values of a JSON text: a secret is replaced in its place, and everything around it stays as
//! it was recorded, down to the text of numbers and the order of keys.

use std::ops::Range;

/// One scalar value of a JSON text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Scalar {
    /// Its position; a text without its quotes.
    pub(super) at: Range<usize>,
    /// The names of the keys that lead to it, from the outermost.
    pub(super) names: Vec<String>,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    /// `true`, `false`, `null`.
    Word,
}

/// The scalars of `text`, which has been found to be JSON.
pub(super) fn scalars(text: &str) -> Vec<Scalar> {
    let bytes = text.as_bytes();
    let mut all = Vec::new();
    // The key of each object that is open, once it is known; arrays have none.
    let mut open: Vec<Option<String>> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'{' | b'[' => {
                open.push(None);
                at += 1;
            }
            b'}' | b']' => {
                open.pop();
                at += 1;
            }
            b'"' => {
                let end = end_of_text(bytes, at + 1);
                if is_key(bytes, end + 1) {
                    if let Some(key) = open.last_mut() {
                        *key = serde_json::from_str(&text[at..=end]).ok();
                    }
                } else {
                    all.push(scalar(at + 1..end, &open, Kind::Text));
                }
                at = end + 1;
            }
            b'-' | b'0'..=b'9' | b'a'..=b'z' => {
                let ends = |b: &u8| matches!(b, b',' | b'}' | b']') || b.is_ascii_whitespace();
                let length = bytes[at..].iter().position(ends);
                let end = length.map_or(bytes.len(), |length| at + length);
                let kind = match bytes[at].is_ascii_lowercase() {
                    true => Kind::Word,
                    false => Kind::Number,
                };
                all.push(scalar(at..end, &open, kind));
                at = end;
            }
            _ => at += 1,
        }
    }
    all
}

fn scalar(at: Range<usize>, open: &[Option<String>], kind: Kind) -> Scalar {
    let names = open.iter().flatten().cloned().collect();
    Scalar { at, names, kind }
}

/// The closing quote of the text that begins at `at`.
fn end_of_text(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at.min(bytes.len() - 1)
}

/// Does a colon follow?
fn is_key(bytes: &[u8], from: usize) -> bool {
    let rest = bytes.get(from..).unwrap_or_default();
    rest.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b':')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn scalars_are_found_with_their_keys() {
        let text = r#"{"a": [1.50, {"b\"c": "x\\"}], "d" : null, "e":"y:" }"#;
        let found: Vec<(&str, String, Kind)> = scalars(text)
            .into_iter()
            .map(|s| (&text[s.at], s.names.join("."), s.kind))
            .collect();
        assert_eq!(
            found,
            [
                ("1.50", "a".to_owned(), Kind::Number),
                ("x\\\\", "a.b\"c".to_owned(), Kind::Text),
                ("null", "d".to_owned(), Kind::Word),
                ("y:", "e".to_owned(), Kind::Text),
            ]
        );
        assert_eq!(scalars("\"top\"")[0].at, 1..4);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[\\[\\]{}:,\"\\\\a-z0-9é ]{0,40}") {
            if serde_json::from_str::<serde_json::Value>(&text).is_ok() {
                for scalar in scalars(&text) {
                    let _ = &text[scalar.at];
                }
            }
        }
    }
}
