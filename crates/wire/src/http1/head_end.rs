//! Whether a head may be complete.

use memchr::memchr_iter;

/// How much of the input is known to hold no end of a head. To read a head that comes byte by byte from
/// its beginning each time would cost as much as all times before together.
#[derive(Clone, Copy, Debug, Default)]
pub struct HeadEnd {
    looked: usize,
}

impl HeadEnd {
    /// Is it worth while to read the head from its beginning? One that is longer than `most` bytes is
    /// read too, and refused.
    pub fn may_be_in(&self, input: &[u8], most: usize) -> bool {
        if self.looked == 0 || input.len() > most {
            return !input.is_empty();
        }
        // The empty line may have begun before.
        let unseen = input.get(self.looked.saturating_sub(2)..).unwrap_or(input);
        memchr_iter(b'\n', unseen)
            .any(|at| matches!(unseen[at + 1..], [b'\n', ..] | [b'\r', b'\n', ..]))
    }

    /// The head does not end within so many bytes.
    pub fn is_beyond(&mut self, bytes: usize) {
        self.looked = bytes;
    }
}
