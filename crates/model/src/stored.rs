//! What a run directory holds, as plain data: written by the stages, read by the judge.

use crate::gates::GeneratorUse;
use crate::neighbours::Neighbours;
use crate::place::Place;
use crate::verdict::{Cluster, Reproduced};
use crate::{DifferenceKind, Happening, Observation, Role};
use serde::{Deserialize, Serialize};

/// One exchange as stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// What was observed.
    pub observation: Observation,
    /// Hash of the answer's shape; 0 when not inspected.
    pub shape: u64,
    /// Hash of the answer's value; 0 when not inspected.
    pub value: u64,
}

impl From<Observation> for Row {
    /// An exchange whose body was not inspected.
    fn from(observation: Observation) -> Self {
        Row {
            observation,
            shape: 0,
            value: 0,
        }
    }
}

/// What happened while a block was measured, and which runtime recorded it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Happenings {
    /// The runtime whose pauses are among them; `None` if they were not recorded.
    pub runtime: Option<String>,
    /// Them, in no order.
    pub all: Vec<Happening>,
}

/// Columns of numbers over time: the samples or the pauses of one block.
///
/// Integers are exact up to 2^53.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Name (with its unit: `rss_bytes`) and values of each column; `None` was not measured.
    pub columns: Vec<(String, Vec<Option<f64>>)>,
}

impl Table {
    /// The values of the column `name`.
    pub fn column(&self, name: &str) -> Option<&[Option<f64>]> {
        self.columns
            .iter()
            .find(|(column, _)| column == name)
            .map(|(_, values)| values.as_slice())
    }
}

/// One measurement: one side, one rate, one stretch of time.
#[derive(Clone, Debug)]
pub struct LatencyBlock {
    /// Offered rate, requests per second.
    pub rate_rps: f64,
    /// Who was measured.
    pub side: Role,
    /// Which measurement of this side at this rate: two of each side make an ABBA block.
    pub block: u32,
    /// Figures about the measurement.
    pub figures: BlockFigures,
    /// Every exchange of the measured window.
    pub rows: Vec<Row>,
    /// What happened to the side meanwhile.
    pub happened: Happenings,
}

/// What is stored with a block along with its exchanges.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockFigures {
    /// Seed of schedule and choice of requests: the same for both sides of a pair.
    pub seed: u64,
    /// When its load began: seconds since 1970 by the system clock. It orders measurements for
    /// display; no figure rests on it.
    #[serde(default)]
    pub started_unix_s: f64,
    /// Discarded load before the window, seconds.
    pub warmup_s: f64,
    /// Length of the window, seconds.
    pub measured_s: f64,
    /// How often this measurement was made before and not kept, because CPU steal was too high.
    #[serde(default)]
    pub repeats: u32,
    /// Requests that were due.
    pub due: u64,
    /// Requests that were sent.
    pub sent: u64,
    /// Requests sent after the window although a connection was free in it.
    pub late: u64,
    /// CPU time of the generator, nanoseconds.
    pub generator_work_ns: u64,
    /// Share of time the busiest generator thread worked.
    pub generator_busy_share: f64,
    /// Share of time the generator waited for a CPU.
    pub run_queue_share: Option<f64>,
    /// Answers whose end the kernel stamped, and that the generator delayed in no other way than by sending late; 0 in
    /// runs that were stored before stamps were taken.
    #[serde(default)]
    pub stamped: u64,
    /// Share of the time that the CPUs wanted to run and the hypervisor took.
    pub steal_share: Option<f64>,
    /// Mean frequency of the side's CPUs, MHz; `None` where the kernel does not tell it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_mhz: Option<f64>,
    /// Time until the last exchange ended, nanoseconds.
    pub wall_ns: u64,
    /// CPU time of the side over the window, microseconds.
    pub side_cpu_us: Option<f64>,
    /// Highest resident set of the side, bytes.
    pub peak_rss_bytes: Option<f64>,
    /// Proportional set of the side at the end of the window, bytes.
    pub peak_pss_bytes: Option<f64>,
    /// Highest memory of the side's cgroup, bytes.
    pub peak_cgroup_bytes: Option<f64>,
    /// Why resources are missing.
    pub unmeasured: Option<String>,
    /// Processes killed for memory in the window.
    pub oom_kills: Option<u64>,
    /// What else used the CPUs of the machine meanwhile; `None` where it was not observed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub neighbours: Option<Neighbours>,
    /// Of a trial at a memory limit: how it went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<FloorFacts>,
    /// Of runs one after the other: mean wall time of a start without a case, nanoseconds. It is no part of the other
    /// figures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub startup_ns: Option<u64>,
}

impl BlockFigures {
    /// The generator's figures as the gates want them.
    pub fn generator(&self) -> GeneratorUse {
        GeneratorUse {
            due: self.due,
            sent: self.sent,
            late: self.late,
            work_ns: self.generator_work_ns,
            busy_share: self.generator_busy_share,
            run_queue_share: self.run_queue_share,
            stamped: self.stamped,
            steal_share: self.steal_share,
            wall_ns: self.wall_ns,
            ..GeneratorUse::default()
        }
    }
}

/// What is stored of a trial at a limit along with its exchanges or runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FloorFacts {
    /// The memory limit, bytes; `None` is that of the rest of the trial, if any.
    pub limit_bytes: Option<u64>,
    /// Is it the longer trial that verifies?
    pub soak: bool,
    /// How it ended before its time.
    pub ended: Option<String>,
    /// Processes killed because the limit was reached.
    pub kills: u64,
    /// Its lowest use of memory in each fifth of the window, bytes; empty where it was not measured.
    pub lowest_bytes: Vec<f64>,
    /// Of runs: the highest resident set of each case, bytes, where it can be seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub peaks: Vec<(u32, f64)>,
    /// Of runs that took too long: the median wall time of each case without the limit, measured in between,
    /// nanoseconds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub control: Vec<(u32, f64)>,
    /// Of runs: how long it took in all, with all that was done around them, nanoseconds.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub took_ns: u64,
}

/// Was it not measured?
fn is_zero(ns: &u64) -> bool {
    *ns == 0
}

/// The workload as far as the judge needs it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkloadFacts {
    /// Operation templates, by index.
    #[serde(alias = "endpoints")]
    pub operations: Vec<String>,
    /// What is known of each request.
    pub requests: Vec<RequestFacts>,
}

/// What is stored of a request: enough to name it and to send it again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestFacts {
    /// Its length on the wire, bytes.
    pub bytes: u64,
    /// It as a curl command, redacted; only of requests whose answers differed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reproduce: String,
    /// How much a run has to do, in the unit of the workload; of cases of commands that say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<f64>,
}

/// A cluster that was asked again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReproducedCluster {
    /// Whose answers differed.
    #[serde(default = "candidate", skip_serializing_if = "is_candidate")]
    pub contender: Role,
    /// Operation template.
    #[serde(alias = "endpoint")]
    pub operation: String,
    /// Place, array indices as `[*]`.
    pub path: Place,
    /// In which way the answers differ.
    pub kind: DifferenceKind,
    /// How often it showed again.
    pub reproduced: Reproduced,
}

fn candidate() -> Role {
    Role::Candidate
}

fn is_candidate(side: &Role) -> bool {
    *side == Role::Candidate
}

impl ReproducedCluster {
    /// Is it this cluster of this contender?
    pub fn is(&self, contender: Role, cluster: &Cluster) -> bool {
        self.contender == contender
            && self.operation == cluster.operation
            && self.path == cluster.path
            && self.kind == cluster.kind
    }
}

/// One start of a side.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// Which one.
    pub side: Role,
    /// Seconds from its launch until it was ready.
    pub ready_s: f64,
}

/// During which part of the trial a side ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum During {
    /// Answers were compared.
    Comparison,
    /// Answers to edge requests were compared.
    Edges,
    /// It was under load.
    Load,
}

impl During {
    /// As the end of a sentence.
    pub fn in_words(self) -> &'static str {
        match self {
            During::Comparison => "while answers were compared",
            During::Edges => "while edge requests were compared",
            During::Load => "under load",
        }
    }
}

/// A side that ended: a line of `exits.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exited {
    /// Which side.
    pub side: Role,
    /// When.
    pub during: During,
    /// Its exit code, or the signal that ended it.
    pub exit: String,
    /// Requests that it had answered since its start.
    pub answered: u64,
    /// Its last log lines, without secrets.
    pub log: Vec<String>,
}
