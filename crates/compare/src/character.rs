//! What sort of thing a value is. Noise may change a value, never its character.
//!
//! Two values of one generator (a clock, a random token, a counter) must have the same character, so
//! nothing that varies from value to value may enter it: lengths of variable texts are classes, and
//! [`accepts`] treats as free whatever the incumbent itself varies at a place.

use crate::hash::Hash;
use crate::json::{Json, Value, number};
use std::collections::BTreeSet;
use understudy_model::Character;

/// Nothing at this place.
pub(crate) fn absent() -> Character {
    Character("absent".into())
}

/// The character of a JSON value.
pub(crate) fn of_json(json: &Json) -> Character {
    let name = match json.value() {
        Value::Bytes(bytes) => return of_bytes(bytes),
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(text) => return Character(of_number(text)),
        Value::String(text) => return of_text(text),
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    Character(name.into())
}

fn of_number(text: &str) -> String {
    if text.ends_with(|c: char| c.is_ascii_alphabetic()) {
        // NaN, Infinity: each is a character of its own.
        return text.to_ascii_lowercase();
    }
    match number::fraction_digits(text) {
        Some(digits) => format!("decimal {digits}"),
        None if text.contains(['.', 'e', 'E']) => "decimal exponent".into(),
        None => "integer".into(),
    }
}

/// The character of a text: `empty`, `uuid`, `timestamp rfc3339 ms Z`, `timestamp http-date`, `date`,
/// `digits`, `hex 32`, `token 16..31`, `quoted ...` (an entity tag) or `text`.
pub(crate) fn of_text(text: &str) -> Character {
    let unquoted = text.strip_prefix("W/").unwrap_or(text);
    match unquoted
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
    {
        Some(inner) => Character(format!("quoted {}", plain(inner))),
        None => Character(plain(text)),
    }
}

fn plain(text: &str) -> String {
    let bytes = text.as_bytes();
    let all = |test: fn(&u8) -> bool| bytes.iter().all(test);
    if bytes.is_empty() {
        "empty".into()
    } else if all(u8::is_ascii_digit) {
        "digits".into()
    } else if is_uuid(bytes) {
        "uuid".into()
    } else if let Some(timestamp) = timestamp(text) {
        timestamp
    } else if bytes.len() >= 8 && all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        format!("hex {}", bytes.len())
    } else if bytes.len() >= 8 && all(|b| matches!(b, b'0'..=b'9' | b'A'..=b'F')) {
        format!("hex-upper {}", bytes.len())
    } else if bytes.len() >= 16
        && all(|b| {
            b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'+' | b'/' | b'=' | b'.')
        })
    {
        format!("token {}", length_class(bytes.len()))
    } else {
        "text".into()
    }
}

/// The power-of-two class of a length: `16..31`.
fn length_class(length: usize) -> String {
    let low = 1_usize << length.max(1).ilog2();
    format!("{low}..{}", low - 1 + low)
}

fn is_uuid(bytes: &[u8]) -> bool {
    bytes.len() == 36
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// RFC 3339 and its relatives, dates without time, and dates of HTTP.
fn timestamp(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    if is_basic(bytes) {
        let zone = if text.ends_with('Z') { "Z" } else { "local" };
        return Some(format!("timestamp basic s {zone}"));
    }
    if let Some(rest) = after_date(bytes) {
        return match rest {
            [] => Some("date".into()),
            [separator @ (b'T' | b't' | b' '), time @ ..] => time_of_day(*separator, time),
            _ => None,
        };
    }
    const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let http =
        WEEKDAYS.iter().any(|day| text.starts_with(day)) && crate::date::http_date(text).is_some();
    http.then(|| "timestamp http-date".into())
}

/// `20261129T103000Z`: the basic format of ISO 8601, as calendars have it.
fn is_basic(bytes: &[u8]) -> bool {
    let (date, time) = match bytes
        .strip_suffix(b"Z")
        .unwrap_or(bytes)
        .split_at_checked(8)
    {
        Some((date, [b'T', time @ ..])) => (date, time),
        _ => return false,
    };
    let digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    time.len() == 6 && digits(date) && digits(time) && matches!(date[0], b'1' | b'2')
}

/// What follows `YYYY-MM-DD`.
fn after_date(bytes: &[u8]) -> Option<&[u8]> {
    let (date, rest) = bytes.split_at_checked(10)?;
    std::str::from_utf8(date)
        .ok()?
        .parse::<crate::date::Day>()
        .ok()?;
    Some(rest)
}

fn time_of_day(separator: u8, time: &[u8]) -> Option<String> {
    let (clock, rest) = time.split_at_checked(8)?;
    let [
        h1 @ b'0'..=b'2',
        h2,
        b':',
        m1 @ b'0'..=b'5',
        m2,
        b':',
        s1 @ b'0'..=b'6',
        s2,
    ] = clock
    else {
        return None;
    };
    if ![h1, h2, m1, m2, s1, s2]
        .iter()
        .all(|digit| digit.is_ascii_digit())
    {
        return None;
    }
    let (precision, rest) = precision(rest)?;
    let zone = match rest {
        [] => "local",
        [b'Z' | b'z'] => "Z",
        [b'+' | b'-', h1, h2, b':', m1, m2]
            if [h1, h2, m1, m2].iter().all(|d| d.is_ascii_digit()) =>
        {
            "offset"
        }
        _ => return None,
    };
    let form = match (separator, zone) {
        (b' ', _) => "sql",
        (_, "local") => "iso8601",
        _ => "rfc3339",
    };
    Some(format!("timestamp {form} {precision} {zone}"))
}

/// Splits off the fraction of a second. A number of digits that no unit has comes from a writer that
/// trims zeros at the end.
fn precision(rest: &[u8]) -> Option<(&'static str, &[u8])> {
    let [b'.' | b',', fraction @ ..] = rest else {
        return Some(("s", rest));
    };
    let digits = fraction
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let name = match digits {
        0 => return None,
        3 => "ms",
        6 => "us",
        9 => "ns",
        _ => "trimmed",
    };
    Some((name, &fraction[digits..]))
}

/// The character of a body that is text: that of a short value, or else the hash of what is left when
/// numbers and random words are taken out (`text #1f00ab42`). A page with a changing token keeps its
/// character, a page whose words change does not.
pub(crate) fn of_text_body(text: &str) -> Character {
    let character = of_text(text.trim());
    if character.0 != "text" {
        return character;
    }
    let mut hash = Hash::new(b't');
    for piece in text.split_inclusive(|c: char| !is_word(c)) {
        let word = piece.trim_end_matches(|c: char| !is_word(c));
        let word_kept = if is_random(word) { "0" } else { word };
        hash = hash
            .bytes(word_kept.as_bytes())
            .bytes(&piece.as_bytes()[word.len()..]);
    }
    Character(format!("text #{:08x}", hash.finish_64() as u32))
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '+' | '/' | '=')
}

/// A number, or a word that only a generator writes.
pub(crate) fn is_random(word: &str) -> bool {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let mixed = word.bytes().any(|b| b.is_ascii_uppercase())
        && word.bytes().any(|b| b.is_ascii_lowercase());
    digits > 0 && (digits == word.len() || word.len() >= 8) || word.len() >= 16 && mixed
}

/// The character of a body that is not text: its class of length.
pub(crate) fn of_bytes(bytes: &[u8]) -> Character {
    Character(format!("bytes {}", length_class(bytes.len())))
}

/// May a value of character `new` be at a place where the incumbent shows `shown`?
///
/// Besides the very same characters: what the incumbent varies itself (the digits of a decimal, the
/// trimmed fraction of a timestamp, the length of a token) is free, and all digits may be a random
/// hexadecimal word or text.
pub(crate) fn accepts(shown: &BTreeSet<&str>, new: &str) -> bool {
    if shown.contains(new) {
        return true;
    }
    let starting = |start: &str| shown.iter().filter(|s| s.starts_with(start)).count();
    let words: Vec<&str> = new.split(' ').collect();
    match words.as_slice() {
        ["quoted", ..] => {
            let inner = shown
                .iter()
                .filter_map(|s| s.strip_prefix("quoted "))
                .collect();
            accepts(&inner, &new["quoted ".len()..])
        }
        ["integer"] => starting("decimal ") >= 2,
        ["decimal", _] => starting("decimal ") >= 1,
        ["digits"] => starting("hex") + starting("token ") >= 1 || shown.contains("text"),
        [hex @ ("hex" | "hex-upper"), _] => {
            starting(&format!("{hex} ")) >= 2 || shown.contains("text")
        }
        ["token", _] => starting("token ") >= 2 || shown.contains("text"),
        ["bytes", _] => starting("bytes ") >= 2,
        [
            "timestamp",
            form,
            "s" | "ms" | "us" | "ns" | "trimmed",
            zone,
        ] => shown.contains(format!("timestamp {form} trimmed {zone}").as_str()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn characters_have_stable_names() {
        let cases = [
            ("", "empty"),
            ("hello", "text"),
            ("12345", "digits"),
            ("6ba7b810-9dad-11d1-80b4-00c04fd430c8", "uuid"),
            ("2024-05-01T10:00:00Z", "timestamp rfc3339 s Z"),
            ("2024-05-01T10:00:00.123Z", "timestamp rfc3339 ms Z"),
            (
                "2024-05-01T10:00:00.123456+02:00",
                "timestamp rfc3339 us offset",
            ),
            (
                "2024-05-01T10:00:00.12345678Z",
                "timestamp rfc3339 trimmed Z",
            ),
            ("2024-05-01T10:00:00", "timestamp iso8601 s local"),
            ("2024-05-01 10:00:00", "timestamp sql s local"),
            ("2024-05-01", "date"),
            ("20240501T100000Z", "timestamp basic s Z"),
            ("2024-13-01", "text"),
            ("2024-05-01T99:00:00Z", "text"),
            ("Sun, 06 Nov 1994 08:49:37 GMT", "timestamp http-date"),
            ("d41d8cd98f00b204e9800998ecf8427e", "hex 32"),
            ("D41D8CD98F00B204", "hex-upper 16"),
            ("W/\"1a-5b9c2d8e1f00ab42c3d4zz\"", "quoted token 16..31"),
        ];
        for (text, expected) in cases {
            assert_eq!(of_text(text).0, expected, "{text}");
        }
        for (text, expected) in [
            ("1", "integer"),
            ("-0.50", "decimal 2"),
            ("1e5", "decimal exponent"),
            ("1.5E1", "decimal exponent"),
        ] {
            assert_eq!(
                of_json(&Json::parse(text.as_bytes()).unwrap()).0,
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn what_the_incumbent_varies_is_free_and_nothing_else() {
        let accepts = |shown: &[&str], new: &str| accepts(&shown.iter().copied().collect(), new);
        assert!(accepts(&["uuid"], "uuid"));
        assert!(accepts(&["decimal 2"], "decimal 1"));
        assert!(accepts(&["decimal 2", "decimal 1"], "integer"));
        assert!(accepts(
            &["timestamp rfc3339 ns Z", "timestamp rfc3339 trimmed Z"],
            "timestamp rfc3339 us Z"
        ));
        assert!(accepts(&["hex 8"], "digits"));
        assert!(accepts(
            &["quoted hex 15", "quoted hex 16"],
            "quoted hex 14"
        ));
        for (shown, new) in [
            ("decimal 2", "integer"),
            ("timestamp rfc3339 ms Z", "timestamp rfc3339 s Z"),
            ("timestamp rfc3339 ms Z", "timestamp rfc3339 ms offset"),
            ("timestamp rfc3339 ms Z", "text"),
            ("timestamp rfc3339 ms Z", "null"),
            ("uuid", "text"),
            ("uuid", "empty"),
            ("text", "empty"),
            ("hex 32", "hex 40"),
            ("hex 32", "hex-upper 32"),
            ("text #00000001", "text #00000002"),
            ("digits", "text"),
        ] {
            assert!(!accepts(&[shown], new), "{shown} {new}");
        }
    }

    #[test]
    fn a_page_keeps_its_character_while_only_its_tokens_change() {
        let page = |token: &str, word: &str| {
            of_text_body(&format!(
                "<p>{word} you</p>\n<input value=\"{token}\"> took 12 ms"
            ))
        };
        assert_eq!(
            page("a1b2c3d4e5f60718", "Hello"),
            page("00ff00ff00ff00ff", "Hello")
        );
        assert_ne!(
            page("a1b2c3d4e5f60718", "Hello"),
            page("a1b2c3d4e5f60718", "Hullo")
        );
        assert_ne!(of_text_body("a b"), of_text_body("ab"));
        assert_eq!(
            of_text_body("6ba7b810-9dad-11d1-80b4-00c04fd430c8\n").0,
            "uuid"
        );
    }

    proptest! {
        #[test]
        fn tokens_of_one_generator_are_accepted(
            (a, b) in prop_oneof![
                ("[0-9a-f]{8}", "[0-9a-f]{8}"),
                ("[0-9a-f]{32}", "[0-9a-f]{32}"),
                ("[A-Za-z0-9_-]{22}", "[A-Za-z0-9_-]{22}"),
                ("2024-0[1-9]-1[0-9]T1[0-9]:0[0-9]:00\\.[0-9]{3}Z", "2024-0[1-9]-1[0-9]T1[0-9]:0[0-9]:00\\.[0-9]{3}Z"),
            ]
        ) {
            // All digits say too little about what else the generator writes.
            prop_assume!(of_text(&a).0 != "digits");
            let shown = of_text(&a).0;
            prop_assert!(accepts(&[shown.as_str()].into(), &of_text(&b).0), "{} {}", a, b);
        }

        #[test]
        fn any_text_has_a_character(text: String) {
            prop_assert!(!of_text(&text).0.is_empty());
            prop_assert!(!of_text_body(&text).0.is_empty());
        }
    }
}
