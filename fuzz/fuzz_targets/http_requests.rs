//! What a client sends on one connection: sequences of requests, cut anywhere. Whatever the cuts, the same requests are
//! read and the same one is refused; and a request that is read says one thing only, whatever stands before it.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use understudy_wire::http1::{IncomingHead, Length, Limits, Piece, ROOM, RequestReader};

#[derive(Arbitrary, Debug)]
enum Part<'a> {
    Bytes(&'a [u8]),
    /// One of `KNOWN`.
    Known(u8),
}

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    parts: Vec<Part<'a>>,
    /// Lengths of the pieces, over and over.
    pieces: [u8; 6],
}

const KNOWN: [&str; 12] = [
    "GET /a HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    "POST /d HTTP/1.1\r\nHost: a\r\n",
    "5\r\nhello\r\n",
    "0\r\n\r\n",
    "0\r\nX-Sum: 1\r\n\r\n",
    "Content-Length: 5\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Host: b\r\n",
    "\r\n",
    "\n",
];

const LIMITS: Limits = Limits {
    head_bytes: 512,
    body_bytes: 1 << 20,
    interim: 0,
};
/// Longest line of the chunked coding, its end included.
const CHUNK_LINE: usize = 1024 + 2;

#[derive(Debug, Default, PartialEq)]
struct Request {
    method: String,
    target: String,
    body: Vec<u8>,
    trailers: Vec<u8>,
}

/// The requests, the last of which may be unfinished, and whether the connection was given up.
fn read(wire: &[u8], pieces: impl Iterator<Item = usize>) -> (Vec<Request>, bool) {
    let mut reader = RequestReader::new(LIMITS);
    let mut requests: Vec<Request> = Vec::new();
    let (mut start, mut arrived) = (0, 0);
    for piece in pieces {
        arrived = wire.len().min(arrived + piece);
        loop {
            let input = &wire[start..arrived];
            let taken = match (reader.is_within_body(), requests.last_mut()) {
                (true, Some(request)) => match reader.body(input) {
                    Err(_) => return (requests, true),
                    Ok(Piece::More | Piece::End) => 0,
                    Ok(Piece::Framing(bytes)) => bytes,
                    Ok(Piece::Data(bytes)) => {
                        request.body.extend_from_slice(&input[..bytes]);
                        bytes
                    }
                    Ok(Piece::Trailer(bytes)) => {
                        request.trailers.extend_from_slice(&input[..bytes]);
                        bytes
                    }
                },
                _ => {
                    let mut room = ROOM;
                    match reader.head(input, &mut room) {
                        Err(_) => return (requests, true),
                        Ok(None) => 0,
                        Ok(Some((head, bytes))) => {
                            says_one_thing(&head, &input[..bytes]);
                            requests.push(Request {
                                method: head.method.to_owned(),
                                target: format!("{:?}", head.target),
                                ..Request::default()
                            });
                            bytes
                        }
                    }
                }
            };
            start += taken;
            if taken == 0 {
                let kept = arrived - start;
                assert!(kept <= LIMITS.head_bytes.max(CHUNK_LINE) + 1, "keeps {kept}");
                break;
            }
        }
    }
    (requests, false)
}

/// The same, as a parser has it that is not ours.
fn says_one_thing(head: &IncomingHead<'_>, bytes: &[u8]) {
    let mut headers = [httparse::EMPTY_HEADER; 128];
    let mut request = httparse::Request::new(&mut headers);
    let parsed = request.parse(bytes);
    assert_eq!(parsed, Ok(httparse::Status::Complete(bytes.len())));
    let values = |name: &str| -> Vec<&[u8]> {
        let of = request.headers.iter().filter(|of| of.name.eq_ignore_ascii_case(name));
        of.map(|of| of.value).collect()
    };
    let (lengths, codings) = (values("content-length"), values("transfer-encoding"));
    assert!(lengths.len() + codings.len() <= 1, "two lengths");
    match (&lengths[..], &codings[..], head.length) {
        ([], [], Length::Exact(0)) => {}
        ([text], [], Length::Exact(length)) => {
            assert_eq!(std::str::from_utf8(text).unwrap().parse(), Ok(length));
        }
        ([], [coding], Length::Chunked) => assert!(coding.eq_ignore_ascii_case(b"chunked")),
        other => panic!("{other:?}"),
    }
    let hosts = values("host");
    assert!(hosts.len() == 1 || hosts.is_empty() && head.minor_version == 0, "{hosts:?}");
    let lines = bytes.split(|byte| *byte == b'\n');
    assert!(lines.clone().count() > 2 && lines.take_while(|line| !line.is_empty()).all(|line| line.ends_with(b"\r")));
}

fuzz_target!(|input: Input<'_>| {
    let wire: Vec<u8> = input
        .parts
        .iter()
        .flat_map(|part| match part {
            Part::Bytes(bytes) => *bytes,
            Part::Known(index) => KNOWN[usize::from(*index) % KNOWN.len()].as_bytes(),
        })
        .copied()
        .collect();
    let whole = read(&wire, std::iter::once(wire.len()));
    let cycle = input.pieces.iter().cycle().map(|piece| usize::from(*piece));
    // Six in a row may all be empty; what is then left comes at once.
    let in_pieces = read(&wire, cycle.take(wire.len()).chain([wire.len()]));
    assert_eq!(whole, in_pieces);
});
