//! Uploads whose type, length or announcement is unusual. Pure.

use super::class::Class;
use super::recorded::Recorded;
use super::wire::{Body, Framing, Raw};

/// A path that no service has.
const UNKNOWN_PATH: &str = "/understudy-unknown";
/// Spaces that make a body large: more than servers, proxies and kernels keep of what nothing reads.
const LARGE: usize = 3_000_000;

/// Of uploads in JSON.
pub(super) const CLASSES: &[Class] = &[
    Class {
        id: "body.unread",
        title: "a body of 3 MB that nothing reads",
        breaks: "Clients that send a large body to a wrong path lose the answer, or wait.",
        share: 0.8972,
        writes: true,
        make: unread,
    },
    Class {
        id: "body.large_chunked",
        title: "a body of 3 MB in chunks",
        breaks: "Clients that upload a lot are refused, or lose the answer.",
        share: 0.6285,
        writes: true,
        make: |recorded| large(recorded, Framing::Chunked),
    },
    Class {
        id: "body.large",
        title: "a body of 3 MB",
        breaks: "Clients that upload a lot are refused, or lose the answer.",
        share: 0.6206,
        writes: true,
        make: |recorded| large(recorded, Framing::Length),
    },
    Class {
        id: "body.gzip",
        title: "a compressed body",
        breaks: "Clients that compress what they send are refused, or it is not understood.",
        share: 0.5415,
        writes: true,
        make: compressed,
    },
    Class {
        id: "expect.refused_type",
        title: "`Expect: 100-continue` with a refused type",
        breaks: "Clients such as curl wait a second, or send a body in vain.",
        share: 0.8577,
        writes: true,
        make: |recorded| typed(recorded, "text/plain").map(expecting),
    },
    Class {
        id: "expect.unknown_path",
        title: "`Expect: 100-continue` to an unknown path",
        breaks: "Clients such as curl wait a second, or send a body in vain.",
        share: 0.6443,
        writes: true,
        make: |recorded| {
            Some(expecting(
                recorded.document()?.with_target(UNKNOWN_PATH.to_owned()),
            ))
        },
    },
    Class {
        id: "expect.accepted",
        title: "`Expect: 100-continue`",
        breaks: "Clients such as curl wait a second for each large upload.",
        // By status it told no pair apart; if the server asks for the body was not looked at.
        share: 0.0,
        writes: true,
        make: |recorded| recorded.document().map(expecting),
    },
    Class {
        id: "content_type.form",
        title: "JSON as a form",
        breaks: "Clients such as `curl -d` that name no type are refused by one of the two.",
        share: 0.8063,
        writes: true,
        make: |recorded| typed(recorded, "application/x-www-form-urlencoded"),
    },
    Class {
        id: "content_type.multipart",
        title: "JSON as multipart/form-data",
        breaks: "Clients with a wrong type see another error.",
        share: 0.7945,
        writes: true,
        make: |recorded| typed(recorded, "multipart/form-data; boundary=x"),
    },
    Class {
        id: "content_type.text",
        title: "JSON as text/plain",
        breaks: "Beacons and webhooks that send JSON as a text are refused by one of the two.",
        share: 0.7905,
        writes: true,
        make: |recorded| typed(recorded, "text/plain"),
    },
    Class {
        id: "content_type.none",
        title: "JSON without a type",
        breaks: "Scripts and bridges that send no type are refused by one of the two.",
        share: 0.7787,
        writes: true,
        make: |recorded| Some(recorded.document()?.without_field("content-type")),
    },
    Class {
        id: "content_type.octet_stream",
        title: "JSON as octet-stream",
        breaks: "Message bridges that send JSON as bytes are refused by one of the two.",
        share: 0.7787,
        writes: true,
        make: |recorded| typed(recorded, "application/octet-stream"),
    },
    Class {
        id: "content_type.bad_parameter",
        title: "JSON with a malformed parameter of its type",
        breaks: "Clients that write a parameter without its value are refused.",
        share: 0.4506,
        writes: true,
        make: |recorded| typed(recorded, "application/json; charset"),
    },
    Class {
        id: "content_type.vendor",
        title: "JSON as a type of a vendor",
        breaks: "Clients of JSON:API and the like are refused.",
        share: 0.4387,
        writes: true,
        make: |recorded| typed(recorded, "application/vnd.api+json"),
    },
];

fn typed(recorded: &Recorded<'_>, kind: &str) -> Option<Raw> {
    Some(recorded.document()?.with_field("Content-Type", kind))
}

fn expecting(raw: Raw) -> Raw {
    Raw {
        expects: true,
        ..raw
    }
}

/// A large body to a method that the path lacks.
fn unread(recorded: &Recorded<'_>) -> Option<Raw> {
    let methods = ["DELETE", "PUT", "PATCH"];
    let raw = methods.iter().find_map(|method| recorded.lacking(method))?;
    let raw = raw
        .with_field("Content-Type", "application/json")
        .with_body(Vec::new());
    Some(padded(raw))
}

fn large(recorded: &Recorded<'_>, framing: Framing) -> Option<Raw> {
    let raw = padded(recorded.document()?);
    Some(Raw { framing, ..raw })
}

fn padded(raw: Raw) -> Raw {
    let body = Body {
        padding: LARGE,
        ..raw.body
    };
    Raw { body, ..raw }
}

fn compressed(recorded: &Recorded<'_>) -> Option<Raw> {
    let raw = recorded.document()?.with_field("Content-Encoding", "gzip");
    let body = Body {
        gzip: true,
        ..raw.body
    };
    Some(Raw { body, ..raw })
}
