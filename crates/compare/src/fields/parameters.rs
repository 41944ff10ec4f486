//! Values with parameters and directives: names without case, values as tokens or in quotes.

use super::syntax::{Member, by_name, digits, list, parts, sorted, trimmed, unquoted};
use percent_encoding::percent_decode_str;

/// `name=value` or a name alone, the name without case.
pub(super) fn directive(part: &str) -> Member {
    let Some((name, value)) = part.split_once('=') else {
        return (part.to_ascii_lowercase(), None);
    };
    let name = trimmed(name).to_ascii_lowercase();
    let value = match name.as_str() {
        "charset" => charset(&unquoted(value)),
        name if name.ends_with('*') => extended(trimmed(value)),
        _ => unquoted(value),
    };
    (name, Some(value))
}

/// A directive of `Cache-Control`, `Strict-Transport-Security` and the like.
pub(super) fn setting(part: &str) -> Member {
    let (name, value) = directive(part);
    let value = value.map(|value| match name.as_str() {
        // Delta seconds (RFC 9111, section 1.2.2).
        "max-age" | "s-maxage" | "stale-while-revalidate" | "stale-if-error" | "min-fresh" => {
            digits(&value).to_owned()
        }
        // Names of fields (RFC 9111, sections 5.2.2.4 and 5.2.2.7).
        "no-cache" | "private" => sorted(list(&value).map(str::to_ascii_lowercase)),
        _ => value,
    });
    (name, value)
}

/// The one name of a character encoding. Aliases of one encoding alone: what the Encoding Standard decodes alike
/// (`us-ascii` and `iso-8859-1` as `windows-1252`) other readers distinguish.
fn charset(label: &str) -> String {
    let lower = label.to_ascii_lowercase();
    match lower.as_str() {
        "utf8" | "unicode-1-1-utf-8" => "utf-8",
        "latin1" | "iso8859-1" | "iso_8859-1" | "l1" => "iso-8859-1",
        other => other,
    }
    .to_owned()
}

/// `charset'language'value` (RFC 8187, section 3.2.1): charset and language have no case, escapes are octets. Any
/// other text as it is.
fn extended(value: &str) -> String {
    let mut parts = value.splitn(3, '\'');
    let (Some(of), Some(language), Some(text)) = (parts.next(), parts.next(), parts.next()) else {
        return value.to_owned();
    };
    let octets: Vec<u8> = percent_decode_str(text).collect();
    format!(
        "{}'{}'{}",
        charset(of),
        language.to_ascii_lowercase(),
        super::text(&octets)
    )
}

/// A value and its parameters: a media type, a disposition.
pub(super) fn parameters(value: &str) -> String {
    let mut parts = parts(value, ';');
    let first = parts.next().unwrap_or_default().to_ascii_lowercase();
    // Both are UTF-8 by their definition (RFC 8259, section 8.1; HTML, section 9.2).
    let is_utf_8 = super::is_json_type(&first) || first == "text/event-stream";
    let is_implied =
        |(name, value): &Member| is_utf_8 && name == "charset" && value.as_deref() == Some("utf-8");
    let rest: Vec<Member> = parts
        .map(directive)
        .map(|(name, value)| match (name.as_str(), value) {
            ("q", Some(weight)) => (name, Some(quality(&weight))),
            (_, value) => (name, value),
        })
        .filter(|parameter| !is_implied(parameter))
        .collect();
    match rest.is_empty() {
        true => first,
        false => format!("{first};{}", by_name(rest)),
    }
}

/// A weight of RFC 9110, section 12.4.2, without zeros at its end.
fn quality(weight: &str) -> String {
    match weight.split_once('.') {
        Some((whole, part)) if weight.bytes().all(|b| b.is_ascii_digit() || b == b'.') => {
            match part.trim_end_matches('0') {
                "" => whole.to_owned(),
                part => format!("{whole}.{part}"),
            }
        }
        _ => weight.to_owned(),
    }
}
