//! `--trace-gc` of V8: `[pid:isolate]  <ms since start> ms: <collector> a (b) -> c (d) MB, <ms> / <ms>
//! ms ...`, stamped at the end. The time counts from the start of the isolate: a worker has its own. The
//! first duration stops the isolate; the steps of incremental marking before it stop it too, at moments
//! that the line does not say.

use super::number::{MILLISECOND, decimal};
use super::{Clock, Event, Kind, Origin};

pub(super) fn read_line(line: &str) -> Option<Event> {
    let (who, rest) = line.strip_prefix('[')?.split_once(']')?;
    let (at, rest) = rest.split_once(" ms: ")?;
    let at = decimal(at.trim(), MILLISECOND)?;
    let (_, rest) = rest.split_once(" MB, ")?;
    // Newer versions say `pooled: 0.0 MB,` in between.
    let durations = rest.rsplit_once(" MB, ").map_or(rest, |(_, last)| last);
    let (stopped, _) = durations.split_once(" / ")?;
    let stopped = decimal(stopped.trim(), MILLISECOND)?;
    Some(Event::ending(
        Kind::Stop,
        Clock::Start(origin(who)?),
        at.ns,
        stopped.ns,
        at.step_ns / 2,
    ))
}

/// `9011:0x7b7800000`; some versions write the isolate without `0x`.
fn origin(who: &str) -> Option<Origin> {
    let (process, isolate) = who.split_once(':')?;
    let isolate = isolate.strip_prefix("0x").unwrap_or(isolate);
    Some(Origin {
        process: process.trim().parse().ok()?,
        isolate: u64::from_str_radix(isolate, 16).ok()?,
    })
}
