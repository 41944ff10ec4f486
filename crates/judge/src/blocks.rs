//! The measurements under load: what is stored of each, and its latencies put in order.

use crate::terms::{Slo, Terms};
use std::collections::BTreeMap;
use understudy_model::stored::{LatencyBlock, Row};
use understudy_model::verdict::VerdictRules;
use understudy_model::{Observation, Role};
use understudy_stats::quantile::{BlockQuantile, block_quantile};

/// The latency of an exchange, microseconds; infinite without an answer. One of zero would have no
/// logarithm: no exchange takes less than a nanosecond.
pub fn latency_us(observation: &Observation) -> f64 {
    let latency = observation.latency_ns();
    latency.map_or(f64::INFINITY, |ns| ns.max(1) as f64 / 1e3)
}

/// The latency of an exchange from when it was sent, with the time that it waited for a connection, microseconds;
/// infinite without an answer. The first rules knew no other than that from when it was due.
pub(crate) fn from_sent_us(observation: &Observation, rules: VerdictRules) -> f64 {
    let latency = match rules >= VerdictRules::BOUNDS {
        true => observation.latency_from_sent_ns(),
        false => observation.latency_ns(),
    };
    latency.map_or(f64::INFINITY, |ns| ns.max(1) as f64 / 1e3)
}

/// From when a latency is counted. The generator may be late itself: then the latency that its own lateness had no
/// part in is between the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    /// From when the request was due: traffic as it was planned.
    Due,
    /// From when it was sent, with the time that it waited for a connection: traffic as it left.
    Sent,
}

/// Latencies of one block at one operation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sorted {
    /// From when the requests were due, microseconds, ascending.
    pub(crate) answered_us: Vec<f64>,
    /// The same from when they were sent.
    sent_us: Vec<f64>,
    pub(crate) unanswered: u64,
}

impl Sorted {
    pub(crate) fn quantile(&self, q: f64, from: From) -> BlockQuantile {
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

/// The latencies of all blocks: rate (as bits), side, operation, then blocks in order.
#[derive(Debug, Default)]
pub(crate) struct Latencies {
    /// By which rules the run is judged.
    pub(crate) rules: VerdictRules,
    blocks: BTreeMap<(u64, Role, String), BTreeMap<u32, Sorted>>,
}

impl Latencies {
    /// Sorts the latencies of all requests and of each operation that an objective names.
    pub(crate) fn new<'b>(
        blocks: impl IntoIterator<Item = &'b LatencyBlock> + Clone,
        terms: &Terms,
        operations: &[String],
        rules: VerdictRules,
    ) -> Self {
        let mut latencies = Latencies {
            rules,
            ..Latencies::default()
        };
        for operation in judged_operations(terms) {
            let indices: Vec<u32> = operations
                .iter()
                .enumerate()
                .filter(|(_, template)| operation == "*" || **template == operation)
                .map(|(index, _)| index as u32)
                .collect();
            for block in blocks.clone() {
                let rows = block
                    .rows
                    .iter()
                    .filter(|row| indices.contains(&row.observation.operation));
                latencies
                    .blocks
                    .entry((block.rate_rps.to_bits(), block.side, operation.clone()))
                    .or_default()
                    .insert(block.block, Sorted::of(rows, rules));
            }
        }
        latencies
    }

    /// All blocks of one side together.
    pub(crate) fn pooled(&self, rate_rps: f64, side: Role, operation: &str) -> Sorted {
        let mut all = Sorted::default();
        for block in self.of(rate_rps, side, operation) {
            all.answered_us.extend(&block.answered_us);
            all.sent_us.extend(&block.sent_us);
            all.unanswered += block.unanswered;
        }
        all.answered_us.sort_unstable_by(f64::total_cmp);
        all.sent_us.sort_unstable_by(f64::total_cmp);
        all
    }

    /// The blocks of one side in order.
    pub(crate) fn of(&self, rate_rps: f64, side: Role, operation: &str) -> Vec<&Sorted> {
        self.blocks
            .get(&(rate_rps.to_bits(), side, operation.to_owned()))
            .map_or_else(Vec::new, |blocks| blocks.values().collect())
    }
}

/// `*` and every operation that an objective names.
pub(crate) fn judged_operations(terms: &Terms) -> Vec<String> {
    let mut operations = vec!["*".to_owned()];
    for slo in &terms.slos {
        if let Slo::Latency { operation, .. } = slo
            && !operations.contains(operation)
        {
            operations.push(operation.clone());
        }
    }
    operations
}
