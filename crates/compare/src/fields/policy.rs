//! Content Security Policy (level 3) and Feature Policy.

use super::reference;
use super::syntax::{SPACE, trimmed, words};
use std::collections::BTreeMap;

/// All policies of an answer: each is enforced, in no order (section 2.2.2). One without a directive does nothing.
pub(super) fn policies(value: &str) -> String {
    let mut all: Vec<String> = parts(value, ',').map(policy).collect();
    all.retain(|policy| !policy.is_empty());
    all.sort();
    all.join(",")
}

/// The parts of a value: policies know no quotes that would hide a sign.
fn parts(value: &str, separator: char) -> impl Iterator<Item = &str> {
    let all = value.split(separator).map(trimmed);
    all.filter(|part| !part.is_empty())
}

/// Directives in no order. Of one name, in any case, the first one counts (section 2.2.1).
fn policy(value: &str) -> String {
    by_first(parts(value, ';'), &directive)
}

/// Names with what follows them, in no order. Of one name, in any case, the first one counts.
fn by_first<'v>(all: impl Iterator<Item = &'v str>, of: &dyn Fn(&str, &str) -> String) -> String {
    let mut first: BTreeMap<String, String> = BTreeMap::new();
    for part in all {
        let (name, value) = part.split_once(SPACE).unwrap_or((part, ""));
        let name = name.to_ascii_lowercase();
        let value = of(&name, value);
        first.entry(name).or_insert(value);
    }
    let one = |(name, value): (String, String)| format!("{name} {value}");
    first.into_iter().map(one).collect::<Vec<_>>().join(";")
}

fn directive(name: &str, value: &str) -> String {
    set(match name {
        "sandbox" => words(value).map(str::to_ascii_lowercase).collect(),
        "report-uri" => words(value).map(reference::normal).collect(),
        _ if has_sources(name) => sources(value),
        "require-trusted-types-for" | "trusted-types" => words(value).map(keyword).collect(),
        // What another directive makes of its words is its own matter.
        _ => return words(value).collect::<Vec<_>>().join(" "),
    })
}

/// Does a list of sources follow this directive (sections 6.1 to 6.4)?
fn has_sources(name: &str) -> bool {
    name.ends_with("-src")
        || matches!(
            name,
            "script-src-elem"
                | "script-src-attr"
                | "style-src-elem"
                | "style-src-attr"
                | "base-uri"
                | "form-action"
                | "frame-ancestors"
                | "navigate-to"
        )
}

/// Sources in no order. `'none'` allows what an empty list allows, and means nothing among others (section 6.7.2.7).
fn sources(value: &str) -> Vec<String> {
    let mut all: Vec<String> = words(value).map(source).collect();
    all.retain(|source| source != "'none'");
    all
}

/// A keyword, which has no case; a nonce and a hash, whose values do; else a scheme or a host with a path.
fn source(word: &str) -> String {
    if word.starts_with('\'') {
        return keyword(word);
    }
    // `*`, `https:`, `*.example:*` and `host/path` are not references; what they share with them is what has a case.
    let (scheme, rest) = match word.split_once("://") {
        Some((scheme, rest)) => (format!("{}://", scheme.to_ascii_lowercase()), rest),
        None => (String::new(), word),
    };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    format!(
        "{scheme}{}{}",
        host.to_ascii_lowercase(),
        reference::unescaped(path)
    )
}

fn keyword(word: &str) -> String {
    let lower = word.to_ascii_lowercase();
    if !word.starts_with('\'') {
        return word.to_owned();
    }
    match word.split_once('-') {
        Some((_, value)) if lower.starts_with("'nonce-") => format!("'nonce-{value}"),
        // Either alphabet of base64 (section 6.7.2.3).
        Some((_, value)) if lower.starts_with("'sha") => {
            let kind = &lower[..lower.len() - value.len()];
            format!("{kind}{}", value.replace('-', "+").replace('_', "/"))
        }
        _ => lower,
    }
}

/// Features with the origins that may use them, in no order. As [`policies`], of the older header.
pub(super) fn features(value: &str) -> String {
    let all = parts(value, ',').flat_map(|policy| parts(policy, ';'));
    by_first(all, &|_, origins| set(words(origins).map(source).collect()))
}

/// Words in no order, each once.
fn set(mut words: Vec<String>) -> String {
    words.sort();
    words.dedup();
    words.join(" ")
}
