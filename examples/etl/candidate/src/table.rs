//! Parquet, a column at a time.

use anyhow::Context;
use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// The values of a column; none is null.
pub(crate) enum Column {
    Int32(Vec<Option<i32>>),
    Int64(Vec<Option<i64>>),
    Double(Vec<Option<f64>>),
    Text(Vec<Option<ByteArray>>),
}

impl Column {
    pub(crate) fn text<'t>(values: impl Iterator<Item = Option<&'t str>>) -> Column {
        Column::Text(values.map(|text| text.map(ByteArray::from)).collect())
    }
}

/// Writes the columns in the order of the schema, as one row group.
pub(crate) fn write(path: &Path, schema: &str, columns: Vec<Column>) -> anyhow::Result<()> {
    let schema = Arc::new(parse_message_type(schema)?);
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .build();
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    for column in columns {
        match column {
            Column::Int32(values) => put::<Int32Type>(&mut group, values)?,
            Column::Int64(values) => put::<Int64Type>(&mut group, values)?,
            Column::Double(values) => put::<DoubleType>(&mut group, values)?,
            Column::Text(values) => put::<ByteArrayType>(&mut group, values)?,
        }
    }
    group.close()?;
    writer.close()?;
    Ok(())
}

fn put<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, File>,
    values: Vec<Option<T::T>>,
) -> anyhow::Result<()> {
    let defined: Vec<i16> = values.iter().map(|value| value.is_some().into()).collect();
    let values: Vec<T::T> = values.into_iter().flatten().collect();
    let mut column = group
        .next_column()?
        .context("the schema has fewer columns")?;
    column
        .typed::<T>()
        .write_batch(&values, Some(&defined), None)?;
    column.close()?;
    Ok(())
}
