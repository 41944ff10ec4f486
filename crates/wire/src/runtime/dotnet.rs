//! What the events of a .NET runtime mean: the provider `Microsoft-Windows-DotNETRuntime` with the keyword
//! `GC` (0x1) and the level informational (4).
//!
//! After <https://learn.microsoft.com/dotnet/fundamentals/diagnostics/runtime-garbage-collection-events>.
//! The program is stopped from `GCSuspendEEBegin` to `GCRestartEEEnd`, for a collection or for another
//! reason, the time to stop its threads included. A collection of the type *background* works concurrently.

#[cfg(test)]
mod encoder;
mod spans;
#[cfg(test)]
mod tests;

use super::nettrace::{Blob, Blobs, Described, Object, Objects};
use super::number::SECOND;
use super::{Clock, Event, Kind};
use spans::Spans;
use std::collections::BTreeMap;

/// A trace of a .NET runtime (a `.nettrace` file of version 4 or 5), read as it grows: whatever the pieces,
/// the events are the same. What is cut off or broken gives what is whole before it.
///
/// Its clock is that of the runtime's `Stopwatch`, which on Linux is `CLOCK_MONOTONIC`.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    objects: Objects,
    state: State,
}

/// What the objects have reported so far.
#[derive(Clone, Debug, Default)]
struct State {
    /// How many ticks are a second.
    frequency: Option<u64>,
    /// What events of these kinds mean.
    meanings: BTreeMap<u32, Meaning>,
    /// The program was stopped.
    stops: Spans,
    /// Concurrent collections, by their number.
    background: Spans,
}

/// What an event reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    CollectionBegins,
    CollectionEnds,
    StopEnds,
    StopBegins,
}

const PROVIDER: &str = "Microsoft-Windows-DotNETRuntime";
/// Every version of an event is a kind.
const MOST_MEANINGS: usize = 64;
/// A `Type` of `GCStart`.
const BACKGROUND: u32 = 1;
/// Stops bear no number.
const ANY: u32 = 0;

impl Trace {
    /// A trace of which nothing has been read.
    pub fn new() -> Self {
        Trace::default()
    }

    /// Reads what follows in the file; the events that are known by it. They are in order of their ends
    /// within a block of the file.
    pub fn read(&mut self, bytes: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        let state = &mut self.state;
        self.objects.read(bytes, |object| match object {
            Object::Frequency(ticks) => state.frequency = Some(ticks).filter(|ticks| *ticks > 0),
            Object::Kinds(block) => state.learn(block),
            Object::Events(block) => events.extend(state.events(block)),
            Object::Other | Object::End => {}
        });
        events
    }
}

impl State {
    fn learn(&mut self, block: &[u8]) {
        for blob in Blobs::of(block) {
            let Some(described) = Described::of(&blob, PROVIDER) else {
                continue;
            };
            let meaning = match described.id {
                1 => Meaning::CollectionBegins,
                2 => Meaning::CollectionEnds,
                3 => Meaning::StopEnds,
                9 => Meaning::StopBegins,
                _ => continue,
            };
            if self.meanings.len() < MOST_MEANINGS {
                self.meanings.insert(described.kind, meaning);
            }
        }
    }

    fn events(&mut self, block: &[u8]) -> Vec<Event> {
        for blob in Blobs::of(block) {
            self.mark(&blob);
        }
        let Some(frequency) = self.frequency else {
            return Vec::new();
        };
        let stops = self.stops.matched().into_iter();
        let background = self.background.matched().into_iter();
        let stops = stops.map(|span| event(Kind::Stop, span, frequency));
        let background = background.map(|span| event(Kind::Concurrent, span, frequency));
        stops.chain(background).flatten().collect()
    }

    /// `GCStart` has the fields `Count`, `Depth`, `Reason` and `Type`, `GCEnd` has `Count` first.
    fn mark(&mut self, blob: &Blob<'_>) {
        let number = || field(blob, 0).unwrap_or_default();
        match self.meanings.get(&blob.kind) {
            Some(Meaning::StopBegins) => self.stops.begin(blob.ticks, ANY),
            Some(Meaning::StopEnds) => self.stops.end(blob.ticks, ANY),
            Some(Meaning::CollectionBegins) if field(blob, 3) == Some(BACKGROUND) => {
                self.background.begin(blob.ticks, number());
            }
            Some(Meaning::CollectionEnds) => self.background.end(blob.ticks, number()),
            Some(Meaning::CollectionBegins) | None => {}
        }
    }
}

/// A field of four bytes behind others of four bytes.
fn field(blob: &Blob<'_>, index: usize) -> Option<u32> {
    let behind = blob.payload.get(4 * index..)?;
    behind.first_chunk().copied().map(u32::from_le_bytes)
}

fn event(kind: Kind, (start, end): (u64, u64), frequency: u64) -> Option<Event> {
    Some(Event {
        kind,
        clock: Clock::Monotonic,
        start_ns: nanoseconds(start, frequency)?,
        end_ns: nanoseconds(end, frequency)?,
        error_ns: SECOND / frequency / 2,
    })
}

fn nanoseconds(ticks: u64, frequency: u64) -> Option<u64> {
    let ns = u128::from(ticks) * u128::from(SECOND) / u128::from(frequency);
    u64::try_from(ns).ok()
}
