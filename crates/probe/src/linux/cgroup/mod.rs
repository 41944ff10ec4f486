//! Control groups, version 1 (a hierarchy for each controller) and version 2 (one hierarchy).
//!
//! Written to the kernel's `admin-guide/cgroup-v1/{cpuacct,cpusets,memory}.rst`,
//! `scheduler/sched-bwc.rst` and `admin-guide/cgroup-v2.rst`. A child gets a group of its own next to
//! or below Understudy's; the freezer is not used, because a process that it froze cannot be killed
//! if Understudy dies.

mod allowance;
mod detection;
mod files;
mod group;
mod sweep;
#[cfg(test)]
mod tests;

pub(crate) use files::GroupFiles;
pub(crate) use group::Group;

use crate::Detected;
use std::path::{Path, PathBuf};

/// The control groups Understudy may use.
#[derive(Clone, Debug)]
pub struct Cgroups {
    detected: Detected,
    parents: Roles,
}

/// A directory for each controller; in version 2 they are the same one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Roles {
    cpu: Option<PathBuf>,
    cpuacct: Option<PathBuf>,
    memory: Option<PathBuf>,
    cpuset: Option<PathBuf>,
}

impl Roles {
    fn map(&self, mut to: impl FnMut(&Path) -> Option<PathBuf>) -> Roles {
        let mut each = |dir: &Option<PathBuf>| dir.as_deref().and_then(&mut to);
        Roles {
            cpu: each(&self.cpu),
            cpuacct: each(&self.cpuacct),
            memory: each(&self.memory),
            cpuset: each(&self.cpuset),
        }
    }

    /// Every directory once, even where controllers share one (`cpu` and `cpuacct` are often links
    /// to `cpu,cpuacct`).
    fn dirs(&self) -> Vec<PathBuf> {
        let mut dirs: Vec<PathBuf> = [&self.cpu, &self.cpuacct, &self.memory, &self.cpuset]
            .into_iter()
            .flatten()
            .map(|dir| dir.canonicalize().unwrap_or_else(|_| dir.clone()))
            .collect();
        dirs.sort();
        dirs.dedup();
        dirs
    }
}

impl Cgroups {
    /// Looks below `root` (`/sys/fs/cgroup`) for groups that this process may make children in.
    /// Never fails: [`Cgroups::detected`] says what was found, or why nothing.
    pub fn detect(root: &Path) -> Cgroups {
        let own = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        Self::detect_as(root, &own)
    }

    /// [`Cgroups::detect`] with the content of `/proc/self/cgroup`.
    fn detect_as(root: &Path, own: &str) -> Cgroups {
        let (detected, parents) = detection::detect(root, own);
        Cgroups { detected, parents }
    }

    /// Uses none, for the given reason (a lower-case fragment).
    pub fn none(reason: &str) -> Cgroups {
        Cgroups {
            detected: Detected::None(reason.into()),
            parents: Roles::default(),
        }
    }

    /// What was found.
    pub fn detected(&self) -> &Detected {
        &self.detected
    }

    /// Can memory be limited?
    ///
    /// # Errors
    /// Why not: a lower-case fragment that says what to do.
    pub fn memory(&self) -> Result<(), String> {
        match (&self.detected, &self.parents.memory) {
            (Detected::None(reason), _) => Err(reason.clone()),
            (_, None) => Err("the memory controller may not be used: run as root".to_owned()),
            (_, Some(_)) => Ok(()),
        }
    }

    /// Removes the groups of Understudy processes that no longer live, killing what still runs in
    /// them. Returns a sentence for each group: removed, or why not. Call it once, at start.
    pub fn sweep(&self) -> Vec<String> {
        sweep::sweep(&self.parents)
    }
}
