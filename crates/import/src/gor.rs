//! Requests of GoReplay's captures. Answers in them are not counted.

use crate::recorded::{Found, Part, Place, Reason, Recorded, at};
use understudy_wire::gor::{Kind, records};
use understudy_wire::http1::{ReceivedError, ReceivedRequest};

/// Methods that have a body only where the head says so (RFC 9110, section 9.3).
const WITHOUT_BODY: [&str; 5] = ["GET", "HEAD", "OPTIONS", "DELETE", "TRACE"];

/// The requests of a capture.
pub(crate) fn requests(bytes: &[u8]) -> impl Iterator<Item = Found> {
    records(bytes).flat_map(|(line, record)| match record {
        Ok(record) if record.kind != Kind::Request => Vec::new(),
        Ok(record) => of_record(line, record.message),
        Err(_) => vec![Found {
            place: Place::Line(line),
            request: Err(Reason::Unreadable),
        }],
    })
}

/// The requests of one record: one, or several that a client sent without waiting for answers.
fn of_record(line: u64, message: &[u8]) -> Vec<Found> {
    let mut all = Vec::new();
    let mut rest = message;
    loop {
        // The first is found by the line of its record.
        let before = &message[..message.len() - rest.len()];
        let place = match before.is_empty() {
            true => Place::Line(line),
            false => Place::Line(line + 1 + memchr::memchr_iter(b'\n', before).count() as u64),
        };
        let read = ReceivedRequest::read(rest);
        let (mut received, length) = match read {
            Ok(read) => read,
            Err(error) => {
                let request = Err(reason(error));
                all.push(Found { place, request });
                return all;
            }
        };
        let behind = &rest[length..];
        let is_last = behind.trim_ascii().is_empty() || !is_request_line(behind);
        if is_last && !received.has_length && !WITHOUT_BODY.contains(&received.method.as_str()) {
            // Without a length in its head, the body is what the record holds.
            received.body = behind.to_vec();
            rest = &[];
        } else {
            rest = behind;
        }
        all.push(Found {
            place: place.clone(),
            request: request(received),
        });
        if rest.trim_ascii().is_empty() {
            return all;
        }
        if is_last {
            let request = Err(Reason::Leftover);
            all.push(Found { place, request });
            return all;
        }
    }
}

fn reason(error: ReceivedError) -> Reason {
    match error {
        ReceivedError::Body => Reason::NoBody,
        ReceivedError::Head => Reason::NotHttp,
        ReceivedError::TooManyHeaders => Reason::TooManyHeaders,
    }
}

/// Do the bytes begin with the first line of a request?
fn is_request_line(bytes: &[u8]) -> bool {
    let bytes = bytes.trim_ascii_start();
    let line = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let words: Vec<&[u8]> = line.trim_ascii_end().split(|byte| *byte == b' ').collect();
    matches!(words.as_slice(), [method, .., version]
        if !method.is_empty() && method.is_ascii() && version.starts_with(b"HTTP/1."))
}

fn request(received: ReceivedRequest) -> Result<Recorded, Reason> {
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
        let first = address.split(',').next().unwrap_or_default().trim();
        format!("client {first} {agent}")
    });
    let host = value("host");
    let of = Recorded {
        method: received.method,
        host,
        headers: received.headers,
        body: received.body,
        client,
        without: received
            .not_text
            .iter()
            .map(|_| Part::HeaderNotText)
            .collect(),
        ..Recorded::default()
    };
    at(&received.target, of)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines with method, path and body of each request, or the reason.
    fn of(messages: &[&str]) -> Vec<(u64, String)> {
        let file: String = messages
            .iter()
            .map(|message| format!("1 aa 1700000000000000000 0\n{message}\n🐵🙈🙉\n"))
            .collect();
        let shown = |found: Found| {
            let line = match found.place {
                Place::Line(line) => line,
                other => panic!("{other:?} of a capture"),
            };
            let request = match found.request {
                Ok(of) => format!(
                    "{} {} {}",
                    of.method,
                    of.path,
                    String::from_utf8_lossy(&of.body)
                ),
                Err(reason) => format!("{reason:?}"),
            };
            (line, request)
        };
        requests(file.as_bytes()).map(shown).collect()
    }

    fn expected(all: &[(u64, &str)]) -> Vec<(u64, String)> {
        all.iter()
            .map(|(line, text)| (*line, (*text).to_owned()))
            .collect()
    }

    #[test]
    fn requests_of_one_record_are_found_with_their_lines() {
        let post =
            |path: &str| format!("POST {path} HTTP/1.1\r\nContent-Length: 7\r\n\r\n{{\"a\":1}}");
        let glued = format!("{}{}", post("/a"), post("/b"));
        assert_eq!(
            of(&[&glued, "GET /c HTTP/1.1\r\n\r\n"]),
            expected(&[
                (1, "POST /a {\"a\":1}"),
                (5, "POST /b {\"a\":1}"),
                (10, "GET /c ")
            ])
        );
        let pipelined = "GET /a HTTP/1.1\r\n\r\nHEAD /b HTTP/1.1\r\n\r\n\r\n";
        assert_eq!(
            of(&[pipelined]),
            expected(&[(1, "GET /a "), (4, "HEAD /b ")])
        );
        let chunked = "PUT /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\nGET /b HTTP/1.1\r\n\r\n";
        assert_eq!(
            of(&[chunked]),
            expected(&[(1, "PUT /a hi"), (9, "GET /b ")])
        );
    }

    #[test]
    fn without_a_length_the_body_is_what_the_record_holds() {
        assert_eq!(
            of(&["POST /a HTTP/1.1\r\nHost: h\r\n\r\n{\"a\":1}"]),
            expected(&[(1, "POST /a {\"a\":1}")])
        );
        assert_eq!(
            of(&["POST /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n"]),
            expected(&[(1, "POST /a "), (4, "GET /b ")])
        );
        // A chunked body that was captured without its chunks, and one that was cut.
        let unchunked = "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{\"a\":1}";
        assert_eq!(of(&[unchunked]), expected(&[(1, "POST /a {\"a\":1}")]));
        let cut = "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"a";
        assert_eq!(of(&[cut]), expected(&[(1, "NoBody")]));
    }

    #[test]
    fn what_is_left_behind_a_request_is_counted() {
        assert_eq!(
            of(&["GET /a HTTP/1.1\r\n\r\nrest"]),
            expected(&[(1, "GET /a "), (1, "Leftover")])
        );
        assert_eq!(
            of(&["POST /a HTTP/1.1\r\nContent-Length: 1\r\n\r\n12"]),
            expected(&[(1, "POST /a 1"), (1, "Leftover")])
        );
        let cut = "GET /a HTTP/1.1\r\n\r\nPOST /b HTTP/1.1\r\nContent-Length: 9\r\n\r\n1";
        assert_eq!(of(&[cut]), expected(&[(1, "GET /a "), (4, "NoBody")]));
        let many = format!("GET /a HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(130));
        assert_eq!(of(&[&many]), expected(&[(1, "TooManyHeaders")]));
    }

    #[test]
    fn a_header_that_is_not_text_is_left_out_of_its_request() {
        let file = b"1 aa 1 0\nGET /a HTTP/1.1\r\nX-Name: caf\xe9\r\nX-B: b\r\n\r\n\n";
        let found: Vec<Found> = requests(file).collect();
        let request = found[0].request.as_ref().unwrap();
        assert_eq!(request.headers, [("X-B".to_owned(), "b".to_owned())]);
        assert_eq!(request.without, [Part::HeaderNotText]);
    }
}
