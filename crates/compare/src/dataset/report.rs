//! The result of a comparison of two data sets, as a document.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Are two data sets the same?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DatasetVerdict {
    /// The same rows, as often, and no difference of the schemas.
    Same,
    /// Rows or schemas differ.
    Different,
    /// No difference was found, and not everything was compared.
    Inconclusive,
}

/// The result of `understudy dataset A B`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DatasetReport {
    /// The version of this document.
    pub version: u32,
    /// Are they the same?
    pub verdict: DatasetVerdict,
    /// Why, in sentences.
    pub reasons: Vec<String>,
    /// What side A holds.
    pub a: SideReport,
    /// What side B holds.
    pub b: SideReport,
    /// The columns that identify a row.
    pub key: Vec<String>,
    /// The columns whose cells were compared.
    pub compared: Vec<String>,
    /// What differs between the schemas: a class of its own.
    pub schema: Vec<SchemaChange>,
    /// Columns that both sides have and that were not compared.
    pub not_compared: Vec<NotCompared>,
    /// How many rows differ, and how. Absent when the sums of all rows are equal.
    pub rows: Option<RowCounts>,
    /// Different cells by column and kind, the most frequent first.
    pub clusters: Vec<CellCluster>,
    /// Some rows that only one side has.
    pub only: Vec<RowExample>,
    /// Columns whose values differ as a whole, without regard to rows.
    pub columns: Vec<ColumnCounts>,
    /// How much of what differs was looked at. Absent when the sums of all rows are equal.
    pub coverage: Option<Coverage>,
    /// What a reader should know.
    pub notes: Vec<String>,
}

/// One of the two data sets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SideReport {
    /// The file or folder, as it was named.
    pub path: String,
    /// The formats of its files.
    pub formats: Vec<String>,
    /// How many files it is made of.
    pub files: u64,
    /// The size of the files.
    pub bytes: u64,
    /// How many rows were compared.
    pub rows: u64,
    /// The sum of the 128-bit hashes of these rows, in hexadecimal. Equal only for the same columns and rules.
    pub checksum: String,
}

/// A kind of difference between two schemas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SchemaChangeKind {
    /// Only side A has the column.
    OnlyA,
    /// Only side B has the column.
    OnlyB,
    /// The type of B holds every value of that of A.
    Widened,
    /// The type of B does not hold every value of that of A.
    Narrowed,
    /// Another kind of value.
    Retyped,
    /// Another unit of time.
    Unit,
    /// Only one side may hold nulls.
    Nullability,
    /// The column is at another place.
    Order,
}

impl SchemaChangeKind {
    /// Can a reader of A read B without a surprise?
    pub(super) fn is_harmless(self) -> bool {
        matches!(
            self,
            SchemaChangeKind::Widened
                | SchemaChangeKind::Unit
                | SchemaChangeKind::Nullability
                | SchemaChangeKind::Order
        )
    }
}

/// A difference between two schemas.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SchemaChange {
    /// The column.
    pub column: String,
    /// What is different.
    pub kind: SchemaChangeKind,
    /// Its type in A.
    pub a: Option<String>,
    /// Its type in B.
    pub b: Option<String>,
    /// Does it make the data sets different? Otherwise it is a note.
    pub is_difference: bool,
}

/// A column that was not compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NotCompared {
    /// The column.
    pub column: String,
    /// Why.
    pub why: String,
}

/// How many of the examined rows differ, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RowCounts {
    /// Pairs of rows with different cells.
    pub changed: u64,
    /// Rows that only A has.
    pub only_a: u64,
    /// Rows that only B has.
    pub only_b: u64,
    /// Rows that both sides have, which A has more often: by how much.
    pub more_in_a: u64,
    /// Rows that both sides have, which B has more often: by how much.
    pub more_in_b: u64,
    /// Pairs of rows whose numbers are apart, within the tolerance.
    pub within_tolerance: u64,
    /// Keys that several different rows of one side have.
    pub ambiguous_keys: u64,
}

impl RowCounts {
    /// How many rows differ.
    pub fn different(&self) -> u64 {
        self.changed + self.only_a + self.only_b + self.more_in_a + self.more_in_b
    }

    /// Adds those of other rows.
    pub fn merge(&mut self, other: &RowCounts) {
        self.changed += other.changed;
        self.only_a += other.only_a;
        self.only_b += other.only_b;
        self.more_in_a += other.more_in_a;
        self.more_in_b += other.more_in_b;
        self.within_tolerance += other.within_tolerance;
        self.ambiguous_keys += other.ambiguous_keys;
    }
}

/// What became of a cell from A to B.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum CellKind {
    /// A null became the empty text.
    NullToEmpty,
    /// The empty text became a null.
    EmptyToNull,
    /// A null became NaN.
    NullToNan,
    /// NaN became a null.
    NanToNull,
    /// A null became a value.
    NullToValue,
    /// A value became a null.
    ValueToNull,
    /// NaN on one side only.
    Nan,
    /// Two numbers.
    Number,
    /// Two texts that differ in the case of letters or in white space only.
    TextForm,
    /// Two texts.
    Text,
    /// Two truth values.
    Bool,
    /// Two dates, times or instants.
    Time,
    /// Bytes.
    Bytes,
    /// Lists, maps or objects.
    Nested,
    /// Values of different types.
    Type,
}

impl CellKind {
    /// In words.
    pub fn in_words(self) -> &'static str {
        match self {
            CellKind::NullToEmpty => "null became \"\"",
            CellKind::EmptyToNull => "\"\" became null",
            CellKind::NullToNan => "null became NaN",
            CellKind::NanToNull => "NaN became null",
            CellKind::NullToValue => "null became a value",
            CellKind::ValueToNull => "a value became null",
            CellKind::Nan => "NaN on one side",
            CellKind::Number => "number",
            CellKind::TextForm => "case or white space",
            CellKind::Text => "text",
            CellKind::Bool => "bool",
            CellKind::Time => "time",
            CellKind::Bytes => "bytes",
            CellKind::Nested => "nested",
            CellKind::Type => "type",
        }
    }
}

/// The different cells of one column and one kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CellCluster {
    /// The column.
    pub column: String,
    /// What became of the cells.
    pub kind: CellKind,
    /// How many.
    pub cells: u64,
    /// Of numbers: the largest difference.
    pub largest_absolute: Option<f64>,
    /// Of numbers: the largest difference as a share of the larger of both.
    pub largest_relative: Option<f64>,
    /// Some of them.
    pub examples: Vec<CellExample>,
}

/// A different cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CellExample {
    /// What identifies its row: columns of the key, else some that are equal on both sides.
    pub row: Vec<NamedValue>,
    /// Its value in A.
    pub a: String,
    /// Its value in B.
    pub b: String,
}

/// A value of a column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NamedValue {
    /// The column.
    pub column: String,
    /// The value.
    pub value: String,
}

/// A row that one side has, or has more often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RowExample {
    /// How often A has it.
    pub copies_in_a: u64,
    /// How often B has it.
    pub copies_in_b: u64,
    /// Its cells: the key, else the first columns.
    pub row: Vec<NamedValue>,
}

/// Counts of a column whose values differ between the sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ColumnCounts {
    /// The column.
    pub column: String,
    /// Nulls in A and in B.
    pub nulls: [u64; 2],
    /// NaN in A and in B.
    pub nans: [u64; 2],
    /// Empty texts in A and in B.
    pub empty: [u64; 2],
}

/// How much of what differs was looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Coverage {
    /// Parts of the rows (by hash, 16,384 in all) whose sums differ.
    pub parts_different: u64,
    /// How many of them were examined row by row.
    pub parts_examined: u64,
    /// The rows of both sides in the different parts.
    pub rows_in_parts: u64,
    /// The rows of both sides that were examined.
    pub rows_examined: u64,
    /// How often the files were read again for that.
    pub passes: u64,
    /// Rows of both sides that differ, at least and at most (95 % interval), where not all parts were examined.
    pub different_rows_95: Option<[u64; 2]>,
    /// Were rows paired by their likeness because there is no key?
    pub paired_by_likeness: bool,
}

impl Coverage {
    /// Of parts that differ, with the rows of each: none is examined yet.
    pub fn of(different: &[(u16, u64)]) -> Coverage {
        Coverage {
            parts_different: different.len() as u64,
            parts_examined: 0,
            rows_in_parts: different.iter().map(|(_, rows)| rows).sum(),
            rows_examined: 0,
            passes: 0,
            different_rows_95: None,
            paired_by_likeness: false,
        }
    }
}
