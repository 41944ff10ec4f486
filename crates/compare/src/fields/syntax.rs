//! The parts that most grammars of headers share (RFC 9110, section 5.6).

use std::collections::BTreeSet;

/// Optional white space (RFC 9110, section 5.6.3). Other characters that Unicode calls space are part of a value.
pub(super) const SPACE: [char; 2] = [' ', '\t'];

/// A text without the white space around it.
pub(crate) fn trimmed(text: &str) -> &str {
    text.trim_matches(SPACE)
}

/// The words of a text.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(SPACE).filter(|word| !word.is_empty())
}

/// The members of a list. Commas in quotes and in `<...>` do not separate.
pub(super) fn list(value: &str) -> impl Iterator<Item = &str> {
    parts(value, ',')
}

/// The parts of a value, trimmed, without empty ones.
pub(super) fn parts(value: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped, mut is_in_brackets) = (false, false, false);
    let split = value.split(move |c: char| {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' if !is_in_brackets => is_quoted = !is_quoted,
            '<' if !is_quoted => is_in_brackets = true,
            '>' if !is_quoted => is_in_brackets = false,
            _ => return c == separator && !is_quoted && !is_in_brackets,
        }
        false
    });
    split.map(trimmed).filter(|part| !part.is_empty())
}

/// A value without the quotes that a token does not need (RFC 9110, section 5.6.4).
pub(super) fn unquoted(value: &str) -> String {
    let value = trimmed(value);
    let inner = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let Some(inner) = inner else {
        return value.to_owned();
    };
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.extend(chars.next()),
            c => out.push(c),
        }
    }
    out
}

/// Members without an order, each once.
pub(super) fn sorted(members: impl Iterator<Item = String>) -> String {
    let members: BTreeSet<String> = members.filter(|member| !member.is_empty()).collect();
    members.into_iter().collect::<Vec<_>>().join(",")
}

/// A name and its value, where there is one.
pub(super) type Member = (String, Option<String>);

/// Named members in one text: the order of different names means nothing. Of one name the order counts, since readers
/// take the first or the last; the same member again does not.
pub(super) fn by_name(mut members: Vec<Member>) -> String {
    members.sort_by(|(a, _), (b, _)| a.cmp(b));
    members.dedup();
    let one = |(name, value): Member| match value {
        Some(value) => format!("{name}={value:?}"),
        None => name,
    };
    members.into_iter().map(one).collect::<Vec<_>>().join(";")
}

/// Is a text of digits alone, one at least?
pub(crate) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Seconds or another count without leading zeros; any other text as it is.
pub(crate) fn digits(text: &str) -> &str {
    match text.trim_start_matches('0') {
        _ if !is_number(text) => text,
        "" => "0",
        number => number,
    }
}
