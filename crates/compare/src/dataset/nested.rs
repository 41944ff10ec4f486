//! Values with structure, in canonical bytes: JSON arrays and objects, and the repeated columns of Parquet.

use super::cell::Cell;
use super::decimal::Decimal;
use super::logical::JsonKinds;
use crate::json::{Json, Value};

/// How canonical bytes begin: JSON text follows, or the entries of a repeated column.
const JSON: u8 = b'J';
const COLUMN: u8 = b'P';

/// The cell of a JSON value, and its kind added to those of the column. Arrays and objects are written to `room`.
pub fn json_cell<'a>(json: &'a Json, kinds: &mut JsonKinds, room: &'a mut Vec<u8>) -> Cell<'a> {
    match json.value() {
        Value::Null => Cell::Null,
        Value::Bool(value) => {
            kinds.bools = true;
            Cell::Bool(*value)
        }
        Value::Number(text) => {
            kinds.numbers = true;
            Cell::Number(text)
        }
        Value::String(text) => {
            kinds.texts = true;
            Cell::Text(text.as_bytes())
        }
        Value::Bytes(bytes) => {
            kinds.texts = true;
            Cell::Bytes(bytes)
        }
        Value::Array(_) | Value::Object(_) => {
            kinds.nested = true;
            let mut text = String::new();
            // Names are in order already.
            json.write_with(&mut text, &number);
            room.clear();
            room.push(JSON);
            room.extend_from_slice(text.as_bytes());
            Cell::Nested(room)
        }
    }
}

/// A number by value.
fn number(text: &str, out: &mut String) {
    match Decimal::parse(text) {
        Some(Decimal {
            mantissa,
            exponent: 0,
        }) => out.push_str(&mantissa.to_string()),
        Some(Decimal { mantissa, exponent }) => out.push_str(&format!("{mantissa}e{exponent}")),
        None => out.push_str(text),
    }
}

/// Appends one entry of a repeated column to the canonical bytes of its row: where it is, and its value if it has
/// one.
pub fn column_entry(definition: i16, repetition: i16, value: Option<Cell<'_>>, room: &mut Vec<u8>) {
    if room.is_empty() {
        room.push(COLUMN);
    }
    room.extend_from_slice(&definition.to_le_bytes());
    room.extend_from_slice(&repetition.to_le_bytes());
    let value = match value {
        // One zero and one NaN, as everywhere.
        Some(Cell::Float(value)) if value.is_nan() => Cell::Float(f64::NAN),
        Some(Cell::Float(value)) => Cell::Float(value + 0.0),
        Some(Cell::UInt(value)) => i64::try_from(value).map_or(Cell::UInt(value), Cell::Int),
        Some(value) => value,
        None => Cell::Null,
    };
    value.store(room);
}

/// As people read it.
pub(super) fn shown(bytes: &[u8]) -> String {
    match bytes.split_first() {
        Some((&JSON, text)) => String::from_utf8_lossy(text).into_owned(),
        Some((&COLUMN, mut entries)) => {
            let mut shown = Vec::new();
            while let Some((_, rest)) = entries.split_at_checked(4) {
                let Some((cell, rest)) = super::cell::next_stored(rest) else {
                    break;
                };
                shown.push(cell.shown());
                entries = rest;
            }
            format!("[{}]", shown.join(", "))
        }
        _ => String::from("nested"),
    }
}
