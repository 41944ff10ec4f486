//! Requests of HTTP archives.

use crate::recorded::{Found, Origin, Place, Reason, Recorded, at};
use understudy_wire::har::{Archive, Body, Entry, HarError};

/// The requests of an archive, at most so many.
pub(crate) fn requests(text: &str, most: usize) -> Result<Vec<Found>, HarError> {
    let archive = Archive::new(text)?;
    let found = archive.entries().take(most).zip(1..);
    let found = found.map(|((line, entry), number)| Found {
        place: Place::Entry { line, number },
        request: entry.map_err(|_| Reason::Unreadable).and_then(request),
    });
    Ok(found.collect())
}

fn request(entry: Entry) -> Result<Recorded, Reason> {
    if entry.websocket || entry.status == Some(101) {
        return Err(Reason::WebSocket);
    }
    if entry.cached {
        return Err(Reason::FromCache);
    }
    let body = match entry.body {
        // Nothing was sent, whatever the archive holds of the body.
        _ if entry.status == Some(0) => return Err(Reason::NotAnswered),
        Body::None => Vec::new(),
        Body::Bytes(bytes) => bytes,
        Body::NotKept => return Err(Reason::NoBody),
        Body::Differs => return Err(Reason::BodyDiffers),
    };
    let named = entry
        .headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("host"));
    let of = Recorded {
        method: entry.method,
        host: named.map(|(_, host)| host.clone()),
        headers: entry.headers,
        body,
        client: entry.page.map(|page| format!("page {page}")),
        from: Origin::Browser,
        ..Recorded::default()
    };
    at(&entry.url, of)
}
