//! How a side starts and how long it takes to reach its pace: a part of `verdict.json`.

use crate::Role;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was seen of the starts of one side and of the load that settled it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WarmUp {
    /// Whose.
    pub side: Role,
    /// How often it was started in this trial.
    pub starts: u32,
    /// The shortest time from launch to ready, seconds; absent if Understudy did not start it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_least_s: Option<f64>,
    /// The longest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_most_s: Option<f64>,
    /// The first load after a start; absent where it was too short or too thin to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settling: Option<Settling>,
}

/// The load that a side got before its first measurement, seen once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settling {
    /// Offered rate, requests per second.
    pub rate_rps: f64,
    /// How long it lasted, seconds.
    pub lasted_s: f64,
    /// Latency of its first request, microseconds; absent if that was not answered.
    pub first_us: Option<f64>,
    /// What its median latency did.
    pub course: Course,
    /// Seconds of load until the level was reached that lasted to the end; absent if it never was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steady_after_s: Option<f64>,
    /// Median latency at the begin (before the first change), microseconds.
    pub before_us: f64,
    /// Median latency at the end (after the last change), microseconds.
    pub after_us: f64,
}

/// What the latency of a side does under its first load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Course {
    /// It is what it will be from the begin.
    Flat,
    /// It falls and then stays.
    WarmsUp,
    /// It grows and then stays.
    SlowsDown,
    /// It still changes in the last quarter.
    NeverSteady,
}
