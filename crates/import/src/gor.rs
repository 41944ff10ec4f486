//! Requests of GoReplay's captures. Answers in them are no requests and are not counted.

use crate::recorded::{Found, Place, Reason, Recorded, at};
use understudy_wire::gor::{Kind, records};
use understudy_wire::http1::{ReceivedError, ReceivedRequest};

/// The requests of a capture.
pub(crate) fn requests(bytes: &[u8]) -> impl Iterator<Item = Found> {
    records(bytes).filter_map(|(line, record)| {
        let request = match record {
            Ok(record) if record.kind != Kind::Request => return None,
            Ok(record) => request(record.message),
            Err(_) => Err(Reason::Unreadable),
        };
        Some(Found {
            place: Place::Line(line),
            request,
        })
    })
}

fn request(message: &[u8]) -> Result<Recorded, Reason> {
    let received = ReceivedRequest::read(message).map_err(|error| match error {
        ReceivedError::Body => Reason::NoBody,
        ReceivedError::Head | ReceivedError::Text => Reason::NotHttp,
    })?;
    let value = |name: &str| {
        let found = received
            .headers
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.clone())
    };
    if value("upgrade").is_some_and(|to| to.eq_ignore_ascii_case("websocket")) {
        return Err(Reason::WebSocket);
    }
    // The capture has no addresses; a proxy before the server may have written one down.
    let address = value("x-real-ip").or_else(|| value("x-forwarded-for"));
    let client = address.map(|address| {
        let agent = value("user-agent").unwrap_or_default();
        format!("client {address} {agent}")
    });
    let host = value("host");
    let of = Recorded {
        method: received.method,
        host,
        headers: received.headers,
        body: received.body,
        client,
        ..Recorded::default()
    };
    at(&received.target, of)
}
