//! Why a profile ends without a report.

use std::io;
use std::path::PathBuf;
use understudy_model::plain_words;
use understudy_probe::PauseError;
use understudy_subject_http::HttpLoadError;

/// Why a profile ends without a report.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The JVM cannot be asked for its pauses.
    #[error(transparent)]
    Jvm(PauseError),
    /// The access log cannot be followed.
    #[error("cannot watch {path}: {}", plain_words(source), path = .path.display())]
    AccessLog {
        /// The log.
        path: PathBuf,
        /// The system's word.
        source: io::Error,
    },
    /// What was read of the access log is gone.
    #[error("the access log was lost: its thread panicked")]
    AccessLogLost,
    /// There is no place for the log of a JVM.
    #[error("no folder can be made for the log")]
    Folder(#[source] io::Error),
    /// The load failed.
    #[error(transparent)]
    Load(#[from] HttpLoadError),
}
