//! The run directory: what was measured, stored as it is made.
//!
//! ```text
//! runs/<name>-<utc>/format                                     version of this layout
//!                   trial.toml environment.json verdict.json   documents, replaced whole
//!                   requests/<stage>-<side>-<block>.parquet    one row an exchange
//!                   samples/ pauses/                           tables named likewise
//!                   differences.jsonl                          one record a line
//!                   logs/
//! ```
//!
//! A file that bears its final name is whole: it is written as `.tmp`, brought to the disk and renamed.
//! What an interrupted run leaves is therefore readable, and what is unfinished shows. Everything is
//! readable for its owner only. Payloads must have been redacted before they come here.

#![forbid(unsafe_code)]

mod block;
mod checksum;
mod columns;
mod directory;
mod error;
mod files;
mod happenings;
mod lines;
mod log;
mod pages;
mod table;

pub use block::{Block, BlockWriter};
pub use directory::{BlockId, Folder, RunDirectory, RunLock};
pub use error::EvidenceError;
pub use lines::JsonLines;
pub use log::{CutShort, ExchangeLog, Logged};
