//! `Set-Cookie` by name and attribute (RFC 6265 and its successor).

use crate::date::http_date;
use crate::dialect::FieldDifference;
use crate::fields::{self, lists_differ, trimmed};
use std::collections::{BTreeMap, BTreeSet};
use understudy_model::{Answer, DifferenceKind as Kind, Place};

/// One `Set-Cookie` line.
#[derive(Clone, Debug, Default)]
struct Cookie {
    name: String,
    value: String,
    /// By name in lower case; the last of a name wins.
    attributes: BTreeMap<String, String>,
}

impl Cookie {
    fn parse(line: &[u8]) -> Cookie {
        let line = fields::text(line);
        let mut parts = line.split(';').map(trimmed);
        let pair = parts.next().unwrap_or_default();
        // A pair without `=` is a value without a name.
        let (name, value) = pair.split_once('=').unwrap_or(("", pair));
        let attributes = parts
            .filter(|part| !part.is_empty())
            .map(|part| {
                let (name, value) = part.split_once('=').unwrap_or((part, ""));
                (
                    trimmed(name).to_ascii_lowercase(),
                    trimmed(value).to_owned(),
                )
            })
            .collect();
        Cookie {
            name: trimmed(name).to_owned(),
            value: trimmed(value).to_owned(),
            attributes,
        }
    }

    /// Everything about the cookie in one form, except its name.
    fn canonical(&self) -> Vec<u8> {
        let attributes = self.attributes.iter();
        let parts = attributes.map(|(name, value)| format!(";{name}={}", meaning(name, value)));
        parts
            .fold(self.value.clone(), |all, part| all + &part)
            .into_bytes()
    }
}

/// What an attribute's value means.
fn meaning(name: &str, value: &str) -> String {
    match name {
        "domain" => value
            .strip_prefix('.')
            .unwrap_or(value)
            .to_ascii_lowercase(),
        // All that is not positive means "now" (RFC 6265, section 5.2.2).
        "max-age" => match value.strip_prefix('-') {
            Some(rest) if fields::is_number(rest) => "0".to_owned(),
            _ => fields::digits(value).to_owned(),
        },
        "samesite" => value.to_ascii_lowercase(),
        "expires" => {
            http_date(value).map_or_else(|| value.to_owned(), |seconds| seconds.to_string())
        }
        "secure" | "httponly" | "partitioned" => String::new(),
        _ => value.to_owned(),
    }
}

/// The cookies of an answer, grouped by name, in the order set.
fn cookies(answer: &Answer) -> BTreeMap<String, Vec<Cookie>> {
    let mut all: BTreeMap<String, Vec<Cookie>> = BTreeMap::new();
    for line in answer.field("set-cookie") {
        let cookie = Cookie::parse(line);
        all.entry(cookie.name.clone()).or_default().push(cookie);
    }
    all
}

/// The cookies in one form, for hashing.
pub(crate) fn canonical(answer: &Answer) -> impl Iterator<Item = (Place, Vec<u8>)> {
    let of = |(name, cookies): (String, Vec<Cookie>)| {
        cookies
            .into_iter()
            .map(move |cookie| (Place::cookie(&name), cookie.canonical()))
    };
    cookies(answer).into_iter().flat_map(of)
}

/// Every difference between the cookies of two answers: `cookie:NAME` for the cookie or its value,
/// `cookie:NAME;attribute` for one of its attributes.
pub(crate) fn compare(baseline: &Answer, contender: &Answer) -> Vec<FieldDifference> {
    let (a, b) = (cookies(baseline), cookies(contender));
    let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let mut found = Vec::new();
    for name in names {
        let of = |side: &BTreeMap<String, Vec<Cookie>>| side.get(name).cloned().unwrap_or_default();
        same_name(name, &of(&a), &of(&b), &mut found);
    }
    found
}

fn same_name(name: &str, a: &[Cookie], b: &[Cookie], found: &mut Vec<FieldDifference>) {
    let canonical = |cookies: &[Cookie]| cookies.iter().map(Cookie::canonical).collect();
    match lists_differ(canonical(a), canonical(b)) {
        None => {}
        // The same cookies in another order, or a cookie set more often on one side.
        Some(kind) if kind == Kind::Order || a.len() != b.len() => {
            found.push(FieldDifference {
                place: Place::cookie(name),
                kind,
                baseline: shown(a),
                contender: shown(b),
                is_word: false,
            });
        }
        Some(_) => {
            for (a, b) in a.iter().zip(b) {
                one(&Place::cookie(name), a, b, found);
            }
        }
    }
}

fn shown(cookies: &[Cookie]) -> Option<String> {
    let values: Vec<&str> = cookies.iter().map(|cookie| cookie.value.as_str()).collect();
    (!values.is_empty()).then(|| values.join(", "))
}

/// Compares one cookie with its counterpart.
fn one(place: &Place, a: &Cookie, b: &Cookie, found: &mut Vec<FieldDifference>) {
    if a.value != b.value {
        let (baseline, contender) = (Some(a.value.clone()), Some(b.value.clone()));
        found.push(FieldDifference {
            place: place.clone(),
            kind: Kind::Value,
            baseline,
            contender,
            is_word: false,
        });
    }
    let names: BTreeSet<&String> = a.attributes.keys().chain(b.attributes.keys()).collect();
    for name in names {
        let (in_a, in_b) = (a.attributes.get(name), b.attributes.get(name));
        let kind = match (in_a, in_b) {
            (Some(a), Some(b)) if meaning(name, a) == meaning(name, b) => continue,
            (Some(_), None) => Kind::Missing,
            (None, _) => Kind::Extra,
            (Some(_), Some(_)) => Kind::Value,
        };
        // A flag has no value of its own to show.
        let shown = |value: Option<&String>| {
            value.map(|value| {
                if value.is_empty() {
                    name.clone()
                } else {
                    value.clone()
                }
            })
        };
        found.push(FieldDifference {
            place: place.aspect(name),
            kind,
            baseline: shown(in_a),
            contender: shown(in_b),
            is_word: false,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use understudy_model::Field;

    fn answer(line: &str) -> Answer {
        let field = Field {
            name: "set-cookie".into(),
            value: line.as_bytes().to_vec(),
        };
        crate::http::answer(200, vec![field], Vec::new(), false)
    }

    #[test]
    fn attributes_that_mean_the_same_are_the_same_and_others_are_not() {
        for (a, b, is_same) in [
            ("a=b; Max-Age=60", "a=b;max-age=060", true),
            ("a=b; Max-Age=0", "a=b; Max-Age=-1", true),
            ("a=b; Domain=.A.b", "a=b; domain=a.B", true),
            ("a=b; Secure; Path=/", "a = b ;path=/;SECURE=yes", true),
            ("a=b; Path=/x; Path=/", "a=b; Path=/", true),
            ("a=b", "a=B", false),
            ("a=b", "A=b", false),
            ("a=b", "a=\"b\"", false),
            ("a=b", "a=b\u{a0}", false),
            ("a=b; Path=/a", "a=b; Path=/A", false),
            ("a=b; Path=/%61", "a=b; Path=/a", false),
            ("a=b; Max-Age=60", "a=b; Max-Age=6", false),
            ("a=b; Max-Age=x", "a=b; Max-Age=0", false),
            ("a=b; Domain=..a", "a=b; Domain=a", false),
            ("a=b; Secure", "a=b", false),
        ] {
            let (a, b) = (answer(a), answer(b));
            let found = compare(&a, &b);
            assert_eq!(found.is_empty(), is_same, "{a:?} {b:?} {found:?}");
            let hashed = |answer: &Answer| canonical(answer).collect::<Vec<_>>();
            assert_eq!(hashed(&a) == hashed(&b), is_same);
        }
    }
}
