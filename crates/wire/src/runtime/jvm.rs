//! Unified logging of a JVM (JEP 158): `[decorations] message`, with the tags `gc`, `gc,phases` and
//! `safepoint`. A line is stamped at the end of what it tells.
//!
//! A stop is what the safepoint line says (`Total`): it has the time to reach the safepoint in it and
//! covers stops that collect nothing. The pause lines of the collector lie within; they stand for it
//! where safepoints are not logged.

use super::number::{MILLISECOND, SECOND, decimal};
use super::{Clock, Event, Kind};

pub(super) fn read_line(line: &str) -> Option<Event> {
    let (stamp, message) = decorations(line)?;
    let (kind, length_ns) = safepoint(message)
        .or_else(|| stall(message))
        .or_else(|| phase(message))?;
    let end_ns = stamp.end_ns;
    (end_ns >= length_ns)
        .then(|| Event::ending(kind, stamp.clock, end_ns, length_ns, stamp.error_ns))
}

struct Stamp {
    clock: Clock,
    end_ns: u64,
    error_ns: u64,
}

/// The brackets before the message, and the best time among them: `timenanos` is the monotonic clock
/// itself, `uptime` and `uptimemillis` count from the start of the JVM.
fn decorations(line: &str) -> Option<(Stamp, &str)> {
    let mut rest = line.trim_start();
    let mut best: Option<Stamp> = None;
    while let Some((inside, behind)) = rest.strip_prefix('[').and_then(|r| r.split_once(']')) {
        if let Some(stamp) = time(inside.trim())
            && best.as_ref().is_none_or(|b| stamp.error_ns < b.error_ns)
        {
            best = Some(stamp);
        }
        rest = behind;
    }
    Some((best?, rest.trim_start()))
}

fn time(decoration: &str) -> Option<Stamp> {
    let since_start = |text: &str, unit_ns: u64| {
        let at = decimal(text, unit_ns)?;
        Some(Stamp {
            clock: Clock::ProcessStart,
            end_ns: at.ns,
            error_ns: at.step_ns / 2,
        })
    };
    if let Some(ns) = decoration.strip_suffix("ns") {
        return Some(Stamp {
            clock: Clock::Monotonic,
            end_ns: ns.parse().ok()?,
            error_ns: 0,
        });
    }
    if let Some(ms) = decoration.strip_suffix("ms") {
        return since_start(ms, MILLISECOND);
    }
    since_start(decoration.strip_suffix('s')?, SECOND)
}

/// `Safepoint "X", Time since last: N ns, ..., Total: N ns`; from 25 with the threads behind it.
fn safepoint(message: &str) -> Option<(Kind, u64)> {
    let (_, rest) = message
        .strip_prefix("Safepoint \"")?
        .rsplit_once("Total: ")?;
    let (ns, _) = rest.split_once(" ns")?;
    Some((Kind::Stop, ns.trim().parse().ok()?))
}

/// `Allocation Stall (thread) 15.802ms`: that thread waited for ZGC to free memory.
fn stall(message: &str) -> Option<(Kind, u64)> {
    let message = message.strip_prefix("Allocation Stall (")?;
    Some((Kind::Assist, last_ms(message)?))
}

/// `GC(5) Pause ...` and `GC(5) Concurrent ...`, with the letter of a generation before it in
/// generational ZGC. What ends in seconds is a whole cycle and no phase.
fn phase(message: &str) -> Option<(Kind, u64)> {
    let (number, rest) = message.strip_prefix("GC(")?.split_once(") ")?;
    number.parse::<u64>().ok()?;
    let name = ["Y: ", "y: ", "O: "]
        .iter()
        .find_map(|generation| rest.strip_prefix(generation))
        .unwrap_or(rest);
    let kind = match name.split(' ').next()? {
        "Pause" => Kind::Stop,
        "Concurrent" => Kind::Concurrent,
        _ => return None,
    };
    Some((kind, last_ms(name)?))
}

fn last_ms(message: &str) -> Option<u64> {
    let last = message.trim_end().rsplit(' ').next()?;
    Some(decimal(last.strip_suffix("ms")?, MILLISECOND)?.ns)
}
