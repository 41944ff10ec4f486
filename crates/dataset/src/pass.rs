//! One pass over the parts of both sides, by several threads.

use crate::batch::{ColumnBatch, Visitor};
use crate::side::{Part, Side, Sink};
use crate::{DatasetError, Options};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use understudy_compare::dataset::{Cell, Plan};

/// How much memory the pages of all threads may take.
const PAGES_OF_ALL: u64 = 192 << 20;
/// How often progress is reported.
const REPORTED: Duration = Duration::from_millis(250);

/// What a pass is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The sums of all rows are made.
    Sums,
    /// The rows that differ are looked for.
    Differences,
}

/// How far a pass is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// What it is for.
    pub stage: Stage,
    /// The bytes of the files that were read.
    pub done: u64,
    /// Those of all files.
    pub total: u64,
}

/// What all passes have in common.
pub(crate) struct Reading<'r> {
    pub(crate) sides: &'r [Side; 2],
    pub(crate) plan: &'r Plan,
    pub(crate) options: &'r Options<'r>,
    /// The columns that are read of each side: those of the plan, then those of the filter.
    wanted: [Vec<usize>; 2],
    /// The names of those of the filter.
    filter: Vec<String>,
}

/// What a thread does with the batches of both sides.
pub(crate) trait Work: Send {
    /// Takes rows of a side: 0 is A, 1 is B. `columns` are those of the plan, `mask` says which rows are wanted.
    fn rows(
        &mut self,
        side: usize,
        rows: usize,
        columns: &[ColumnBatch],
        mask: Option<&[bool]>,
    ) -> Result<(), DatasetError>;
}

impl<'r> Reading<'r> {
    pub(crate) fn new(sides: &'r [Side; 2], plan: &'r Plan, options: &'r Options<'r>) -> Self {
        let mut filter: Vec<String> = Vec::new();
        for name in options.filter.iter().flat_map(|filter| filter.columns()) {
            if !filter.iter().any(|known| known == name) {
                filter.push(name.to_owned());
            }
        }
        let wanted = [0, 1].map(|side: usize| {
            let of_plan = plan.columns.iter().map(|column| column.at[side]);
            let find = |name: &String| sides[side].columns.iter().position(|one| one.name == *name);
            of_plan.chain(filter.iter().filter_map(find)).collect()
        });
        Reading {
            sides,
            plan,
            options,
            wanted,
            filter,
        }
    }

    /// Reads both sides; every thread does a work of its own.
    pub(crate) fn pass<W: Work>(
        &self,
        stage: Stage,
        start: impl Fn() -> W + Sync,
    ) -> Result<Vec<W>, DatasetError> {
        let [a, b] = [0, 1].map(|side: usize| self.sides[side].parts());
        let parts = interleaved(a, b);
        let (next, done, over) = (
            AtomicUsize::new(0),
            AtomicU64::new(0),
            AtomicBool::new(false),
        );
        let failed: Mutex<Option<DatasetError>> = Mutex::new(None);
        let thread = || {
            let mut work = start();
            let mut mask = Vec::new();
            while let Some((side, part)) = parts.get(next.fetch_add(1, Ordering::Relaxed)) {
                let mut sink = Filtered {
                    reading: self,
                    side: *side,
                    work: &mut work,
                    mask: &mut mask,
                    over: &over,
                };
                let wanted = &self.wanted[*side];
                let read = self.sides[*side].read(*part, wanted, &done, &mut sink);
                if let Err(error) = read {
                    // Of several errors the first counts: the others are because of it.
                    let mut first = failed.lock().unwrap_or_else(PoisonError::into_inner);
                    first.get_or_insert(error);
                    over.store(true, Ordering::Relaxed);
                    break;
                }
            }
            work
        };
        let total = self.sides[0].bytes() + self.sides[1].bytes();
        let works = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..self.threads(parts.len()))
                .map(|_| scope.spawn(thread))
                .collect();
            while !threads.iter().all(|one| one.is_finished()) {
                let done = done.load(Ordering::Relaxed).min(total);
                (self.options.progress)(Progress { stage, done, total });
                wait(&threads);
            }
            threads
                .into_iter()
                .map(|one| one.join())
                .collect::<Result<Vec<_>, _>>()
        });
        match (
            failed.into_inner().unwrap_or_else(PoisonError::into_inner),
            works,
        ) {
            (Some(error), _) => Err(error),
            (None, Ok(works)) => Ok(works),
            (None, Err(_)) => Err(DatasetError::part("a thread that reads has failed")),
        }
    }

    fn threads(&self, parts: usize) -> usize {
        let of_side = |side: usize| self.sides[side].bytes_of_a_thread(&self.wanted[side]);
        let each = of_side(0).max(of_side(1)).max(1);
        let fit = usize::try_from(PAGES_OF_ALL / each).unwrap_or(1);
        self.options.threads.min(fit).min(parts).max(1)
    }
}

/// Waits a little, and not at all once a thread has ended.
fn wait<T>(threads: &[std::thread::ScopedJoinHandle<'_, T>]) {
    let step = Duration::from_millis(2);
    let mut waited = Duration::ZERO;
    while waited < REPORTED && !threads.iter().all(|one| one.is_finished()) {
        std::thread::sleep(step);
        waited += step;
    }
}

/// The parts of both sides in turn: rows that are on both sides then meet soon.
fn interleaved(a: Vec<Part>, b: Vec<Part>) -> Vec<(usize, Part)> {
    let (mut a, mut b) = (a.into_iter(), b.into_iter());
    let mut parts = Vec::new();
    loop {
        match (a.next(), b.next()) {
            (None, None) => return parts,
            (first, second) => {
                parts.extend(first.map(|part| (0, part)));
                parts.extend(second.map(|part| (1, part)));
            }
        }
    }
}

/// Applies the filter before the work of a thread.
struct Filtered<'f, W> {
    reading: &'f Reading<'f>,
    side: usize,
    work: &'f mut W,
    mask: &'f mut Vec<bool>,
    over: &'f AtomicBool,
}

impl<W: Work> Sink for Filtered<'_, W> {
    fn batch(&mut self, rows: usize, columns: &[ColumnBatch]) -> Result<(), DatasetError> {
        self.reading.options.check_stop()?;
        if self.over.load(Ordering::Relaxed) {
            return Err(DatasetError::Interrupted);
        }
        let (of_plan, of_filter) = columns.split_at(self.reading.plan.columns.len());
        let Some(filter) = &self.reading.options.filter else {
            return self.work.rows(self.side, rows, of_plan, None);
        };
        self.mask.clear();
        self.mask.resize(rows, true);
        for (name, column) in self.reading.filter.iter().zip(of_filter) {
            let mask = self.mask.as_mut_slice();
            column.visit(&mut Narrow { filter, name, mask });
        }
        self.work.rows(self.side, rows, of_plan, Some(self.mask))
    }
}

struct Narrow<'n> {
    filter: &'n understudy_compare::dataset::Predicate,
    name: &'n str,
    mask: &'n mut [bool],
}

impl<'a> Visitor<'a> for Narrow<'_> {
    fn visit(&mut self, cells: impl Iterator<Item = Cell<'a>>) {
        self.filter.apply(self.name, cells, self.mask);
    }
}
