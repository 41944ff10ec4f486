//! The records of a file: a line each, or JSON objects one after the other, in a list, or over many lines.

mod pieces;

use super::columns::{self, Columns};
use super::{Entry, LineError, MAX_LINE_BYTES, entry};
use crate::{framing, json};
use memchr::{memchr, memchr_iter};

/// The requests of a file, each with the number (from 1) of its line. Empty lines and lines that only say something
/// about others are none.
pub fn entries(bytes: &[u8]) -> impl Iterator<Item = (u64, Result<Entry, LineError>)> {
    let mut records = Records {
        bytes,
        at: 0,
        line: 1,
        left: MOST_UNCLOSED,
    };
    let mut columns: Option<Columns> = None;
    let mut ends_left = pieces::MOST_ENDLESS;
    std::iter::from_fn(move || {
        loop {
            let (line, record) = records.next()?;
            if columns::is_directive(record) {
                columns = Columns::read(&String::from_utf8_lossy(record)).or(columns.take());
                continue;
            }
            let read = match &columns {
                Some(_) if record.len() > MAX_LINE_BYTES => Err(LineError::TooLong),
                Some(columns) => columns.entry(&framing::text_of(record)),
                None => match pieces::joined(record, &mut records, &mut ends_left) {
                    Some(whole) => entry(whole.as_bytes()),
                    None => entry(record),
                },
            };
            return Some((line, read));
        }
    })
}

/// Most objects that are looked for over many lines and are not closed: each costs a look at what follows.
const MOST_UNCLOSED: u32 = 100;

#[derive(Clone)]
struct Records<'b> {
    bytes: &'b [u8],
    at: usize,
    line: u64,
    /// Objects that may still be found unclosed.
    left: u32,
}

impl<'b> Iterator for Records<'b> {
    type Item = (u64, &'b [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
            let length = memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
            let whole = &rest[..length];
            let line = whole.trim_ascii();
            // What is between the elements of a list.
            let between =
                |byte: &u8| matches!(byte, b'[' | b']' | b',') || byte.is_ascii_whitespace();
            let Some(begin) = whole.iter().position(|byte| !between(byte)) else {
                self.go_on(length);
                continue;
            };
            let number = self.line;
            if whole[begin] != b'{' {
                self.go_on(length);
                return Some((number, line));
            }
            if let Some(object) = json::value(&whole[begin..]) {
                let behind = &whole[begin + object.len()..];
                let more = behind.iter().position(|byte| !between(byte));
                // Another object on the same line; anything else behind it belongs to the line.
                return match more.filter(|at| behind[*at] == b'{') {
                    Some(at) => {
                        self.go_on(begin + object.len() + at);
                        Some((number, object))
                    }
                    None => {
                        self.go_on(length);
                        Some((number, whole[begin..].trim_ascii()))
                    }
                };
            }
            // An object over many lines has its bracket at the end of a line.
            let many = (line.last() == Some(&b'{') && self.left > 0)
                .then(|| &rest[begin..rest.len().min(begin + MAX_LINE_BYTES)]);
            if let Some(object) = many.and_then(json::value) {
                self.go_on(begin + object.len());
                return Some((number, object));
            }
            self.left -= u32::from(many.is_some());
            self.go_on(length);
            return Some((number, line));
        }
    }
}

impl Records<'_> {
    fn go_on(&mut self, length: usize) {
        let gone = &self.bytes[self.at..self.at + length];
        self.line += memchr_iter(b'\n', gone).count() as u64;
        self.at += length;
    }
}
