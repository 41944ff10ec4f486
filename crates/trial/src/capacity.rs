//! The search for the highest rate that holds the objectives: what a trial of it counts, how long it
//! lasts, and what all of them say. Pure; the search itself is `understudy_stats::capacity`.

pub(crate) mod stage;
#[cfg(test)]
mod tests;

use crate::config::Slo;
use understudy_load::{GeneratorUse, gates};
use understudy_model::capacity::{Capacity, CapacityKind, KneePoint};
use understudy_model::verdict::Estimate;
use understudy_model::{Ending, Observation, Share, Span};
use understudy_stats::capacity::{self as search, Count, Goal, Step, Trial};
use understudy_stats::quantile::order_statistic;

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
/// Of the violations that an objective allows, so many may be owed to the generator's lateness.
const MOST_BY_LAG: f64 = 0.2;
/// A request is given up after so many times the highest bound: it has violated it anyway, and an
/// overloaded side would keep the next trial waiting. Never below a second.
const PATIENCE: f64 = 4.0;

/// One trial, reduced to what the search needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    trial: Trial,
    point: KneePoint,
    /// Why the generator was the bottleneck.
    refused: Option<String>,
    /// Warm-up and window, seconds.
    took_s: f64,
}

/// What a trial left.
#[derive(Clone, Copy, Debug)]
pub struct Left<'a> {
    /// Offered rate, requests per second.
    pub rate_rps: f64,
    /// The exchanges of the window.
    pub observations: &'a [Observation],
    /// The generator's own figures.
    pub generator: GeneratorUse,
    /// CPU time of the subject over the window, microseconds.
    pub cpu_us: Option<f64>,
    /// Discarded load before the window, seconds.
    pub warmup_s: f64,
    /// Length of the window, seconds.
    pub measured_s: f64,
}

/// A search: its objectives, and the trials so far.
#[derive(Clone, Debug)]
pub struct Search<'a> {
    config: CapacityConfig,
    slos: &'a [Slo],
    endpoints: &'a [String],
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
    /// A search without trials; `endpoints` are the templates by index, for objectives that name one.
    pub fn new(config: CapacityConfig, slos: &'a [Slo], endpoints: &'a [String]) -> Self {
        Search {
            config,
            slos,
            endpoints,
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
        let bounds = self.slos.iter().filter_map(|slo| match slo {
            Slo::Latency { max, .. } => Some(max.secs()),
            Slo::ErrorRate { .. } => None,
        });
        let longest = bounds.fold(0.0, f64::max);
        match longest > 0.0 {
            true => timeout.min(Span::from_secs_f64((longest * PATIENCE).max(1.0))),
            false => timeout,
        }
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
            } => (self.slos.get(binding).map(Slo::describe), narrow),
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
            objectives: self.slos.iter().map(Slo::describe).collect(),
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
        let counts: Vec<Count> = self.slos.iter().map(|slo| self.count(slo, left)).collect();
        let mut latencies: Vec<f64> = left.observations.iter().map(latency_us).collect();
        latencies.sort_unstable_by(f64::total_cmp);
        let refused = self.refused(left);
        let finite = |q: f64| order_statistic(&latencies, q).filter(|us| us.is_finite());
        Probe {
            point: KneePoint {
                rate_rps: left.rate_rps,
                requests: latencies.len() as u64,
                measured_s: left.measured_s,
                p50_us: finite(0.5),
                p99_us: finite(0.99),
                violations: counts.iter().map(share).collect(),
                cpu: left.cpu_us.map(|us| us / 1e6 / left.measured_s.max(1e-9)),
                trusted: refused.is_none(),
            },
            trial: Trial {
                rate: left.rate_rps,
                counts,
                trusted: refused.is_none(),
            },
            refused,
            took_s: left.warmup_s + left.measured_s,
        }
    }

    fn count(&self, slo: &Slo, left: &Left<'_>) -> Count {
        let mut count = Count::default();
        for observation in left.observations {
            let violated = match slo {
                Slo::Latency { endpoint, max, .. } => {
                    if endpoint != "*"
                        && self.endpoints.get(observation.endpoint as usize) != Some(endpoint)
                    {
                        continue;
                    }
                    latency_us(observation) > max.nanos() as f64 / 1e3
                }
                Slo::ErrorRate { .. } => {
                    observation.ending != Ending::Answered || (500..600).contains(&observation.code)
                }
            };
            count.requests += 1;
            count.violations += u64::from(violated);
        }
        count
    }

    /// Why the generator was the bottleneck: the gates of a load, but for its lateness, which counts as
    /// far as it decides about objectives.
    fn refused(&self, left: &Left<'_>) -> Option<String> {
        let figures = gates::Figures {
            generator: left.generator,
            offered_rate_rps: Some(left.rate_rps),
            quantile: 0.5,
            send_lag_us: 0.0,
            latency_us: None,
            negligible_us: f64::INFINITY,
        };
        let gates = gates::judge(&figures).into_iter();
        let failed = gates.filter(|gate| !gate.passed).map(|gate| gate.text);
        failed.chain(self.late(left)).next()
    }

    /// Too many requests violate an objective only because they were sent late.
    fn late(&self, left: &Left<'_>) -> Option<String> {
        let latencies = self.slos.iter().filter_map(|slo| match slo {
            Slo::Latency { max, .. } => Some((max.nanos(), allowed(slo))),
            Slo::ErrorRate { .. } => None,
        });
        let requests = left.observations.len() as f64;
        for (bound_ns, allowed) in latencies {
            let by_lag = left.observations.iter().filter(|observation| {
                let times = observation.latency_ns().zip(observation.send_lag_ns());
                times.is_some_and(|(all, lag)| all > bound_ns && all - lag.min(all) <= bound_ns)
            });
            let share = by_lag.count() as f64 / requests.max(1.0);
            if share > allowed * MOST_BY_LAG {
                return Some(format!(
                    "{:.2} % of the requests are over the bound only because the generator sent them late (limit {:.2} %); quieten the machine, or pin the generator apart",
                    share * 100.0,
                    allowed * MOST_BY_LAG * 100.0,
                ));
            }
        }
        None
    }
}

/// What has no answer takes for ever.
fn latency_us(observation: &Observation) -> f64 {
    observation
        .latency_ns()
        .map_or(f64::INFINITY, |ns| ns as f64 / 1e3)
}

fn allowed(slo: &Slo) -> f64 {
    match slo {
        Slo::Latency { quantile, .. } => 1.0 - quantile,
        // "No errors at all" cannot be shown; one in a million is as good as that.
        Slo::ErrorRate { max } => max.get().clamp(1e-6, 0.5),
    }
}

fn share(count: &Count) -> f64 {
    count.violations as f64 / (count.requests as f64).max(1.0)
}
