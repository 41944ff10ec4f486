//! What is kept of the exchanges.

use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use understudy_model::{Class, Ending, Observation};

/// Takes what one thread of the engine measures.
pub trait Recorder: Send {
    /// One exchange of the measured window.
    fn record(&mut self, observation: &Observation);

    /// Does a thread that takes over what was recorded need a CPU? Then the engine sleeps between
    /// requests where it would otherwise wait awake.
    fn wants_rest(&self) -> bool {
        false
    }
}

/// Both take every exchange.
impl<A: Recorder, B: Recorder> Recorder for (A, B) {
    fn record(&mut self, observation: &Observation) {
        self.0.record(observation);
        self.1.record(observation);
    }

    fn wants_rest(&self) -> bool {
        self.0.wants_rest() || self.1.wants_rest()
    }
}

/// A recorder that may not be wanted.
impl<R: Recorder> Recorder for Option<R> {
    fn record(&mut self, observation: &Observation) {
        if let Some(recorder) = self {
            recorder.record(observation);
        }
    }

    fn wants_rest(&self) -> bool {
        self.as_ref().is_some_and(R::wants_rest)
    }
}

/// Keeps every exchange: the evidence of a block.
impl Recorder for Vec<Observation> {
    fn record(&mut self, observation: &Observation) {
        self.push(*observation);
    }
}

/// Longest time that is kept exactly, an hour; longer ones count as this.
const HIGHEST_NS: u64 = 3_600_000_000_000;

/// Keeps distributions in bounded memory, however long the run: three significant digits.
#[derive(Clone, Debug)]
pub struct Histograms {
    /// From the intended time to the last byte, nanoseconds, of answered exchanges.
    pub latency_ns: Histogram<u64>,
    /// The same without the generator's own lateness.
    pub latency_from_sent_ns: Histogram<u64>,
    /// From sent to the last byte.
    pub service_time_ns: Histogram<u64>,
    /// Due, waiting for a connection.
    pub connection_wait_ns: Histogram<u64>,
    /// Due and a connection free, until written.
    pub send_lag_ns: Histogram<u64>,
    /// Exchanges by ending.
    pub endings: BTreeMap<Ending, u64>,
    /// Answers that the kind of subject calls failed.
    pub failed: u64,
    /// Answers by code.
    pub codes: BTreeMap<i32, u64>,
    /// Bytes of all answers.
    pub bytes: u64,
    /// The last byte of the last exchange, nanoseconds since the start.
    pub last_ns: u64,
    /// The code of the answer before, and how many in a row had it: nearly all answers have one
    /// code, and a map look-up for each would cost more than the histograms.
    run: (i32, u64),
}

impl Default for Histograms {
    fn default() -> Self {
        let histogram = || {
            // The bounds are constants that the constructor accepts.
            Histogram::new_with_bounds(1, HIGHEST_NS, 3).expect("1 <= 1 * 2 <= an hour, 3 digits")
        };
        Histograms {
            latency_ns: histogram(),
            latency_from_sent_ns: histogram(),
            service_time_ns: histogram(),
            connection_wait_ns: histogram(),
            send_lag_ns: histogram(),
            endings: BTreeMap::new(),
            failed: 0,
            codes: BTreeMap::new(),
            bytes: 0,
            last_ns: 0,
            run: (0, 0),
        }
    }
}

impl Histograms {
    /// Adds what another thread measured.
    pub fn merge(&mut self, mut other: Histograms) {
        self.end_run();
        other.end_run();
        for (mine, theirs) in [
            (&mut self.latency_ns, &other.latency_ns),
            (&mut self.latency_from_sent_ns, &other.latency_from_sent_ns),
            (&mut self.service_time_ns, &other.service_time_ns),
            (&mut self.connection_wait_ns, &other.connection_wait_ns),
            (&mut self.send_lag_ns, &other.send_lag_ns),
        ] {
            mine.add(theirs).expect("both have the same bounds");
        }
        for (ending, count) in other.endings {
            *self.endings.entry(ending).or_default() += count;
        }
        for (code, count) in other.codes {
            *self.codes.entry(code).or_default() += count;
        }
        self.failed += other.failed;
        self.bytes += other.bytes;
        self.last_ns = self.last_ns.max(other.last_ns);
    }

    /// Exchanges of every ending.
    pub fn total(&self) -> u64 {
        self.run.1 + self.endings.values().sum::<u64>()
    }

    /// Share of the exchanges that were due and waited for a connection.
    pub fn waiting(&self) -> f64 {
        let waited = self.connection_wait_ns.len() - self.connection_wait_ns.count_at(0);
        waited as f64 / (self.connection_wait_ns.len() as f64).max(1.0)
    }

    /// Exchanges with an answer.
    pub fn answered(&self) -> u64 {
        self.run.1 + self.endings.get(&Ending::Answered).copied().unwrap_or(0)
    }

    /// Writes the pending run of equal codes into the maps.
    pub(crate) fn end_run(&mut self) {
        let (code, count) = std::mem::take(&mut self.run);
        if count > 0 {
            *self.codes.entry(code).or_default() += count;
            *self.endings.entry(Ending::Answered).or_default() += count;
        }
    }
}

impl Recorder for Histograms {
    fn record(&mut self, observation: &Observation) {
        self.bytes += observation.bytes;
        if observation.last_ns != Observation::NEVER {
            self.last_ns = self.last_ns.max(observation.last_ns);
        }
        if let Some(wait) = observation.connection_wait_ns() {
            self.connection_wait_ns.saturating_record(wait);
        }
        if let Some(lag) = observation.send_lag_ns() {
            self.send_lag_ns.saturating_record(lag);
        }
        if observation.ending != Ending::Answered {
            *self.endings.entry(observation.ending).or_default() += 1;
            return;
        }
        self.failed += u64::from(observation.class == Class::Failed);
        if self.run.0 != observation.code {
            self.end_run();
            self.run.0 = observation.code;
        }
        self.run.1 += 1;
        if let Some(latency) = observation.latency_ns() {
            self.latency_ns.saturating_record(latency);
        }
        if let Some(latency) = observation.latency_from_sent_ns() {
            self.latency_from_sent_ns.saturating_record(latency);
        }
        if let Some(service) = observation.service_time_ns() {
            self.service_time_ns.saturating_record(service);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use understudy_model::FailureKind;

    fn observation(at: u64, code: i32) -> Observation {
        Observation {
            case: 0,
            operation: 0,
            due_ns: at,
            free_ns: at + 1,
            sent_ns: at + 3,
            first_ns: at + 10,
            last_ns: at + 10,
            ending: match code {
                0 => Ending::Failed(FailureKind::Closed),
                _ => Ending::Answered,
            },
            class: Class::Ok,
            code,
            bytes: 5,
            hash: 0,
        }
    }

    proptest! {
        /// Recording in one thread or in several that are merged later is the same.
        #[test]
        fn merging_loses_nothing(
            codes in proptest::collection::vec(prop_oneof![Just(0), Just(200), Just(404)], 0..200),
            split in 0usize..200,
        ) {
            let all: Vec<Observation> =
                codes.iter().enumerate().map(|(i, c)| observation(i as u64 * 7, *c)).collect();
            let record = |part: &[Observation]| {
                let mut kept = Histograms::default();
                part.iter().for_each(|o| kept.record(o));
                kept
            };
            let split = split.min(all.len());
            let mut merged = record(&all[..split]);
            merged.merge(record(&all[split..]));
            let mut whole = record(&all);
            whole.end_run();
            prop_assert_eq!(merged.total(), all.len() as u64);
            prop_assert_eq!(&merged.codes, &whole.codes);
            prop_assert_eq!(&merged.endings, &whole.endings);
            prop_assert_eq!(&merged.latency_ns, &whole.latency_ns);
            prop_assert_eq!(&merged.latency_from_sent_ns, &whole.latency_from_sent_ns);
            prop_assert_eq!(&merged.send_lag_ns, &whole.send_lag_ns);
            prop_assert_eq!(merged.bytes, whole.bytes);
        }
    }
}
