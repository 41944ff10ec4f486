//! What the value of a header means, by the grammar that its standard gives it.
//!
//! Two values are the same if no reader that keeps to the standard can tell them apart: spacing, quotes that need not
//! be, the case of names that have none, the order of lists that have none. What a standard leaves open counts.

use crate::date::http_date;
use std::collections::BTreeSet;

/// The grammars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grammar {
    /// Names without case, in any order, on one line or several (`Vary`).
    Names,
    /// Words with case, in any order (`Allow`: methods have one, RFC 9110, section 9.1).
    Words,
    /// Directives in any order, names without case, values with or without quotes (`Cache-Control`).
    Directives,
    /// The same, set off by `;` (`Strict-Transport-Security`).
    Settings,
    /// A value without case, then parameters in any order, set off by `;` (`Content-Disposition`).
    Parameters,
    /// As [`Grammar::Parameters`], of which there may be several in any order (`Accept-Patch`).
    ParameterLists,
    /// As [`Grammar::Parameters`], of which there may be several in an order that counts (`Link`).
    Links,
    /// Directives set off by `;`, each a name without case and words in any order (`Content-Security-Policy`).
    Policy,
    /// One word without case (`X-Content-Type-Options`).
    Word,
    /// Words without case in an order that counts (`Referrer-Policy`: the last one known wins).
    Ordered,
    /// A moment in any form that HTTP allows (`Last-Modified`).
    Date,
    /// A moment or seconds (`Retry-After`).
    DateOrSeconds,
    /// A scheme without case, then parameters (`WWW-Authenticate`).
    Challenges,
    /// A reference whose scheme and host have no case (`Location`, RFC 3986, section 6.2.2).
    Reference,
    /// A unit without case, then numbers (`Content-Range`).
    Range,
}

/// The grammar of a header of this name (lower case), of those whose text is not their meaning.
/// RFC 9110, 9111, 6265, 6266, 6797, 8288, Fetch, CSP 3 and the registry of field names.
pub(super) fn of(name: &str) -> Option<Grammar> {
    use Grammar::*;
    Some(match name {
        "accept-ranges"
        | "access-control-allow-headers"
        | "access-control-expose-headers"
        | "vary"
        | "accept-ch"
        | "critical-ch"
        | "content-language"
        | "x-robots-tag" => Names,
        "allow"
        | "access-control-allow-methods"
        | "public"
        | "clear-site-data"
        | "timing-allow-origin" => Words,
        "cache-control" | "pragma" | "surrogate-control" | "cdn-cache-control"
        | "permissions-policy" | "priority" | "repr-digest" | "content-digest" | "digest" => {
            Directives
        }
        "strict-transport-security" | "expect-ct" | "x-xss-protection" | "public-key-pins" => {
            Settings
        }
        "content-type"
        | "content-disposition"
        | "cross-origin-opener-policy"
        | "cross-origin-embedder-policy" => Parameters,
        "accept-patch" | "accept-post" | "accept" => ParameterLists,
        "link" => Links,
        "content-security-policy" | "content-security-policy-report-only" | "feature-policy" => {
            Policy
        }
        "x-content-type-options"
        | "x-frame-options"
        | "x-dns-prefetch-control"
        | "x-download-options"
        | "x-permitted-cross-domain-policies"
        | "cross-origin-resource-policy" => Word,
        "referrer-policy" => Ordered,
        "last-modified" | "expires" | "sunset" => Date,
        "retry-after" => DateOrSeconds,
        "www-authenticate" | "proxy-authenticate" | "authentication-info" => Challenges,
        "location" | "content-location" => Reference,
        "content-range" => Range,
        _ => return None,
    })
}

impl Grammar {
    /// Are several lines one list?
    pub(super) fn is_list(self) -> bool {
        use Grammar::*;
        matches!(
            self,
            Names | Words | Directives | ParameterLists | Links | Ordered | Challenges
        )
    }

    /// The values that count one by one: the members of a list whose order is told, else all as one.
    pub(super) fn values(self, value: &str) -> Vec<&str> {
        match self {
            Grammar::Links => list(value).collect(),
            _ => vec![value],
        }
    }

    /// Equal for values that mean the same; empty where nothing in the value means anything.
    pub(super) fn canonical(self, name: &str, value: &str) -> String {
        match self {
            Grammar::Names => sorted(
                list(value)
                    .map(|member| member.to_ascii_lowercase())
                    .filter(|member| !(name == "vary" && member == "accept-encoding")),
            ),
            Grammar::Words => sorted(list(value).map(str::to_owned)),
            Grammar::Directives => sorted(list(value).map(directive)),
            Grammar::Settings => sorted(parts(value, ';').map(directive)),
            Grammar::Parameters | Grammar::Links => parameters(value),
            Grammar::ParameterLists => sorted(list(value).map(parameters)),
            Grammar::Policy => policy(value),
            Grammar::Word => value.trim().to_ascii_lowercase(),
            Grammar::Ordered => list(value)
                .map(str::to_ascii_lowercase)
                .collect::<Vec<_>>()
                .join(","),
            Grammar::Date => date(value),
            Grammar::DateOrSeconds => match value.trim().parse::<u64>() {
                Ok(seconds) => seconds.to_string(),
                Err(_) => date(value),
            },
            Grammar::Challenges => challenges(value),
            Grammar::Reference => reference(value.trim()),
            Grammar::Range => {
                let lower = value.trim().to_ascii_lowercase();
                lower.split_whitespace().collect::<Vec<_>>().join(" ")
            }
        }
    }
}

fn sorted(members: impl Iterator<Item = String>) -> String {
    let members: BTreeSet<String> = members.filter(|member| !member.is_empty()).collect();
    members.into_iter().collect::<Vec<_>>().join(",")
}

/// The members of a list. Commas in quotes and in `<...>` do not part it.
fn list(value: &str) -> impl Iterator<Item = &str> {
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
    split.map(str::trim).filter(|part| !part.is_empty())
}

/// A value without the quotes that it need not have (RFC 9110, section 5.6.4).
pub(super) fn unquoted(value: &str) -> String {
    let value = value.trim();
    let Some(inner) = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
    else {
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

/// `name=value`, the name without case. What the value holds is set off by a sign that no name has.
fn directive(part: &str) -> String {
    match part.split_once('=') {
        None => part.to_ascii_lowercase(),
        Some((name, value)) => {
            let name = name.trim().to_ascii_lowercase();
            let mut value = unquoted(value);
            if name == "charset" {
                value = charset(&value);
            }
            format!("{name}={value:?}")
        }
    }
}

/// The one name of a character encoding: `utf8` and `UTF-8` are the same (Encoding Standard, section 4.2).
fn charset(label: &str) -> String {
    let known = encoding_rs::Encoding::for_label(label.as_bytes());
    known.map_or_else(
        || label.to_ascii_lowercase(),
        |known| known.name().to_ascii_lowercase(),
    )
}

fn parameters(value: &str) -> String {
    let mut parts = parts(value, ';');
    let first = parts.next().unwrap_or_default();
    // A reference and what stands in quotes have a case, a media type has none.
    let first = match first.contains(['=', '<', '"']) {
        true => directive_or_text(first),
        false => first.to_ascii_lowercase(),
    };
    let is_json = super::is_json_type(&first);
    let parameters: BTreeSet<String> = parts
        .map(directive)
        .filter(|parameter| !(is_json && parameter == "charset=\"utf-8\""))
        .collect();
    parameters
        .into_iter()
        .fold(first, |all, one| all + ";" + &one)
}

fn directive_or_text(part: &str) -> String {
    match part.starts_with('<') || part.starts_with('"') {
        true => part.to_owned(),
        false => directive(part),
    }
}

fn policy(value: &str) -> String {
    let directive = |part: &str| {
        let mut words = part.split_whitespace();
        let name = words.next().unwrap_or_default().to_ascii_lowercase();
        let sources: BTreeSet<&str> = words.collect();
        sources
            .into_iter()
            .fold(name, |all, source| all + " " + source)
    };
    // Of a repeated directive the first one holds, so their order may count: it does not between others.
    let mut directives: Vec<String> = parts(value, ';').map(directive).collect();
    directives.sort_by(|a, b| a.split(' ').next().cmp(&b.split(' ').next()));
    directives.join(";")
}

fn date(value: &str) -> String {
    let value = value.trim();
    http_date(value).map_or_else(|| value.to_owned(), |seconds| format!("@{seconds}"))
}

/// Challenges in their order, the parameters of each in any.
fn challenges(value: &str) -> String {
    let mut all: Vec<BTreeSet<String>> = Vec::new();
    for part in list(value) {
        let (scheme, parameter) = challenge(part);
        match (scheme, all.last_mut()) {
            (None, Some(last)) => drop(last.insert(parameter)),
            // Sorts before every parameter.
            (scheme, _) => all.push([format!(" {}", scheme.unwrap_or_default()), parameter].into()),
        }
    }
    let one = |of: &BTreeSet<String>| of.iter().cloned().collect::<Vec<_>>().join(";");
    all.iter().map(one).collect::<Vec<_>>().join(",")
}

/// A scheme, where one begins here, and a parameter.
fn challenge(part: &str) -> (Option<String>, String) {
    let scheme = part
        .split_once(char::is_whitespace)
        .filter(|(scheme, _)| !scheme.contains('='));
    match scheme {
        Some((scheme, rest)) => (Some(scheme.to_ascii_lowercase()), directive(rest.trim())),
        None => (None, directive(part)),
    }
}

/// Scheme and host in lower case, without the port that the scheme has anyway; percent-encoded octets in upper case.
fn reference(value: &str) -> String {
    let value = upper_escapes(value);
    let Some((scheme, rest)) = value.split_once("://") else {
        return value;
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let scheme = scheme.to_ascii_lowercase();
    // A name of a user has a case, a host has none.
    let host = authority.rfind('@').map_or(0, |at| at + 1);
    let authority = format!(
        "{}{}",
        &authority[..host],
        authority[host..].to_ascii_lowercase()
    );
    let own = match scheme.as_str() {
        "http" => ":80",
        "https" => ":443",
        _ => "",
    };
    let authority = authority.strip_suffix(own).unwrap_or(&authority);
    let path = if path.is_empty() { "/" } else { path };
    format!("{scheme}://{authority}{path}")
}

fn upper_escapes(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut left = 0;
    for c in value.chars() {
        let is_escape = left > 0 && c.is_ascii_hexdigit();
        out.push(if is_escape { c.to_ascii_uppercase() } else { c });
        left = match c {
            '%' => 2,
            _ if is_escape => left - 1,
            _ => 0,
        };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(name: &str, value: &str) -> String {
        of(name).map_or_else(
            || value.to_owned(),
            |grammar| grammar.canonical(name, value),
        )
    }

    #[test]
    fn values_that_mean_the_same_are_the_same() {
        for (name, a, b) in [
            (
                "strict-transport-security",
                "max-age=31536000; includeSubDomains",
                "includesubdomains;max-age=\"31536000\"",
            ),
            (
                "content-disposition",
                "attachment; filename=\"a.pdf\"",
                "Attachment;filename=a.pdf",
            ),
            (
                "content-disposition",
                "attachment; filename=\"a\\\"b.pdf\"; size=3",
                "attachment; size=3; FILENAME=\"a\\\"b.pdf\"",
            ),
            ("x-content-type-options", "nosniff", "NoSniff"),
            ("x-frame-options", "DENY", "deny"),
            (
                "content-type",
                "text/html; charset=utf8",
                "Text/HTML;charset=\"UTF-8\"",
            ),
            (
                "content-type",
                "application/json",
                "application/json; charset=utf-8",
            ),
            (
                "cache-control",
                "no-cache, max-age=60",
                "Max-Age=\"60\",no-cache",
            ),
            ("vary", "Origin, Accept-Encoding", "origin"),
            ("allow", "GET, HEAD", "HEAD,GET"),
            (
                "last-modified",
                "Sun, 06 Nov 1994 08:49:37 GMT",
                "Sunday, 06-Nov-94 08:49:37 GMT",
            ),
            ("retry-after", "120", " 0120"),
            (
                "link",
                "</a>; rel=next; title=\"x, y\"",
                "</a>;title=\"x, y\";rel=\"next\"",
            ),
            (
                "content-security-policy",
                "default-src 'self' a.example; img-src *",
                "img-src *;Default-Src a.example 'self'",
            ),
            (
                "www-authenticate",
                "Bearer realm=\"a\", error=invalid_token",
                "bearer realm=a,error=\"invalid_token\"",
            ),
            (
                "location",
                "HTTP://Shop.example:80/a%2fb",
                "http://shop.example/a%2Fb",
            ),
            ("content-range", "Bytes 0-1/5", "bytes  0-1/5"),
            (
                "referrer-policy",
                "No-Referrer, origin",
                "no-referrer,origin",
            ),
            (
                "accept-patch",
                "application/json; charset=utf-8, text/plain",
                "text/plain,application/json",
            ),
        ] {
            assert_eq!(canonical(name, a), canonical(name, b), "{name}: {a} | {b}");
        }
    }

    #[test]
    fn values_that_mean_something_else_are_not() {
        for (name, a, b) in [
            (
                "strict-transport-security",
                "max-age=31536000",
                "max-age=3153600",
            ),
            (
                "strict-transport-security",
                "max-age=60; includeSubDomains",
                "max-age=60",
            ),
            (
                "content-disposition",
                "attachment; filename=a.pdf",
                "inline; filename=a.pdf",
            ),
            (
                "content-disposition",
                "attachment; filename=a.pdf",
                "attachment; filename=A.pdf",
            ),
            ("content-type", "text/html; charset=utf-8", "text/html"),
            (
                "content-type",
                "text/html; charset=utf-8",
                "text/html; charset=iso-8859-1",
            ),
            (
                "content-type",
                "text/html; charset=utf-8",
                "text/html; charset=\"utf-8\"; x=\";y=z\"",
            ),
            ("allow", "GET", "get"),
            ("link", "</a>; rel=next", "</A>; rel=next"),
            (
                "referrer-policy",
                "origin, no-referrer",
                "no-referrer, origin",
            ),
            ("location", "/a", "/A"),
            ("location", "http://h:8080/", "http://h/"),
            ("etag", "W/\"a\"", "\"a\""),
            ("retry-after", "120", "12"),
            ("cache-control", "max-age=60", "s-maxage=60"),
            (
                "content-security-policy",
                "default-src 'self'",
                "default-src 'none'",
            ),
            ("www-authenticate", "Bearer realm=a", "Basic realm=a"),
        ] {
            assert_ne!(canonical(name, a), canonical(name, b), "{name}: {a} | {b}");
        }
    }
}
