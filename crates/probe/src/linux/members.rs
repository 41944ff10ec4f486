//! Which processes belong to a child.

use super::cgroup::Group;
use procfs::process::{Process as Proc, Stat, all_processes};
use std::borrow::Cow;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::fs::FileExt;

/// The variable in a child's environment that names it. A process that leaves the session and whose
/// parent ends is handed to Understudy (the subreaper); without a cgroup only this shows which child it belongs to.
pub(crate) const MARK: &str = "UNDERSTUDY_CHILD";

/// What a child's processes are known by.
#[derive(Clone, Debug)]
pub(crate) struct Family {
    /// The process that was launched: leader of its own session and process group.
    pub(crate) root: i32,
    /// Value of [`MARK`]; `None` for a process that Understudy did not start.
    pub(crate) mark: Option<String>,
    /// Its cgroup.
    pub(crate) group: Option<Group>,
}

/// One process, as a scan saw it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    pub(crate) pid: i32,
    pub(crate) state: char,
}

impl Member {
    /// Ended, and only waits for its parent to notice.
    pub(crate) fn ended(&self) -> bool {
        matches!(self.state, 'Z' | 'X' | 'x')
    }
}

impl Family {
    /// Every process of the family, zombies included: the root, its session and process group, its
    /// cgroup, the orphans that bear its mark, and the descendants of all of them.
    pub(crate) fn members(&self) -> Vec<Member> {
        let processes: Vec<Stat> = all_processes()
            .map(|all| all.filter_map(|p| p.ok()?.stat().ok()).collect())
            .unwrap_or_default();
        let grouped: HashSet<i32> = self.group.iter().flat_map(Group::pids).collect();
        let me = std::process::id() as i32;
        let inside: HashSet<i32> = processes
            .iter()
            .filter(|p| {
                p.pid == self.root
                    || self.mark.is_some() && (p.pgrp == self.root || p.session == self.root)
                    || grouped.contains(&p.pid)
                    || p.ppid == me && self.marked(p.pid)
            })
            .map(|p| p.pid)
            .collect();
        let mut inside = with_descendants(&processes, inside);
        inside.remove(&me);
        processes
            .iter()
            .filter(|p| inside.contains(&p.pid))
            .map(|p| Member {
                pid: p.pid,
                state: p.state,
            })
            .collect()
    }

    fn marked(&self, pid: i32) -> bool {
        let Some(mark) = &self.mark else { return false };
        let environ = Proc::new(pid).and_then(|process| process.environ());
        environ.is_ok_and(|all| {
            all.get(OsStr::new(MARK))
                .is_some_and(|v| v == OsStr::new(mark))
        })
    }
}

/// These processes, and all that descend from them.
pub(crate) fn with_descendants(processes: &[Stat], mut inside: HashSet<i32>) -> HashSet<i32> {
    loop {
        let before = inside.len();
        let children = processes.iter().filter(|p| inside.contains(&p.ppid));
        let children: Vec<i32> = children.map(|p| p.pid).collect();
        inside.extend(children);
        if inside.len() == before {
            return inside;
        }
    }
}

/// A process of this id exists and has not ended.
pub(crate) fn lives(pid: i32) -> bool {
    Proc::new(pid)
        .and_then(|process| process.stat())
        .is_ok_and(|stat| stat.state != 'Z')
}

/// A thread that is not stopped, as its state; `None` when all are (or the process is gone).
///
/// The state of a process in `/proc/PID/stat` is that of its first thread only: the others stop one
/// by one.
pub(crate) fn running_thread(pid: i32) -> Option<char> {
    let tasks = Proc::new(pid).ok()?.tasks().ok()?;
    tasks
        .filter_map(|task| Some(task.ok()?.stat().ok()?.state))
        .find(|state| !matches!(state, 'T' | 't' | 'Z' | 'X' | 'x'))
}

/// Reads a small file of procfs or cgroupfs from its start, into a buffer that is used again.
pub(crate) fn reread<'a>(file: &File, buffer: &'a mut Vec<u8>) -> Option<Cow<'a, str>> {
    const STEP: usize = 4096;
    let mut length = 0;
    loop {
        buffer.resize(buffer.len().max(length + STEP), 0);
        match file.read_at(&mut buffer[length..], length as u64).ok()? {
            0 => return Some(String::from_utf8_lossy(&buffer[..length])),
            read => length += read,
        }
    }
}
