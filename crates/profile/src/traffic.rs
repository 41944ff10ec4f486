//! Live traffic, taken in request by request, in memory that does not grow with it. Pure.

use crate::Window;
use crate::tail::{tail, tail_of};
use understudy_judge as judge;
use understudy_judge::search::{Objectives, allowed};
use understudy_judge::terms::Slo;
use understudy_load::report::Distribution;
use understudy_load::{Histograms, Recorder};
use understudy_model::profile::{ObjectiveSeen, Traffic};
use understudy_model::stored::Happenings;
use understudy_model::tail::Tail;
use understudy_model::verdict::VerdictRules;
use understudy_model::{Observation, Span};
use understudy_stats::batches::Batches;
use understudy_stats::clusters::Clusters;

/// Most requests that are kept, for the attribution of the slowest: 36 MB, and four times that while it
/// is made.
const MOST_KEPT: usize = 500_000;
/// Where more come, whole stretches of this length are kept, drawn at random.
pub(crate) const STRETCH: Span = Span::from_secs(2);

/// What is known of live traffic. Requests and violations are counted exactly and quantiles are those of
/// a histogram (three digits), however many come; the slowest are attributed for all requests
/// while they are few enough to be kept, else of those of some stretches.
#[derive(Debug)]
pub(crate) struct LiveTraffic {
    slos: Vec<Slo>,
    /// One of each objective.
    violations: Vec<Batches>,
    seen: Histograms,
    kept: Clusters<Observation>,
    seed: u64,
}

impl LiveTraffic {
    /// Nothing so far. The seed fixes which stretches are drawn, and the draws of the attribution.
    pub(crate) fn new(slos: &[Slo], seed: u64) -> Self {
        LiveTraffic::keeping(MOST_KEPT, slos, seed)
    }

    fn keeping(most: usize, slos: &[Slo], seed: u64) -> Self {
        LiveTraffic {
            slos: slos.to_vec(),
            violations: vec![Batches::default(); slos.len()],
            seen: Histograms::default(),
            kept: Clusters::new(most, seed),
            seed,
        }
    }

    /// Takes in the next request to end.
    pub(crate) fn add(&mut self, one: &Observation) {
        let objectives = Objectives {
            slos: &self.slos,
            operations: &[],
            rules: VerdictRules::default(),
        };
        for (slo, violations) in self.slos.iter().zip(&mut self.violations) {
            if let Some(violated) = objectives.violated(slo, one) {
                violations.add(violated);
            }
        }
        self.seen.record(one);
        self.kept.add(one.due_ns / STRETCH.nanos(), *one);
    }

    /// Requests so far.
    pub(crate) fn requests(&self) -> u64 {
        self.seen.total()
    }

    /// Requests that are kept, where that is not all of them.
    pub(crate) fn drawn(&self) -> Option<u64> {
        (!self.kept.is_whole()).then(|| self.kept.len() as u64)
    }

    /// What there was, in so many seconds and with so many lines that say no duration.
    pub(crate) fn traffic(&self, without_duration: u64, seconds: f64) -> Traffic {
        let objectives = self.slos.iter().zip(&self.violations);
        let seen = objectives.filter_map(|(slo, violations)| {
            Some(ObjectiveSeen {
                slo: slo.describe(),
                allowed: allowed(slo),
                violated: judge::estimate(violations.interval()?),
            })
        });
        let requests = self.requests();
        let latency = Distribution::new(&self.seen.latency_ns, requests - self.seen.answered());
        Traffic {
            requests,
            without_duration,
            rate_rps: (requests + without_duration) as f64 / seconds.max(1e-9),
            objectives: seen.collect(),
            p50_us: latency.p50,
            p99_us: latency.p99,
        }
    }

    /// Where the slowest requests of a window that begins at zero come from; `None` with too few of them.
    pub(crate) fn tail(self, rate_rps: f64, seconds: f64, happened: &Happenings) -> Option<Tail> {
        let whole = self.kept.is_whole();
        let drawn = self.kept.into_drawn().into_iter();
        if whole {
            let all: Vec<Observation> = drawn.flat_map(|(_, requests)| requests).collect();
            return tail(rate_rps, (0.0, seconds), &all, happened, self.seed);
        }
        let window = |number: u64| -> Window {
            let begin_s = number as f64 * STRETCH.secs();
            (begin_s, (begin_s + STRETCH.secs()).min(seconds))
        };
        let stretches = drawn.map(|(number, requests)| (window(number), requests));
        let within = stretches.filter(|((begin_s, end_s), _)| begin_s < end_s);
        tail_of(rate_rps, within, happened, self.seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use understudy_model::{Cause, Happening};
    use understudy_testkit::answered;

    const MS: u64 = 1_000_000;

    /// 1 % of the requests are slow, and all at the same time: the interval knows that they are few bursts.
    #[test]
    fn live_traffic_is_held_against_objectives_with_bursts_in_mind() {
        let of = |slow: &dyn Fn(u64) -> bool| {
            let all = (0..20_000u64).map(|index| {
                let took = if slow(index) { 30 * MS } else { MS };
                answered(0, (index * MS, index * MS, index * MS + took)).observation
            });
            let slos = [
                Slo::Latency {
                    operation: "*".to_owned(),
                    quantile: 0.99,
                    max: Span::from_millis(20),
                },
                Slo::ErrorRate {
                    max: understudy_model::Share::new(0.01),
                },
            ];
            let mut live = LiveTraffic::new(&slos, 1);
            all.for_each(|one| live.add(&one));
            live.traffic(100, 20.0)
        };
        let held = of(&|index| index % 500 == 0);
        assert_eq!(held.objectives[0].held(), Some(true), "{held:?}");
        assert_eq!(held.objectives[1].held(), Some(true), "{held:?}");
        assert!((held.rate_rps - 1005.0).abs() < 1e-9);
        assert!(
            (held.p50_us.unwrap() / 1_000.0 - 1.0).abs() < 1e-3,
            "{held:?}"
        );
        let missed = of(&|index| index % 30 == 0);
        assert_eq!(missed.objectives[0].held(), Some(false), "{missed:?}");
        let burst = of(&|index| (5_000..5_300).contains(&index));
        assert_eq!(burst.objectives[0].held(), None, "{burst:?}");
    }

    /// Three minutes of a subject that stops for 50 ms in every second or so: a tenth of the requests, in
    /// stretches of their own, gives the same result as all of them.
    #[test]
    fn some_stretches_show_the_same_as_all_requests() {
        let begins: Vec<u64> = (0..180)
            .map(|second| second * 1_000 + second * 37 % 400)
            .collect();
        let stops = Happenings {
            runtime: Some("go".to_owned()),
            all: begins
                .iter()
                .map(|begin| Happening {
                    cause: Cause::RuntimeStop,
                    start_ns: begin * MS,
                    end_ns: (begin + 50) * MS,
                    error_ns: 0,
                })
                .collect(),
        };
        let tails = |most: usize| {
            let mut live = LiveTraffic::keeping(most, &[], 1);
            for due_ms in 0..180_000u64 {
                let begin = begins[due_ms as usize / 1_000];
                let waits = match due_ms.checked_sub(begin) {
                    Some(into) => 50u64.saturating_sub(into),
                    None => 0,
                };
                let due = due_ms * MS;
                live.add(&answered(0, (due, due, due + (waits + 1) * MS)).observation);
            }
            let drawn = live.drawn();
            (drawn, live.tail(1_000.0, 180.0, &stops).unwrap())
        };
        let ((none, all), (drawn, some)) = (tails(200_000), tails(20_000));
        assert_eq!(
            (none, drawn),
            (None, Some(20_000)),
            "ten stretches of 2,000"
        );
        for tail in [&all, &some] {
            assert_eq!(tail.causes.len(), 1, "{tail:?}");
            assert!(
                tail.causes[0].explains && tail.unexplained < 0.01,
                "{tail:?}"
            );
            assert_eq!(tail.runtime.as_deref(), Some("go"));
        }
        let (all_us, some_us) = (all.at_us.unwrap(), some.at_us.unwrap());
        assert!((some_us / all_us - 1.0).abs() < 0.1, "{all_us} {some_us}");
        assert!(
            all.requests > 1_500 && (150..=200).contains(&some.requests),
            "{some:?}"
        );
        assert_eq!(some.causes[0].events, 20, "of its own stretches only");
    }
}
