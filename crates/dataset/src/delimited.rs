//! CSV: a header, then records. Its fields are text without a type, and without nulls unless a text is declared to
//! stand for them.

use crate::batch::{ColumnBatch, ROWS};
use crate::files::FileOf;
use crate::packing::{Counted, open};
use crate::side::{Sink, Source};
use crate::{DatasetError, Options};
use std::sync::atomic::AtomicU64;
use understudy_compare::dataset::{Column, Logical};
use understudy_model::plain_words;

/// A CSV file.
pub(crate) struct CsvFile {
    pub(crate) columns: Vec<Column>,
    of: FileOf,
    delimiter: u8,
    null: Option<String>,
}

impl CsvFile {
    /// Reads the header.
    pub(crate) fn open(of: &FileOf, options: &Options) -> Result<CsvFile, DatasetError> {
        let name = of.path.to_string_lossy().to_ascii_lowercase();
        let tabs =
            name.ends_with(".tsv") || name.ends_with(".tsv.gz") || name.ends_with(".tsv.zst");
        let mut file = CsvFile {
            columns: Vec::new(),
            of: of.clone(),
            delimiter: options.delimiter.unwrap_or(if tabs { b'\t' } else { b',' }),
            null: options.null.clone(),
        };
        let done = AtomicU64::new(0);
        let failed = |error: DatasetError| error.at(&of.path);
        let mut reader = file.reader(&done).map_err(failed)?;
        let header = reader.headers().map_err(|error| failed(in_words(&error)))?;
        if header.is_empty() {
            return Err(DatasetError::read(&of.path, "it has no header"));
        }
        let column = |name: &str| Column {
            name: name.to_owned(),
            logical: Logical::Untyped,
            nullable: file.null.is_some(),
            shape: String::new(),
            repeated: false,
        };
        file.columns = header.iter().map(column).collect();
        Ok(file)
    }

    fn reader<'d>(&self, done: &'d AtomicU64) -> Result<csv::Reader<Counted<'d>>, DatasetError> {
        let input =
            open(&self.of, done).map_err(|error| DatasetError::part(plain_words(&error)))?;
        Ok(csv::ReaderBuilder::new()
            .delimiter(self.delimiter)
            .buffer_capacity(1 << 18)
            .from_reader(input))
    }

    pub(crate) fn read(
        &self,
        wanted: &[Source],
        done: &AtomicU64,
        sink: &mut dyn Sink,
    ) -> Result<(), DatasetError> {
        let mut reader = self.reader(done)?;
        let mut record = csv::ByteRecord::new();
        let mut batches: Vec<ColumnBatch> = wanted.iter().map(|source| self.room(source)).collect();
        let mut rows = 0;
        loop {
            let more = reader.read_byte_record(&mut record);
            let more = more.map_err(|error| in_words(&error))?;
            if rows == ROWS || !more && rows > 0 {
                sink.batch(rows, &batches)?;
                batches.iter_mut().for_each(clear);
                rows = 0;
            }
            if !more {
                return Ok(());
            }
            rows += 1;
            for (source, batch) in wanted.iter().zip(&mut batches) {
                match (source, batch) {
                    (Source::Own(at), ColumnBatch::Fields { bytes, ends, .. }) => {
                        bytes.extend_from_slice(record.get(*at).unwrap_or_default());
                        ends.push(bytes.len());
                    }
                    (_, ColumnBatch::Constant(_, of)) => *of = rows,
                    _ => {}
                }
            }
        }
    }

    fn room(&self, source: &Source) -> ColumnBatch {
        match source {
            Source::Own(_) => ColumnBatch::Fields {
                bytes: Vec::new(),
                ends: Vec::new(),
                null: self.null.clone().map(String::into_bytes),
            },
            Source::Constant(value) => ColumnBatch::Constant(value.clone(), 0),
        }
    }
}

/// Makes room for the next rows.
pub(crate) fn clear(batch: &mut ColumnBatch) {
    match batch {
        ColumnBatch::Fields { bytes, ends, .. } => {
            bytes.clear();
            ends.clear();
        }
        ColumnBatch::Stored(cells) => cells.clear(),
        ColumnBatch::Constant(_, rows) => *rows = 0,
        _ => {}
    }
}

/// What the library says, as the end of a sentence.
fn in_words(error: &csv::Error) -> DatasetError {
    let line = |position: &Option<csv::Position>| {
        let line = position.as_ref().map_or(0, csv::Position::line);
        format!("line {line}")
    };
    DatasetError::part(match error.kind() {
        csv::ErrorKind::Io(error) => plain_words(error),
        csv::ErrorKind::UnequalLengths {
            pos,
            expected_len,
            len,
        } => format!(
            "{}: {len} fields, where the header has {expected_len}",
            line(pos)
        ),
        csv::ErrorKind::Utf8 { pos, .. } => format!("{}: it is not UTF-8 text", line(pos)),
        _ => format!("it is not valid CSV: {error}"),
    })
}
