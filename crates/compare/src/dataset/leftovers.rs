//! The rows of some buckets, after those that are on both sides have cancelled out.

use super::cell::Cell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Rows by hash, with how often each side has them. What is equally often on both sides keeps no content.
#[derive(Debug, Default)]
pub struct Leftovers {
    rows: HashMap<u128, Held, BuildHasherDefault<Already>>,
    bytes: u64,
}

/// A row that one side has more often than the other.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) key: u128,
    /// How often side A and side B have it.
    pub(super) copies: [u64; 2],
    pub(super) row: Option<Box<[u8]>>,
}

/// About what an entry needs beyond the bytes of its row.
pub const ENTRY_BYTES: u64 = 96;

/// A hash is its own hash.
#[derive(Debug, Default)]
struct Already(u64);

impl Hasher for Already {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        let low = bytes.first_chunk::<8>().copied().unwrap_or_default();
        self.0 = u64::from_le_bytes(low);
    }
}

impl Leftovers {
    /// Adds a row of side A (0) or B (1), and its cells if they have to be kept.
    pub fn add<'a>(
        &mut self,
        side: usize,
        key: u128,
        row: u128,
        cells: impl FnOnce() -> Vec<Cell<'a>>,
    ) {
        let copies = if side == 0 { [1, 0] } else { [0, 1] };
        self.add_copies(copies, key, row, cells);
    }

    /// Adds a row that each side has this often.
    pub fn add_copies<'a>(
        &mut self,
        copies: [u64; 2],
        key: u128,
        row: u128,
        cells: impl FnOnce() -> Vec<Cell<'a>>,
    ) {
        let mut added = 0;
        let held = self.rows.entry(row).or_insert_with(|| {
            added = ENTRY_BYTES;
            Held {
                key,
                copies: [0, 0],
                row: None,
            }
        });
        held.copies[0] += copies[0];
        held.copies[1] += copies[1];
        let before = held.row.as_ref().map_or(0, |row| row.len() as u64);
        if held.copies[0] == held.copies[1] {
            held.row = None;
        } else if held.row.is_none() {
            let mut bytes = Vec::new();
            for cell in cells() {
                cell.store(&mut bytes);
            }
            held.row = Some(bytes.into());
        }
        let after = held.row.as_ref().map_or(0, |row| row.len() as u64);
        self.bytes = self.bytes + added + after - before;
    }

    /// About how many bytes of memory they take.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Adds those of other rows: no row may be in both.
    pub fn merge(&mut self, other: Leftovers) {
        self.bytes += other.bytes;
        self.rows.extend(other.rows);
    }

    /// Removes the rows of buckets from this one on: they are not examined.
    pub fn forget_from(&mut self, bucket: u16) {
        self.rows
            .retain(|_, held| super::tally::bucket(held.key) < bucket);
        let of = |held: &Held| ENTRY_BYTES + held.row.as_ref().map_or(0, |row| row.len() as u64);
        self.bytes = self.rows.values().map(of).sum();
    }

    /// What is left, in an order that does not depend on how it was read.
    pub(super) fn into_rows(self) -> Vec<(u128, Held)> {
        let mut rows: Vec<_> = self
            .rows
            .into_iter()
            .filter(|(_, held)| held.copies[0] != held.copies[1])
            .collect();
        rows.sort_unstable_by_key(|(row, held)| (held.key, *row));
        rows
    }
}
