use super::{Cgroups, Roles};
use crate::{Detected, Limits};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use understudy_model::{ByteSize, Cpus, plain_words};

/// The control group of one child.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(super) v2: bool,
    pub(super) roles: Roles,
}

/// CFS period, microseconds: the kernel's default.
const PERIOD_US: f64 = 100_000.0;
/// The smallest quota the kernel takes, microseconds.
const SMALLEST_QUOTA_US: f64 = 1_000.0;

impl Group {
    /// Makes an empty group; what of it cannot be made is a sentence.
    pub(crate) fn create(cgroups: &Cgroups, name: &str) -> (Option<Group>, Vec<String>) {
        if let Detected::None(reason) = cgroups.detected() {
            let sentence = format!(
                "no control group is used ({reason}): cgroup memory, throttling and kills by a \
                 memory limit are not measured, CPU time is counted in steps of 10 ms"
            );
            return (None, vec![sentence]);
        }
        let mut failures = Vec::new();
        let roles = cgroups.parents.map(|parent| {
            let dir = parent.join(name);
            match fs::create_dir(&dir) {
                Ok(()) => Some(dir),
                // The same directory under the name of another controller.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Some(dir),
                Err(error) => {
                    failures.push(format!(
                        "the group {} cannot be made: {}",
                        dir.display(),
                        plain_words(&error)
                    ));
                    None
                }
            }
        });
        let v2 = *cgroups.detected() == Detected::V2;
        let group = (roles != Roles::default()).then_some(Group { v2, roles });
        (group, failures)
    }

    /// A group that exists: named as `/proc/PID/cgroup` names it, or by its path below `root`.
    /// `None` if there is none.
    pub(crate) fn existing(root: &Path, path: &Path) -> Option<Group> {
        let path = path.strip_prefix(root).unwrap_or(path);
        let path = path.strip_prefix("/").unwrap_or(path);
        let v2 = root.join("cgroup.controllers").exists();
        if v2 {
            let dir = Some(root.join(path)).filter(|dir| dir.is_dir())?;
            let all = || Some(dir.clone());
            let roles = Roles {
                cpu: all(),
                cpuacct: all(),
                memory: all(),
                cpuset: None,
            };
            return Some(Group { v2, roles });
        }
        // A path below one controller's hierarchy names the same group in the others.
        let mut parts = path.components();
        let first = parts.next()?;
        let named = Path::new(&first);
        let controller = ["cpu", "cpuacct", "cpu,cpuacct", "memory"].map(Path::new);
        let path = match controller.contains(&named) {
            true => parts.as_path(),
            false => path,
        };
        let below = |role: &str| Some(root.join(role).join(path)).filter(|dir| dir.is_dir());
        let roles = Roles {
            cpu: below("cpu"),
            cpuacct: below("cpuacct"),
            memory: below("memory"),
            cpuset: None,
        };
        (roles != Roles::default()).then_some(Group { v2, roles })
    }

    /// The live processes in it and in the groups below it, found in one hierarchy.
    pub(crate) fn pids_below(&self) -> Vec<i32> {
        let first = self.roles.dirs().into_iter().next();
        let mut open: Vec<PathBuf> = first.into_iter().collect();
        let mut all = Vec::new();
        while let Some(dir) = open.pop() {
            all.extend(pids(&dir));
            let entries = fs::read_dir(&dir).into_iter().flatten().flatten();
            let folders = entries.filter(|e| e.file_type().is_ok_and(|kind| kind.is_dir()));
            open.extend(folders.map(|entry| entry.path()));
        }
        all
    }

    /// Sets limits before anything runs in the group. Returns a sentence for each that cannot be.
    pub(crate) fn limit(&self, limits: &Limits, cpus: &[u32]) -> Vec<String> {
        let mut failures = self.confine(cpus);
        if let Some(memory) = limits.memory {
            failures.extend(self.limit_memory(memory));
        }
        if let Some(quota) = limits.cpus.filter(|cpus| cpus.whole().is_none()) {
            failures.extend(self.limit_cpu_time(quota));
        }
        failures
    }

    /// The set of CPUs. In version 1 a new cpuset is empty and takes no process until it is filled.
    fn confine(&self, cpus: &[u32]) -> Vec<String> {
        let Some(dir) = &self.roles.cpuset else {
            return Vec::new();
        };
        let list = cpus
            .iter()
            .map(u32::to_string)
            .collect::<Vec<_>>()
            .join(",");
        let mut written = write(dir, "cpuset.cpus", &list);
        if !self.v2 {
            let mems = dir.parent().map_or(Ok(String::from("0")), |parent| {
                fs::read_to_string(parent.join("cpuset.mems"))
            });
            written = written.and_then(|()| write(dir, "cpuset.mems", mems?.trim()));
        }
        sentence(written, || {
            format!("the CPU set is not held to {list} beyond its affinity")
        })
    }

    fn limit_memory(&self, limit: ByteSize) -> Vec<String> {
        let what = || format!("memory is not limited to {limit}");
        let Some(dir) = &self.roles.memory else {
            return vec![no_controller(&what(), "memory")];
        };
        let bytes = limit.bytes().to_string();
        let (max, swap) = match self.v2 {
            true => ("memory.max", ("memory.swap.max", "0")),
            false => (
                "memory.limit_in_bytes",
                ("memory.memsw.limit_in_bytes", bytes.as_str()),
            ),
        };
        let failures = sentence(write(dir, max, &bytes), what);
        if !failures.is_empty() {
            return failures;
        }
        // Without swap accounting, version 1 can still be set to avoid swap.
        let swap_off = write(dir, swap.0, swap.1).or_else(|error| {
            if self.v2 {
                Err(error)
            } else {
                write(dir, "memory.swappiness", "0")
            }
        });
        sentence(swap_off, || {
            format!("swap is not turned off, so {limit} is not all it can use")
        })
    }

    fn limit_cpu_time(&self, cpus: Cpus) -> Vec<String> {
        let what = || format!("CPU time is not limited to {cpus} CPUs");
        let Some(dir) = &self.roles.cpu else {
            return vec![no_controller(&what(), "cpu")];
        };
        let quota = (cpus.get() * PERIOD_US).round().max(SMALLEST_QUOTA_US) as u64;
        let written = match self.v2 {
            true => write(dir, "cpu.max", &format!("{quota} {PERIOD_US}")),
            false => write(dir, "cpu.cfs_period_us", &PERIOD_US.to_string())
                .and_then(|()| write(dir, "cpu.cfs_quota_us", &quota.to_string())),
        };
        sentence(written, what)
    }

    /// The files into which a process writes `0` to move itself here.
    pub(crate) fn doors(&self) -> io::Result<Vec<File>> {
        let open = |dir: PathBuf| {
            OpenOptions::new()
                .write(true)
                .open(dir.join("cgroup.procs"))
        };
        self.roles.dirs().into_iter().map(open).collect()
    }

    /// Is this process in every hierarchy's group?
    pub(crate) fn holds(&self, pid: i32) -> bool {
        self.roles.dirs().iter().all(|dir| pids(dir).contains(&pid))
    }

    /// The live processes in it.
    pub(crate) fn pids(&self) -> Vec<i32> {
        let mut all: Vec<i32> = self.roles.dirs().iter().flat_map(|dir| pids(dir)).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Removes the group. The kernel refuses for a moment after the last process has ended, so this
    /// is tried for up to a second.
    ///
    /// # Errors
    /// The directory that stays, and why.
    pub(crate) fn remove(&self) -> Result<(), (PathBuf, io::Error)> {
        self.roles
            .dirs()
            .into_iter()
            .try_for_each(|dir| remove(&dir).map_err(|error| (dir, error)))
    }
}

/// Removes one directory of a group, with patience.
pub(super) fn remove(dir: &Path) -> io::Result<()> {
    let deadline = Instant::now() + Duration::from_secs(1);
    loop {
        match fs::remove_dir(dir) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) if Instant::now() >= deadline => return Err(error),
            Err(_) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

/// The processes in one directory; none if it cannot be read.
pub(super) fn pids(dir: &Path) -> Vec<i32> {
    let text = fs::read_to_string(dir.join("cgroup.procs")).unwrap_or_default();
    text.lines()
        .filter_map(|line| line.trim().parse().ok())
        .collect()
}

fn write(dir: &Path, file: &str, value: &str) -> io::Result<()> {
    let path = dir.join(file);
    fs::write(&path, value).map_err(|error| {
        let why = format!("{}: {}", path.display(), plain_words(&error));
        io::Error::new(error.kind(), why)
    })
}

fn sentence(result: io::Result<()>, what: impl Fn() -> String) -> Vec<String> {
    result
        .err()
        .map(|error| format!("{} ({})", what(), plain_words(&error)))
        .into_iter()
        .collect()
}

fn no_controller(what: &str, controller: &str) -> String {
    format!("{what} (the {controller} controller may not be used: run as root)")
}
