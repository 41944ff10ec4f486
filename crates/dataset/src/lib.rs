//! Two data sets of any size: read in bounded memory, compared by their rows.
//!
//! [`compare_files`] is the whole of it. What a value is, when two are the same and what a difference is called is
//! in `understudy_compare::dataset`, which is pure; here is what reads: files and folders, Parquet, CSV and JSON
//! lines, by several threads, as often as it takes.
//!
//! 1. One pass over both sides adds the hashes of all rows, in 16,384 buckets by the hash of the key (of the row,
//!    where there is no key). Equal sums are the same rows: this is where it ends for two data sets that are the same.
//! 2. Only where sums differ, the rows of buckets that differ are read again and kept, up to a bound of memory. Rows
//!    that are on both sides cancel out while they are read. What does not fit is read in a further pass.
//!
//! Further passes instead of files to spill into: usually few buckets differ, so one pass is enough, nothing of the
//! data is written to a disk, and a killed process leaves nothing behind.

mod batch;
mod delimited;
mod drill;
mod engine;
mod entries;
mod files;
mod lines;
mod packing;
mod parquet_file;
mod pass;
mod side;
mod sums;

pub use engine::{Engine, compare_in_engine, statements};
pub use files::Format;
pub use parquet_file::quiet_decoder;
pub use pass::{Progress, Stage};

use side::Side;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use understudy_compare::dataset::{
    ChosenColumns, Column, DatasetReport, Findings, Plan, PlanError, Predicate, conclude,
};

/// How two data sets are compared.
pub struct Options<'o> {
    /// Which columns, by which key, within which tolerance.
    pub columns: ChosenColumns,
    /// Which rows.
    pub filter: Option<Predicate>,
    /// The format of all files; otherwise their names say it.
    pub format: Option<Format>,
    /// The text that stands for null in CSV.
    pub null: Option<String>,
    /// What separates the fields of CSV.
    pub delimiter: Option<u8>,
    /// How many threads read.
    pub threads: usize,
    /// How many bytes kept rows may take.
    pub memory: u64,
    /// How often the files are read again, at most, to explain a difference. `None`: until all is explained.
    pub passes: Option<u64>,
    /// What may be shown of a value: its column and its text are passed.
    pub redact: &'o (dyn Fn(&str, &str) -> String + Sync),
    /// Turns true when the comparison has to end.
    pub stop: Option<&'o AtomicBool>,
    /// What is told how far it is.
    pub progress: &'o (dyn Fn(Progress) + Sync),
}

impl Options<'_> {
    fn check_stop(&self) -> Result<(), DatasetError> {
        match self.stop {
            Some(stop) if stop.load(Ordering::Relaxed) => Err(DatasetError::Interrupted),
            _ => Ok(()),
        }
    }
}

/// Why two data sets were not compared.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// A file cannot be read.
    #[error("cannot read `{}`: {why}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// What was chosen does not fit the columns.
    #[error("{error}")]
    Choice {
        /// What is wrong.
        error: PlanError,
        /// The columns that there are.
        known: Vec<String>,
    },
    /// A column of the filter is not there.
    #[error("--where: side {side} has no column `{name}`")]
    Filter {
        /// A or B.
        side: &'static str,
        /// The column.
        name: String,
        /// The columns that there are.
        known: Vec<String>,
    },
    /// What an engine compares is named in another form.
    #[error("{0}")]
    Place(String),
    /// An engine did not carry out what it was asked for.
    #[error("{engine}: {why}")]
    Engine {
        /// Which.
        engine: &'static str,
        /// Why.
        why: String,
    },
    /// A file was written to.
    #[error("`{}` changed while it was read", .0.display())]
    Changed(PathBuf),
    /// It was stopped.
    #[error("interrupted")]
    Interrupted,
}

impl DatasetError {
    pub(crate) fn read(path: &Path, why: impl Into<String>) -> DatasetError {
        DatasetError::Read {
            path: path.to_owned(),
            why: why.into(),
        }
    }

    /// Of a part of a file; [`DatasetError::at`] says of which.
    pub(crate) fn part(why: impl Into<String>) -> DatasetError {
        DatasetError::read(Path::new(""), why)
    }

    pub(crate) fn at(self, file: &Path) -> DatasetError {
        match self {
            DatasetError::Read { path, why } if path.as_os_str().is_empty() => {
                DatasetError::read(file, why)
            }
            other => other,
        }
    }
}

/// Compares two data sets, each a file or a folder.
///
/// # Errors
/// Everything that keeps them from being compared, at once where it is found before the rows are read.
pub fn compare_files(
    a: &Path,
    b: &Path,
    options: &Options<'_>,
) -> Result<DatasetReport, Vec<DatasetError>> {
    let (a, b) = match (Side::open(a, options), Side::open(b, options)) {
        (Ok(a), Ok(b)) => (a, b),
        (a, b) => {
            let errors: Vec<_> = [a.err(), b.err()].into_iter().flatten().collect();
            let interrupted = errors
                .iter()
                .any(|one| matches!(one, DatasetError::Interrupted));
            return Err(if interrupted {
                vec![DatasetError::Interrupted]
            } else {
                errors
            });
        }
    };
    let plan = planned(&a, &b, options)?;
    let sides = [a, b];
    let compared = compared(&sides, &plan, options);
    // A file that is written to meanwhile explains every other error.
    if let Some(path) = sides.iter().find_map(Side::changed) {
        return Err(vec![DatasetError::Changed(path.to_owned())]);
    }
    compared.map_err(|error| vec![error])
}

/// The columns that are compared; every mistake of the options.
fn planned(a: &Side, b: &Side, options: &Options<'_>) -> Result<Plan, Vec<DatasetError>> {
    let mut errors = Vec::new();
    for (side, of) in [("A", a), ("B", b)] {
        let filter = options.filter.iter().flat_map(Predicate::columns);
        for name in filter.filter(|name| !of.columns.iter().any(|column| column.name == **name)) {
            errors.push(DatasetError::Filter {
                side,
                name: name.to_owned(),
                known: names(&of.columns),
            });
        }
    }
    match planned_columns(&a.columns, &b.columns, options) {
        Ok(plan) if errors.is_empty() => Ok(plan),
        Ok(_) => Err(errors),
        Err(wrong) => {
            errors.extend(wrong);
            Err(errors)
        }
    }
}

fn names(columns: &[Column]) -> Vec<String> {
    columns.iter().map(|column| column.name.clone()).collect()
}

/// The columns that are compared; every mistake of those that were chosen.
fn planned_columns(
    a: &[Column],
    b: &[Column],
    options: &Options<'_>,
) -> Result<Plan, Vec<DatasetError>> {
    let mut known = names(a);
    known.extend(names(b).into_iter().filter(|name| !names(a).contains(name)));
    Plan::new(a, b, &options.columns).map_err(|wrong| {
        let with_names = |error| DatasetError::Choice {
            error,
            known: known.clone(),
        };
        wrong.into_iter().map(with_names).collect()
    })
}

fn compared(
    sides: &[Side; 2],
    plan: &Plan,
    options: &Options<'_>,
) -> Result<DatasetReport, DatasetError> {
    let reading = pass::Reading::new(sides, plan, options);
    let [a, b] = sums::tallies(&reading)?;
    let drilled = if a.is_same(&b) {
        None
    } else {
        Some(drill::drill(&reading, &a, &b)?)
    };
    let mut notes = sides[0].notes("A");
    notes.extend(sides[1].notes("B"));
    let reports = [
        sides[0].report(a.rows, a.sum),
        sides[1].report(b.rows, b.sum),
    ];
    Ok(conclude(Findings {
        plan,
        key: options.columns.key.clone(),
        sides: reports,
        tallies: [&a, &b],
        drilled,
        notes,
        allows_tolerance: true,
    }))
}

#[cfg(test)]
mod tests;
