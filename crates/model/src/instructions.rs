//! Instructions of runs and of requests: what was counted, and what it comes to.

use crate::Role;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a side executed from its start to its end: a command while it ran a case, a service while it answered requests.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountedRun {
    /// Whose run.
    pub side: Role,
    /// Number of the case; of a command alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<u32>,
    /// Requests that it answered: the workload in its order, over and over; of a service alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<u32>,
    /// Each round counts each side in the same way; from 0.
    pub round: u32,
    /// Instructions of all of its processes in user mode.
    pub instructions: u64,
    /// How long it took while they were counted, nanoseconds.
    pub wall_ns: u64,
}

impl CountedRun {
    /// What tells it from the other counts of its side and round: the number of the case, or how many requests.
    pub fn number(&self) -> Option<u32> {
        self.requests.or(self.case)
    }
}

/// Instructions of all sides: of a run of a command, or of a request to a service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Instructions {
    /// Cases that were counted on every side; of services, the different requests.
    pub cases: u64,
    /// How often each side was counted.
    pub rounds: u32,
    /// Instructions of a run, the mean over the cases, or of a request, by side.
    pub sides: BTreeMap<String, CountRange>,
    /// Those of the candidate over those of the incumbent.
    pub ratio: CountRange,
    /// How many times as long a run of the incumbent took while it was counted; of commands alone.
    pub slowdown: Option<f64>,
}

/// The same figure of every round. A count is exact, so it is a range and no interval: a program that always does the
/// same has one of no width.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CountRange {
    /// The lowest.
    pub low: f64,
    /// The mean.
    pub mean: f64,
    /// The highest.
    pub high: f64,
}

impl CountRange {
    /// The range of some figures; `None` of none.
    pub fn of(figures: &[f64]) -> Option<CountRange> {
        let sum: f64 = figures.iter().sum();
        (!figures.is_empty()).then(|| CountRange {
            low: figures.iter().copied().fold(f64::INFINITY, f64::min),
            mean: sum / figures.len() as f64,
            high: figures.iter().copied().fold(0.0, f64::max),
        })
    }
}
