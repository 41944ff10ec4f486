//! The terms of a trial: what is asked, by which objectives and goals, and how it is measured. Plain data that no kind
//! of subject has a part in: the plan and the verdict are functions of it.

use crate::search::capacity::CapacityConfig;
use crate::search::floor::FloorConfig;
use understudy_case::Case;
use understudy_model::verdict::{Bearing, FEWEST_COMPARED};
use understudy_model::{Arrivals, ByteSize, Change, Cpus, Pacing, Role, Share, Span};

/// All that a verdict is derived from in addition to the evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    /// Name of the trial.
    pub name: String,
    /// How much time it may take.
    pub level: Level,
    /// Fixes schedules, block order and resampling.
    pub seed: u64,
    /// Who takes part, the incumbent first.
    pub sides: Vec<SideTerms>,
    /// When the next case is asked.
    pub pacing: Pacing,
    /// Offered rates, requests per second, ascending; at least one. [`Pacing::NO_RATE`] alone where none is offered.
    pub rates: Vec<f64>,
    /// Distribution of the gaps.
    pub arrivals: Arrivals,
    /// Connections to the side under load.
    pub connections: u32,
    /// When the sides start again; chosen by the question where `None`.
    pub fresh: Option<Fresh>,
    /// Discarded load before each measured block; chosen by the level where `None`.
    pub warmup: Option<Span>,
    /// What has to be held. May be empty.
    pub slos: Vec<Slo>,
    /// What the rewrite is for. May be empty.
    pub goals: Vec<Goal>,
    /// What the verdict answers.
    pub question: Question,
    /// Equal limits for both sides.
    pub limits: LimitsConfig,
    /// What the sizes of cases are counted in, and until when a run has to be done.
    pub sizing: Sizing,
    /// How the highest rate that holds the objectives is looked for; not at all where `None`.
    pub capacity: Option<CapacityConfig>,
    /// How the smallest memory limit that holds the objectives is looked for; not at all where `None`.
    pub memory_floor: Option<FloorConfig>,
    /// Requests that recorded traffic does not have; not made where `None`.
    pub edges: Option<EdgeTerms>,
    /// The business case that has to agree before anything is replaced.
    pub case: Option<Case>,
}

/// Edge requests, as far as plan and verdict speak of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EdgeTerms {
    /// How long they may be compared.
    pub budget: Span,
    /// Does a difference in the answers make the candidate not equivalent?
    pub required: bool,
}

/// One side, as far as a verdict speaks of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SideTerms {
    /// Which one.
    pub side: Role,
    /// Its command, or where it runs.
    pub runs: String,
    /// Does Understudy start it? Else it runs already.
    pub is_launched: bool,
}

impl Terms {
    /// The sides, the incumbent first.
    pub fn sides(&self) -> impl Iterator<Item = Role> {
        self.sides.iter().map(|terms| terms.side)
    }

    /// Does this side take part, and does Understudy start it?
    pub fn is_launched(&self, side: Role) -> bool {
        let mut sides = self.sides.iter();
        sides.any(|terms| terms.side == side && terms.is_launched)
    }

    /// When the sides start again. Two starts of one program differ by some percent of CPU time (where their memory
    /// came to lie: Mytkowicz et al., ASPLOS 2009; Kalibera and Jones, ISMM 2013), which is about the margin that "no
    /// worse" is asked with. Whether to replace turns on more, and what compiles as it runs needs its time.
    pub fn starts(&self) -> Fresh {
        self.fresh.unwrap_or(match self.question {
            Question::Replace => Fresh::Trial,
            Question::NoWorse { .. } => Fresh::Pair,
        })
    }

    /// The goals that are judged: those that are stated, or, where it is only asked whether a newer
    /// version is worse, that nothing grows by more than the margin.
    pub fn judged_goals(&self) -> Vec<Goal> {
        let Question::NoWorse { margin, .. } = self.question else {
            return self.goals.clone();
        };
        if !self.goals.is_empty() {
            return self.goals.clone();
        }
        let change = Change::new(margin.get());
        if self.pacing == Pacing::Serial {
            return vec![Goal::Wall(change), Goal::Cpu(change), Goal::Memory(change)];
        }
        let mut quantiles = vec![0.5, self.primary_quantile().1];
        quantiles.dedup();
        let latency = quantiles
            .into_iter()
            .map(|quantile| Goal::Latency { quantile, change });
        let resources = [Goal::Cpu(change), Goal::Memory(change)];
        latency.chain(resources).collect()
    }

    /// Operation and quantile on which the verdict rests first: the first latency objective, p99 of
    /// all requests where none is stated.
    pub fn primary_quantile(&self) -> (String, f64) {
        let first = self.slos.iter().find_map(|slo| match slo {
            Slo::Latency {
                operation,
                quantile,
                ..
            } => Some((operation.clone(), *quantile)),
            Slo::ErrorRate { .. } => None,
        });
        first.unwrap_or_else(|| ("*".to_owned(), 0.99))
    }

    /// The highest quantile that an objective, a goal or the primary outcome names.
    pub fn highest_quantile(&self) -> f64 {
        let goals = self.judged_goals();
        let goals = goals.iter().filter_map(|goal| match goal {
            Goal::Latency { quantile, .. } => Some(*quantile),
            Goal::Wall(_)
            | Goal::Startup(_)
            | Goal::Cpu(_)
            | Goal::Memory(_)
            | Goal::Instructions(_) => None,
        });
        let slos = self.slos.iter().filter_map(Slo::quantile);
        slos.chain(goals).fold(self.primary_quantile().1, f64::max)
    }

    /// Comparisons of a workload of so many cases that are made if the time suffices: a small workload is gone
    /// through again as a whole until there are enough.
    pub fn comparisons(&self, cases: usize) -> usize {
        let wanted = match self.pacing {
            Pacing::Offered => 400,
            // What differs between two runs of one program shows in a few.
            Pacing::Serial => FEWEST_RUNS.max(2 * cases),
        };
        cases.max(wanted.div_ceil(cases.max(1)) * cases)
    }

    /// Comparisons without which nothing is concluded. A run of a command is an experiment of its own, so each of its
    /// cases counts, however few they are; a service answers out of a state that few requests do not show.
    pub fn fewest_compared(&self, cases: usize) -> u64 {
        match self.pacing {
            Pacing::Offered => FEWEST_COMPARED,
            Pacing::Serial => cases as u64,
        }
    }

    /// The search for a capacity, with the time that the level gives it.
    pub fn capacity(&self) -> Option<CapacityConfig> {
        let terms = self.capacity?;
        Some(CapacityConfig {
            budget: Some(terms.budget.unwrap_or(self.level.capacity_budget())),
            ..terms
        })
    }
}

/// Runs that are compared of a workload with few cases.
const FEWEST_RUNS: usize = 12;

/// How much time a trial may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// The highest rate only, in under 90 seconds.
    Quick,
    /// Every rate, in under 6 minutes.
    #[default]
    Default,
    /// More and longer blocks: smaller effects show, for about half an hour.
    Thorough,
}

impl Level {
    /// Every level, the shortest first.
    pub const ALL: [Level; 3] = [Level::Quick, Level::Default, Level::Thorough];

    /// Time to look for the capacity of one side.
    pub fn capacity_budget(self) -> Span {
        match self {
            Level::Quick => Span::from_secs(45),
            Level::Default => CapacityConfig::BUDGET,
            Level::Thorough => Span::from_secs(300),
        }
    }

    /// The name used in configuration and output.
    pub fn name(self) -> &'static str {
        match self {
            Level::Quick => "quick",
            Level::Default => "default",
            Level::Thorough => "thorough",
        }
    }
}

/// What a verdict answers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Question {
    /// Should the candidate replace the incumbent?
    #[default]
    Replace,
    /// Is the candidate, a newer version of the same service, worse by more than a margin?
    NoWorse {
        /// What it may be worse.
        margin: Share,
        /// How long it is measured under load at most while that is undecided, the first look apart; chosen by the level where `None`.
        longest: Option<Span>,
    },
}

impl Question {
    /// The margin, where nothing is said.
    pub const MARGIN: f64 = 0.05;
}

/// The sizes of cases: how much a run of one has to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Sizing {
    /// What they are counted in: `rows`.
    pub unit: String,
    /// How long a run may take at most; the largest size that does is reported.
    pub deadline: Option<Span>,
}

impl Sizing {
    /// The unit, where nothing is said.
    pub const UNIT: &str = "units";
}

impl Default for Sizing {
    fn default() -> Self {
        Sizing {
            unit: Sizing::UNIT.to_owned(),
            deadline: None,
        }
    }
}

/// When the sides start again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fresh {
    /// Once for the equivalence stage and once for the latency stage.
    Trial,
    /// Before every pair of measurements, and warmed up as at the first.
    Pair,
    /// Before every measurement.
    Block,
}

/// A service level objective.
#[derive(Clone, Debug, PartialEq)]
pub enum Slo {
    /// A latency quantile has to stay at or below a bound at every rate.
    Latency {
        /// Operation template, `*` for all.
        operation: String,
        /// The quantile, between 0 and 1.
        quantile: f64,
        /// The bound.
        max: Span,
    },
    /// The share of requests without an answer, or answered with a 5xx status.
    ErrorRate {
        /// The bound.
        max: Share,
    },
}

impl Slo {
    /// The quantile that it bounds; `None` if it is about errors.
    pub fn quantile(&self) -> Option<f64> {
        match self {
            Slo::Latency { quantile, .. } => Some(*quantile),
            Slo::ErrorRate { .. } => None,
        }
    }

    /// The objective in words.
    pub fn describe(&self) -> String {
        match self {
            Slo::Latency {
                operation,
                quantile,
                max,
            } => {
                let all = if operation == "*" {
                    "all requests"
                } else {
                    operation
                };
                format!("p{} of {all} at most {max}", (quantile * 1e8).round() / 1e6)
            }
            Slo::ErrorRate { max } => format!("error rate at most {max}"),
        }
    }
}

/// What a rewrite is for.
#[derive(Clone, Debug, PartialEq)]
pub enum Goal {
    /// A latency quantile at the highest rate, candidate over incumbent.
    Latency {
        /// The quantile, between 0 and 1.
        quantile: f64,
        /// The change to reach.
        change: Change,
    },
    /// Wall time per run.
    Wall(Change),
    /// Wall time of a start without a case.
    Startup(Change),
    /// CPU time per request at the highest rate, or per run.
    Cpu(Change),
    /// Peak memory (PSS) at the highest rate.
    Memory(Change),
    /// Instructions per request, or per run, counted after everything that is timed.
    Instructions(Change),
}

impl Goal {
    /// The goal in words.
    pub fn describe(&self, pacing: Pacing) -> String {
        match self {
            Goal::Latency { quantile, change } => {
                format!("p{} {change}", (quantile * 1e8).round() / 1e6)
            }
            Goal::Wall(change) => format!("wall time per run {change}"),
            Goal::Startup(change) => format!("start-up {change}"),
            Goal::Cpu(change) => format!("CPU per {} {change}", pacing.noun()),
            Goal::Memory(change) => format!("memory {change}"),
            Goal::Instructions(change) => format!("instructions per {} {change}", pacing.noun()),
        }
    }

    /// What the gates of its figure bear on; `None` if no gate does.
    pub fn bearing(&self) -> Option<Bearing> {
        match self {
            Goal::Latency { .. } | Goal::Wall(_) | Goal::Startup(_) => Some(Bearing::Latency),
            Goal::Cpu(_) => Some(Bearing::Cpu),
            Goal::Memory(_) => Some(Bearing::Memory),
            Goal::Instructions(_) => None,
        }
    }
}

/// Equal limits for both sides.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LimitsConfig {
    /// CPUs: whole numbers by a CPU set, fractions by a quota.
    pub cpus: Option<Cpus>,
    /// Memory.
    pub memory: Option<ByteSize>,
}
