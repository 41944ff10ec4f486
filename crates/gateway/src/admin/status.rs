//! What there is to see of a gateway, as documents.

use crate::ledger::{Balance, Judged, Waiver};
use crate::traffic::Traffic;
use hdrhistogram::Histogram;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use understudy_compare::Day;
use understudy_model::Role;
use understudy_model::proof::{Proposal, SelfTest};
use understudy_model::verdict::{
    Cluster, Equivalence, Excuse, FEWEST_COMPARED, MOST_LOST, MOST_MISSED, Noise,
};
use understudy_stats::sequential::share;

/// Chance that a bound is ever wrong.
const ALPHA: f64 = 0.05;

/// A gateway, as it is now.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// Version of understudy.
    pub version: String,
    /// Seconds since the start.
    pub uptime_s: u64,
    /// Configurations taken since.
    pub reloads: u64,
    /// What the comparison amounts to.
    pub proof: Proof,
    /// `eligible = compared + dropped + pending`.
    pub ledger: Balance,
    /// The candidate.
    pub candidate: Candidate,
    /// By route.
    pub routes: BTreeMap<String, RouteStatus>,
    /// The last minutes, one entry a second.
    pub history: Vec<Second>,
    /// By operation.
    #[serde(alias = "endpoints")]
    pub operations: Vec<Operation>,
    /// The servers that are asked.
    pub servers: Vec<ServerStatus>,
    /// Connections of clients.
    pub connections: u64,
    /// Connections that were closed before they brought a request, by reason.
    pub connections_unopened: BTreeMap<String, u64>,
    /// Requests under way.
    pub requests_in_flight: u64,
    /// Lines that the access log lost.
    pub log_lines_lost: u64,
}

/// How sure it is that the candidate answers as the incumbent does.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// The answer so far.
    pub state: ProofState,
    /// In one sentence.
    pub because: String,
    /// The share of differing answers that has to be excluded.
    pub goal: f64,
    /// Pairs that were compared.
    pub compared: u64,
    /// Of these: equal.
    pub equal: u64,
    /// Of these: different, unexcused.
    pub different: u64,
    /// Of these: different, excused by rules, waivers or noise.
    pub excused: u64,
    /// The share of their bytes that was compared.
    pub compared_share: f64,
    /// Pairs that were not compared, because noise covers their whole body.
    pub covered: u64,
    /// With 95 % confidence at every moment at once, no more than this share differs.
    pub mismatch_upper_95: f64,
    /// Further requests without a difference that reach the goal; none: no number does.
    pub more_requests: Option<u64>,
}

impl Proof {
    /// The same, but not proven if the comparison misses more than a few of the faults that it is tested with.
    pub(super) fn held_to(self, test: &SelfTest) -> Proof {
        let Some((injected, missed)) = test.blindness() else {
            return self;
        };
        Proof {
            state: ProofState::Proving,
            because: format!(
                "the comparison misses {missed} of {injected} faults that it is tested with, more than {:.0} %; see understudy gateway selftest",
                MOST_MISSED * 100.0
            ),
            ..self
        }
    }
}

/// What the comparison amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProofState {
    /// There is no candidate.
    NoCandidate,
    /// No difference so far, and not enough requests.
    Proving,
    /// The goal is reached.
    Proven,
    /// Answers differ.
    Different,
    /// Too many eligible requests were not compared.
    Lossy,
}

/// The candidate's health.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// Is there one?
    pub configured: bool,
    /// Is it left alone because it failed again and again?
    pub breaker_open: bool,
    /// Exchanges with it under way.
    pub in_flight: u64,
    /// Bytes held by copies.
    pub memory_bytes: u64,
    /// Exchanges that it did not answer.
    pub failed: u64,
}

/// One server. One that is not well is asked only where none is.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerStatus {
    /// What it is asked for.
    pub role: Role,
    /// Its address, as the configuration has it.
    pub server: String,
    /// Does it pass its health checks? Also true where none are configured.
    pub passes_checks: bool,
    /// Threads that leave it alone for a while, because their last requests to it failed.
    pub failing_threads: u64,
}

/// What went through one route.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RouteStatus {
    /// Requests.
    pub requests: u64,
    /// By class of the status: `2xx`.
    pub by_class: BTreeMap<String, u64>,
    /// By the way they ended.
    pub by_end: BTreeMap<String, u64>,
    /// Requests that were sent again.
    pub retries: u64,
    /// Until the last byte, in microseconds.
    pub incumbent_us: Quantiles,
    /// Likewise.
    pub candidate_us: Quantiles,
}

/// Quantiles in microseconds; none where nothing was measured.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quantiles {
    /// Half were faster.
    pub p50: Option<u64>,
    /// 90 % were faster.
    pub p90: Option<u64>,
    /// 99 % were faster.
    pub p99: Option<u64>,
}

impl Quantiles {
    pub(super) fn of(histogram: &Histogram<u64>) -> Quantiles {
        let at = |q| (!histogram.is_empty()).then(|| histogram.value_at_quantile(q));
        Quantiles {
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
        }
    }
}

/// One second.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Second {
    /// Requests of clients that ended.
    pub requests: u64,
    /// Of these: answered with 5xx.
    pub errors: u64,
    /// Exchanges with the candidate that it answered.
    pub shown: u64,
    /// Latency of the incumbent, as the clients saw it.
    pub incumbent_us: Quantiles,
    /// Latency of the candidate.
    pub candidate_us: Quantiles,
}

/// The proof of one operation.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// Its template.
    #[serde(alias = "endpoint")]
    pub operation: String,
    /// Pairs that were compared.
    pub compared: u64,
    /// Of these: different, unexcused.
    pub different: u64,
    /// Of these: excused.
    pub excused: u64,
    /// Upper bound of the share that differs; see [`Proof::mismatch_upper_95`].
    pub mismatch_upper_95: f64,
    /// Further requests without a difference that reach the goal.
    pub more_requests: Option<u64>,
    /// What was asked of it, and what the incumbent answered.
    pub cells: Vec<Coverage>,
}

/// Pairs of one status and one set of parameters.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Coverage {
    /// The incumbent's status.
    pub status: i32,
    /// Names of the parameters.
    pub parameters: String,
    /// Pairs.
    pub compared: u64,
}

/// What differs, what is excused, and by what.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Differences {
    /// The largest first.
    pub clusters: Vec<Cluster>,
    /// Places where the incumbent differs from itself.
    pub noise: Vec<Noise>,
    /// Rules, waivers and noise with the pairs that each excuses.
    pub excused_by: Vec<Excuse>,
    /// Waivers, also those that are over.
    pub waivers: Vec<WaiverStatus>,
}

/// Rules that would excuse what differs.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Proposals {
    /// What resolves most comes first.
    pub proposals: Vec<Proposal>,
}

/// A waiver and whether it does anything.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WaiverStatus {
    /// The waiver.
    pub waiver: Waiver,
    /// It is over, and no longer excuses anything.
    pub expired: bool,
    /// It excuses nothing that was seen: remove it.
    pub dead: bool,
}

pub(super) fn proof(judged: &Equivalence, balance: &Balance, goal: f64, configured: bool) -> Proof {
    // What noise covers as a whole was not compared.
    let lost = balance.dropped.values().sum::<u64>() + judged.lost;
    let ended = balance.eligible - balance.pending;
    let upper = share::upper_bound(judged.different, judged.counted, ALPHA);
    let more = share::trials_to_goal(judged.different, judged.counted, ALPHA, goal);
    let (state, because) = if !configured {
        (
            ProofState::NoCandidate,
            "no candidate is configured".to_owned(),
        )
    } else if judged.different > 0 {
        let (k, n) = (judged.different, judged.compared);
        (
            ProofState::Different,
            format!("{k} of {n} answers differ, unexcused"),
        )
    } else if ended >= FEWEST_COMPARED && lost as f64 > MOST_LOST * ended as f64 {
        (
            ProofState::Lossy,
            format!(
                "{lost} of {ended} eligible requests were not compared, more than 0.1 %{}",
                most_covered(judged)
            ),
        )
    } else if upper <= goal {
        (
            ProofState::Proven,
            format!(
                "at most {:.4} % of answers differ (95 %), the goal is {:.4} %",
                upper * 100.0,
                goal * 100.0
            ),
        )
    } else {
        let more = more.map_or_else(String::new, |more| {
            format!("; {more} more requests without one reach the goal")
        });
        (
            ProofState::Proving,
            format!(
                "no unexcused difference in {} answers so far{more}",
                judged.compared
            ),
        )
    };
    Proof {
        state,
        because,
        goal,
        compared: judged.compared,
        equal: judged.equal,
        different: judged.different,
        excused: judged.excused,
        compared_share: judged.coverage.share(),
        covered: judged.lost,
        mismatch_upper_95: upper,
        more_requests: more,
    }
}

/// The noise that covers most answers.
fn most_covered(judged: &Equivalence) -> String {
    let most = judged
        .lost_by_reason
        .iter()
        .max_by_key(|(_, pairs)| **pairs);
    most.map_or_else(String::new, |(why, pairs)| format!(" ({why}: {pairs})"))
}

pub(super) fn operations(judged: &Judged, goal: f64) -> Vec<Operation> {
    let operation = |(name, of): &(String, Equivalence)| {
        let cells = judged
            .cells
            .iter()
            .filter(|(operation, _, _)| operation == name);
        Operation {
            operation: name.clone(),
            compared: of.compared,
            different: of.different,
            excused: of.excused,
            mismatch_upper_95: share::upper_bound(of.different, of.counted, ALPHA),
            more_requests: share::trials_to_goal(of.different, of.counted, ALPHA, goal),
            cells: cells
                .map(|(_, cell, compared)| Coverage {
                    status: cell.status,
                    parameters: cell.parameters.clone(),
                    compared: *compared,
                })
                .collect(),
        }
    };
    judged.operations.iter().map(operation).collect()
}

pub(super) fn differences(judged: Judged, waivers: &[Waiver], today: Day) -> Differences {
    let is_used =
        |waiver: &Waiver| (judged.waived.iter()).any(|(of, pairs)| of == waiver && *pairs > 0);
    let status = |waiver: &Waiver| {
        let expired = waiver.expires < today;
        WaiverStatus {
            waiver: waiver.clone(),
            expired,
            dead: !expired && !is_used(waiver),
        }
    };
    let waivers = waivers.iter().map(status).collect();
    Differences {
        clusters: judged.all.clusters,
        noise: judged.all.noise,
        excused_by: judged.all.excused_by,
        waivers,
    }
}

pub(super) fn route(traffic: &Traffic) -> RouteStatus {
    let classes = traffic
        .by_class
        .iter()
        .enumerate()
        .filter(|(_, count)| **count > 0);
    RouteStatus {
        requests: traffic.requests(),
        by_class: classes
            .map(|(class, count)| (format!("{class}xx"), *count))
            .collect(),
        by_end: traffic
            .by_end
            .iter()
            .map(|(end, count)| (end.name().to_owned(), *count))
            .collect(),
        retries: traffic.retries,
        incumbent_us: Quantiles::of(&traffic.incumbent),
        candidate_us: Quantiles::of(&traffic.candidate),
    }
}
