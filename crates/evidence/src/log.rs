//! The log of a run of any length: one row an exchange, stored while the run continues.

mod names;
mod part;
#[cfg(test)]
mod tests;

use crate::EvidenceError;
use crate::block::{Access, CLASS, COLUMNS};
use crate::columns::layout;
use crate::pages::PagedColumn;
use parquet::errors::Result as ParquetResult;
use parquet::file::properties::{EnabledStatistics, WriterPropertiesPtr};
use parquet::schema::types::TypePtr;
use part::{Columns, Part};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use understudy_model::Observation;
use understudy_model::stored::Row;

/// Columns of a block that mean nothing in a run without operations and without inspected bodies, or that the code says
/// as well.
const LEFT_OUT: [&str; 5] = ["operation", CLASS, "hash", "shape", "value"];
/// A row group is written when it has as many rows: encoded they take about 12 MiB.
const ROWS_PER_GROUP: u64 = 1 << 20;
/// Or when its first exchange was due this much before its last: what a kill can cost.
const GROUP_NS: u64 = 30_000_000_000;

/// Row groups of one file. What the footer says of each is kept in memory until the file is finished,
/// so that a run without end needs files that end: of half a milliard rows, three hours of 50,000 a second.
const GROUPS_PER_FILE: usize = 512;

/// A log that is being written.
///
/// Its files are `<path>`, and for very long runs `<path>` with `-2`, `-3`, ... before the ending.
/// Each is `<its path>.tmp` until it is full or until [`ExchangeLog::finish`]. After every row group that file is a whole
/// Parquet file: what a kill leaves can be read up to there. It can not if the kill comes while a
/// row group is copied to the file, some milliseconds in half a minute.
pub struct ExchangeLog {
    /// Of the first file.
    path: PathBuf,
    rows_per_group: u64,
    groups_per_file: usize,
    schema: TypePtr,
    properties: WriterPropertiesPtr,
    part: Part,
    columns: Columns,
    /// Rows of a batch as the columns take them.
    scratch: Vec<Row>,
    group: Group,
    /// What the finished files hold.
    before: Logged,
    /// Keeps another run from the name of this one, also past the first file.
    _lock: File,
}

/// The row group that is being filled.
#[derive(Default)]
struct Group {
    rows: u64,
    first_ns: u64,
    last_ns: u64,
}

/// A finished log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Logged {
    /// Exchanges in it.
    pub rows: u64,
    /// Length of its files.
    pub bytes: u64,
    /// How many files it takes.
    pub files: u32,
}

/// A log that could not be completed.
#[derive(Debug, thiserror::Error)]
#[error("the log ends early")]
pub struct CutShort {
    /// What is in its files nevertheless.
    pub kept: Logged,
    /// Why the rest is not.
    pub source: EvidenceError,
}

impl ExchangeLog {
    /// Starts the log that will be `path`.
    ///
    /// # Errors
    /// The file cannot be created, another process writes this log, or there are rows of it that an
    /// interrupted run left.
    pub fn create(path: &Path) -> Result<Self, EvidenceError> {
        let accesses: Vec<(&str, Access)> = COLUMNS
            .into_iter()
            .filter(|(name, _)| !LEFT_OUT.contains(name))
            .collect();
        let (schema, properties) =
            log_layout(&accesses).map_err(EvidenceError::parquet("write", path))?;
        let file = names::claim_first(path)?;
        let lock = file.try_clone().map_err(EvidenceError::io("open", path))?;
        let part = Part::start((1, path.to_owned(), file), &schema, &properties)?;
        let columns = accesses
            .into_iter()
            .zip(part.schema().columns())
            .map(|((_, access), descr)| {
                let column = PagedColumn::new(descr.clone(), properties.clone());
                (access, column)
            })
            .collect();
        Ok(Self {
            path: path.to_owned(),
            rows_per_group: ROWS_PER_GROUP,
            groups_per_file: GROUPS_PER_FILE,
            schema,
            properties,
            part,
            columns,
            scratch: Vec::new(),
            group: Group::default(),
            before: Logged::default(),
            _lock: lock,
        })
    }

    /// Adds exchanges.
    ///
    /// # Errors
    /// The file cannot be written: the disk is full, for example. The log ends then with its last
    /// whole row group and takes nothing more; what came after is given back to the disk.
    pub fn append(&mut self, observations: &[Observation]) -> Result<(), EvidenceError> {
        self.take(observations).inspect_err(|_| {
            // What fails here is tried again by `finish`.
            let _ = self.part.cut_back();
        })
    }

    fn take(&mut self, observations: &[Observation]) -> Result<(), EvidenceError> {
        let (Some(first), Some(last)) = (observations.first(), observations.last()) else {
            return Ok(());
        };
        self.encode(observations)
            .map_err(EvidenceError::parquet("write", &self.part.path))?;
        if self.group.rows == 0 {
            self.group.first_ns = first.due_ns;
        }
        self.group.last_ns = last.due_ns;
        self.group.rows += observations.len() as u64;
        if self.group.rows < self.rows_per_group && !self.group.is_old() {
            return Ok(());
        }
        self.write_group()?;
        if self.part.groups() < self.groups_per_file {
            return Ok(());
        }
        self.start_part()
    }

    /// Does it hold nothing yet?
    pub fn is_empty(&self) -> bool {
        self.before.rows + self.part.rows() + self.group.rows == 0
    }

    /// Completes the log and gives it its name. Later files of a longer run before it are removed.
    ///
    /// A log that has ended early with an error keeps what is whole; without a whole row group it leaves
    /// no file and the one that bore its name as it was.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn finish(mut self) -> Result<Logged, CutShort> {
        let written = match self.group.rows > 0 && !self.part.is_cut() {
            true => self.write_group(),
            false => Ok(()),
        };
        let whole = match written.is_err() || self.part.is_cut() {
            true => self.part.cut_back(),
            false => Ok(()),
        };
        // What was whole before is kept whatever happened to the last row group.
        let finished = whole.and_then(|()| self.finish_last());
        match written.and(finished) {
            Ok(()) => Ok(self.before),
            Err(source) => Err(CutShort {
                kept: self.before,
                source,
            }),
        }
    }

    /// Removes what was written.
    pub fn discard(self) {
        names::remove_unfinished(&self.part.path);
    }

    /// Ends the full file and begins the next, which is claimed first: a run always holds one.
    fn start_part(&mut self) -> Result<(), EvidenceError> {
        let claimed = names::claim_next(&self.path, self.part.number)?;
        let next = Part::start(claimed, &self.schema, &self.properties)?;
        let mut full = std::mem::replace(&mut self.part, next);
        self.before.add(&mut full)
    }

    /// A log of no exchange is a file all the same; a later file without any is none, nor is one that
    /// could not be written.
    fn finish_last(&mut self) -> Result<(), EvidenceError> {
        let mut last = self.part.number;
        if self.part.groups() == 0 && (self.part.is_cut() || last > 1) {
            names::remove_unfinished(&self.part.path);
            last -= 1;
        } else {
            self.before.add(&mut self.part)?;
        }
        if self.before.files > 0 {
            names::remove_followers(&self.path, last);
        }
        Ok(())
    }

    fn encode(&mut self, observations: &[Observation]) -> ParquetResult<()> {
        self.scratch.clear();
        self.scratch
            .extend(observations.iter().map(|observation| Row {
                observation: *observation,
                shape: 0,
                value: 0,
            }));
        for (access, column) in &mut self.columns {
            column.append(&access.values(&self.scratch))?;
        }
        Ok(())
    }

    fn write_group(&mut self) -> Result<(), EvidenceError> {
        self.part.write_group(&mut self.columns, self.group.rows)?;
        self.group = Group::default();
        Ok(())
    }
}

impl Logged {
    /// Gives a file its name and counts what it holds.
    fn add(&mut self, part: &mut Part) -> Result<(), EvidenceError> {
        self.bytes += part.finish()?;
        self.rows += part.rows();
        self.files += 1;
        Ok(())
    }
}

impl Group {
    fn is_old(&self) -> bool {
        self.last_ns.saturating_sub(self.first_ns) >= GROUP_NS
    }
}

fn log_layout(columns: &[(&str, Access)]) -> ParquetResult<(TypePtr, WriterPropertiesPtr)> {
    let kinds: Vec<_> = columns
        .iter()
        .map(|(name, access)| (*name, access.kind()))
        .collect();
    let (schema, properties) = layout(&kinds)?;
    // Nothing is kept of single pages: there are hundreds in a row group.
    let properties = properties
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .build();
    Ok((schema, Arc::new(properties)))
}
