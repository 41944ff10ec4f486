//! Types of columns, and which of two types may be compared.

use super::cell::Target;
use std::fmt;

/// The unit of a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Millis,
    /// Microseconds.
    Micros,
    /// Nanoseconds.
    Nanos,
}

impl Unit {
    /// Its usual short name.
    fn name(self) -> &'static str {
        match self {
            Unit::Seconds => "s",
            Unit::Millis => "ms",
            Unit::Micros => "us",
            Unit::Nanos => "ns",
        }
    }
}

/// The kinds of JSON values that a column was seen to hold. `null` is in every type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JsonKinds {
    /// Numbers.
    pub numbers: bool,
    /// Strings.
    pub texts: bool,
    /// `true` and `false`.
    pub bools: bool,
    /// Arrays and objects.
    pub nested: bool,
}

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Logical {
    /// Nulls only.
    Null,
    /// Truth values.
    Bool,
    /// Integers.
    Int {
        /// How wide.
        bits: u8,
        /// With a sign.
        signed: bool,
    },
    /// Binary floating point.
    Float {
        /// How wide.
        bits: u8,
    },
    /// Decimals.
    Decimal {
        /// How many digits.
        precision: i32,
        /// How many of them are after the point.
        scale: i32,
    },
    /// Text.
    Text,
    /// Bytes.
    Bytes,
    /// Days.
    Date,
    /// Times of day.
    Time(Unit),
    /// Instants. `utc`: adjusted to UTC, local, or the format does not say.
    Timestamp {
        /// The unit it is stored in.
        unit: Unit,
        /// Is it adjusted to UTC?
        utc: Option<bool>,
    },
    /// Text without a type: CSV has no other.
    Untyped,
    /// JSON values.
    Json(JsonKinds),
    /// A type that is not read, by its name.
    Unsupported(String),
}

impl fmt::Display for Logical {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Logical::Null => f.write_str("null"),
            Logical::Bool => f.write_str("bool"),
            Logical::Int { bits, signed } => {
                write!(f, "{}int{bits}", if *signed { "" } else { "u" })
            }
            Logical::Float { bits } => write!(f, "float{bits}"),
            Logical::Decimal { precision, scale } => write!(f, "decimal({precision},{scale})"),
            Logical::Text => f.write_str("text"),
            Logical::Bytes => f.write_str("bytes"),
            Logical::Date => f.write_str("date"),
            Logical::Time(unit) => write!(f, "time({})", unit.name()),
            Logical::Timestamp { unit, utc } => {
                let zone = match utc {
                    Some(true) => ",UTC",
                    Some(false) => ",local",
                    None => "",
                };
                write!(f, "timestamp({}{zone})", unit.name())
            }
            Logical::Untyped => f.write_str("untyped text"),
            Logical::Json(kinds) => {
                let named = [
                    (kinds.numbers, "number"),
                    (kinds.texts, "text"),
                    (kinds.bools, "bool"),
                    (kinds.nested, "nested"),
                ];
                let names: Vec<&str> = named.iter().filter(|one| one.0).map(|one| one.1).collect();
                match names.as_slice() {
                    [] => f.write_str("null"),
                    names => write!(f, "JSON {}", names.join(" or ")),
                }
            }
            Logical::Unsupported(name) => f.write_str(name),
        }
    }
}

/// What became of a type from side A to side B.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing that can be told.
    None,
    /// B holds every value of A: `int32` became `int64`.
    Widened,
    /// B does not hold every value of A: `int64` became `int32`.
    Narrowed,
    /// Another kind of value, which can still be compared: `int64` became `float64`.
    Retyped,
    /// Only the unit of a time.
    Unit,
}

/// How two columns are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pairing {
    /// How their cells are compared. `Err`: why they are not.
    pub target: Result<Target, String>,
    /// What became of the type.
    pub change: Change,
}

/// Decides how columns of these types are compared.
pub fn pair(a: &Logical, b: &Logical) -> Pairing {
    for one in [a, b] {
        if let Logical::Unsupported(name) = one {
            let change = if a == b {
                Change::None
            } else {
                Change::Retyped
            };
            return Pairing {
                target: Err(format!("{name} is not supported")),
                change,
            };
        }
    }
    match (a, b) {
        (Logical::Null, other) | (other, Logical::Null) => {
            // Writers guess the type of a column that holds nulls only.
            let change = if a == b {
                Change::None
            } else {
                Change::Widened
            };
            let other = if matches!(other, Logical::Null) {
                &Logical::Bool
            } else {
                other
            };
            let Pairing { target, .. } = pair(other, other);
            Pairing { target, change }
        }
        (Logical::Json(a), Logical::Json(b)) => {
            let change = if a == b {
                Change::None
            } else {
                Change::Retyped
            };
            let change = if a.is_empty() || b.is_empty() {
                Change::None
            } else {
                change
            };
            compared(Target::Any, change)
        }
        (Logical::Json(kinds), other) | (other, Logical::Json(kinds)) => json(*kinds, other),
        (Logical::Untyped, other) | (other, Logical::Untyped) => untyped(other),
        _ => typed(a, b),
    }
}

impl JsonKinds {
    fn is_empty(self) -> bool {
        self == JsonKinds::default()
    }

    /// Does a column hold values of this kind alone?
    fn is_only(self, only: JsonKinds) -> bool {
        self == only || self.is_empty()
    }
}

fn compared(target: Target, change: Change) -> Pairing {
    Pairing {
        target: Ok(target),
        change,
    }
}

fn refused(why: String) -> Pairing {
    Pairing {
        target: Err(why),
        change: Change::Retyped,
    }
}

/// CSV against a type: its text is read as that type.
fn untyped(other: &Logical) -> Pairing {
    match other {
        Logical::Bytes => refused("CSV has no one way to write bytes".to_owned()),
        Logical::Untyped => compared(Target::Text, Change::None),
        Logical::Float { bits: ..=32 } => compared(Target::Single, Change::None),
        other => Pairing {
            change: Change::None,
            ..pair(other, other)
        },
    }
}

/// JSON against a type: numbers as numbers, texts as what the type writes as text.
fn json(kinds: JsonKinds, other: &Logical) -> Pairing {
    let numbers = JsonKinds {
        numbers: true,
        ..JsonKinds::default()
    };
    let texts = JsonKinds {
        texts: true,
        ..JsonKinds::default()
    };
    let bools = JsonKinds {
        bools: true,
        ..JsonKinds::default()
    };
    let numbers_or_texts = JsonKinds {
        numbers: true,
        ..texts
    };
    let (target, fits) = match other {
        Logical::Untyped if kinds.is_only(numbers) => (Target::Number, true),
        Logical::Untyped if kinds.is_only(bools) => (Target::Bool, true),
        Logical::Untyped => (Target::Text, kinds.is_only(texts)),
        Logical::Bool => (Target::Bool, kinds.is_only(bools)),
        Logical::Int { .. } => (Target::Int, kinds.is_only(numbers)),
        // JSON has no NaN: writers use a text for it. Decimals are often texts, too.
        Logical::Float { bits } => {
            let target = if *bits > 32 {
                Target::Float
            } else {
                Target::Single
            };
            let fits = kinds.is_only(numbers) || kinds.is_only(numbers_or_texts);
            (target, fits || kinds.is_only(texts))
        }
        Logical::Decimal { scale, .. } => {
            let fits = kinds.is_only(numbers) || kinds.is_only(numbers_or_texts);
            (Target::Decimal(*scale), fits || kinds.is_only(texts))
        }
        Logical::Date => (Target::Date, kinds.is_only(texts)),
        Logical::Time(_) => (Target::Time, kinds.is_only(texts)),
        Logical::Timestamp { .. } => (Target::Timestamp, kinds.is_only(texts)),
        _ => (
            Target::Text,
            matches!(other, Logical::Text) && kinds.is_only(texts),
        ),
    };
    if fits {
        compared(target, Change::None)
    } else {
        refused(format!(
            "{} is not comparable with {other}",
            Logical::Json(kinds)
        ))
    }
}

fn typed(a: &Logical, b: &Logical) -> Pairing {
    let widened = |wider: bool| {
        if wider {
            Change::Widened
        } else {
            Change::Narrowed
        }
    };
    let change = |wider: bool| if a == b { Change::None } else { widened(wider) };
    match (a, b) {
        (Logical::Bool, Logical::Bool) => compared(Target::Bool, Change::None),
        (Logical::Int { .. }, Logical::Int { .. }) => compared(Target::Int, change(holds(a, b))),
        (Logical::Float { bits: from }, Logical::Float { bits: to }) => {
            compared(Target::Float, change(to >= from))
        }
        (
            Logical::Decimal {
                precision: p,
                scale: s,
            },
            Logical::Decimal {
                precision: q,
                scale: t,
            },
        ) => compared(Target::Decimal(*s.max(t)), change(t >= s && q - t >= p - s)),
        (Logical::Int { .. }, Logical::Float { .. } | Logical::Decimal { .. }) => {
            let change = if holds(a, b) {
                Change::Widened
            } else {
                Change::Retyped
            };
            compared(Target::Number, change)
        }
        (
            Logical::Float { .. } | Logical::Decimal { .. },
            Logical::Int { .. } | Logical::Float { .. } | Logical::Decimal { .. },
        ) => compared(Target::Number, Change::Retyped),
        (Logical::Text, Logical::Text) => compared(Target::Text, Change::None),
        (Logical::Bytes, Logical::Bytes) => compared(Target::Bytes, Change::None),
        // Writers without annotations store text as bytes.
        (Logical::Text, Logical::Bytes) | (Logical::Bytes, Logical::Text) => {
            compared(Target::Text, Change::Retyped)
        }
        (Logical::Date, Logical::Date) => compared(Target::Date, Change::None),
        (Logical::Time(from), Logical::Time(to)) => {
            let change = if from == to {
                Change::None
            } else {
                Change::Unit
            };
            compared(Target::Time, change)
        }
        (Logical::Timestamp { unit: from, utc: a }, Logical::Timestamp { unit: to, utc: b }) => {
            let change = match (a, b) {
                (Some(a), Some(b)) if a != b => Change::Retyped,
                _ if from != to => Change::Unit,
                _ => Change::None,
            };
            compared(Target::Timestamp, change)
        }
        _ => refused(format!("{a} is not comparable with {b}")),
    }
}

/// Does the second type hold every integer of the first?
fn holds(a: &Logical, b: &Logical) -> bool {
    let Logical::Int { bits, signed } = a else {
        return false;
    };
    match b {
        Logical::Int {
            bits: to,
            signed: to_signed,
        } => match (signed, to_signed) {
            (true, false) => false,
            (false, true) => to > bits,
            _ => to >= bits,
        },
        // A double holds every integer of 53 bits, a float of 24.
        Logical::Float { bits: to } => *bits < if *to >= 64 { 53 } else { 24 },
        Logical::Decimal { precision, scale } => {
            let digits = match bits {
                0..=8 => 3,
                9..=16 => 5,
                17..=32 => 10,
                _ => 20,
            };
            precision - scale >= digits
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn int(bits: u8) -> Logical {
        Logical::Int { bits, signed: true }
    }

    #[test]
    fn types_widen_by_rule() {
        let decimal = |precision, scale| Logical::Decimal { precision, scale };
        let unsigned = Logical::Int {
            bits: 32,
            signed: false,
        };
        let of = |a: &Logical, b: &Logical| pair(a, b).change;
        assert_eq!(of(&int(32), &int(64)), Change::Widened);
        assert_eq!(of(&int(64), &int(32)), Change::Narrowed);
        assert_eq!(of(&unsigned, &int(32)), Change::Narrowed);
        assert_eq!(of(&unsigned, &int(64)), Change::Widened);
        assert_eq!(of(&int(32), &Logical::Float { bits: 64 }), Change::Widened);
        assert_eq!(of(&int(64), &Logical::Float { bits: 64 }), Change::Retyped);
        assert_eq!(of(&decimal(10, 2), &decimal(12, 4)), Change::Widened);
        assert_eq!(of(&decimal(10, 2), &decimal(10, 4)), Change::Narrowed);
        assert!(pair(&Logical::Text, &int(32)).target.is_err());
        let opaque = Logical::Unsupported("interval".to_owned());
        // It is not compared, and it is the same type.
        assert!(pair(&opaque, &opaque).target.is_err());
        assert_eq!(of(&opaque, &opaque), Change::None);
        assert_eq!(of(&opaque, &int(32)), Change::Retyped);
        assert_eq!(pair(&Logical::Null, &int(32)).target, Ok(Target::Int));
        assert_eq!(pair(&Logical::Null, &Logical::Null).change, Change::None);
    }
}
