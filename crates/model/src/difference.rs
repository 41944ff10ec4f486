use crate::place::Place;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The ways in which two answers can differ at one place.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum DifferenceKind {
    /// One side answered and the other failed to.
    Outcome,
    /// The codes (HTTP status) differ.
    Code,
    /// Both have a value of the same type, and the values differ.
    Value,
    /// Both have the same number, written differently (`1` and `1.0`).
    NumberText,
    /// The types differ (`1` and `"1"`).
    Type,
    /// One side has `null` where the other has a value.
    Null,
    /// The baseline has it, the contender does not.
    Missing,
    /// The contender has it, the baseline does not.
    Extra,
    /// The same elements in another order.
    Order,
    /// An object names a key more often than the other side's does.
    DuplicateKey,
    /// Two bodies that are not both JSON differ as text.
    Text,
    /// Two bodies that are not text differ.
    Bytes,
}

impl DifferenceKind {
    /// Every kind.
    pub const ALL: [DifferenceKind; 12] = [
        DifferenceKind::Outcome,
        DifferenceKind::Code,
        DifferenceKind::Value,
        DifferenceKind::NumberText,
        DifferenceKind::Type,
        DifferenceKind::Null,
        DifferenceKind::Missing,
        DifferenceKind::Extra,
        DifferenceKind::Order,
        DifferenceKind::DuplicateKey,
        DifferenceKind::Text,
        DifferenceKind::Bytes,
    ];

    /// The name used in configuration and output.
    pub fn name(self) -> &'static str {
        match self {
            DifferenceKind::Outcome => "outcome",
            DifferenceKind::Code => "code",
            DifferenceKind::Value => "value",
            DifferenceKind::NumberText => "number_text",
            DifferenceKind::Type => "type",
            DifferenceKind::Null => "null",
            DifferenceKind::Missing => "missing",
            DifferenceKind::Extra => "extra",
            DifferenceKind::Order => "order",
            DifferenceKind::DuplicateKey => "duplicate_key",
            DifferenceKind::Text => "text",
            DifferenceKind::Bytes => "bytes",
        }
    }

    /// The inverse of [`DifferenceKind::name`].
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for DifferenceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What sort of thing a value is: noise may change a value, never its character.
///
/// A stable, human-readable text such as `absent`, `null`, `boolean`, `integer`, `decimal`,
/// `timestamp rfc3339 ms Z`, `uuid`, `hex 32`, `text`, `array`, `object`.
#[derive(
    Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Character(pub String);

/// One place at which a contender's answer differs from the baseline's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// Where, with concrete indices.
    pub path: Place,
    /// Where, with array indices as `[*]`: what clusters and noise are counted by.
    pub pattern: Place,
    /// In which way.
    pub kind: DifferenceKind,
    /// The baseline's value, bounded and redacted; empty when absent.
    pub baseline: String,
    /// The contender's value, bounded and redacted; empty when absent.
    pub contender: String,
    /// The character of the baseline's value.
    pub baseline_character: Character,
    /// The character of the contender's value.
    pub contender_character: Character,
    /// What the two values are to one another beyond their characters.
    #[serde(default, skip_serializing_if = "Relation::is_unknown")]
    pub relation: Relation,
    /// The rules (by index in the configuration) whose path selects this place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<u32>,
    /// Where within the value at this place, if only a part of it differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spot: Option<Spot>,
    /// Which element of a short array, where the place is in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// Bytes of the baseline's answer (of the contender's where the baseline has nothing) that are not compared
    /// if this difference is excused.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub bytes: u64,
}

fn is_zero(bytes: &u64) -> bool {
    *bytes == 0
}

/// What distinguishes the parts of one value: tokens of a text, offsets of other bytes. It holds
/// hashes of the words around a token, never a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Spot {
    /// A word, number, moment or identifier of a text.
    Token {
        /// Hash of all that is before it and of the next word, numbers and identifiers left out.
        line: u32,
        /// Hash of the words next to it, numbers and identifiers left out.
        around: u32,
        /// Bytes of the whole text.
        of: u32,
    },
    /// A run of bytes.
    Run {
        /// Offset of its first byte.
        start: u64,
        /// Offset after its last byte.
        end: u64,
        /// Bytes of the whole body at the baseline.
        of: u64,
        /// The same at the contender.
        contender_of: u64,
        /// The exponent of how far apart the two runs are as big-endian numbers, in units of the last byte of the
        /// body; `None` where they have no such measure.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        big_endian: Option<i32>,
        /// The same as little-endian numbers, in units of the first byte of the body.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        little_endian: Option<i32>,
    },
}

/// An element among those of arrays that have the same lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// Hash of the lengths of the arrays on the way.
    pub lengths: u32,
    /// How many elements arrays of these lengths have.
    pub of: u32,
    /// Which of them it is, from 0.
    pub index: u32,
}

/// What two differing values are to one another, where their form lets that be said. It holds none
/// of the values, so it may be stored where they may not.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct Relation {
    /// How far apart two numbers or two moments are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distance: Option<Distance>,
    /// Whether a number rose since the answer before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub course: Option<Course>,
    /// Whether two identifiers continue naming one another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bond: Option<Bond>,
}

impl Relation {
    /// Can nothing be said?
    pub fn is_unknown(&self) -> bool {
        *self == Relation::default()
    }
}

/// How far apart two values are, as powers of two, rounded up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Distance {
    /// Moments at most 2^`seconds` seconds apart. What is less than two seconds apart has 1.
    Time {
        /// The exponent.
        seconds: i16,
    },
    /// Numbers.
    Number {
        /// They are at most 2^`absolute` apart.
        absolute: i16,
        /// And at most 2^`relative` of the one that is farther from zero.
        relative: i16,
    },
}

/// The value of a place from one answer to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Course {
    /// It rose.
    Rose,
    /// It fell or did not change.
    Fell,
}

/// Two identifiers that stand for one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bond {
    /// Neither was seen before.
    New,
    /// They stood for one another before.
    Kept,
    /// As `Kept`, but neither ever stood where its name says that it is an identifier, nor does the
    /// incumbent make them up: a digest of what the answer says looks the same.
    Unnamed,
    /// One of them stood for another one before.
    Broken,
}
