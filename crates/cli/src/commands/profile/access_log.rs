//! Live traffic, as the access log of a service tells of it.

use super::ProfileArgs;
use crate::exit::{Failure, usage};
use anyhow::Context;
use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Instant;
use understudy_host::Clock;
use understudy_model::{Ending, Observation};
use understudy_probe::{Added, Grown, Growth, Written};
use understudy_wire::access_log::{Served, entry, served};

/// What the last number of a line counts.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum Unit {
    /// Microseconds
    Us,
    /// Milliseconds
    Ms,
    /// Seconds
    S,
}

impl Unit {
    fn nanoseconds(self) -> u64 {
        match self {
            Unit::Us => 1_000,
            Unit::Ms => 1_000_000,
            Unit::S => 1_000_000_000,
        }
    }
}

/// Different requests that are told apart; the others count as one.
const MOST_KINDS: usize = 10_000;
/// Between two looks at a file that grows all the time, seconds ([`Growth`]).
const LOOK_S: f64 = 0.005;
/// Lines arrive one by one if there are so many of the moments that they would have at random.
const ONE_BY_ONE: f64 = 0.3;

/// A log that is followed.
pub(super) struct AccessLog {
    path: PathBuf,
    added: Added,
    growth: Option<Growth>,
    unit_ns: Option<u64>,
}

/// What was added to a log.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// The requests that it tells of, in order. A time is that of the arrival of its line.
    pub(super) observations: Vec<Observation>,
    /// Lines that do not say how long it took.
    pub(super) without_duration: u64,
    /// Lines that are none of an access log.
    pub(super) unreadable: u64,
    /// Lines come when their requests end, and not many at once from a buffer.
    pub(super) in_time: bool,
}

impl AccessLog {
    /// Begins to follow what `--access-log` names.
    pub(super) fn begin(args: &ProfileArgs) -> Result<Option<Self>, Failure> {
        let Some(path) = &args.access_log else {
            return Ok(None);
        };
        let added = Added::from_now(path).map_err(|error| {
            usage(format!(
                "--access-log: cannot read {}: {error}",
                path.display()
            ))
        })?;
        Ok(Some(AccessLog {
            path: path.clone(),
            added,
            growth: Growth::watch(path).ok(),
            unit_ns: args.access_log_unit.map(Unit::nanoseconds),
        }))
    }

    /// What was added since, on a clock that began at `zero`.
    pub(super) fn end(mut self, zero: Instant, seconds: f64) -> anyhow::Result<Heard> {
        let arrivals = self.growth.take().map(Growth::stop).unwrap_or_default();
        let zero_ns = Clock::since(zero).zero_monotonic_ns().unwrap_or(0);
        let mut heard = Heard::default();
        let mut kinds = HashMap::new();
        let mut moments = 0;
        loop {
            let lines = self.added.read_new();
            let lines = lines.with_context(|| format!("cannot read {}", self.path.display()))?;
            if lines.bytes.is_empty() {
                break;
            }
            moments += self.hear(&lines, (&arrivals, zero_ns), &mut kinds, &mut heard);
        }
        heard.in_time = one_by_one(heard.observations.len(), moments, seconds);
        Ok(heard)
    }

    /// Reads lines; how many different moments they arrived at.
    fn hear(
        &self,
        lines: &Written,
        (arrivals, zero_ns): (&[Grown], u64),
        kinds: &mut HashMap<String, u32>,
        heard: &mut Heard,
    ) -> usize {
        let (mut end, mut last, mut moments) = (lines.start, None, 0);
        for line in lines.bytes.split_inclusive(|byte| *byte == b'\n') {
            end += line.len() as u64;
            if line.trim_ascii().is_empty() {
                continue;
            }
            let Served { status, took_ns } = match served(line, self.unit_ns) {
                Ok(served) => served,
                Err(_) => {
                    heard.unreadable += 1;
                    continue;
                }
            };
            let Some(took_ns) = took_ns else {
                heard.without_duration += 1;
                continue;
            };
            let arrival = arrivals.get(arrivals.partition_point(|grown| grown.length < end));
            let at_ns = arrival.map(|grown| grown.at_ns);
            moments += usize::from(at_ns.is_some() && at_ns != last);
            last = at_ns;
            let ended_ns = at_ns.map_or(0, |at| at.saturating_sub(zero_ns));
            let kind = kind(line, kinds);
            heard
                .observations
                .push(observation(kind, status, ended_ns, took_ns));
        }
        moments
    }
}

/// Which request it is: those of one kind have the same method and path.
fn kind(line: &[u8], kinds: &mut HashMap<String, u32>) -> u32 {
    let Ok(entry) = entry(line) else {
        return 0;
    };
    let path = entry.target.split(['?', '#']).next().unwrap_or_default();
    let name = format!("{} {path}", entry.method);
    let next = kinds.len() as u32 + 1;
    match kinds.get(&name) {
        Some(kind) => *kind,
        None if kinds.len() >= MOST_KINDS => 0,
        None => *kinds.entry(name).or_insert(next),
    }
}

/// A request whose line arrived when it ended. What it waited before the server read it is not known.
fn observation(kind: u32, status: u16, ended_ns: u64, took_ns: u64) -> Observation {
    // One that began before the watch: later, so that its latency stays what it was.
    let ended_ns = ended_ns.max(took_ns);
    let begun_ns = ended_ns - took_ns;
    Observation {
        request: kind,
        endpoint: 0,
        intended_ns: begun_ns,
        free_ns: begun_ns,
        sent_ns: begun_ns,
        first_byte_ns: ended_ns,
        last_byte_ns: ended_ns,
        ending: Ending::Answered,
        code: i32::from(status),
        bytes: 0,
        body_hash: 0,
    }
}

/// Do so many lines arrive one by one? Lines at random would be seen in `looks (1 - e^-m)` looks, where m
/// of them come in each.
fn one_by_one(lines: usize, moments: usize, seconds: f64) -> bool {
    let looks = (seconds / LOOK_S).max(1.0);
    let expected = looks * -(-(lines as f64) / looks).exp_m1();
    moments as f64 >= ONE_BY_ONE * expected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_out_of_a_buffer_are_told_from_those_that_come_one_by_one() {
        assert!(one_by_one(18_000, 9_000, 60.0));
        assert!(one_by_one(12, 12, 60.0));
        assert!(!one_by_one(18_000, 120, 60.0), "150 at once");
        assert!(one_by_one(60_000, 11_000, 60.0), "every look sees some");
    }

    #[test]
    fn a_request_keeps_its_latency_wherever_it_began() {
        for (ended, took) in [(50, 20), (5, 20), (0, 7)] {
            let seen = observation(1, 200, ended, took);
            assert_eq!(seen.latency_ns(), Some(took));
        }
    }

    #[test]
    fn requests_of_one_path_are_one_kind() {
        let mut kinds = HashMap::new();
        let mut of = |target: &str| {
            let line = format!("10.0.0.1 - - [x] \"GET {target} HTTP/1.1\" 200 5");
            kind(line.as_bytes(), &mut kinds)
        };
        assert_eq!(of("/a?b=1"), of("/a?b=2"));
        assert_ne!(of("/a"), of("/b"));
    }
}
