//! `verdict.json`: the judgement and the figures behind it.
//!
//! The published JSON Schema is `schemas/verdict.schema.json`. Quantiles are numbers (0.99).

use crate::capacity::SideCapacity;
use crate::edges::Edges;
use crate::floor::SideFloor;
use crate::growth::Growth;
use crate::instructions::Instructions;
use crate::place::Place;
use crate::proof::SelfTest;
use crate::quality::{ClipQuality, OverClips};
use crate::tail::Tail;
use crate::warm_up::WarmUp;
use crate::{DifferenceKind, Pacing, Role};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// The version of this document's format.
pub const SCHEMA: u32 = 2;

/// Share of the eligible exchanges that may be lost before equivalence is in doubt, in the lab and in the
/// field.
pub const MOST_LOST: f64 = 0.001;
/// Share of the faults at compared places that the comparison may miss: beyond it, it says nothing of
/// equivalence.
pub const MOST_MISSED: f64 = 0.05;
/// Share of the answers that may be refusals or errors: beyond it, equivalence is shown of refusals.
pub const MOST_REFUSED: f64 = 0.5;
/// Fewest exchanges from which anything is concluded about equivalence.
pub const FEWEST_COMPARED: u64 = 300;

/// What a trial concludes. Which one follows from which figures is written in `docs/method.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The measurement cannot be trusted.
    Invalid,
    /// The candidate answers differently.
    NotEquivalent,
    /// The evidence does not decide; the reason says what to measure next.
    Inconclusive,
    /// Keep the incumbent.
    Keep,
    /// Replace the incumbent by the candidate.
    Replace,
    /// Asked whether a newer version is worse: it is, by more than the margin.
    Worse,
    /// Asked whether a newer version is worse: it is not, by more than the margin.
    NoWorse,
}

impl Verdict {
    /// The name used in output.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Invalid => "invalid",
            Verdict::NotEquivalent => "not_equivalent",
            Verdict::Inconclusive => "inconclusive",
            Verdict::Keep => "keep",
            Verdict::Replace => "replace",
            Verdict::Worse => "worse",
            Verdict::NoWorse => "no_worse",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// An estimate with its 95 % interval.
///
/// A bound or estimate that is `null` is infinite: more requests than the quantile leaves room for
/// were never answered.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Estimate {
    /// The point estimate.
    pub estimate: Option<f64>,
    /// The lower end of the 95 % interval.
    pub low: Option<f64>,
    /// The upper end of the 95 % interval.
    pub high: Option<f64>,
}

/// The whole document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VerdictDocument {
    /// Format version of this document.
    pub schema: u32,
    /// Name of the trial.
    pub name: String,
    /// The verdict.
    pub verdict: Verdict,
    /// Why: the rule that decided, with its figures. The first is the deciding one.
    pub because: Vec<Reason>,
    /// Each contender against its baseline.
    pub comparisons: Vec<Comparison>,
    /// The incumbent against itself: what this machine calls a difference when there is none.
    pub aa: Vec<LatencyComparison>,
    /// CPU and memory of the incumbent against itself, as far as they were measured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aa_resources: Vec<ResourceComparison>,
    /// How each side starts and when it reaches its pace. Descriptive.
    #[serde(default)]
    pub warm_up: Vec<WarmUp>,
    /// Where the slowest requests of each side come from, at each rate. Descriptive: no rule of the
    /// verdict turns on it.
    #[serde(default)]
    pub tails: Vec<Tail>,
    /// Every service level objective, judged for each side.
    pub slo: Vec<SloResult>,
    /// Every stated goal, judged for the candidate.
    pub goals: Vec<GoalResult>,
    /// Every stated goal, judged for the tuned incumbent; absent where there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tuned_goals: Vec<GoalResult>,
    /// The gates: what had to hold for the measurement to be trusted.
    pub gates: Vec<Gate>,
    /// What failed gates bear on where the verdict rests on something else, each with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<String>,
    /// The primary outcome, declared before the run.
    pub primary: Option<Primary>,
    /// How it was measured.
    pub method: Method,
    /// The machine and the versions.
    pub environment: Environment,
    /// What this result does not say.
    pub limits_of_this_result: Vec<String>,
    /// The highest rate at which each side holds the objectives; absent where it was not looked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capacity: Vec<SideCapacity>,
    /// The smallest memory limit at which each side holds the objectives; absent where it was not
    /// looked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub memory_floors: Vec<SideFloor>,
    /// Instructions of runs of commands, or of requests to services; absent where they were not counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<Instructions>,
}

/// One reason of a verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// Stable identifier, e.g. `no_measured_problem`.
    pub code: String,
    /// One sentence for people, figures included.
    pub text: String,
    /// The figures, each named with its unit (`candidate_p99_high_us`).
    pub figures: BTreeMap<String, f64>,
}

/// A contender and its baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// The side that it is compared with.
    pub baseline: Role,
    /// The side that is compared.
    pub contender: Role,
    /// Are the answers the same?
    pub equivalence: Equivalence,
    /// What the comparison of the answers would have missed; of the candidate alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub self_test: Option<SelfTest>,
    /// Answers under load: same codes and shapes, and the same values where the baseline agrees with
    /// itself.
    pub under_load: Option<UnderLoad>,
    /// Answers to requests that recorded traffic does not have; absent where none were made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edges: Option<Edges>,
    /// Bits for the same quality, clip by clip; of encoders.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quality: Vec<ClipQuality>,
    /// The same over the clips of each output; absent where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quality_over_clips: Vec<OverClips>,
    /// Latency at each rate and quantile.
    pub latency: Vec<LatencyComparison>,
    /// CPU and memory.
    pub resources: Vec<ResourceComparison>,
    /// How the time grows with the size of a case, by operation; absent where no operation has cases of two sizes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub growth: Vec<Growth>,
}

/// The ledger of the equivalence stage: `eligible = compared + lost`,
/// `compared = equal + different + excused`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Equivalence {
    /// Requests that should have been compared.
    pub eligible: u64,
    /// Pairs of answers compared.
    pub compared: u64,
    /// Pairs without any difference.
    pub equal: u64,
    /// Pairs with at least one difference that nothing excuses.
    pub different: u64,
    /// Pairs whose differences are all excused by a rule or by learned noise.
    pub excused: u64,
    /// Requests that could not be compared.
    pub lost: u64,
    /// Why they were lost, by reason.
    pub lost_by_reason: BTreeMap<String, u64>,
    /// How many pairs each rule or noise pattern excused.
    pub excused_by: Vec<Excuse>,
    /// Upper 95 % bound on the share of requests like these that differ (Clopper-Pearson). An excused pair
    /// counts by the share of its answer that was compared.
    pub mismatch_upper_95: f64,
    /// Pairs that the bound counts: the equal and different ones, and the excused ones by the share of them that was
    /// compared.
    #[serde(default)]
    pub counted: u64,
    /// How many of the incumbent's compared answers had each status.
    #[serde(default)]
    pub statuses: BTreeMap<i32, u64>,
    /// Those of them that refuse or fail.
    #[serde(default)]
    pub refusals: BTreeMap<i32, u64>,
    /// How much of the answers was compared.
    #[serde(default)]
    pub coverage: Coverage,
    /// The same by operation, of those of which not all was compared.
    #[serde(default)]
    #[serde(alias = "coverage_by_endpoint")]
    pub coverage_by_operation: Vec<OperationCoverage>,
    /// The differences, grouped.
    pub clusters: Vec<Cluster>,
    /// The noise learned from the incumbent and a second incumbent.
    pub noise: Vec<Noise>,
}

/// How much of the incumbent's answers was compared, in bytes of their bodies without content codings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Coverage {
    /// Bytes of all compared answers.
    pub bytes: u64,
    /// Of these: bytes that noise excuses.
    pub noise: u64,
    /// Of these: bytes that rules excuse.
    pub rules: u64,
}

impl Coverage {
    /// The share that was compared; 1 of answers without a body.
    pub fn share(&self) -> f64 {
        match self.bytes {
            0 => 1.0,
            bytes => 1.0 - (self.noise + self.rules).min(bytes) as f64 / bytes as f64,
        }
    }

    /// Adds more answers.
    pub fn add(&mut self, more: &Coverage) {
        self.bytes += more.bytes;
        self.noise += more.noise;
        self.rules += more.rules;
    }
}

/// How much of the answers of one operation was compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OperationCoverage {
    /// Operation template.
    #[serde(alias = "endpoint")]
    pub operation: String,
    /// Pairs that were compared.
    pub compared: u64,
    /// Pairs of which noise covers the whole body: they are lost.
    pub covered: u64,
    /// How much of the compared ones.
    pub coverage: Coverage,
}

/// What excused differences.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Excuse {
    /// `rule 1: $.generated_at` or `noise: GET /items/{id} $.generated_at`.
    pub by: String,
    /// The reason the rule gives, if any.
    pub reason: Option<String>,
    /// Pairs in which it excused something.
    pub pairs: u64,
}

/// Noise: a place where the incumbent differs from itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Noise {
    /// Operation template.
    #[serde(alias = "endpoint")]
    pub operation: String,
    /// Place, array indices as `[*]`.
    pub path: Place,
    /// How the incumbent differs from itself there.
    pub kind: DifferenceKind,
    /// The characters its values have there.
    pub characters: Vec<String>,
    /// What a value of the candidate has to be for this to excuse it, in words: learned from the
    /// incumbent's own values.
    pub fits: String,
    /// In how many pairs of the incumbent with itself.
    pub pairs: u64,
}

/// Differences of one kind at one place of one operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    /// Operation template.
    #[serde(alias = "endpoint")]
    pub operation: String,
    /// Place, array indices as `[*]`.
    pub path: Place,
    /// In which way the answers differ.
    pub kind: DifferenceKind,
    /// Pairs in which this difference was seen.
    pub count: u64,
    /// Pairs of this operation that were compared.
    pub of: u64,
    /// When the smallest request was asked again: how often the difference showed.
    pub reproduced: Option<Reproduced>,
    /// Two examples.
    pub examples: Vec<Example>,
    /// The smallest request that showed it, as a curl command.
    pub reproduce: String,
}

/// "Reproduced k of n".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reproduced {
    /// Times the difference showed again.
    pub times: u32,
    /// Times it was tried.
    pub of: u32,
}

/// One example of a difference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// Index of the request in the workload (from 0).
    pub request: u32,
    /// The concrete place.
    pub path: Place,
    /// The baseline's value, bounded and redacted.
    pub baseline: String,
    /// The contender's value, bounded and redacted.
    pub contender: String,
}

/// The ledger of answers under load: `answered = agreeing + deviating + not_inspected`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnderLoad {
    /// Answers of the contender under load.
    pub answered: u64,
    /// Those whose code and shape (and value, where the baseline agrees with itself) were seen of
    /// the baseline.
    pub agreeing: u64,
    /// Those that were not.
    pub deviating: u64,
    /// Those whose body was not inspected (bound of captured bodies).
    pub not_inspected: u64,
    /// Where they deviate: operation, what, count.
    pub deviations: Vec<Deviation>,
}

/// Deviating answers under load, grouped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deviation {
    /// Operation template.
    #[serde(alias = "endpoint")]
    pub operation: String,
    /// `code`, `shape` or `value`.
    pub what: String,
    /// Answers.
    pub count: u64,
    /// Index of one such request in the workload.
    pub request: u32,
}

/// One latency quantile at one rate, two sides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LatencyComparison {
    /// Operation template, `*` for all.
    #[serde(alias = "endpoint")]
    pub operation: String,
    /// Offered rate, requests per second.
    pub rate_rps: f64,
    /// The quantile, 0.99 for p99.
    pub quantile: f64,
    /// The baseline's latency in microseconds, from the intended send time.
    pub baseline_us: Option<Estimate>,
    /// The contender's.
    pub contender_us: Option<Estimate>,
    /// Contender over baseline.
    pub ratio: Option<Estimate>,
    /// The baseline's quantile counted from when the generator sent the requests; like the next two absent where
    /// it was never late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline_from_sent_us: Option<Estimate>,
    /// The contender's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contender_from_sent_us: Option<Estimate>,
    /// The ratio of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratio_from_sent: Option<Estimate>,
    /// p value of "no difference" (exact sign-flip, two-sided).
    pub p_value: Option<f64>,
    /// The same after Holm's correction over everything that is not primary; none for the primary.
    pub p_value_holm: Option<f64>,
    /// Smallest relative difference that this many pairs would have shown (power 90 %), 0.05 for 5 %.
    pub mde: Option<f64>,
    /// Pairs of blocks.
    pub pairs: u32,
    /// False: too few samples, nothing is estimated.
    pub judged: bool,
    /// Why it was not judged.
    pub not_judged_because: Option<String>,
}

impl LatencyComparison {
    /// The quantile that it is about.
    pub fn about(&self) -> Figure {
        Figure::Latency(LatencyQuantile {
            operation: self.operation.clone(),
            quantile: self.quantile,
        })
    }
}

/// What is compared of the machine's resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// From the start of a run to its end, the mean over the runs of a measurement, microseconds.
    WallUsPerRun,
    /// From the start of a program without a case to its end, the mean over the starts of a measurement, microseconds.
    StartupUs,
    /// CPU time per answered request, or per run, microseconds.
    CpuUsPerRequest,
    /// Peak resident set of the process tree, bytes (shared pages count in each process).
    PeakRssBytes,
    /// Peak proportional set of the process tree, bytes (shared pages count once).
    PeakPssBytes,
    /// Peak memory of the cgroup, bytes (page cache and kernel memory included).
    PeakCgroupBytes,
}

impl Resource {
    /// What people read, with the unit.
    pub fn label(self) -> &'static str {
        match self {
            Resource::WallUsPerRun => "wall time per run",
            Resource::StartupUs => "start-up",
            Resource::CpuUsPerRequest => "CPU per request",
            Resource::PeakRssBytes => "peak RSS",
            Resource::PeakPssBytes => "peak PSS",
            Resource::PeakCgroupBytes => "peak cgroup memory",
        }
    }
}

/// One resource, two sides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResourceComparison {
    /// Which.
    pub resource: Resource,
    /// At which offered rate, requests per second.
    pub rate_rps: f64,
    /// The baseline's.
    pub baseline: Option<Estimate>,
    /// The contender's.
    pub contender: Option<Estimate>,
    /// Contender over baseline.
    pub ratio: Option<Estimate>,
    /// Pairs of blocks.
    pub pairs: u32,
    /// Why there is no figure.
    pub unmeasured: Option<String>,
}

/// What an interval says about a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    /// The whole interval keeps the bound.
    Holds,
    /// The whole interval misses it.
    Misses,
    /// The interval contains it.
    Undecided,
    /// Too few samples, or not measured.
    NotJudged,
    /// A gate that bears on it failed.
    Refused,
}

/// A latency quantile of an operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LatencyQuantile {
    /// Operation template, `*` for all.
    #[serde(alias = "endpoint")]
    pub operation: String,
    /// The quantile, 0.99 for p99.
    pub quantile: f64,
}

/// What an objective or a goal is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Figure {
    /// A latency quantile, microseconds.
    Latency(LatencyQuantile),
    /// The share of requests without an answer, or with a 5xx status.
    ErrorShare,
    /// CPU or memory, in the unit of the resource.
    Resource(Resource),
    /// Instructions in user mode per request, or per run.
    Instructions,
}

/// A service level objective, judged for one side at one rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SloResult {
    /// The objective in words: `p99 of * at most 20ms`.
    pub slo: String,
    /// What it is about.
    pub about: Figure,
    /// Which side.
    pub side: Role,
    /// Offered rate, requests per second.
    pub rate_rps: f64,
    /// Microseconds, or a share for error rates. Of a latency the interval reaches from what it is counted from
    /// sending to what it is counted from when the request was due.
    pub value: Option<Estimate>,
    /// Of a latency, counted from when the generator sent the request; absent where that is the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_sent: Option<Estimate>,
    /// The bound, same unit.
    pub bound: f64,
    /// The judgement.
    pub held: Held,
    /// True for the primary outcome; the others are Holm-corrected.
    pub primary: bool,
}

/// A goal, judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GoalResult {
    /// The goal in words: `cpu -30%`.
    pub goal: String,
    /// What it is about.
    pub about: Figure,
    /// Contender over baseline.
    pub ratio: Option<Estimate>,
    /// Of latencies, counted from when the generator sent the requests; absent where that is the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratio_from_sent: Option<Estimate>,
    /// The ratio to reach.
    pub bound: f64,
    /// The judgement.
    pub held: Held,
    /// Why it was not judged, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_judged_because: Option<String>,
    /// False: it is enough that it is not missed for certain.
    pub required: bool,
}

/// A condition for trusting the measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// Stable identifier, e.g. `send_lag`.
    pub code: String,
    /// Where: `4000/s candidate block 3`.
    pub at: String,
    /// Did it hold?
    pub passed: bool,
    /// One sentence with the figure, the limit and, when failed, what to change.
    pub text: String,
    /// What it spoils if it failed, at its rate; nothing else is refused. Empty in documents of the first rules,
    /// whose gates bear on everything.
    #[serde(default)]
    pub bears_on: Vec<Bearing>,
    /// The rate at which it was measured, requests per second; `None`: all.
    #[serde(default)]
    pub rate_rps: Option<f64>,
}

/// What a gate can bear on. Answers, errors and counts of instructions depend on no gate: no disturbance from outside
/// makes them wrong.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Bearing {
    /// Latencies.
    Latency,
    /// CPU time.
    Cpu,
    /// Memory.
    Memory,
}

impl Bearing {
    /// All of them.
    pub const ALL: [Bearing; 3] = [Bearing::Latency, Bearing::Cpu, Bearing::Memory];

    /// What the gates of a figure bear on; `None` if no gate does.
    pub fn of(figure: &Figure) -> Option<Bearing> {
        match figure {
            Figure::Latency(_) => Some(Bearing::Latency),
            // A count is what it is, however busy the machine.
            Figure::ErrorShare | Figure::Instructions => None,
            Figure::Resource(Resource::WallUsPerRun | Resource::StartupUs) => {
                Some(Bearing::Latency)
            }
            Figure::Resource(Resource::CpuUsPerRequest) => Some(Bearing::Cpu),
            Figure::Resource(
                Resource::PeakRssBytes | Resource::PeakPssBytes | Resource::PeakCgroupBytes,
            ) => Some(Bearing::Memory),
        }
    }

    /// The name in sentences.
    pub fn in_words(self) -> &'static str {
        match self {
            Bearing::Latency => "latencies",
            Bearing::Cpu => "CPU time",
            Bearing::Memory => "memory",
        }
    }
}

/// The version of the rules of the verdict: a run is judged by those that held when it was measured.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct VerdictRules(pub u32);

impl VerdictRules {
    /// Every gate refuses the whole result, and lateness of the generator is a gate.
    pub const FIRST: VerdictRules = VerdictRules(1);
    /// A gate refuses what it bears on, and lateness of the generator is a bound of each latency.
    pub const BOUNDS: VerdictRules = VerdictRules(2);
    /// Where the kernel says when answers arrived, waiting of the generator for its CPU is a bound as well; an
    /// objective that holds although requests left in bunches holds; whether to replace is asked again of twice as many
    /// pairs where the first do not decide; 12 pairs and more are summed up by their pseudo-median.
    pub const ARRIVALS: VerdictRules = VerdictRules(3);
    /// Whether a version is worse is asked as often as the time allows where sides start at once; how often it was
    /// asked is seen from the time that the measurements took.
    pub const STARTS: VerdictRules = VerdictRules(4);
    /// Where sides start anew for every pair, the load that settles one is the warm-up of its measurement: more pairs
    /// fit into the time. Of what may be wrong, a look at whether a version is worse has the share of its pairs in all.
    pub const ONE_LOAD: VerdictRules = VerdictRules(5);

    fn first() -> VerdictRules {
        VerdictRules::FIRST
    }
}

impl Default for VerdictRules {
    /// Those of new runs.
    fn default() -> Self {
        VerdictRules::ONE_LOAD
    }
}

/// The primary outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Primary {
    /// Operation template, `*` for all.
    #[serde(alias = "endpoint")]
    pub operation: String,
    /// The quantile.
    pub quantile: f64,
    /// Offered rate, requests per second.
    pub rate_rps: f64,
    /// Set where the outcome is a mean of each measurement, and not the quantile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<Resource>,
}

/// How a trial was measured and how to repeat it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Method {
    /// `quick`, `default` or `thorough`.
    pub level: String,
    /// Fixes schedules, choice of requests, order of blocks and resampling.
    pub seed: u64,
    /// When the next case is asked.
    #[serde(default, skip_serializing_if = "Pacing::is_offered")]
    pub pacing: Pacing,
    /// Distribution of the gaps between requests: `poisson` or `constant`. Of no meaning where none is offered.
    pub arrivals: String,
    /// Connections to the side under load.
    pub connections: u32,
    /// Distinct requests of the workload.
    pub requests: u64,
    /// What was measured at each rate, ascending.
    pub rates: Vec<MeasuredRate>,
    /// Numbers of pairs at the primary rate after which the evidence was judged, or would have been had it
    /// not been decided before; the intervals of the goals hold for all of them together. Absent where
    /// it is judged once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub looks: Vec<u32>,
    /// How each side came to run, by name: its command or URL, secrets redacted.
    pub sides: BTreeMap<String, String>,
    /// Limits of each side in words (`cpus`, `memory`); empty without limits.
    pub limits: BTreeMap<String, String>,
    /// The command that repeats the trial, entered next to the run directory's `trial.toml`.
    pub repeat: String,
}

/// What was measured at one rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MeasuredRate {
    /// Offered rate, requests per second.
    pub rate_rps: f64,
    /// Pairs of measurements, one of each side.
    pub pairs: u32,
    /// Load before each measurement, discarded, seconds.
    pub warmup_s: f64,
    /// Length of one measurement, seconds.
    pub measured_s: f64,
}

/// The machine and the versions, as `environment.json` holds them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// Version of Understudy.
    pub understudy: String,
    /// Operating system and kernel release.
    pub kernel: String,
    /// Processor model.
    pub cpu_model: String,
    /// Online CPUs.
    pub cpus: u32,
    /// Frequency governor of CPU 0, if the machine has one.
    pub governor: Option<String>,
    /// Memory of the machine in bytes.
    pub memory_bytes: u64,
    /// `v1`, `v2`, or why none is usable.
    pub cgroup: String,
    /// When the run started, RFC 3339 in UTC.
    pub started_at: String,
    /// CPUs of the load generator.
    pub generator_cpus: Vec<u32>,
    /// CPUs of the subjects.
    pub subject_cpus: Vec<u32>,
    /// SHA-256 of what was compared, by name (`incumbent`, `candidate`, `requests`).
    pub hashes: BTreeMap<String, String>,
    /// Versions of the programs that were found, by name.
    pub versions: BTreeMap<String, String>,
    /// Incumbent and candidate are one and the same program, started in the same way.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub one_program: bool,
    /// The rules of the verdict when the run began.
    #[serde(default = "VerdictRules::first")]
    pub rules: VerdictRules,
}
