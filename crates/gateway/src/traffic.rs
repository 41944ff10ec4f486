//! What went through, by route: counts and latencies that other threads read now and then.

use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Longest latency of the histogram, in microseconds.
const LONGEST_US: u64 = 3_600_000_000;

/// How an exchange ended, for logs and metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum End {
    /// The whole answer reached the client.
    Complete,
    /// The client went away first.
    ClientLeft,
    /// The head of the client's request did not come in time.
    ClientHead,
    /// The client's body did not come, or broke off.
    ClientBody,
    /// No connection to the incumbent.
    Connect,
    /// The incumbent closed before its answer was whole.
    Closed,
    /// The incumbent took too long.
    Timeout,
    /// The gateway refused the request.
    Refused,
    /// Both ends speak another protocol now.
    Upgraded,
}

impl End {
    pub(crate) fn name(self) -> &'static str {
        match self {
            End::Complete => "complete",
            End::ClientLeft => "client_left",
            End::ClientHead => "client_head",
            End::ClientBody => "client_body",
            End::Connect => "connect_failed",
            End::Closed => "upstream_closed",
            End::Timeout => "timeout",
            End::Refused => "refused",
            End::Upgraded => "upgraded",
        }
    }
}

/// Connections of clients that ended before they brought a request.
#[derive(Debug, Default)]
pub(crate) struct Unopened {
    /// There were as many as may be.
    pub(crate) too_many: AtomicU64,
    /// TLS was not agreed on, or not in time.
    pub(crate) handshake: AtomicU64,
}

impl Unopened {
    /// By reason.
    pub(crate) fn read(&self) -> BTreeMap<String, u64> {
        let reasons = [("too_many", &self.too_many), ("handshake", &self.handshake)];
        reasons
            .into_iter()
            .map(|(reason, count)| (reason.to_owned(), count.load(Ordering::Relaxed)))
            .collect()
    }
}

/// The traffic of one route, as one thread or all of them saw it.
#[derive(Clone, Debug)]
pub(crate) struct Traffic {
    /// By the first digit of the status.
    pub(crate) by_class: [u64; 6],
    pub(crate) by_end: BTreeMap<End, u64>,
    pub(crate) retries: u64,
    pub(crate) body_bytes: u64,
    /// Until the last byte, in microseconds: of the incumbent, and of the candidate.
    pub(crate) incumbent: Histogram<u64>,
    pub(crate) candidate: Histogram<u64>,
    /// Of the exchanges that the candidate was sent: those that it did not answer.
    pub(crate) candidate_failed: u64,
}

impl Default for Traffic {
    fn default() -> Self {
        let histogram = || {
            Histogram::new_with_max(LONGEST_US, 2)
                .expect("1 to an hour with 2 digits is a histogram")
        };
        Traffic {
            by_class: [0; 6],
            by_end: BTreeMap::new(),
            retries: 0,
            body_bytes: 0,
            incumbent: histogram(),
            candidate: histogram(),
            candidate_failed: 0,
        }
    }
}

impl Traffic {
    pub(crate) fn ended(&mut self, status: u16, end: End, took: Duration, bytes: u64) {
        self.by_class[usize::from(status / 100).min(5)] += 1;
        *self.by_end.entry(end).or_default() += 1;
        self.body_bytes += bytes;
        if end == End::Complete {
            self.incumbent.saturating_record(micros(took));
        }
    }

    pub(crate) fn shown(&mut self, took: Option<Duration>) {
        match took {
            Some(took) => self.candidate.saturating_record(micros(took)),
            None => self.candidate_failed += 1,
        }
    }

    pub(crate) fn requests(&self) -> u64 {
        self.by_class.iter().sum()
    }

    pub(crate) fn add(&mut self, other: &Traffic) {
        for (sum, more) in self.by_class.iter_mut().zip(other.by_class) {
            *sum += more;
        }
        for (end, more) in &other.by_end {
            *self.by_end.entry(*end).or_default() += more;
        }
        self.retries += other.retries;
        self.body_bytes += other.body_bytes;
        self.candidate_failed += other.candidate_failed;
        let same = "histograms of one range add up";
        self.incumbent.add(&other.incumbent).expect(same);
        self.candidate.add(&other.candidate).expect(same);
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// The traffic of a route by thread: each writes its own, so that none waits for another.
#[derive(Debug)]
pub(crate) struct RouteTraffic {
    shards: Vec<Mutex<Traffic>>,
}

impl RouteTraffic {
    pub(crate) fn shard(&self, thread: usize) -> MutexGuard<'_, Traffic> {
        self.shards[thread]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn sum(&self) -> Traffic {
        let mut sum = Traffic::default();
        for shard in 0..self.shards.len() {
            sum.add(&self.shard(shard));
        }
        sum
    }
}

/// The traffic of all routes. Routes that a reload removed keep their counts.
#[derive(Debug)]
pub(crate) struct Registry {
    threads: usize,
    routes: Mutex<BTreeMap<String, Arc<RouteTraffic>>>,
}

impl Registry {
    /// For so many threads that write.
    pub(crate) fn new(threads: usize) -> Registry {
        Registry {
            threads,
            routes: Mutex::default(),
        }
    }

    pub(crate) fn route(&self, name: &str) -> Arc<RouteTraffic> {
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = || {
            let shards = (0..self.threads).map(|_| Mutex::default());
            Arc::new(RouteTraffic {
                shards: shards.collect(),
            })
        };
        routes.entry(name.to_owned()).or_insert_with(fresh).clone()
    }

    /// By route, over all threads.
    pub(crate) fn read(&self) -> BTreeMap<String, Traffic> {
        let routes = self
            .routes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        routes
            .into_iter()
            .map(|(name, route)| (name, route.sum()))
            .collect()
    }
}
