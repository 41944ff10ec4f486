use super::cgroup::{Group, GroupFiles};
use super::members::{Family, lives, reread};
use crate::{Sample, SampleError};
use procfs::FromRead;
use procfs::process::{ClearRefs, Process, Stat};
use rustix::time::{ClockId, clock_gettime};
use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Reads what a process tree uses. Keeps files open between samples and remembers what ended
/// threads had counted, so one sampler should live as long as its target.
///
/// A sample costs about 15 us and 15 us for each thread, with proportional sets 1.2 ms more for a
/// process of 200 MiB (2-CPU virtual machine, kernel 6.18, 2026-11).
#[derive(Debug)]
pub struct Sampler {
    family: Family,
    group: Option<GroupFiles>,
    processes: HashMap<i32, ProcessFiles>,
    threads: HashMap<(i32, i32), Scheduling>,
    /// What threads that have ended had counted.
    ended: Scheduling,
    scanned: Option<Instant>,
    peak_rss_bytes: u64,
    cpu_us: (u64, u64),
    major_faults: u64,
    ticks_per_second: u64,
    buffer: Vec<u8>,
    /// The group that this sampler was attached to, as it was named.
    attached: Option<PathBuf>,
}

/// A scan of all of `/proc` costs milliseconds: without a cgroup that names the processes, new
/// ones are noticed this often.
const RESCAN: Duration = Duration::from_secs(1);

#[derive(Debug)]
struct ProcessFiles {
    process: Process,
    stat: File,
}

/// What the scheduler counts for a thread.
#[derive(Clone, Copy, Debug, Default)]
struct Scheduling {
    voluntary: u64,
    involuntary: u64,
    wait_ns: u64,
}

impl Scheduling {
    fn add(&mut self, other: Scheduling) {
        self.voluntary += other.voluntary;
        self.involuntary += other.involuntary;
        self.wait_ns += other.wait_ns;
    }
}

/// What one process says about itself.
#[derive(Clone, Copy, Debug, Default)]
struct Memory {
    rss_bytes: u64,
    peak_bytes: u64,
}

impl Sampler {
    /// For a process that Understudy did not start, with its descendants. Figures of its cgroup are
    /// not taken: it may share that with others.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn of_pid(pid: u32) -> Result<Sampler, SampleError> {
        let root = i32::try_from(pid).map_err(|_| SampleError::Gone { pid })?;
        Self::of_family(Family {
            root,
            mark: None,
            group: None,
        })
    }

    /// For a control group that Understudy did not make, such as a container's: everything that
    /// runs in it and in the groups below it.
    ///
    /// `path` is what `/proc/PID/cgroup` says behind the last colon, or the directory below
    /// `/sys/fs/cgroup`.
    ///
    /// # Errors
    /// When there is no such group, or nothing runs in it.
    pub fn of_cgroup(path: &Path) -> Result<Sampler, SampleError> {
        let root = Path::new("/sys/fs/cgroup");
        let group = Group::existing(root, path).ok_or_else(|| SampleError::NoGroup {
            path: path.to_owned(),
            root: root.to_owned(),
        })?;
        let mut sampler = Self::new(Family {
            // The id of no process: the group alone defines the members.
            root: 0,
            mark: None,
            group: Some(group),
        });
        sampler.attached = Some(path.to_owned());
        sampler.find_processes();
        match sampler.processes.is_empty() {
            true => Err(sampler.gone()),
            false => Ok(sampler),
        }
    }

    pub(super) fn of_family(family: Family) -> Result<Sampler, SampleError> {
        if !lives(family.root) {
            return Err(SampleError::Gone {
                pid: family.root as u32,
            });
        }
        let mut sampler = Self::new(family);
        sampler.find_processes();
        Ok(sampler)
    }

    fn new(family: Family) -> Sampler {
        Sampler {
            group: family.group.as_ref().map(GroupFiles::open),
            family,
            processes: HashMap::new(),
            threads: HashMap::new(),
            ended: Scheduling::default(),
            scanned: None,
            peak_rss_bytes: 0,
            cpu_us: (0, 0),
            major_faults: 0,
            ticks_per_second: procfs::ticks_per_second().max(1),
            buffer: Vec::new(),
            attached: None,
        }
    }

    fn gone(&self) -> SampleError {
        match &self.attached {
            Some(path) => SampleError::Empty { path: path.clone() },
            None => SampleError::Gone {
                pid: self.family.root as u32,
            },
        }
    }

    /// Reads everything once. `pss` also walks the page tables of every process for
    /// [`Sample::pss_bytes`]: milliseconds for a process of gigabytes, during which it may not map
    /// memory, so ask for it rarely.
    ///
    /// # Errors
    /// When no process of the target is left.
    pub fn sample(&mut self, pss: bool) -> Result<Sample, SampleError> {
        self.find_processes();
        let mut sample = Sample {
            at_ns: now_ns(),
            ..Sample::default()
        };
        self.add_processes(&mut sample);
        if sample.processes == 0 {
            return Err(self.gone());
        }
        self.add_scheduling(&mut sample);
        self.add_group(&mut sample);
        if pss {
            sample.pss_bytes = self.pss_bytes();
        }
        self.never_backwards(&mut sample);
        Ok(sample)
    }

    /// The processes of the target, as they were at the last sample.
    pub fn pids(&self) -> Vec<u32> {
        self.processes.keys().map(|pid| *pid as u32).collect()
    }

    /// Opens what is new and closes what has ended.
    fn find_processes(&mut self) {
        let grouped = match (&self.attached, &self.family.group) {
            (Some(_), Some(group)) => Some(group.pids_below()),
            _ => self
                .group
                .as_ref()
                .and_then(|group| group.pids(&mut self.buffer)),
        };
        let found = match grouped {
            Some(pids) => pids,
            None if self.scanned.is_some_and(|at| at.elapsed() < RESCAN) => return,
            None => {
                self.scanned = Some(Instant::now());
                let members = self.family.members();
                members
                    .iter()
                    .filter(|m| !m.ended())
                    .map(|m| m.pid)
                    .collect()
            }
        };
        self.processes.retain(|pid, _| found.contains(pid));
        for pid in found {
            if !self.processes.contains_key(&pid)
                && let Some(files) = ProcessFiles::open(pid)
            {
                self.processes.insert(pid, files);
            }
        }
    }

    fn add_processes(&mut self, sample: &mut Sample) {
        let (mut user, mut system) = (0, 0);
        let Sampler {
            processes, buffer, ..
        } = self;
        processes.retain(|_, files| {
            let Some(stat) = files.stat(buffer).filter(|stat| stat.state != 'Z') else {
                return false;
            };
            user += stat.utime + stat.cutime.max(0) as u64;
            system += stat.stime + stat.cstime.max(0) as u64;
            sample.major_faults += stat.majflt + stat.cmajflt;
            sample.threads += stat.num_threads.max(0) as u32;
            sample.processes += 1;
            true
        });
        sample.open_files = processes.keys().map(|pid| open_files(*pid)).sum();
        let microseconds = |ticks: u64| ticks * 1_000_000 / self.ticks_per_second;
        sample.cpu_user_us = microseconds(user);
        sample.cpu_system_us = microseconds(system);
    }

    /// Switches and run-queue wait are counted by thread, memory is the same in every thread.
    fn add_scheduling(&mut self, sample: &mut Sample) {
        let mut current = HashMap::with_capacity(self.threads.len());
        for pid in self.processes.keys() {
            let mut memory = Memory::default();
            for tid in numbers_in(&format!("/proc/{pid}/task")) {
                let Some((scheduling, used)) = thread(*pid, tid, &mut self.buffer) else {
                    continue;
                };
                current.insert((*pid, tid), scheduling);
                memory = used;
            }
            sample.rss_bytes += memory.rss_bytes;
            sample.peak_rss_bytes += memory.peak_bytes;
        }
        let gone = self
            .threads
            .iter()
            .filter(|(id, _)| !current.contains_key(*id));
        gone.for_each(|(_, last)| self.ended.add(*last));
        self.threads = current;
        let mut total = self.ended;
        self.threads.values().for_each(|thread| total.add(*thread));
        sample.voluntary_switches = total.voluntary;
        sample.involuntary_switches = total.involuntary;
        sample.run_queue_wait_ns = total.wait_ns;
    }

    fn add_group(&mut self, sample: &mut Sample) {
        let Sampler {
            group: Some(group),
            buffer,
            ..
        } = self
        else {
            return;
        };
        if let Some((user, system)) = group.cpu_us(buffer) {
            (sample.cpu_user_us, sample.cpu_system_us) = (user, system);
        }
        sample.throttled_us = group.throttled_us(buffer);
        sample.cgroup_bytes = group.memory_bytes(buffer);
        sample.cgroup_peak_bytes = group.memory_peak_bytes(buffer);
        let inactive = group.inactive_file_bytes(buffer);
        let used = sample.cgroup_bytes.zip(inactive);
        sample.cgroup_working_set_bytes = used.map(|(all, cache)| all.saturating_sub(cache));
        sample.oom_kills = group.oom_kills(buffer);
        sample.pressure = group.pressure(buffer);
    }

    fn pss_bytes(&self) -> Option<u64> {
        self.processes
            .values()
            .map(|files| pss_bytes(&files.process))
            .sum()
    }

    /// Without a cgroup, what an ended process had counted is lost unless its parent waited for it;
    /// a counter then stays as it is instead of falling.
    fn never_backwards(&mut self, sample: &mut Sample) {
        sample.cpu_user_us = sample.cpu_user_us.max(self.cpu_us.0);
        sample.cpu_system_us = sample.cpu_system_us.max(self.cpu_us.1);
        sample.major_faults = sample.major_faults.max(self.major_faults);
        sample.peak_rss_bytes = sample.peak_rss_bytes.max(self.peak_rss_bytes);
        self.cpu_us = (sample.cpu_user_us, sample.cpu_system_us);
        self.major_faults = sample.major_faults;
        self.peak_rss_bytes = sample.peak_rss_bytes;
    }

    /// Lets the peaks of memory start again from what is used now. Returns a sentence for each that
    /// cannot: its peak counts from the start of the process.
    pub fn reset_peak(&mut self) -> Vec<String> {
        if self.family.mark.is_none() {
            return vec!["it was not started by Understudy: its peaks are left as they are".into()];
        }
        self.find_processes();
        let mut sentences = Vec::new();
        for (pid, files) in &self.processes {
            if let Err(error) = files.process.clear_refs(ClearRefs::PeakRSS)
                && lives(*pid)
            {
                sentences.push(format!(
                    "the peak RSS of process {pid} is not reset ({error})"
                ));
            }
        }
        sentences.extend(
            self.group
                .as_ref()
                .and_then(|group| group.reset_peak().err()),
        );
        self.peak_rss_bytes = 0;
        sentences
    }
}

impl ProcessFiles {
    fn open(pid: i32) -> Option<ProcessFiles> {
        let stat = File::open(format!("/proc/{pid}/stat")).ok()?;
        Some(ProcessFiles {
            process: Process::new(pid).ok()?,
            stat,
        })
    }

    /// `None` once the process has ended, even if its id is used again.
    fn stat(&self, buffer: &mut Vec<u8>) -> Option<Stat> {
        Stat::from_read(reread(&self.stat, buffer)?.as_bytes()).ok()
    }
}

/// Proportional set of one process, bytes: the `Pss:` line of `smaps_rollup`.
fn pss_bytes(process: &Process) -> Option<u64> {
    let rollup = process.smaps_rollup().ok()?;
    rollup
        .memory_map_rollup
        .iter()
        .map(|map| map.extension.map.get("Pss").copied())
        .sum()
}

/// Open file descriptors of one process. Since Linux 6.2 the folder's size says how many; before,
/// they are counted.
fn open_files(pid: i32) -> Option<u64> {
    let folder = format!("/proc/{pid}/fd");
    match fs::metadata(&folder).ok()?.len() {
        0 => Some(fs::read_dir(&folder).ok()?.count() as u64),
        counted => Some(counted),
    }
}

fn thread(pid: i32, tid: i32, buffer: &mut Vec<u8>) -> Option<(Scheduling, Memory)> {
    let mut read = |name: &str| {
        let file = File::open(format!("/proc/{pid}/task/{tid}/{name}")).ok()?;
        reread(&file, buffer).map(|text| text.into_owned())
    };
    let status = read("status")?;
    let number = |key: &str| status_number(&status, key);
    let scheduling = Scheduling {
        voluntary: number("voluntary_ctxt_switches:"),
        involuntary: number("nonvoluntary_ctxt_switches:"),
        wait_ns: read("schedstat")
            .and_then(|text| text.split(' ').nth(1)?.parse().ok())
            .unwrap_or(0),
    };
    let kibibytes = |key: &str| number(key) * 1024;
    Some((
        scheduling,
        Memory {
            rss_bytes: kibibytes("VmRSS:"),
            peak_bytes: kibibytes("VmHWM:"),
        },
    ))
}

/// The first number of the line with this key; 0 without the line (a kernel thread has no memory).
fn status_number(status: &str, key: &str) -> u64 {
    let value = status.lines().find_map(|line| line.strip_prefix(key));
    value
        .and_then(|v| v.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

fn numbers_in(dir: &str) -> Vec<i32> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}
