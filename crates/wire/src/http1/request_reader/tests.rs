use super::*;
use crate::http1::ROOM;
use proptest::prelude::*;

/// Requests of every framing: what may be before another one.
const PREDECESSORS: [&str; 9] = [
    "",
    "\r\n",
    "GET /a HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
    "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 39\r\n\r\nTransfer-Encoding: a\r\nContent-Length: 4",
    "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab\r\nc\r\n1;a=\"b\"\r\nd\r\n0\r\n\r\n",
    "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\nX-Two: 2\r\n\r\n",
    "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 4\r\n\r\n",
];

/// Requests that are refused when they come alone.
const REFUSED: [&str; 10] = [
    "POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n",
    "POST /b HTTP/1.1\r\nHost: a\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n",
    "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nabcd",
    "POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n\r\n",
    "POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: +4\r\n\r\nabcd",
    "GET /b HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "GET /b HTTP/1.1\r\n\r\n",
    "GET b HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /b HTTP/1.1\nHost: a\n\n",
];

/// The targets of the requests that were read, and why the last one was refused.
fn read(text: &[u8], cuts: &[usize]) -> (Vec<String>, Option<&'static str>) {
    let mut reader = RequestReader::new(Limits::default());
    let (mut input, mut rest, mut cuts) = (Vec::new(), text, cuts.iter());
    let mut targets = Vec::new();
    loop {
        let taken = if reader.is_within_body() {
            match reader.body(&input) {
                Ok(Piece::Data(bytes) | Piece::Framing(bytes) | Piece::Trailer(bytes)) => bytes,
                Ok(Piece::More | Piece::End) => 0,
                Err(_) => return (targets, Some("the body")),
            }
        } else {
            let mut room = ROOM;
            match reader.head(&input, &mut room) {
                Ok(Some((head, bytes))) => {
                    targets.push(format!("{:?}", head.target));
                    bytes
                }
                Ok(None) => 0,
                Err(refused) => return (targets, Some(refused.why)),
            }
        };
        if taken > 0 {
            input.drain(..taken);
            continue;
        }
        if rest.is_empty() {
            return (targets, None);
        }
        let cut = cuts
            .next()
            .map_or(rest.len(), |cut| (*cut).clamp(1, rest.len()));
        input.extend_from_slice(&rest[..cut]);
        rest = &rest[cut..];
    }
}

/// Every request that is refused alone is refused behind every other, whole or cut in two anywhere.
#[test]
fn every_head_is_held_to_the_rules_whatever_is_before_it() {
    for refused in REFUSED {
        let (_, alone) = read(refused.as_bytes(), &[]);
        assert!(alone.is_some(), "{refused}");
        for before in PREDECESSORS {
            let both = format!("{before}{refused}");
            let requests = read(before.as_bytes(), &[]).0;
            for cut in 1..both.len() {
                let expected = (requests.clone(), alone);
                assert_eq!(
                    read(both.as_bytes(), &[cut]),
                    expected,
                    "{both:?} cut at {cut}"
                );
            }
        }
    }
}

proptest! {
    #[test]
    fn a_refused_head_is_found_however_often_it_is_cut_and_behind_any_sequence(
        before in proptest::collection::vec(0..PREDECESSORS.len(), 0..5),
        refused in 0..REFUSED.len(),
        cuts in proptest::collection::vec(1usize..40, 0..60),
    ) {
        let before: String = before.into_iter().map(|index| PREDECESSORS[index]).collect();
        let requests = before.matches("HTTP/1.1").count();
        let (targets, why) = read(format!("{before}{}", REFUSED[refused]).as_bytes(), &cuts);
        prop_assert_eq!(targets.len(), requests);
        prop_assert_eq!(why, read(REFUSED[refused].as_bytes(), &[]).1);
    }

    #[test]
    fn any_bytes_mean_the_same_however_they_are_cut(
        pieces in proptest::collection::vec(prop_oneof![
            (0..PREDECESSORS.len()).prop_map(|index| PREDECESSORS[index].as_bytes().to_vec()),
            proptest::collection::vec(any::<u8>(), 0..20),
            Just(b"\r\n".to_vec()),
        ], 0..6),
        cuts in proptest::collection::vec(1usize..40, 0..60),
    ) {
        let text = pieces.concat();
        let (whole, in_pieces) = (read(&text, &[]), read(&text, &cuts));
        prop_assert_eq!(whole.0, in_pieces.0);
        prop_assert_eq!(whole.1.is_some(), in_pieces.1.is_some());
    }
}

#[test]
fn extensions_of_chunks_are_bounded_in_all() {
    for (chunks, is_refused) in [(100, false), (200, true)] {
        let chunk = format!("1;{}\r\nx\r\n", "a".repeat(99));
        let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        let text = format!("{head}{}0\r\n\r\n", chunk.repeat(chunks));
        assert_eq!(
            read(text.as_bytes(), &[]).1.is_some(),
            is_refused,
            "{chunks}"
        );
    }
}

#[test]
fn a_chunk_has_its_size_and_nothing_around_it() {
    let chunk = |line: &str| {
        let text = format!(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{line}\r\nab\r\n0\r\n\r\n"
        );
        read(text.as_bytes(), &[]).1
    };
    for line in [
        "2",
        "02",
        "2;a",
        "2;a=b;c",
        "2; a = b ;\tc",
        "2;a=\"b; \\\"c\"",
        "2;a=\"\u{fc}\"",
    ] {
        assert_eq!(chunk(line), None, "{line:?}");
    }
    for line in [
        "2 ",
        " 2",
        "2 ;a",
        "2\t",
        "0x2",
        "+2",
        "-2",
        "",
        "2;a\rb",
        "g",
        "2\n",
        "2;",
        "2;=b",
        "2;a=",
        "2;a[=b",
        "2;a=\"b",
        "2;a b",
        "2;a=\"b\u{1}\"",
        "2;a;",
    ] {
        assert!(chunk(line).is_some(), "{line:?}");
    }
}
