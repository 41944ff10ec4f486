//! Two tables of any size: the same rows, in any order? Pure: what is read is passed in cell by cell.
//!
//! - [`Cell`] is a value as a format holds it; [`Target`] says how the cells of one column are compared, and
//!   [`pair`] decides it of the types of both sides.
//! - [`Plan`] pairs the columns of two schemas by name and counts what is not compared.
//! - [`Tally`] is one pass over a side: each row is a 128-bit hash, and the hashes are *added*. A sum does not
//!   depend on the order, can be made by parts, and, unlike exclusive or, counts duplicates.
//! - [`Leftovers`] is what remains of the rows of some buckets after equal rows have cancelled out; [`explain`]
//!   pairs it by key and names column, key and both values.
//! - [`DatasetReport`] is the result as a document.

mod cell;
mod conclude;
mod decimal;
mod explain;
mod key;
mod leftovers;
mod likeness;
mod logical;
mod moment;
mod nested;
mod plan;
mod predicate;
mod report;
mod tally;
mod tolerance;

pub use cell::{Cell, Target, is_equal};
pub use conclude::{Drilled, Findings, conclude};
pub use explain::{Explained, Explanation, Redact, explain};
pub use key::Seed;
pub use leftovers::{ENTRY_BYTES, Leftovers};
pub use logical::{Change, JsonKinds, Logical, Pairing, Unit, pair};
pub use nested::{column_entry, json_cell};
pub use plan::{ChosenColumns, Column, Plan, PlanError, PlannedColumn, Strictness};
pub use predicate::{Predicate, PredicateError};
pub use report::{
    CellCluster, CellExample, CellKind, ColumnCounts, Coverage, DatasetReport, DatasetVerdict,
    NamedValue, NotCompared, RowCounts, RowExample, SchemaChange, SchemaChangeKind, SideReport,
};
pub use tally::{BUCKETS, ColumnTally, EntryHashes, RowHashes, Tally, bucket};
pub use tolerance::Tolerance;

#[cfg(test)]
mod tests;
