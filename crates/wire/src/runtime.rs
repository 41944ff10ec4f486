//! What runtimes write about their collectors: when they stopped the program, when they collected
//! beside it, when threads of it had to help.
//!
//! Each format turns one line into at most a few [`Event`]s; lines that are something else (the
//! program's own log) give none. Times are nanoseconds on the clock that the line itself uses, see
//! [`Clock`]. .NET writes no lines but a binary [`Trace`].

mod dotnet;
mod go;
mod jvm;
mod marks;
mod nettrace;
mod number;
mod ruby;
mod v8;

#[cfg(test)]
mod tests;

pub use dotnet::Trace;

/// What an event does to the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Every thread of the program stands still.
    Stop,
    /// The collector works beside the program and takes CPU, caches and barriers from it.
    Concurrent,
    /// Threads of the program had to help the collector or to wait for it in this stretch of time;
    /// not all of them, and not all of the time.
    Assist,
}

/// What the times of an event count from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Clock {
    /// The system's monotonic clock (`CLOCK_MONOTONIC`), nanoseconds.
    Monotonic,
    /// A moment at the start of the process.
    ProcessStart,
}

/// A stretch of time in which a runtime did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// What it did.
    pub kind: Kind,
    /// What the times count from.
    pub clock: Clock,
    /// Begin, nanoseconds.
    pub start_ns: u64,
    /// End, nanoseconds; not before the begin.
    pub end_ns: u64,
    /// By how much both may be off, either way, because the line rounds them, nanoseconds.
    pub error_ns: u64,
}

/// Who wrote the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Go with `GODEBUG=gctrace=1`.
    Go,
    /// A JVM (9 and later) with `-Xlog:gc*,safepoint`.
    Jvm,
    /// Node or another program around V8 with `--trace-gc`.
    V8,
    /// Ruby: what `GC::Profiler.report` prints.
    Ruby,
    /// The lines of Understudy's own preloaded files: `<kind> <start> <end>`.
    Marks,
}

impl Format {
    /// Every format.
    pub const ALL: [Format; 5] = [
        Format::Go,
        Format::Jvm,
        Format::V8,
        Format::Ruby,
        Format::Marks,
    ];
}

/// A longer line is none of a runtime.
const LONGEST_LINE: usize = 4096;

/// The events that one line tells, in the order of the line.
pub fn read_line(format: Format, line: &str) -> Vec<Event> {
    if line.len() > LONGEST_LINE {
        return Vec::new();
    }
    let line = line.trim_end_matches(['\r', '\n']);
    match format {
        Format::Go => go::read_line(line).unwrap_or_default(),
        Format::Jvm => jvm::read_line(line).into_iter().collect(),
        Format::V8 => v8::read_line(line).into_iter().collect(),
        Format::Ruby => ruby::read_line(line).into_iter().collect(),
        Format::Marks => marks::read_line(line).into_iter().collect(),
    }
}

/// The events of a whole log. Bytes that are no text are no lines of a runtime.
pub fn read(format: Format, log: &[u8]) -> Vec<Event> {
    log.split(|byte| *byte == b'\n')
        .filter_map(|line| std::str::from_utf8(line).ok())
        .flat_map(|line| read_line(format, line))
        .collect()
}

impl Event {
    /// An event that a line stamped at its end.
    fn ending(kind: Kind, clock: Clock, end_ns: u64, length_ns: u64, error_ns: u64) -> Event {
        Event {
            kind,
            clock,
            start_ns: end_ns.saturating_sub(length_ns),
            end_ns,
            error_ns,
        }
    }

    /// An event that a line stamped at its begin.
    fn beginning(kind: Kind, start_ns: u64, length_ns: u64, error_ns: u64) -> Event {
        Event {
            kind,
            clock: Clock::ProcessStart,
            start_ns,
            end_ns: start_ns.saturating_add(length_ns),
            error_ns,
        }
    }
}
