//! Requests of access logs: what they hold is a method and a path, seldom a body.

use crate::recorded::{Found, Place, Reason, Recorded, at};
use understudy_wire::access_log::{Entry, LineError, entries};

/// Methods whose requests have no body as a rule (RFC 9110, section 9.3).
const WITHOUT_BODY: [&str; 5] = ["GET", "HEAD", "OPTIONS", "DELETE", "TRACE"];

/// The requests of a log.
pub(crate) fn requests(bytes: &[u8]) -> impl Iterator<Item = Found> {
    entries(bytes).map(|(line, entry)| Found {
        place: Place::Line(line),
        request: entry
            .map_err(|error| match error {
                LineError::Request => Reason::NotHttp,
                LineError::Form => Reason::NotLogged,
                LineError::TooLong => Reason::Unreadable,
            })
            .and_then(request),
    })
}

fn request(entry: Entry) -> Result<Recorded, Reason> {
    let (body, kind) = entry.body.unwrap_or_default();
    if body.is_empty() && !WITHOUT_BODY.contains(&entry.method.as_str()) {
        // CONNECT asks for a tunnel; anything else had a body, or may have had one.
        return Err(match entry.method.as_str() {
            "CONNECT" => Reason::NotHttp,
            _ => Reason::NoBody,
        });
    }
    let agent = entry.user_agent.unwrap_or_default();
    let of = Recorded {
        method: entry.method,
        host: entry.host,
        headers: kind
            .map(|kind| ("Content-Type".to_owned(), kind))
            .into_iter()
            .collect(),
        body: body.into_bytes(),
        client: entry
            .client
            .map(|client| format!("client {client} {agent}")),
        ..Recorded::default()
    };
    at(&entry.target, of)
}
