//! What the files say that Understudy preloads into Node and Python: `stop <start> <end>`, both in
//! nanoseconds of the monotonic clock.

use super::{Clock, Event, Kind};

pub(super) fn read_line(line: &str) -> Option<Event> {
    let mut words = line.split(' ');
    let kind = match words.next()? {
        "stop" => Kind::Stop,
        "concurrent" => Kind::Concurrent,
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
