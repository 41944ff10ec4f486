//! What a server sends, delivered in arbitrary pieces: reading never panics, keeps its bounds, and
//! reads the same whatever the pieces.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use understudy_wire::http1::{Head, Limits, ResponseError, ResponseReader, Sink, Step};

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    head_bytes: u8,
    body_bytes: u8,
    interim: u8,
    /// One bit a response: was the request a HEAD?
    answers_head: u8,
    /// Lengths of the pieces, over and over.
    pieces: [u8; 6],
    wire: &'a [u8],
}

/// Longest line of the chunked coding, its end included.
const CHUNK_LINE: usize = 1024 + 2;

#[derive(Debug, Default, PartialEq)]
struct Seen {
    heads: usize,
    status: u16,
    fields: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Sink for Seen {
    fn head(&mut self, head: &Head<'_>) {
        self.heads += 1;
        self.status = head.status;
        self.fields = head
            .headers
            .iter()
            .map(|header| (header.name.to_owned(), header.value.to_vec()))
            .collect();
    }

    fn body(&mut self, part: &[u8]) {
        assert_eq!(self.heads, 1, "a body belongs to exactly one head");
        self.body.extend_from_slice(part);
    }
}

/// How one response ended: at which byte of the wire and whether the connection lives on.
type End = Result<(usize, bool), ResponseError>;

/// Reads response after response until the connection is of no further use or has ended.
fn read(input: &Input<'_>, pieces: impl Iterator<Item = usize>) -> Vec<(Seen, End)> {
    let limits = Limits {
        head_bytes: usize::from(input.head_bytes) * 4,
        body_bytes: u64::from(input.body_bytes) * 4,
        interim: input.interim,
    };
    let mut reader = ResponseReader::new(limits);
    reader.reset(input.answers_head & 1 == 1);
    let mut responses = Vec::new();
    let mut seen = Seen::default();
    let mut start = 0;
    let mut arrived = 0;
    for piece in pieces {
        arrived = input.wire.len().min(arrived + piece);
        loop {
            let step = reader.advance(&input.wire[start..arrived], &mut seen);
            assert!(seen.body.len() as u64 <= limits.body_bytes);
            match step {
                Ok(Step::NeedMore { consumed }) => {
                    start += consumed;
                    let kept = arrived - start;
                    assert!(
                        kept <= limits.head_bytes.max(CHUNK_LINE) + 1,
                        "keeps {kept}"
                    );
                    break;
                }
                Ok(Step::Done { consumed, reusable }) => {
                    start += consumed;
                    responses.push((std::mem::take(&mut seen), Ok((start, reusable))));
                    if !reusable || start == input.wire.len() {
                        return responses;
                    }
                    reader.reset(input.answers_head >> (responses.len() % 8) & 1 == 1);
                }
                Err(error) => {
                    // How much of a broken body was delivered first depends on the pieces.
                    seen.body.clear();
                    responses.push((seen, Err(error)));
                    return responses;
                }
            }
        }
    }
    let end = reader.end_of_input().map(|()| (arrived, false));
    responses.push((seen, end));
    responses
}

fuzz_target!(|input: Input<'_>| {
    let whole = read(&input, std::iter::once(input.wire.len()));
    let cycle = input.pieces.iter().cycle().map(|piece| usize::from(*piece));
    let in_pieces = read(
        &input,
        // Six in a row may all be empty; what is then left comes at once.
        cycle.take(input.wire.len()).chain([input.wire.len()]),
    );
    assert_eq!(whole.len(), in_pieces.len());
    for ((whole, whole_end), (cut, cut_end)) in whole.iter().zip(&in_pieces) {
        assert_eq!(whole, cut);
        match (whole_end, cut_end) {
            // Seen whole, a head can be wrong beyond its bound; in pieces the bound comes first.
            (Err(ResponseError::Head(_)), Err(ResponseError::HeadTooLarge)) => {}
            (whole_end, cut_end) => assert_eq!(whole_end, cut_end),
        }
    }
});
