#[cfg(test)]
mod tests;

use crate::columns::{ColumnFile, ColumnReader, Kind, ROWS_PER_GROUP, Values};
use crate::{BlockId, EvidenceError, Folder, RunDirectory};
use std::collections::BTreeMap;
use understudy_model::stored::Row;
use understudy_model::{Ending, Observation};

/// A finished block.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// The exchanges, in the order they were appended.
    pub rows: Vec<Row>,
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
}

/// The columns of `requests/*.parquet`, in their order.
pub(crate) const COLUMNS: [(&str, Access); 13] = [
    (
        "request",
        Access::U32(|r| r.observation.request, |r, v| r.observation.request = v),
    ),
    (
        "endpoint",
        Access::U32(
            |r| r.observation.endpoint,
            |r, v| r.observation.endpoint = v,
        ),
    ),
    (
        "intended_ns",
        Access::Time(
            |r| r.observation.intended_ns,
            |r, v| r.observation.intended_ns = v,
        ),
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
        "first_byte_ns",
        Access::Time(
            |r| r.observation.first_byte_ns,
            |r, v| r.observation.first_byte_ns = v,
        ),
    ),
    (
        "last_byte_ns",
        Access::Time(
            |r| r.observation.last_byte_ns,
            |r, v| r.observation.last_byte_ns = v,
        ),
    ),
    (
        "outcome",
        Access::Ending(|r| r.observation.ending, |r, v| r.observation.ending = v),
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
        "body_hash",
        Access::U64(
            |r| r.observation.body_hash,
            |r, v| r.observation.body_hash = v,
        ),
    ),
    ("shape", Access::U64(|r| r.shape, |r, v| r.shape = v)),
    ("value", Access::U64(|r| r.value, |r, v| r.value = v)),
];

/// What a row is before its columns have been read.
const BLANK: Row = Row {
    observation: Observation {
        request: 0,
        endpoint: 0,
        intended_ns: Observation::NEVER,
        free_ns: Observation::NEVER,
        sent_ns: Observation::NEVER,
        first_byte_ns: Observation::NEVER,
        last_byte_ns: Observation::NEVER,
        ending: Ending::Abandoned,
        code: 0,
        bytes: 0,
        body_hash: 0,
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
            Access::Ending(..) => Kind::Name,
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
        if let Access::Ending(_, set) = self {
            for (row, text) in rows.iter_mut().zip(file.texts(group, name)?) {
                let ending = text.as_ref().and_then(|text| text.as_utf8().ok());
                set(row, ending.and_then(Ending::from_name).ok_or_else(damaged)?);
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
        let mut rows = Vec::new();
        for group in 0..file.groups() {
            let start = rows.len();
            rows.resize(start + file.rows(group)?, BLANK);
            for (name, access) in COLUMNS {
                access.fill(&mut rows[start..], &file, group, name)?;
            }
        }
        Ok(Block {
            rows,
            meta: file.meta().clone(),
        })
    }
}
