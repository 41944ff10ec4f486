//! The types of an engine by their names. Pure.

use super::Engine;
use understudy_compare::dataset::{Logical, Unit};

/// What a column of this type holds.
pub(super) fn logical(engine: Engine, name: &str) -> Logical {
    let lower = name.trim().to_ascii_lowercase();
    let (base, arguments) = match lower.split_once('(') {
        Some((base, rest)) => {
            let (arguments, after) = rest.split_once(')').unwrap_or((rest, ""));
            (format!("{}{after}", base.trim()), Some(arguments))
        }
        None => (lower.clone(), None),
    };
    let numbers: Vec<i32> = arguments
        .iter()
        .flat_map(|text| text.split(','))
        .filter_map(|text| text.trim().parse().ok())
        .collect();
    let known = match engine {
        Engine::Postgres => postgres(&base, &numbers),
        Engine::DuckDb => duckdb(&base, &numbers),
        Engine::Spark => spark(&base, &numbers),
    };
    known.unwrap_or_else(|| Logical::Unsupported(format!("the type {}", name.trim())))
}

fn int(bits: u8, signed: bool) -> Option<Logical> {
    Some(Logical::Int { bits, signed })
}

fn float(bits: u8) -> Option<Logical> {
    Some(Logical::Float { bits })
}

fn decimal(numbers: &[i32], default: (i32, i32)) -> Option<Logical> {
    let (precision, scale) = match *numbers {
        [precision, scale] => (precision, scale),
        [precision] => (precision, 0),
        _ => default,
    };
    Some(Logical::Decimal { precision, scale })
}

fn timestamp(unit: Unit, utc: bool) -> Option<Logical> {
    Some(Logical::Timestamp {
        unit,
        utc: Some(utc),
    })
}

fn postgres(base: &str, numbers: &[i32]) -> Option<Logical> {
    match base {
        "boolean" => Some(Logical::Bool),
        "smallint" => int(16, true),
        "integer" => int(32, true),
        "bigint" => int(64, true),
        "real" => float(32),
        "double precision" => float(64),
        // Without arguments as many digits as PostgreSQL compares.
        "numeric" => decimal(numbers, (147_455, 16_383)),
        "text" | "character varying" | "character" | "\"char\"" | "name" | "uuid" => {
            Some(Logical::Text)
        }
        "bytea" => Some(Logical::Bytes),
        "date" => Some(Logical::Date),
        "time without time zone" => Some(Logical::Time(Unit::Micros)),
        "timestamp without time zone" => timestamp(Unit::Micros, false),
        "timestamp with time zone" => timestamp(Unit::Micros, true),
        _ => None,
    }
}

fn duckdb(base: &str, numbers: &[i32]) -> Option<Logical> {
    match base {
        "boolean" => Some(Logical::Bool),
        "tinyint" => int(8, true),
        "smallint" => int(16, true),
        "integer" => int(32, true),
        "bigint" => int(64, true),
        "utinyint" => int(8, false),
        "usmallint" => int(16, false),
        "uinteger" => int(32, false),
        "ubigint" => int(64, false),
        "float" => float(32),
        "double" => float(64),
        "decimal" => decimal(numbers, (18, 3)),
        "varchar" | "uuid" => Some(Logical::Text),
        "blob" => Some(Logical::Bytes),
        "date" => Some(Logical::Date),
        "time" => Some(Logical::Time(Unit::Micros)),
        "timestamp" => timestamp(Unit::Micros, false),
        "timestamp_s" => timestamp(Unit::Seconds, false),
        "timestamp_ms" => timestamp(Unit::Millis, false),
        "timestamp_ns" => timestamp(Unit::Nanos, false),
        "timestamp with time zone" => timestamp(Unit::Micros, true),
        _ => None,
    }
}

fn spark(base: &str, numbers: &[i32]) -> Option<Logical> {
    match base {
        "boolean" => Some(Logical::Bool),
        "tinyint" => int(8, true),
        "smallint" => int(16, true),
        "int" => int(32, true),
        "bigint" => int(64, true),
        "float" => float(32),
        "double" => float(64),
        "decimal" => decimal(numbers, (10, 0)),
        "string" | "varchar" | "char" => Some(Logical::Text),
        "binary" => Some(Logical::Bytes),
        "date" => Some(Logical::Date),
        "timestamp" => timestamp(Unit::Micros, true),
        "timestamp_ntz" => timestamp(Unit::Micros, false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_types_are_types() {
        let of = |name| logical(Engine::Postgres, name);
        let decimal = Logical::Decimal {
            precision: 12,
            scale: 3,
        };
        assert_eq!(of("numeric(12,3)"), decimal);
        assert_eq!(logical(Engine::DuckDb, "DECIMAL(12,3)"), decimal);
        assert_eq!(of("character varying(20)"), Logical::Text);
        let instant = timestamp(Unit::Micros, true).unwrap();
        assert_eq!(of("timestamp(3) with time zone"), instant);
        for opaque in ["integer[]", "jsonb", "interval", "numeric(12,3)[]"] {
            assert!(matches!(of(opaque), Logical::Unsupported(_)), "{opaque}");
        }
        for opaque in [
            "INTEGER[]",
            "STRUCT(a INTEGER)",
            "DECIMAL(3,1)[]",
            "HUGEINT",
        ] {
            let of = logical(Engine::DuckDb, opaque);
            assert!(matches!(of, Logical::Unsupported(_)), "{opaque}");
        }
    }
}
