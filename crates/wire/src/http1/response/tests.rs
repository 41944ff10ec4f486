use super::*;
use proptest::prelude::*;

#[derive(Default, Debug, PartialEq, Clone)]
struct Seen {
    status: u16,
    body: Vec<u8>,
    heads: usize,
}

impl Sink for Seen {
    fn head(&mut self, head: &Head<'_>) {
        self.status = head.status;
        self.heads += 1;
    }
    fn body(&mut self, part: &[u8]) {
        self.body.extend_from_slice(part);
    }
}

/// Feeds `wire` in pieces that end at the given cuts; returns what was seen and where it ended.
fn read(
    wire: &[u8],
    cuts: &[usize],
    limits: Limits,
) -> Result<(Seen, Option<Step>), ResponseError> {
    let mut reader = ResponseReader::new(limits);
    let mut seen = Seen::default();
    let (mut start, mut total) = (0, 0);
    let ends = cuts
        .iter()
        .copied()
        .filter(|c| *c < wire.len())
        .chain([wire.len()]);
    for end in ends {
        match reader.advance(&wire[start..end.max(start)], &mut seen)? {
            Step::NeedMore { consumed } => {
                start += consumed;
                total += consumed;
            }
            Step::Done { consumed, reusable } => {
                let done = Step::Done {
                    consumed: total + consumed,
                    reusable,
                };
                return Ok((seen, Some(done)));
            }
        }
    }
    reader.end_of_input().map(|()| (seen, None))
}

fn whole(wire: &[u8]) -> Result<(Seen, Option<Step>), ResponseError> {
    read(wire, &[], Limits::default())
}

#[test]
fn reads_each_framing() {
    let check = |wire: &[u8], status, body: &[u8], end| {
        let (seen, step) = whole(wire).unwrap();
        let step = step.map(|step| match step {
            Step::Done { consumed, reusable } => (wire.len() - consumed, reusable),
            Step::NeedMore { .. } => unreachable!("whole() ends a response"),
        });
        assert_eq!(
            (seen.status, seen.body.as_slice(), step),
            (status, body, end)
        );
    };
    let done = |left_over: usize, reusable: bool| Some((left_over, reusable));
    check(
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiX",
        200,
        b"hi",
        done(1, true),
    );
    check(
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nT: 1\r\n\r\n",
        200,
        b"abc",
        done(0, true),
    );
    check(b"HTTP/1.1 200 OK\r\n\r\nall of it", 200, b"all of it", None);
    check(b"HTTP/1.1 204 No\r\n\r\n", 204, b"", done(0, true));
    check(
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        200,
        b"",
        done(0, false),
    );
    check(
        b"HTTP/1.1 200 OK\r\nConnection: x, close\r\nContent-Length: 0\r\n\r\n",
        200,
        b"",
        done(0, false),
    );
    check(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 304 Not\r\nContent-Length: 9\r\n\r\n",
        304,
        b"",
        done(0, true),
    );
}

#[test]
fn an_answer_to_head_has_no_body() {
    let mut reader = ResponseReader::new(Limits::default());
    reader.reset(true);
    let step = reader.advance(
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        &mut Seen::default(),
    );
    assert_eq!(
        step,
        Ok(Step::Done {
            consumed: 38,
            reusable: true
        })
    );
}

#[test]
fn ambiguity_and_nonsense_are_refused() {
    let refused = |head: &str| whole(format!("HTTP/1.1 200 OK\r\n{head}").as_bytes()).unwrap_err();
    assert!(matches!(
        refused("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ResponseError::Ambiguous(_)
    ));
    assert!(matches!(
        refused("Content-Length: 1\r\nContent-Length: 2\r\n\r\n"),
        ResponseError::Ambiguous(_)
    ));
    assert!(matches!(
        refused("Transfer-Encoding: gzip\r\n\r\n"),
        ResponseError::Ambiguous(_)
    ));
    assert_eq!(
        refused("Content-Length: -1\r\n\r\n"),
        ResponseError::ContentLength
    );
    assert_eq!(
        refused("Content-Length: 10\r\n\r\nabc"),
        ResponseError::Truncated
    );
    let chunked = "Transfer-Encoding: chunked\r\n\r\n";
    for body in [
        "\r\n",
        "g\r\n",
        "1\n",
        "1 x\r\na",
        "1\r\nabX",
        "ffffffffffffffffff\r\n",
    ] {
        assert_eq!(
            refused(&format!("{chunked}{body}")),
            ResponseError::Chunk,
            "{body:?}"
        );
    }
    assert!(matches!(
        whole(b"SSH-2.0-OpenSSH\r\n\r\n"),
        Err(ResponseError::Head(_))
    ));
    assert_eq!(
        whole(b"HTTP/1.1 101 S\r\n\r\n"),
        Err(ResponseError::Switched)
    );
}

#[test]
fn bounds_hold() {
    let limits = Limits {
        head_bytes: 100,
        body_bytes: 4,
        interim: 2,
    };
    let error = |wire: &[u8]| read(wire, &[], limits).unwrap_err();
    let long = format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "a".repeat(100));
    assert_eq!(error(long.as_bytes()), ResponseError::HeadTooLarge);
    assert_eq!(error(&long.as_bytes()[..110]), ResponseError::HeadTooLarge);
    assert_eq!(
        error(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
        ResponseError::BodyTooLarge
    );
    assert_eq!(
        error(b"HTTP/1.1 200 OK\r\n\r\n12345"),
        ResponseError::BodyTooLarge
    );
    assert_eq!(
        error(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\n"),
        ResponseError::BodyTooLarge
    );
    assert_eq!(
        error(&b"HTTP/1.1 102 P\r\n\r\n".repeat(3)),
        ResponseError::TooManyInterim
    );
    let trailers = [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n".to_vec(),
        b"A: b\r\n".repeat(40),
    ]
    .concat();
    assert_eq!(error(&trailers), ResponseError::HeadTooLarge);
}

proptest! {
    /// However the network cuts it, a response reads the same.
    #[test]
    fn cuts_do_not_matter(
        body in proptest::collection::vec(any::<u8>(), 0..200),
        sizes in proptest::collection::vec(1usize..50, 1..20),
        mut cuts in proptest::collection::vec(0usize..500, 0..30),
        chunked: bool,
    ) {
        let mut wire = Vec::new();
        if chunked {
            wire.extend_from_slice(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            let mut rest = body.as_slice();
            for size in sizes.iter().cycle() {
                let take = rest.len().min(*size);
                wire.extend_from_slice(format!("{take:x}\r\n").as_bytes());
                wire.extend_from_slice(&rest[..take]);
                wire.extend_from_slice(b"\r\n");
                rest = &rest[take..];
                if take == 0 {
                    break;
                }
            }
        } else {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            wire.extend_from_slice(head.as_bytes());
            wire.extend_from_slice(&body);
        }
        cuts.sort_unstable();
        let (seen, step) = read(&wire, &cuts, Limits::default()).unwrap();
        prop_assert_eq!(&seen.body, &body);
        prop_assert_eq!(seen.heads, 1);
        prop_assert_eq!(step, Some(Step::Done { consumed: wire.len(), reusable: true }));
    }

    #[test]
    fn no_input_panics(
        wire in proptest::collection::vec(any::<u8>(), 0..300),
        mut cuts in proptest::collection::vec(0usize..300, 0..5),
    ) {
        cuts.sort_unstable();
        let prefixed = [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", &wire[..]].concat();
        let _ = read(&wire, &cuts, Limits::default());
        let _ = read(&prefixed, &cuts, Limits::default());
    }
}

/// What a sink is told of interim responses.
#[derive(Default)]
struct Interim(Vec<u16>);

impl Sink for Interim {
    fn interim(&mut self, status: u16) {
        self.0.push(status);
    }
    fn head(&mut self, _head: &Head<'_>) {}
    fn body(&mut self, _part: &[u8]) {}
}

#[test]
fn interim_responses_are_told_before_the_final_one() {
    let wire = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: </a>\r\n\r\nHTTP/1.1 200";
    let mut seen = Interim::default();
    let step = ResponseReader::new(Limits::default()).advance(wire, &mut seen);
    assert_eq!(seen.0, [100, 103]);
    let left = b"HTTP/1.1 200".len();
    let consumed = wire.len() - left;
    assert_eq!(step, Ok(Step::NeedMore { consumed }));
}
