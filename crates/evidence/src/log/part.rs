//! One file of a log.

use super::names::PART_KEY;
use crate::block::Access;
use crate::pages::PagedColumn;
use crate::{EvidenceError, files};
use parquet::errors::Result as ParquetResult;
use parquet::file::metadata::{FileMetaData, KeyValue, ParquetMetaData, ParquetMetaDataWriter};
use parquet::file::properties::WriterPropertiesPtr;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{SchemaDescriptor, TypePtr};
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::Arc;

/// Each column with where its values come from.
pub(super) type Columns = Vec<(Access, PagedColumn)>;

/// A file that is a whole one after every row group: the footer is written again, and the next row
/// group takes its place.
pub(super) struct Part {
    pub(super) path: PathBuf,
    /// Within the log, from 1.
    pub(super) number: u32,
    writer: SerializedFileWriter<Output>,
    whole: Whole,
}

/// What can be read of a part.
#[derive(Clone, Copy, Default)]
struct Whole {
    rows: u64,
    groups: usize,
    /// Where its last row group ends and its footer begins.
    end: u64,
}

/// The encoder keeps bytes back and writes them when it is dropped. They must not reach a file that
/// has been cut back.
struct Output {
    file: File,
    is_cut: bool,
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.is_cut {
            true => Err(io::Error::other("the file has ended")),
            false => self.file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Part {
    pub(super) fn start(
        (number, path, file): (u32, PathBuf, File),
        schema: &TypePtr,
        properties: &WriterPropertiesPtr,
    ) -> Result<Self, EvidenceError> {
        let output = Output {
            file,
            is_cut: false,
        };
        let writer = SerializedFileWriter::new(output, schema.clone(), properties.clone())
            .map_err(EvidenceError::parquet("write", &path))?;
        Ok(Self {
            path,
            number,
            writer,
            whole: Whole::default(),
        })
    }

    pub(super) fn schema(&self) -> &SchemaDescriptor {
        self.writer.schema_descr()
    }

    pub(super) fn file(&self) -> &File {
        &self.writer.inner().file
    }

    pub(super) fn rows(&self) -> u64 {
        self.whole.rows
    }

    pub(super) fn groups(&self) -> usize {
        self.whole.groups
    }

    pub(super) fn is_cut(&self) -> bool {
        self.writer.inner().is_cut
    }

    /// Moves what the columns hold, so many rows, into a row group.
    pub(super) fn write_group(
        &mut self,
        columns: &mut Columns,
        rows: u64,
    ) -> Result<(), EvidenceError> {
        move_group(&mut self.writer, columns)
            .map_err(EvidenceError::parquet("write", &self.path))?;
        let whole = Whole {
            rows: self.whole.rows + rows,
            groups: self.whole.groups + 1,
            end: self.writer.bytes_written() as u64,
        };
        self.write_footer(whole)?;
        self.whole = whole;
        Ok(())
    }

    /// Ends the file with its last whole row group, after an error: gives the disk back what came
    /// after, and puts the footer there again. Without a row group the file is empty.
    pub(super) fn cut_back(&mut self) -> Result<(), EvidenceError> {
        self.writer.inner_mut().is_cut = true;
        self.file()
            .set_len(self.whole.end)
            .map_err(EvidenceError::io("write", &self.path))?;
        match self.whole.groups {
            0 => Ok(()),
            _ => self.write_footer(self.whole),
        }
    }

    /// Gives the file its name; returns its length.
    pub(super) fn finish(&mut self) -> Result<u64, EvidenceError> {
        if self.whole.groups == 0 {
            self.writer
                .flush()
                .map_err(EvidenceError::io("write", &self.path))?;
            self.whole.end = self.writer.bytes_written() as u64;
            self.write_footer(self.whole)?;
        }
        let about = self.file().metadata();
        let bytes = about.map_err(EvidenceError::io("read", &self.path))?.len();
        files::finish(self.file(), &self.path)?;
        Ok(bytes)
    }

    fn write_footer(&self, whole: Whole) -> Result<(), EvidenceError> {
        let about = FileMetaData::new(
            1,
            whole.rows as i64,
            Some(self.writer.properties().created_by().to_owned()),
            Some(vec![KeyValue::new(
                PART_KEY.to_owned(),
                self.number.to_string(),
            )]),
            Arc::new(self.schema().clone()),
            None,
        );
        let groups = self.writer.flushed_row_groups()[..whole.groups].to_vec();
        let mut footer = Vec::new();
        ParquetMetaDataWriter::new(&mut footer, &ParquetMetaData::new(about, groups))
            .finish()
            .map_err(EvidenceError::parquet("write", &self.path))?;
        write_beyond(self.file(), whole.end, &footer)
            .map_err(EvidenceError::io("write", &self.path))
    }
}

fn move_group(
    writer: &mut SerializedFileWriter<Output>,
    columns: &mut Columns,
) -> ParquetResult<()> {
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
