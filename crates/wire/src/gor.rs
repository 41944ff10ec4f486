//! GoReplay's capture files (`.gor`): records between lines of three monkeys.
//!
//! A record begins with one line of words, `<type> <id> <time in ns> [<latency in ns>]`, followed
//! by the HTTP message as it was on the wire. A file whose line breaks were rewritten as CRLF is read too. Types are
//! 1 for a request, 2 for the answer it got and 3 for the answer to its replay. (GoReplay, `protocol.go`; the file
//! format has no version.)

use memchr::{memchr, memchr_iter, memmem};

/// Stands between two records on a line of its own; the line break before it belongs to it.
const MARK: &[u8] = "\n🐵🙈🙉".as_bytes();

/// What a record holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A request of a client.
    Request,
    /// The answer that it got.
    Response,
    /// The answer that its replay got.
    Replayed,
}

/// One record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// What it holds.
    pub kind: Kind,
    /// The same for a request and its answers.
    pub id: &'a str,
    /// When it began, in nanoseconds since 1970.
    pub at_ns: u64,
    /// The HTTP message.
    pub message: &'a [u8],
}

/// Why a record cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a record does not begin with \"<1, 2 or 3> <id> <time in nanoseconds>\"")]
pub struct RecordError;

/// The records of a file, each with the number (from 1) of its first line.
pub fn records(bytes: &[u8]) -> impl Iterator<Item = (u64, Result<Record<'_>, RecordError>)> {
    let mut rest = Some(bytes);
    let mut line = 1;
    std::iter::from_fn(move || {
        loop {
            let here = rest.take()?;
            let (text, used) = separated(here);
            rest = (used < here.len()).then(|| &here[used..]);
            let first = line;
            line += memchr_iter(b'\n', &here[..used]).count() as u64;
            // Nothing but line breaks is behind the last separator.
            if !text.trim_ascii().is_empty() {
                return Some((first, record(text)));
            }
        }
    })
}

/// The first record of the rest of a file, and how many bytes it takes with the separator behind it.
fn separated(bytes: &[u8]) -> (&[u8], usize) {
    for at in memmem::find_iter(bytes, MARK) {
        let end = at + MARK.len();
        match &bytes[end..] {
            [] | [b'\n', ..] => return (&bytes[..at], bytes.len().min(end + 1)),
            [b'\r', b'\n', ..] => {
                let text = &bytes[..at];
                return (text.strip_suffix(b"\r").unwrap_or(text), end + 2);
            }
            // Monkeys inside of a body.
            _ => {}
        }
    }
    (bytes, bytes.len())
}

/// Does a file that begins so hold records?
pub fn is_capture(bytes: &[u8]) -> bool {
    record(bytes).is_ok() || memmem::find(bytes, MARK).is_some()
}

/// Reads one record.
///
/// # Errors
/// Its first line is not that of a record.
pub fn record(text: &[u8]) -> Result<Record<'_>, RecordError> {
    let end = memchr(b'\n', text).unwrap_or(text.len());
    let head = std::str::from_utf8(&text[..end]).map_err(|_| RecordError)?;
    let mut words = head.split_ascii_whitespace();
    let (kind, id, time) = (words.next(), words.next(), words.next());
    let kind = match kind {
        Some("1") => Kind::Request,
        Some("2") => Kind::Response,
        Some("3") => Kind::Replayed,
        _ => return Err(RecordError),
    };
    Ok(Record {
        kind,
        id: id.ok_or(RecordError)?,
        at_ns: time.and_then(|t| t.parse().ok()).ok_or(RecordError)?,
        message: text.get(end + 1..).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn records_are_read_with_their_lines() {
        let file = "1 aa 1700000000000000001\nGET / HTTP/1.1\r\n\r\n\n🐵🙈🙉\n\
                    2 aa 1700000000000000002 1000\nHTTP/1.1 200 OK\r\n\r\nok\n🐵🙈🙉\n\
                    what is this\n🐵🙈🙉\n\n";
        let all: Vec<_> = records(file.as_bytes()).collect();
        assert_eq!(all.len(), 3);
        let (line, first) = all[0];
        let first = first.unwrap();
        assert_eq!((line, first.kind, first.id), (1, Kind::Request, "aa"));
        assert_eq!(first.at_ns, 1_700_000_000_000_000_001);
        assert_eq!(first.message, b"GET / HTTP/1.1\r\n\r\n");
        assert_eq!((all[1].0, all[1].1.unwrap().kind), (6, Kind::Response));
        assert_eq!(all[2], (11, Err(RecordError)));
        assert_eq!(record(b"1 a 5"), record(b"1 a 5\n"));
    }

    #[test]
    fn rewritten_line_breaks_and_separators_in_bodies_are_read() {
        let file = "1 aa 1 0\r\nGET /a HTTP/1.1\r\n\r\n\r\n🐵🙈🙉\r\n\
                    1 bb 2 0\r\nPOST /b HTTP/1.1\r\n\r\nmonkeys\n🐵🙈🙉 in it\r\n🐵🙈🙉";
        let messages: Vec<(u64, &[u8])> = records(file.as_bytes())
            .map(|(line, record)| (line, record.unwrap().message))
            .collect();
        let second = "POST /b HTTP/1.1\r\n\r\nmonkeys\n🐵🙈🙉 in it\r";
        assert_eq!(
            messages,
            [
                (1, b"GET /a HTTP/1.1\r\n\r\n".as_slice()),
                (6, second.as_bytes())
            ]
        );
        assert!(is_capture(
            b"junk\n\xf0\x9f\x90\xb5\xf0\x9f\x99\x88\xf0\x9f\x99\x89\n"
        ));
        assert!(!is_capture(b"GET / HTTP/1.1"));
    }

    proptest! {
        #[test]
        fn what_was_put_together_comes_apart(messages in proptest::collection::vec("[a-zA-Z0-9 \r\n]{1,40}", 0..8)) {
            let file: String = messages
                .iter()
                .map(|message| format!("1 id 7\n{message}\n🐵🙈🙉\n"))
                .collect();
            let read: Vec<&[u8]> = records(file.as_bytes())
                .map(|(_, record)| record.unwrap().message)
                .collect();
            prop_assert_eq!(read, messages.iter().map(String::as_bytes).collect::<Vec<_>>());
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let lines = records(&bytes).map(|(line, _)| line).max().unwrap_or(1);
            prop_assert!(lines <= 1 + bytes.len() as u64);
        }
    }
}
