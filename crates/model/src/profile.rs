//! What `understudy profile` says of one service.

use crate::capacity::Capacity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The version of [`ProfileReport`].
pub const SCHEMA: u32 = 1;

/// The whole document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileReport {
    /// Format version of this document.
    pub schema: u32,
    /// The URL.
    pub target: String,
    /// The rate that it has to serve, requests per second.
    pub rate_rps: f64,
    /// What is worth knowing, the answer first.
    pub findings: Vec<Finding>,
    /// The highest rate that holds the objectives, and the knee curve.
    pub capacity: Capacity,
    /// Capacity over the rate that it has to serve; null where the capacity is not known.
    pub headroom: Option<f64>,
    /// Highest resident set of its processes, bytes; null where no process was named.
    pub peak_rss_bytes: Option<f64>,
    /// True if it was stopped before its end.
    pub interrupted: bool,
    /// Version of Understudy.
    pub version: String,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// Stable identifier, e.g. `no_problem`.
    pub code: String,
    /// One or two sentences for people, figures included.
    pub text: String,
}
