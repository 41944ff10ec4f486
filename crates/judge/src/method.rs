//! How a trial was measured, in plain data for a report.

use crate::Evidence;
use crate::plan::{Plan, RatePlan};
use crate::terms::{LimitsConfig, Terms};
use std::collections::BTreeMap;
use understudy_model::Role;
use understudy_model::verdict::{MeasuredRate, Method};

/// Describes how the measurements in `evidence` were made.
pub(crate) fn describe(terms: &Terms, plan: &Plan, evidence: &Evidence) -> Method {
    Method {
        level: terms.level.name().to_owned(),
        seed: terms.seed,
        pacing: terms.pacing,
        arrivals: terms.arrivals.name().to_owned(),
        connections: terms.connections,
        requests: evidence.requests.len() as u64,
        rates: plan
            .rates
            .iter()
            .map(|rate| measured(rate, evidence))
            .collect(),
        looks: match plan.looks.as_slice() {
            [] | [_] => Vec::new(),
            several => several.iter().map(|abbas| abbas * 2).collect(),
        },
        sides: terms
            .sides
            .iter()
            .map(|terms| (terms.side.name().to_owned(), terms.runs.clone()))
            .collect(),
        limits: limits(terms.limits),
        repeat: "understudy trial trial.toml".to_owned(),
    }
}

/// Pairs are counted, not planned: a run may have been interrupted.
fn measured(rate: &RatePlan, evidence: &Evidence) -> MeasuredRate {
    let of = |side: Role| {
        let blocks = evidence.blocks.iter();
        blocks
            .filter(|block| block.side == side && block.rate_rps == rate.rate_rps)
            .count() as u32
    };
    MeasuredRate {
        rate_rps: rate.rate_rps,
        pairs: of(Role::Incumbent).min(of(Role::Candidate)),
        warmup_s: rate.warmup.secs(),
        measured_s: rate.measured.secs(),
    }
}

fn limits(limits: LimitsConfig) -> BTreeMap<String, String> {
    let cpus = limits.cpus.map(|cpus| ("cpus", cpus.to_string()));
    let memory = limits.memory.map(|memory| ("memory", memory.to_string()));
    let set = cpus.into_iter().chain(memory);
    set.map(|(name, limit)| (name.to_owned(), limit)).collect()
}
