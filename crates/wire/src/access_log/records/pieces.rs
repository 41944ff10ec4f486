//! Lines that a container runtime cut into pieces because they were too long for it.

use crate::access_log::MAX_LINE_BYTES;
use crate::framing;
use memchr::memmem;
use serde_json::{Map, Value};

/// A piece of a line, or all of it.
struct Piece {
    stream: String,
    text: String,
    is_last: bool,
}

/// Most lines of a file whose end is looked for and does not follow: each costs a look at what follows.
pub(super) const MOST_ENDLESS: u32 = 100;

/// The line that begins with this record, put together of the records that follow; nothing if it is not a piece or
/// if its end does not follow. `left` counts the ends that may still be missing.
pub(super) fn joined<'b>(
    record: &[u8],
    rest: &mut (impl Iterator<Item = (u64, &'b [u8])> + Clone),
    left: &mut u32,
) -> Option<String> {
    // Nearly every line of Docker is whole, which is seen without reading it.
    if *left == 0 || memmem::find(record, br#"\n","stream":""#).is_some() {
        return None;
    }
    let first = piece(record).filter(|piece| !piece.is_last)?;
    let whole = followed(first, rest);
    *left -= u32::from(whole.is_none());
    whole
}

/// A first piece with those that follow it.
fn followed<'b>(
    first: Piece,
    rest: &mut (impl Iterator<Item = (u64, &'b [u8])> + Clone),
) -> Option<String> {
    let mut text = first.text;
    let mut ahead = rest.clone();
    loop {
        let (_, record) = ahead.next()?;
        let next = piece(record).filter(|next| next.stream == first.stream)?;
        text += &next.text;
        if text.len() > MAX_LINE_BYTES {
            return None;
        }
        if next.is_last {
            *rest = ahead;
            return Some(text);
        }
    }
}

fn piece(record: &[u8]) -> Option<Piece> {
    match record.first()? {
        b'{' => of_docker(record),
        b'0'..=b'9' => of_cri(record),
        _ => None,
    }
}

/// `{"log":"...","stream":"stdout","time":"..."}`: a line ends with its line break.
fn of_docker(record: &[u8]) -> Option<Piece> {
    let head = record.starts_with(b"{\"log\":\"");
    head.then(|| memmem::find(record, b"\",\"stream\":\""))??;
    let object: Map<String, Value> = serde_json::from_slice(record).ok()?;
    let text = object.get("log")?.as_str()?;
    Some(Piece {
        stream: object.get("stream")?.as_str()?.to_owned(),
        is_last: text.ends_with('\n'),
        text: text.to_owned(),
    })
}

/// `2026-11-29T12:00:01.1Z stdout P ...`: `F` marks the last piece, and a whole line.
fn of_cri(record: &[u8]) -> Option<Piece> {
    let mut words = record.splitn(4, |byte| *byte == b' ');
    let time = words.next()?;
    let stream = words
        .next()
        .filter(|of| matches!(*of, b"stdout" | b"stderr"))?;
    let is_last = match words.next()? {
        b"F" => true,
        b"P" => false,
        _ => return None,
    };
    let text = framing::text_of(words.next()?).into_owned();
    time.contains(&b'T').then(|| Piece {
        stream: framing::text_of(stream).into_owned(),
        text,
        is_last,
    })
}
