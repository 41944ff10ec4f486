//! `series.json`: the curves and time series that a report draws.
//!
//! The published JSON Schema is `schemas/series.schema.json`. Everything in it is descriptive: the
//! verdict rests on `verdict.json` alone.

use crate::Role;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The version of this document's format.
pub const SCHEMA: u32 = 1;

/// The whole document.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SeriesDocument {
    /// Format version of this document.
    pub schema: u32,
    /// Latency by quantile, one curve a side and rate; ascending rates, the incumbent first.
    pub curves: Vec<PercentileCurve>,
    /// The measurements in the order in which they were made.
    pub blocks: Vec<BlockSeries>,
}

/// Latency of all requests of one side at one rate, by quantile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PercentileCurve {
    /// Offered rate, requests per second.
    pub rate_rps: f64,
    /// Whose.
    pub side: Role,
    /// Measurements that it is made of.
    pub blocks: u32,
    /// Requests in them.
    pub requests: u64,
    /// Those that were never answered: their latency is infinite.
    pub unanswered: u64,
    /// Ascending quantiles, as far as ten requests are beyond them.
    pub points: Vec<CurvePoint>,
}

/// One point of a curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CurvePoint {
    /// The quantile, 0.99 for p99.
    pub quantile: f64,
    /// Latency from the intended send time over all measurements together, microseconds; `null` is
    /// infinite.
    pub latency_us: Option<f64>,
    /// The lowest of the single measurements, microseconds; absent where one alone is too short for
    /// this quantile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lowest_us: Option<f64>,
    /// The highest of the single measurements, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub highest_us: Option<f64>,
}

/// One measurement over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BlockSeries {
    /// Offered rate, requests per second.
    pub rate_rps: f64,
    /// Who was measured.
    pub side: Role,
    /// Which measurement of this side at this rate.
    pub block: u32,
    /// Seconds from the start of the first measurement to the start of this one's load; of a
    /// resumed run with the pause in it.
    pub started_s: f64,
    /// Length of the measured window, seconds.
    pub measured_s: f64,
    /// Windows of equal length, in order.
    pub latency: Vec<LatencyPoint>,
    /// Samples of the side, in order; empty where it was not measured.
    pub resources: Vec<ResourcePoint>,
}

/// Latency in one window of a measurement, by intended send time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LatencyPoint {
    /// Middle of the window, seconds since the start of the measured window.
    pub at_s: f64,
    /// Requests that were due in it.
    pub requests: u64,
    /// Those that were never answered.
    pub unanswered: u64,
    /// Mean of the answered ones, microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_us: Option<f64>,
    /// Median of the answered ones, microseconds.
    pub p50_us: Option<f64>,
    /// p99 of the answered ones, microseconds; the highest where there are fewer than a hundred.
    pub p99_us: Option<f64>,
    /// The highest of the answered ones, microseconds.
    pub max_us: Option<f64>,
    /// The longest pause of the side's runtime that began in it, microseconds; absent where none did
    /// or the pauses of no runtime were recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longest_pause_us: Option<f64>,
}

/// What a side used between one sample and the next, and what it held at the second. Absent values
/// were not measured on that machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResourcePoint {
    /// Seconds since the start of the measured window.
    pub at_s: f64,
    /// CPU time in user mode per second: 1 is one whole CPU.
    pub cpu_user: Option<f64>,
    /// CPU time in the kernel per second.
    pub cpu_system: Option<f64>,
    /// Resident set of the process tree, bytes.
    pub rss_bytes: Option<f64>,
    /// Proportional set of the process tree, bytes; taken seldom.
    pub pss_bytes: Option<f64>,
    /// Memory of the cgroup, bytes.
    pub cgroup_bytes: Option<f64>,
    /// Memory of the cgroup without the page cache that can be dropped at once, bytes.
    pub working_set_bytes: Option<f64>,
    /// Threads.
    pub threads: Option<f64>,
    /// Open file descriptors.
    pub open_files: Option<f64>,
    /// Context switches because a thread had to wait, per second.
    pub voluntary_switches: Option<f64>,
    /// Context switches because a thread was preempted, per second.
    pub involuntary_switches: Option<f64>,
    /// Page faults that read from a disk, per second.
    pub major_faults: Option<f64>,
    /// Time its threads were ready to run and did not, seconds per second.
    pub run_queue_wait: Option<f64>,
    /// Time it was held back by a CPU quota, seconds per second.
    pub throttled: Option<f64>,
    /// Share of time in which some of its threads waited for a CPU (PSI).
    pub cpu_pressure: Option<f64>,
    /// Share of time in which some of its threads waited for memory (PSI).
    pub memory_pressure: Option<f64>,
    /// Share of time in which some of its threads waited for a disk (PSI).
    pub io_pressure: Option<f64>,
}
