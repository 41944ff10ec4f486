//! Requests of HTTP archives.

use crate::recorded::{Found, Origin, Place, Reason, Recorded, at};
use understudy_wire::har::{Body, Entry, HarError, entries};

/// The requests of an archive.
pub(crate) fn requests(text: &str) -> Result<impl Iterator<Item = Found>, HarError> {
    Ok(entries(text)?.map(|(line, entry)| Found {
        place: Place::Line(line),
        request: entry.map_err(|_| Reason::Unreadable).and_then(request),
    }))
}

fn request(entry: Entry) -> Result<Recorded, Reason> {
    if entry.websocket || entry.status == 101 {
        return Err(Reason::WebSocket);
    }
    if entry.cached {
        return Err(Reason::FromCache);
    }
    if entry.status == 0 {
        return Err(Reason::NotAnswered);
    }
    let body = match entry.body {
        Body::None => Vec::new(),
        Body::Bytes(bytes) => bytes,
        Body::NotKept => return Err(Reason::NoBody),
    };
    let of = Recorded {
        method: entry.method,
        headers: entry.headers,
        body,
        client: entry.page.map(|page| format!("page {page}")),
        from: Origin::Browser,
        ..Recorded::default()
    };
    at(&entry.url, of)
}
