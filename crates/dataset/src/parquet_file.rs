//! Parquet without arrow: columns are read in step, a few thousand rows at once.

mod numbering;
mod types;

use crate::DatasetError;
use crate::batch::{self, ColumnBatch, Dense, ROWS};
use crate::files::FileOf;
use crate::side::{Sink, Source};
use bytes::Bytes;
use numbering::NumberedColumn;
use parquet::basic::Compression;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::reader::{
    ChunkReader, FileReader, Length, RowGroupReader, SerializedFileReader,
};
use parquet::schema::types::ColumnDescriptor;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use types::{Form, column};
use understudy_compare::dataset::{Cell, Column, column_entry};
use understudy_model::plain_words;

/// The pages of a column that are in memory at once: its dictionary, a packed page and the same unpacked; and what the
/// hashes of a dictionary take.
const PAGES: u64 = 4;
/// A usual page; writers make them of about this size.
const PAGE_BYTES: u64 = 1 << 20;

/// An open Parquet file.
pub(crate) struct ParquetFile {
    pub(crate) columns: Vec<Column>,
    reader: SerializedFileReader<Positioned>,
}

/// A file that several threads read: each read names its position.
struct Positioned {
    file: Arc<File>,
    bytes: u64,
}

/// Reads on from a position.
struct From {
    file: Arc<File>,
    at: u64,
}

impl Read for From {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Length for Positioned {
    fn len(&self) -> u64 {
        self.bytes
    }
}

impl ChunkReader for Positioned {
    type T = BufReader<From>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        let file = self.file.clone();
        Ok(BufReader::new(From { file, at: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        // A damaged file may name any length: no memory is taken for what the file cannot hold.
        if start
            .checked_add(length as u64)
            .is_none_or(|end| end > self.bytes)
        {
            let what = format!("{length} bytes at {start} are beyond its end");
            return Err(ParquetError::EOF(what));
        }
        let mut buffer = vec![0; length];
        self.file.read_exact_at(&mut buffer, start)?;
        Ok(buffer.into())
    }
}

impl ParquetFile {
    pub(crate) fn open(of: &FileOf) -> Result<ParquetFile, DatasetError> {
        let file = File::open(&of.path);
        let file = file.map_err(|error| DatasetError::read(&of.path, plain_words(&error)))?;
        let chunks = Positioned {
            file: Arc::new(file),
            bytes: of.bytes,
        };
        let reader =
            guarded(|| SerializedFileReader::new(chunks).map_err(|error| in_words(&error)))
                .map_err(|why| DatasetError::read(&of.path, why))?;
        let schema = reader.metadata().file_metadata().schema_descr_ptr();
        let columns = (0..schema.num_columns())
            .map(|at| column(&schema, at))
            .collect();
        let codec = reader
            .metadata()
            .row_groups()
            .iter()
            .flat_map(|group| group.columns());
        for chunk in codec {
            unpacks(chunk.compression()).map_err(|why| DatasetError::read(&of.path, why))?;
        }
        Ok(ParquetFile { columns, reader })
    }

    /// A part is a row group.
    pub(crate) fn parts(&self) -> usize {
        self.reader.metadata().num_row_groups()
    }

    /// About how much memory a thread needs for pages of this many columns.
    pub(crate) fn bytes_of_a_thread(&self, columns: usize) -> u64 {
        let groups = self.reader.metadata().row_groups().iter();
        let of = |bytes: i64| u64::try_from(bytes).unwrap_or(0).min(PAGES * PAGE_BYTES);
        let need = groups.map(|group| {
            let mut sizes: Vec<u64> = group
                .columns()
                .iter()
                .map(|one| of(one.uncompressed_size()))
                .collect();
            sizes.sort_unstable_by(|a, b| b.cmp(a));
            sizes.iter().take(columns).sum()
        });
        need.max().unwrap_or(0)
    }

    pub(crate) fn read(
        &self,
        part: usize,
        wanted: &[Source],
        done: &AtomicU64,
        sink: &mut dyn Sink,
    ) -> Result<(), DatasetError> {
        // The decoder trusts what it decodes; of a damaged file it may panic.
        guarded(|| self.read_group(part, wanted, done, sink))
    }

    fn read_group(
        &self,
        part: usize,
        wanted: &[Source],
        done: &AtomicU64,
        sink: &mut dyn Sink,
    ) -> Result<(), DatasetError> {
        let failed = |error: ParquetError| DatasetError::part(in_words(&error));
        let group = self.reader.get_row_group(part).map_err(failed)?;
        let meta = group.metadata();
        let rows =
            usize::try_from(meta.num_rows()).map_err(|_| DatasetError::part("it is damaged"))?;
        let mut open = Vec::new();
        for source in wanted {
            open.push(match source {
                Source::Own(at) => Reading::open(group.as_ref(), *at).map_err(failed)?,
                Source::Constant(value) => Reading::Constant(value.clone()),
            });
        }
        let mut batches: Vec<ColumnBatch> = open.iter().map(Reading::room).collect();
        let bytes = u64::try_from(meta.compressed_size()).unwrap_or(0);
        let (mut read, mut reported) = (0, 0);
        while read < rows {
            let now = ROWS.min(rows - read);
            for (column, batch) in open.iter_mut().zip(&mut batches) {
                column.next(now, batch)?;
            }
            sink.batch(now, &batches)?;
            read += now;
            let share = (u128::from(bytes) * read as u128 / rows as u128) as u64;
            done.fetch_add(share - reported, Ordering::Relaxed);
            reported = share;
        }
        Ok(())
    }
}

/// A column that is being read.
enum Reading {
    Column(Form, Box<ColumnReader>),
    Numbered(Box<NumberedColumn>),
    Constant(Option<String>),
}

impl Reading {
    fn open(group: &dyn RowGroupReader, at: usize) -> ParquetResult<Reading> {
        let form = Form::of(group.metadata().column(at).column_descr());
        if let Some(column) = NumberedColumn::open(group, at, form)? {
            return Ok(Reading::Numbered(Box::new(column)));
        }
        let reader = group.get_column_reader(at)?;
        Ok(Reading::Column(form, Box::new(reader)))
    }

    /// An empty batch that is used over and over.
    fn room(&self) -> ColumnBatch {
        match self {
            Reading::Constant(value) => ColumnBatch::Constant(value.clone(), 0),
            Reading::Column(form, reader) => form.room(reader),
            Reading::Numbered(column) => column.room(),
        }
    }

    /// Reads the next rows.
    fn next(&mut self, rows: usize, batch: &mut ColumnBatch) -> Result<(), DatasetError> {
        let read = match (self, batch) {
            (Reading::Constant(_), ColumnBatch::Constant(_, of)) => {
                *of = rows;
                return Ok(());
            }
            (Reading::Numbered(column), ColumnBatch::Indexed(of)) => column.next(rows, of),
            (Reading::Column(form, reader), batch) => typed(reader, rows, form, batch),
            _ => Err(changed()),
        };
        match read.map_err(|error| DatasetError::part(in_words(&error)))? {
            read if read == rows => Ok(()),
            _ => Err(DatasetError::part(
                "it is damaged: a column ends before its row group",
            )),
        }
    }
}

fn changed() -> ParquetError {
    ParquetError::General("its columns have changed".to_owned())
}

/// Reads values of a column of any type.
fn typed(
    reader: &mut ColumnReader,
    rows: usize,
    form: &Form,
    batch: &mut ColumnBatch,
) -> ParquetResult<usize> {
    match (reader, batch) {
        (ColumnReader::BoolColumnReader(r), ColumnBatch::Bool(of)) => fill(r, rows, form, of),
        (ColumnReader::Int32ColumnReader(r), ColumnBatch::Int32(of, _)) => fill(r, rows, form, of),
        (ColumnReader::Int64ColumnReader(r), ColumnBatch::Int64(of, _)) => fill(r, rows, form, of),
        (ColumnReader::Int96ColumnReader(r), ColumnBatch::Int96(of)) => fill(r, rows, form, of),
        (ColumnReader::FloatColumnReader(r), ColumnBatch::Float(of)) => fill(r, rows, form, of),
        (ColumnReader::DoubleColumnReader(r), ColumnBatch::Double(of)) => fill(r, rows, form, of),
        (ColumnReader::ByteArrayColumnReader(r), ColumnBatch::ByteArray(of, _)) => {
            fill(r, rows, form, of)
        }
        (ColumnReader::FixedLenByteArrayColumnReader(r), ColumnBatch::FixedBytes(of, _)) => {
            fill(r, rows, form, of)
        }
        (reader, ColumnBatch::Stored(cells)) => nested(reader, rows, form, cells),
        _ => Err(changed()),
    }
}

/// Reads values of a flat column.
fn fill<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    rows: usize,
    form: &Form,
    of: &mut Dense<T::T>,
) -> ParquetResult<usize> {
    of.values.clear();
    of.defined.clear();
    of.nullable = form.most_defined > 0;
    let mut read = 0;
    while read < rows {
        let defined = of.nullable.then_some(&mut of.defined);
        let (more, ..) = reader.read_records(rows - read, defined, None, &mut of.values)?;
        if more == 0 {
            break;
        }
        read += more;
    }
    Ok(read)
}

/// Reads a column within lists, maps or structures of any type.
fn nested(
    reader: &mut ColumnReader,
    rows: usize,
    form: &Form,
    cells: &mut Vec<u8>,
) -> ParquetResult<usize> {
    use batch::{cell_of_bytes, instant_of_96, of_int32, wide};
    let (int, bytes) = (form.meaning, form.bytes);
    match reader {
        ColumnReader::BoolColumnReader(r) => assemble(r, rows, form, cells, |v| Cell::Bool(*v)),
        ColumnReader::Int32ColumnReader(r) => assemble(r, rows, form, cells, |v| of_int32(*v, int)),
        ColumnReader::Int64ColumnReader(r) => assemble(r, rows, form, cells, |v| wide(*v, int)),
        ColumnReader::Int96ColumnReader(r) => {
            assemble(r, rows, form, cells, |v| instant_of_96(v.data()))
        }
        ColumnReader::FloatColumnReader(r) => {
            assemble(r, rows, form, cells, |v| Cell::Float(f64::from(*v)))
        }
        ColumnReader::DoubleColumnReader(r) => assemble(r, rows, form, cells, |v| Cell::Float(*v)),
        ColumnReader::ByteArrayColumnReader(r) => {
            assemble(r, rows, form, cells, |v| cell_of_bytes(v.data(), bytes))
        }
        ColumnReader::FixedLenByteArrayColumnReader(r) => {
            assemble(r, rows, form, cells, |v| cell_of_bytes(v.data(), bytes))
        }
    }
}

fn assemble<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    rows: usize,
    form: &Form,
    cells: &mut Vec<u8>,
    cell: impl Fn(&T::T) -> Cell<'_>,
) -> ParquetResult<usize> {
    cells.clear();
    let (mut defined, mut repeated, mut values) = (Vec::new(), Vec::new(), Vec::new());
    let mut read = 0;
    while read < rows {
        let repeats = form.repeated.then_some(&mut repeated);
        let defines = (form.most_defined > 0).then_some(&mut defined);
        let (more, ..) = reader.read_records(rows - read, defines, repeats, &mut values)?;
        if more == 0 {
            break;
        }
        read += more;
    }
    let mut next = values.iter();
    let mut take = |level: i16| {
        (level == form.most_defined)
            .then(|| next.next())
            .flatten()
            .map(&cell)
    };
    if !form.repeated {
        let levels = || defined.iter().copied();
        let count = if form.most_defined > 0 {
            defined.len()
        } else {
            values.len()
        };
        let all = levels()
            .chain(std::iter::repeat(form.most_defined))
            .take(count);
        for level in all {
            match take(level) {
                Some(value) => value.store(cells),
                // The value itself is null; what is above it is not.
                None if form.nullable && level == form.most_defined - 1 => Cell::Null.store(cells),
                None => {
                    let mut entry = Vec::new();
                    column_entry(level, 0, None, &mut entry);
                    Cell::Nested(&entry).store(cells);
                }
            }
        }
        return Ok(read);
    }
    let mut entry = Vec::new();
    for (at, repetition) in repeated.iter().enumerate() {
        if *repetition == 0 && at > 0 {
            Cell::Nested(&entry).store(cells);
            entry.clear();
        }
        let level = defined.get(at).copied().unwrap_or(form.most_defined);
        column_entry(level, *repetition, take(level), &mut entry);
    }
    if !repeated.is_empty() {
        Cell::Nested(&entry).store(cells);
    }
    Ok(read)
}

/// Can the pages be unpacked?
fn unpacks(packed: Compression) -> Result<(), String> {
    let name = match packed {
        Compression::BROTLI(_) => "Brotli",
        Compression::LZO => "LZO",
        Compression::ZSTD(_) if cfg!(not(target_os = "linux")) => "Zstandard",
        _ => return Ok(()),
    };
    Err(format!(
        "its pages are packed with {name}, which is not supported\nhint: write it with Snappy, Zstandard (Linux), gzip or LZ4"
    ))
}

/// What the library says, as the end of a sentence.
fn in_words(error: &ParquetError) -> String {
    let text = error.to_string();
    let plain = ["Parquet error: ", "EOF: ", "External: "]
        .iter()
        .find_map(|of| text.strip_prefix(of));
    format!("it is not a valid Parquet file: {}", plain.unwrap_or(&text))
}

thread_local! {
    /// Is this thread decoding what may be damaged?
    static DECODING: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Keeps the message of a panic that becomes an error of a file off standard error. For programs, once at their start.
pub fn quiet_decoder() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !DECODING.get() {
            usual(panic);
        }
    }));
}

/// A panic of the decoder is an error of the file.
fn guarded<R, E>(read: impl FnOnce() -> Result<R, E>) -> Result<R, E>
where
    E: std::convert::From<Damaged>,
{
    DECODING.set(true);
    let read = std::panic::catch_unwind(std::panic::AssertUnwindSafe(read));
    DECODING.set(false);
    read.unwrap_or_else(|_| Err(Damaged.into()))
}

/// The decoder panicked.
struct Damaged;

const DAMAGED: &str = "it is not a valid Parquet file: it cannot be decoded";

impl std::convert::From<Damaged> for String {
    fn from(_: Damaged) -> String {
        DAMAGED.to_owned()
    }
}

impl std::convert::From<Damaged> for DatasetError {
    fn from(_: Damaged) -> DatasetError {
        DatasetError::part(DAMAGED)
    }
}

/// Is any level above a column, or the column itself, repeated?
fn is_repeated(description: &ColumnDescriptor) -> bool {
    description.max_rep_level() > 0
}
