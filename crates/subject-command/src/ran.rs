//! What came of a run.

use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::fmt;

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// It returned this code.
    Exit(i32),
    /// This signal ended it.
    Signal(i32),
    /// It did not end in time, and was killed with everything that it had started.
    TimedOut,
    /// It wrote more to standard output or standard error than is kept, and was killed.
    TooLarge,
    /// It was not started.
    NotStarted(Refusal),
}

/// Why a run was not started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// There is no such program.
    NotFound {
        /// As it was named.
        program: String,
        /// Where it was looked for: the value of `PATH`, or nothing for a path.
        path: Option<String>,
    },
    /// The file is there and may not be executed.
    NotExecutable {
        /// As it was named.
        program: String,
    },
    /// The directory to start in does not exist.
    NoDirectory {
        /// The directory.
        dir: String,
    },
    /// There is not enough memory to start it.
    NoMemory {
        /// As it was named.
        program: String,
    },
    /// The system refuses for another reason.
    Other {
        /// As it was named.
        program: String,
        /// A lower-case fragment.
        why: String,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::NotFound {
                program,
                path: Some(path),
            } => write!(
                f,
                "`{program}` is not in `PATH` ({path})\nhint: install it, or name it with its path"
            ),
            Refusal::NotFound {
                program,
                path: None,
            } => write!(
                f,
                "`{program}` does not exist\nhint: build it, or correct its path; what a script names after \
                 `#!` has to exist as well"
            ),
            Refusal::NotExecutable { program } => write!(
                f,
                "`{program}` may not be executed\nhint: make it executable (`chmod +x`), or name the program \
                 that runs it"
            ),
            Refusal::NoDirectory { dir } => {
                write!(f, "the directory `{dir}` of the run does not exist")
            }
            Refusal::NoMemory { program } => write!(
                f,
                "`{program}` cannot be started: there is not enough memory\nhint: raise `memory` in `[limits]`, or \
                 free memory on this machine"
            ),
            Refusal::Other { program, why } => {
                write!(f, "`{program}` cannot be started: {why}")
            }
        }
    }
}

/// What a run wrote to one of its standard files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captured {
    /// What is kept: the beginning.
    pub bytes: Vec<u8>,
    /// How much it was.
    pub size: u64,
    /// There was more than is kept.
    pub truncated: bool,
}

/// One run: how it ended, what it used, what it wrote. The files it wrote are in
/// [`Changes`](crate::Changes).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// How it ended.
    pub ending: Ending,
    /// The kernel killed a process of it because the memory limit of the side was reached.
    pub out_of_memory: bool,
    /// What it took and used; zeros if it was not started.
    pub figures: Figures,
    /// Standard output.
    pub stdout: Captured,
    /// Standard error.
    pub stderr: Captured,
    /// Names of the processes that still lived when it had ended; they were killed.
    pub left_behind: Vec<String>,
    /// What it changed outside of its directories, where that was looked for.
    pub elsewhere: Elsewhere,
}

/// What a run changed outside of its directories.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Elsewhere {
    /// Absolute paths, in the order in which it named them first. (A path that is not text goes through no `PathBuf` in
    /// JSON.)
    pub paths: Vec<OsString>,
    /// There are more.
    pub is_more: bool,
    /// The folders in which it made files that it removed again.
    pub passing: Vec<OsString>,
    /// The files of [`Order::kept`](crate::Order::kept) that it was kept from changing.
    pub kept: Vec<OsString>,
    /// Why not everything was seen, a lower-case fragment each.
    pub unseen: Vec<String>,
}

/// What a run took and used, together with the descendants that it waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// From just before the program was executed until its end was noticed, nanoseconds.
    pub wall_ns: u64,
    /// From just before its process was made until the program was executed, nanoseconds: the launcher's
    /// own time, not part of `wall_ns`.
    pub launch_ns: u64,
    /// CPU time in user mode, microseconds.
    pub user_us: u64,
    /// CPU time in the kernel, microseconds.
    pub system_us: u64,
    /// The largest resident set of any one of its processes, bytes. It is at least that of [`Floor`].
    pub peak_rss_bytes: u64,
    /// Switches to another thread because it waited.
    pub voluntary_switches: u64,
    /// Switches to another thread although it could have run.
    pub involuntary_switches: u64,
    /// Page faults without reading from a disk.
    pub minor_faults: u64,
    /// Page faults that had to read from a disk.
    pub major_faults: u64,
    /// Bytes that were read from a disk.
    pub disk_read_bytes: u64,
    /// Bytes that it made to be written to a disk.
    pub disk_written_bytes: u64,
    /// Bytes that `read` and its like returned, from any source but memory maps; `None` where the kernel
    /// does not count them.
    pub read_bytes: Option<u64>,
    /// Bytes that `write` and its like took.
    pub written_bytes: Option<u64>,
    /// CPU time of processes that it did not wait for, microseconds; not part of `user_us` and `system_us`.
    pub unawaited_cpu_us: u64,
}

/// What a process of the launcher has used before it executes a program: part of the figures of each run. The
/// kernel counts the pages of a process for each CPU apart, so a peak is right to some 100 KB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Floor {
    /// The smallest peak resident set that can be seen, bytes.
    pub peak_rss_bytes: u64,
    /// CPU time, microseconds.
    pub cpu_us: u64,
}
