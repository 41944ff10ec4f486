//! Cells by number: each names an entry of a dictionary, or a value of a page that has none. What is made of an entry
//! is then made once, however many rows have it, and no text is copied.

use crate::batch::{
    BytesMeaning, Dense, Meaning, Visitor, cell_of_bytes, instant_of_96, of_int32, wide,
};
use bytes::Bytes;
use parquet::data_type::Int96;
use std::sync::Arc;
use understudy_compare::dataset::Cell;

/// Values that are named by number.
#[derive(Debug)]
pub(crate) enum Entries {
    Int32(Vec<i32>, Meaning),
    Int64(Vec<i64>, Meaning),
    Int96(Vec<Int96>),
    Float(Vec<f32>),
    Double(Vec<f64>),
    /// Texts as pages hold them: before each the four bytes of its length. `starts` has where each begins, and where
    /// the last ends.
    Texts {
        page: Bytes,
        starts: Vec<u32>,
        meaning: BytesMeaning,
    },
}

/// The bytes of the length of a text.
const LENGTH: usize = 4;

impl Entries {
    /// As many texts as a page has, at most `most`. What follows a length that does not fit is left out: a row that
    /// wants it finds too few values.
    pub(crate) fn texts(page: Bytes, most: usize, meaning: BytesMeaning) -> Entries {
        let mut starts = vec![0_u32];
        let mut at = 0;
        while starts.len() <= most {
            let Some(length) = page.get(at..).and_then(<[u8]>::first_chunk::<LENGTH>) else {
                break;
            };
            let end = at + LENGTH + u32::from_le_bytes(*length) as usize;
            match u32::try_from(end) {
                Ok(end) if end as usize <= page.len() => starts.push(end),
                _ => break,
            }
            at = end;
        }
        Entries::Texts {
            page,
            starts,
            meaning,
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Entries::Int32(values, _) => values.len(),
            Entries::Int64(values, _) => values.len(),
            Entries::Int96(values) => values.len(),
            Entries::Float(values) => values.len(),
            Entries::Double(values) => values.len(),
            Entries::Texts { starts, .. } => starts.len() - 1,
        }
    }

    /// The entry of this number.
    pub(crate) fn cell(&self, at: usize) -> Cell<'_> {
        match self {
            Entries::Int32(values, meaning) => of_int32(values[at], *meaning),
            Entries::Int64(values, meaning) => wide(values[at], *meaning),
            Entries::Int96(values) => instant_of_96(values[at].data()),
            Entries::Float(values) => Cell::Float(f64::from(values[at])),
            Entries::Double(values) => Cell::Float(values[at]),
            Entries::Texts {
                page,
                starts,
                meaning,
            } => cell_of_bytes(text(page, starts, at), *meaning),
        }
    }

    /// Passes all of them, in order, to a visitor.
    pub(crate) fn visit<'a>(&'a self, visitor: &mut impl Visitor<'a>) {
        match self {
            // Most dictionaries are of these: the type is asked for once.
            Entries::Int64(values, meaning) => {
                visitor.visit(values.iter().map(|value| wide(*value, *meaning)));
            }
            Entries::Texts {
                page,
                starts,
                meaning: BytesMeaning::Text,
            } => visitor.visit((0..self.len()).map(|at| Cell::Text(text(page, starts, at)))),
            other => visitor.visit((0..self.len()).map(|at| other.cell(at))),
        }
    }
}

#[inline]
fn text<'p>(page: &'p [u8], starts: &[u32], at: usize) -> &'p [u8] {
    &page[starts[at] as usize + LENGTH..starts[at + 1] as usize]
}

/// The values of a page without a dictionary: the numbers from `first` on.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) first: usize,
    pub(crate) entries: Entries,
}

/// Some rows of a column: the number of the entry of each.
#[derive(Debug)]
pub(crate) struct Indexed {
    pub(crate) numbers: Dense<i32>,
    /// The numbers from 0 on.
    pub(crate) dictionary: Arc<Entries>,
    /// In the order of their numbers, those from which any of these rows may be. Seldom is there more than one.
    pub(crate) segments: Vec<Arc<Segment>>,
}

impl Indexed {
    /// Are all rows entries of the dictionary?
    pub(crate) fn is_of_dictionary(&self) -> bool {
        self.segments.is_empty()
    }

    /// The segment that has the values of all rows.
    fn only_segment(&self) -> Option<&Segment> {
        let [segment] = self.segments.as_slice() else {
            return None;
        };
        // It is one page: what is between two of its values is of it, too.
        let ends = [self.numbers.values.first()?, self.numbers.values.last()?];
        let is_of_it = |number: &i32| *number as usize >= segment.first;
        ends.into_iter().all(is_of_it).then_some(segment)
    }

    pub(crate) fn visit<'a>(&'a self, visitor: &mut impl Visitor<'a>) {
        let number = |number: &i32| *number as usize;
        if self.is_of_dictionary() {
            return self
                .numbers
                .visit(visitor, |of| self.dictionary.cell(number(of)));
        }
        match self.only_segment() {
            Some(Segment {
                first,
                entries:
                    Entries::Texts {
                        page,
                        starts,
                        meaning: BytesMeaning::Text,
                    },
            }) => self.numbers.visit(visitor, |of| {
                Cell::Text(text(page, starts, number(of) - first))
            }),
            _ => self.numbers.visit(visitor, |of| self.cell(number(of))),
        }
    }

    fn cell(&self, number: usize) -> Cell<'_> {
        let after = self
            .segments
            .partition_point(|segment| segment.first <= number);
        match after.checked_sub(1).map(|at| &self.segments[at]) {
            Some(segment) => segment.entries.cell(number - segment.first),
            None => self.dictionary.cell(number),
        }
    }
}
