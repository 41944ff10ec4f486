//! What earlier runs of the same trial showed: how far figures move from day to day. It is no part of a verdict, and
//! no verdict turns on it.

use crate::verdict::{Estimate, Figure, Verdict};

/// Earlier runs of a trial, next to the one that is read.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// When the run that is read began, RFC 3339 in UTC.
    pub today: String,
    /// The earlier runs, the most recent first.
    pub runs: Vec<EarlierRun>,
    /// What is followed over them, the primary latency first.
    pub figures: Vec<FigureHistory>,
    /// Runs next to it that are not shown.
    pub left_out: LeftOut,
}

/// Runs that are not shown, and why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// They have no verdict: they were interrupted, or still run.
    pub unfinished: u32,
    /// They are damaged, or another version wrote them.
    pub unreadable: u32,
    /// They are older than those that are shown.
    pub older: u32,
}

/// An earlier run.
#[derive(Clone, Debug, PartialEq)]
pub struct EarlierRun {
    /// The name of its directory.
    pub name: String,
    /// When it began, RFC 3339 in UTC.
    pub started_at: String,
    /// What it concluded.
    pub verdict: Verdict,
    /// How it compares with the run that is read.
    pub likeness: Likeness,
}

/// What an earlier run has in common with the one that is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// On another machine; in which way it differs.
    OtherMachine(String),
    /// On this machine, with another workload, level or setting; which.
    OtherSetup(String),
    /// On this machine and in this setting.
    Alike {
        /// Was the incumbent the same program?
        incumbent: Sameness,
        /// Was the candidate?
        candidate: Sameness,
    },
}

impl Likeness {
    /// Can the incumbent's own figures be compared?
    pub fn is_same_incumbent(&self) -> bool {
        matches!(
            self,
            Likeness::Alike {
                incumbent: Sameness::Same,
                ..
            }
        )
    }

    /// Can the ratios be compared, too?
    pub fn is_same_pair(&self) -> bool {
        matches!(
            self,
            Likeness::Alike {
                incumbent: Sameness::Same,
                candidate: Sameness::Same,
            }
        )
    }
}

/// Is a side of two runs the same program, started in the same way?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sameness {
    /// The same files, command and environment.
    Same,
    /// Others.
    Other,
    /// Its files are not known: it ran already, or its command names none.
    Unknown,
}

/// One figure over the runs.
#[derive(Clone, Debug, PartialEq)]
pub struct FigureHistory {
    /// Which.
    pub about: Figure,
    /// At which offered rate, requests per second.
    pub rate_rps: f64,
    /// Of the run that is read.
    pub today: Reading,
    /// Of each earlier run; `None` where it did not measure the figure at this rate.
    pub earlier: Vec<Option<Reading>>,
    /// The incumbent's own level in the earlier runs with the same incumbent.
    pub incumbent: Option<Spread>,
    /// The ratio in the earlier runs of the same pair.
    pub ratio: Option<Spread>,
}

/// A figure of one run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reading {
    /// The incumbent's, in the unit of the figure.
    pub incumbent: Option<Estimate>,
    /// Candidate over incumbent.
    pub ratio: Option<Estimate>,
    /// The incumbent against itself.
    pub against_itself: Option<Estimate>,
    /// A gate that bears on it failed: nothing is concluded from it.
    pub refused: bool,
}

/// How far a figure moves between runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Earlier runs that it is of.
    pub runs: u32,
    /// Days (in UTC) on which they were made.
    pub days: u32,
    /// The lowest estimate.
    pub low: f64,
    /// The highest.
    pub high: f64,
    /// Where one more run is expected (95 % prediction interval); `None` of too few runs.
    pub expected: Option<Estimate>,
    /// Is the run that is read outside of that? `None` where it has no figure, or nothing is expected.
    pub is_outside: Option<bool>,
}
