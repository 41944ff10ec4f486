//! What the columns of a Parquet file hold.

use super::is_repeated;
use crate::batch::{BytesMeaning, ColumnBatch, Dense, Meaning};
use parquet::basic::{ConvertedType, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::column::reader::ColumnReader;
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor, Type};
use understudy_compare::dataset::{Column, Logical, Unit};

/// How the values of a column are made cells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    pub(super) meaning: Meaning,
    pub(super) bytes: BytesMeaning,
    /// The level of a value that is there.
    pub(super) most_defined: i16,
    pub(super) repeated: bool,
    /// May the value itself be null, whatever is above it?
    pub(super) nullable: bool,
    /// Is it within a list, a map or a structure?
    nested: bool,
}

impl Form {
    pub(super) fn of(description: &ColumnDescriptor) -> Form {
        let logical = logical(description);
        let meaning = match logical {
            Logical::Int { signed: false, .. } => Meaning::Unsigned,
            Logical::Date => Meaning::Date,
            Logical::Time(unit) => Meaning::Time(unit),
            Logical::Timestamp { unit, .. } => Meaning::Timestamp(unit),
            Logical::Decimal { scale, .. } => Meaning::Decimal(scale),
            _ => Meaning::Signed,
        };
        let bytes = match logical {
            Logical::Text => BytesMeaning::Text,
            Logical::Decimal { scale, .. } => BytesMeaning::Decimal(scale),
            Logical::Float { .. } => BytesMeaning::HalfFloat,
            _ => BytesMeaning::Bytes,
        };
        let own = description.self_type().get_basic_info();
        Form {
            meaning,
            bytes,
            most_defined: description.max_def_level(),
            repeated: is_repeated(description),
            nullable: own.has_repetition() && own.repetition() == Repetition::OPTIONAL,
            nested: is_nested(description),
        }
    }

    pub(super) fn is_nested(&self) -> bool {
        self.nested
    }

    /// An empty batch for the values of this reader.
    pub(super) fn room(&self, reader: &ColumnReader) -> ColumnBatch {
        if self.nested {
            return ColumnBatch::Stored(Vec::new());
        }
        match reader {
            ColumnReader::BoolColumnReader(_) => ColumnBatch::Bool(Dense::default()),
            ColumnReader::Int32ColumnReader(_) => {
                ColumnBatch::Int32(Dense::default(), self.meaning)
            }
            ColumnReader::Int64ColumnReader(_) => {
                ColumnBatch::Int64(Dense::default(), self.meaning)
            }
            ColumnReader::Int96ColumnReader(_) => ColumnBatch::Int96(Dense::default()),
            ColumnReader::FloatColumnReader(_) => ColumnBatch::Float(Dense::default()),
            ColumnReader::DoubleColumnReader(_) => ColumnBatch::Double(Dense::default()),
            ColumnReader::ByteArrayColumnReader(_) => {
                ColumnBatch::ByteArray(Dense::default(), self.bytes)
            }
            ColumnReader::FixedLenByteArrayColumnReader(_) => {
                ColumnBatch::FixedBytes(Dense::default(), self.bytes)
            }
        }
    }
}

fn is_nested(description: &ColumnDescriptor) -> bool {
    description.path().parts().len() > 1 || is_repeated(description)
}

/// The column with this number among the leaves of the schema.
pub(super) fn column(schema: &SchemaDescriptor, at: usize) -> Column {
    let description = schema.column(at);
    let parts = description.path().parts();
    let quoted = |part: &String| match part.contains('.') {
        true if parts.len() > 1 => format!("`{part}`"),
        _ => part.clone(),
    };
    let root = schema.get_column_root(at);
    Column {
        name: parts.iter().map(quoted).collect::<Vec<_>>().join("."),
        logical: within_unsupported(root, parts).unwrap_or_else(|| logical(&description)),
        nullable: description.max_def_level() > 0,
        shape: if is_nested(&description) {
            shape(root, parts)
        } else {
            String::new()
        },
        repeated: is_repeated(&description),
    }
}

/// How a leaf is nested: the repetition of everything above it, and its own.
fn shape(root: &Type, parts: &[String]) -> String {
    let mut levels = Vec::new();
    let mut at = root;
    for part in parts.iter().skip(1).map(Some).chain([None]) {
        let info = at.get_basic_info();
        let repetition = if info.has_repetition() {
            info.repetition()
        } else {
            Repetition::REQUIRED
        };
        levels.push(match repetition {
            Repetition::REQUIRED => "required",
            Repetition::OPTIONAL => "optional",
            Repetition::REPEATED => "repeated",
        });
        let Some(part) = part else { break };
        match at.get_fields().iter().find(|field| field.name() == part) {
            Some(field) => at = field,
            None => break,
        }
    }
    levels.join(" ")
}

/// A variant is a pair of binaries that only together are a value.
fn within_unsupported(root: &Type, parts: &[String]) -> Option<Logical> {
    let mut at = root;
    for part in parts.iter().skip(1) {
        if let Some(LogicalType::Variant(_)) = at.get_basic_info().logical_type_ref() {
            return Some(Logical::Unsupported("the type variant".to_owned()));
        }
        at = at.get_fields().iter().find(|field| field.name() == part)?;
    }
    None
}

fn unit(of: &TimeUnit) -> Unit {
    match of {
        TimeUnit::MILLIS => Unit::Millis,
        TimeUnit::MICROS => Unit::Micros,
        TimeUnit::NANOS => Unit::Nanos,
    }
}

/// What a leaf holds, by its logical type, else its older one, else its physical one.
fn logical(of: &ColumnDescriptor) -> Logical {
    let known = of
        .logical_type_ref()
        .and_then(|logical| annotated(logical, of));
    known
        .or_else(|| converted(of))
        .unwrap_or_else(|| match of.physical_type() {
            Physical::BOOLEAN => Logical::Bool,
            Physical::INT32 => signed(32),
            Physical::INT64 => signed(64),
            Physical::INT96 => Logical::Timestamp {
                unit: Unit::Nanos,
                utc: None,
            },
            Physical::FLOAT => Logical::Float { bits: 32 },
            Physical::DOUBLE => Logical::Float { bits: 64 },
            Physical::BYTE_ARRAY | Physical::FIXED_LEN_BYTE_ARRAY => Logical::Bytes,
        })
}

fn signed(bits: u8) -> Logical {
    Logical::Int { bits, signed: true }
}

/// A decimal of up to 38 digits.
fn decimal(precision: i32, scale: i32) -> Logical {
    match precision {
        ..=38 => Logical::Decimal { precision, scale },
        _ => Logical::Unsupported(format!(
            "decimal({precision},{scale}) with more than 38 digits"
        )),
    }
}

fn annotated(logical: &LogicalType, of: &ColumnDescriptor) -> Option<Logical> {
    Some(match logical {
        LogicalType::String | LogicalType::Enum | LogicalType::Json => Logical::Text,
        LogicalType::Decimal(of) => decimal(of.precision, of.scale),
        LogicalType::Date => Logical::Date,
        LogicalType::Time(of) => Logical::Time(unit(&of.unit)),
        LogicalType::Timestamp(of) => Logical::Timestamp {
            unit: unit(&of.unit),
            utc: Some(of.is_adjusted_to_u_t_c),
        },
        LogicalType::Integer(of) => Logical::Int {
            bits: u8::try_from(of.bit_width).unwrap_or(64),
            signed: of.is_signed,
        },
        LogicalType::Unknown => Logical::Null,
        LogicalType::Bson | LogicalType::Uuid => Logical::Bytes,
        LogicalType::Float16 if of.physical_type() == Physical::FIXED_LEN_BYTE_ARRAY => {
            Logical::Float { bits: 16 }
        }
        LogicalType::Geometry(_) | LogicalType::Geography(_) => Logical::Bytes,
        _ => return None,
    })
}

fn converted(of: &ColumnDescriptor) -> Option<Logical> {
    let time = |unit| Some(Logical::Time(unit));
    let instant = |unit| {
        Some(Logical::Timestamp {
            unit,
            utc: Some(true),
        })
    };
    let int = |bits, signed| Some(Logical::Int { bits, signed });
    match of.converted_type() {
        ConvertedType::UTF8 | ConvertedType::ENUM | ConvertedType::JSON => Some(Logical::Text),
        ConvertedType::DECIMAL => Some(decimal(of.type_precision(), of.type_scale())),
        ConvertedType::DATE => Some(Logical::Date),
        ConvertedType::TIME_MILLIS => time(Unit::Millis),
        ConvertedType::TIME_MICROS => time(Unit::Micros),
        ConvertedType::TIMESTAMP_MILLIS => instant(Unit::Millis),
        ConvertedType::TIMESTAMP_MICROS => instant(Unit::Micros),
        ConvertedType::UINT_8 => int(8, false),
        ConvertedType::UINT_16 => int(16, false),
        ConvertedType::UINT_32 => int(32, false),
        ConvertedType::UINT_64 => int(64, false),
        ConvertedType::INT_8 => int(8, true),
        ConvertedType::INT_16 => int(16, true),
        ConvertedType::INT_32 => int(32, true),
        ConvertedType::INT_64 => int(64, true),
        _ => None,
    }
}
