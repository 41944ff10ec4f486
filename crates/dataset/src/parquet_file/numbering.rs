//! Reads the numbers of dictionary entries instead of the entries: the library decodes levels and numbers, the values
//! stay where they are.
//!
//! A [`PageReader`] between the file and the library takes the values out of each page. The library is shown a column of
//! integers whose dictionary has the number of each entry; to a page without a dictionary it puts numbers that follow.

use super::fill;
use super::types::Form;
use crate::batch::{ColumnBatch, Dense};
use crate::entries::{Entries, Indexed, Segment};
use bytes::Bytes;
use parquet::basic::{Encoding, Repetition, Type as Physical};
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::column::reader::ColumnReaderImpl;
use parquet::data_type::{Int32Type, Int96};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::RowGroupReader;
use parquet::schema::types::{ColumnDescriptor, Type};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A column whose cells are numbers.
pub(super) struct NumberedColumn {
    form: Form,
    reader: ColumnReaderImpl<Int32Type>,
    values: Arc<Mutex<Values>>,
}

/// The values that were taken out of pages.
struct Values {
    dictionary: Arc<Entries>,
    segments: Vec<Arc<Segment>>,
    /// Is the page that is being read one without a dictionary?
    is_plain: bool,
    /// Was there a page of rows?
    has_begun: bool,
}

impl NumberedColumn {
    /// Of a chunk in which that pays: one with a dictionary, and texts, which are copied otherwise. `None`: another.
    pub(super) fn open(
        group: &dyn RowGroupReader,
        at: usize,
        form: Form,
    ) -> ParquetResult<Option<NumberedColumn>> {
        let chunk = group.metadata().column(at);
        if !pays(chunk) || form.is_nested() {
            return Ok(None);
        }
        let description = chunk.column_descr();
        let physical = description.physical_type();
        let values = Arc::new(Mutex::new(Values {
            dictionary: Arc::new(entries(Bytes::new(), 0, physical, form)),
            segments: Vec::new(),
            is_plain: false,
            has_begun: false,
        }));
        let pages = Numbering {
            pages: group.get_column_page_reader(at)?,
            physical,
            form,
            values: values.clone(),
        };
        let repetition = match form.most_defined {
            0 => Repetition::REQUIRED,
            _ => Repetition::OPTIONAL,
        };
        let number = Type::primitive_type_builder("number", Physical::INT32)
            .with_repetition(repetition)
            .build()?;
        let path = description.path().clone();
        let numbers = ColumnDescriptor::new(Arc::new(number), form.most_defined, 0, path);
        Ok(Some(NumberedColumn {
            form,
            reader: ColumnReaderImpl::new(Arc::new(numbers), Box::new(pages)),
            values,
        }))
    }

    /// An empty batch that is used over and over.
    pub(super) fn room(&self) -> ColumnBatch {
        ColumnBatch::Indexed(Indexed {
            numbers: Dense::default(),
            dictionary: locked(&self.values).dictionary.clone(),
            segments: Vec::new(),
        })
    }

    /// Reads the next rows.
    pub(super) fn next(&mut self, rows: usize, batch: &mut Indexed) -> ParquetResult<usize> {
        batch.segments.clear();
        locked(&self.values).forget();
        let read = fill(&mut self.reader, rows, &self.form, &mut batch.numbers)?;
        let values = locked(&self.values);
        batch.dictionary = values.dictionary.clone();
        batch.segments.extend(values.segments.iter().cloned());
        Ok(read)
    }
}

fn locked(values: &Mutex<Values>) -> MutexGuard<'_, Values> {
    values.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Values {
    /// Forgets the pages that were read to their end.
    fn forget(&mut self) {
        let keep = usize::from(self.is_plain);
        let read = self.segments.len().saturating_sub(keep);
        self.segments.drain(..read);
    }

    /// Keeps the values of a page; its numbers as such a page has them.
    fn keep(&mut self, entries: Entries) -> ParquetResult<Vec<u8>> {
        let first = match self.segments.last() {
            Some(last) => last.first + last.entries.len(),
            None => self.dictionary.len(),
        };
        let numbers = numbers(first, entries.len())?;
        self.segments.push(Arc::new(Segment { first, entries }));
        self.is_plain = true;
        Ok(numbers)
    }
}

/// Consecutive numbers as a page has them.
fn numbers(first: usize, count: usize) -> ParquetResult<Vec<u8>> {
    let end = first
        .checked_add(count)
        .and_then(|end| i32::try_from(end).ok());
    let (Some(end), Ok(first)) = (end, i32::try_from(first)) else {
        let what = "a row group with more than 2^31 values in a column is not supported";
        return Err(ParquetError::General(what.to_owned()));
    };
    let mut page = Vec::with_capacity(4 * count);
    (first..end).for_each(|number| page.extend_from_slice(&number.to_le_bytes()));
    Ok(page)
}

/// Does the chunk have a dictionary or texts, and pages in nothing but the encodings that are read here?
fn pays(chunk: &ColumnChunkMetaData) -> bool {
    let is_text = chunk.column_type() == Physical::BYTE_ARRAY;
    let is_read = match chunk.column_type() {
        // No writer makes a dictionary of truth values. Those of fixed length have faults that the library repairs.
        Physical::BOOLEAN | Physical::FIXED_LEN_BYTE_ARRAY => false,
        _ => chunk
            .encodings()
            .all(|one| is_plain(one) || is_dictionary(one) || is_of_levels(one)),
    };
    is_read && (is_text || chunk.dictionary_page_offset().is_some())
}

fn is_plain(encoding: Encoding) -> bool {
    encoding == Encoding::PLAIN
}

fn is_dictionary(encoding: Encoding) -> bool {
    matches!(
        encoding,
        Encoding::PLAIN_DICTIONARY | Encoding::RLE_DICTIONARY
    )
}

#[expect(deprecated, reason = "old files have it")]
fn is_of_levels(encoding: Encoding) -> bool {
    matches!(encoding, Encoding::RLE | Encoding::BIT_PACKED)
}

/// Decodes values that are one after the other, at most `most`.
fn entries(page: Bytes, most: usize, physical: Physical, form: Form) -> Entries {
    match physical {
        Physical::INT32 => Entries::Int32(fixed(&page, most, i32::from_le_bytes), form.meaning),
        Physical::INT64 => Entries::Int64(fixed(&page, most, i64::from_le_bytes), form.meaning),
        Physical::INT96 => Entries::Int96(fixed(&page, most, |bytes: [u8; 12]| {
            let word = |at: usize| {
                u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
            };
            let mut value = Int96::new();
            value.set_data(word(0), word(4), word(8));
            value
        })),
        Physical::FLOAT => Entries::Float(fixed(&page, most, f32::from_le_bytes)),
        Physical::DOUBLE => Entries::Double(fixed(&page, most, f64::from_le_bytes)),
        _ => Entries::texts(page, most, form.bytes),
    }
}

fn fixed<const N: usize, V>(page: &[u8], most: usize, value: impl Fn([u8; N]) -> V) -> Vec<V> {
    let (values, _) = page.as_chunks::<N>();
    values
        .iter()
        .take(most)
        .map(|bytes| value(*bytes))
        .collect()
}

/// Takes the values out of pages.
struct Numbering {
    pages: Box<dyn PageReader>,
    physical: Physical,
    form: Form,
    values: Arc<Mutex<Values>>,
}

impl Numbering {
    fn entries(&self, page: Bytes, most: usize) -> Entries {
        entries(page, most, self.physical, self.form)
    }

    /// The page with numbers in place of values.
    fn numbered(&self, page: Page) -> ParquetResult<Page> {
        let mut values = locked(&self.values);
        match page {
            Page::DictionaryPage {
                buf,
                num_values,
                is_sorted,
                ..
            } => {
                let entries = self.entries(buf, num_values as usize);
                if entries.len() != num_values as usize {
                    let what = "a dictionary has fewer values than it says".to_owned();
                    return Err(ParquetError::General(what));
                }
                // Numbers that were given out would be those of its entries.
                if values.has_begun {
                    let what = "a dictionary is not the first page".to_owned();
                    return Err(ParquetError::General(what));
                }
                let buf = numbers(0, entries.len())?.into();
                values.dictionary = Arc::new(entries);
                Ok(Page::DictionaryPage {
                    buf,
                    num_values,
                    encoding: Encoding::PLAIN,
                    is_sorted,
                })
            }
            Page::DataPage {
                buf,
                num_values,
                encoding,
                def_level_encoding,
                rep_level_encoding,
                ..
            } => {
                let levels = self.bytes_of_levels(&buf, num_values, def_level_encoding)?;
                let buf = self.replaced(buf, levels, num_values, encoding, &mut values)?;
                Ok(Page::DataPage {
                    buf,
                    num_values,
                    encoding,
                    def_level_encoding,
                    rep_level_encoding,
                    statistics: None,
                })
            }
            Page::DataPageV2 {
                buf,
                num_values,
                encoding,
                num_nulls,
                num_rows,
                def_levels_byte_len,
                rep_levels_byte_len,
                is_compressed,
                ..
            } => {
                let levels = def_levels_byte_len as usize + rep_levels_byte_len as usize;
                let buf = self.replaced(buf, levels, num_values, encoding, &mut values)?;
                Ok(Page::DataPageV2 {
                    buf,
                    num_values,
                    encoding,
                    num_nulls,
                    num_rows,
                    def_levels_byte_len,
                    rep_levels_byte_len,
                    is_compressed,
                    statistics: None,
                })
            }
        }
    }

    /// How many bytes of a page are levels. A flat column has no more than two of them: null or not.
    fn bytes_of_levels(
        &self,
        page: &[u8],
        values: u32,
        encoding: Encoding,
    ) -> ParquetResult<usize> {
        if self.form.most_defined == 0 {
            return Ok(0);
        }
        if encoding != Encoding::RLE {
            return Ok((values as usize).div_ceil(8));
        }
        let length = page
            .first_chunk::<4>()
            .map(|length| u32::from_le_bytes(*length));
        let length = length.ok_or_else(too_short)?;
        Ok(4 + length as usize)
    }

    /// The content of a data page: as it is where it has numbers already.
    fn replaced(
        &self,
        page: Bytes,
        levels: usize,
        most: u32,
        encoding: Encoding,
        values: &mut Values,
    ) -> ParquetResult<Bytes> {
        values.has_begun = true;
        if is_dictionary(encoding) {
            values.is_plain = false;
            return Ok(page);
        }
        if !is_plain(encoding) {
            let what = format!("a page is in {encoding}, which its column does not name");
            return Err(ParquetError::General(what));
        }
        if levels > page.len() {
            return Err(too_short());
        }
        let entries = self.entries(page.slice(levels..), most as usize);
        let numbers = values.keep(entries)?;
        Ok([&page[..levels], &numbers].concat().into())
    }
}

fn too_short() -> ParquetError {
    ParquetError::EOF("a page is too short for its levels".to_owned())
}

impl Iterator for Numbering {
    type Item = ParquetResult<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Numbering {
    fn get_next_page(&mut self) -> ParquetResult<Option<Page>> {
        let page = self.pages.get_next_page()?;
        page.map(|page| self.numbered(page)).transpose()
    }

    fn peek_next_page(&mut self) -> ParquetResult<Option<PageMetadata>> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> ParquetResult<()> {
        self.pages.skip_next_page()
    }
}
