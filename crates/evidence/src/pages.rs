//! One column of a row group that is encoded while its rows are still coming.

use crate::columns::{Values, write_column};
use bytes::BytesMut;
use parquet::column::page::{CompressedPage, PageWriteSpec, PageWriter};
use parquet::column::writer::{ColumnWriter, get_column_writer};
use parquet::errors::Result as ParquetResult;
use parquet::file::properties::WriterPropertiesPtr;
use parquet::file::writer::{SerializedPageWriter, SerializedRowGroupWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// A column that keeps its encoded pages in memory until its row group is written.
///
/// Parquet stores a row group column after column: rows that come over time have to be kept, and
/// encoded they take a sixth of the room.
pub(crate) struct PagedColumn {
    description: ColumnDescPtr,
    properties: WriterPropertiesPtr,
    writer: ColumnWriter<'static>,
    pages: Pages,
}

impl PagedColumn {
    pub(crate) fn new(description: ColumnDescPtr, properties: WriterPropertiesPtr) -> Self {
        let pages = Pages::default();
        Self {
            writer: start(&description, &properties, &pages),
            description,
            properties,
            pages,
        }
    }

    /// Encodes the next values.
    pub(crate) fn append(&mut self, values: &Values) -> ParquetResult<()> {
        write_column(&mut self.writer, values)
    }

    /// Moves what has been encoded into a row group and starts over.
    pub(crate) fn move_to<W: Write + Send>(
        &mut self,
        group: &mut SerializedRowGroupWriter<'_, W>,
    ) -> ParquetResult<()> {
        let next = start(&self.description, &self.properties, &self.pages);
        let closed = std::mem::replace(&mut self.writer, next).close()?;
        group.append_column(&self.pages.take(), closed)
    }
}

fn start(
    description: &ColumnDescPtr,
    properties: &WriterPropertiesPtr,
    pages: &Pages,
) -> ColumnWriter<'static> {
    let page_writer = PageBuffer(TrackedWrite::new(pages.clone()));
    get_column_writer(
        description.clone(),
        properties.clone(),
        Box::new(page_writer),
    )
}

/// Bytes that the encoder writes and the row group takes; one buffer is used over and over.
#[derive(Clone, Default)]
struct Pages(Arc<Mutex<BytesMut>>);

impl Pages {
    fn take(&self) -> bytes::Bytes {
        let mut buffer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        buffer.split().freeze()
    }
}

impl Write for Pages {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut buffer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        buffer.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes pages as Parquet does, with offsets from the beginning of the column.
struct PageBuffer(TrackedWrite<Pages>);

impl PageWriter for PageBuffer {
    fn write_page(&mut self, page: CompressedPage) -> ParquetResult<PageWriteSpec> {
        SerializedPageWriter::new(&mut self.0).write_page(page)
    }

    fn close(&mut self) -> ParquetResult<()> {
        Ok(self.0.flush()?)
    }
}
