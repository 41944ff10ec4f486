//! Columns of numbers and names in one Parquet file.

use crate::checksum::{self, Summed};
use crate::{EvidenceError, files};
use parquet::basic::{Compression, Encoding, LogicalType, Repetition, Type as Physical};
use parquet::column::reader::get_typed_column_reader;
use parquet::column::writer::{ColumnWriter, ColumnWriterImpl, get_typed_column_writer_mut};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::{KeyValue, ParquetMetaData};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{ColumnPath, Type, TypePtr};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows that are gathered in memory before they are written.
pub(crate) const ROWS_PER_GROUP: usize = 65_536;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Unsigned, 32 bits.
    U32,
    /// Signed, 32 bits.
    I32,
    /// Unsigned, 64 bits.
    U64,
    /// Unsigned, 64 bits, ascending or nearly so, or NULL.
    Time,
    /// One of a few names.
    Name,
    /// A floating-point number, or NULL.
    Number,
}

/// The values of one column in one row group.
#[derive(Clone, Debug)]
pub(crate) enum Values {
    U32(Vec<u32>),
    I32(Vec<i32>),
    U64(Vec<u64>),
    Time(Vec<Option<u64>>),
    Name(Vec<&'static str>),
    Number(Vec<Option<f64>>),
}

impl Kind {
    fn physical(self) -> Physical {
        match self {
            Kind::U32 | Kind::I32 => Physical::INT32,
            Kind::U64 | Kind::Time => Physical::INT64,
            Kind::Name => Physical::BYTE_ARRAY,
            Kind::Number => Physical::DOUBLE,
        }
    }

    fn logical(self) -> Option<LogicalType> {
        match self {
            Kind::U32 => Some(LogicalType::integer(32, false)),
            Kind::U64 | Kind::Time => Some(LogicalType::integer(64, false)),
            Kind::Name => Some(LogicalType::String),
            Kind::I32 | Kind::Number => None,
        }
    }

    fn repetition(self) -> Repetition {
        match self {
            Kind::Time | Kind::Number => Repetition::OPTIONAL,
            _ => Repetition::REQUIRED,
        }
    }

    fn field(self, name: &str) -> ParquetResult<Type> {
        Type::primitive_type_builder(name, self.physical())
            .with_logical_type(self.logical())
            .with_repetition(self.repetition())
            .build()
    }
}

/// A file of columns that is being written.
pub(crate) struct ColumnFile {
    writer: SerializedFileWriter<Summed>,
    path: PathBuf,
}

impl ColumnFile {
    /// Starts the file that will be `path`.
    pub(crate) fn create(path: &Path, columns: &[(&str, Kind)]) -> Result<Self, EvidenceError> {
        let file = files::start(path)?;
        let (schema, properties) =
            layout(columns).map_err(EvidenceError::parquet("write", path))?;
        let properties = Arc::new(properties.build());
        let writer = SerializedFileWriter::new(Summed::new(file), schema, properties)
            .map_err(EvidenceError::parquet("write", path))?;
        Ok(Self {
            writer,
            path: path.to_owned(),
        })
    }

    /// Writes one row group: the values of every column, in the order of the columns.
    pub(crate) fn write_group(&mut self, columns: &[Values]) -> Result<(), EvidenceError> {
        write_group(&mut self.writer, columns).map_err(EvidenceError::parquet("write", &self.path))
    }

    /// Completes the file, with `meta` in its footer, and gives it its name.
    pub(crate) fn finish(mut self, meta: &BTreeMap<String, String>) -> Result<(), EvidenceError> {
        let checksum = (checksum::KEY.to_owned(), checksum::UNKNOWN.to_owned());
        for (key, value) in meta.clone().into_iter().chain([checksum]) {
            self.writer
                .append_key_value_metadata(KeyValue::new(key, value));
        }
        self.writer
            .finish()
            .map_err(EvidenceError::parquet("write", &self.path))?;
        let file = self
            .writer
            .inner()
            .seal()
            .map_err(EvidenceError::io("write", &self.path))?;
        files::finish(file, &self.path)
    }
}

/// The schema of these columns, and how they are encoded.
pub(crate) fn layout(
    columns: &[(&str, Kind)],
) -> ParquetResult<(TypePtr, WriterPropertiesBuilder)> {
    let mut properties = WriterProperties::builder().set_compression(Compression::SNAPPY);
    let mut fields = Vec::with_capacity(columns.len());
    for (name, kind) in columns {
        fields.push(Arc::new(kind.field(name)?));
        if *kind == Kind::Time {
            // Successive times differ by little: differences are a few bits where values are eight bytes.
            let column = ColumnPath::from(*name);
            properties = properties
                .set_column_dictionary_enabled(column.clone(), false)
                .set_column_encoding(column, Encoding::DELTA_BINARY_PACKED);
        }
    }
    let schema = Type::group_type_builder("rows")
        .with_fields(fields)
        .build()?;
    Ok((Arc::new(schema), properties))
}

fn write_group(writer: &mut SerializedFileWriter<Summed>, columns: &[Values]) -> ParquetResult<()> {
    let mut group = writer.next_row_group()?;
    for values in columns {
        let mut column = group
            .next_column()?
            .ok_or_else(|| missing("column in the schema"))?;
        write_column(column.untyped(), values)?;
        column.close()?;
    }
    group.close()?;
    Ok(())
}

/// Parquet stores unsigned integers as the signed ones of the same bits.
pub(crate) fn write_column(column: &mut ColumnWriter<'_>, values: &Values) -> ParquetResult<()> {
    match values {
        Values::U32(values) => {
            let bits: Vec<i32> = values.iter().map(|value| value.cast_signed()).collect();
            typed::<Int32Type>(column).write_batch(&bits, None, None)
        }
        Values::I32(values) => typed::<Int32Type>(column).write_batch(values, None, None),
        Values::U64(values) => {
            let bits: Vec<i64> = values.iter().map(|value| value.cast_signed()).collect();
            typed::<Int64Type>(column).write_batch(&bits, None, None)
        }
        Values::Time(values) => {
            let bits: Vec<i64> = values
                .iter()
                .flatten()
                .map(|value| value.cast_signed())
                .collect();
            typed::<Int64Type>(column).write_batch(&bits, Some(&levels(values)), None)
        }
        Values::Name(values) => {
            typed::<ByteArrayType>(column).write_batch(&texts(values), None, None)
        }
        Values::Number(values) => {
            let numbers: Vec<f64> = values.iter().flatten().copied().collect();
            typed::<DoubleType>(column).write_batch(&numbers, Some(&levels(values)), None)
        }
    }?;
    Ok(())
}

/// The writer of a column whose kind has this type.
fn typed<'a, 'b, T: DataType>(column: &'a mut ColumnWriter<'b>) -> &'a mut ColumnWriterImpl<'b, T> {
    get_typed_column_writer_mut(column)
}

/// Each text once in memory, however often it comes in a row.
fn texts(names: &[&'static str]) -> Vec<ByteArray> {
    let mut last: Option<(&str, ByteArray)> = None;
    let text = |name: &'static str| match &last {
        Some((before, text)) if *before == name => text.clone(),
        _ => last.insert((name, ByteArray::from(name))).1.clone(),
    };
    names.iter().copied().map(text).collect()
}

/// 1 where there is a value, 0 where there is none.
fn levels<T>(values: &[Option<T>]) -> Vec<i16> {
    values
        .iter()
        .map(|value| i16::from(value.is_some()))
        .collect()
}

/// A finished file of columns.
pub(crate) struct ColumnReader {
    reader: SerializedFileReader<File>,
    path: PathBuf,
    meta: BTreeMap<String, String>,
}

impl ColumnReader {
    pub(crate) fn open(path: &Path) -> Result<Self, EvidenceError> {
        let file = File::open(path).map_err(EvidenceError::io("read", path))?;
        if !checksum::is_intact(&file).map_err(EvidenceError::io("read", path))? {
            return Err(EvidenceError::damaged(path, "it is not as it was written"));
        }
        let reader =
            SerializedFileReader::new(file).map_err(EvidenceError::parquet("read", path))?;
        let mut meta = key_values(reader.metadata());
        meta.remove(checksum::KEY);
        Ok(Self {
            reader,
            path: path.to_owned(),
            meta,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What [`ColumnFile::finish`] was given.
    pub(crate) fn meta(&self) -> &BTreeMap<String, String> {
        &self.meta
    }

    /// The names of the columns, in their order.
    pub(crate) fn names(&self) -> Vec<String> {
        let schema = self.reader.metadata().file_metadata().schema_descr();
        schema
            .columns()
            .iter()
            .map(|column| column.name().to_owned())
            .collect()
    }

    /// How many row groups it has.
    pub(crate) fn groups(&self) -> usize {
        self.reader.num_row_groups()
    }

    /// How many rows the row group `index` has.
    pub(crate) fn rows(&self, index: usize) -> Result<usize, EvidenceError> {
        let rows = self.reader.metadata().row_group(index).num_rows();
        // Memory is taken by this figure: believe only what the writer writes.
        usize::try_from(rows)
            .ok()
            .filter(|&rows| rows <= ROWS_PER_GROUP)
            .ok_or_else(|| {
                EvidenceError::damaged(&self.path, format!("a row group of {rows} rows"))
            })
    }

    /// The bits of one integer column of a row group, NULL as `None`.
    pub(crate) fn integers(
        &self,
        group: usize,
        name: &str,
        kind: Kind,
    ) -> Result<Vec<Option<i64>>, EvidenceError> {
        if kind.physical() == Physical::INT32 {
            let values = self.read::<Int32Type>(group, name, kind)?;
            return Ok(values
                .into_iter()
                .map(|value| value.map(i64::from))
                .collect());
        }
        self.read::<Int64Type>(group, name, kind)
    }

    /// One column of names of a row group.
    pub(crate) fn texts(
        &self,
        group: usize,
        name: &str,
    ) -> Result<Vec<Option<ByteArray>>, EvidenceError> {
        self.read::<ByteArrayType>(group, name, Kind::Name)
    }

    /// One column of numbers of a row group.
    pub(crate) fn numbers(
        &self,
        group: usize,
        name: &str,
    ) -> Result<Vec<Option<f64>>, EvidenceError> {
        self.read::<DoubleType>(group, name, Kind::Number)
    }

    fn read<T: DataType>(
        &self,
        group: usize,
        name: &str,
        kind: Kind,
    ) -> Result<Vec<Option<T::T>>, EvidenceError> {
        let schema = self.reader.metadata().file_metadata().schema_descr();
        let index = schema.columns().iter().position(|column| {
            column.name() == name
                && column.physical_type() == kind.physical()
                && column.max_rep_level() == 0
                && column.max_def_level() <= 1
        });
        let Some(index) = index else {
            return Err(EvidenceError::damaged(
                &self.path,
                format!("no usable column `{name}`"),
            ));
        };
        let rows = self.rows(group)?;
        let read = self
            .reader
            .get_row_group(group)
            .and_then(|group| read_column::<T>(group.as_ref(), index, rows));
        let values = read.map_err(EvidenceError::parquet("read", &self.path))?;
        if values.len() != rows {
            let what = format!(
                "column `{name}` has {} values for {rows} rows",
                values.len()
            );
            return Err(EvidenceError::damaged(&self.path, what));
        }
        Ok(values)
    }
}

pub(crate) fn read_column<T: DataType>(
    group: &dyn RowGroupReader,
    index: usize,
    rows: usize,
) -> ParquetResult<Vec<Option<T::T>>> {
    let optional = group
        .metadata()
        .column(index)
        .column_descr()
        .max_def_level()
        > 0;
    let mut reader = get_typed_column_reader::<T>(group.get_column_reader(index)?);
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    reader.read_records(rows, Some(&mut levels), None, &mut values)?;
    if !optional {
        return Ok(values.into_iter().map(Some).collect());
    }
    let mut present = values.into_iter();
    levels
        .into_iter()
        .map(|level| match level {
            0 => Ok(None),
            _ => present
                .next()
                .map(Some)
                .ok_or_else(|| missing("value of a column")),
        })
        .collect()
}

fn key_values(metadata: &ParquetMetaData) -> BTreeMap<String, String> {
    let pairs = metadata
        .file_metadata()
        .key_value_metadata()
        .into_iter()
        .flatten();
    pairs
        .map(|pair| (pair.key.clone(), pair.value.clone().unwrap_or_default()))
        .collect()
}

fn missing(what: &str) -> ParquetError {
    ParquetError::General(format!("missing {what}"))
}
