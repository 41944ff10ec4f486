//! What processes used between two moments. Pure: it is given what was read.

use super::stat::Stat;
use std::collections::HashMap;
use understudy_model::neighbours::{Neighbour, OnCpu};

/// Counters of threads that are kept for a process.
const MOST_THREADS: usize = 256;

/// Whose process is it?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    Understudy,
    Side,
    Other,
}

/// One process, and what it has used since the observation began.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) pid: i32,
    pub(super) whose: Whose,
    /// A process id is used again; with the time of the start it is not.
    pub(super) start: u64,
    /// The search that saw it last.
    pub(super) seen: u64,
    /// Clock ticks.
    pub(super) used: u64,
    /// Has it more than one thread?
    pub(super) has_threads: bool,
    name: String,
    kernel: bool,
    /// The counter at the last look.
    ticks: u64,
    on: Vec<(u32, u64)>,
    /// Counters of its threads, with their starts.
    threads: HashMap<i32, (u64, u64)>,
}

impl Account {
    /// A process that was first seen now. What it had used before counts if it was started within the
    /// observation.
    pub(super) fn open(pid: i32, whose: Whose, stat: &Stat<'_>, within: bool) -> Self {
        let mut account = Account {
            pid,
            whose,
            start: stat.start,
            seen: 0,
            used: 0,
            has_threads: false,
            name: String::new(),
            kernel: stat.kernel,
            ticks: if within { 0 } else { stat.ticks },
            on: Vec::new(),
            threads: HashMap::new(),
        };
        account.update(stat);
        account
    }

    /// Adds what it used since the last look, and returns that in clock ticks. The first thread says where
    /// the process ran if it is the only one.
    pub(super) fn update(&mut self, stat: &Stat<'_>) -> u64 {
        let used = stat.ticks.saturating_sub(self.ticks);
        self.ticks = stat.ticks;
        self.has_threads = stat.threads > 1;
        if used == 0 {
            return 0;
        }
        self.used += used;
        // A program that starts another one takes its name.
        if self.name.as_bytes() != stat.name {
            self.name = stat.shown_name();
        }
        if stat.threads <= 1 {
            self.threads.clear();
            self.add_on(stat.cpu, used);
        }
        used
    }

    /// Adds where a thread ran. Its first look says nothing, unless it was started after `since`.
    pub(super) fn update_thread(&mut self, tid: i32, stat: &Stat<'_>, since: u64) {
        // What a server that starts a thread for each request leaves.
        if self.threads.len() >= MOST_THREADS {
            self.threads.clear();
        }
        let known = self.threads.insert(tid, (stat.start, stat.ticks));
        let before = match known {
            Some((start, ticks)) if start == stat.start => ticks,
            _ if stat.start >= since => 0,
            _ => return,
        };
        let used = stat.ticks.saturating_sub(before);
        if used > 0 {
            self.add_on(stat.cpu, used);
        }
    }

    fn add_on(&mut self, cpu: u32, ticks: u64) {
        match self.on.iter_mut().find(|(known, _)| *known == cpu) {
            Some((_, sum)) => *sum += ticks,
            None => self.on.push((cpu, ticks)),
        }
    }

    /// Where it ran, the most first.
    pub(super) fn on(&self, tick_s: f64) -> Vec<OnCpu> {
        let mut on = self.on.clone();
        on.sort_unstable_by_key(|(cpu, ticks)| (std::cmp::Reverse(*ticks), *cpu));
        on.into_iter()
            .map(|(cpu, ticks)| OnCpu {
                cpu,
                cpu_s: ticks as f64 * tick_s,
            })
            .collect()
    }

    /// As it is stored.
    pub(super) fn neighbour(&self, tick_s: f64, seconds: f64) -> Neighbour {
        let cpu_s = self.used as f64 * tick_s;
        Neighbour {
            pid: self.pid as u32,
            name: self.name.clone(),
            kernel: self.kernel,
            cpu_s,
            share: cpu_s / seconds,
            on: self.on(tick_s),
        }
    }
}

/// Processes that have ended. The heaviest are kept, the others as a sum.
#[derive(Debug, Default)]
pub(super) struct Ended {
    pub(super) kept: Vec<Account>,
    /// Of those that are not kept, clock ticks.
    pub(super) others: u64,
    pub(super) count: u64,
}

impl Ended {
    /// Far more than are shown.
    const MOST: usize = 64;

    pub(super) fn add(&mut self, account: Account) {
        self.count += 1;
        if account.used == 0 {
            return;
        }
        self.kept.push(account);
        if self.kept.len() > 2 * Self::MOST {
            self.kept
                .sort_unstable_by_key(|account| std::cmp::Reverse(account.used));
            let dropped = self.kept.drain(Self::MOST..);
            self.others += dropped.map(|account| account.used).sum::<u64>();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stat(ticks: u64, threads: u64, cpu: u32) -> Stat<'static> {
        Stat {
            name: b"cargo",
            parent: 1,
            kernel: false,
            ticks,
            threads,
            start: 500,
            cpu,
        }
    }

    #[test]
    fn what_was_used_before_counts_only_if_it_started_within() {
        let mut old = Account::open(7, Whose::Other, &stat(1000, 1, 0), false);
        assert_eq!(old.used, 0);
        assert_eq!(old.update(&stat(1030, 1, 0)), 30);
        assert_eq!(old.update(&stat(1030, 1, 1)), 0);
        assert_eq!(old.update(&stat(1050, 1, 1)), 20);
        let shown = old.neighbour(0.01, 2.0);
        assert_eq!((shown.pid, shown.name.as_str()), (7, "cargo"));
        assert!((shown.cpu_s - 0.5).abs() < 1e-12 && (shown.share - 0.25).abs() < 1e-12);
        let on: Vec<u32> = shown.on.iter().map(|one| one.cpu).collect();
        assert_eq!(on, [0, 1], "{shown:?}");
        let new = Account::open(8, Whose::Other, &stat(40, 1, 3), true);
        assert_eq!((new.used, new.on.as_slice()), (40, &[(3, 40)][..]));
    }

    #[test]
    fn of_several_threads_the_threads_say_where() {
        let mut of_many = Account::open(7, Whose::Other, &stat(100, 4, 0), false);
        of_many.update(&stat(160, 4, 0));
        assert!(of_many.on.is_empty(), "the first thread may have slept");
        // Seen for the first time: it may have used that long ago.
        of_many.update_thread(8, &stat(90, 4, 1), 600);
        assert!(of_many.on.is_empty());
        of_many.update_thread(8, &stat(120, 4, 1), 600);
        // Another thread with its id, which started since.
        let reused = Stat {
            start: 650,
            ..stat(5, 4, 2)
        };
        of_many.update_thread(8, &reused, 600);
        assert_eq!(of_many.on, [(1, 30), (2, 5)]);
    }

    #[test]
    fn a_program_that_starts_another_takes_its_name() {
        let mut account = Account::open(7, Whose::Other, &stat(0, 1, 0), true);
        account.update(&stat(1, 1, 0));
        let started = Stat {
            name: b"rustc",
            ..stat(9, 1, 0)
        };
        account.update(&started);
        assert_eq!(account.neighbour(0.01, 1.0).name, "rustc");
    }

    #[test]
    fn the_heaviest_that_ended_are_kept_and_none_is_lost() {
        let mut ended = Ended::default();
        for number in 0..1000u64 {
            let account = Account::open(number as i32, Whose::Other, &stat(number, 1, 0), true);
            ended.add(account);
        }
        assert_eq!(ended.count, 1000);
        assert!(ended.kept.len() <= 2 * Ended::MOST);
        assert!(ended.kept.iter().any(|account| account.used == 999));
        let sum: u64 = ended.kept.iter().map(|account| account.used).sum();
        assert_eq!(sum + ended.others, 999 * 1000 / 2);
    }
}
