//! The headers that matter, compared by what they mean.
//!
//! Every header matters except [`IGNORED`]: those that describe the connection or the message's
//! framing, those that name the implementation, and those that differ with every answer anyway.
//! `etag` and `last-modified` matter: clients store them and send them back.
//!
//! `content-length` follows from the body and is compared only where there is none (an answer to
//! HEAD, 304), both sides state it and no coding is applied. `content-encoding` and the member
//! `accept-encoding` of `vary` do not count: the comparison is neutral to compression.

mod grammar;

use crate::cookie;
use std::collections::{BTreeMap, BTreeSet};
use understudy_model::{Answer, DifferenceKind as Kind};

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

/// A difference beside the body. A side without a value is absent there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FieldDifference {
    pub(crate) path: String,
    pub(crate) kind: Kind,
    pub(crate) baseline: Option<String>,
    pub(crate) contender: Option<String>,
}

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
/// `content-length`, which counts only beside another answer's.
pub(crate) fn canonical(answer: &Answer) -> Vec<(String, Vec<u8>)> {
    let mut meanings = meanings(answer, &|_| false);
    meanings.remove("content-length");
    let of = |(name, values): (String, Vec<Meaning>)| {
        values
            .into_iter()
            .map(move |value| (format!("header:{name}"), value.canonical))
    };
    meanings
        .into_iter()
        .flat_map(of)
        .chain(cookie::canonical(answer))
        .collect()
}

fn states_length_without_body(answer: &Answer) -> bool {
    answer.body.is_empty()
        && answer.field("content-length").next().is_some()
        && answer.field("content-encoding").next().is_none()
}

/// What the headers mean, but for those that need no look: what is the same to the byte means the same.
fn meanings(answer: &Answer, is_same: &dyn Fn(&str) -> bool) -> BTreeMap<String, Vec<Meaning>> {
    let mut all: BTreeMap<String, Vec<Meaning>> = BTreeMap::new();
    for field in &answer.fields {
        let name = field.name.as_str();
        if name != "set-cookie" && !IGNORED.contains(&name) && !is_same(name) {
            let shown = String::from_utf8_lossy(&field.value).into_owned();
            let canonical = field.value.trim_ascii().to_vec();
            all.entry(name.to_owned())
                .or_default()
                .push(Meaning { canonical, shown });
        }
    }
    for (name, values) in &mut all {
        let Some(grammar) = grammar::of(name) else {
            continue;
        };
        let lines: Vec<&str> = values.iter().map(|value| value.shown.as_str()).collect();
        let lines = match grammar.is_list() {
            true => vec![lines.join(", ")],
            false => lines.into_iter().map(str::to_owned).collect(),
        };
        let meaning = |value: &str| Meaning {
            canonical: grammar.canonical(name, value).into_bytes(),
            shown: value.to_owned(),
        };
        let each = lines.iter().flat_map(|line| grammar.values(line));
        *values = each.map(meaning).collect();
        values.retain(|value| !value.canonical.is_empty());
    }
    all.retain(|_, values| !values.is_empty());
    all
}

/// The media type of the body, without parameters, in lower case.
pub(crate) fn media_type(answer: &Answer) -> Option<String> {
    let value = answer.field("content-type").next()?;
    let text = String::from_utf8_lossy(value);
    let media = text.split(';').next().unwrap_or_default();
    Some(media.trim().to_ascii_lowercase())
}

/// A parameter of the media type (name in lower case), without quotes.
pub(crate) fn parameter(answer: &Answer, name: &str) -> Option<String> {
    let value = answer.field("content-type").next()?;
    let text = String::from_utf8_lossy(value);
    grammar::parts(&text, ';')
        .skip(1)
        .filter_map(|part| part.split_once('='))
        .find(|(of, _)| of.trim().eq_ignore_ascii_case(name))
        .map(|(_, value)| grammar::unquoted(value))
}

/// The character encoding that the answer states.
pub(crate) fn charset(answer: &Answer) -> Option<String> {
    parameter(answer, "charset")
}

/// Does a media type say JSON (RFC 8259, RFC 6839)?
pub(crate) fn is_json_type(media: &str) -> bool {
    let media = media.to_ascii_lowercase();
    matches!(media.as_str(), "application/json" | "text/json") || media.ends_with("+json")
}

fn header(name: &str, a: &[Meaning], b: &[Meaning]) -> Option<FieldDifference> {
    let canonical =
        |values: &[Meaning]| values.iter().map(|value| value.canonical.clone()).collect();
    let kind = lists_differ(canonical(a), canonical(b))?;
    let shown = |values: &[Meaning]| {
        let all: Vec<_> = values.iter().map(|value| value.shown.as_str()).collect();
        (!all.is_empty()).then(|| all.join(", "))
    };
    let path = format!("header:{name}");
    Some(FieldDifference {
        path,
        kind,
        baseline: shown(a),
        contender: shown(b),
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
