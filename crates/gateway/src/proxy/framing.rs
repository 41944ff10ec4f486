//! What the HTTP/1.1 parser forgives and a proxy must not.
//!
//! A request with both `Transfer-Encoding` and `Content-Length` is how one server is made to see two
//! requests where another sees one (RFC 9112, section 6.1). The parser resolves the contradiction
//! silently, so the heads are watched as they are read: cheap, since a head is a few hundred bytes,
//! and by line, since nothing else is asked of it. A bare CR or LF and lines that continue the one
//! before are refused by the parser itself.

use memchr::memchr;

/// What is known of the bytes that a connection has brought.
#[derive(Debug, Default)]
pub(crate) struct Framing {
    place: Place,
    seen: Seen,
    /// The beginning of a line whose end has not come yet.
    line: Vec<u8>,
    /// The beginning of the last request line.
    request_line: Vec<u8>,
    refused: Option<&'static str>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    #[default]
    Head,
    /// A body of which so many bytes are missing.
    Body(u64),
    /// A body in chunks: its end is known by the parser alone.
    Chunked,
}

#[derive(Debug, Default, Clone, Copy)]
struct Seen {
    request_line: bool,
    length: Option<u64>,
    chunked: bool,
}

/// Bytes of a line that decide what it is: the names looked for and a length behind them.
const LINE_BYTES: usize = 64;

impl Framing {
    /// Looks at what was read.
    pub(crate) fn read(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match self.place {
                Place::Chunked => return,
                Place::Body(missing) => {
                    let here = (bytes.len() as u64).min(missing);
                    bytes = &bytes[here as usize..];
                    self.place = match missing - here {
                        0 => Place::Head,
                        rest => Place::Body(rest),
                    };
                }
                Place::Head => bytes = self.head(bytes),
            }
        }
    }

    /// The body in chunks is over; the next bytes are a head.
    pub(crate) fn body_ended(&mut self) {
        if self.place == Place::Chunked {
            self.place = Place::Head;
        }
    }

    /// Why the request must not be carried on, if so.
    pub(crate) fn refused(&self) -> Option<&'static str> {
        self.refused
    }

    /// The beginning of the last request line, as it came.
    pub(crate) fn request_line(&self) -> &[u8] {
        match self.seen.request_line || self.line.is_empty() {
            true => &self.request_line,
            false => &self.line,
        }
    }

    /// Has a head begun whose end has not come?
    pub(crate) fn is_within_head(&self) -> bool {
        self.place == Place::Head && (self.seen.request_line || !self.line.is_empty())
    }

    fn head<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let Some(end) = memchr(b'\n', bytes) else {
            let room = LINE_BYTES.saturating_sub(self.line.len());
            self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
            return &[];
        };
        if self.line.is_empty() {
            // No more of a line than is kept of one that comes in pieces: both mean the same.
            self.whole_line(&bytes[..end.min(LINE_BYTES)]);
        } else {
            let mut line = std::mem::take(&mut self.line);
            let room = LINE_BYTES.saturating_sub(line.len());
            line.extend_from_slice(&bytes[..end.min(room)]);
            self.whole_line(&line);
            line.clear();
            self.line = line;
        }
        &bytes[end + 1..]
    }

    fn whole_line(&mut self, line: &[u8]) {
        let is_cut = line.len() >= LINE_BYTES;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match line.first() {
            // Empty lines before a request are ignored (RFC 9112, section 2.2).
            None if !self.seen.request_line => {}
            None => self.end_of_head(),
            Some(_) if !self.seen.request_line => {
                self.seen.request_line = true;
                self.request_line.clear();
                self.request_line.extend_from_slice(line);
            }
            Some(b'c' | b'C') => {
                if let Some(value) = value_of(line, b"content-length") {
                    if is_cut {
                        self.refuse("Content-Length is longer than any length");
                    }
                    self.length(value);
                }
            }
            Some(b't' | b'T') => {
                if value_of(line, b"transfer-encoding").is_some() {
                    if self.seen.chunked {
                        self.refuse("Transfer-Encoding is given twice");
                    }
                    self.seen.chunked = true;
                }
            }
            Some(_) => {}
        }
    }

    fn length(&mut self, value: &[u8]) {
        if self.seen.length.is_some() {
            self.refuse("Content-Length is given twice");
        }
        // What is no number is refused by the parser.
        let number = std::str::from_utf8(value)
            .ok()
            .and_then(|text| text.trim().parse().ok());
        self.seen.length = Some(number.unwrap_or(0));
    }

    fn end_of_head(&mut self) {
        let seen = std::mem::take(&mut self.seen);
        self.place = match (seen.chunked, seen.length) {
            (true, Some(_)) => {
                self.refuse("both Transfer-Encoding and Content-Length are given");
                Place::Chunked
            }
            (true, None) => Place::Chunked,
            (false, Some(length)) if length > 0 => Place::Body(length),
            (false, _) => Place::Head,
        };
    }

    fn refuse(&mut self, why: &'static str) {
        self.refused.get_or_insert(why);
    }
}

/// What stands behind the colon if the line has this name (lower case).
fn value_of<'l>(line: &'l [u8], name: &[u8]) -> Option<&'l [u8]> {
    let (start, rest) = line.split_at_checked(name.len())?;
    // White space before the colon is refused by the parser.
    start
        .eq_ignore_ascii_case(name)
        .then_some(rest)?
        .strip_prefix(b":")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const AMBIGUOUS: [&str; 4] = [
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nabcd",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n\r\n",
    ];
    const FINE: &str = concat!(
        "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 37\r\n\r\nTransfer-Encoding: a\r\nContent-Length: 4",
        "\r\nGET / HTTP/1.1\r\nTransfer-Encodings: a\r\nContent-Lengths: 4\r\nContent: 1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
        "POST /b HTTP/1.1\r\nContent-Length: 1\r\n\r\nx",
    );

    fn refused(text: &str, cuts: &[usize]) -> Option<&'static str> {
        let mut framing = Framing::default();
        let (mut rest, mut cuts) = (text.as_bytes(), cuts.iter());
        while !rest.is_empty() {
            let cut = cuts
                .next()
                .map_or(rest.len(), |cut| (*cut).clamp(1, rest.len()));
            framing.read(&rest[..cut]);
            rest = &rest[cut..];
        }
        framing.refused()
    }

    proptest! {
        #[test]
        fn contradictions_are_found_however_they_are_cut(cuts in proptest::collection::vec(1usize..60, 0..20)) {
            for text in AMBIGUOUS {
                prop_assert!(refused(text, &cuts).is_some(), "{}", text);
                prop_assert!(refused(&format!("{FINE}{text}"), &cuts).is_some(), "pipelined: {}", text);
            }
            prop_assert_eq!(refused(FINE, &cuts), None);
        }

        #[test]
        fn any_bytes_are_looked_at_in_bounded_memory(bytes in proptest::collection::vec(any::<u8>(), 0..2000), cut in 1usize..100) {
            let mut framing = Framing::default();
            for piece in bytes.chunks(cut) {
                framing.read(piece);
                prop_assert!(framing.line.len() <= LINE_BYTES);
            }
        }
    }

    /// Else its body would be passed over too far, or not at all, and hide the head behind it.
    #[test]
    fn a_length_that_is_too_long_to_be_kept_is_refused_however_it_is_cut() {
        let head = format!("POST / HTTP/1.1\r\nContent-Length:{:60}5\r\n\r\n", "");
        for cuts in [&[][..], &[30], &[75, 3]] {
            assert!(refused(&head, cuts).is_some(), "{cuts:?}");
        }
    }

    #[test]
    fn a_head_that_has_begun_is_known_by_its_first_line() {
        let mut framing = Framing::default();
        for (bytes, within, line) in [
            ("\r\n", false, ""),
            ("GET /a", true, "GET /a"),
            (" HTTP/1.1\r\nHo", true, "GET /a HTTP/1.1"),
            ("st: a\r\n\r\n", false, "GET /a HTTP/1.1"),
            (
                "POST /b HTTP/1.1\r\nContent-Length: 3\r\n\r\na",
                false,
                "POST /b HTTP/1.1",
            ),
            ("bc", false, "POST /b HTTP/1.1"),
            ("\x16\x03", true, "\x16\x03"),
        ] {
            framing.read(bytes.as_bytes());
            assert_eq!(framing.is_within_head(), within, "{bytes:?}");
            assert_eq!(framing.request_line(), line.as_bytes(), "{bytes:?}");
        }
    }

    #[test]
    fn a_body_in_chunks_is_passed_over_until_its_end_is_told() {
        let mut framing = Framing::default();
        framing.read(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n26\r\nx\r\nContent-Length: 1\r\nTransfer-Encoding: a\r\n0\r\n\r\n");
        assert_eq!(framing.refused(), None);
        framing.body_ended();
        framing.read(AMBIGUOUS[0].as_bytes());
        assert!(framing.refused().is_some());
    }
}
