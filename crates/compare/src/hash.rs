//! The stable hash behind equality of meaning, shapes and values.

use siphasher::sip128::{Hasher128, SipHasher13};
use std::hash::Hasher;

/// SipHash-1-3 with 128 bits and a fixed key, over unambiguous framing: a tag, then parts.
#[derive(Clone, Copy)]
pub(crate) struct Hash(SipHasher13);

impl Hash {
    /// Starts a hash of a thing of this kind.
    pub(crate) fn new(tag: u8) -> Self {
        let mut hasher = SipHasher13::new();
        hasher.write(&[tag]);
        Hash(hasher)
    }

    /// Adds bytes of any length.
    pub(crate) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.write(&(bytes.len() as u64).to_le_bytes());
        self.0.write(bytes);
        self
    }

    /// Adds the hash of a part.
    pub(crate) fn part(mut self, part: u128) -> Self {
        self.0.write(&part.to_le_bytes());
        self
    }

    pub(crate) fn finish(self) -> u128 {
        self.0.finish128().as_u128()
    }

    /// In 64 bits, never 0 (which stands for "not taken").
    pub(crate) fn finish_64(self) -> u64 {
        let hash = self.0.finish128();
        (hash.h1 ^ hash.h2).max(1)
    }
}
