//! Requests whose method, `Host` or fields are unusual. Pure.

use super::class::Class;
use super::recorded::Recorded;
use super::wire::{Host, Raw};

/// A method that no server knows.
const UNKNOWN_METHOD: &str = "XYZZY";
/// A host that no resolver knows (RFC 6761, section 6.2).
const OTHER_HOST: &str = "other.test";
/// The field that makes a head long.
const FILLER: &str = "X-Understudy";
/// One line more than the 100 that many servers take.
const MANY_LINES: usize = 101;

/// Of heads: none has a body, but where a method takes one.
pub(super) const CLASSES: &[Class] = &[
    Class {
        id: "method.lower_case",
        title: "`get` in lower case",
        breaks: "Clients that write methods in lower case are refused by one of the two.",
        share: 0.8893,
        writes: false,
        make: |recorded| recorded.read().map(|_| recorded.with_method("get")),
    },
    Class {
        id: "method.unknown",
        title: "an unknown method",
        breaks: "Scanners and clients of other protocols see another error.",
        share: 0.8498,
        writes: false,
        make: |recorded| Some(recorded.with_method(UNKNOWN_METHOD)),
    },
    Class {
        id: "method.options",
        title: "OPTIONS of a path",
        breaks: "Clients that ask what a path allows see another answer.",
        share: 0.8221,
        writes: false,
        make: |recorded| recorded.lacking("OPTIONS"),
    },
    Class {
        id: "method.preflight",
        title: "the preflight of a browser",
        breaks: "Web pages of another origin may call only one of the two.",
        share: 0.8221,
        writes: false,
        make: preflight,
    },
    Class {
        id: "method.delete",
        title: "DELETE of a path that lacks it",
        breaks: "Clients that read `Allow` or the status of a refused method see another one.",
        share: 0.6877,
        writes: true,
        make: |recorded| recorded.lacking("DELETE"),
    },
    Class {
        id: "method.put",
        title: "PUT to a path that lacks it",
        breaks: "Clients that read `Allow` or the status of a refused method see another one.",
        share: 0.6877,
        writes: true,
        make: |recorded| with_document(recorded, "PUT"),
    },
    Class {
        id: "method.patch",
        title: "PATCH of a path that lacks it",
        breaks: "Clients that read `Allow` or the status of a refused method see another one.",
        share: 0.6877,
        writes: true,
        make: |recorded| with_document(recorded, "PATCH"),
    },
    Class {
        id: "method.get",
        title: "GET of a path that lacks it",
        breaks: "People who open the address of a form in a browser see another answer.",
        share: 0.6759,
        writes: false,
        make: |recorded| recorded.lacking("GET"),
    },
    Class {
        id: "method.options_star",
        title: "OPTIONS of `*`",
        breaks: "Load balancers that probe the server as a whole see another answer.",
        share: 0.6285,
        writes: false,
        make: |_| Some(Raw::new("OPTIONS", "*")),
    },
    Class {
        id: "method.head",
        title: "HEAD of a path",
        breaks: "Caches, link checkers and monitors that ask by HEAD get an error.",
        share: 0.4822,
        writes: false,
        make: |recorded| recorded.lacking("HEAD"),
    },
    Class {
        id: "head.field_70kb",
        title: "a field of 70 kB",
        breaks: "Clients with very large cookies or tokens are refused.",
        share: 0.7549,
        writes: false,
        make: |recorded| long_field(recorded, 70_000),
    },
    Class {
        id: "head.field_17kb",
        title: "a field of 17 kB",
        breaks: "Clients with large cookies or tokens are refused.",
        share: 0.6957,
        writes: false,
        make: |recorded| long_field(recorded, 17_000),
    },
    Class {
        id: "head.lines_101",
        title: "101 field lines",
        breaks: "Clients behind proxies that add many fields are refused.",
        share: 0.6206,
        writes: false,
        make: many_lines,
    },
    Class {
        id: "head.field_9kb",
        title: "a field of 9 kB",
        breaks: "Clients with cookies of some kilobytes are refused.",
        share: 0.5138,
        writes: false,
        make: |recorded| long_field(recorded, 9_000),
    },
    Class {
        id: "host.missing",
        title: "no `Host`",
        breaks: "Old clients and simple health checks are refused.",
        share: 0.7194,
        writes: false,
        make: |recorded| Some(recorded.read()?.with_host(Host::Missing)),
    },
    Class {
        id: "host.malformed",
        title: "a `Host` with a space",
        breaks: "Misconfigured proxies and clients are refused, or their links are wrong.",
        share: 0.6206,
        writes: false,
        make: |recorded| with_host(recorded, "a b"),
    },
    Class {
        id: "host.another",
        title: "another `Host`",
        breaks: "Clients that reach the service by another name are refused, or redirected.",
        share: 0.087,
        writes: false,
        make: |recorded| with_host(recorded, OTHER_HOST),
    },
    Class {
        id: "accept.unmet",
        title: "an `Accept` that cannot be met",
        breaks: "Clients that ask for XML get an error in place of JSON, or the reverse.",
        share: 0.166,
        writes: false,
        make: |recorded| Some(recorded.read()?.with_field("Accept", "application/xml")),
    },
];

/// What a browser asks before it lets a page of another origin send the recorded request: without cookies and
/// credentials (Fetch standard, CORS-preflight fetch).
fn preflight(recorded: &Recorded<'_>) -> Option<Raw> {
    let target = recorded.lacking("OPTIONS")?.target;
    Some(
        Raw::new("OPTIONS", &target)
            .with_field("Origin", "https://other.test")
            .with_field("Access-Control-Request-Method", recorded.method())
            .with_field("Access-Control-Request-Headers", "content-type"),
    )
}

fn with_document(recorded: &Recorded<'_>, method: &str) -> Option<Raw> {
    let raw = recorded.lacking(method)?;
    Some(
        raw.with_field("Content-Type", "application/json")
            .with_body(b"{}".to_vec()),
    )
}

fn long_field(recorded: &Recorded<'_>, length: usize) -> Option<Raw> {
    Some(recorded.read()?.with_field(FILLER, &"a".repeat(length)))
}

fn many_lines(recorded: &Recorded<'_>) -> Option<Raw> {
    let raw = recorded.read()?;
    let lines = raw.fields.len() + usize::from(!raw.has_field("host"));
    let missing = MANY_LINES.checked_sub(lines)?;
    let add = |raw: Raw, number: usize| raw.with_field(&format!("{FILLER}-{number}"), "1");
    (missing > 0).then(|| (1..=missing).fold(raw, add))
}

fn with_host(recorded: &Recorded<'_>, host: &str) -> Option<Raw> {
    Some(recorded.read()?.with_host(Host::Value(host.to_owned())))
}
