use std::fmt;
use std::path::PathBuf;
use understudy_probe::{Given, SampleError, Sampler};

/// Where the CPU time and memory of a side that runs already are measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attach {
    /// This process and its descendants.
    Pid(u32),
    /// This process, a JVM, and its descendants; it is asked to log its pauses while it is measured.
    Jvm(u32),
    /// Everything in this control group, such as a container's: named as `/proc/PID/cgroup` does, or
    /// by its directory.
    Cgroup(PathBuf),
}

impl Attach {
    /// Reads what it names.
    ///
    /// # Errors
    /// There is no such process or group, or nothing runs in it.
    pub fn sampler(&self) -> Result<Sampler, SampleError> {
        match self {
            Attach::Pid(pid) | Attach::Jvm(pid) => Sampler::of_pid(*pid),
            Attach::Cgroup(path) => Sampler::of_cgroup(path),
        }
    }

    /// What it may use at most.
    pub fn given(&self) -> Given {
        match self {
            Attach::Pid(pid) | Attach::Jvm(pid) => Given::of_pid(*pid),
            Attach::Cgroup(path) => Given::of_cgroup(path),
        }
    }
}

impl fmt::Display for Attach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Attach::Pid(pid) | Attach::Jvm(pid) => write!(f, "process {pid}"),
            Attach::Cgroup(group) => write!(f, "control group {}", group.display()),
        }
    }
}
