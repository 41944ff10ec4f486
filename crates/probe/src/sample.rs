/// What a process tree has used so far, and uses now. CPU, switches and faults are counters since
/// the start of the tree: take differences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// When it was taken: `CLOCK_MONOTONIC`, nanoseconds.
    pub at_ns: u64,
    /// CPU time in user mode, microseconds. From the cgroup (resolution 1 us), else the sum of
    /// `/proc/PID/stat` over live processes and the children they waited for (10 ms a process).
    pub cpu_user_us: u64,
    /// CPU time in the kernel, microseconds; as above.
    pub cpu_system_us: u64,
    /// Sum of the resident sets, bytes; shared pages count in every process.
    pub rss_bytes: u64,
    /// Sum of the highest resident sets since the start or [`crate::Sampler::reset_peak`], bytes;
    /// an upper bound where several processes peak at different times.
    pub peak_rss_bytes: u64,
    /// Sum of the proportional sets, bytes; shared pages count once. Only when asked for.
    pub pss_bytes: Option<u64>,
    /// Memory of the cgroup, page cache and kernel memory included, bytes.
    pub cgroup_bytes: Option<u64>,
    /// Highest memory of the cgroup since the start or [`crate::Sampler::reset_peak`], bytes.
    pub cgroup_peak_bytes: Option<u64>,
    /// Memory of the cgroup without the page cache that can be dropped at once (`inactive_file`),
    /// bytes.
    pub cgroup_working_set_bytes: Option<u64>,
    /// Live processes.
    pub processes: u32,
    /// Their threads.
    pub threads: u32,
    /// Open file descriptors of processes that may be looked into.
    pub open_files: Option<u64>,
    /// Switches because a thread had to wait.
    pub voluntary_switches: u64,
    /// Switches because a thread was preempted.
    pub involuntary_switches: u64,
    /// Page faults that read from a disk.
    pub major_faults: u64,
    /// Time its threads were ready to run and did not, nanoseconds; 0 where the kernel keeps no
    /// `schedstat`.
    pub run_queue_wait_ns: u64,
    /// Time its threads were held back by a CPU quota, microseconds.
    pub throttled_us: Option<u64>,
    /// Processes killed because the memory limit was reached.
    pub oom_kills: Option<u64>,
    /// Time in which some of its threads waited for something, by the kernel's pressure stall
    /// information of the cgroup (version 2 only).
    pub pressure: Pressure,
}

/// Pressure stall information: time in which at least one thread could not continue, microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pressure {
    /// For want of a CPU.
    pub cpu_us: Option<u64>,
    /// For want of memory.
    pub memory_us: Option<u64>,
    /// For want of a disk.
    pub io_us: Option<u64>,
}

impl Sample {
    /// CPU time in user mode and in the kernel, microseconds.
    pub fn cpu_us(&self) -> u64 {
        self.cpu_user_us + self.cpu_system_us
    }
}

/// What processes may use at most.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Given {
    /// CPU quota of their control group or one above it, in CPUs; `None` without one.
    pub cpu_quota: Option<f64>,
    /// Memory limit of their control group or one above it, bytes; `None` without one.
    pub memory_limit: Option<u64>,
    /// The CPUs that they may run on; empty where that is not known.
    pub runs_on: Vec<u32>,
}

/// Why no sample could be taken.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// The process has ended (or never was).
    #[error("process {pid} has ended")]
    Gone {
        /// The process.
        pid: u32,
    },
    /// No process is left in the control group.
    #[error("no process is in the control group {path}", path = .path.display())]
    Empty {
        /// The group.
        path: std::path::PathBuf,
    },
    /// There is no such control group.
    #[error(
        "the control group {path} does not exist below {root}\nhint: name it as `/proc/PID/cgroup` does",
        path = .path.display(), root = .root.display()
    )]
    NoGroup {
        /// What was asked for.
        path: std::path::PathBuf,
        /// Where control groups are mounted.
        root: std::path::PathBuf,
    },
    /// This operating system is not Linux.
    #[error("processes are measured on Linux only")]
    Unsupported,
}
