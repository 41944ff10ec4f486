//! The first pass: the sums of both sides.

use crate::DatasetError;
use crate::batch::{ColumnBatch, Visitor};
use crate::entries::Entries;
use crate::pass::{Reading, Stage, Work};
use std::sync::Arc;
use understudy_compare::dataset::{
    Cell, ColumnTally, EntryHashes, Plan, PlannedColumn, RowHashes, Tally,
};

/// The sums of side A and of side B.
pub(crate) fn tallies(reading: &Reading<'_>) -> Result<[Tally; 2], DatasetError> {
    let columns = reading.plan.columns.len();
    let works = reading.pass(Stage::Sums, || Sums {
        plan: reading.plan,
        hashing: Hashing::default(),
        tallies: [Tally::new(columns), Tally::new(columns)],
    })?;
    let mut tallies = [Tally::new(columns), Tally::new(columns)];
    for work in works {
        for (all, of) in tallies.iter_mut().zip(&work.tallies) {
            all.merge(of);
        }
    }
    Ok(tallies)
}

struct Sums<'s> {
    plan: &'s Plan,
    hashing: Hashing,
    tallies: [Tally; 2],
}

impl Work for Sums<'_> {
    fn rows(
        &mut self,
        side: usize,
        rows: usize,
        columns: &[ColumnBatch],
        mask: Option<&[bool]>,
    ) -> Result<(), DatasetError> {
        let tally = &mut self.tallies[side];
        let hashes = self
            .hashing
            .rows(self.plan, rows, columns, mask, &mut tally.columns);
        hashes.finish(mask, tally);
        Ok(())
    }
}

/// Larger dictionaries are not hashed in advance: their values seldom repeat, and their hashes fit into no cache.
const MOST_ENTRIES: usize = 1 << 16;

/// Hashes rows, and each entry of a dictionary once.
#[derive(Default)]
pub(crate) struct Hashing {
    hashes: RowHashes,
    /// By column, the dictionary that was hashed last.
    dictionaries: Vec<Option<(Arc<Entries>, EntryHashes)>>,
}

impl Hashing {
    /// Hashes the rows of a batch.
    pub(crate) fn rows(
        &mut self,
        plan: &Plan,
        rows: usize,
        columns: &[ColumnBatch],
        mask: Option<&[bool]>,
        tallies: &mut [ColumnTally],
    ) -> &RowHashes {
        let hashes = &mut self.hashes;
        hashes.begin(rows, plan.has_key());
        self.dictionaries.resize_with(plan.columns.len(), || None);
        let columns = plan.columns.iter().zip(columns).zip(tallies);
        for (((column, batch), tally), dictionary) in columns.zip(&mut self.dictionaries) {
            match batch {
                ColumnBatch::Indexed(of)
                    if of.is_of_dictionary() && of.dictionary.len() <= MOST_ENTRIES =>
                {
                    let known = dictionary.take();
                    let known = known.filter(|known| Arc::ptr_eq(&known.0, &of.dictionary));
                    let (_, entries) = dictionary.insert(known.unwrap_or_else(|| {
                        let hashes = EntryHashes::default();
                        let mut entries = HashEntries { column, hashes };
                        of.dictionary.visit(&mut entries);
                        (of.dictionary.clone(), entries.hashes)
                    }));
                    let numbers = &of.numbers;
                    if numbers.is_whole() {
                        let all = numbers.values.iter().map(|number| Some(*number as usize));
                        hashes.add_entries(column.is_key, all, entries, mask, tally);
                    } else {
                        let all = numbers.each().map(|one| one.map(|number| *number as usize));
                        hashes.add_entries(column.is_key, all, entries, mask, tally);
                    }
                }
                _ => batch.visit(&mut Hash {
                    hashes,
                    column,
                    mask,
                    tally,
                }),
            }
        }
        hashes
    }
}

struct Hash<'h> {
    hashes: &'h mut RowHashes,
    column: &'h PlannedColumn,
    mask: Option<&'h [bool]>,
    tally: &'h mut ColumnTally,
}

impl<'a> Visitor<'a> for Hash<'_> {
    fn visit(&mut self, cells: impl Iterator<Item = Cell<'a>>) {
        self.hashes.add(self.column, cells, self.mask, self.tally);
    }
}

/// Hashes the entries of a dictionary.
struct HashEntries<'h> {
    column: &'h PlannedColumn,
    hashes: EntryHashes,
}

impl<'a> Visitor<'a> for HashEntries<'_> {
    fn visit(&mut self, cells: impl Iterator<Item = Cell<'a>>) {
        self.hashes = EntryHashes::new(self.column, cells);
    }
}
