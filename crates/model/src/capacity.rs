//! The highest rate that holds the objectives, and the knee curve that led to it.

use crate::Role;
use crate::verdict::Estimate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The range of the capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CapacityKind {
    /// Within the interval.
    Between,
    /// At or above the lower end: the highest rate that could be tried held every objective.
    AtLeast,
    /// Below the upper end: the lowest rate that was tried violated an objective.
    Below,
    /// Nothing is known: every trial was refused (a gate of the generator failed, or its answer turned on lateness), or none was made.
    Unknown,
}

/// The highest open-loop rate at which one instance holds every objective.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Capacity {
    /// Its range.
    pub kind: CapacityKind,
    /// Requests per second, with the 95 % interval; an end that is not known is null.
    pub rate_rps: Estimate,
    /// The objective that ends it, in words; null where none does.
    pub binding: Option<String>,
    /// Is the interval as narrow as was asked for, from enough trials? Else the time was over first.
    pub narrow: bool,
    /// The relative width that was asked for, 0.05 for 5 %.
    pub wanted_width: f64,
    /// Trials that were refused: they say nothing of the subject.
    pub refused: u32,
    /// Why the first of them was.
    pub refused_because: Option<String>,
    /// The objectives, in words.
    pub objectives: Vec<String>,
    /// The trials by rate: the knee curve.
    pub knee: Vec<KneePoint>,
}

impl Capacity {
    /// Capacity over the rate that has to be served: of the lower end where only that is known.
    pub fn headroom(&self, rate_rps: f64) -> Option<f64> {
        let known = self.rate_rps.estimate.or(self.rate_rps.low);
        known.map(|capacity| capacity / rate_rps)
    }
}

/// One short trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KneePoint {
    /// Offered rate, requests per second.
    pub rate_rps: f64,
    /// Requests that were due in its window.
    pub requests: u64,
    /// Length of the window, seconds.
    pub measured_s: f64,
    /// Median latency from the intended send time, microseconds; null is infinite, or there were no
    /// requests.
    pub p50_us: Option<f64>,
    /// p99 likewise.
    pub p99_us: Option<f64>,
    /// For each objective the share of requests that violated it.
    pub violations: Vec<f64>,
    /// CPU time of the subject per second: 1 is one whole CPU; null where it was not measured.
    pub cpu: Option<f64>,
    /// False: it was refused.
    pub trusted: bool,
}

/// The capacity of one side of a trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SideCapacity {
    /// Whose.
    pub side: Role,
    /// What was found.
    pub capacity: Capacity,
}

/// The version of [`CapacityReport`].
pub const SCHEMA: u32 = 1;

/// What `understudy load --find-capacity --json` writes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CapacityReport {
    /// Format version of this document.
    pub schema: u32,
    /// The URL.
    pub target: String,
    /// Distribution of the gaps between requests: `poisson` or `constant`.
    pub arrivals: String,
    /// The seed of the schedules.
    pub seed: u64,
    /// Connections.
    pub connections: u32,
    /// Length of the discarded warm-up before each trial, seconds.
    pub warmup_s: f64,
    /// What was found.
    pub capacity: Capacity,
    /// Why the CPU of the subject is missing from the knee curve; null where it is there.
    pub cpu_unmeasured: Option<String>,
    /// True if it was stopped before its end; the figures cover what was measured until then.
    pub interrupted: bool,
    /// Version of Understudy.
    pub version: String,
}
