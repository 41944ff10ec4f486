use parquet::errors::ParquetError;
use std::io;
use std::path::{Path, PathBuf};

/// Why evidence could not be stored or read. Each names the path and what was being done.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The operating system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was being done: `create`, `write`, `read`.
        action: &'static str,
        /// To which file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The Parquet encoder or decoder refused.
    #[error("cannot {action} {} as Parquet", path.display())]
    Parquet {
        /// `read` or `write`.
        action: &'static str,
        /// Which file.
        path: PathBuf,
        /// What it said.
        source: ParquetError,
    },
    /// A JSON document does not have the form expected of it.
    #[error("cannot {action} {} as JSON", path.display())]
    Json {
        /// `read` or `write`.
        action: &'static str,
        /// Which file.
        path: PathBuf,
        /// Where, and what was expected.
        source: serde_json::Error,
    },
    /// A line of a file of records does not have the form expected of it.
    #[error("cannot read line {line} of {}", path.display())]
    Line {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What was expected.
        source: serde_json::Error,
    },
    /// A file is whole but does not say what this version writes.
    #[error("{} is damaged: {what}", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// Another process measures into the directory or the file.
    #[error("{} is in use: another understudy measures into it", path.display())]
    InUse {
        /// The run, or the file.
        path: PathBuf,
    },
    /// A run was killed before this file was finished, and its rows may still be wanted.
    #[error(
        "{} is what an interrupted run left\nhint: rename it to keep it, or remove it",
        path.display()
    )]
    LeftUnfinished {
        /// The unfinished file.
        path: PathBuf,
    },
    /// The directory was written by a later version.
    #[error(
        "{} has format {found}, and this version reads up to {known}\nhint: use the version that wrote it",
        path.display()
    )]
    NewerFormat {
        /// Which directory.
        path: PathBuf,
        /// The format it has.
        found: u32,
        /// The newest that this version knows.
        known: u32,
    },
    /// The directory is something else.
    #[error(
        "{} is not a run directory (it has no file `format`)\nhint: name one that `understudy trial` made",
        path.display()
    )]
    NotARun {
        /// Which directory.
        path: PathBuf,
    },
    /// A name would leave the run directory, or not be found again.
    #[error("`{name}` cannot name evidence\nhint: use letters, digits, `.`, `_` and `-`")]
    Name {
        /// The name.
        name: String,
    },
    /// The columns of a table are not equally long.
    #[error("column `{column}` has {found} values where the first has {expected}")]
    Uneven {
        /// Which column.
        column: String,
        /// How many values it has.
        found: usize,
        /// How many the first column has.
        expected: usize,
    },
}

impl EvidenceError {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }

    /// What the system said inside the encoder is an error of the system (a full disk).
    pub(crate) fn parquet(action: &'static str, path: &Path) -> impl FnOnce(ParquetError) -> Self {
        let path = path.to_owned();
        move |source| match source {
            ParquetError::External(inner) => match inner.downcast::<io::Error>() {
                Ok(source) => Self::Io {
                    action,
                    path,
                    source: *source,
                },
                Err(inner) => Self::Parquet {
                    action,
                    path,
                    source: ParquetError::External(inner),
                },
            },
            source => Self::Parquet {
                action,
                path,
                source,
            },
        }
    }

    pub(crate) fn json(
        action: &'static str,
        path: &Path,
    ) -> impl FnOnce(serde_json::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Json {
            action,
            path,
            source,
        }
    }

    pub(crate) fn damaged(path: &Path, what: impl Into<String>) -> Self {
        Self::Damaged {
            path: path.to_owned(),
            what: what.into(),
        }
    }
}
