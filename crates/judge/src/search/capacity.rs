//! The search for the highest rate that holds the objectives: what a trial of it counts, how long it
//! lasts, and what all of them say. Pure; the search itself is `understudy_stats::capacity`.

mod settling;
#[cfg(test)]
mod simulations;
#[cfg(test)]
mod tests;

pub use settling::{FEWEST, Settling};

use crate::Evidence;
use crate::search::assessment::{Assessment, Left, Objectives, allowed};
use crate::terms::{Slo, Terms};
use understudy_model::capacity::{Capacity, CapacityKind, KneePoint, SideCapacity};
use understudy_model::stored::LatencyBlock;
use understudy_model::verdict::{Estimate, VerdictRules};
use understudy_model::{Observation, Role, Share, Span};
use understudy_stats::capacity::{self as search, Goal, Step, Trial};

/// How a search is carried out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CapacityConfig {
    /// Relative width of the interval that is enough.
    pub width: Share,
    /// The rate that is tried first, requests per second.
    pub first_rate: f64,
    /// The highest rate that is tried.
    pub highest_rate: f64,
    /// Load before each trial, discarded.
    pub warmup: Span,
    /// Longest time of the search of one side; chosen by the level of a trial where `None`.
    pub budget: Option<Span>,
}

impl CapacityConfig {
    /// Relative width, where nothing is said.
    pub const WIDTH: f64 = 0.05;
    /// The rate that is tried first, where nothing is said.
    pub const FIRST_RATE: f64 = 100.0;
    /// The highest rate, where nothing is said.
    pub const HIGHEST_RATE: f64 = 1e6;
    /// Warm-up of a trial, where nothing is said.
    pub const WARMUP: Span = Span::from_secs(1);
    /// Time for a search, where neither a configuration nor a level says it.
    pub const BUDGET: Span = Span::from_secs(120);
}

/// Bounds of the length of a trial, seconds.
const LENGTH_S: [f64; 2] = [1.0, 15.0];
/// The lowest rate that is tried, requests per second.
const LOWEST_RATE: f64 = 1.0;
/// More trials than any budget has room for.
const MOST_TRIALS: usize = 1500;

/// One trial, reduced to what the search needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    trial: Trial,
    point: KneePoint,
    /// Why it is not to be trusted.
    refused: Option<String>,
    /// Warm-up and window, seconds.
    took_s: f64,
}

/// A search: its objectives, and the trials so far.
#[derive(Clone, Debug)]
pub struct Search<'a> {
    config: CapacityConfig,
    objectives: Objectives<'a>,
    goal: Goal,
    probes: Vec<Probe>,
}

/// What to measure next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Planned {
    /// Offered rate, requests per second.
    pub rate_rps: f64,
    /// Length of the window.
    pub measured: Span,
}

impl<'a> Search<'a> {
    /// A search without trials; `operations` are the templates by index, for objectives that name one.
    pub fn new(config: CapacityConfig, slos: &'a [Slo], operations: &'a [String]) -> Self {
        Search {
            config,
            objectives: Objectives {
                slos,
                operations,
                rules: VerdictRules::default(),
            },
            goal: Goal {
                allowed: slos.iter().map(allowed).collect(),
                width: config.width.get(),
                first_rate: config.first_rate,
                lowest_rate: LOWEST_RATE.min(config.first_rate),
                highest_rate: config.highest_rate,
                most_trials: MOST_TRIALS,
            },
            probes: Vec::new(),
        }
    }

    /// The same by the rules of a stored run.
    #[must_use]
    pub fn by(mut self, rules: VerdictRules) -> Self {
        self.objectives.rules = rules;
        self
    }

    /// The next trial; `None` when the search is over or its time is.
    pub fn next(&self) -> Option<Planned> {
        let spent: f64 = self.probes.iter().map(|probe| probe.took_s).sum();
        let budget = self.config.budget.unwrap_or(CapacityConfig::BUDGET);
        let left = budget.secs() - spent - self.config.warmup.secs();
        match search::next(&self.goal, &self.trials()) {
            Step::Measure { rate, requests } if left >= LENGTH_S[0] => Some(Planned {
                rate_rps: rate,
                measured: Span::from_secs_f64(
                    (requests / rate).clamp(LENGTH_S[0], LENGTH_S[1]).min(left),
                ),
            }),
            _ => None,
        }
    }

    /// Takes a trial; what it showed, for a display.
    pub fn record(&mut self, left: &Left<'_>) -> &KneePoint {
        self.probes.push(self.reduce(left));
        let last = self.probes.len() - 1;
        &self.probes[last].point
    }

    /// How many trials there were.
    pub fn trials_made(&self) -> usize {
        self.probes.len()
    }

    /// Longest time for one exchange: beyond it the objectives are violated in any case.
    pub fn patience(&self, timeout: Span) -> Span {
        self.objectives.patience(timeout)
    }

    /// What the trials say.
    pub fn result(&self) -> Capacity {
        let found = search::conclude(&self.goal, &self.trials());
        let estimate = |estimate, low, high| Estimate {
            estimate,
            low,
            high,
        };
        let (kind, rate_rps) = match &found {
            search::Capacity::Between { interval: i, .. } => (
                CapacityKind::Between,
                estimate(Some(i.estimate), Some(i.low), Some(i.high)),
            ),
            search::Capacity::AtLeast(rate) => {
                (CapacityKind::AtLeast, estimate(None, Some(*rate), None))
            }
            search::Capacity::Below(rate) => {
                (CapacityKind::Below, estimate(None, None, Some(*rate)))
            }
            search::Capacity::Unknown => (CapacityKind::Unknown, estimate(None, None, None)),
        };
        let (binding, narrow) = match found {
            search::Capacity::Between {
                binding, narrow, ..
            } => (self.objectives.slos.get(binding).map(Slo::describe), narrow),
            _ => (None, false),
        };
        let mut knee: Vec<KneePoint> = self.probes.iter().map(|p| p.point.clone()).collect();
        knee.sort_by(|a, b| a.rate_rps.total_cmp(&b.rate_rps));
        let mut refused = self.probes.iter().filter_map(|probe| probe.refused.clone());
        Capacity {
            kind,
            rate_rps,
            binding,
            narrow,
            wanted_width: self.config.width.get(),
            refused: self.probes.iter().filter(|p| p.refused.is_some()).count() as u32,
            refused_because: refused.next(),
            objectives: self.objectives.slos.iter().map(Slo::describe).collect(),
            knee,
        }
    }

    fn trials(&self) -> Vec<Trial> {
        self.probes
            .iter()
            .map(|probe| probe.trial.clone())
            .collect()
    }

    fn reduce(&self, left: &Left<'_>) -> Probe {
        let Assessment {
            counts,
            point,
            refused,
        } = self
            .objectives
            .assess(left, |counts| search::turns_on(&self.goal, counts));
        Probe {
            trial: Trial {
                rate: left.rate_rps,
                counts,
                trusted: refused.is_none(),
            },
            point,
            refused,
            took_s: left.warmup_s + left.measured_s,
        }
    }
}

/// The capacity of every side that was searched, as far as the search came.
pub(crate) fn judge(terms: &Terms, evidence: &Evidence) -> Vec<SideCapacity> {
    let Some(search) = terms.capacity() else {
        return Vec::new();
    };
    let of = |side: Role| {
        let blocks = evidence.capacity.iter().filter(|block| block.side == side);
        let mut search =
            Search::new(search, &terms.slos, &evidence.operations).by(evidence.environment.rules);
        blocks.for_each(|block| record_stored(&mut search, block));
        (search.trials_made() > 0).then(|| SideCapacity {
            side,
            capacity: search.result(),
        })
    };
    Role::SIDES.into_iter().filter_map(of).collect()
}

/// Adds a stored trial to a search.
pub fn record_stored(search: &mut Search<'_>, block: &LatencyBlock) {
    let observations: Vec<Observation> = block.rows.iter().map(|row| row.observation).collect();
    search.record(&Left::of(block, &observations));
}
