//! The lab: the stages of a trial.
//!
//! [`carry_out`] runs them and stores what they find; [`understudy_judge::judge`] turns what is stored into a verdict. The stages never judge and the judge never measures: a verdict recomputes
//! from the run directory alone.

mod build;
mod capacity;
mod cast;
mod checkout;
mod command;
pub mod config;
mod contents;
mod cpus;
mod dependencies;
mod edges;
mod environment;
mod equivalence;
mod error;
mod exits;
mod faults;
#[cfg(test)]
mod fixtures;
mod floor;
mod generator;
pub mod history;
mod inspect;
pub mod instructions;
mod latency;
mod limited_runs;
mod media;
mod placeholders;
mod reproducer;
mod runs;
mod service;
mod sides;
mod stages;
mod store;
mod subject;
pub mod suite;
mod turns;

pub use checkout::commit;
pub use command::{check_commands, has_sizes};
pub use cpus::Assignment;
pub use error::TrialError;
pub use media::check_media;
pub use stages::{Cases, Inputs, carry_out};
pub use store::{read, write_case, write_series};

use understudy_model::{ByteSize, Role, Span};

/// What a trial is doing, for a display.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A side is being built.
    Building(Role),
    /// A program is being started.
    Starting(Role),
    /// Answers are being compared.
    Comparing {
        /// Those to edge requests.
        of_edges: bool,
        /// Requests compared.
        done: usize,
        /// Requests to compare.
        total: usize,
        /// Those with a difference so far, excused or not.
        different: usize,
    },
    /// Faults are put into an output that an external program reads.
    Planting {
        /// The file.
        output: String,
        /// Faults done.
        done: usize,
        /// Faults in all.
        total: usize,
    },
    /// A side gets load before its first measurement.
    Settling(Role),
    /// A side is being measured.
    Measuring {
        /// Offered rate, requests per second.
        rate_rps: f64,
        /// Which side.
        side: Role,
        /// Measurements done.
        done: usize,
        /// Measurements in all.
        total: usize,
    },
    /// Runs of a side are being made, one after the other.
    Running {
        /// Which side.
        side: Role,
        /// Pairs of measurements done.
        pairs: u32,
        /// Time spent, and the longest that may be spent.
        spent: (Span, Span),
    },
    /// Instructions are being counted.
    Counting {
        /// Counts of each side that are done, in all rounds.
        done: u32,
        /// Counts of each side, in all rounds.
        total: u32,
    },
    /// The capacity of a side is being looked for.
    Searching {
        /// Offered rate of this trial, requests per second.
        rate_rps: f64,
        /// Which side.
        side: Role,
        /// Number of this trial, from 1.
        trial: usize,
    },
    /// The memory floor of a side is being looked for.
    Squeezing {
        /// The memory limit; `None` while its peak is measured.
        limit: Option<ByteSize>,
        /// Which side.
        side: Role,
        /// Number of this trial, from 1.
        trial: usize,
    },
    /// Measurements were disturbed from outside, several in a row: what it was, and what comes of it.
    Disturbed(String),
    /// All measurements are done.
    Measured,
}

/// Receives what the trial is doing.
pub type Watch<'a> = dyn Fn(Event) + Sync + 'a;
