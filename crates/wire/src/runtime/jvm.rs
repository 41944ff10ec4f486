//! Unified logging of a JVM (JEP 158): `[decorations] message`, with the tags `gc`, `gc,phases` and
//! `safepoint`. A line is stamped at the end of what it reports.
//!
//! A stop is what the safepoint line says (`Total`): it has the time to reach the safepoint in it and
//! covers stops that collect nothing. The pause lines of the collector are within; they count where
//! safepoints are not logged. Up to version 12 the safepoint line is `Total time for which application
//! threads were stopped`; before version 9 it has times before it instead of decorations.

use super::number::{MILLISECOND, SECOND, decimal};
use super::{Clock, Event, Kind, Origin, wall};

pub(super) fn read_line(line: &str) -> Option<Event> {
    let (stamp, message) = match line.trim_start().starts_with('[') {
        true => decorations(line),
        false => times_before(line),
    };
    let is_decorated = line.trim_start().starts_with('[');
    let (kind, length_ns) = safepoint(message)
        .or_else(|| stopped(message))
        .or_else(|| {
            // Without any decoration, it may be a line of the program.
            let within = is_decorated || stamp.is_some();
            within.then(|| stall(message).or_else(|| phase(message)))?
        })?;
    let Stamp {
        clock,
        end_ns,
        error_ns,
    } = stamp.unwrap_or(Stamp::NONE);
    match clock {
        Clock::None => Some(Event::ending(kind, clock, length_ns, length_ns, 0)),
        _ => (end_ns >= length_ns).then(|| Event::ending(kind, clock, end_ns, length_ns, error_ns)),
    }
}

struct Stamp {
    clock: Clock,
    end_ns: u64,
    error_ns: u64,
}

impl Stamp {
    const NONE: Stamp = Stamp {
        clock: Clock::None,
        end_ns: 0,
        error_ns: 0,
    };

    /// Is it better than another? A clock that needs no start to be found wins between equals.
    fn is_better_than(&self, other: &Stamp) -> bool {
        let is_wall = |stamp: &Stamp| stamp.clock == Clock::Wall;
        (self.error_ns, !is_wall(self)) < (other.error_ns, !is_wall(other))
    }
}

/// The brackets before the message, and the best time among them.
fn decorations(line: &str) -> (Option<Stamp>, &str) {
    let mut rest = line.trim_start();
    let mut best: Option<Stamp> = None;
    while let Some((inside, behind)) = rest.strip_prefix('[').and_then(|r| r.split_once(']')) {
        if let Some(stamp) = decoration(inside.trim())
            && best.as_ref().is_none_or(|best| stamp.is_better_than(best))
        {
            best = Some(stamp);
        }
        rest = behind;
    }
    (best, rest.trim_start())
}

/// Milliseconds since 1970 (`timemillis`), where `uptimemillis` would be 31 years.
const EPOCH_MS: u64 = 1_000_000_000_000;

/// `uptime`, `uptimemillis`, `uptimenanos` or `timenanos`, `timemillis`, `time` or `utctime`.
fn decoration(text: &str) -> Option<Stamp> {
    if let Some(ns) = text.strip_suffix("ns") {
        return Some(Stamp {
            clock: Clock::MonotonicOrStart,
            end_ns: ns.parse().ok()?,
            error_ns: 0,
        });
    }
    if let Some(ms) = text.strip_suffix("ms") {
        let stamp = since_start(ms, MILLISECOND)?;
        return Some(match stamp.end_ns / MILLISECOND >= EPOCH_MS {
            true => Stamp {
                clock: Clock::Wall,
                ..stamp
            },
            false => stamp,
        });
    }
    match text.strip_suffix('s') {
        Some(seconds) => since_start(seconds, SECOND),
        None => date(text),
    }
}

fn since_start(text: &str, unit_ns: u64) -> Option<Stamp> {
    let at = decimal(text, unit_ns)?;
    Some(Stamp {
        clock: Clock::Start(Origin::UNNAMED),
        end_ns: at.ns,
        error_ns: at.step_ns / 2,
    })
}

fn date(text: &str) -> Option<Stamp> {
    let at = wall::time(text)?;
    Some(Stamp {
        clock: Clock::Wall,
        end_ns: at.ns,
        error_ns: at.step_ns / 2,
    })
}

/// `2026-11-29T10:00:00.123+0000: 12.345: message`, either of them or none.
fn times_before(line: &str) -> (Option<Stamp>, &str) {
    let mut rest = line;
    let mut best: Option<Stamp> = None;
    for _ in 0..2 {
        let Some((text, behind)) = rest.split_once(": ") else {
            break;
        };
        let Some(stamp) = date(text).or_else(|| since_start(text, SECOND)) else {
            break;
        };
        if best.as_ref().is_none_or(|best| stamp.is_better_than(best)) {
            best = Some(stamp);
        }
        rest = behind;
    }
    (best, rest)
}

/// `Safepoint "X", Time since last: N ns, ..., Total: N ns`; from 25 with the threads behind it.
fn safepoint(message: &str) -> Option<(Kind, u64)> {
    let (_, rest) = message
        .strip_prefix("Safepoint \"")?
        .rsplit_once("Total: ")?;
    let (ns, _) = rest.split_once(" ns")?;
    Some((Kind::Stop, ns.trim().parse().ok()?))
}

/// The older line: `Total time for which application threads were stopped: N seconds, ...`.
fn stopped(message: &str) -> Option<(Kind, u64)> {
    let rest = message.strip_prefix("Total time for which application threads were stopped: ")?;
    let (seconds, _) = rest.split_once(" seconds")?;
    Some((Kind::Stop, decimal(seconds.trim(), SECOND)?.ns))
}

/// `Allocation Stall (thread) 15.802ms`: that thread waited for ZGC to free memory; `Relocation Stall`: for
/// an object to be moved. Threads of the JVM itself serve no request.
fn stall(message: &str) -> Option<(Kind, u64)> {
    let message = in_collection(message).unwrap_or(message);
    let thread = ["Allocation Stall (", "Relocation Stall ("]
        .iter()
        .find_map(|stall| message.strip_prefix(stall))?;
    let of_jvm = [
        "C1 CompilerThread",
        "C2 CompilerThread",
        "ZWorker",
        "ZDriver",
        "ZDirector",
    ];
    let serves = !of_jvm.iter().any(|name| thread.starts_with(name));
    let length_ns = last_ms(message)?;
    serves.then_some((Kind::Assist, length_ns))
}

/// What follows `GC(5) ` and, in generational ZGC, the letter of a generation.
fn in_collection(message: &str) -> Option<&str> {
    let (number, rest) = message.strip_prefix("GC(")?.split_once(") ")?;
    number.parse::<u64>().ok()?;
    let generation = ["Y: ", "y: ", "O: "]
        .iter()
        .find_map(|generation| rest.strip_prefix(generation));
    Some(generation.unwrap_or(rest))
}

/// `GC(5) Pause ...` and `GC(5) Concurrent ...`. What ends in seconds is a whole cycle and not a phase.
fn phase(message: &str) -> Option<(Kind, u64)> {
    let name = in_collection(message)?;
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
