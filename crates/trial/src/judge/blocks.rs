//! The measurements under load: what is stored of each, and its latencies put in order.

use crate::config::{Slo, TrialConfig};
use crate::floor::FloorFacts;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use understudy_evidence::{Happenings, Row};
use understudy_load::GeneratorUse;
use understudy_model::neighbours::Neighbours;
use understudy_model::verdict::VerdictRules;
use understudy_model::{Ending, Observation, Side};
use understudy_stats::quantile::{BlockQuantile, block_quantile};

/// One measurement: one side, one rate, one stretch of time.
#[derive(Clone, Debug)]
pub struct LatencyBlock {
    /// Offered rate, requests per second.
    pub rate_rps: f64,
    /// Who was measured.
    pub side: Side,
    /// Which measurement of this side at this rate: two of each side make an ABBA block.
    pub block: u32,
    /// Figures about the measurement.
    pub figures: BlockFigures,
    /// Every exchange of the measured window.
    pub rows: Vec<Row>,
    /// What happened to the side meanwhile.
    pub happened: Happenings,
}

/// What is stored with a block along with its exchanges.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockFigures {
    /// Seed of schedule and choice of requests: the same for both sides of a pair.
    pub seed: u64,
    /// When its load began: seconds since 1970 by the system clock. It orders measurements for
    /// display; no figure rests on it.
    #[serde(default)]
    pub started_unix_s: f64,
    /// Discarded load before the window, seconds.
    pub warmup_s: f64,
    /// Length of the window, seconds.
    pub measured_s: f64,
    /// How often this measurement was made before and not kept, because CPU steal was too high.
    #[serde(default)]
    pub repeats: u32,
    /// Requests that were due.
    pub due: u64,
    /// Requests that were sent.
    pub sent: u64,
    /// Requests sent after the window although a connection was free in it.
    pub late: u64,
    /// CPU time of the generator, nanoseconds.
    pub generator_work_ns: u64,
    /// Share of time the busiest generator thread worked.
    pub generator_busy_share: f64,
    /// Share of time the generator waited for a CPU.
    pub run_queue_share: Option<f64>,
    /// Answers whose end the kernel stamped, and that the generator delayed in no other way than by sending late; 0 in
    /// runs that were stored before stamps were taken.
    #[serde(default)]
    pub stamped: u64,
    /// Share of the time that the CPUs wanted to run and the hypervisor took.
    pub steal_share: Option<f64>,
    /// Time until the last exchange ended, nanoseconds.
    pub wall_ns: u64,
    /// CPU time of the side over the window, microseconds.
    pub side_cpu_us: Option<f64>,
    /// Highest resident set of the side, bytes.
    pub peak_rss_bytes: Option<f64>,
    /// Proportional set of the side at the end of the window, bytes.
    pub peak_pss_bytes: Option<f64>,
    /// Highest memory of the side's cgroup, bytes.
    pub peak_cgroup_bytes: Option<f64>,
    /// Why resources are missing.
    pub unmeasured: Option<String>,
    /// Processes killed for memory in the window.
    pub oom_kills: Option<u64>,
    /// What else used the CPUs of the machine meanwhile; `None` where it was not observed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub neighbours: Option<Neighbours>,
    /// Of a trial at a memory limit: how it went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<FloorFacts>,
}

impl BlockFigures {
    /// The generator's figures as the gates want them.
    pub(crate) fn generator(&self) -> GeneratorUse {
        GeneratorUse {
            due: self.due,
            sent: self.sent,
            late: self.late,
            work_ns: self.generator_work_ns,
            busy_share: self.generator_busy_share,
            run_queue_share: self.run_queue_share,
            stamped: self.stamped,
            steal_share: self.steal_share,
            wall_ns: self.wall_ns,
            ..GeneratorUse::default()
        }
    }
}

/// An exchange that counts against the error rate: no answer, or a 5xx status.
pub(crate) fn is_error(observation: &Observation) -> bool {
    observation.ending != Ending::Answered || (500..600).contains(&observation.code)
}

/// The latency of an exchange, microseconds; infinite without an answer. One of zero would have no
/// logarithm: no exchange takes less than a nanosecond.
pub(crate) fn latency_us(observation: &Observation) -> f64 {
    let latency = observation.latency_ns();
    latency.map_or(f64::INFINITY, |ns| ns.max(1) as f64 / 1e3)
}

/// The latency of an exchange from when it was sent, with the time that it waited for a connection, microseconds;
/// infinite without an answer. The first rules knew no other than that from when it was due.
pub(super) fn from_sent_us(observation: &Observation, rules: VerdictRules) -> f64 {
    let latency = match rules >= VerdictRules::BOUNDS {
        true => observation.latency_from_sent_ns(),
        false => observation.latency_ns(),
    };
    latency.map_or(f64::INFINITY, |ns| ns.max(1) as f64 / 1e3)
}

/// From when a latency is counted. The generator may be late itself: then the latency that its own lateness had no
/// part in is between the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    /// From when the request was due: traffic as it was planned.
    Due,
    /// From when it was sent, with the time that it waited for a connection: traffic as it left.
    Sent,
}

/// Latencies of one block at one endpoint.
#[derive(Clone, Debug, Default)]
pub(super) struct Sorted {
    /// From when the requests were due, microseconds, ascending.
    pub(super) answered_us: Vec<f64>,
    /// The same from when they were sent.
    sent_us: Vec<f64>,
    pub(super) unanswered: u64,
}

impl Sorted {
    pub(super) fn quantile(&self, q: f64, from: From) -> BlockQuantile {
        let answered_us = match from {
            From::Due => &self.answered_us,
            From::Sent => &self.sent_us,
        };
        block_quantile(answered_us, self.unanswered, q)
    }

    fn of<'r>(rows: impl Iterator<Item = &'r Row>, rules: VerdictRules) -> Self {
        let mut sorted = Sorted::default();
        for row in rows {
            let latency = latency_us(&row.observation);
            if !latency.is_finite() {
                sorted.unanswered += 1;
                continue;
            }
            sorted.answered_us.push(latency);
            sorted.sent_us.push(from_sent_us(&row.observation, rules));
        }
        sorted.answered_us.sort_unstable_by(f64::total_cmp);
        sorted.sent_us.sort_unstable_by(f64::total_cmp);
        sorted
    }
}

/// The latencies of all blocks: rate (as bits), side, endpoint, then blocks in order.
#[derive(Debug, Default)]
pub(super) struct Latencies {
    /// By which rules the run is judged.
    pub(super) rules: VerdictRules,
    blocks: BTreeMap<(u64, Side, String), BTreeMap<u32, Sorted>>,
}

impl Latencies {
    /// Sorts the latencies of all requests and of each endpoint that an objective names.
    pub(super) fn new<'b>(
        blocks: impl IntoIterator<Item = &'b LatencyBlock> + Clone,
        config: &TrialConfig,
        endpoints: &[String],
        rules: VerdictRules,
    ) -> Self {
        let mut latencies = Latencies {
            rules,
            ..Latencies::default()
        };
        for endpoint in judged_endpoints(config) {
            let indices: Vec<u32> = endpoints
                .iter()
                .enumerate()
                .filter(|(_, template)| endpoint == "*" || **template == endpoint)
                .map(|(index, _)| index as u32)
                .collect();
            for block in blocks.clone() {
                let rows = block
                    .rows
                    .iter()
                    .filter(|row| indices.contains(&row.observation.endpoint));
                latencies
                    .blocks
                    .entry((block.rate_rps.to_bits(), block.side, endpoint.clone()))
                    .or_default()
                    .insert(block.block, Sorted::of(rows, rules));
            }
        }
        latencies
    }

    /// The blocks of one side in order.
    pub(super) fn of(&self, rate_rps: f64, side: Side, endpoint: &str) -> Vec<&Sorted> {
        self.blocks
            .get(&(rate_rps.to_bits(), side, endpoint.to_owned()))
            .map_or_else(Vec::new, |blocks| blocks.values().collect())
    }
}

/// `*` and every endpoint that an objective names.
pub(super) fn judged_endpoints(config: &TrialConfig) -> Vec<String> {
    let mut endpoints = vec!["*".to_owned()];
    for slo in &config.slos {
        if let Slo::Latency { endpoint, .. } = slo
            && !endpoints.contains(endpoint)
        {
            endpoints.push(endpoint.clone());
        }
    }
    endpoints
}
