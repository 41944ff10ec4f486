//! One pass over a side: sums of hashes that do not depend on the order of the rows.

use super::cell::{Cell, Target, hash};
use super::key::{self, Seed};
use super::plan::PlannedColumn;

/// Into how many buckets the rows of a side are counted. Only rows of buckets that differ are read again.
/// The sums of one side fit into the cache of a core.
pub const BUCKETS: usize = 1 << 14;

/// What a side holds, in sums: those of two parts are added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// The rows.
    pub rows: u64,
    /// The sum of the hashes of all rows, modulo 2^128.
    pub sum: u128,
    /// By column of the plan.
    pub columns: Vec<ColumnTally>,
    /// The same by bucket: the sum, then the rows.
    sums: Vec<u128>,
    counts: Vec<u64>,
}

/// What a column of a side holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ColumnTally {
    /// The sum of the hashes of its cells: equal sums are the same values, however they are spread over the rows.
    pub sum: u128,
    /// Cells without a value.
    pub nulls: u64,
    /// Cells that are not a number.
    pub nans: u64,
    /// Cells with a text of no characters.
    pub empty: u64,
    /// About how many bytes its cells need in kept rows.
    pub bytes: u64,
}

impl ColumnTally {
    /// Adds what other cells of the column hold.
    pub fn merge(&mut self, of: &ColumnTally) {
        self.sum = self.sum.wrapping_add(of.sum);
        self.nulls += of.nulls;
        self.nans += of.nans;
        self.empty += of.empty;
        self.bytes += of.bytes;
    }
}

impl Tally {
    /// Of no rows.
    pub fn new(columns: usize) -> Tally {
        Tally {
            rows: 0,
            sum: 0,
            columns: vec![ColumnTally::default(); columns],
            sums: vec![0; BUCKETS],
            counts: vec![0; BUCKETS],
        }
    }

    /// Adds what another part of the side holds.
    pub fn merge(&mut self, other: &Tally) {
        self.rows += other.rows;
        self.sum = self.sum.wrapping_add(other.sum);
        for (mine, of) in self.columns.iter_mut().zip(&other.columns) {
            mine.merge(of);
        }
        for (mine, of) in self.sums.iter_mut().zip(&other.sums) {
            *mine = mine.wrapping_add(*of);
        }
        for (mine, of) in self.counts.iter_mut().zip(&other.counts) {
            *mine += of;
        }
    }

    /// Adds rows of a bucket that were summed elsewhere.
    pub fn add_bucket(&mut self, bucket: u16, rows: u64, sum: u128) {
        let at = usize::from(bucket) % BUCKETS;
        self.rows += rows;
        self.sum = self.sum.wrapping_add(sum);
        self.counts[at] += rows;
        self.sums[at] = self.sums[at].wrapping_add(sum);
    }

    /// Do both sides hold the same rows as often?
    pub fn is_same(&self, other: &Tally) -> bool {
        self.rows == other.rows && self.sum == other.sum
    }

    /// The buckets whose rows differ, each with its rows on both sides.
    pub fn different(&self, other: &Tally) -> Vec<(u16, u64)> {
        let mut found = Vec::new();
        for bucket in 0..BUCKETS as u16 {
            let at = usize::from(bucket);
            let (mine, of) = (self.counts[at], other.counts[at]);
            if mine != of || self.sums[at] != other.sums[at] {
                found.push((bucket, mine + of));
            }
        }
        found
    }

    /// About how many bytes a kept row needs.
    pub fn row_bytes(&self) -> u64 {
        let cells: u64 = self.columns.iter().map(|column| column.bytes).sum();
        cells / self.rows.max(1)
    }
}

/// The rows of a batch on their way to a [`Tally`]: column after column, as formats store them.
#[derive(Debug, Default)]
pub struct RowHashes {
    cells: Vec<u128>,
    keys: Vec<u128>,
    has_key: bool,
}

/// The hashes of the values that the cells of a column are numbers of: each value is hashed once.
#[derive(Debug, Default)]
pub struct EntryHashes {
    hashes: Vec<u128>,
    /// What each needs in a kept row, where it is the same for all and none is NaN or empty.
    alike: Option<u64>,
    /// Of each entry, where they differ in that.
    different: Vec<Entry>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    bytes: u32,
    is_nan: bool,
    is_empty: bool,
}

impl EntryHashes {
    /// Of the values of a column, in the order of their numbers. None of them is a null.
    pub fn new<'a>(column: &PlannedColumn, cells: impl Iterator<Item = Cell<'a>>) -> EntryHashes {
        let (mut hashes, mut different) = (Vec::new(), Vec::new());
        for cell in cells {
            hashes.push(hash(cell, column.target, column.seed));
            different.push(Entry {
                bytes: u32::try_from(cell.bytes()).unwrap_or(u32::MAX),
                is_nan: cell.is_nan(),
                is_empty: cell.is_empty_text(),
            });
        }
        let first = different.first().copied();
        let alike = first.filter(|first| {
            let is_usual = !first.is_nan && !first.is_empty;
            is_usual && different.iter().all(|entry| entry == first)
        });
        EntryHashes {
            hashes,
            alike: alike.map(|entry| u64::from(entry.bytes)),
            different,
        }
    }
}

/// The hash of a cell, and what is counted of it. Not a closure: it has to be inlined into each loop over a batch.
trait ItemHash<T> {
    fn hash(&mut self, item: T) -> u128;
}

struct OfCells {
    target: Target,
    seed: Seed,
    of: ColumnTally,
}

impl ItemHash<Cell<'_>> for OfCells {
    #[inline(always)]
    fn hash(&mut self, cell: Cell<'_>) -> u128 {
        self.of.bytes += cell.bytes();
        if matches!(cell, Cell::Null) {
            self.of.nulls += 1;
            return 0;
        }
        self.of.nans += u64::from(cell.is_nan());
        self.of.empty += u64::from(cell.is_empty_text());
        hash(cell, self.target, self.seed)
    }
}

struct OfEntries<'e> {
    entries: &'e EntryHashes,
    cells: u64,
    of: ColumnTally,
}

impl ItemHash<Option<usize>> for OfEntries<'_> {
    #[inline(always)]
    fn hash(&mut self, number: Option<usize>) -> u128 {
        let Some(number) = number else {
            self.of.nulls += 1;
            return 0;
        };
        self.cells += 1;
        if self.entries.alike.is_none() {
            let entry = self.entries.different[number];
            self.of.bytes += u64::from(entry.bytes);
            self.of.nans += u64::from(entry.is_nan);
            self.of.empty += u64::from(entry.is_empty);
        }
        self.entries.hashes[number]
    }
}

impl RowHashes {
    /// Begins a batch of this many rows.
    pub fn begin(&mut self, rows: usize, has_key: bool) {
        self.has_key = has_key;
        self.cells.clear();
        self.cells.resize(rows, 0);
        self.keys.clear();
        self.keys.resize(if has_key { rows } else { 0 }, 0);
    }

    /// Adds the cells of a column, one for each row. Rows that `mask` excludes are left out.
    ///
    /// A null adds nothing: a row without a column is a row in which it is null.
    pub fn add<'a>(
        &mut self,
        column: &PlannedColumn,
        cells: impl Iterator<Item = Cell<'a>>,
        mask: Option<&[bool]>,
        tally: &mut ColumnTally,
    ) {
        let mut hasher = OfCells {
            target: column.target,
            seed: column.seed,
            of: ColumnTally::default(),
        };
        let sum = self.spread(column.is_key, mask, cells, &mut hasher);
        tally.merge(&ColumnTally { sum, ..hasher.of });
    }

    /// Adds the cells of a column by the numbers of their entries; `None` is a null.
    pub fn add_entries(
        &mut self,
        is_key: bool,
        numbers: impl Iterator<Item = Option<usize>>,
        entries: &EntryHashes,
        mask: Option<&[bool]>,
        tally: &mut ColumnTally,
    ) {
        let mut hasher = OfEntries {
            entries,
            cells: 0,
            of: ColumnTally::default(),
        };
        let sum = self.spread(is_key, mask, numbers, &mut hasher);
        let alike = entries.alike.unwrap_or(0) * hasher.cells;
        let bytes = hasher.of.bytes + alike + hasher.of.nulls * Cell::Null.bytes();
        tally.merge(&ColumnTally {
            sum,
            bytes,
            ..hasher.of
        });
    }

    /// Adds to each row that is wanted the hash of its item. The sum of these hashes.
    #[inline(always)]
    fn spread<T>(
        &mut self,
        is_key: bool,
        mask: Option<&[bool]>,
        items: impl Iterator<Item = T>,
        hasher: &mut impl ItemHash<T>,
    ) -> u128 {
        let mut sum = 0_u128;
        if mask.is_none() && !is_key {
            for (row, item) in self.cells.iter_mut().zip(items) {
                let hash = hasher.hash(item);
                *row = row.wrapping_add(hash);
                sum = sum.wrapping_add(hash);
            }
            return sum;
        }
        for (at, (row, item)) in self.cells.iter_mut().zip(items).enumerate() {
            if mask.is_some_and(|mask| !mask[at]) {
                continue;
            }
            let hash = hasher.hash(item);
            *row = row.wrapping_add(hash);
            sum = sum.wrapping_add(hash);
            if is_key {
                self.keys[at] = self.keys[at].wrapping_add(hash);
            }
        }
        sum
    }

    /// The finished rows of the batch: their number in it, the hash of the key (of the row, where there is no key)
    /// and of the row.
    pub fn rows<'a>(
        &'a self,
        mask: Option<&'a [bool]>,
    ) -> impl Iterator<Item = (usize, u128, u128)> + 'a {
        let wanted = move |at: &usize| mask.is_none_or(|mask| mask[*at]);
        (0..self.cells.len()).filter(wanted).map(|at| {
            let row = key::row(self.cells[at]);
            let key = if self.has_key {
                key::key(self.keys[at])
            } else {
                row
            };
            (at, key, row)
        })
    }

    /// Adds the batch to a side.
    pub fn finish(&self, mask: Option<&[bool]>, tally: &mut Tally) {
        for (_, key, row) in self.rows(mask) {
            let bucket = usize::from(bucket(key));
            tally.rows += 1;
            tally.sum = tally.sum.wrapping_add(row);
            tally.sums[bucket] = tally.sums[bucket].wrapping_add(row);
            tally.counts[bucket] += 1;
        }
    }
}

/// The bucket of a key: a random sample of the keys is in each.
pub fn bucket(key: u128) -> u16 {
    (key >> (u128::BITS - BUCKETS.ilog2())) as u16
}
