//! Which other processes used the CPUs of this machine.

mod account;
mod stat;

use account::{Account, Ended, Whose};
use rustix::time::{ClockId, clock_gettime};
use stat::Reader;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use understudy_host::{EachCpu, MachineTime};
use understudy_model::neighbours::{CpuUse, Neighbours, OnCpu};

/// Processes that are observed at most: those with the highest ids where there are more.
const MOST_PROCESSES: usize = 4096;
/// Processes that are returned.
const HEAVIEST: usize = 5;
/// A search reads so many processes at a time and then pauses: it runs on the generator's CPUs, and what
/// it keeps a request waiting must be short.
const AT_A_TIME: usize = 16;
const PAUSE: Duration = Duration::from_millis(2);
/// A search of all processes may take one part in so many of the time, and so may the threads.
const SEARCH_SHARE: u32 = 400;
const THREADS_SHARE: u32 = 800;
/// Between two searches the processes that have used most are read, so many of them.
const MOST_BUSY: usize = 16;
/// The threads of a process are read where it used such a share of a CPU since the last look: so many of
/// one process. Before and after the window so many are read of all.
const WORTH_THREADS: f64 = 0.05;
const MOST_THREADS: usize = 64;
const MOST_AROUND: usize = 256;

/// Observes the CPU time of every process of this machine by difference, without this process and the
/// measured side. Its files are read anew at each look, into buffers that are used again.
///
/// What a look costs is in `docs/performance.md`.
#[derive(Debug)]
pub struct NeighbourSampler {
    reader: Reader,
    began: Instant,
    /// Clock ticks since boot.
    began_ticks: u64,
    before: EachCpu,
    accounts: HashMap<i32, Account>,
    ended: Ended,
    search: Search,
    /// When the last look was, in clock ticks since boot and by the clock.
    last_look: (u64, Instant),
    /// CPU time for threads so far, and since when.
    spent: (Duration, Instant),
    /// Are the processes of the side known?
    side_is_known: bool,
    /// Used again.
    pids: Vec<i32>,
    busy: Vec<(u64, i32)>,
}

/// When all of `/proc` was searched.
#[derive(Debug)]
struct Search {
    number: u64,
    last: Instant,
    next: Instant,
    /// How long the last one took.
    took: Duration,
    longest_gap: Duration,
    not_observed: u64,
}

impl NeighbourSampler {
    /// Begins to observe. `side` has the processes of the measured side, `None` if they are not known.
    /// `None` where there is no `/proc`. The first search is over at `by`, if it can be: it pauses less then.
    pub fn begin(side: Option<&[u32]>, by: Instant) -> Option<Self> {
        let now = Instant::now();
        let mut sampler = NeighbourSampler {
            reader: Reader::open()?,
            began: now,
            began_ticks: ticks_since_boot(),
            before: EachCpu::now()?,
            accounts: HashMap::new(),
            ended: Ended::default(),
            search: Search {
                number: 0,
                last: now,
                next: now,
                took: Duration::ZERO,
                longest_gap: Duration::ZERO,
                not_observed: 0,
            },
            last_look: (ticks_since_boot(), now),
            spent: (Duration::ZERO, now),
            side_is_known: side.is_some(),
            pids: Vec::new(),
            busy: Vec::new(),
        };
        sampler.search_all(side, Some(by));
        // Where the threads of a process ran is known from their first look on: those that have run most
        // have it now.
        sampler.read_threads(1, |read| read < MOST_AROUND);
        sampler.spent.1 = Instant::now();
        Some(sampler)
    }

    /// Looks again. All processes are read where that may be paid for and is over at `by`, else those that
    /// used CPU time.
    pub fn look(&mut self, side: Option<&[u32]>, by: Instant) {
        let now = Instant::now();
        if now >= self.search.next && now + 2 * self.search.took < by {
            self.search_all(side, Some(by));
        } else {
            self.mark(side);
            self.read_busy();
        }
        let ticks = self.last_look.1.elapsed().as_secs_f64() * procfs::ticks_per_second() as f64;
        let worth = (ticks * WORTH_THREADS).max(1.0) as u64;
        let (spent, since) = self.spent;
        let (begin, most) = (thread_cpu(), since.elapsed() / THREADS_SHARE);
        let took = || thread_cpu().saturating_sub(begin);
        self.read_threads(worth, |_| spent + took() < most);
        self.spent.0 += took();
        self.last_look = (ticks_since_boot(), Instant::now());
    }

    /// Looks for the last time.
    pub fn end(mut self, side: Option<&[u32]>) -> Neighbours {
        self.search_all(side, None);
        self.collect_busy();
        self.read_threads(1, |read| read < MOST_AROUND);
        let seconds = self.began.elapsed().as_secs_f64().max(1e-9);
        let after = EachCpu::now().unwrap_or_else(|| self.before.clone());
        let tick_s = 1.0 / procfs::ticks_per_second().max(1) as f64;
        let cpus = uses(&self.before, &after);
        let all = || self.accounts.values().chain(&self.ended.kept);
        let explained = all().map(|one| one.used).sum::<u64>() + self.ended.others;
        let ran_s: f64 = cpus.iter().map(|cpu| cpu.ran_s).sum();
        let mut others: Vec<&Account> = all()
            .filter(|one| one.whose == Whose::Other && one.used > 0)
            .collect();
        others.sort_unstable_by_key(|one| (std::cmp::Reverse(one.used), one.pid));
        let heaviest = others.iter().take(HEAVIEST);
        let of_side = all().filter(|one| one.whose == Whose::Side);
        Neighbours {
            seconds,
            generator_cpus: Vec::new(),
            processes: heaviest.map(|one| one.neighbour(tick_s, seconds)).collect(),
            side: self
                .side_is_known
                .then(|| summed(of_side.flat_map(|one| one.on(tick_s)))),
            started: after.started.saturating_sub(self.before.started),
            ended: self.ended.count,
            unexplained_s: (ran_s - explained as f64 * tick_s).max(0.0),
            longest_gap_s: self.search.longest_gap.as_secs_f64(),
            not_observed: self.search.not_observed,
            cpus,
        }
    }

    /// Reads every process, some at a time.
    fn search_all(&mut self, side: Option<&[u32]>, by: Option<Instant>) {
        let begin = Instant::now();
        let cpu_before = thread_cpu();
        let first = self.search.number == 0;
        self.search.number += 1;
        self.mark(side);
        self.busy.clear();
        let mut pids = std::mem::take(&mut self.pids);
        self.reader.processes(&mut pids);
        pids.sort_unstable();
        let beyond = pids.len().saturating_sub(MOST_PROCESSES);
        self.search.not_observed = self.search.not_observed.max(beyond as u64);
        let mut chunks = pids[beyond..].chunks(AT_A_TIME);
        while let Some(some) = chunks.next() {
            for pid in some {
                self.read(*pid, side, first);
            }
            if chunks.len() > 0 {
                pause(by, chunks.len());
            }
        }
        self.pids = pids;
        let number = self.search.number;
        let gone = self.accounts.extract_if(|_, one| one.seen != number);
        gone.for_each(|(_, one)| self.ended.add(one));
        let gap = begin.duration_since(self.search.last);
        self.search.longest_gap = self.search.longest_gap.max(gap);
        self.search.last = begin;
        self.search.took = begin.elapsed();
        self.search.next = begin + thread_cpu().saturating_sub(cpu_before) * SEARCH_SHARE;
    }

    /// Reads one process and books what it used.
    fn read(&mut self, pid: i32, side: Option<&[u32]>, first: bool) {
        let Some(stat) = self.reader.process(pid) else {
            return;
        };
        let number = self.search.number;
        let parent = self.accounts.get(&stat.parent).map(|parent| parent.whose);
        if let Some(known) = self.accounts.get_mut(&pid) {
            if known.start == stat.start {
                known.seen = number;
                // A child with a lower id than its parent is read first.
                if parent == Some(Whose::Side) && known.whose == Whose::Other {
                    known.whose = Whose::Side;
                }
                let used = known.update(&stat);
                if used > 0 && stat.threads > 1 {
                    self.busy.push((used, pid));
                }
                return;
            }
            // Its id is used again.
            if let Some(gone) = self.accounts.remove(&pid) {
                self.ended.add(gone);
            }
        }
        let of_side = side.is_some_and(|all| all.contains(&(pid as u32)));
        let whose = match parent {
            _ if pid as u32 == std::process::id() => Whose::Understudy,
            _ if of_side => Whose::Side,
            Some(Whose::Side) => Whose::Side,
            _ => Whose::Other,
        };
        let within = !first && stat.start >= self.began_ticks;
        let mut account = Account::open(pid, whose, &stat, within);
        account.seen = number;
        let used = if first { stat.ticks } else { account.used };
        if stat.threads > 1 && used > 0 {
            self.busy.push((used, pid));
        }
        self.accounts.insert(pid, account);
    }

    /// Marks the processes of the side: a new one may have been read before the side was asked.
    fn mark(&mut self, side: Option<&[u32]>) {
        self.side_is_known &= side.is_some();
        for pid in side.unwrap_or_default() {
            if let Some(account) = self.accounts.get_mut(&(*pid as i32)) {
                account.whose = Whose::Side;
            }
        }
    }

    /// All that have used CPU time so far, by how much.
    fn collect_busy(&mut self) {
        self.busy.clear();
        let used = self.accounts.values().filter(|one| one.used > 0);
        self.busy.extend(used.map(|one| (one.used, one.pid)));
    }

    /// Reads the processes that have used most so far.
    fn read_busy(&mut self) {
        self.collect_busy();
        self.busy.sort_unstable_by(|a, b| b.cmp(a));
        self.busy.truncate(MOST_BUSY);
        let mut kept = 0;
        for index in 0..self.busy.len() {
            let (_, pid) = self.busy[index];
            let Some(account) = self.accounts.get_mut(&pid) else {
                continue;
            };
            // Gone, or another one: the next search books that.
            let Some(stat) = self
                .reader
                .process(pid)
                .filter(|s| s.start == account.start)
            else {
                continue;
            };
            let used = account.update(&stat);
            if stat.threads > 1 {
                self.busy[kept] = (used, pid);
                kept += 1;
            }
        }
        self.busy.truncate(kept);
    }

    /// Finds out on which CPUs the heaviest of the busy processes ran that have several threads, those that
    /// used at least `worth`; `may_continue` is asked with the number of threads that were read.
    fn read_threads(&mut self, worth: u64, may_continue: impl Fn(usize) -> bool) {
        let (since, _) = self.last_look;
        self.busy.sort_unstable_by(|a, b| b.cmp(a));
        let mut tids = std::mem::take(&mut self.pids);
        let mut read = 0;
        for (used, pid) in &self.busy {
            if *used < worth || !may_continue(read) {
                break;
            }
            let Some(account) = self.accounts.get_mut(pid) else {
                continue;
            };
            if account.whose == Whose::Understudy || !account.has_threads {
                continue;
            }
            self.reader.threads(*pid, &mut tids);
            for tid in tids.iter().take(MOST_THREADS) {
                if !may_continue(read) {
                    break;
                }
                read += 1;
                if let Some(stat) = self.reader.thread(*pid, *tid) {
                    account.update_thread(*tid, &stat, since);
                }
            }
        }
        self.pids = tids;
    }
}

/// Pauses between two parts of a search, of which so many are left.
fn pause(by: Option<Instant>, left: usize) {
    let most = by.map(|by| by.saturating_duration_since(Instant::now()) / left as u32);
    let pause = most.map_or(PAUSE, |most| most.min(PAUSE));
    if !pause.is_zero() {
        std::thread::sleep(pause);
    }
}

/// What each CPU did in between; one that was not online at both ends is left out.
fn uses(before: &EachCpu, after: &EachCpu) -> Vec<CpuUse> {
    let then: HashMap<u32, MachineTime> = before.cpus.iter().copied().collect();
    let both = after
        .cpus
        .iter()
        .filter_map(|(cpu, now)| Some((*cpu, now, then.get(cpu)?)));
    both.map(|(cpu, now, then)| {
        let seconds = |of: fn(&MachineTime) -> u64| of(now).saturating_sub(of(then)) as f64 / 1e9;
        CpuUse {
            cpu,
            ran_s: seconds(|all| all.busy_ns - all.interrupts_ns),
            interrupts_s: seconds(|all| all.interrupts_ns),
            idle_s: seconds(|all| all.idle_ns),
            stolen_s: seconds(|all| all.stolen_ns),
        }
    })
    .collect()
}

/// By CPU.
fn summed(parts: impl Iterator<Item = OnCpu>) -> Vec<OnCpu> {
    let mut sums = std::collections::BTreeMap::<u32, f64>::new();
    parts.for_each(|part| *sums.entry(part.cpu).or_default() += part.cpu_s);
    sums.into_iter()
        .map(|(cpu, cpu_s)| OnCpu { cpu, cpu_s })
        .collect()
}

/// The clock by which the kernel says when a process was started.
fn ticks_since_boot() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    let per_second = procfs::ticks_per_second().max(1);
    now.tv_sec as u64 * per_second + now.tv_nsec as u64 * per_second / 1_000_000_000
}

/// CPU time of the calling thread.
fn thread_cpu() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}
