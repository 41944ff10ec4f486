//! `--trace-gc` of V8: `[pid:isolate]  <ms since start> ms: <collector> a (b) -> c (d) MB, <ms> / <ms>
//! ms ...`, stamped at the end. The first duration stops the program; the steps of incremental
//! marking before it stop it too, at moments that the line does not tell.

use super::number::{MILLISECOND, decimal};
use super::{Clock, Event, Kind};

pub(super) fn read_line(line: &str) -> Option<Event> {
    let (_, rest) = line.strip_prefix('[')?.split_once(']')?;
    let (at, rest) = rest.split_once(" ms: ")?;
    let at = decimal(at.trim(), MILLISECOND)?;
    let (_, rest) = rest.split_once(" MB, ")?;
    // Newer versions say `pooled: 0.0 MB,` in between.
    let durations = rest.rsplit_once(" MB, ").map_or(rest, |(_, last)| last);
    let (stopped, _) = durations.split_once(" / ")?;
    let stopped = decimal(stopped.trim(), MILLISECOND)?;
    Some(Event::ending(
        Kind::Stop,
        Clock::ProcessStart,
        at.ns,
        stopped.ns,
        at.step_ns / 2,
    ))
}
