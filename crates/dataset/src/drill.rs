//! The further passes: the rows of the buckets that differ, as many as fit into memory at once.

use crate::DatasetError;
use crate::batch::{ColumnBatch, Visitor};
use crate::pass::{Reading, Stage, Work};
use crate::sums::Hashing;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use understudy_compare::dataset::{
    BUCKETS, Cell, ColumnTally, Coverage, Drilled, ENTRY_BYTES, Explained, Leftovers, Plan, Tally,
    bucket, explain,
};

/// Kept rows are in as many parts, so that threads seldom wait for one another.
const SHARDS: usize = 64;

/// Reads the rows that differ and says what they differ in.
pub(crate) fn drill(reading: &Reading<'_>, a: &Tally, b: &Tally) -> Result<Drilled, DatasetError> {
    let different = a.different(b);
    let each = a.row_bytes().max(b.row_bytes()) + ENTRY_BYTES;
    let mut explained = Explained::default();
    let mut coverage = Coverage::of(&different);
    let all = reading.options.passes.is_none() || reading.plan.has_tolerance();
    let mut rest = different.as_slice();
    while !rest.is_empty() && (all || Some(coverage.passes) < reading.options.passes) {
        let fit = fitting(rest, each, reading.options.memory);
        let (now, after) = rest.split_at(fit);
        let (leftovers, kept) = examine(reading, now)?;
        coverage.passes += 1;
        coverage.parts_examined += kept as u64;
        coverage.rows_examined += now[..kept].iter().map(|(_, rows)| rows).sum::<u64>();
        explained.merge(explain(leftovers, reading.plan, reading.options.redact));
        // What did not fit is in the next pass; a bucket that never fits is left out.
        rest = if kept == fit {
            after
        } else {
            &rest[kept.max(1)..]
        };
    }
    Ok(Drilled {
        explained,
        coverage,
    })
}

/// How many buckets to read at once: at least one.
pub(crate) fn fitting(buckets: &[(u16, u64)], row_bytes: u64, memory: u64) -> usize {
    let mut bytes = 0_u64;
    let fit = buckets.iter().take_while(|(_, rows)| {
        bytes = bytes.saturating_add(rows.saturating_mul(row_bytes));
        bytes <= memory
    });
    fit.count().max(1)
}

/// What is left over of the rows of these buckets, and of how many of them there was room for.
fn examine(
    reading: &Reading<'_>,
    buckets: &[(u16, u64)],
) -> Result<(Leftovers, usize), DatasetError> {
    let mut wanted = vec![false; BUCKETS];
    for (bucket, _) in buckets {
        wanted[usize::from(*bucket)] = true;
    }
    let shared = Shared::new(wanted, buckets.len() as u64);
    reading.pass(Stage::Differences, || Keep {
        plan: reading.plan,
        memory: reading.options.memory,
        buckets,
        shared: &shared,
        hashing: Hashing::default(),
        ignored: vec![ColumnTally::default(); reading.plan.columns.len()],
    })?;
    let mut leftovers = Leftovers::default();
    let below = shared.below.load(Ordering::Relaxed);
    for shard in shared.shards {
        let mut shard = shard.into_inner().unwrap_or_else(PoisonError::into_inner);
        if below < BUCKETS as u64 {
            // A thread may have added rows of a bucket that another has just given up.
            shard.forget_from(below as u16);
        }
        leftovers.merge(shard);
    }
    let kept = shared.kept.load(Ordering::Relaxed);
    Ok((leftovers, usize::try_from(kept).unwrap_or(0)))
}

/// What the threads of a pass share.
struct Shared {
    wanted: Vec<bool>,
    shards: Vec<Mutex<Leftovers>>,
    bytes: AtomicU64,
    /// How many of the buckets are still kept, and the first that is not.
    kept: AtomicU64,
    below: AtomicU64,
    shrinking: AtomicBool,
}

impl Shared {
    fn new(wanted: Vec<bool>, buckets: u64) -> Self {
        Shared {
            wanted,
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            bytes: AtomicU64::new(0),
            kept: AtomicU64::new(buckets),
            below: AtomicU64::new(BUCKETS as u64),
            shrinking: AtomicBool::new(false),
        }
    }

    /// Adds a row of a side. What it takes is counted before another thread can cancel it: less than nothing would be
    /// taken for more than there is room for, and all buckets would be given up.
    fn add<'a>(
        &self,
        side: usize,
        (key, row): (u128, u128),
        cells: impl FnOnce() -> Vec<Cell<'a>>,
    ) {
        let shard = &self.shards[row as usize % SHARDS];
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let before = shard.bytes();
        shard.add(side, key, row, cells);
        let change = shard.bytes().wrapping_sub(before);
        self.bytes.fetch_add(change, Ordering::Relaxed);
    }
}

struct Keep<'k> {
    plan: &'k Plan,
    memory: u64,
    buckets: &'k [(u16, u64)],
    shared: &'k Shared,
    hashing: Hashing,
    ignored: Vec<ColumnTally>,
}

impl Work for Keep<'_> {
    fn rows(
        &mut self,
        side: usize,
        rows: usize,
        columns: &[ColumnBatch],
        mask: Option<&[bool]>,
    ) -> Result<(), DatasetError> {
        let hashes = self
            .hashing
            .rows(self.plan, rows, columns, mask, &mut self.ignored);
        let below = self.shared.below.load(Ordering::Relaxed);
        let is_wanted = |key: u128| {
            let bucket = bucket(key);
            self.shared.wanted[usize::from(bucket)] && u64::from(bucket) < below
        };
        let found: Vec<(usize, u128, u128)> = hashes
            .rows(mask)
            .filter(|(_, key, _)| is_wanted(*key))
            .collect();
        if found.is_empty() {
            return Ok(());
        }
        let mut gather = Gather {
            wanted: &found,
            cells: vec![Vec::with_capacity(columns.len()); found.len()],
        };
        columns.iter().for_each(|column| column.visit(&mut gather));
        for ((_, key, row), cells) in found.iter().zip(gather.cells) {
            self.shared.add(side, (*key, *row), || cells);
        }
        self.shrink();
        Ok(())
    }
}

impl Keep<'_> {
    /// Gives up the upper half of the buckets when their rows need more memory than was expected of them.
    fn shrink(&self) {
        let is_full = || self.shared.bytes.load(Ordering::Relaxed) > self.memory;
        if !is_full() || self.shared.shrinking.swap(true, Ordering::Acquire) {
            return;
        }
        while is_full() && self.shared.kept.load(Ordering::Relaxed) > 0 {
            let kept = self.shared.kept.load(Ordering::Relaxed) / 2;
            let below = self.buckets[usize::try_from(kept).unwrap_or(0)].0;
            self.shared.kept.store(kept, Ordering::Relaxed);
            self.shared.below.store(u64::from(below), Ordering::Relaxed);
            for shard in &self.shared.shards {
                let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
                let before = shard.bytes();
                shard.forget_from(below);
                let change = shard.bytes().wrapping_sub(before);
                self.shared.bytes.fetch_add(change, Ordering::Relaxed);
            }
        }
        self.shared.shrinking.store(false, Ordering::Release);
    }
}

/// Collects the cells of some rows of a batch.
struct Gather<'g, 'a> {
    wanted: &'g [(usize, u128, u128)],
    cells: Vec<Vec<Cell<'a>>>,
}

impl<'a> Visitor<'a> for Gather<'_, 'a> {
    fn visit(&mut self, cells: impl Iterator<Item = Cell<'a>>) {
        let mut cells = cells.enumerate();
        for ((at, ..), row) in self.wanted.iter().zip(&mut self.cells) {
            // The rows are in order: the iterator only ever goes on.
            if let Some((_, cell)) = cells.by_ref().find(|(number, _)| number == at) {
                row.push(cell);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each thread adds a row of its side, which that of another cancels, and looks at what is counted.
    #[test]
    fn what_rows_take_is_never_less_than_nothing() {
        const ROUNDS: u32 = 1_000_000;
        let shared = Shared::new(Vec::new(), 1);
        let text = "a".repeat(100);
        let add = |side: usize| {
            let look = |most: u64, _| {
                shared.add(side, (1, 1), || vec![Cell::Text(text.as_bytes())]);
                most.max(shared.bytes.load(Ordering::Relaxed))
            };
            (0..ROUNDS).fold(0, look)
        };
        let most = std::thread::scope(|scope| {
            let threads = [0, 1, 0, 1].map(|side| scope.spawn(move || add(side)));
            threads.map(|thread| thread.join().unwrap())
        });
        assert!(most.iter().all(|most| *most < 1000), "{most:?} bytes");
        assert_eq!(shared.bytes.load(Ordering::Relaxed), ENTRY_BYTES);
    }
}
