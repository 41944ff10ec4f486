//! The first pass: the sums of both sides.

use crate::DatasetError;
use crate::batch::{ColumnBatch, Visitor};
use crate::pass::{Reading, Stage, Work};
use understudy_compare::dataset::{Cell, ColumnTally, Plan, PlannedColumn, RowHashes, Tally};

/// The sums of side A and of side B.
pub(crate) fn tallies(reading: &Reading<'_>) -> Result<[Tally; 2], DatasetError> {
    let columns = reading.plan.columns.len();
    let works = reading.pass(Stage::Sums, || Sums {
        plan: reading.plan,
        hashes: RowHashes::default(),
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
    hashes: RowHashes,
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
        hash(
            &mut self.hashes,
            self.plan,
            rows,
            columns,
            mask,
            &mut tally.columns,
        );
        self.hashes.finish(mask, tally);
        Ok(())
    }
}

/// Hashes the rows of a batch.
pub(crate) fn hash(
    hashes: &mut RowHashes,
    plan: &Plan,
    rows: usize,
    columns: &[ColumnBatch],
    mask: Option<&[bool]>,
    tallies: &mut [ColumnTally],
) {
    hashes.begin(rows, plan.has_key());
    for ((column, batch), tally) in plan.columns.iter().zip(columns).zip(tallies) {
        batch.visit(&mut Hash {
            hashes,
            column,
            mask,
            tally,
        });
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
