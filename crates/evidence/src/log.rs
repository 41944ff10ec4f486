//! The log of a run of any length: one row an exchange, stored while the run goes on.

#[cfg(test)]
mod tests;

use crate::block::{Access, COLUMNS, Row};
use crate::columns::layout;
use crate::pages::PagedColumn;
use crate::{EvidenceError, files};
use parquet::errors::Result as ParquetResult;
use parquet::file::metadata::{FileMetaData, ParquetMetaData, ParquetMetaDataWriter};
use parquet::file::properties::{EnabledStatistics, WriterPropertiesPtr};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::TypePtr;
use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use understudy_model::Observation;

/// Columns of a block that mean nothing in a run without endpoints and without inspected bodies.
const LEFT_OUT: [&str; 4] = ["endpoint", "body_hash", "shape", "value"];
/// A row group is written when it has as many rows: encoded they take about 12 MiB.
const ROWS_PER_GROUP: u64 = 1 << 20;
/// Or when its first exchange was due this much before its last: what a kill can cost.
const GROUP_NS: u64 = 30_000_000_000;

/// Row groups of one file. What the footer says of each is kept in memory until the file is finished,
/// so that a run without end needs files that end: of half a milliard rows, three hours of 50,000 a second.
const GROUPS_PER_FILE: usize = 512;

type Writer = SerializedFileWriter<BufWriter<File>>;
/// Each column with where its values come from.
type Columns = Vec<(Access, PagedColumn)>;

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
    /// Of the file that is being written.
    part: PathBuf,
    parts: u32,
    schema: TypePtr,
    properties: WriterPropertiesPtr,
    writer: Writer,
    columns: Columns,
    /// Rows of a batch as the columns take them.
    scratch: Vec<Row>,
    group: Group,
    /// Rows of the file that is being written.
    rows: u64,
    /// What the files before it hold.
    before: Logged,
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

impl ExchangeLog {
    /// Starts the log that will be `path`.
    ///
    /// # Errors
    /// The file cannot be created.
    pub fn create(path: &Path) -> Result<Self, EvidenceError> {
        let accesses: Vec<(&str, Access)> = COLUMNS
            .into_iter()
            .filter(|(name, _)| !LEFT_OUT.contains(name))
            .collect();
        let (schema, properties) =
            log_layout(&accesses).map_err(EvidenceError::parquet("write", path))?;
        let writer = start(path, &schema, &properties)?;
        let columns = accesses
            .into_iter()
            .zip(writer.schema_descr().columns())
            .map(|((_, access), descr)| {
                let column = PagedColumn::new(descr.clone(), properties.clone());
                (access, column)
            })
            .collect();
        Ok(Self {
            path: path.to_owned(),
            rows_per_group: ROWS_PER_GROUP,
            groups_per_file: GROUPS_PER_FILE,
            part: path.to_owned(),
            parts: 1,
            schema,
            properties,
            writer,
            columns,
            scratch: Vec::new(),
            group: Group::default(),
            rows: 0,
            before: Logged::default(),
        })
    }

    /// Adds exchanges.
    ///
    /// # Errors
    /// The file cannot be written: the disk is full, for example.
    pub fn append(&mut self, observations: &[Observation]) -> Result<(), EvidenceError> {
        let (Some(first), Some(last)) = (observations.first(), observations.last()) else {
            return Ok(());
        };
        self.encode(observations)
            .map_err(EvidenceError::parquet("write", &self.part))?;
        if self.group.rows == 0 {
            self.group.first_ns = first.intended_ns;
        }
        self.group.last_ns = last.intended_ns;
        self.group.rows += observations.len() as u64;
        if self.group.rows < self.rows_per_group && !self.group.is_old() {
            return Ok(());
        }
        self.write_group()?;
        if self.writer.flushed_row_groups().len() < self.groups_per_file {
            return self.write_footer_for_now();
        }
        self.finish_part()?;
        self.start_part()
    }

    /// Completes the log and gives it its name.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn finish(mut self) -> Result<Logged, EvidenceError> {
        if self.group.rows > 0 {
            self.write_group()?;
        }
        self.finish_part()?;
        Ok(self.before)
    }

    /// Removes what was written.
    pub fn discard(self) {
        // Best effort: what stays bears the name of what is unfinished.
        let _ = std::fs::remove_file(files::unfinished(&self.part));
    }

    fn start_part(&mut self) -> Result<(), EvidenceError> {
        self.parts += 1;
        self.part = numbered(&self.path, self.parts);
        self.writer = start(&self.part, &self.schema, &self.properties)?;
        Ok(())
    }

    fn finish_part(&mut self) -> Result<(), EvidenceError> {
        self.writer
            .finish()
            .map_err(EvidenceError::parquet("write", &self.part))?;
        let bytes = self.writer.bytes_written() as u64;
        let file = self.writer.inner().get_ref();
        file.set_len(bytes)
            .map_err(EvidenceError::io("write", &self.part))?;
        files::finish(file, &self.part)?;
        self.before.rows += std::mem::take(&mut self.rows);
        self.before.bytes += bytes;
        self.before.files += 1;
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
        move_group(&mut self.writer, &mut self.columns)
            .map_err(EvidenceError::parquet("write", &self.part))?;
        self.rows += self.group.rows;
        self.group = Group::default();
        Ok(())
    }

    /// Makes the file a whole one; the next row group takes the place of this footer.
    fn write_footer_for_now(&self) -> Result<(), EvidenceError> {
        let mut footer = Vec::new();
        let descr = self.writer.schema_descr();
        let about = FileMetaData::new(
            1,
            self.rows as i64,
            None,
            None,
            Arc::new(descr.clone()),
            None,
        );
        let metadata = ParquetMetaData::new(about, self.writer.flushed_row_groups().to_vec());
        ParquetMetaDataWriter::new(&mut footer, &metadata)
            .finish()
            .map_err(EvidenceError::parquet("write", &self.part))?;
        let end = self.writer.bytes_written() as u64;
        let file = self.writer.inner().get_ref();
        write_beyond(file, end, &footer).map_err(EvidenceError::io("write", &self.part))
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

fn start(
    path: &Path,
    schema: &TypePtr,
    properties: &WriterPropertiesPtr,
) -> Result<Writer, EvidenceError> {
    let file = BufWriter::new(files::start(path)?);
    SerializedFileWriter::new(file, schema.clone(), properties.clone())
        .map_err(EvidenceError::parquet("write", path))
}

/// `log.parquet` and 2 give `log-2.parquet`.
fn numbered(path: &Path, part: u32) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{part}"));
    if let Some(ending) = path.extension() {
        name.push(".");
        name.push(ending);
    }
    path.with_file_name(name)
}

fn move_group(writer: &mut Writer, columns: &mut [(Access, PagedColumn)]) -> ParquetResult<()> {
    let mut group = writer.next_row_group()?;
    for (_, column) in columns {
        column.move_to(&mut group)?;
    }
    group.close()?;
    Ok(writer.flush()?)
}

/// Writes after `end` and leaves the file where the next bytes shall replace these.
fn write_beyond(mut file: &File, end: u64, bytes: &[u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start(end))?;
    file.write_all(bytes)?;
    file.seek(SeekFrom::Start(end))?;
    Ok(())
}
