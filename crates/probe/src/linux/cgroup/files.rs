use super::Group;
use crate::Pressure;
use crate::platform::members::reread;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use understudy_model::plain_words;

/// The open counters of a group: opened once, read at every sample.
#[derive(Debug)]
pub(crate) struct GroupFiles {
    v2: bool,
    procs: Option<File>,
    /// Version 1: `cpuacct.usage` (ns); version 2: `cpu.stat`.
    usage: Option<File>,
    /// Version 1: `cpuacct.usage_user` and `cpuacct.usage_sys` (ns).
    split: Option<(File, File)>,
    /// `cpu.stat` of the cpu controller.
    cpu_stat: Option<File>,
    memory: Option<File>,
    memory_peak: Option<File>,
    memory_stat: Option<File>,
    /// Version 1: `memory.oom_control`; version 2: `memory.events`.
    memory_events: Option<File>,
    /// Version 2: pressure of CPU, memory and disk.
    pressure: [Option<File>; 3],
}

impl GroupFiles {
    pub(crate) fn open(group: &Group) -> GroupFiles {
        let (roles, v2) = (&group.roles, group.v2);
        let open = |dir: &Option<PathBuf>, v1_name: &str, v2_name: &str| {
            let name = if v2 { v2_name } else { v1_name };
            dir.as_ref().and_then(|dir| File::open(dir.join(name)).ok())
        };
        let user = open(&roles.cpuacct, "cpuacct.usage_user", "");
        let system = open(&roles.cpuacct, "cpuacct.usage_sys", "");
        GroupFiles {
            v2,
            procs: group
                .roles
                .dirs()
                .first()
                .and_then(|d| File::open(d.join("cgroup.procs")).ok()),
            usage: open(&roles.cpuacct, "cpuacct.usage", "cpu.stat"),
            split: if v2 { None } else { user.zip(system) },
            cpu_stat: open(&roles.cpu, "cpu.stat", "cpu.stat"),
            memory: open(&roles.memory, "memory.usage_in_bytes", "memory.current"),
            memory_peak: roles
                .memory
                .as_ref()
                .and_then(|dir| open_peak(dir.clone(), v2)),
            memory_stat: open(&roles.memory, "memory.stat", "memory.stat"),
            memory_events: open(&roles.memory, "memory.oom_control", "memory.events"),
            pressure: ["cpu.pressure", "memory.pressure", "io.pressure"].map(|name| {
                let dir = roles.cpuacct.as_ref().filter(|_| v2)?;
                File::open(dir.join(name)).ok()
            }),
        }
    }

    /// The live processes of the group.
    pub(crate) fn pids(&self, buffer: &mut Vec<u8>) -> Option<Vec<i32>> {
        let text = reread(self.procs.as_ref()?, buffer)?;
        Some(text.lines().filter_map(|line| line.parse().ok()).collect())
    }

    /// CPU time in user mode and in the kernel, microseconds.
    ///
    /// Version 1 counts the total exactly (`cpuacct.usage`) and the two parts, on kernels with
    /// sampled accounting, by ticks: the total is exact and divided in the proportion of the parts.
    pub(crate) fn cpu_us(&self, buffer: &mut Vec<u8>) -> Option<(u64, u64)> {
        let text = reread(self.usage.as_ref()?, buffer)?;
        if self.v2 {
            return Some((value(&text, "user_usec")?, value(&text, "system_usec")?));
        }
        let total_ns: u64 = text.trim().parse().ok()?;
        let (user, system) = self.split.as_ref()?;
        let user: u64 = reread(user, buffer)?.trim().parse().ok()?;
        let system: u64 = reread(system, buffer)?.trim().parse().ok()?;
        let total_us = total_ns / 1_000;
        let parts = (user + system).max(1);
        let user_us = (u128::from(total_us) * u128::from(user) / u128::from(parts)) as u64;
        Some((user_us, total_us - user_us))
    }

    /// Time held back by the quota, microseconds.
    pub(crate) fn throttled_us(&self, buffer: &mut Vec<u8>) -> Option<u64> {
        let text = reread(self.cpu_stat.as_ref()?, buffer)?;
        match self.v2 {
            true => value(&text, "throttled_usec"),
            false => value(&text, "throttled_time").map(|ns| ns / 1_000),
        }
    }

    /// Memory of the group now, bytes.
    pub(crate) fn memory_bytes(&self, buffer: &mut Vec<u8>) -> Option<u64> {
        reread(self.memory.as_ref()?, buffer)?.trim().parse().ok()
    }

    /// Highest memory of the group, bytes.
    pub(crate) fn memory_peak_bytes(&self, buffer: &mut Vec<u8>) -> Option<u64> {
        reread(self.memory_peak.as_ref()?, buffer)?
            .trim()
            .parse()
            .ok()
    }

    /// Page cache of the group that can be dropped at once, bytes.
    pub(crate) fn inactive_file_bytes(&self, buffer: &mut Vec<u8>) -> Option<u64> {
        let text = reread(self.memory_stat.as_ref()?, buffer)?;
        value(
            &text,
            if self.v2 {
                "inactive_file"
            } else {
                "total_inactive_file"
            },
        )
    }

    /// Processes killed because the limit was reached.
    pub(crate) fn oom_kills(&self, buffer: &mut Vec<u8>) -> Option<u64> {
        value(&reread(self.memory_events.as_ref()?, buffer)?, "oom_kill")
    }

    /// How long some of its threads could not continue.
    pub(crate) fn pressure(&self, buffer: &mut Vec<u8>) -> Pressure {
        let mut some = |file: &Option<File>| some_total(&reread(file.as_ref()?, buffer)?);
        let [cpu, memory, io] = &self.pressure;
        Pressure {
            cpu_us: some(cpu),
            memory_us: some(memory),
            io_us: some(io),
        }
    }

    /// Lets the peak start again from now. In version 2 (kernel 6.12 and later) that holds for this
    /// open file only.
    ///
    /// # Errors
    /// A sentence, when there is no such counter or the kernel refuses.
    pub(crate) fn reset_peak(&self) -> Result<(), String> {
        let since_start = "the peak of the cgroup's memory counts from the start of the child";
        let Some(peak) = &self.memory_peak else {
            return Err("the peak of the cgroup's memory is not measured".into());
        };
        let text: &[u8] = if self.v2 { b"reset\n" } else { b"0" };
        peak.write_at(text, 0)
            .map(drop)
            .map_err(|error| format!("{since_start} ({})", plain_words(&error)))
    }
}

fn open_peak(dir: PathBuf, v2: bool) -> Option<File> {
    let path = dir.join(if v2 {
        "memory.peak"
    } else {
        "memory.max_usage_in_bytes"
    });
    // Kernels before 6.12 have a `memory.peak` that can only be read.
    OpenOptions::new()
        .read(true)
        .write(true)
        .open(&path)
        .or_else(|_| File::open(&path))
        .ok()
}

/// The total of the line `some avg10=0.00 avg60=0.00 avg300=0.00 total=123`, microseconds.
pub(super) fn some_total(text: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with("some "))?;
    line.rsplit_once("total=")?.1.trim().parse().ok()
}

/// The number after a key at the start of a line: `oom_kill 3`.
pub(super) fn value(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        line.strip_prefix(key)?
            .strip_prefix(' ')?
            .trim()
            .parse()
            .ok()
    })
}
