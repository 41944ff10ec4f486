//! What is run once and measured, and what came of it: plain data.

use crate::How;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

/// A program to run once. Everything that it can see of its surroundings is named here.
#[derive(Debug)]
pub struct Program<'p> {
    /// The file to execute; it is not looked up.
    pub path: &'p Path,
    /// Its arguments, the name by which it is called first.
    pub argv: &'p [String],
    /// Its whole environment.
    pub env: &'p BTreeMap<String, String>,
    /// The directory it starts in.
    pub dir: &'p Path,
    /// Its standard input.
    pub stdin: File,
    /// Its standard output.
    pub stdout: File,
    /// Its standard error.
    pub stderr: File,
    /// The CPUs it may run on; `None`: those of this process.
    pub cpus: Option<&'p [u32]>,
    /// Its mask of permissions.
    pub umask: u32,
    /// The largest file that it may write, bytes: beyond, the kernel sends SIGXFSZ.
    pub file_limit: Option<u64>,
    /// What it changes elsewhere than here is looked for. `None`: nothing is
    /// looked for, and nothing slows it.
    pub watched: Option<Watched<'p>>,
}

/// What a run that is watched may change.
#[derive(Clone, Copy, Debug)]
pub struct Watched<'p> {
    /// The directories that it is expected to change.
    pub own: &'p [PathBuf],
    /// Files outside of them that it may not change: a call that would is refused (`EACCES`). To open one for reading and
    /// writing is none, unless that empties it.
    pub kept: &'p [PathBuf],
}

/// What a run changed outside of the directories that it was expected to change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Elsewhere {
    /// The files, in the order in which it named them first; 32 at most.
    pub paths: Vec<PathBuf>,
    /// There are more.
    pub is_more: bool,
    /// The folders in which it made files that it removed again.
    pub passing: Vec<PathBuf>,
    /// The files that it was kept from changing.
    pub kept: Vec<PathBuf>,
    /// Why not everything was seen, a lower-case fragment each.
    pub unseen: Vec<String>,
}

impl Elsewhere {
    /// Adds a reason why not everything was seen.
    #[cfg(target_os = "linux")]
    pub(crate) fn unseen(&mut self, why: &str) {
        if !self.unseen.iter().any(|there| there == why) {
            self.unseen.push(why.to_owned());
        }
    }
}

/// What a process and the descendants that it waited for have used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// CPU time in user mode, microseconds.
    pub user_us: u64,
    /// CPU time in the kernel, microseconds.
    pub system_us: u64,
    /// The largest resident set of any one of them, bytes: not a sum.
    pub peak_rss_bytes: u64,
    /// Page faults without reading from a disk.
    pub minor_faults: u64,
    /// Page faults that had to read from a disk.
    pub major_faults: u64,
    /// Switches to another thread because it waited.
    pub voluntary_switches: u64,
    /// Switches to another thread although it could have run.
    pub involuntary_switches: u64,
    /// Blocks of 512 bytes that were read from a disk.
    pub blocks_in: u64,
    /// Blocks of 512 bytes that were written to a disk.
    pub blocks_out: u64,
}

/// What a process and the descendants that it waited for have read and written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Transferred {
    /// Bytes that `read` and its like returned, from any source; memory maps are not in it.
    pub read_bytes: u64,
    /// Bytes that `write` and its like took.
    pub written_bytes: u64,
}

/// One run, measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    /// How it ended.
    pub how: How,
    /// From just before the program was executed until its end was noticed, nanoseconds.
    pub wall_ns: u64,
    /// From just before the process was made until the program was executed, nanoseconds: the launcher's
    /// own part, which is not in `wall_ns`.
    pub launch_ns: u64,
    /// What it used.
    pub usage: Usage,
    /// What it read and wrote; `None` where the kernel does not count it.
    pub transferred: Option<Transferred>,
}

/// What a run left behind when it ended: processes that were killed then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftBehind {
    /// Their names, as `/proc` has them.
    pub names: Vec<String>,
    /// CPU time of all of them, and of those that had ended by themselves, microseconds.
    pub cpu_us: u64,
}

/// Why a wait for a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The run has ended.
    Ended,
    /// The other file can be read, or its other end is closed.
    Readable,
    /// The time is over.
    TimeOver,
}
