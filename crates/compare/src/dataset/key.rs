//! The hashes of cells and rows, in one place: XXH3 with 128 bits; for cells of eight bytes, most of all, two mixers
//! that are inlined.

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
    #[inline]
    pub(super) fn hash(self, tag: u8, bytes: &[u8]) -> u128 {
        let tagged = self.0 ^ u64::from(tag).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        if let Ok(eight) = <[u8; 8]>::try_from(bytes) {
            let value = u64::from_le_bytes(eight);
            return u128::from(murmur(value ^ tagged)) << 64
                | u128::from(split_mix(value.wrapping_add(tagged.rotate_left(32))));
        }
        xxh3_128_with_seed(bytes, tagged)
    }
}

/// The finalizer of MurmurHash3: each number has another one.
fn murmur(mut value: u64) -> u64 {
    value = (value ^ value >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    value = (value ^ value >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    value ^ value >> 33
}

/// That of SplitMix64: likewise, and unrelated to the other.
fn split_mix(mut value: u64) -> u64 {
    value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ value >> 31
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
