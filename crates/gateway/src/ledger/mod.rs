//! Every eligible request, accounted for and compared.
//!
//! [`Counts`] holds `eligible = compared + dropped by reason + pending` by construction: a request
//! is a [`Ticket`], and a ticket ends exactly once. `comparison` makes a row of each pair in a thread
//! of its own, `book` keeps what was found, `state` brings it to the disk.

mod book;
mod comparison;
mod counts;
mod like;
mod state;
mod waiver;

pub(crate) use book::{Book, Judged};
pub(crate) use comparison::{Findings, Pair, Sample, Terms, run};
pub use counts::Balance;
pub(crate) use counts::{Counts, Reason, Ticket};
pub(crate) use state::State;
pub use waiver::Waiver;
