#[cfg(test)]
mod tests;

use crate::columns::{ColumnFile, ColumnReader, Kind, ROWS_PER_GROUP, Values};
use crate::{BlockId, EvidenceError, Folder, RunDirectory};
use std::collections::BTreeMap;
use understudy_model::stored::Row;
use understudy_model::{Class, Ending, Observation};

/// A finished block.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// The exchanges, in the order they were appended.
    pub rows: Vec<Row>,
    /// Do the rows say what class an answer is of? Those of format 1 do not: it held exchanges over HTTP alone.
    pub has_classes: bool,
    /// What [`BlockWriter::finish`] was given.
    pub meta: BTreeMap<String, String>,
}

/// How a column gets its values from a row, and a row from a column.
#[derive(Clone, Copy)]
pub(crate) enum Access {
    U32(fn(&Row) -> u32, fn(&mut Row, u32)),
    I32(fn(&Row) -> i32, fn(&mut Row, i32)),
    U64(fn(&Row) -> u64, fn(&mut Row, u64)),
    /// [`Observation::NEVER`] is NULL.
    Time(fn(&Row) -> u64, fn(&mut Row, u64)),
    Ending(fn(&Row) -> Ending, fn(&mut Row, Ending)),
    Class(fn(&Row) -> Class, fn(&mut Row, Class)),
}

pub(crate) const CLASS: &str = "class";
/// What columns were called in format 1.
const FORMER: [(&str, &str); 7] = [
    ("case", "request"),
    ("operation", "endpoint"),
    ("due_ns", "intended_ns"),
    ("first_ns", "first_byte_ns"),
    ("last_ns", "last_byte_ns"),
    ("ending", "outcome"),
    ("hash", "body_hash"),
];

/// The columns of `requests/*.parquet`, in their order.
pub(crate) const COLUMNS: [(&str, Access); 14] = [
    (
        "case",
        Access::U32(|r| r.observation.case, |r, v| r.observation.case = v),
    ),
    (
        "operation",
        Access::U32(
            |r| r.observation.operation,
            |r, v| r.observation.operation = v,
        ),
    ),
    (
        "due_ns",
        Access::Time(|r| r.observation.due_ns, |r, v| r.observation.due_ns = v),
    ),
    (
        "free_ns",
        Access::Time(|r| r.observation.free_ns, |r, v| r.observation.free_ns = v),
    ),
    (
        "sent_ns",
        Access::Time(|r| r.observation.sent_ns, |r, v| r.observation.sent_ns = v),
    ),
    (
        "first_ns",
        Access::Time(
            |r| r.observation.first_ns,
            |r, v| r.observation.first_ns = v,
        ),
    ),
    (
        "last_ns",
        Access::Time(|r| r.observation.last_ns, |r, v| r.observation.last_ns = v),
    ),
    (
        "ending",
        Access::Ending(|r| r.observation.ending, |r, v| r.observation.ending = v),
    ),
    (
        CLASS,
        Access::Class(|r| r.observation.class, |r, v| r.observation.class = v),
    ),
    (
        "code",
        Access::I32(|r| r.observation.code, |r, v| r.observation.code = v),
    ),
    (
        "bytes",
        Access::U64(|r| r.observation.bytes, |r, v| r.observation.bytes = v),
    ),
    (
        "hash",
        Access::U64(|r| r.observation.hash, |r, v| r.observation.hash = v),
    ),
    ("shape", Access::U64(|r| r.shape, |r, v| r.shape = v)),
    ("value", Access::U64(|r| r.value, |r, v| r.value = v)),
];

/// What a row is before its columns have been read.
const BLANK: Row = Row {
    observation: Observation {
        case: 0,
        operation: 0,
        due_ns: Observation::NEVER,
        free_ns: Observation::NEVER,
        sent_ns: Observation::NEVER,
        first_ns: Observation::NEVER,
        last_ns: Observation::NEVER,
        ending: Ending::Abandoned,
        class: Class::Failed,
        code: 0,
        bytes: 0,
        hash: 0,
    },
    shape: 0,
    value: 0,
};

impl Access {
    pub(crate) fn kind(self) -> Kind {
        match self {
            Access::U32(..) => Kind::U32,
            Access::I32(..) => Kind::I32,
            Access::U64(..) => Kind::U64,
            Access::Time(..) => Kind::Time,
            Access::Ending(..) | Access::Class(..) => Kind::Name,
        }
    }

    pub(crate) fn values(self, rows: &[Row]) -> Values {
        match self {
            Access::U32(get, _) => Values::U32(rows.iter().map(get).collect()),
            Access::I32(get, _) => Values::I32(rows.iter().map(get).collect()),
            Access::U64(get, _) => Values::U64(rows.iter().map(get).collect()),
            Access::Time(get, _) => Values::Time(
                rows.iter()
                    .map(get)
                    .map(|time| (time != Observation::NEVER).then_some(time))
                    .collect(),
            ),
            Access::Ending(get, _) => {
                Values::Name(rows.iter().map(|row| get(row).name()).collect())
            }
            Access::Class(get, _) => Values::Name(rows.iter().map(|row| get(row).name()).collect()),
        }
    }

    /// Sets this column in `rows`, which is the row group `group` of the file.
    fn fill(
        self,
        rows: &mut [Row],
        file: &ColumnReader,
        group: usize,
        name: &str,
    ) -> Result<(), EvidenceError> {
        let damaged = || {
            EvidenceError::damaged(
                file.path(),
                format!("a value of column `{name}` makes no sense"),
            )
        };
        if self.kind() == Kind::Name {
            for (row, text) in rows.iter_mut().zip(file.texts(group, name)?) {
                let name = text.as_ref().and_then(|text| text.as_utf8().ok());
                let name = name.ok_or_else(damaged)?;
                match self {
                    Access::Ending(_, set) => {
                        set(row, Ending::from_name(name).ok_or_else(damaged)?);
                    }
                    Access::Class(_, set) => {
                        set(row, Class::from_name(name).ok_or_else(damaged)?);
                    }
                    _ => return Err(damaged()),
                }
            }
            return Ok(());
        }
        for (row, bits) in rows
            .iter_mut()
            .zip(file.integers(group, name, self.kind())?)
        {
            match (self, bits) {
                (Access::U32(_, set), Some(bits)) => set(row, bits as u32),
                (Access::I32(_, set), Some(bits)) => set(row, bits as i32),
                (Access::U64(_, set) | Access::Time(_, set), Some(bits)) => {
                    set(row, bits.cast_unsigned());
                }
                (Access::Time(_, set), None) => set(row, Observation::NEVER),
                _ => return Err(damaged()),
            }
        }
        Ok(())
    }
}

/// Writes the exchanges of one block as they come, in bounded memory.
///
/// Until [`BlockWriter::finish`] the file is a `.tmp` that no reader sees.
pub struct BlockWriter {
    file: ColumnFile,
    pending: Vec<Row>,
}

impl BlockWriter {
    /// Starts the file of a block, in place of an unfinished one.
    pub fn create(directory: &RunDirectory, id: &BlockId) -> Result<Self, EvidenceError> {
        let path = directory.block_to_write(Folder::Requests, id)?;
        let columns = COLUMNS.map(|(name, access)| (name, access.kind()));
        Ok(Self {
            file: ColumnFile::create(&path, &columns)?,
            pending: Vec::with_capacity(ROWS_PER_GROUP),
        })
    }

    /// Adds exchanges. They are on the disk only after [`BlockWriter::finish`].
    pub fn append(&mut self, mut rows: &[Row]) -> Result<(), EvidenceError> {
        while !rows.is_empty() {
            let room = ROWS_PER_GROUP - self.pending.len();
            let (fitting, rest) = rows.split_at(room.min(rows.len()));
            self.pending.extend_from_slice(fitting);
            rows = rest;
            if self.pending.len() == ROWS_PER_GROUP {
                self.write_pending()?;
            }
        }
        Ok(())
    }

    /// Completes the block: `meta` goes into the footer, the file to the disk and to its final name.
    pub fn finish(mut self, meta: &BTreeMap<String, String>) -> Result<(), EvidenceError> {
        if !self.pending.is_empty() {
            self.write_pending()?;
        }
        self.file.finish(meta)
    }

    fn write_pending(&mut self) -> Result<(), EvidenceError> {
        let columns = COLUMNS.map(|(_, access)| access.values(&self.pending));
        self.file.write_group(&columns)?;
        self.pending.clear();
        Ok(())
    }
}

impl RunDirectory {
    /// Reads a finished block.
    pub fn read_block(&self, id: &BlockId) -> Result<Block, EvidenceError> {
        let file = ColumnReader::open(&self.block_to_read(Folder::Requests, id)?)?;
        let there = file.names();
        let is_there = |name: &str| there.iter().any(|there| there == name);
        let has_classes = is_there(CLASS);
        let as_written = |name: &'static str| {
            let former = FORMER.iter().find(|(now, _)| *now == name);
            match former {
                Some((_, former)) if !is_there(name) => former,
                _ => name,
            }
        };
        let mut rows = Vec::new();
        for group in 0..file.groups() {
            let start = rows.len();
            rows.resize(start + file.rows(group)?, BLANK);
            for (name, access) in COLUMNS {
                if name != CLASS || has_classes {
                    access.fill(&mut rows[start..], &file, group, as_written(name))?;
                }
            }
        }
        Ok(Block {
            rows,
            has_classes,
            meta: file.meta().clone(),
        })
    }
}
