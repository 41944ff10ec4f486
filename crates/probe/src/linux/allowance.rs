use super::cgroup::Group;
use crate::Given;
use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity};
use std::path::Path;

const ROOT: &str = "/sys/fs/cgroup";

impl Given {
    /// What a process may use. What cannot be read is not a limit.
    pub fn of_pid(pid: u32) -> Given {
        let own = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
        given(&Group::holding(Path::new(ROOT), &own), Some(pid as i32))
    }

    /// What the processes of a control group may use, named as in [`crate::Sampler::of_cgroup`].
    pub fn of_cgroup(path: &Path) -> Given {
        let Some(group) = Group::existing(Path::new(ROOT), path) else {
            return Given::default();
        };
        let first = group.pids_below().into_iter().next();
        given(&group, first)
    }
}

fn given(group: &Group, process: Option<i32>) -> Given {
    let root = Path::new(ROOT);
    Given {
        cpu_quota: group.cpu_quota(root),
        memory_limit: group.memory_limit(root),
        runs_on: process.map(affinity).unwrap_or_default(),
    }
}

/// The CPUs that a process may run on.
fn affinity(pid: i32) -> Vec<u32> {
    let set = Pid::from_raw(pid).and_then(|pid| sched_getaffinity(Some(pid)).ok());
    let Some(set) = set else { return Vec::new() };
    let all = (0..CpuSet::MAX_CPU).filter(|cpu| set.is_set(*cpu));
    all.map(|cpu| cpu as u32).collect()
}
