//! Some rows of a side, column by column, as the readers hand them on.

use crate::entries::Indexed;
use understudy_compare::dataset::{Cell, Unit};

/// How many rows are read at once: their sums stay in the nearest cache of a core.
pub(crate) const ROWS: usize = 2048;

/// Values of one physical type, and which rows have one.
#[derive(Debug)]
pub(crate) struct Dense<T> {
    /// The values of the rows that have one.
    pub(crate) values: Vec<T>,
    /// For each row 1 or 0: has it a value? Not used where the column has no nulls.
    pub(crate) defined: Vec<i16>,
    pub(crate) nullable: bool,
}

impl<T> Default for Dense<T> {
    fn default() -> Self {
        Dense {
            values: Vec::new(),
            defined: Vec::new(),
            nullable: false,
        }
    }
}

/// What 32 or 64 bits of an integer stand for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Meaning {
    Signed,
    Unsigned,
    Date,
    Time(Unit),
    Timestamp(Unit),
    Decimal(i32),
}

/// What bytes stand for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum BytesMeaning {
    Text,
    Bytes,
    Decimal(i32),
    HalfFloat,
}

/// The cells of a column.
#[derive(Debug)]
pub(crate) enum ColumnBatch {
    Bool(Dense<bool>),
    Int32(Dense<i32>, Meaning),
    Int64(Dense<i64>, Meaning),
    Int96(Dense<parquet::data_type::Int96>),
    Float(Dense<f32>),
    Double(Dense<f64>),
    ByteArray(Dense<parquet::data_type::ByteArray>, BytesMeaning),
    FixedBytes(Dense<parquet::data_type::FixedLenByteArray>, BytesMeaning),
    /// Numbers of entries.
    Indexed(Indexed),
    /// Fields of CSV: their bytes one after the other, where each ends, and which text stands for null.
    Fields {
        bytes: Vec<u8>,
        ends: Vec<usize>,
        null: Option<Vec<u8>>,
    },
    /// Cells as [`Cell::store`] writes them.
    Stored(Vec<u8>),
    /// The same for all rows: the value of a partition.
    Constant(Option<String>, usize),
}

/// What is done with the cells of a column.
pub(crate) trait Visitor<'a> {
    /// Takes the cells, one for each row.
    fn visit(&mut self, cells: impl Iterator<Item = Cell<'a>>);
}

impl ColumnBatch {
    /// Passes the cells to a visitor.
    pub(crate) fn visit<'a>(&'a self, visitor: &mut impl Visitor<'a>) {
        match self {
            ColumnBatch::Bool(of) => of.visit(visitor, |value| Cell::Bool(*value)),
            ColumnBatch::Int32(of, meaning) => int32(of, *meaning, visitor),
            ColumnBatch::Int64(of, meaning) => int64(of, *meaning, visitor),
            ColumnBatch::Int96(of) => of.visit(visitor, |value| instant_of_96(value.data())),
            ColumnBatch::Float(of) => of.visit(visitor, |value| Cell::Float(f64::from(*value))),
            ColumnBatch::Double(of) => of.visit(visitor, |value| Cell::Float(*value)),
            ColumnBatch::ByteArray(of, meaning) => {
                bytes(of, *meaning, visitor, |value| value.data());
            }
            ColumnBatch::FixedBytes(of, meaning) => {
                bytes(of, *meaning, visitor, |value| value.data());
            }
            ColumnBatch::Indexed(of) => of.visit(visitor),
            ColumnBatch::Fields { bytes, ends, null } => {
                let mut from = 0;
                visitor.visit(ends.iter().map(|end| {
                    let field = &bytes[from..*end];
                    from = *end;
                    if null.as_deref() == Some(field) {
                        Cell::Null
                    } else {
                        Cell::Text(field)
                    }
                }));
            }
            ColumnBatch::Stored(cells) => {
                let mut rest = cells.as_slice();
                visitor.visit(std::iter::from_fn(|| {
                    let (cell, after) = Cell::next(rest)?;
                    rest = after;
                    Some(cell)
                }));
            }
            ColumnBatch::Constant(value, rows) => {
                let cell = value
                    .as_ref()
                    .map_or(Cell::Null, |text| Cell::Text(text.as_bytes()));
                visitor.visit(std::iter::repeat_n(cell, *rows));
            }
        }
    }
}

impl<T> Dense<T> {
    pub(crate) fn visit<'a>(
        &'a self,
        visitor: &mut impl Visitor<'a>,
        cell: impl Fn(&'a T) -> Cell<'a>,
    ) {
        if self.is_whole() {
            return visitor.visit(self.values.iter().map(cell));
        }
        visitor.visit(self.each().map(|value| match value {
            Some(value) => cell(value),
            None => Cell::Null,
        }));
    }

    /// Has every row a value?
    pub(crate) fn is_whole(&self) -> bool {
        !self.nullable || self.values.len() == self.defined.len()
    }

    /// The value of each row, of a column with nulls.
    pub(crate) fn each(&self) -> impl Iterator<Item = Option<&T>> {
        let mut values = self.values.iter();
        self.defined.iter().map(move |defined| match defined {
            0 => None,
            _ => values.next(),
        })
    }
}

/// Nanoseconds in a unit.
pub(crate) fn nanoseconds(unit: Unit) -> i64 {
    match unit {
        Unit::Seconds => 1_000_000_000,
        Unit::Millis => 1_000_000,
        Unit::Micros => 1_000,
        Unit::Nanos => 1,
    }
}

fn int32<'a>(of: &'a Dense<i32>, meaning: Meaning, visitor: &mut impl Visitor<'a>) {
    match meaning {
        Meaning::Signed => of.visit(visitor, |value| Cell::Int(i64::from(*value))),
        Meaning::Date => of.visit(visitor, |value| Cell::Date(i64::from(*value))),
        other => of.visit(visitor, move |value| of_int32(*value, other)),
    }
}

/// The cell of an integer of 32 bits.
pub(crate) fn of_int32(value: i32, meaning: Meaning) -> Cell<'static> {
    match meaning {
        Meaning::Unsigned => Cell::Int(i64::from(value as u32)),
        other => wide(i64::from(value), other),
    }
}

fn int64<'a>(of: &'a Dense<i64>, meaning: Meaning, visitor: &mut impl Visitor<'a>) {
    match meaning {
        Meaning::Signed => of.visit(visitor, |value| Cell::Int(*value)),
        Meaning::Decimal(scale) => of.visit(visitor, move |value| Cell::Decimal {
            unscaled: i128::from(*value),
            scale,
        }),
        other => of.visit(visitor, move |value| wide(*value, other)),
    }
}

/// The cell of an integer that is not just a number.
pub(crate) fn wide(value: i64, meaning: Meaning) -> Cell<'static> {
    match meaning {
        Meaning::Signed => Cell::Int(value),
        Meaning::Unsigned => match i64::try_from(value as u64) {
            Ok(value) => Cell::Int(value),
            Err(_) => Cell::UInt(value as u64),
        },
        Meaning::Date => Cell::Date(value),
        // No time of day is that large; a number that is cut off could be the same as another.
        Meaning::Time(unit) => match value.checked_mul(nanoseconds(unit)) {
            Some(ns) => Cell::Time(ns),
            None => Cell::Int(value),
        },
        Meaning::Timestamp(unit) => {
            Cell::Timestamp(i128::from(value) * i128::from(nanoseconds(unit)))
        }
        Meaning::Decimal(scale) => Cell::Decimal {
            unscaled: i128::from(value),
            scale,
        },
    }
}

/// Nanoseconds of a day, then the Julian day: what Impala and older Sparks write.
pub(crate) fn instant_of_96(data: &[u32]) -> Cell<'static> {
    const JULIAN_DAY_OF_EPOCH: i128 = 2_440_588;
    const DAY: i128 = 86_400_000_000_000;
    let [low, high, day] = *data else {
        return Cell::Null;
    };
    let of_day = i128::from((u64::from(high) << 32 | u64::from(low)) as i64);
    Cell::Timestamp((i128::from(day as i32) - JULIAN_DAY_OF_EPOCH) * DAY + of_day)
}

fn bytes<'a, T>(
    of: &'a Dense<T>,
    meaning: BytesMeaning,
    visitor: &mut impl Visitor<'a>,
    data: impl Fn(&'a T) -> &'a [u8],
) {
    match meaning {
        BytesMeaning::Text => of.visit(visitor, |value| Cell::Text(data(value))),
        other => of.visit(visitor, move |value| cell_of_bytes(data(value), other)),
    }
}

/// The cell of some bytes.
pub(crate) fn cell_of_bytes(data: &[u8], meaning: BytesMeaning) -> Cell<'_> {
    match meaning {
        BytesMeaning::Text => Cell::Text(data),
        BytesMeaning::Bytes => Cell::Bytes(data),
        BytesMeaning::HalfFloat => match *data {
            [low, high] => Cell::Float(half(u16::from_le_bytes([low, high]))),
            _ => Cell::Bytes(data),
        },
        BytesMeaning::Decimal(scale) => match big_endian(data) {
            Some(unscaled) => Cell::Decimal { unscaled, scale },
            None => Cell::Bytes(data),
        },
    }
}

/// Two's complement of up to 16 bytes; more only where they extend the sign.
fn big_endian(data: &[u8]) -> Option<i128> {
    let sign = if data.first()? & 0x80 == 0 { 0 } else { 0xff };
    let (more, kept) = data.split_at(data.len().saturating_sub(16));
    let mut filled = [sign; 16];
    filled[16 - kept.len()..].copy_from_slice(kept);
    let fits =
        more.iter().all(|byte| *byte == sign) && (kept.len() < 16 || (kept[0] ^ sign) & 0x80 == 0);
    fits.then(|| i128::from_be_bytes(filled))
}

/// A float of 16 bits.
fn half(bits: u16) -> f64 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    sign * match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        exponent => (1.0 + fraction / 1024.0) * 2f64.powi(exponent - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_what_they_stand_for() {
        assert_eq!(half(0x3c00), 1.0);
        assert_eq!(half(0xc000), -2.0);
        assert_eq!(half(0x0001), 2f64.powi(-24));
        assert!(half(0x7c01).is_nan());
        assert_eq!(big_endian(&[0xff, 0xfe]), Some(-2));
        assert_eq!(big_endian(&[0; 20]), Some(0));
        assert_eq!(big_endian(&[]), None);
        let mut long = [0; 17];
        long[1] = 0x80;
        assert_eq!(big_endian(&long), None, "it does not fit");
        assert_eq!(wide(-1, Meaning::Unsigned), Cell::UInt(u64::MAX));
        assert_eq!(instant_of_96(&[0, 0, 2_440_588]), Cell::Timestamp(0));
    }
}
