//! How a trial is spent: which rates, how many blocks, how long, and what effect that can show.

use crate::config::{Goal, Level, Slo, TrialConfig};
use understudy_model::Span;
use understudy_model::verdict::Primary;
use understudy_stats::paired::mde_multiplier;

impl Level {
    fn budget(self) -> Budget {
        match self {
            Level::Quick => Budget {
                equivalence: Span::from_secs(12),
                latency_s: 66.0,
                primary_abbas: 3,
                other_abbas: 0,
                warmup_s: 0.8,
                settle_s: 1.5,
                longest_s: 8.0,
            },
            Level::Default => Budget {
                equivalence: Span::from_secs(40),
                latency_s: 260.0,
                primary_abbas: 5,
                other_abbas: 3,
                warmup_s: 1.0,
                settle_s: 5.0,
                longest_s: 30.0,
            },
            Level::Thorough => Budget {
                equivalence: Span::from_secs(180),
                latency_s: 1600.0,
                primary_abbas: 10,
                other_abbas: 5,
                warmup_s: 2.0,
                settle_s: 10.0,
                longest_s: 60.0,
            },
        }
    }
}

/// What a level allows.
struct Budget {
    equivalence: Span,
    latency_s: f64,
    primary_abbas: u32,
    other_abbas: u32,
    warmup_s: f64,
    settle_s: f64,
    longest_s: f64,
}

/// Blocks at one rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RatePlan {
    /// Offered rate, requests per second.
    pub rate_rps: f64,
    /// ABBA blocks: four measurements, two pairs, one comparison of the incumbent with itself each.
    pub abbas: u32,
    /// Discarded load before each measurement.
    pub warmup: Span,
    /// Length of one measurement.
    pub measured: Span,
}

impl RatePlan {
    /// Pairs of measurements.
    pub fn pairs(&self) -> u32 {
        self.abbas * 2
    }

    /// Requests of one measurement.
    pub fn requests_per_block(&self) -> f64 {
        self.rate_rps * self.measured.secs()
    }

    fn seconds(&self) -> f64 {
        f64::from(self.abbas * 4) * (self.warmup.secs() + self.measured.secs() + SWITCH_S)
    }
}

/// The plan of a trial.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Longest time for the equivalence stage.
    pub equivalence: Span,
    /// Load on each side before its first measurement.
    pub settle: Span,
    /// The rates, ascending.
    pub rates: Vec<RatePlan>,
    /// What the verdict rests on first.
    pub primary: Primary,
    /// Longest time of the search for the capacity of one side; 0 where it is not looked for.
    pub search: Span,
}

/// Freezing one side, waking the other and opening its connections.
const SWITCH_S: f64 = 0.25;
/// Starting two sides and sending what prepares them, where nothing else is known.
const START_S: f64 = 3.0;
/// Sequential exchanges per second of the equivalence stage, where nothing else is known.
const EXCHANGES_PER_S: f64 = 1500.0;
/// How much blocks of one side vary on a quiet machine, as a share: an assumption until the run
/// itself has measured it.
pub const ASSUMED_VARIATION: f64 = 0.03;

impl Plan {
    /// Plans a trial.
    pub fn new(config: &TrialConfig) -> Self {
        let budget = config.level.budget();
        let primary = primary(config);
        let warmup = config
            .workload
            .warmup
            .unwrap_or(Span::from_secs_f64(budget.warmup_s));
        // A block holds 100 / (1 - q) requests for the highest quantile that is judged, so that a
        // hundred of them lie beyond it; a few more, because arrivals are random.
        let wanted = 105.0 / (1.0 - highest_quantile(config));
        let mut rates: Vec<RatePlan> = config
            .workload
            .rates
            .iter()
            .map(|rate| RatePlan {
                rate_rps: *rate,
                abbas: match *rate == primary.rate_rps {
                    true => budget.primary_abbas,
                    false => budget.other_abbas,
                },
                warmup,
                measured: Span::from_secs_f64((wanted / rate).clamp(1.0, budget.longest_s)),
            })
            .filter(|plan| plan.abbas > 0)
            .collect();
        fit(&mut rates, primary.rate_rps, &budget);
        Plan {
            equivalence: budget.equivalence,
            settle: Span::from_secs_f64(budget.settle_s),
            rates,
            primary,
            search: config
                .capacity()
                .and_then(|search| search.budget)
                .unwrap_or_default(),
        }
    }

    /// Seconds the trial takes at most, builds apart; `requests` is the size of the workload.
    pub fn seconds(&self, requests: usize) -> f64 {
        let equivalence = (requests as f64 / EXCHANGES_PER_S).min(self.equivalence.secs());
        let latency: f64 = self.rates.iter().map(RatePlan::seconds).sum();
        let search = match self.search.secs() {
            0.0 => 0.0,
            // An overloaded trial takes a while to drain.
            budget => 2.0 * (START_S + budget * 1.1),
        };
        2.0 * START_S + equivalence + 2.0 * self.settle.secs() + latency + search
    }

    /// The smallest relative change of the primary quantile that the trial is likely (90 %) to show,
    /// if blocks vary by `variation`; `None` if its blocks are too small to judge it.
    pub fn smallest_effect(&self, variation: f64) -> Option<f64> {
        let plan = self
            .rates
            .iter()
            .find(|plan| plan.rate_rps == self.primary.rate_rps)?;
        let (q, n) = (self.primary.quantile, plan.requests_per_block());
        if n * (1.0 - q) < 10.0 {
            return None;
        }
        // The standard error of the logarithm of a quantile, for an exponential tail:
        // sqrt(q (1 - q) / n) / (f(x_q) x_q) with f(x_q) x_q = -(1 - q) ln(1 - q).
        let sampling = (q / ((1.0 - q) * n)).sqrt() / -(1.0 - q).ln();
        let deviation = (2.0 * (sampling * sampling + variation * variation)).sqrt();
        Some((mde_multiplier(plan.pairs() as usize)? * deviation).exp_m1())
    }
}

/// The primary quantile at the highest rate.
fn primary(config: &TrialConfig) -> Primary {
    let rate_rps = config.workload.rates.iter().copied().fold(0.0, f64::max);
    let (endpoint, quantile) = config.primary_quantile();
    Primary {
        endpoint,
        quantile,
        rate_rps,
    }
}

/// The highest quantile that an objective, a goal or the primary endpoint names.
fn highest_quantile(config: &TrialConfig) -> f64 {
    let goals = config.judged_goals();
    let goals = goals.iter().filter_map(|goal| match goal {
        Goal::Latency { quantile, .. } => Some(*quantile),
        _ => None,
    });
    let slos = config.slos.iter().filter_map(|slo| match slo {
        Slo::Latency { quantile, .. } => Some(*quantile),
        Slo::ErrorRate { .. } => None,
    });
    slos.chain(goals)
        .fold(config.primary_quantile().1, f64::max)
}

/// Shortens the measurements until they fit; warm-up and switching cannot be shortened. What is left
/// of the time lengthens those at the primary rate, up to twice: whatever a side does only now and then, such as
/// collecting its heap, should come several times in each.
fn fit(rates: &mut [RatePlan], primary_rps: f64, budget: &Budget) {
    let blocks = |r: &RatePlan| f64::from(r.abbas * 4);
    let measured: f64 = rates.iter().map(|r| blocks(r) * r.measured.secs()).sum();
    let left = budget.latency_s - rates.iter().map(RatePlan::seconds).sum::<f64>();
    for rate in rates {
        let length = rate.measured.secs();
        let fitted = match left < 0.0 {
            true => (length * (1.0 + left / measured).max(0.05)).max(0.5),
            false if rate.rate_rps == primary_rps => (length + left / blocks(rate))
                .min(2.0 * length)
                .min(budget.longest_s),
            false => length,
        };
        rate.measured = Span::from_secs_f64(fitted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::*;
    use understudy_load::Arrivals;

    fn config(level: Level, rates: &[f64], quantile: f64) -> TrialConfig {
        let side = SideConfig::Running {
            url: "http://127.0.0.1:1".to_owned(),
            attach: None,
        };
        TrialConfig {
            name: "plan".to_owned(),
            level,
            seed: 1,
            incumbent: side.clone(),
            candidate: side,
            workload: WorkloadConfig {
                requests: RequestsFrom::Paths(vec!["/".to_owned()]),
                prepare: None,
                rates: rates.to_vec(),
                arrivals: Arrivals::Poisson,
                fresh: Fresh::Trial,
                connections: 64,
                timeout: Span::from_secs(10),
                warmup: None,
                writes: false,
            },
            slos: vec![Slo::Latency {
                endpoint: "*".to_owned(),
                quantile,
                max: Span::from_millis(20),
            }],
            goals: Vec::new(),
            question: Question::Replace,
            limits: LimitsConfig::default(),
            rules: Vec::new(),
            machine: MachineConfig::default(),
            capacity: None,
        }
    }

    #[test]
    fn levels_keep_their_time_and_their_pairs() {
        for rates in [
            &[1000.0, 4000.0][..],
            &[20.0],
            &[100.0, 500.0, 2000.0, 20_000.0],
        ] {
            for (level, most_s) in [
                (Level::Quick, 90.0),
                (Level::Default, 360.0),
                (Level::Thorough, 2400.0),
            ] {
                let plan = Plan::new(&config(level, rates, 0.99));
                let seconds = plan.seconds(100_000);
                assert!(seconds < most_s, "{level:?} {rates:?}: {seconds} s");
                assert!(plan.rates.iter().all(|r| r.pairs() >= 6), "{plan:?}");
            }
        }
    }

    #[test]
    fn quick_measures_the_highest_rate_alone() {
        let plan = Plan::new(&config(Level::Quick, &[1000.0, 4000.0], 0.99));
        assert_eq!(plan.rates.len(), 1);
        assert_eq!(
            (plan.rates[0].rate_rps, plan.primary.rate_rps),
            (4000.0, 4000.0)
        );
        assert!(plan.rates[0].requests_per_block() >= 10_000.0);
    }

    #[test]
    fn more_time_shows_smaller_effects_and_too_few_samples_none() {
        let effect =
            |level, q| Plan::new(&config(level, &[1000.0], q)).smallest_effect(ASSUMED_VARIATION);
        let [quick, default, thorough] = Level::ALL.map(|level| effect(level, 0.99).unwrap());
        assert!(
            quick > default && default > thorough,
            "{quick} {default} {thorough}"
        );
        assert_eq!(effect(Level::Quick, 0.9999), None);
    }
}
