//! The headers that matter, compared by what they mean.
//!
//! Every header matters except [`IGNORED`]: those that describe the connection or the message's
//! framing, those that name the implementation, and those that differ with every answer anyway.
//! `etag` and `last-modified` matter: clients store them and send them back.
//!
//! `content-length` follows from the body and is compared only where there is none (an answer to
//! HEAD, 304), both sides state it and no coding is applied. `content-encoding` and the member
//! `accept-encoding` of `vary` do not count: the comparison is neutral to compression.

mod challenge;
mod grammar;
mod link;
mod parameters;
mod policy;
mod reference;
mod refresh;
mod structured;
mod syntax;
#[cfg(test)]
mod tests;

pub(crate) use syntax::{digits, is_number, trimmed};

use crate::dialect::FieldDifference;
use crate::http::BODY;
use crate::{cookie, decode};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use understudy_model::{Answer, DifferenceKind as Kind, Field, Place};

/// Headers that are not compared.
pub const IGNORED: [&str; 17] = [
    "age",
    "alt-svc",
    "connection",
    "content-encoding",
    "date",
    "keep-alive",
    "proxy-connection",
    "report-to",
    "server",
    "server-timing",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-aspnet-version",
    "x-powered-by",
];

/// Every difference between the headers and cookies of two answers.
pub(crate) fn compare(baseline: &Answer, contender: &Answer) -> Vec<FieldDifference> {
    let same = |name: &str| baseline.field(name).eq(contender.field(name));
    let (a, b) = (meanings(baseline, &same), meanings(contender, &same));
    let mut names: BTreeSet<&str> = a.keys().chain(b.keys()).map(String::as_str).collect();
    if !states_length_without_body(baseline) || !states_length_without_body(contender) {
        names.remove("content-length");
    }
    let differing = names.into_iter().filter_map(|name| {
        let of =
            |side: &BTreeMap<String, Vec<Meaning>>| side.get(name).cloned().unwrap_or_default();
        header(name, &of(&a), &of(&b))
    });
    let mut found: Vec<_> = differing.collect();
    found.extend(cookie::compare(baseline, contender));
    found
}

/// One value of a header.
#[derive(Clone)]
pub(crate) struct Meaning {
    /// Equal for values that mean the same.
    canonical: Vec<u8>,
    shown: String,
}

/// The headers that matter and the cookies, for hashing: place and canonical value. Without
/// `content-length`, which counts only against that of another answer.
pub(crate) fn canonical(answer: &Answer) -> Vec<(Place, Vec<u8>)> {
    let mut meanings = meanings(answer, &|_| false);
    meanings.remove("content-length");
    let mut all = Vec::new();
    for (name, values) in meanings {
        let place = place_of(&name);
        let values: Vec<_> = values.into_iter().map(|value| value.canonical).collect();
        match grammar::of(&name) {
            Some(_) => all.extend(values.into_iter().map(|value| (place.clone(), value))),
            // See `header`: several lines are one value.
            None => all.push((place, values.join(&b", "[..]))),
        }
    }
    all.extend(cookie::canonical(answer));
    all
}

fn states_length_without_body(answer: &Answer) -> bool {
    answer.bytes(BODY).is_empty()
        && answer.field("content-length").next().is_some()
        && answer.field("content-encoding").next().is_none()
}

/// What the headers mean, but for those that need no look: what is the same to the byte means the same.
fn meanings(answer: &Answer, is_same: &dyn Fn(&str) -> bool) -> BTreeMap<String, Vec<Meaning>> {
    let mut lines: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for field in &answer.fields {
        let name = field.name.as_str();
        if name != "set-cookie" && !IGNORED.contains(&name) && !is_same(name) {
            lines.entry(name).or_default().push(text(&field.value));
        }
    }
    let mut all = BTreeMap::new();
    for (name, lines) in lines {
        let mut values = values(name, &lines);
        if name == "content-type" {
            let is_multipart =
                |(canonical, _): &&mut grammar::Value| canonical.starts_with("multipart/");
            for (canonical, _) in values.iter_mut().filter(is_multipart) {
                *canonical = without_boundary(answer, canonical);
            }
        }
        if !values.is_empty() {
            let meaning = |(canonical, shown): grammar::Value| Meaning {
                canonical: canonical.into_bytes(),
                shown,
            };
            all.insert(name.to_owned(), values.into_iter().map(meaning).collect());
        }
    }
    all
}

/// What the lines of a header say, value by value.
fn values(name: &str, lines: &[String]) -> Vec<grammar::Value> {
    match grammar::of(name) {
        Some(grammar) => grammar.values(name, lines),
        None => {
            let one = |line: &String| (trimmed(line).to_owned(), line.clone());
            lines.iter().map(one).collect()
        }
    }
}

/// What one line of a header means, as a text.
pub(crate) fn meaning(name: &str, line: &str) -> String {
    let values = values(name, &[line.to_owned()]);
    let all: Vec<String> = values.into_iter().map(|(canonical, _)| canonical).collect();
    all.join(", ")
}

/// The media type of parts without the boundary, if the body has it: any other would do.
fn without_boundary(answer: &Answer, canonical: &str) -> String {
    let Some(boundary) = parameter(&answer.fields, "boundary") else {
        return canonical.to_owned();
    };
    let codings = decode::codings(&answer.fields);
    let body =
        decode::body(answer.bytes(BODY), &codings, decode::DECODED_BYTES).unwrap_or_default();
    let mark = format!("--{boundary}");
    let is_used = body.is_empty() || memchr::memmem::find(&body, mark.as_bytes()).is_some();
    match is_used {
        true => canonical.replace(&format!("boundary={boundary:?}"), "boundary"),
        false => canonical.to_owned(),
    }
}

/// The text of bytes, for each sequence of bytes another one: U+FFFD and two digits stand for a byte that is not UTF-8.
pub(crate) fn text(bytes: &[u8]) -> String {
    let escape = |out: &mut String, bytes: &[u8]| {
        for byte in bytes {
            let _ = write!(out, "\u{fffd}{byte:02x}");
        }
    };
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\u{fffd}' => escape(&mut out, "\u{fffd}".as_bytes()),
                c => out.push(c),
            }
        }
        escape(&mut out, chunk.invalid());
    }
    out
}

/// The media type of the body, without parameters, in lower case.
pub(crate) fn media_type(fields: &[Field]) -> Option<String> {
    let value = understudy_model::values(fields, "content-type").next()?;
    let text = text(value);
    let media = text.split(';').next().unwrap_or_default();
    Some(trimmed(media).to_ascii_lowercase())
}

/// A parameter of the media type (name in lower case), without quotes.
pub(crate) fn parameter(fields: &[Field], name: &str) -> Option<String> {
    let value = text(understudy_model::values(fields, "content-type").next()?);
    syntax::parts(&value, ';')
        .skip(1)
        .filter_map(|part| part.split_once('='))
        .find(|(of, _)| trimmed(of).eq_ignore_ascii_case(name))
        .map(|(_, value)| syntax::unquoted(value))
}

/// The character encoding that the answer states.
pub(crate) fn charset(fields: &[Field]) -> Option<String> {
    parameter(fields, "charset")
}

/// Does a media type say JSON (RFC 8259, RFC 6839)?
pub(crate) fn is_json_type(media: &str) -> bool {
    let media = media.to_ascii_lowercase();
    matches!(media.as_str(), "application/json" | "text/json") || media.ends_with("+json")
}

/// Where a field is. A name that no header can have is that of something else that an exchange showed: what became of its
/// connection, an interim answer.
fn place_of(name: &str) -> Place {
    match name.starts_with(':') {
        true => Place::from(name),
        false => Place::header(name),
    }
}

fn header(name: &str, a: &[Meaning], b: &[Meaning]) -> Option<FieldDifference> {
    let canonical =
        |values: &[Meaning]| values.iter().map(|value| value.canonical.clone()).collect();
    let kind = lists_differ(canonical(a), canonical(b))?;
    let shown = |values: &[Meaning]| {
        let all: Vec<_> = values.iter().map(|value| value.shown.as_str()).collect();
        (!all.is_empty()).then(|| all.join(", "))
    };
    let (baseline, contender) = (shown(a), shown(b));
    // Several lines are one value, set off by commas (RFC 9110, section 5.3).
    (baseline != contender).then(|| FieldDifference {
        place: place_of(name),
        kind,
        baseline,
        contender,
        is_word: false,
    })
}

/// How two lists of values differ: one value more or less, another order, or another value.
pub(crate) fn lists_differ(mut a: Vec<Vec<u8>>, mut b: Vec<Vec<u8>>) -> Option<Kind> {
    if a == b {
        return None;
    }
    a.sort_unstable();
    b.sort_unstable();
    Some(match () {
        () if a == b => Kind::Order,
        () if contains(&a, &b) => Kind::Missing,
        () if contains(&b, &a) => Kind::Extra,
        () => Kind::Value,
    })
}

/// Does the first sorted list contain every value of the second, each as often?
fn contains(all: &[Vec<u8>], part: &[Vec<u8>]) -> bool {
    let mut rest = all.iter();
    part.iter().all(|value| rest.any(|other| other == value))
}
