//! Other processes: launch, limits, freeze, samples.
//!
//! * [`Launch`] says what to start and [`Launch::spawn`] starts it as a [`Child`]: a session of its
//!   own, standard input closed, output in a log file, its own cgroup and CPUs from the first
//!   instruction on.
//! * A [`Child`] can be frozen and thawed, and is always stopped: by [`Child::stop`], by its drop,
//!   or by the kernel (`PR_SET_PDEATHSIG`) when Understudy itself is killed.
//! * [`Cgroups`] finds out which control groups (version 1 or 2) Understudy may use. Without any,
//!   every child says in plain sentences what is not limited and not measured.
//! * A [`Sampler`] reads CPU, memory and scheduling figures of a whole process tree.
//! * A [`NeighbourSampler`] says which other processes of the machine used its CPUs meanwhile.
//! * A [`PauseLog`] makes the runtime of a child record when it pauses, and reads what it wrote; [`Growth`]
//!   says when a line of a shared log was written.
//! * On Linux, a `Runner` runs a [`Program`] to its end and returns what was [`Measured`] of it.
//! * [`wait_ready`], [`LogPattern`], [`free_port`], [`port_taken`] and [`run_to_completion`] are
//!   what a trial needs around a start.
//!
//! **When Understudy is killed with SIGKILL**, the kernel kills the process that was launched. Its own
//! children are re-parented to init; the [`Guard`] finds and kills them. Should that be killed too, the
//! next start does it, where they were in a cgroup ([`Cgroups::sweep`]).
//!
//! Everything that starts or watches a process works on Linux. Elsewhere the crate compiles, and
//! starting fails with [`LaunchError::Unsupported`].

mod exit;
mod launch;
mod log;
mod pauses;
mod port;
mod program;
mod ready;
mod sample;
mod task;

#[cfg(not(target_os = "linux"))]
#[path = "off_linux.rs"]
mod platform;
#[cfg(target_os = "linux")]
#[path = "linux/mod.rs"]
mod platform;

pub use exit::{Exit, How};
pub use launch::{Launch, LaunchError, Limits, split_command};
pub use log::{Added, Written, last_bytes};
pub use pauses::{AttachedJvm, PauseError, PauseLog, Runtime};
pub use platform::{Cgroups, Child, Grown, Growth, Guard, NeighbourSampler, Sampler, stand_guard};
#[cfg(target_os = "linux")]
pub use platform::{Runner, Running, Watching};
pub use port::{Listener, free_port, port_taken};
pub use program::{Elsewhere, Event, LeftBehind, Measured, Program, Transferred, Usage, Watched};
pub use ready::{LogPattern, Readiness, ReadyError, wait_ready};
pub use sample::{Given, Pressure, Sample, SampleError};
pub use task::{Task, TaskError, run_to_completion};

use understudy_model::plain_words;

/// Which control groups Understudy may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detected {
    /// Version 1: a hierarchy for each controller.
    V1,
    /// Version 2: one hierarchy.
    V2,
    /// None, and why: one lower-case fragment that says what to do.
    None(String),
}

/// Why a child could not be frozen or thawed.
#[derive(Debug, thiserror::Error)]
pub enum FreezeError {
    /// There is nothing left to freeze.
    #[error("{name} has already ended ({exit})")]
    Ended {
        /// Name of the child.
        name: String,
        /// How it ended.
        exit: Exit,
    },
    /// A process did not reach the wanted state within the time allowed.
    #[error("process {pid} of {name} did not {verb} within {within_ms} ms (state {state})")]
    Stuck {
        /// Name of the child.
        name: String,
        /// The process.
        pid: u32,
        /// `stop` or `continue`.
        verb: &'static str,
        /// How long was waited, milliseconds.
        within_ms: u64,
        /// Its state, as `/proc` names it.
        state: char,
    },
}

/// Why something of a child is left.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    /// Processes survived SIGKILL: they sleep in the kernel.
    #[error("{name} left processes that SIGKILL did not end within {within_ms} ms: {pids:?}")]
    Survivors {
        /// Name of the child.
        name: String,
        /// How long was waited, milliseconds.
        within_ms: u64,
        /// The processes.
        pids: Vec<u32>,
    },
    /// The cgroup could not be removed.
    #[error(
        "the cgroup {path} of {name} cannot be removed: {}",
        plain_words(source)
    )]
    Cgroup {
        /// Name of the child.
        name: String,
        /// The directory.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The end of the child could not be awaited.
    #[error("the end of {name} cannot be awaited: {}", plain_words(source))]
    Wait {
        /// Name of the child.
        name: String,
        /// Why.
        source: std::io::Error,
    },
}
