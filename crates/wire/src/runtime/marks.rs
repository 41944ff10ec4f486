//! What the files say that Understudy preloads into Node and Python: `stop <start> <end>`, both in
//! nanoseconds of the monotonic clock, after a greeting when they are loaded.

use super::{Clock, Event, Kind};

/// What a preloaded file writes first: it listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Greeting {
    /// The process.
    pub pid: u32,
    /// Its runtime.
    pub runtime: String,
    /// The version of that.
    pub version: String,
}

/// Reads `listening <pid> <runtime> <version>`.
pub fn greeting(line: &str) -> Option<Greeting> {
    let mut words = line.strip_prefix("listening ")?.split(' ');
    let greeting = Greeting {
        pid: words.next()?.parse().ok()?,
        runtime: words.next()?.to_owned(),
        version: words.next()?.to_owned(),
    };
    words.next().is_none().then_some(greeting)
}

pub(super) fn read_line(line: &str) -> Option<Event> {
    let mut words = line.split(' ');
    let kind = match words.next()? {
        "stop" => Kind::Stop,
        "concurrent" => Kind::Concurrent,
        // A stop of one thread: of a worker.
        "assist" => Kind::Assist,
        _ => return None,
    };
    let start_ns: u64 = words.next()?.parse().ok()?;
    let end_ns: u64 = words.next()?.parse().ok()?;
    (words.next().is_none() && start_ns <= end_ns).then_some(Event {
        kind,
        clock: Clock::Monotonic,
        start_ns,
        end_ns,
        error_ns: 0,
    })
}
