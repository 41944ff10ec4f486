//! Secrets that are known by their form.

use crate::names::{self, Names};
use regex::{Captures, Regex};
use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

/// Matches that are secret as a whole.
static WHOLE: LazyLock<Regex> = LazyLock::new(|| {
    let forms = [
        // PEM (RFC 7468); a block without an end reaches to the end of the text.
        r"(?s:-----BEGIN [A-Z0-9 ]+-----.*?(?:-----END [A-Z0-9 ]+-----|\z))",
        // JSON web token (RFC 7519): its first part is base64url of `{"`.
        r"(?-u:\b)eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)*",
        // Credentials of HTTP (RFC 6750, RFC 7617).
        r"(?-u:\b)(?i-u:bearer)\s+[A-Za-z0-9._~+/-]{6,}=*",
        r"(?-u:\b)(?i-u:basic)\s+[A-Za-z0-9+/]{12,}=*",
        // AWS, GitHub, GitLab, Slack, Stripe, Google.
        r"(?-u:\b)(?:AKIA|ASIA|AGPA|AIDA|AROA)[A-Z0-9]{16}(?-u:\b)",
        r"(?-u:\b)gh[pousr]_[A-Za-z0-9]{20,}",
        r"(?-u:\b)github_pat_[A-Za-z0-9_]{20,}",
        r"(?-u:\b)glpat-[A-Za-z0-9_-]{16,}",
        r"(?-u:\b)xox[abeprs]-[A-Za-z0-9-]{10,}",
        r"(?-u:\b)[rs]k_(?:live|test)_[A-Za-z0-9]{10,}",
        r"(?-u:\b)AIza[A-Za-z0-9_-]{35}",
    ];
    compile(&forms.join("|"))
});

/// The password in `scheme://user:password@host` (RFC 3986, section 3.2.1), also one in which an `@` was not encoded.
static USER_INFO: LazyLock<Regex> =
    LazyLock::new(|| compile(r"(?<before>://[^\s/:@]*:)(?<value>[^\s/?#]+)(?<after>@)"));

/// The text of an XML element; its name decides whether that is secret.
static ELEMENT: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r"(?<before><(?:[A-Za-z][\w.-]*:)?(?<name>[A-Za-z][\w.-]{0,63})(?:\s[^<>]*)?>\s*)(?<value>[^<>\s][^<>]*)(?<after></)",
    )
});

/// `name =`, `"name":`; the name decides whether what follows is secret.
static NAME: LazyLock<Regex> =
    LazyLock::new(|| compile(r#"(?<name>[A-Za-z][A-Za-z0-9_-]{0,63})\\?["']?\s*[=:]\s*"#));

/// What is assigned: a variable, a quoted text, a list, an object, a credential with its scheme, a word.
static VALUE: LazyLock<Regex> = LazyLock::new(|| {
    compile(concat!(
        r#"\A(?:\$\{\w+\}|\\?"(?:[^"\\]|\\.)*"?|'[^']*'?|\[[^\]]*\]?|\{[^}]*\}?"#,
        r#"|(?:(?i-u:bearer|basic|digest|token)\s+)?[^\s"'&,;<>{}\[\]()]+)"#,
    ))
});

/// Runs of digits that single spaces or hyphens may separate into groups.
static DIGITS: LazyLock<Regex> = LazyLock::new(|| compile(r"[0-9]+(?:[ -][0-9]+)*"));

fn compile(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the patterns are constants, and the tests compile every one")
}

/// Replaces every secret in `text` by what `replace` makes of it.
pub(crate) fn redact(text: &str, names: &Names, replace: &dyn Fn(&str) -> String) -> String {
    let text = WHOLE.replace_all(text, |found: &Captures<'_>| replace(&found[0]));
    let text = USER_INFO.replace_all(&text, |found: &Captures<'_>| {
        format!(
            "{}{}{}",
            &found["before"],
            replace(&found["value"]),
            &found["after"]
        )
    });
    let text = ELEMENT.replace_all(&text, |found: &Captures<'_>| {
        let value = match names.contains(&found["name"]) {
            true => quoted(&found["value"], replace),
            false => found["value"].to_owned(),
        };
        format!("{}{value}{}", &found["before"], &found["after"])
    });
    let text = assignments(&text, names, replace);
    cards(&text, replace).into_owned()
}

/// Replaces the values of assignments to sensitive names.
fn assignments(text: &str, names: &Names, replace: &dyn Fn(&str) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    let mut shown = 0;
    for found in NAME.captures_iter(text) {
        let start = found.get_match().end();
        // A name inside a value that is already hidden.
        if start < shown || !names.contains(&found["name"]) {
            continue;
        }
        if let Some(value) = VALUE.find(&text[start..]) {
            out.push_str(&text[shown..start]);
            out.push_str(&quoted(value.as_str(), replace));
            shown = start + value.end();
        }
    }
    out.push_str(&text[shown..]);
    out
}

/// Replaces the text between quotes and keeps the quotes, so that JSON stays JSON. A variable in braces is
/// not a secret: it stands for one.
fn quoted(value: &str, replace: &dyn Fn(&str) -> String) -> String {
    let replace = |value: &str| match names::is_braced_variable(value) {
        true => value.to_owned(),
        false => replace(value),
    };
    let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        return replace(value);
    };
    let inner = &value[1..];
    format!(
        "{quote}{}{quote}",
        replace(inner.strip_suffix(quote).unwrap_or(inner))
    )
}

/// Replaces card numbers.
fn cards<'t>(text: &'t str, replace: &dyn Fn(&str) -> String) -> Cow<'t, str> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for run in DIGITS.find_iter(text) {
        // The digits after a decimal point are not a card: `0.4111111111111111` is a measurement.
        let before = &text.as_bytes()[..run.start()];
        let fraction = matches!(before, [.., digit, b'.'] if digit.is_ascii_digit());
        if !fraction {
            cards_in_run(run.as_str(), run.start(), &mut found);
        }
    }
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut end = 0;
    for card in found {
        out.push_str(&text[end..card.start]);
        out.push_str(&replace(&text[card.clone()]));
        end = card.end;
    }
    out.push_str(&text[end..]);
    Cow::Owned(out)
}

/// Finds the sequences of whole groups of digits that are card numbers, from the left.
fn cards_in_run(run: &str, offset: usize, found: &mut Vec<Range<usize>>) {
    let mut groups: Vec<Range<usize>> = Vec::new();
    for group in run.split([' ', '-']) {
        let start = groups.last().map_or(0, |last| last.end + 1);
        groups.push(start..start + group.len());
    }
    let mut first = 0;
    while first < groups.len() {
        // A card of 19 digits has at most 19 groups, so this stays linear.
        let card = (first..groups.len().min(first + 19))
            .rev()
            .find(|&last| is_card(&run[groups[first].start..groups[last].end]));
        if let Some(last) = card {
            found.push(offset + groups[first].start..offset + groups[last].end);
        }
        first = card.map_or(first, |last| last) + 1;
    }
}

/// 13 to 19 digits that begin as card numbers do (ISO/IEC 7812: 2 to 6) and pass Luhn's check.
fn is_card(text: &str) -> bool {
    let digits: Vec<u8> = text
        .bytes()
        .filter(u8::is_ascii_digit)
        .map(|b| b - b'0')
        .collect();
    (13..=19).contains(&digits.len()) && (2..=6).contains(&digits[0]) && luhn(&digits)
}

/// Luhn's check (ISO/IEC 7812-1, annex B).
fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, &digit)| match (place % 2, u32::from(digit) * 2) {
            (0, _) => u32::from(digit),
            (_, double) => double / 10 + double % 10,
        })
        .sum();
    sum.is_multiple_of(10)
}
