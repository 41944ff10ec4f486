use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What can make a request slow. Each is either an event, with a begin and an end on the clock of the
/// requests, or a part of the request's own time.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The machine: a thread that had nothing to do on the CPUs of the side was not run when it was
    /// due.
    Machine,
    /// The generator was late.
    GeneratorLag,
    /// The runtime of the side stopped all of its threads.
    RuntimeStop,
    /// Threads of the side had to help the collector of its runtime, or to wait for it.
    RuntimeAssist,
    /// The collector of the side's runtime worked while the program ran.
    RuntimeConcurrent,
    /// A request that takes long by itself was under way.
    SlowRequest,
    /// The side was held back by its CPU quota.
    Throttled,
    /// Threads of the side were ready to run and waited for a CPU.
    RunQueue,
    /// The side read memory from a disk (major page faults).
    MajorFaults,
    /// Every connection was busy.
    ConnectionWait,
}

impl Cause {
    /// Every cause, in the order in which a request that several of them meet is given to one: first what
    /// is not a fault of the side, then what is known to a moment, then what is known to a stretch of time,
    /// last what follows from all of them.
    pub const ALL: [Cause; 10] = [
        Cause::Machine,
        Cause::GeneratorLag,
        Cause::RuntimeStop,
        Cause::RuntimeAssist,
        Cause::RuntimeConcurrent,
        Cause::SlowRequest,
        Cause::Throttled,
        Cause::RunQueue,
        Cause::MajorFaults,
        Cause::ConnectionWait,
    ];

    /// The name used in stored evidence and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Cause::Machine => "machine",
            Cause::Throttled => "throttled",
            Cause::RuntimeStop => "runtime_stop",
            Cause::RuntimeAssist => "runtime_assist",
            Cause::RuntimeConcurrent => "runtime_concurrent",
            Cause::RunQueue => "run_queue",
            Cause::MajorFaults => "major_faults",
            Cause::SlowRequest => "slow_request",
            Cause::ConnectionWait => "connection_wait",
            Cause::GeneratorLag => "generator_lag",
        }
    }

    /// The cause of this name.
    pub fn from_name(name: &str) -> Option<Cause> {
        Cause::ALL.into_iter().find(|cause| cause.name() == name)
    }

    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Cause::Machine => "host stall",
            Cause::Throttled => "CPU quota used up",
            Cause::RuntimeStop => "runtime stopped the program",
            Cause::RuntimeAssist => "GC assist",
            Cause::RuntimeConcurrent => "concurrent GC",
            Cause::RunQueue => "threads waited for a CPU",
            Cause::MajorFaults => "memory read from disk",
            Cause::SlowRequest => "a slow request was under way",
            Cause::ConnectionWait => "all connections busy",
            Cause::GeneratorLag => "generator was late",
        }
    }
}

/// Something that happened while a side was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Happening {
    /// What it may be the cause of.
    pub cause: Cause,
    /// Begin, nanoseconds since the start of the block.
    pub start_ns: u64,
    /// End, nanoseconds since the start of the block.
    pub end_ns: u64,
    /// By how much both may be off, either way, nanoseconds.
    pub error_ns: u64,
}
