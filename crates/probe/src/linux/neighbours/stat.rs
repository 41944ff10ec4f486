//! Reads `/proc/PID/stat` (proc_pid_stat(5)) without an allocation.

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{Mode, OFlags, RawDir, open, openat};
use rustix::io::read;
use std::fmt::Write;

/// `PF_KTHREAD` of the kernel's `include/linux/sched.h`, in field 9.
const KERNEL_THREAD: u64 = 0x0020_0000;

/// What a line says about a process, or about one thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stat<'a> {
    /// Its name, as bytes that the process chose.
    pub(super) name: &'a [u8],
    pub(super) parent: i32,
    pub(super) kernel: bool,
    /// CPU time in user mode and in the kernel, clock ticks.
    pub(super) ticks: u64,
    pub(super) threads: u64,
    /// When it was started, clock ticks since boot.
    pub(super) start: u64,
    /// The CPU that it (of a process: its first thread) last ran on.
    pub(super) cpu: u32,
}

impl<'a> Stat<'a> {
    /// The name may hold brackets and spaces: it ends at the last bracket.
    pub(super) fn parse(line: &'a [u8]) -> Option<Self> {
        let begin = line.iter().position(|byte| *byte == b'(')? + 1;
        let end = line.iter().rposition(|byte| *byte == b')')?;
        let name = line.get(begin..end)?;
        let rest = std::str::from_utf8(line.get(end + 1..)?).ok()?;
        // The first word behind the name is field 3.
        let mut words = rest.split_ascii_whitespace().skip(1);
        let parent = words.next()?.parse().ok()?;
        let mut number = |skipped: usize| words.nth(skipped)?.parse::<u64>().ok();
        let flags = number(4)?;
        let (user, system) = (number(4)?, number(0)?);
        let threads = number(4)?;
        let start = number(1)?;
        let cpu = number(16)?;
        Some(Stat {
            name,
            parent,
            kernel: flags & KERNEL_THREAD != 0,
            ticks: user.checked_add(system)?,
            threads,
            start,
            cpu: u32::try_from(cpu).ok()?,
        })
    }

    /// Its name without what could steer a terminal.
    pub(super) fn shown_name(&self) -> String {
        let clean = |c: char| if c.is_control() { '?' } else { c };
        String::from_utf8_lossy(self.name)
            .chars()
            .map(clean)
            .collect()
    }
}

/// Reads `/proc` into buffers that are used again.
#[derive(Debug)]
pub(super) struct Reader {
    proc: OwnedFd,
    path: String,
    line: Vec<u8>,
    entries: Vec<u8>,
}

impl Reader {
    /// `None` where there is no `/proc`.
    pub(super) fn open() -> Option<Self> {
        Some(Reader {
            proc: open("/proc", OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).ok()?,
            path: String::new(),
            // A line has at most some 600 bytes.
            line: vec![0; 2048],
            entries: Vec::with_capacity(32 << 10),
        })
    }

    /// A process; `None` once it is gone.
    pub(super) fn process(&mut self, pid: i32) -> Option<Stat<'_>> {
        self.path.clear();
        write!(self.path, "{pid}/stat").ok()?;
        self.read()
    }

    /// One thread of it.
    pub(super) fn thread(&mut self, pid: i32, tid: i32) -> Option<Stat<'_>> {
        self.path.clear();
        write!(self.path, "{pid}/task/{tid}/stat").ok()?;
        self.read()
    }

    fn read(&mut self) -> Option<Stat<'_>> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let file = openat(&self.proc, self.path.as_str(), flags, Mode::empty()).ok()?;
        // The kernel makes the line at once: one call reads all of it.
        let length = read(&file, &mut self.line[..]).ok()?;
        Stat::parse(&self.line[..length])
    }

    /// The ids of all processes.
    pub(super) fn processes(&mut self, into: &mut Vec<i32>) {
        self.path.clear();
        self.path.push('.');
        self.numbers(into);
    }

    /// The ids of the threads of a process.
    pub(super) fn threads(&mut self, pid: i32, into: &mut Vec<i32>) {
        self.path.clear();
        // Writing to a string cannot fail.
        let _ = write!(self.path, "{pid}/task");
        self.numbers(into);
    }

    fn numbers(&mut self, into: &mut Vec<i32>) {
        into.clear();
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        let Ok(folder) = openat(&self.proc, self.path.as_str(), flags, Mode::empty()) else {
            return;
        };
        let mut entries = RawDir::new(folder.as_fd(), self.entries.spare_capacity_mut());
        while let Some(Ok(entry)) = entries.next() {
            into.extend(
                entry
                    .file_name()
                    .to_str()
                    .ok()
                    .and_then(|name| name.parse::<i32>().ok()),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "4711 (a) (b c) S 1 4711 4711 0 -1 4194560 1 2 3 4 150 50 7 8 20 0 6 0 9999 1 2 \
                        3 4 5 6 7 8 9 10 11 12 13 14 15 17 3 0 0 0 0 0";

    #[test]
    fn a_line_reads_as_its_manual_page_says() {
        let stat = Stat::parse(LINE.as_bytes()).unwrap();
        let expected = Stat {
            name: b"a) (b c",
            parent: 1,
            kernel: false,
            ticks: 200,
            threads: 6,
            start: 9999,
            cpu: 3,
        };
        assert_eq!(stat, expected);
        let thread = LINE.replace(" 4194560 ", " 2129984 ");
        assert!(Stat::parse(thread.as_bytes()).unwrap().kernel);
        for length in 0..LINE.len() - 12 {
            assert_eq!(Stat::parse(&LINE.as_bytes()[..length]), None, "{length}");
        }
        for odd in ["", ")(", "1 () S", "1 (a) S x"] {
            assert_eq!(Stat::parse(odd.as_bytes()), None, "{odd}");
        }
        let huge = LINE.replace(" 150 50 ", &format!(" {} 50 ", u64::MAX));
        assert_eq!(Stat::parse(huge.as_bytes()), None);
    }

    #[test]
    fn a_name_steers_no_terminal() {
        let line = LINE.replace("a) (b c", "\u{1b}[2J\nx\u{9b}");
        let stat = Stat::parse(line.as_bytes()).unwrap();
        assert_eq!(stat.shown_name(), "?[2J?x?");
        let mut bytes = LINE.as_bytes().to_vec();
        bytes[6] = 0xff;
        let stat = Stat::parse(&bytes).unwrap();
        assert_eq!(stat.shown_name(), "\u{fffd}) (b c");
    }

    #[test]
    fn this_process_is_found_with_its_threads() {
        let mut reader = Reader::open().unwrap();
        let me = std::process::id() as i32;
        let mut numbers = Vec::new();
        reader.processes(&mut numbers);
        assert!(numbers.contains(&me));
        reader.threads(me, &mut numbers);
        assert!(numbers.contains(&me));
        let start = reader.process(me).unwrap().start;
        assert_eq!(reader.thread(me, me).map(|stat| stat.start), Some(start));
        assert_eq!(reader.process(i32::MAX), None);
    }
}
