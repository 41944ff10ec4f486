//! A value of a table and its canonical form.

use super::decimal::{self, Decimal};
use super::key::Seed;
use super::moment;
use std::borrow::Cow;
use std::cmp::Ordering;

/// A value as the format of a data set holds it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    /// No value. Neither `NaN` nor the empty text.
    Null,
    /// A truth value.
    Bool(bool),
    /// An integer of up to 64 bits.
    Int(i64),
    /// An unsigned integer of up to 64 bits.
    UInt(u64),
    /// A double, or a shorter float made one.
    Float(f64),
    /// `unscaled` divided by ten to the power of `scale`.
    Decimal {
        /// All digits.
        unscaled: i128,
        /// How many of them are after the point.
        scale: i32,
    },
    /// A number as text: JSON has no other. Of any length.
    Number(&'a str),
    /// Text, usually UTF-8: bytes that are not are compared as they are.
    Text(&'a [u8]),
    /// Bytes.
    Bytes(&'a [u8]),
    /// Days since 1970-01-01.
    Date(i64),
    /// Nanoseconds since midnight.
    Time(i64),
    /// Nanoseconds since 1970-01-01.
    Timestamp(i128),
    /// A list, a map or an object in the canonical bytes of its reader.
    Nested(&'a [u8]),
}

/// How the cells of a column are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// As truth values.
    Bool,
    /// As integers of any width.
    Int,
    /// As doubles.
    Float,
    /// As doubles, text as floats of 32 bits: 0.1 in CSV is the `float32` nearest to it.
    Single,
    /// As decimals with this many digits after the point.
    Decimal(i32),
    /// As numbers of any type, by value.
    Number,
    /// As text.
    Text,
    /// As bytes.
    Bytes,
    /// As days.
    Date,
    /// As times of day.
    Time,
    /// As instants.
    Timestamp,
    /// By the type of each value: JSON has one for each.
    Any,
}

/// The tags of canonical forms. Two forms with different tags are different values.
mod tag {
    pub(super) const BOOL: u8 = 1;
    pub(super) const INT: u8 = 2;
    pub(super) const UINT: u8 = 3;
    pub(super) const FLOAT: u8 = 4;
    pub(super) const DECIMAL: u8 = 5;
    pub(super) const NUMBER: u8 = 6;
    pub(super) const LONG: u8 = 7;
    pub(super) const TEXT: u8 = 8;
    pub(super) const BYTES: u8 = 9;
    pub(super) const DATE: u8 = 10;
    pub(super) const TIME: u8 = 11;
    pub(super) const TIMESTAMP: u8 = 12;
    pub(super) const NESTED: u8 = 13;
    pub(super) const NULL: u8 = 0;
}

/// The bits of a double with one zero and one NaN.
fn float_bits(value: f64) -> u64 {
    if value.is_nan() {
        f64::NAN.to_bits()
    } else {
        // -0 + 0 is 0.
        (value + 0.0).to_bits()
    }
}

/// Passes the canonical form of a cell to `then`: its tag and its bytes. Equal forms are equal values.
#[inline(always)]
fn canonical<R>(cell: Cell<'_>, target: Target, then: impl FnOnce(u8, &[u8]) -> R) -> R {
    match (target, cell) {
        (_, Cell::Null) => then(tag::NULL, &[]),
        (Target::Int, Cell::Int(value)) => then(tag::INT, &value.to_le_bytes()),
        (Target::Float | Target::Single, Cell::Float(value)) => {
            then(tag::FLOAT, &float_bits(value).to_le_bytes())
        }
        (Target::Text | Target::Any, Cell::Text(text)) => then(tag::TEXT, text),
        (Target::Decimal(to), Cell::Decimal { unscaled, scale }) if to == scale => {
            short_form(tag::DECIMAL, unscaled, then)
        }
        (_, Cell::Date(days)) => then(tag::DATE, &days.to_le_bytes()),
        (_, Cell::Timestamp(ns)) => short_form(tag::TIMESTAMP, ns, then),
        _ => seldom(cell, target, then),
    }
}

/// The canonical form of a cell that is not of the type that its column is compared as, or of a rarer one.
#[inline(never)]
fn seldom<R>(cell: Cell<'_>, target: Target, then: impl FnOnce(u8, &[u8]) -> R) -> R {
    match (target, cell) {
        (_, Cell::Bool(value)) => then(tag::BOOL, &[u8::from(value)]),
        (_, Cell::Time(ns)) => then(tag::TIME, &ns.to_le_bytes()),
        (_, Cell::Nested(bytes)) => then(tag::NESTED, bytes),
        (Target::Text, Cell::Bytes(bytes)) => then(tag::TEXT, bytes),
        (_, Cell::Bytes(bytes)) => then(tag::BYTES, bytes),
        (_, Cell::Text(text)) => text_form(text, target, then),
        // The caller has these; here they come from text that was read as a type.
        (_, Cell::Null) => then(tag::NULL, &[]),
        (_, Cell::Date(days)) => then(tag::DATE, &days.to_le_bytes()),
        (_, Cell::Timestamp(ns)) => short_form(tag::TIMESTAMP, ns, then),
        (_, number) => number_form(number, target, then),
    }
}

/// In eight bytes where they suffice.
#[inline]
fn short_form<R>(tag: u8, value: i128, then: impl FnOnce(u8, &[u8]) -> R) -> R {
    match i64::try_from(value) {
        Ok(short) => then(tag, &short.to_le_bytes()),
        Err(_) => then(tag, &value.to_le_bytes()),
    }
}

/// Text where something else is expected: what it says of that type, else itself, which differs from all of them.
fn text_form<R>(text: &[u8], target: Target, then: impl FnOnce(u8, &[u8]) -> R) -> R {
    match std::str::from_utf8(text)
        .ok()
        .and_then(|text| read(text, target))
    {
        Some(cell) => seldom(cell, target, then),
        None => then(tag::TEXT, text),
    }
}

/// The value that a text stands for, of a type that is not text.
fn read(text: &str, target: Target) -> Option<Cell<'_>> {
    match target {
        Target::Bool => match text {
            "true" | "True" | "TRUE" => Some(Cell::Bool(true)),
            "false" | "False" | "FALSE" => Some(Cell::Bool(false)),
            _ => None,
        },
        Target::Int | Target::Float | Target::Single | Target::Decimal(_) | Target::Number => {
            is_number(text).then_some(Cell::Number(text))
        }
        Target::Date => moment::date(text).map(Cell::Date),
        Target::Time => moment::time(text).map(Cell::Time),
        Target::Timestamp => moment::timestamp(text).map(Cell::Timestamp),
        Target::Text | Target::Bytes | Target::Any => None,
    }
}

/// Does a text say a number, `NaN` and the infinities included?
fn is_number(text: &str) -> bool {
    let digits = text.trim_start_matches(['-', '+']);
    let begins = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let named = ["nan", "inf", "infinity"];
    let is_named = || named.iter().any(|name| digits.eq_ignore_ascii_case(name));
    (begins || is_named()) && text.parse::<f64>().is_ok()
}

/// A number under any target of numbers.
fn number_form<R>(number: Cell<'_>, target: Target, then: impl FnOnce(u8, &[u8]) -> R) -> R {
    match target {
        Target::Int => match whole(number) {
            Some(value) => match i64::try_from(value) {
                Ok(value) => then(tag::INT, &value.to_le_bytes()),
                Err(_) => then(tag::UINT, &value.to_le_bytes()),
            },
            None => by_value(number, then),
        },
        Target::Float => match double(number) {
            Some(value) => then(tag::FLOAT, &float_bits(value).to_le_bytes()),
            None => by_value(number, then),
        },
        Target::Single => match double(number).map(|value| value as f32) {
            Some(value) if value.is_finite() || !is_written_finite(number) => {
                let bits = float_bits(single(number).map_or(f64::from(value), f64::from));
                then(tag::FLOAT, &bits.to_le_bytes())
            }
            _ => by_value(number, then),
        },
        Target::Decimal(scale) => match exact(number).and_then(|number| number.at_scale(scale)) {
            Some(unscaled) => short_form(tag::DECIMAL, unscaled, then),
            None => by_value(number, then),
        },
        _ => by_value(number, then),
    }
}

/// The form in which all types of numbers meet.
fn by_value<R>(number: Cell<'_>, then: impl FnOnce(u8, &[u8]) -> R) -> R {
    if let Some(exact) = exact(number) {
        let mut bytes = [0; 20];
        bytes[..16].copy_from_slice(&exact.mantissa.to_le_bytes());
        bytes[16..].copy_from_slice(&exact.exponent.to_le_bytes());
        return then(tag::NUMBER, &bytes);
    }
    match number {
        // More than 38 digits: only the same digits are the same number.
        Cell::Number(text) if is_finite(text) => then(tag::LONG, text.as_bytes()),
        _ => {
            let value = double(number).unwrap_or(f64::NAN);
            then(tag::FLOAT, &float_bits(value).to_le_bytes())
        }
    }
}

fn is_finite(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit())
}

/// The number as an integer of up to 65 bits, if it is one.
fn whole(number: Cell<'_>) -> Option<i128> {
    let value = match number {
        Cell::Int(value) => i128::from(value),
        Cell::UInt(value) => i128::from(value),
        other => exact(other)?.at_scale(0)?,
    };
    (i128::from(i64::MIN)..=i128::from(u64::MAX))
        .contains(&value)
        .then_some(value)
}

/// The number as an exact decimal, if it is finite and has at most 38 digits.
pub(super) fn exact(number: Cell<'_>) -> Option<Decimal> {
    match number {
        Cell::Int(value) => Some(Decimal::new(i128::from(value), 0)),
        Cell::UInt(value) => Some(Decimal::new(i128::from(value), 0)),
        Cell::Float(value) => Decimal::of_float(value),
        Cell::Decimal { unscaled, scale } => Some(Decimal::new(unscaled, scale.checked_neg()?)),
        Cell::Number(text) => Decimal::parse(text),
        Cell::Text(text) => Decimal::parse(std::str::from_utf8(text).ok()?),
        _ => None,
    }
}

/// The number as a double, rounded once.
pub(super) fn double(number: Cell<'_>) -> Option<f64> {
    match number {
        Cell::Float(value) => Some(value),
        Cell::Int(value) => Some(value as f64),
        Cell::UInt(value) => Some(value as f64),
        Cell::Number(text) => of_text(text),
        Cell::Text(text) => of_text(std::str::from_utf8(text).ok()?),
        Cell::Decimal { .. } => exact(number).map(Decimal::to_float),
        _ => None,
    }
}

/// How a date, a time or an instant compares with a text that says one.
pub(super) fn order_of_times(cell: Cell<'_>, text: &str, target: Target) -> Option<Ordering> {
    match (cell, read(text, target)?) {
        (Cell::Date(a), Cell::Date(b)) | (Cell::Time(a), Cell::Time(b)) => Some(a.cmp(&b)),
        (Cell::Timestamp(a), Cell::Timestamp(b)) => Some(a.cmp(&b)),
        _ => None,
    }
}

/// The double that a text says. One with digits that is beyond all doubles is not infinity.
fn of_text(text: &str) -> Option<f64> {
    let value: f64 = if is_number(text) {
        text.parse().ok()?
    } else {
        return None;
    };
    (value.is_finite() || !is_finite(text)).then_some(value)
}

/// A number as text, rounded to a float of 32 bits once.
fn single(number: Cell<'_>) -> Option<f32> {
    match number {
        Cell::Number(text) => text.parse().ok(),
        _ => None,
    }
}

fn is_written_finite(number: Cell<'_>) -> bool {
    match number {
        Cell::Float(value) => value.is_finite(),
        Cell::Number(text) => is_finite(text),
        _ => true,
    }
}

/// The hash of a cell of a column.
#[inline]
pub(super) fn hash(cell: Cell<'_>, target: Target, seed: Seed) -> u128 {
    canonical(cell, target, |tag, bytes| seed.hash(tag, bytes))
}

/// Are two cells of one column the same value?
pub fn is_equal(a: Cell<'_>, b: Cell<'_>, target: Target) -> bool {
    canonical(a, target, |tag_a, a| {
        canonical(b, target, |tag_b, b| tag_a == tag_b && a == b)
    })
}

impl Cell<'_> {
    /// About how many bytes a kept row needs for it.
    pub(super) fn bytes(self) -> u64 {
        match self {
            Cell::Null | Cell::Bool(_) => 2,
            Cell::Decimal { .. } | Cell::Timestamp(_) => 21,
            Cell::Number(text) => text.len() as u64 + 5,
            Cell::Text(bytes) | Cell::Bytes(bytes) | Cell::Nested(bytes) => bytes.len() as u64 + 5,
            _ => 9,
        }
    }

    /// Is it not a number by IEEE 754?
    pub(super) fn is_nan(self) -> bool {
        matches!(self, Cell::Float(value) if value.is_nan())
    }

    /// Is it a text of no characters?
    pub(super) fn is_empty_text(self) -> bool {
        matches!(self, Cell::Text([]))
    }

    /// Appends it to a kept row; [`Cell::next`] reads it back.
    pub fn store(self, row: &mut Vec<u8>) {
        let mut fixed = |tag: u8, bytes: &[u8]| {
            row.push(tag);
            row.extend_from_slice(bytes);
        };
        match self {
            Cell::Null => fixed(0, &[]),
            Cell::Bool(value) => fixed(1, &[u8::from(value)]),
            Cell::Int(value) => fixed(2, &value.to_le_bytes()),
            Cell::UInt(value) => fixed(3, &value.to_le_bytes()),
            Cell::Float(value) => fixed(4, &value.to_bits().to_le_bytes()),
            Cell::Decimal { unscaled, scale } => {
                fixed(5, &scale.to_le_bytes());
                row.extend_from_slice(&unscaled.to_le_bytes());
            }
            Cell::Date(days) => fixed(6, &days.to_le_bytes()),
            Cell::Time(ns) => fixed(7, &ns.to_le_bytes()),
            Cell::Timestamp(ns) => fixed(8, &ns.to_le_bytes()),
            Cell::Number(text) => store_bytes(9, text.as_bytes(), row),
            Cell::Text(bytes) => store_bytes(10, bytes, row),
            Cell::Bytes(bytes) => store_bytes(11, bytes, row),
            Cell::Nested(bytes) => store_bytes(12, bytes, row),
        }
    }

    /// The cells of a kept row.
    pub(super) fn stored(mut row: &[u8]) -> Vec<Cell<'_>> {
        let mut cells = Vec::new();
        while let Some((cell, rest)) = next_stored(row) {
            cells.push(cell);
            row = rest;
        }
        cells
    }

    /// The first cell of a kept row, and the rest. `None`: there is none.
    pub fn next(row: &[u8]) -> Option<(Cell<'_>, &[u8])> {
        next_stored(row)
    }

    /// As people read it: text in quotes, so that `null`, `NaN` and `""` are three things.
    pub fn shown(self) -> String {
        match self {
            Cell::Null => "null".to_owned(),
            Cell::Bool(value) => value.to_string(),
            Cell::Int(value) => value.to_string(),
            Cell::UInt(value) => value.to_string(),
            Cell::Float(value) => format!("{value:?}"),
            Cell::Decimal { unscaled, scale } => decimal::written(unscaled, scale),
            Cell::Number(text) => text.to_owned(),
            Cell::Text(text) => quoted(&String::from_utf8_lossy(text)),
            Cell::Bytes(bytes) => hexadecimal(bytes),
            Cell::Date(days) => moment::written_date(days),
            Cell::Time(ns) => moment::written_time(ns),
            Cell::Timestamp(ns) => moment::written_timestamp(ns),
            Cell::Nested(bytes) => super::nested::shown(bytes),
        }
    }

    /// As text without quotes: what a key is called by, and what secrets are looked for in.
    pub(super) fn plain(self) -> Cow<'static, str> {
        match self {
            Cell::Text(text) => Cow::Owned(String::from_utf8_lossy(text).into_owned()),
            other => Cow::Owned(other.shown()),
        }
    }
}

fn store_bytes(tag: u8, bytes: &[u8], row: &mut Vec<u8>) {
    // A cell of 4 GiB is more than any format here holds in one.
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    row.push(tag);
    row.extend_from_slice(&length.to_le_bytes());
    row.extend_from_slice(&bytes[..length as usize]);
}

pub(super) fn next_stored(row: &[u8]) -> Option<(Cell<'_>, &[u8])> {
    let (tag, rest) = row.split_first()?;
    let eight = |rest: &'_ [u8]| rest.first_chunk::<8>().copied();
    let cell = match tag {
        0 => (Cell::Null, rest),
        1 => (Cell::Bool(*rest.first()? != 0), &rest[1..]),
        2 => (Cell::Int(i64::from_le_bytes(eight(rest)?)), &rest[8..]),
        3 => (Cell::UInt(u64::from_le_bytes(eight(rest)?)), &rest[8..]),
        4 => {
            let bits = u64::from_le_bytes(eight(rest)?);
            (Cell::Float(f64::from_bits(bits)), &rest[8..])
        }
        5 => {
            let (scale, rest) = rest.split_first_chunk::<4>()?;
            let (unscaled, rest) = rest.split_first_chunk::<16>()?;
            let scale = i32::from_le_bytes(*scale);
            let unscaled = i128::from_le_bytes(*unscaled);
            (Cell::Decimal { unscaled, scale }, rest)
        }
        6 => (Cell::Date(i64::from_le_bytes(eight(rest)?)), &rest[8..]),
        7 => (Cell::Time(i64::from_le_bytes(eight(rest)?)), &rest[8..]),
        8 => {
            let (ns, rest) = rest.split_first_chunk::<16>()?;
            (Cell::Timestamp(i128::from_le_bytes(*ns)), rest)
        }
        _ => {
            let (length, rest) = rest.split_first_chunk::<4>()?;
            let (bytes, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            let cell = match tag {
                9 => Cell::Number(std::str::from_utf8(bytes).ok()?),
                10 => Cell::Text(bytes),
                11 => Cell::Bytes(bytes),
                _ => Cell::Nested(bytes),
            };
            (cell, rest)
        }
    };
    Some(cell)
}

/// In the quotes and escapes of JSON: control characters do not reach a terminal.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn hexadecimal(bytes: &[u8]) -> String {
    const MOST: usize = 32;
    let mut text = String::from("0x");
    for byte in bytes.iter().take(MOST) {
        text.push_str(&format!("{byte:02x}"));
    }
    if bytes.len() > MOST {
        text.push_str(&format!("... ({} bytes)", bytes.len()));
    }
    text
}

#[cfg(test)]
mod tests;
