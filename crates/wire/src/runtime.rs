//! What runtimes write about their collectors: when they stopped the program, when they collected
//! concurrently, when threads of the program had to help.
//!
//! Each format turns one line into at most a few [`Event`]s; lines that are something else (the
//! program's own log) give none. Times are nanoseconds on the clock that the line itself uses, see
//! [`Clock`]. .NET writes a binary [`Trace`] instead of lines.

mod dotnet;
mod go;
mod jvm;
mod marks;
mod nettrace;
mod number;
mod ruby;
mod v8;
mod wall;

#[cfg(test)]
mod tests;

pub use dotnet::Trace;
pub use marks::{Greeting, greeting};

use crate::framing::{Time, bare};

/// What an event does to the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Every thread of the process is stopped.
    Stop,
    /// The collector works while the program runs, and takes CPU, caches and barriers from it.
    Concurrent,
    /// Threads of the program had to help the collector or to wait for it in this stretch of time;
    /// not all of them, and not all of the time.
    Assist,
}

/// What the times of an event count from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Clock {
    /// The system's monotonic clock (`CLOCK_MONOTONIC`).
    Monotonic,
    /// 1970-01-01 UTC, by the system's clock.
    Wall,
    /// The start of a process or of an isolate within one.
    Start(Origin),
    /// The monotonic clock or the start of the process: the line does not say which (`timenanos` and
    /// `uptimenanos` of a JVM look the same).
    MonotonicOrStart,
    /// The line has no time.
    None,
}

/// A process or isolate that counts from its own start, in a log of its own or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    /// The id of the process; 0 where the line does not name it.
    pub process: u64,
    /// The isolate in it, as the line names it; 0 where it does not.
    pub isolate: u64,
}

impl Origin {
    /// One that lines do not name.
    pub const UNNAMED: Origin = Origin {
        process: 0,
        isolate: 0,
    };
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

/// The runtime that wrote the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Go with `GODEBUG=gctrace=1`.
    Go,
    /// A JVM with `-Xlog:gc*,safepoint`, or from 8 on with the older line of `-XX:+PrintGCApplicationStoppedTime`.
    Jvm,
    /// Node or another program around V8 with `--trace-gc`.
    V8,
    /// Ruby: what `GC::Profiler.report` prints.
    Ruby,
    /// The lines of Understudy's own preloaded files: `<kind> <start> <end>`, after a [`Greeting`].
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

/// A runtime writes shorter lines.
const LONGEST_LINE: usize = 4096;

/// The events of one line, in its order; also of a line behind syslog, Compose, Docker or CRI.
pub fn read_line(format: Format, line: &str) -> Vec<Event> {
    if line.len() > LONGEST_LINE {
        return Vec::new();
    }
    let line = bare(line, Time::Kept);
    match format {
        Format::Go => go::read_line(&line).unwrap_or_default(),
        Format::Jvm => jvm::read_line(&line).into_iter().collect(),
        Format::V8 => v8::read_line(&line).into_iter().collect(),
        Format::Ruby => ruby::read_line(&line).into_iter().collect(),
        Format::Marks => marks::read_line(&line).into_iter().collect(),
    }
}

/// The events of a whole log. Bytes that are not text are not lines of a runtime.
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
            clock: Clock::Start(Origin::UNNAMED),
            start_ns,
            end_ns: start_ns.saturating_add(length_ns),
            error_ns,
        }
    }
}
