//! The result of `understudy load`: a document with a published schema.

use crate::recorder::Histograms;
use crate::run::{Plan, Rate};
use hdrhistogram::Histogram;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use understudy_model::Arrivals;
use understudy_model::Ending;
use understudy_model::gates::GeneratorUse;
use understudy_model::gates::{self, Gate};
use understudy_stats::quantile::order_statistic_ranks;

/// The version of this document's format.
pub const SCHEMA: u32 = 1;

/// What the load was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LoadModel {
    /// Requests are due by a schedule; latency counts from the due time.
    Open,
    /// A request follows the answer before it; latency is service time, and a stall hides what it
    /// would have hit.
    Closed,
}

/// The document. Times are in microseconds, rates per second, shares between 0 and 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoadReport {
    /// Format version of this document.
    pub schema: u32,
    /// The URL.
    pub target: String,
    /// Open or closed.
    pub load_model: LoadModel,
    /// Distribution of the gaps; none in a closed model.
    pub arrivals: Option<Arrivals>,
    /// The seed of the schedule.
    pub seed: u64,
    /// Connections.
    pub connections: u32,
    /// Connections that the server accepted before the load began; the others were opened when a request
    /// was due for them.
    pub connected: u32,
    /// Generator threads.
    pub threads: u32,
    /// CPUs the generator was pinned to; empty if it was not.
    pub generator_cpus: Vec<u32>,
    /// Length of the discarded warm-up, seconds.
    pub warmup_s: f64,
    /// Length of the measured window, seconds; shorter than asked for if interrupted.
    pub duration_s: f64,
    /// Requests per second of the schedule; none in a closed model.
    pub offered_rate_rps: Option<f64>,
    /// Requests sent, per second of the window.
    pub sent_rate_rps: f64,
    /// Answers, per second until the last of them arrived.
    pub achieved_rate_rps: f64,
    /// Requests that were due in the window and ended, in whatever way.
    pub requests: u64,
    /// Requests with a whole answer.
    pub answered: u64,
    /// Requests without an answer by kind, and answers with a 5xx status as `status_5xx`.
    pub errors: BTreeMap<String, u64>,
    /// Requests that were sent again on a fresh connection, because the server closed a kept one before any
    /// byte of their answer (RFC 9112, section 9.3.1); those of the warm-up too. Their latency counts from
    /// the intended time all the same.
    pub resent: u64,
    /// Answers by status.
    pub statuses: BTreeMap<String, u64>,
    /// What was malformed in the first malformed answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub malformed: Option<String>,
    /// Bytes of all answers, heads included.
    pub bytes: u64,
    /// From the intended time (closed model: from sent) to the last byte.
    pub latency_us: Distribution,
    /// The same without the generator's own lateness: from sent, with the wait for a connection. A latency that
    /// its lateness had no part in is between the two. Null in a closed model, which knows one alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_from_sent_us: Option<Distribution>,
    /// From sent to the last byte.
    pub service_time_us: Distribution,
    /// Due, waiting for a connection.
    pub connection_wait_us: Distribution,
    /// Due and a connection free, until written: the generator's own lateness.
    pub send_lag_us: Distribution,
    /// CPU time of the generator per request, that for the log included; waiting awake is not counted.
    pub cpu_us_per_request: f64,
    /// Share of the busiest generator thread's time that was work.
    pub generator_busy_share: f64,
    /// Share of time the generator waited for a CPU; null where it is not known.
    pub run_queue_share: Option<f64>,
    /// Share of the time that the CPUs of the machine wanted to run and the hypervisor took; CPUs that wait
    /// awake want to all the time. Null where it is not known.
    pub steal_share: Option<f64>,
    /// The log of every exchange, if one was asked for.
    pub log: Option<LogReport>,
    /// Can everything that was measured be trusted?
    pub valid: bool,
    /// Why not, one sentence each.
    pub invalid_because: Vec<String>,
    /// What cannot be trusted; counts, statuses, errors, rates and bytes always can.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<Refused>,
    /// True if it was stopped before its end; the figures cover what was measured until then.
    pub interrupted: bool,
    /// Versions of the programs involved.
    pub versions: BTreeMap<String, String>,
}

/// What of a run cannot be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Refused {
    /// Every distribution of times.
    Latencies,
    /// The log: exchanges are missing from it.
    Log,
}

/// The log of every exchange of the measured window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogReport {
    /// Where it is.
    pub path: String,
    /// How many files it takes: the second of a very long run ends in `-2` before the ending.
    pub files: u32,
    /// Exchanges in it.
    pub rows: u64,
    /// Exchanges that are not in it, because it could not keep up or could not be written; they make
    /// the run invalid.
    pub missed: u64,
    /// Length of its files.
    pub bytes: u64,
    /// What `CLOCK_MONOTONIC` showed at time zero of the log, nanoseconds; null where there is none.
    pub zero_monotonic_ns: Option<u64>,
    /// CPU time for writing it, per request.
    pub cpu_us_per_request: f64,
}

/// A distribution in microseconds. A quantile is null if it has too few samples (then it is named
/// in `not_judged`), or if it is infinite (more requests were never answered than it leaves room for).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Distribution {
    /// Median.
    pub p50: Option<f64>,
    /// 90 %.
    pub p90: Option<f64>,
    /// 95 %.
    pub p95: Option<f64>,
    /// 99 %.
    pub p99: Option<f64>,
    /// 99.9 %.
    pub p99_9: Option<f64>,
    /// 99.99 %.
    pub p99_99: Option<f64>,
    /// The longest of those that ended.
    pub max: Option<f64>,
    /// The mean of those that ended.
    pub mean: Option<f64>,
    /// 95 % interval of each judged quantile by order statistics, which takes the requests for
    /// independent: under a queue they are not, and the true interval is wider. Null is infinite.
    pub interval_95: BTreeMap<String, [Option<f64>; 2]>,
    /// Quantiles with fewer than ten requests beyond them.
    pub not_judged: Vec<String>,
}

/// The quantiles of a [`Distribution`], by name.
pub const QUANTILES: [(&str, f64); 6] = [
    ("p50", 0.5),
    ("p90", 0.9),
    ("p95", 0.95),
    ("p99", 0.99),
    ("p99_9", 0.999),
    ("p99_99", 0.9999),
];

impl Distribution {
    /// From a histogram of nanoseconds and the number of requests that count as infinite.
    pub fn new(histogram: &Histogram<u64>, infinite: u64) -> Self {
        let mut distribution = Distribution::default();
        let n = histogram.len() + infinite;
        for (name, q) in QUANTILES {
            if (n as f64) * (1.0 - q) < 10.0 {
                distribution.not_judged.push(name.to_owned());
                continue;
            }
            if let Some((low, high)) = order_statistic_ranks(n, q) {
                let interval = [at_rank(histogram, low), at_rank(histogram, high)];
                distribution.interval_95.insert(name.to_owned(), interval);
            }
            let value = at_rank(histogram, (q * n as f64).ceil() as u64);
            *distribution.slot(name) = value;
        }
        if !histogram.is_empty() {
            distribution.max = Some(micros(histogram.max()));
            distribution.mean = Some(histogram.mean() / 1e3);
        }
        distribution
    }

    /// A quantile by its name in [`QUANTILES`].
    pub fn quantile(&self, name: &str) -> Option<f64> {
        match name {
            "p50" => self.p50,
            "p90" => self.p90,
            "p95" => self.p95,
            "p99" => self.p99,
            "p99_9" => self.p99_9,
            _ => self.p99_99,
        }
    }

    fn slot(&mut self, name: &str) -> &mut Option<f64> {
        match name {
            "p50" => &mut self.p50,
            "p90" => &mut self.p90,
            "p95" => &mut self.p95,
            "p99" => &mut self.p99,
            "p99_9" => &mut self.p99_9,
            _ => &mut self.p99_99,
        }
    }
}

fn micros(ns: u64) -> f64 {
    ns as f64 / 1e3
}

/// The value with this rank (from 1); `None` (infinite) beyond the last.
fn at_rank(histogram: &Histogram<u64>, rank: u64) -> Option<f64> {
    let n = histogram.len();
    (rank <= n && n > 0).then(|| {
        // Half a rank below, so that the float cannot round up to the next one.
        micros(histogram.value_at_quantile((rank.max(1) as f64 - 0.5) / n as f64))
    })
}

/// What is reported with the measurements.
#[derive(Clone, Debug)]
pub struct Context<'a> {
    /// The URL.
    pub target: &'a str,
    /// Was it stopped early?
    pub interrupted: bool,
    /// Versions of the programs involved.
    pub versions: BTreeMap<String, String>,
}

/// Requests per second of the schedule; `None` in a closed model.
fn offered(plan: &Plan) -> Option<f64> {
    match plan.rate {
        Rate::PerSecond(rate) => Some(rate),
        Rate::Max => None,
    }
}

/// The gates that refuse the latencies of a run. Lateness of the generator is none of them: each quantile is given
/// with it and without it.
pub fn failed_gates(plan: &Plan, histograms: &Histograms, generator: GeneratorUse) -> Vec<Gate> {
    let offered = offered(plan);
    let answered = histograms.answered();
    let latency = Distribution::new(&histograms.latency_ns, histograms.total() - answered);
    let given = QUANTILES.iter().rev();
    let highest = given
        .into_iter()
        .find(|(name, _)| latency.quantile(name).is_some());
    let known = offered.is_some()
        && highest.is_some_and(|(_, highest)| {
            let waiting = histograms.waiting();
            gates::is_lateness_known(answered, generator.stamped, waiting, *highest)
        });
    gates::of_generator(generator, offered, known)
        .into_iter()
        .filter(|gate| !gate.passed)
        .collect()
}

/// Puts the document together and judges whether it can be trusted.
pub fn report(
    plan: &Plan,
    histograms: &Histograms,
    generator: GeneratorUse,
    context: Context<'_>,
) -> LoadReport {
    let requests = histograms.total();
    let answered = histograms.answered();
    let window_s = match context.interrupted {
        true => (generator.wall_ns as f64 / 1e9).min(plan.duration.secs()),
        false => plan.duration.secs(),
    };
    let of_latency = |histogram| Distribution::new(histogram, requests - answered);
    let until_last_s =
        (histograms.last_ns.saturating_sub(plan.warmup.nanos()) as f64 / 1e9).max(window_s);
    let offered_rate_rps = offered(plan);
    let failed = failed_gates(plan, histograms, generator);
    let invalid_because: Vec<String> = failed.iter().map(Gate::text).collect();
    LoadReport {
        schema: SCHEMA,
        target: context.target.to_owned(),
        load_model: match plan.rate {
            Rate::PerSecond(_) => LoadModel::Open,
            Rate::Max => LoadModel::Closed,
        },
        arrivals: offered_rate_rps.map(|_| plan.arrivals),
        seed: plan.seed,
        connections: plan.connections as u32,
        connected: generator.connected,
        threads: plan.threads as u32,
        generator_cpus: plan
            .cpus
            .as_ref()
            .map_or_else(Vec::new, |c| c.as_slice().to_vec()),
        warmup_s: plan.warmup.secs(),
        duration_s: window_s,
        offered_rate_rps,
        sent_rate_rps: generator.sent as f64 / window_s.max(1e-9),
        achieved_rate_rps: answered as f64 / until_last_s.max(1e-9),
        requests,
        answered,
        errors: errors(histograms),
        resent: generator.resent,
        statuses: histograms
            .codes
            .iter()
            .map(|(code, n)| (code.to_string(), *n))
            .collect(),
        malformed: None,
        bytes: histograms.bytes,
        latency_us: of_latency(&histograms.latency_ns),
        latency_from_sent_us: offered_rate_rps
            .map(|_| of_latency(&histograms.latency_from_sent_ns)),
        service_time_us: Distribution::new(&histograms.service_time_ns, 0),
        connection_wait_us: Distribution::new(&histograms.connection_wait_ns, 0),
        send_lag_us: Distribution::new(&histograms.send_lag_ns, 0),
        cpu_us_per_request: generator.work_ns as f64 / 1e3 / (requests as f64).max(1.0),
        generator_busy_share: generator.busy_share,
        run_queue_share: generator.run_queue_share,
        steal_share: generator.steal_share,
        log: None,
        valid: invalid_because.is_empty(),
        refused: failed
            .first()
            .map(|_| Refused::Latencies)
            .into_iter()
            .collect(),
        invalid_because,
        interrupted: context.interrupted,
        versions: context.versions,
    }
}

impl LoadReport {
    /// Adds the log of the run: what it cost, and whether it is complete; `failure` says why it could
    /// not be written.
    #[must_use]
    pub fn with_log(mut self, log: LogReport, failure: Option<&str>) -> Self {
        let gate = gates::log_complete(log.missed, self.requests, failure);
        if !gate.passed {
            self.invalid_because.push(gate.text());
            self.refused.push(Refused::Log);
            self.valid = false;
        }
        self.cpu_us_per_request += log.cpu_us_per_request;
        self.log = Some(log);
        self
    }
}

fn errors(histograms: &Histograms) -> BTreeMap<String, u64> {
    let mut errors: BTreeMap<String, u64> = histograms
        .endings
        .iter()
        .filter(|(ending, _)| **ending != Ending::Answered)
        .map(|(ending, count)| (ending.name().to_owned(), *count))
        .collect();
    if histograms.failed > 0 {
        errors.insert("status_5xx".to_owned(), histograms.failed);
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::recorder::Recorder;
    use understudy_model::{Class, Observation, Span};

    #[test]
    fn the_unanswered_rank_above_all_and_few_samples_are_not_judged() {
        let mut histograms = Histograms::default();
        for ns in 1..=990u64 {
            histograms.latency_ns.saturating_record(ns * 1000);
        }
        let distribution = Distribution::new(&histograms.latency_ns, 10);
        assert_eq!(distribution.p50, Some(500.223), "three digits of 500 us");
        assert!(
            distribution
                .p99
                .is_some_and(|p99| (990.0..=991.0).contains(&p99))
        );
        assert_eq!(
            distribution.interval_95["p99"][1], None,
            "the upper end is infinite"
        );
        assert_eq!(distribution.not_judged, ["p99_9", "p99_99"]);
        let worse = Distribution::new(&histograms.latency_ns, 11);
        assert_eq!((worse.p99, worse.max.is_some()), (None, true));
        assert_eq!(
            Distribution::new(&Histograms::default().latency_ns, 0).max,
            None
        );
    }

    /// 2,000 requests with 2 ms of latency, of which the last 5 % left so late in addition.
    fn late_run(late_ns: u64, generator: GeneratorUse) -> LoadReport {
        let mut histograms = Histograms::default();
        for number in 0..2_000u64 {
            let due = number * 1_000_000;
            let sent = due + if number < 1_900 { 1_000 } else { late_ns };
            histograms.record(&Observation {
                case: 0,
                operation: 0,
                due_ns: due,
                free_ns: due,
                sent_ns: sent,
                first_ns: sent + 2_000_000,
                last_ns: sent + 2_000_000,
                ending: Ending::Answered,
                class: Class::Ok,
                code: 200,
                bytes: 5,
                hash: 0,
            });
        }
        let plan = Plan {
            rate: Rate::PerSecond(1_000.0),
            arrivals: Arrivals::Constant,
            warmup: Span::default(),
            duration: Span::from_secs(2),
            connections: 8,
            threads: 1,
            cpus: None,
            timeout: Span::from_secs(10),
            seed: 1,
            queue: 100,
            apart: false,
        };
        let context = Context {
            target: "http://127.0.0.1/",
            interrupted: false,
            versions: BTreeMap::new(),
        };
        report(&plan, &histograms, generator, context)
    }

    #[test]
    fn lateness_is_a_bound_of_each_quantile_and_no_reason_to_refuse() {
        let report = late_run(20_000_000, GeneratorUse::default());
        assert!(report.valid && report.refused.is_empty(), "{report:?}");
        let sent = report.latency_from_sent_us.unwrap();
        let near = |value: Option<f64>, ms: f64| (value.unwrap() / 1e3 - ms).abs() < 0.05;
        assert!(near(report.latency_us.p99, 22.0) && near(sent.p99, 2.0));
        assert!(near(report.latency_us.p50, 2.0) && near(sent.p50, 2.0));
    }

    #[test]
    fn waiting_for_a_cpu_refuses_nothing_up_to_the_highest_quantile_that_is_given() {
        let waits = |stamped| GeneratorUse {
            run_queue_share: Some(0.2),
            stamped,
            ..GeneratorUse::default()
        };
        // 2,000 requests give p99: one in a thousand may have arrived at a time that is not known.
        assert!(late_run(1_000, waits(2_000)).refused.is_empty());
        assert!(late_run(1_000, waits(1_998)).refused.is_empty());
        assert!(!late_run(1_000, waits(1_997)).refused.is_empty());
    }

    #[test]
    fn what_bears_on_latencies_refuses_them_and_nothing_else() {
        let quiet = late_run(1_000, GeneratorUse::default());
        let waits = GeneratorUse {
            run_queue_share: Some(0.2),
            ..GeneratorUse::default()
        };
        let report = late_run(1_000, waits);
        assert_eq!(
            (report.valid, &report.refused),
            (false, &vec![Refused::Latencies])
        );
        assert_eq!(report.statuses, quiet.statuses);
        let counted = |report: &LoadReport| (report.requests, report.answered, report.bytes);
        assert_eq!(counted(&report), counted(&quiet));
    }
}
