//! How the time of a run grows with the size of its case: a fixed time, and a time per unit.

use crate::verdict::Estimate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the wall time of the runs of an operation grows with the size of their cases, for two sides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Growth {
    /// The operation; its cases have at least two sizes.
    pub operation: String,
    /// What the sizes are counted in: `rows`.
    pub unit: String,
    /// The sizes that were measured, ascending.
    pub sizes: Vec<f64>,
    /// The baseline's line.
    pub baseline: SideGrowth,
    /// The contender's.
    pub contender: SideGrowth,
    /// Time per unit, contender over baseline; absent where a side has no line or a gate refuses it.
    pub ratio: Option<Estimate>,
    /// Pairs of measurements that hold every size.
    pub pairs: u32,
    /// Why there is no ratio although both sides have a line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_ratio: Option<String>,
}

/// How the time of one side grows. A time in `times` is the median over the measurements of the mean wall time of the runs
/// of a size, microseconds, with its 95 % interval; without ends where there are fewer than six measurements.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SideGrowth {
    /// The line; absent where the times do not follow one.
    pub line: Option<Line>,
    /// Why there is no line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_line: Option<String>,
    /// By how much the line is off at the size where it is off most, as a share of the time there; absent with two
    /// sizes, which every line fits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worst_error: Option<f64>,
    /// The times that the line is put through, one for each of `sizes`; absent in documents of older versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub times: Vec<Estimate>,
}

/// Time of a run = fixed time + time per unit * size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// The time of a run whose size is 0, microseconds. It can be below 0 where the time grows a little faster than a
    /// line.
    pub fixed_us: Estimate,
    /// What each unit adds, microseconds.
    pub us_per_unit: Estimate,
    /// Throughput without the fixed time: units per second. An end that is null is infinite.
    pub units_per_s: Estimate,
    /// The largest size within the deadline; absent without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within_deadline: Option<WithinDeadline>,
}

/// What is known of the largest size within a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// The lower end of the interval is within the deadline.
    UpTo,
    /// The lower end is where the line ends: what is beyond was not measured.
    AtLeast,
    /// No size is within the deadline for certain.
    None,
}

/// The largest size that one run handles within a deadline, by the line.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WithinDeadline {
    /// The deadline, microseconds.
    pub deadline_us: f64,
    /// What is known.
    pub reach: Reach,
    /// The size with its 95 % interval; the lower end is the one to rely on. Null is beyond `line_ends_at`.
    pub size: Estimate,
    /// The line is not continued beyond this size: 4 times the largest that was measured.
    pub line_ends_at: f64,
}
