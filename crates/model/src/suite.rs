//! `suite.json`: many trials in one table.
//!
//! The published JSON Schema is `schemas/suite.schema.json`. The document is written again after each trial.

use crate::verdict::{Estimate, Figure, Reason, Verdict};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The version of this document's format.
pub const SCHEMA: u32 = 1;

/// How a pair ended, the worst first: the first one of a suite is how the suite ended.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum PairVerdict {
    /// Its trial failed while it ran, so that there is no verdict.
    Failed,
    /// The measurement cannot be trusted.
    Invalid,
    /// The candidate answers differently.
    NotEquivalent,
    /// The evidence does not decide.
    Inconclusive,
    /// The newer version is worse by more than the margin.
    Worse,
    /// Keep the incumbent.
    Keep,
    /// Replace the incumbent by the candidate.
    Replace,
    /// The newer version is not worse by more than the margin.
    NoWorse,
}

impl PairVerdict {
    /// The name used in output.
    pub fn name(self) -> &'static str {
        match self {
            PairVerdict::Failed => "failed",
            PairVerdict::Invalid => Verdict::Invalid.name(),
            PairVerdict::NotEquivalent => Verdict::NotEquivalent.name(),
            PairVerdict::Inconclusive => Verdict::Inconclusive.name(),
            PairVerdict::Worse => Verdict::Worse.name(),
            PairVerdict::Keep => Verdict::Keep.name(),
            PairVerdict::Replace => Verdict::Replace.name(),
            PairVerdict::NoWorse => Verdict::NoWorse.name(),
        }
    }

    /// The verdict of its trial; `None` where it has none.
    pub fn of_trial(self) -> Option<Verdict> {
        match self {
            PairVerdict::Failed => None,
            PairVerdict::Invalid => Some(Verdict::Invalid),
            PairVerdict::NotEquivalent => Some(Verdict::NotEquivalent),
            PairVerdict::Inconclusive => Some(Verdict::Inconclusive),
            PairVerdict::Worse => Some(Verdict::Worse),
            PairVerdict::Keep => Some(Verdict::Keep),
            PairVerdict::Replace => Some(Verdict::Replace),
            PairVerdict::NoWorse => Some(Verdict::NoWorse),
        }
    }

    /// Is it what was hoped for? The others make a suite exit with a code other than 0.
    pub fn is_good(self) -> bool {
        matches!(self, PairVerdict::Replace | PairVerdict::NoWorse)
    }
}

impl From<Verdict> for PairVerdict {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Invalid => PairVerdict::Invalid,
            Verdict::NotEquivalent => PairVerdict::NotEquivalent,
            Verdict::Inconclusive => PairVerdict::Inconclusive,
            Verdict::Worse => PairVerdict::Worse,
            Verdict::Keep => PairVerdict::Keep,
            Verdict::Replace => PairVerdict::Replace,
            Verdict::NoWorse => PairVerdict::NoWorse,
        }
    }
}

impl fmt::Display for PairVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The whole document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SuiteDocument {
    /// Format version of this document.
    pub schema: u32,
    /// Name of the suite.
    pub name: String,
    /// Version of Understudy that began it.
    pub understudy: String,
    /// When it began, RFC 3339 in UTC.
    pub started_at: String,
    /// Does every pair have its verdict?
    pub complete: bool,
    /// The worst verdict so far; the exit code is that of it.
    pub worst: Option<PairVerdict>,
    /// One row a pair, in the order of the configuration.
    pub pairs: Vec<SuiteRow>,
}

/// One pair.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SuiteRow {
    /// Name of the pair.
    pub name: String,
    /// Its run directory, within that of the suite.
    pub run: String,
    /// How it ended; null as long as it did not.
    pub verdict: Option<PairVerdict>,
    /// The reason that decided; null without a verdict of the trial.
    #[serde(default)]
    pub because: Option<Reason>,
    /// Why the trial failed, with what to do about it in a line of its own that begins with `hint: `.
    #[serde(default)]
    pub error: Option<String>,
    /// Wall time per run of a command, or the primary latency of a service. Null like the next two where nothing was
    /// measured, or a gate refused it.
    #[serde(default)]
    pub time: Option<RowChange>,
    /// CPU time.
    #[serde(default)]
    pub cpu: Option<RowChange>,
    /// Peak memory.
    #[serde(default)]
    pub memory: Option<RowChange>,
    /// Cases of its workload; 0 before it ran.
    #[serde(default)]
    pub cases: u64,
    /// Pairs of answers compared: each case is asked more than once.
    pub compared: u64,
    /// Of these, those with a difference that nothing excuses.
    pub different: u64,
}

impl SuiteRow {
    /// A pair that was not run yet.
    pub fn pending(name: String, run: String) -> Self {
        SuiteRow {
            name,
            run,
            verdict: None,
            because: None,
            error: None,
            time: None,
            cpu: None,
            memory: None,
            cases: 0,
            compared: 0,
            different: 0,
        }
    }
}

/// How a figure changes from the incumbent to the candidate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RowChange {
    /// Which figure.
    pub about: Figure,
    /// Candidate over incumbent.
    pub ratio: Estimate,
}
