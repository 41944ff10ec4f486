//! Targets that frameworks read in different ways: odd paths, odd numbers in them, odd queries. Pure.

use super::class::Class;
use super::recorded::Recorded;
use super::wire::Raw;
use std::ops::Range;

/// Another host, which no resolver knows (RFC 6761, section 6.2).
const OTHER_HOST: &str = "http://other.test";

/// Of paths and whole targets.
pub(super) const CLASSES: &[Class] = &[
    Class {
        id: "target.query_70kb",
        title: "a query of 70 kB",
        breaks: "Clients that put long lists into a query are refused.",
        share: 0.8656,
        writes: false,
        make: |recorded| recorded.asking(|parts| Some(parts.with_pair(&long_pair(70_000)))),
    },
    Class {
        id: "target.segment_5000",
        title: "a segment of 5,000 characters",
        breaks: "Clients with very long identifiers are refused, or see another error.",
        share: 0.834,
        writes: false,
        make: |recorded| long_segment(recorded, 5_000),
    },
    Class {
        id: "target.bad_escape",
        title: "a path with a bad percent escape",
        breaks: "Clients that do not encode `%` see another answer.",
        share: 0.7747,
        writes: false,
        make: |recorded| last(recorded, |_| "%zz".to_owned()),
    },
    Class {
        id: "target.segment_500",
        title: "a segment of 500 characters",
        breaks: "Clients with long identifiers are refused, or see another error.",
        share: 0.7391,
        writes: false,
        make: |recorded| long_segment(recorded, 500),
    },
    Class {
        id: "target.raw_utf8",
        title: "a path with UTF-8 that is not encoded",
        breaks: "Clients that do not encode letters such as `é` are refused.",
        share: 0.7312,
        writes: false,
        make: |recorded| last(recorded, |_| "\u{e9}".to_owned()),
    },
    Class {
        id: "target.trailing_slash",
        title: "a slash at the end of the path",
        breaks: "Links with a slash at their end lead nowhere, or to a redirect.",
        share: 0.7115,
        writes: false,
        make: |recorded| recorded.at(trailing_slash),
    },
    Class {
        id: "target.star",
        title: "GET of `*`",
        breaks: "Scanners and health checks that ask for the server as a whole see another answer.",
        share: 0.6996,
        writes: false,
        make: |recorded| recorded.read().map(|_| Raw::new("GET", "*")),
    },
    Class {
        id: "target.doubled_slash",
        title: "a slash twice",
        breaks: "Clients that join a base and a path with two slashes get nothing.",
        share: 0.6996,
        writes: false,
        make: |recorded| recorded.at(doubled_slash),
    },
    Class {
        id: "target.encoded_slash",
        title: "a slash as `%2F`",
        breaks: "Clients whose identifiers have a slash reach another route, or none.",
        share: 0.6957,
        writes: false,
        make: |recorded| last(recorded, |segment| format!("{segment}%2F2")),
    },
    Class {
        id: "target.matrix_parameter",
        title: "a parameter after `;`",
        breaks: "Clients that write a session or a version after `;` get nothing.",
        share: 0.6838,
        writes: false,
        make: |recorded| last(recorded, |segment| format!("{segment};v=2")),
    },
    Class {
        id: "target.trailing_slash_write",
        title: "an upload with a slash at the end of the path",
        breaks: "Webhooks whose path has a slash at its end lose what they send.",
        share: 0.6759,
        writes: true,
        make: upload_with_slash,
    },
    Class {
        id: "target.empty_segment",
        title: "no identifier",
        breaks: "Clients that ask for an empty identifier get another route, or another error.",
        share: 0.6206,
        writes: false,
        make: |recorded| integer(recorded, |_| Some(String::new())),
    },
    Class {
        id: "target.query_5kb",
        title: "a query of 5 kB",
        breaks: "Clients that put lists into a query are refused.",
        share: 0.3874,
        writes: false,
        make: |recorded| recorded.asking(|parts| Some(parts.with_pair(&long_pair(5_000)))),
    },
    Class {
        id: "target.absolute_form",
        title: "a target with another host",
        breaks: "Clients that use the service as a proxy see another answer.",
        share: 0.17,
        writes: false,
        make: absolute_form,
    },
];

/// Of spellings of the last segment that is a whole number.
pub(super) const INTEGERS: &[Class] = &[
    Class {
        id: "integer.overflow",
        title: "an identifier of 20 digits",
        breaks: "Clients with a wrong identifier see another error.",
        share: 0.7668,
        writes: false,
        make: |recorded| integer(recorded, |_| Some("9".repeat(20))),
    },
    Class {
        id: "integer.two_to_63",
        title: "an identifier of 2^63",
        breaks: "Clients with unsigned identifiers are refused, or get another item.",
        share: 0.7668,
        writes: false,
        make: |recorded| integer(recorded, |_| Some("9223372036854775808".to_owned())),
    },
    Class {
        id: "integer.exponent",
        title: "an identifier with an exponent",
        breaks: "Clients whose language writes numbers as 1e0 are refused by one of the two.",
        share: 0.7628,
        writes: false,
        make: |recorded| integer(recorded, |digits| Some(format!("{digits}e0"))),
    },
    Class {
        id: "integer.hexadecimal",
        title: "an identifier as 0x1",
        breaks: "Clients that write identifiers in hexadecimal are refused, or get another item.",
        share: 0.7628,
        writes: false,
        make: |recorded| integer(recorded, hexadecimal),
    },
    Class {
        id: "integer.decimal_point",
        title: "an identifier with .0",
        breaks: "Clients whose language writes numbers as 1.0 are refused by one of the two.",
        share: 0.7549,
        writes: false,
        make: |recorded| integer(recorded, |digits| Some(format!("{digits}.0"))),
    },
    Class {
        id: "integer.trailing_space",
        title: "an identifier with a space after it",
        breaks: "Clients whose users paste identifiers are refused by one of the two.",
        share: 0.7391,
        writes: false,
        make: |recorded| integer(recorded, |digits| Some(format!("{digits}%20"))),
    },
    Class {
        id: "integer.leading_space",
        title: "an identifier with a space before it",
        breaks: "Clients whose users paste identifiers are refused by one of the two.",
        share: 0.7391,
        writes: false,
        make: |recorded| integer(recorded, |digits| Some(format!("%20{digits}"))),
    },
    Class {
        id: "integer.underscore",
        title: "an identifier with an underscore",
        breaks: "Clients that write 1_0 are refused, or get item 10.",
        share: 0.6957,
        writes: false,
        make: |recorded| integer(recorded, |digits| Some(format!("{digits}_0"))),
    },
    Class {
        id: "integer.full_width_digits",
        title: "an identifier in full-width digits",
        breaks: "Clients whose users type such digits are refused by one of the two.",
        share: 0.6917,
        writes: false,
        make: |recorded| integer(recorded, |digits| Some(full_width(digits))),
    },
    Class {
        id: "integer.plus_sign",
        title: "an identifier with a plus sign",
        breaks: "Clients that write +1 are refused by one of the two.",
        share: 0.5494,
        writes: false,
        make: |recorded| integer(recorded, |digits| Some(format!("%2B{digits}"))),
    },
    Class {
        id: "integer.two_to_53_plus_1",
        title: "an identifier of 2^53 + 1",
        breaks: "Clients with identifiers beyond 53 bits get another item.",
        share: 0.3123,
        writes: false,
        make: |recorded| integer(recorded, |_| Some("9007199254740993".to_owned())),
    },
];

/// Of queries.
pub(super) const QUERIES: &[Class] = &[
    Class {
        id: "query.duplicate_key",
        title: "a key of the query twice",
        breaks: "Clients that repeat a key are refused, or the other of the two values counts.",
        share: 0.6996,
        writes: false,
        make: |recorded| recorded.asking(|parts| parts.with_key_twice()),
    },
    Class {
        id: "query.raw_quotes",
        title: "quotes in a query that are not encoded",
        breaks: "Browsers and scripts that do not encode quotes are refused.",
        share: 0.5257,
        writes: false,
        make: |recorded| recorded.asking(|parts| Some(parts.with_value("\"a\""))),
    },
    Class {
        id: "query.bad_escape",
        title: "a query with a bad percent escape",
        breaks: "Clients that do not encode `%` are refused, or another text is read.",
        share: 0.502,
        writes: false,
        make: |recorded| recorded.asking(|parts| Some(parts.with_value("%zz"))),
    },
    Class {
        id: "query.raw_brackets",
        title: "a key of the query with brackets",
        breaks: "Clients that send lists as `key[]` are refused, or their lists are not read.",
        share: 0.17,
        writes: false,
        make: |recorded| recorded.asking(|parts| Some(parts.with_pair("q[]=1"))),
    },
];

/// The parts of a target.
pub(super) struct Parts<'t> {
    path: &'t str,
    query: Option<&'t str>,
}

impl<'t> Parts<'t> {
    /// Those of a target in origin form.
    pub(super) fn of(target: &'t str) -> Self {
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        Parts { path, query }
    }

    /// The target with this path.
    pub(super) fn with_path(&self, path: &str) -> String {
        match self.query {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        }
    }

    /// The target with this query.
    pub(super) fn with_query(&self, query: &str) -> String {
        format!("{}?{query}", self.path)
    }

    /// The path with this in place of a part of it.
    fn with(&self, part: Range<usize>, new: &str) -> String {
        [&self.path[..part.start], new, &self.path[part.end..]].concat()
    }

    /// Where the segments of the path are.
    fn segments(&self) -> impl DoubleEndedIterator<Item = Range<usize>> {
        let slashes = self.path.match_indices('/').map(|(at, _)| at);
        let ends: Vec<usize> = slashes.chain([self.path.len()]).collect();
        let segments: Vec<_> = ends.windows(2).map(|ends| ends[0] + 1..ends[1]).collect();
        segments.into_iter()
    }

    /// The last segment, if it is not empty.
    fn last(&self) -> Option<Range<usize>> {
        self.segments().next_back().filter(|last| !last.is_empty())
    }

    /// The last segment that consists of digits.
    fn integer(&self) -> Option<Range<usize>> {
        let is_integer = |at: &Range<usize>| {
            let segment = &self.path[at.clone()];
            !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit())
        };
        self.segments().rfind(is_integer)
    }

    /// The query with one pair more.
    fn with_pair(&self, pair: &str) -> String {
        match self.query {
            Some(query) if !query.is_empty() => format!("{query}&{pair}"),
            _ => pair.to_owned(),
        }
    }

    /// The first pair of the query and what follows it.
    fn first_pair(&self) -> Option<(&'t str, &'t str)> {
        let query = self.query.filter(|query| !query.is_empty())?;
        Some(query.split_at(query.find('&').unwrap_or(query.len())))
    }

    /// The query with this value for its first key; for `q`, if it has none.
    fn with_value(&self, value: &str) -> String {
        let (pair, rest) = self.first_pair().unwrap_or(("q", ""));
        let key = pair.split('=').next().unwrap_or_default();
        format!("{key}={value}{rest}")
    }

    /// The query with its first key once more, and another value there.
    fn with_key_twice(&self) -> Option<String> {
        let (pair, _) = self.first_pair()?;
        let (key, value) = pair.split_once('=')?;
        let other = if value == "2" { "3" } else { "2" };
        Some(self.with_pair(&format!("{key}={other}")))
    }
}

/// The last segment as `change` makes it.
fn last(recorded: &Recorded<'_>, change: impl FnOnce(&str) -> String) -> Option<Raw> {
    recorded.at(|parts| {
        let at = parts.last()?;
        let changed = change(&parts.path[at.clone()]);
        Some(parts.with(at, &changed))
    })
}

/// The last whole number of the path as `spell` writes it.
fn integer(recorded: &Recorded<'_>, spell: impl FnOnce(&str) -> Option<String>) -> Option<Raw> {
    recorded.at(|parts| {
        let at = parts.integer()?;
        let spelt = spell(&parts.path[at.clone()])?;
        Some(parts.with(at, &spelt))
    })
}

/// The last segment of this length: of digits, where it is a number.
fn long_segment(recorded: &Recorded<'_>, length: usize) -> Option<Raw> {
    last(recorded, |segment| {
        let is_number = segment.bytes().all(|byte| byte.is_ascii_digit());
        (if is_number { "1" } else { "a" }).repeat(length)
    })
}

fn long_pair(length: usize) -> String {
    format!("q={}", "a".repeat(length))
}

fn trailing_slash(parts: &Parts<'_>) -> Option<String> {
    parts.last().map(|_| format!("{}/", parts.path))
}

fn doubled_slash(parts: &Parts<'_>) -> Option<String> {
    let last = parts.last()?;
    Some(parts.with(last.start..last.start, "/"))
}

fn upload_with_slash(recorded: &Recorded<'_>) -> Option<Raw> {
    let raw = recorded.upload()?;
    let parts = Parts::of(&raw.target);
    let target = parts.with_path(&trailing_slash(&parts)?);
    Some(raw.with_target(target))
}

fn absolute_form(recorded: &Recorded<'_>) -> Option<Raw> {
    let raw = recorded.read()?;
    let target = format!("{OTHER_HOST}{}", raw.target);
    raw.target.starts_with('/').then(|| raw.with_target(target))
}

fn hexadecimal(digits: &str) -> Option<String> {
    let number: u64 = digits.parse().ok()?;
    Some(format!("0x{number:x}"))
}

/// U+FF10 and what follows it, encoded.
fn full_width(digits: &str) -> String {
    digits
        .chars()
        .map(|digit| format!("%EF%BC%9{digit}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_found_from_the_end() {
        let parts = Parts::of("/v1/items/17/parts?x=/9");
        assert_eq!(parts.last().map(|at| &parts.path[at]), Some("parts"));
        assert_eq!(parts.integer().map(|at| &parts.path[at]), Some("17"));
        assert_eq!(doubled_slash(&parts).unwrap(), "/v1/items/17//parts");
        assert_eq!(trailing_slash(&parts).unwrap(), "/v1/items/17/parts/");
        for path in ["/", "/items/", "*", ""] {
            let parts = Parts::of(path);
            assert!(
                parts.last().is_none() && parts.integer().is_none(),
                "{path}"
            );
            assert!(trailing_slash(&parts).is_none() && doubled_slash(&parts).is_none());
        }
    }

    #[test]
    fn the_first_key_of_a_query_is_used() {
        let parts = Parts::of("/a?x=1&y=2");
        assert_eq!(parts.with_value("%zz"), "x=%zz&y=2");
        assert_eq!(parts.with_pair("z=3"), "x=1&y=2&z=3");
        assert_eq!(parts.with_key_twice().unwrap(), "x=1&y=2&x=2");
        assert_eq!(Parts::of("/a?x=2").with_key_twice().unwrap(), "x=2&x=3");
        for path in ["/a", "/a?"] {
            let parts = Parts::of(path);
            assert_eq!(parts.with_value("1"), "q=1");
            assert_eq!(parts.with_pair("z=3"), "z=3");
            assert!(parts.with_key_twice().is_none());
        }
        assert_eq!(Parts::of("/a?flag").with_value("1"), "flag=1");
    }

    #[test]
    fn numbers_are_spelt_in_other_ways() {
        assert_eq!(hexadecimal("255").unwrap(), "0xff");
        assert!(hexadecimal(&"9".repeat(30)).is_none());
        assert_eq!(full_width("10"), "%EF%BC%91%EF%BC%90");
    }
}
