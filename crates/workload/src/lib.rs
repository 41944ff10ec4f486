//! Workloads as every kind of subject has them.
//!
//! * [`Grammar`] reads JSON lines, a case each, and tells everything that is wrong with them; a [`Line`] is one of
//!   them, with the keys that all kinds have ([`Common`]).
//! * [`Catalogue`]: the cases by number, as far as anything but their kind needs them.
//! * [`expand`] and [`fill`] put variables into texts: secrets that are in no file.
//!
//! Pure: files are read at the edge.

#![forbid(unsafe_code)]

mod catalogue;
mod lines;
mod variables;

pub use catalogue::{CaseFacts, Catalogue};
pub use lines::{Common, Grammar, Line, LinesError, MAX_BYTES, Weighted};
pub use variables::{Written, expand, fill, is_name};
