//! The headers that matter, compared by what they mean.
//!
//! Every header matters except [`IGNORED`]: those that describe the connection or the message's
//! framing, those that name the implementation, and those that differ with every answer anyway.
//! `etag` and `last-modified` matter: clients store them and send them back.
//!
//! `content-length` follows from the body and is compared only where there is none (an answer to
//! HEAD, 304), both sides state it and no coding is applied. `content-encoding` and the member
//! `accept-encoding` of `vary` do not count: the comparison is neutral to compression.

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

/// Headers whose value is a list without order, on one line or several, in any case of letters.
const LISTS: [&str; 10] = [
    "accept-patch",
    "accept-post",
    "accept-ranges",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-expose-headers",
    "allow",
    "cache-control",
    "pragma",
    "vary",
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
    let (a, b) = (meanings(baseline), meanings(contender));
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
    let mut meanings = meanings(answer);
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

fn meanings(answer: &Answer) -> BTreeMap<String, Vec<Meaning>> {
    let mut all: BTreeMap<String, Vec<Meaning>> = BTreeMap::new();
    for field in &answer.fields {
        let name = field.name.as_str();
        if name != "set-cookie" && !IGNORED.contains(&name) {
            let shown = String::from_utf8_lossy(&field.value).into_owned();
            let canonical = field.value.trim_ascii().to_vec();
            all.entry(name.to_owned())
                .or_default()
                .push(Meaning { canonical, shown });
        }
    }
    for (name, values) in &mut all {
        if LISTS.contains(&name.as_str()) {
            *values = list(name, values).into_iter().collect();
        } else if name == "content-type" {
            for value in values {
                value.canonical = content_type(&value.shown).into_bytes();
            }
        }
    }
    all.retain(|_, values| !values.is_empty());
    all
}

/// All lines of a list header as one value without order; `None` when nothing in it matters.
fn list(name: &str, values: &[Meaning]) -> Option<Meaning> {
    let shown = values
        .iter()
        .map(|value| value.shown.as_str())
        .collect::<Vec<_>>()
        .join(", ");
    let members: BTreeSet<String> = shown
        .split(',')
        .map(|member| {
            member
                .split_whitespace()
                .collect::<String>()
                .to_ascii_lowercase()
        })
        .filter(|member| !(member.is_empty() || name == "vary" && member == "accept-encoding"))
        .collect();
    let canonical = members
        .into_iter()
        .collect::<Vec<_>>()
        .join(",")
        .into_bytes();
    (!canonical.is_empty()).then_some(Meaning { canonical, shown })
}

/// A media type in one form: lower case, parameters in order and unquoted, `charset=utf-8` left out
/// for JSON, which has no other.
pub(crate) fn content_type(value: &str) -> String {
    let mut parts = value.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default().to_ascii_lowercase();
    let parameters: BTreeSet<String> = parts
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let name = name.trim().to_ascii_lowercase();
            let value = value.trim().trim_matches('"');
            if name == "charset" {
                format!(";{name}={}", value.to_ascii_lowercase())
            } else {
                format!(";{name}={value}")
            }
        })
        .filter(|parameter| !(is_json_type(&media) && parameter == ";charset=utf-8"))
        .collect();
    parameters
        .into_iter()
        .fold(media, |media, parameter| media + &parameter)
}

/// Does the answer say that its body is JSON (RFC 8259, RFC 6839)?
pub(crate) fn says_json(answer: &Answer) -> bool {
    answer.field("content-type").next().is_some_and(|value| {
        let text = String::from_utf8_lossy(value);
        is_json_type(text.split(';').next().unwrap_or_default().trim())
    })
}

fn is_json_type(media: &str) -> bool {
    let media = media.to_ascii_lowercase();
    media == "application/json" || media.ends_with("+json")
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
