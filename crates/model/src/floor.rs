//! The smallest memory limit that a side needs, and the curve that led to it.

use crate::Role;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is known of a memory floor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FloorKind {
    /// The floor is `high_bytes`: it held and was verified, and `low_bytes` did not hold.
    Between,
    /// The floor is at most `high_bytes`: the lowest limit that was tried held and was verified.
    AtMost,
    /// There is no floor: it uses more the longer it runs.
    Leaks,
    /// The smallest limit that held for short, `high_bytes`, did not hold for long.
    NotVerified,
    /// Nothing is known; `because` says why.
    Unknown,
}

/// The smallest memory limit at which one side of a trial holds every objective, or its runs end right and in time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SideFloor {
    /// Whose.
    pub side: Role,
    /// What is known.
    pub kind: FloorKind,
    /// The smallest limit that held in all its trials, bytes.
    pub high_bytes: Option<f64>,
    /// The largest limit below it that did not hold, bytes.
    pub low_bytes: Option<f64>,
    /// Why there is no floor, or why its bracket is wider than was asked, as the end of a sentence; null where there is one
    /// as narrow as was asked.
    pub because: Option<String>,
    /// Offered rate, requests per second; 0 where runs are made one after the other.
    pub rate_rps: f64,
    /// Trials that a limit had to hold in.
    pub repeats: u32,
    /// What had to hold, in words.
    pub objectives: Vec<String>,
    /// The limit that was verified by the longer trial, bytes; null where none was.
    pub verified_bytes: Option<f64>,
    /// Length of that trial, seconds.
    pub verified_s: Option<f64>,
    /// How fast its memory grew in it, bytes per second; null where it was not measured.
    pub growth_bytes_per_s: Option<f64>,
    /// Highest resident set at this rate without a tighter limit, bytes.
    pub peak_rss_bytes: Option<f64>,
    /// Highest memory of the control group likewise, page cache and kernel memory included, bytes.
    pub peak_cgroup_bytes: Option<f64>,
    /// Of runs one after the other: what a trial was; missing where a rate was offered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs: Option<FloorRuns>,
    /// The trials by limit; the ones without a tighter limit come last.
    pub curve: Vec<FloorPoint>,
}

/// What a trial of a command at a limit was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FloorRuns {
    /// The cases that ran in each trial, numbered from 1; empty: all.
    pub cases: Vec<u32>,
    /// How many cases there are.
    pub of: u32,
    /// Their wall time per run without a tighter limit, microseconds.
    pub wall_us: f64,
    /// How much longer they were allowed to take under a limit: 0.2 is a fifth.
    pub slower: f64,
}

/// How a trial at a limit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FloorOutcome {
    /// It lived and held every objective.
    Held,
    /// It lived and missed an objective, or its runs took too long.
    Missed,
    /// A run ended or answered otherwise than where outputs were compared.
    Wrong,
    /// A process of it was killed because the limit was reached.
    Killed,
    /// It ended, or did not become ready, without such a kill.
    Ended,
    /// The measurement cannot be trusted: it says nothing.
    Refused,
}

/// One trial at one limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FloorPoint {
    /// The memory limit, bytes; null where it was left as it is in the rest of the trial.
    pub limit_bytes: Option<f64>,
    /// Is it the longer trial that verifies?
    pub soak: bool,
    /// How it ended.
    pub outcome: FloorOutcome,
    /// Why it did not hold.
    pub because: Option<String>,
    /// p99 of the latency from the intended send time, microseconds; null is infinite, or nothing was
    /// sent: always of runs.
    pub p99_us: Option<f64>,
    /// Wall time per run, microseconds; missing where a rate was offered or a run did not end right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wall_us: Option<f64>,
    /// CPU time of the side per second: 1 is one whole CPU; null where it was not measured.
    pub cpu: Option<f64>,
    /// Highest resident set, bytes.
    pub peak_rss_bytes: Option<f64>,
}
