//! Live traffic, as the access log of a service reports it.

use crate::error::ProfileError;
use crate::traffic::LiveTraffic;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Instant;
use understudy_host::Clock;
use understudy_judge::terms::Slo;
use understudy_model::{Ending, Observation, Span};
use understudy_probe::{Added, Growth};
use understudy_wire::access_log::{Took, served};

/// Most different requests that are distinguished; the others count as one.
const MOST_KINDS: usize = 10_000;
/// Between two looks at a file that grows all the time, seconds ([`Growth`]).
const LOOK_S: f64 = 0.005;
/// Lines arrive one by one if there are so many of the moments that they would have at random.
const ONE_BY_ONE: f64 = 0.3;
/// Fixes what is drawn of many requests, and the draws of the attribution.
const SEED: u64 = 1;

/// A log that can be read.
#[derive(Debug)]
pub struct AccessLog {
    path: PathBuf,
    reader: Reader,
}

/// What was added to a log while it was watched.
#[derive(Debug)]
pub(crate) struct Recorded {
    /// The requests in it. A time is that of the arrival of its line.
    pub(crate) live: LiveTraffic,
    /// Lines that do not say how long it took, or in which unit.
    pub(crate) without_duration: u64,
    /// Those of them that have a number, and no unit that is certain.
    pub(crate) unclear: u64,
    /// Lines without a known format.
    pub(crate) unreadable: u64,
    /// Lines come when their requests end, and not many at once from a buffer.
    pub(crate) in_time: bool,
    /// Why it could not be read to the end.
    pub(crate) failed: Option<io::Error>,
    /// How many times lines with a duration were found.
    moments: u64,
}

impl Recorded {
    pub(crate) fn new(slos: &[Slo]) -> Self {
        Recorded {
            live: LiveTraffic::new(slos, SEED),
            without_duration: 0,
            unclear: 0,
            unreadable: 0,
            in_time: false,
            failed: None,
            moments: 0,
        }
    }
}

/// A log that is read as it grows.
#[derive(Debug)]
pub struct FollowedLog {
    growth: Growth<Reader>,
    zero_ns: Arc<OnceLock<u64>>,
}

/// Reads what is added.
#[derive(Debug)]
struct Reader {
    added: Added,
    unit_ns: Option<u64>,
    /// By the hash of method and path: a name can be long.
    kinds: HashMap<u64, u32>,
    recorded: Recorded,
}

impl AccessLog {
    /// Opens a log whose requests are held against `slos`. `unit` is what a time counts that has no unit: the last
    /// field of a line of text, or a member of a JSON object.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn open(path: &Path, unit: Option<Span>, slos: &[Slo]) -> io::Result<Self> {
        Ok(AccessLog {
            path: path.to_owned(),
            reader: Reader {
                added: Added::open(path)?,
                unit_ns: unit.map(|unit| unit.nanos()),
                kinds: HashMap::new(),
                recorded: Recorded::new(slos),
            },
        })
    }

    /// Begins to follow it. What is added counts once it is [watched](crate::watch).
    ///
    /// # Errors
    /// Its folder cannot be watched.
    pub fn follow(self) -> Result<FollowedLog, ProfileError> {
        let zero_ns = Arc::new(OnceLock::new());
        let begun = zero_ns.clone();
        let look = move |reader: &mut Reader, at_ns| match begun.get() {
            Some(zero_ns) => reader.look(at_ns, *zero_ns),
            None => reader.skip(),
        };
        let growth = Growth::follow(&self.path, self.reader, move |reader, grown| {
            look(reader, grown.at_ns);
        });
        let growth = growth.map_err(|source| ProfileError::AccessLog {
            path: self.path,
            source,
        })?;
        Ok(FollowedLog { growth, zero_ns })
    }
}

impl FollowedLog {
    /// What is added from now on counts, on a clock that begins at `zero`.
    pub(crate) fn begin(&self, zero: Instant) {
        let zero_ns = Clock::since(zero).zero_monotonic_ns().unwrap_or(0);
        // It begins once.
        let _ = self.zero_ns.set(zero_ns);
    }

    /// What was added in so many seconds.
    pub(crate) fn end(self, seconds: f64) -> Result<Recorded, ProfileError> {
        let reader = self.growth.stop();
        let mut reader = reader.ok_or(ProfileError::AccessLogLost)?;
        let now_ns = Clock::since(Instant::now()).zero_monotonic_ns();
        let zero_ns = self.zero_ns.get().copied().unwrap_or(0);
        while reader.look(now_ns.unwrap_or(0), zero_ns) {}
        let mut recorded = reader.recorded;
        recorded.in_time = one_by_one(recorded.live.requests(), recorded.moments, seconds);
        Ok(recorded)
    }
}

impl Reader {
    /// Passes over what is there.
    fn skip(&mut self) -> bool {
        self.recorded.failed = self.added.skip().err();
        false
    }

    /// Reads what was added up to a moment; was there anything?
    fn look(&mut self, at_ns: u64, zero_ns: u64) -> bool {
        match self.added.read_new() {
            Ok(lines) => {
                self.recorded.failed = None;
                self.add(&lines, at_ns.saturating_sub(zero_ns));
                !lines.is_empty()
            }
            Err(error) => {
                self.recorded.failed = Some(error);
                false
            }
        }
    }

    /// Takes in lines that arrived at a moment.
    fn add(&mut self, lines: &[u8], arrived_ns: u64) {
        let before = self.recorded.live.requests();
        for line in lines.split(|byte| *byte == b'\n') {
            if line.trim_ascii().is_empty() {
                continue;
            }
            let Ok(read) = served(line, self.unit_ns) else {
                self.recorded.unreadable += 1;
                continue;
            };
            let Some(took_ns) = read.took.ns() else {
                self.recorded.without_duration += 1;
                self.recorded.unclear += u64::from(read.took == Took::Unclear);
                continue;
            };
            let asked = read.asked.as_ref();
            let kind = asked.map_or(0, |(method, target)| self.kind(method, target));
            let one = observation(kind, read.status, arrived_ns, took_ns);
            self.recorded.live.add(&one);
        }
        self.recorded.moments += u64::from(self.recorded.live.requests() > before);
    }

    /// Which request it is: those of one kind have the same method and path.
    fn kind(&mut self, method: &str, target: &str) -> u32 {
        let path = target.split(['?', '#']).next().unwrap_or_default();
        let mut hasher = DefaultHasher::new();
        (method, path).hash(&mut hasher);
        let next = self.kinds.len() as u32 + 1;
        match self.kinds.get(&hasher.finish()) {
            Some(kind) => *kind,
            None if self.kinds.len() >= MOST_KINDS => 0,
            None => *self.kinds.entry(hasher.finish()).or_insert(next),
        }
    }
}

/// A request whose line arrived when it ended. What it waited before the server read it is not known.
fn observation(kind: u32, status: u16, ended_ns: u64, took_ns: u64) -> Observation {
    // One that began before the watch: later, so that its latency stays what it was.
    let ended_ns = ended_ns.max(took_ns);
    let begun_ns = ended_ns - took_ns;
    Observation {
        case: kind,
        operation: 0,
        due_ns: begun_ns,
        free_ns: begun_ns,
        sent_ns: begun_ns,
        first_ns: ended_ns,
        last_ns: ended_ns,
        ending: Ending::Answered,
        class: understudy_compare::http::class(i32::from(status)),
        code: i32::from(status),
        bytes: 0,
        hash: 0,
    }
}

/// Do so many lines arrive one by one? Lines at random would be seen in `looks (1 - e^-m)` looks, where m
/// of them come in each.
fn one_by_one(lines: u64, moments: u64, seconds: f64) -> bool {
    let looks = (seconds / LOOK_S).max(1.0);
    let expected = looks * -(-(lines as f64) / looks).exp_m1();
    moments as f64 >= ONE_BY_ONE * expected
}

#[cfg(test)]
mod tests {
    use super::*;
    use understudy_model::Share;

    #[test]
    fn lines_out_of_a_buffer_are_distinguished_from_those_that_come_one_by_one() {
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
    fn lines_become_requests_and_are_forgotten() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("access.log");
        std::fs::write(&path, "before\n").unwrap();
        let mut reader = reader(&path);
        let line = |target: &str, status: u16, took: &str| {
            format!("10.0.0.1 - - [x] \"GET {target} HTTP/1.1\" {status} 5 \"-\" \"-\" {took}\n")
        };
        let mut text = String::new();
        text += &line("/a?b=1", 200, "0.010");
        text += &line("/a?b=2", 503, "0.030");
        text += &line("/b", 200, "0.010");
        text += "\nnonsense\n";
        text += &line("/b", 200, "-");
        text += &line("/b", 200, "12");
        reader.add(text.as_bytes(), 1_000_000_000);
        reader.add(b"nonsense\n", 2_000_000_000);
        let recorded = &reader.recorded;
        assert_eq!((recorded.unreadable, recorded.without_duration), (2, 2));
        assert_eq!(recorded.unclear, 1, "12 of what?");
        assert_eq!((recorded.live.requests(), recorded.moments), (3, 1));
        assert_eq!(
            reader.kinds.len(),
            2,
            "/a and /b, whatever is asked of them"
        );
        let traffic = recorded.live.traffic(recorded.without_duration, 2.0);
        assert_eq!(traffic.rate_rps, 2.5);
        let over: Vec<Option<f64>> = traffic
            .objectives
            .iter()
            .map(|one| one.violated.estimate)
            .collect();
        assert_eq!(
            over,
            [Some(1.0 / 3.0); 2],
            "one is slow, and the same failed"
        );
    }

    #[test]
    fn what_is_there_before_and_cannot_be_read_counts_for_nothing() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("access.log");
        std::fs::write(&path, "").unwrap();
        let mut reader = reader(&path);
        std::fs::write(&path, "nonsense\n").unwrap();
        assert!(!reader.skip());
        assert!(!reader.look(5, 0) && reader.recorded.unreadable == 0);
        std::fs::write(&path, "nonsense\nmore\n").unwrap();
        assert!(reader.look(5, 0) && reader.recorded.unreadable == 1);
        assert!(reader.recorded.failed.is_none());
    }

    fn reader(path: &Path) -> Reader {
        let slos = [
            Slo::Latency {
                operation: "*".to_owned(),
                quantile: 0.99,
                max: Span::from_millis(20),
            },
            Slo::ErrorRate {
                max: Share::new(0.01),
            },
        ];
        AccessLog::open(path, None, &slos).unwrap().reader
    }
}
