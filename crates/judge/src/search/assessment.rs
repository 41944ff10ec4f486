//! What a step of a search says about the objectives: what violated them, and whether the generator was to
//! blame. Pure; the searches for the capacity and for the memory floor both rest on it.
//!
//! As in a trial, a gate refuses what it bears on, and lateness of the generator is a bound: violations are
//! counted with it and without it, and a step is refused where its answer turns on that.

use crate::search::lateness::{self, Violation, violations};
use crate::terms::Slo;
use crate::{latency_us, with_culprit};
use understudy_model::capacity::KneePoint;
use understudy_model::gates;
use understudy_model::gates::GeneratorUse;
use understudy_model::neighbours::Neighbours;
use understudy_model::stored::LatencyBlock;
use understudy_model::verdict::VerdictRules;
use understudy_model::{Observation, Span};
use understudy_stats::capacity::Count;
use understudy_stats::quantile::order_statistic;

/// The first rules: of the violations that an objective allows, so many may be owed to the generator's lateness.
const MOST_BY_LAG: f64 = 0.2;
/// A request is given up after so many times the highest bound: it has violated it anyway, and an
/// overloaded side would keep the next trial waiting. Never below a second.
const PATIENCE: f64 = 4.0;

/// What a trial left.
#[derive(Clone, Copy, Debug)]
pub struct Left<'a> {
    /// Offered rate, requests per second.
    pub rate_rps: f64,
    /// The exchanges of the window.
    pub observations: &'a [Observation],
    /// The generator's own figures.
    pub generator: GeneratorUse,
    /// What else used the CPUs of the machine, where it was observed.
    pub neighbours: Option<&'a Neighbours>,
    /// CPU time of the subject over the window, microseconds.
    pub cpu_us: Option<f64>,
    /// Discarded load before the window, seconds.
    pub warmup_s: f64,
    /// Length of the window, seconds.
    pub measured_s: f64,
}

impl<'a> Left<'a> {
    /// What a stored trial left; `observations` are those of its rows.
    pub fn of(block: &'a LatencyBlock, observations: &'a [Observation]) -> Self {
        Left {
            rate_rps: block.rate_rps,
            observations,
            generator: block.figures.generator(),
            neighbours: block.figures.neighbours.as_ref(),
            cpu_us: block.figures.side_cpu_us,
            warmup_s: block.figures.warmup_s,
            measured_s: block.figures.measured_s,
        }
    }
}

/// The objectives; `operations` are the templates by index, for those that name one.
#[derive(Clone, Copy, Debug)]
pub struct Objectives<'a> {
    /// What has to be held.
    pub slos: &'a [Slo],
    /// Templates by index.
    pub operations: &'a [String],
    /// By which rules a step is trusted: those of the run.
    pub rules: VerdictRules,
}

/// A trial held against the objectives.
#[derive(Clone, Debug)]
pub struct Assessment {
    /// Requests and violations, by objective.
    pub counts: Vec<Count>,
    /// Its place on the knee curve.
    pub point: KneePoint,
    /// Why the step is not to be trusted.
    pub refused: Option<String>,
}

impl Objectives<'_> {
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

    /// Holds a step against the objectives; `turns_on` names the objective whose answer the bounds of its
    /// counts leave open, by what the search does with them.
    pub fn assess(
        &self,
        left: &Left<'_>,
        turns_on: impl Fn(&[Count]) -> Option<usize>,
    ) -> Assessment {
        let counts = self.count_all(left.observations);
        let mut latencies: Vec<f64> = left.observations.iter().map(latency_us).collect();
        latencies.sort_unstable_by(f64::total_cmp);
        let refused = self
            .refused(left)
            .or_else(|| self.undecided(left, &counts, turns_on(&counts)?));
        let finite = |q: f64| order_statistic(&latencies, q).filter(|us| us.is_finite());
        let point = KneePoint {
            rate_rps: left.rate_rps,
            requests: latencies.len() as u64,
            measured_s: left.measured_s,
            p50_us: finite(0.5),
            p99_us: finite(0.99),
            violations: counts.iter().map(|count| count.share()).collect(),
            cpu: left.cpu_us.map(|us| us / 1e6 / left.measured_s.max(1e-9)),
            trusted: refused.is_none(),
        };
        Assessment {
            counts,
            point,
            refused,
        }
    }

    /// Requests and violations, by objective.
    fn count_all(&self, observations: &[Observation]) -> Vec<Count> {
        let count = |slo| self.count(slo, observations);
        self.slos.iter().map(count).collect()
    }

    fn count(&self, slo: &Slo, observations: &[Observation]) -> Count {
        let violated = observations.iter().map(|one| self.violated(slo, one));
        let mut count = Count::default();
        for violated in violated.clone().flatten() {
            count.requests += 1;
            count.violations += u64::from(violated);
        }
        count.at_least = match slo {
            Slo::Latency { max, .. } if self.rules >= VerdictRules::BOUNDS => {
                let readings = violations(observations, max.nanos() as f64 / 1e3);
                let meant = violated.zip(readings).filter(|(meant, _)| meant.is_some());
                meant
                    .filter(|(_, reading)| *reading == Violation::Certain)
                    .count() as u64
            }
            _ => count.violations,
        };
        count
    }

    /// Does a request violate an objective? `None` if the objective is about others.
    pub fn violated(&self, slo: &Slo, observation: &Observation) -> Option<bool> {
        match slo {
            Slo::Latency { operation, max, .. } => {
                let operations = self.operations;
                let is_meant = operation == "*"
                    || operations.get(observation.operation as usize) == Some(operation);
                is_meant.then(|| latency_us(observation) > max.nanos() as f64 / 1e3)
            }
            Slo::ErrorRate { .. } => Some(observation.is_error()),
        }
    }

    /// Why nothing can be said of what the objectives are about: a gate failed that bears on it.
    fn refused(&self, left: &Left<'_>) -> Option<String> {
        if self.rules < VerdictRules::BOUNDS {
            return overloaded(left).or_else(|| self.late(left));
        }
        let mut latencies = self.slos.iter();
        let of_latency = latencies.any(|slo| matches!(slo, Slo::Latency { .. }));
        failed_gate(left, self.is_lateness_known(left), |code| {
            of_latency || code == gates::SENT_RATE
        })
    }

    /// Is the generator's lateness all in the two bounds of the counts?
    fn is_lateness_known(&self, left: &Left<'_>) -> bool {
        let highest = self
            .slos
            .iter()
            .filter_map(Slo::quantile)
            .fold(0.0, f64::max);
        self.rules >= VerdictRules::ARRIVALS
            && lateness::is_known(left.observations.iter(), left.generator.stamped, highest)
    }

    /// Why a step is refused whose answer turns on the generator's lateness.
    fn undecided(&self, left: &Left<'_>, counts: &[Count], objective: usize) -> Option<String> {
        let (count, slo) = (counts.get(objective)?, self.slos.get(objective)?);
        let share = |violations: u64| violations as f64 / (count.requests as f64).max(1.0) * 100.0;
        let figure = format!(
            "{} turns on the generator's lateness: {:.2} % to {:.2} % of the requests violate it",
            slo.describe(),
            share(count.at_least),
            share(count.violations),
        );
        let gate = gates::Gate {
            code: gates::SEND_LAG,
            passed: false,
            figure,
            advice: "quieten the machine, or pin the generator apart".to_owned(),
        };
        Some(with_culprit(&gate, left.neighbours))
    }

    /// The first rules: too many requests violate an objective only because they were sent late.
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

/// Why nothing can be said of latencies: a gate of the load failed. The generator's lateness is a bound, and none
/// of them.
pub fn overloaded(left: &Left<'_>) -> Option<String> {
    failed_gate(left, false, |_| true)
}

/// The first gate of a load that failed and counts.
fn failed_gate(
    left: &Left<'_>,
    lateness_is_known: bool,
    counts: impl Fn(&str) -> bool,
) -> Option<String> {
    let gate = gates::of_generator(left.generator, Some(left.rate_rps), lateness_is_known)
        .into_iter()
        .find(|gate| !gate.passed && counts(gate.code))?;
    Some(with_culprit(&gate, left.neighbours))
}

/// Share of the requests that may violate an objective.
pub fn allowed(slo: &Slo) -> f64 {
    match slo {
        Slo::Latency { quantile, .. } => 1.0 - quantile,
        // "No errors at all" cannot be shown; one in a million is as good as that.
        Slo::ErrorRate { max } => max.get().clamp(1e-6, 0.5),
    }
}
