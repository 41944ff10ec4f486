//! Where the slowest requests of a side come from: a part of `verdict.json`.

use crate::verdict::Estimate;
use crate::{Cause, Role};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The tail of one side at one rate: the requests above its p99, block by block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tail {
    /// Whose.
    pub side: Role,
    /// Offered rate, requests per second.
    pub rate_rps: f64,
    /// The quantile above which a request belongs to the tail, 0.99 for p99.
    pub quantile: f64,
    /// Latency at that quantile, microseconds: the geometric mean of the blocks. `null` is infinite.
    pub at_us: Option<f64>,
    /// Requests above it.
    pub requests: u64,
    /// The runtime whose pauses were recorded; absent if they were not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime: Option<String>,
    /// The causes that were looked for and seen, in the order in which a request that meets several
    /// is given to one.
    pub causes: Vec<TailCause>,
    /// Share of the tail that no cause explains.
    pub unexplained: f64,
}

/// One cause of a tail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TailCause {
    /// Which.
    pub cause: Cause,
    /// Events in the measured windows; of a cause that is part of a request's own time, requests.
    pub events: u64,
    /// Their time altogether, as a share of the measured windows.
    pub time_share: f64,
    /// The longest of them, microseconds.
    pub longest_us: f64,
    /// Share of the tail that meets such an event or the busy period that one leaves.
    pub share: f64,
    /// The share that chance would have meet one: the mean over shifted events. Absent where the
    /// cause is part of the request's own time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_share: Option<f64>,
    /// The share over the expected one, with its 95 % interval. An upper end that is `null` is
    /// infinite.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lift: Option<Estimate>,
    /// Does it explain what it meets? Its lift is above 1 for certain, or it is part of the request's
    /// own time.
    pub explains: bool,
    /// Share of the tail that it explains: what it meets beyond the upper end of chance, `(share -
    /// chance) / (1 - chance)` with `chance = share / lift.low`; 0 where `explains` is false.
    pub explained_share: f64,
    /// Share of the tail that this cause explains and none before it does: with the unexplained share
    /// these add up to 1.
    pub first_share: f64,
    /// The quantile with each request's overlap with these events taken off, microseconds: what is
    /// taken off is a lower bound of what the cause costs. Absent where an event does not hold a
    /// request up for all of its time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantile_without_us: Option<f64>,
}
