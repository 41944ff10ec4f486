//! The hashes of cells and rows: XXH3 with 128 bits, in one place.

use xxhash_rust::xxh3::{xxh3_64, xxh3_128_with_seed};

/// What tells the cells of one column from those of another: made of its name, so it is the same on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(u64);

/// Finishes a row; another number than any seed of a column by accident only.
const ROW: u64 = 0x0072_6f77;
const KEY: u64 = 0x006b_6579;

impl Seed {
    /// The seed of a column of this name.
    pub fn of(name: &str) -> Seed {
        Seed(xxh3_64(name.as_bytes()))
    }

    /// The hash of a cell of this column: its tag and its canonical bytes.
    pub(super) fn hash(self, tag: u8, bytes: &[u8]) -> u128 {
        let tagged = self.0 ^ u64::from(tag).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        xxh3_128_with_seed(bytes, tagged)
    }
}

/// The hash of a row: the sum of its cells is mixed once more, so that a value that moves to another row changes
/// the sum of all rows.
pub(super) fn row(cells: u128) -> u128 {
    xxh3_128_with_seed(&cells.to_le_bytes(), ROW)
}

/// The hash of a key, of the sum of its cells.
pub(super) fn key(cells: u128) -> u128 {
    xxh3_128_with_seed(&cells.to_le_bytes(), KEY)
}
