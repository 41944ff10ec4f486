//! The beginning of an answer, and the hash of all of it.

use super::budget::{Budget, Credit};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body::Frame;
use std::sync::Arc;
use understudy_model::{Answer, Field};
use xxhash_rust::xxh3::Xxh3;

/// An answer as it goes by.
pub(crate) struct Capture {
    code: StatusCode,
    headers: HeaderMap,
    trailers: Option<HeaderMap>,
    body: Vec<u8>,
    length: u64,
    hash: Option<Box<Xxh3>>,
    limit: usize,
    credit: Credit,
    /// The budget of all copies was spent.
    pub(crate) out_of_memory: bool,
}

impl Capture {
    pub(crate) fn new(
        code: StatusCode,
        headers: &HeaderMap,
        limit: usize,
        budget: &Arc<Budget>,
    ) -> Self {
        Capture {
            code,
            headers: headers.clone(),
            trailers: None,
            body: Vec::new(),
            length: 0,
            hash: None,
            limit,
            credit: budget.open(),
            out_of_memory: false,
        }
    }

    fn data(&mut self, data: &[u8]) {
        self.length += data.len() as u64;
        if self.out_of_memory {
            return;
        }
        if let Some(hash) = &mut self.hash {
            return hash.update(data);
        }
        if self.body.len() + data.len() > self.limit {
            // From here on only the hash continues: it covers what is kept as well.
            let mut hash = Box::new(Xxh3::new());
            hash.update(&self.body);
            hash.update(data);
            self.hash = Some(hash);
            let room = self.limit - self.body.len();
            return self.keep(&data[..room.min(data.len())]);
        }
        self.keep(data);
    }

    fn keep(&mut self, data: &[u8]) {
        let before = self.body.capacity();
        if self.body.len() + data.len() > before {
            self.body.reserve(data.len());
        }
        let grown = self.body.capacity() - before;
        if grown > 0 && !self.credit.grow(grown) {
            self.out_of_memory = true;
            self.body = Vec::new();
            return self.credit.shrink(usize::MAX);
        }
        self.body.extend_from_slice(data);
    }

    /// A piece of the body, or the trailers.
    pub(crate) fn frame(&mut self, frame: &Frame<Bytes>) {
        if let Some(data) = frame.data_ref() {
            self.data(data);
        } else if let Some(trailers) = frame.trailers_ref() {
            self.trailers = Some(trailers.clone());
        }
    }

    /// Bytes of the body so far.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    pub(crate) fn finish(self) -> Captured {
        Captured {
            code: self.code,
            headers: self.headers,
            trailers: self.trailers,
            body: self.body,
            length: self.length,
            whole: self.hash.map(|hash| hash.digest128()),
            out_of_memory: self.out_of_memory,
            _credit: self.credit,
        }
    }
}

/// A whole answer, or the beginning of one with the hash of all of it.
pub(crate) struct Captured {
    pub(crate) code: StatusCode,
    headers: HeaderMap,
    trailers: Option<HeaderMap>,
    body: Vec<u8>,
    pub(crate) length: u64,
    /// The hash of a body that is longer than what is kept.
    whole: Option<u128>,
    pub(crate) out_of_memory: bool,
    _credit: Credit,
}

impl Captured {
    /// Are both too long to be kept, and the same to the last byte?
    pub(crate) fn is_same_long_body(&self, other: &Captured) -> bool {
        self.whole.is_some() && self.whole == other.whole && self.length == other.length
    }

    /// In the words of no protocol. `bodiless` for bodies that are known to be the same.
    pub(crate) fn answer(&self, bodiless: bool) -> Answer {
        let all = self.headers.iter().chain(self.trailers.iter().flatten());
        let fields = all.map(|(name, value)| Field {
            name: name.as_str().to_owned(),
            value: value.as_bytes().to_vec(),
        });
        understudy_compare::http::answer(
            i32::from(self.code.as_u16()),
            fields.collect(),
            if bodiless {
                Vec::new()
            } else {
                self.body.clone()
            },
            !bodiless && self.whole.is_some(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captured(pieces: &[&[u8]], limit: usize, budget: &Arc<Budget>) -> Captured {
        let mut capture = Capture::new(StatusCode::OK, &HeaderMap::new(), limit, budget);
        for piece in pieces {
            capture.data(piece);
        }
        capture.finish()
    }

    #[test]
    fn a_long_body_is_known_by_its_hash_however_it_came() {
        let budget = Budget::new(1000);
        let one = captured(&[b"abcdef", b"ghi"], 4, &budget);
        let other = captured(&[b"abc", b"defg", b"hi"], 4, &budget);
        assert!(one.is_same_long_body(&other));
        assert_eq!(one.answer(false).bytes("body"), b"abcd");
        assert!(one.answer(false).is_truncated() && !one.answer(true).is_truncated());
        assert!(!one.is_same_long_body(&captured(&[b"abcdefghj"], 4, &budget)));
        assert!(
            !captured(&[b"abc"], 4, &budget).is_same_long_body(&captured(&[b"abc"], 4, &budget))
        );
    }

    #[test]
    fn memory_is_given_back_and_its_end_is_reported() {
        let budget = Budget::new(100);
        let long = captured(&[&[0; 90][..], &[0; 90][..]], 1000, &budget);
        assert!(long.out_of_memory);
        assert_eq!(budget.used(), 0);
        let short = captured(&[&[0; 50][..]], 1000, &budget);
        assert!(!short.out_of_memory && budget.used() >= 50);
        drop(short);
        assert_eq!(budget.used(), 0);
    }
}
