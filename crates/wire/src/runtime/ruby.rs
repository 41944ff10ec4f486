//! The table that Ruby's `GC::Profiler.report` prints. A row has six numbers: index, time of the
//! collection since the process began in seconds, three figures of the heap, and the time that it took
//! in milliseconds. Ruby stops every thread while it marks.

use super::number::{MILLISECOND, SECOND, decimal};
use super::{Event, Kind};

pub(super) fn read_line(line: &str) -> Option<Event> {
    let mut cells = line.split_whitespace();
    let mut cell = || cells.next();
    cell()?.parse::<u64>().ok()?;
    let at = decimal(cell()?, SECOND)?;
    for _ in 0..3 {
        cell()?.parse::<u64>().ok()?;
    }
    let took = decimal(cell()?, MILLISECOND)?;
    cells
        .next()
        .is_none()
        .then(|| Event::beginning(Kind::Stop, at.ns, took.ns, at.step_ns / 2))
}
