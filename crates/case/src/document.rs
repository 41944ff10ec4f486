//! The result: a document with a published schema.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use understudy_model::verdict::{Reason, Verdict};

/// The version of this document's format.
pub const SCHEMA: u32 = 1;

/// What can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Arm {
    /// Do nothing: the incumbent as it is.
    Incumbent,
    /// Tune the incumbent in place.
    Tuned,
    /// Replace it by the candidate.
    Candidate,
}

impl Arm {
    /// All, doing nothing first.
    pub const ALL: [Arm; 3] = [Arm::Incumbent, Arm::Tuned, Arm::Candidate];

    /// Its name in output.
    pub fn name(self) -> &'static str {
        match self {
            Arm::Incumbent => "incumbent",
            Arm::Tuned => "tuned",
            Arm::Candidate => "candidate",
        }
    }
}

/// A business case. Money is in `currency`; net present values are against doing nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseDocument {
    /// Format version of this document.
    pub schema: u32,
    /// What the case is called.
    pub name: String,
    /// Currency of all money, ISO 4217.
    pub currency: String,
    /// The conclusion: `replace`, `keep` or `inconclusive`.
    pub verdict: Verdict,
    /// Why, the deciding reason first.
    pub because: Vec<Reason>,
    /// What to measure or state next, the most useful first.
    pub next: Vec<String>,
    /// Probability of a net present value above 0 that a replacement needs.
    pub threshold: f64,
    /// Probability that the candidate's net present value is above 0.
    pub p_npv_positive: f64,
    /// Probability that the candidate's net present value is above that of tuning in place.
    pub p_beats_tuning: f64,
    /// Each thing that can be done.
    pub arms: Vec<ArmFigures>,
    /// Quantiles of the candidate's net present value.
    pub npv: Vec<Quantile>,
    /// How the candidate's net present value is distributed, ascending: equal steps from its quantile
    /// 1 % to 99 %; what is outside is left out. Empty where nothing is uncertain.
    pub distribution: Vec<Bin>,
    /// What each arm costs a year by the size of the fleet, ascending, all other figures at their medians.
    pub fleets: Vec<FleetCost>,
    /// From which size the candidate pays, all other figures at their medians.
    pub break_even: BreakEven,
    /// What each uncertain figure does to the candidate's net present value, the widest first.
    pub tornado: Vec<Swing>,
    /// The one figure whose smallest relative change turns the sign of the candidate's net present
    /// value; `null` if no figure does by a factor of up to ten.
    pub flip: Option<Flip>,
    /// The rules of fit.
    pub checks: Vec<Check>,
    /// How much rests on defaults.
    pub defaults: Defaults,
    /// Every figure that was used, with its source.
    pub assumptions: Vec<Assumption>,
    /// Every result with all figures at their medians: formula, inputs and value.
    pub lines: Vec<Line>,
    /// Draws of the simulation.
    pub draws: u32,
    /// Seed of the simulation.
    pub seed: u64,
}

/// Three quantiles of the simulation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Three {
    /// One in ten is lower.
    pub p10: f64,
    /// Half are lower.
    pub p50: f64,
    /// One in ten is higher.
    pub p90: f64,
}

/// One thing that can be done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArmFigures {
    /// Which.
    pub arm: Arm,
    /// Whole instances in the first year.
    pub instances: Three,
    /// Infrastructure in the first year.
    pub yearly_cost: Three,
    /// What it saves per year against doing nothing, at the demand of the first year: infrastructure,
    /// incidents and vulnerabilities less maintenance.
    pub yearly_saving: Three,
    /// What it costs once.
    pub one_off: Three,
    /// Its net present value.
    pub npv: Three,
    /// Months until it has paid what it costs once, all figures at their medians; `null` if not within
    /// the horizon.
    pub payback_months: Option<f64>,
}

/// A quantile of a distribution.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quantile {
    /// The share of the draws that is below.
    pub p: f64,
    /// The value.
    pub value: f64,
}

/// A step of a histogram.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bin {
    /// Its low end, included.
    pub from: f64,
    /// Its high end, excluded.
    pub to: f64,
    /// The share of the draws in it.
    pub share: f64,
}

/// What a fleet costs a year, before rounding to whole instances. What an arm costs once is spread over
/// the horizon at the discount rate (equivalent annual cost: that of the incumbent less the arm's net
/// present value over its annuity), so that two arms cost the same where their net present values do.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FleetCost {
    /// Instances of the incumbent today.
    pub instances: f64,
    /// Doing nothing.
    pub incumbent: f64,
    /// Tuning in place.
    pub tuned: f64,
    /// The candidate.
    pub candidate: f64,
}

/// The size at which the candidate's net present value is 0, before rounding.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BreakEven {
    /// Instances of the incumbent today; `null` if it pays at no size.
    pub instances: Option<f64>,
    /// What these cost in a year.
    pub yearly_spend: Option<f64>,
    /// The peak demand that they serve, in requests per second; `null` without `incumbent.capacity`.
    pub demand_rps: Option<f64>,
    /// Instances of the incumbent today, for comparison, before rounding.
    pub today: f64,
}

/// What one uncertain figure does to the net present value, all others at their medians.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Swing {
    /// The figure.
    pub input: String,
    /// Its P10.
    pub p10: f64,
    /// Its P90.
    pub p90: f64,
    /// Net present value at its P10.
    pub npv_at_p10: f64,
    /// Net present value at its P90.
    pub npv_at_p90: f64,
    /// Where the figure comes from: `measured`, `stated` or `default`.
    pub source: String,
}

/// A figure that turns the answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Flip {
    /// The figure.
    pub input: String,
    /// Its median.
    pub from: f64,
    /// Where the sign of the net present value turns.
    pub to: f64,
    /// The change in words.
    pub text: String,
}

/// What a rule of fit does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It says nothing here.
    None,
    /// It asks for a measurement before a replacement.
    MeasureFirst,
    /// It keeps the incumbent.
    Keep,
}

/// A rule of fit, applied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Stable identifier.
    pub code: String,
    /// What it does here.
    pub effect: Effect,
    /// Why.
    pub text: String,
}

/// How much of the result rests on defaults.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Defaults {
    /// Figures that are defaults.
    pub figures: u32,
    /// All figures.
    pub of: u32,
    /// Their share of the uncertainty: of the squared swings of the tornado. `null` if nothing is
    /// uncertain.
    pub share_of_uncertainty: Option<f64>,
}

/// A figure that was used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Assumption {
    /// Its name.
    pub input: String,
    /// What it means.
    pub meaning: String,
    /// Its unit; empty for a plain number. Shares are between 0 and 1.
    pub unit: String,
    /// The distribution: `point`, `uniform`, `triangular`, `lognormal` or `interval`.
    pub distribution: String,
    /// The low end: of `lognormal` its P10, of `interval` its P2.5.
    pub low: f64,
    /// Its median.
    pub median: f64,
    /// The high end: of `lognormal` its P90, of `interval` its P97.5.
    pub high: f64,
    /// `measured`, `stated` or `default`.
    pub source: String,
    /// By what, where, or whose figure.
    pub origin: String,
}

/// A result and how it came about, with all figures at their medians.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// What it is.
    pub name: String,
    /// How it is computed.
    pub formula: String,
    /// The inputs with their values and sources, one text each.
    pub inputs: Vec<String>,
    /// The value.
    pub value: f64,
    /// The unit of the value.
    pub unit: String,
}
