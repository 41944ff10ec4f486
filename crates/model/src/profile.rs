//! What `understudy profile` says of one service.

use crate::capacity::Capacity;
use crate::floor::SideFloor;
use crate::tail::Tail;
use crate::verdict::Estimate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The version of [`ProfileReport`].
pub const SCHEMA: u32 = 1;

/// The whole document.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileReport {
    /// Format version of this document.
    pub schema: u32,
    /// The URL; of a service that was merely watched, its process or control group.
    pub target: String,
    /// The rate that it has to serve, requests per second; null where it was merely watched.
    pub rate_rps: Option<f64>,
    /// The objectives that it has to hold, in words.
    pub objectives: Vec<String>,
    /// What is worth knowing, the answer first.
    pub findings: Vec<Finding>,
    /// The highest rate that holds the objectives, and the knee curve; null where it was merely
    /// watched.
    pub capacity: Option<Capacity>,
    /// Capacity over the rate that it has to serve; null where the capacity is not known.
    pub headroom: Option<f64>,
    /// Where the slowest requests at that rate (or in the access log) come from; null where there
    /// were too few.
    pub tail: Option<Tail>,
    /// What its access log says; null where none was named.
    pub traffic: Option<Traffic>,
    /// What it used, at that rate or while it was watched; null where no process was named.
    pub used: Option<Used>,
    /// The pauses of its runtime; null where they were not recorded.
    pub pauses: Option<RuntimePauses>,
    /// The smallest memory limit that held the objectives of a trial in which it was the incumbent; null
    /// where no trial was named.
    pub memory_floor: Option<SideFloor>,
    /// Highest resident set of its processes in all that was measured, bytes; null where no process
    /// was named.
    pub peak_rss_bytes: Option<f64>,
    /// What could not be seen, and why.
    pub not_seen: Vec<String>,
    /// True if it was stopped before its end.
    pub interrupted: bool,
    /// Version of Understudy.
    pub version: String,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// Stable identifier, e.g. `no_problem`.
    pub code: String,
    /// One or two sentences for people, figures included.
    pub text: String,
}

/// What a service used over a stretch of time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Used {
    /// Length of the stretch, seconds.
    pub seconds: f64,
    /// CPUs, on average.
    pub cpus: f64,
    /// CPUs that it may use: its quota, or those that it may run on.
    pub given_cpus: f64,
    /// True if a quota allows less than the CPUs that it may run on.
    pub cpu_quota: bool,
    /// Time that its threads were held back by a quota, over the time that passed; several threads
    /// add up. Null where it was not measured.
    pub throttled_share: Option<f64>,
    /// Time that its threads were ready to run and waited for a CPU, over the time that passed;
    /// several threads add up.
    pub run_queue_share: f64,
    /// Page faults that read from a disk, per second.
    pub major_faults_per_s: f64,
    /// Most threads.
    pub threads: f64,
    /// Most open file descriptors; null where it may not be looked at.
    pub open_files: Option<f64>,
    /// Share of the time in which some of its threads waited for a CPU, by the kernel's pressure stall
    /// information; null where there is none (cgroup version 2 only).
    pub cpu_pressure: Option<f64>,
    /// The same for memory.
    pub memory_pressure: Option<f64>,
    /// The same for a disk.
    pub io_pressure: Option<f64>,
    /// Memory.
    pub memory: MemoryUsed,
}

/// Memory against what a service is given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MemoryUsed {
    /// What it may use, bytes: its limit, or the memory of the machine.
    pub given_bytes: f64,
    /// True if that is a limit.
    pub limited: bool,
    /// Highest resident set, bytes.
    pub peak_rss_bytes: Option<f64>,
    /// Highest proportional set, bytes; null where it may not be looked at.
    pub peak_pss_bytes: Option<f64>,
    /// Highest working set of its control group, bytes: without page cache that can be dropped at once.
    /// Null where only a process was named.
    pub peak_working_set_bytes: Option<f64>,
    /// Highest resident set since the process began, as the kernel counts it, bytes.
    pub peak_since_start_bytes: Option<f64>,
    /// How what is left after collections grows, bytes per second, with its 95 % interval; null in a
    /// stretch too short to say.
    pub growth_bytes_per_s: Option<Estimate>,
}

impl MemoryUsed {
    /// The figure to hold against what it is given: its working set, else its resident set.
    pub fn peak_bytes(&self) -> Option<f64> {
        self.peak_working_set_bytes.or(self.peak_rss_bytes)
    }
}

/// When a runtime stopped its program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuntimePauses {
    /// Which.
    pub runtime: String,
    /// Processes that recorded their pauses.
    pub processes: u64,
    /// Seconds that they were recorded for.
    pub seconds: f64,
    /// How often it stopped one of them.
    pub stops: u64,
    /// Their time, over the time that passed, in each process.
    pub time_share: f64,
    /// The length of the longest, microseconds; null without any.
    pub longest_us: Option<f64>,
    /// The length that 99 % of them stay below, microseconds; null with fewer than 100.
    pub p99_us: Option<f64>,
    /// What they do to the first latency objective; null without one.
    pub against: Option<StopsAgainst>,
}

/// Stops held against a latency objective.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StopsAgainst {
    /// The bound of the objective, microseconds.
    pub bound_us: f64,
    /// Share of the requests that may take longer.
    pub allowed: f64,
    /// Share of the requests, due at any moment, that have to wait longer than the bound for a stop to
    /// end: the time that stops last beyond the bound, over the time that passed.
    pub waiting_longer: f64,
}

/// What an access log says of live traffic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Traffic {
    /// Lines with a duration.
    pub requests: u64,
    /// Lines without one.
    pub without_duration: u64,
    /// Requests per second.
    pub rate_rps: f64,
    /// Median latency, microseconds, as the server counts it, in three digits; null with too few requests.
    pub p50_us: Option<f64>,
    /// p99, microseconds, likewise.
    pub p99_us: Option<f64>,
    /// The objectives.
    pub objectives: Vec<ObjectiveSeen>,
}

/// An objective held against live traffic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ObjectiveSeen {
    /// It, in words.
    pub slo: String,
    /// Share of the requests that may violate it.
    pub allowed: f64,
    /// Share of the requests that violate it, with its 95 % interval.
    pub violated: Estimate,
}

impl ObjectiveSeen {
    /// Is it held? `None`: the interval does not decide.
    pub fn held(&self) -> Option<bool> {
        match (self.violated.low, self.violated.high) {
            (_, Some(high)) if high <= self.allowed => Some(true),
            (Some(low), _) if low > self.allowed => Some(false),
            _ => None,
        }
    }
}
