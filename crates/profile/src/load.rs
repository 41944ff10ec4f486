//! A profile under a load of its own.

use crate::Window;
use crate::capacity::search_capacity;
use crate::error::ProfileError;
use crate::measurement::{Measurement, measure};
use crate::not_seen;
use crate::service::Service;
use crate::tail::tail;
use std::sync::atomic::{AtomicBool, Ordering};
use understudy_judge::search::capacity::{CapacityConfig, Search};
use understudy_judge::search::{Left, overloaded};
use understudy_judge::terms::Slo;
use understudy_load::{Plan, Rate};
use understudy_model::capacity::KneePoint;
use understudy_model::floor::SideFloor;
use understudy_model::profile::{ProfileReport, SCHEMA};
use understudy_model::tail::Tail;
use understudy_model::{Share, Span};
use understudy_observe::Circumstances;
use understudy_observe::resources::Others;
use understudy_subject_http::HttpLoadError;
use understudy_subject_http::Workload;

/// The search tries at most this many times the rate that a service has to serve: more headroom would change nothing
/// that is said.
const MOST_HEADROOM: f64 = 20.0;
/// The highest rate that a service may have to serve, requests per second: the search tries more.
pub const HIGHEST_RATE: f64 = 1e7 / MOST_HEADROOM;
/// Requests in which the tail is looked for, and bounds of the time for them, seconds.
const TAIL_REQUESTS: f64 = 10_000.0;
const TAIL_S: [f64; 2] = [5.0, 30.0];
/// Part of the budget that it may take.
const TAIL_OF_BUDGET: f64 = 1.0 / 3.0;

/// How a service is profiled under load.
#[derive(Clone, Debug)]
pub struct LoadConfig {
    /// Where it answers, as it may be shown.
    pub target: String,
    /// The rate that it has to serve, requests per second.
    pub rate_rps: f64,
    /// The objectives that it has to hold.
    pub slos: Vec<Slo>,
    /// The time for it.
    pub budget: Budget,
    /// The load; the profile chooses its rates, warm-up and lengths.
    pub plan: Plan,
    /// What it needed in a trial, for the report.
    pub memory_floor: Option<SideFloor>,
}

/// The time of a profile under load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// The longest time for all of it.
    pub total: Span,
    /// Load before each step, discarded.
    pub warmup: Span,
}

/// What a profile under load is doing, for a display.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event<'a> {
    /// A step of the search for the capacity is complete.
    Step(&'a KneePoint),
    /// The measurement at the rate that it has to serve begins.
    AtRate {
        /// The rate, requests per second.
        rate_rps: f64,
        /// The length of its window.
        length: Span,
    },
}

impl Budget {
    /// Is there time for a step of the search and a measurement at the rate, each of a second and its warm-up?
    pub fn is_enough(&self) -> bool {
        self.total.secs() >= 2.0 * (self.warmup.secs() + 1.0)
    }

    /// How long is measured at the rate, after the search.
    fn at_rate(&self, rate_rps: f64) -> Span {
        let wanted = (TAIL_REQUESTS / rate_rps).clamp(TAIL_S[0], TAIL_S[1]);
        let most = self.total.secs() * TAIL_OF_BUDGET - self.warmup.secs();
        Span::from_secs_f64(wanted.min(most.max(0.5)))
    }

    fn search(&self, rate_rps: f64) -> CapacityConfig {
        let after = self.warmup.secs() + self.at_rate(rate_rps).secs();
        CapacityConfig {
            width: Share::new(CapacityConfig::WIDTH),
            first_rate: rate_rps,
            highest_rate: rate_rps * MOST_HEADROOM,
            warmup: self.warmup,
            budget: Some(Span::from_secs_f64(self.total.secs() - after)),
        }
    }
}

/// Looks for the capacity, measures at the rate, and reports without findings; `stop` ends it early.
///
/// # Errors
/// The service cannot be reached, or this machine cannot do what the plan asks for.
pub fn under_load(
    config: &LoadConfig,
    workload: Workload<'_>,
    service: &mut Service,
    stop: &AtomicBool,
    on_event: &dyn Fn(Event<'_>),
) -> Result<ProfileReport, ProfileError> {
    let rate_rps = config.rate_rps;
    let plan = Plan {
        rate: Rate::PerSecond(rate_rps),
        warmup: config.budget.warmup,
        ..config.plan.clone()
    };
    let mut search = Search::new(config.budget.search(rate_rps), &config.slos, &[]);
    let on_step = |point: &KneePoint| on_event(Event::Step(point));
    let attached = service.attached();
    let peak_rss_bytes = search_capacity(&plan, workload, attached, &mut search, stop, &on_step)?;
    let plan = Plan {
        duration: config.budget.at_rate(rate_rps),
        timeout: search.patience(plan.timeout),
        ..plan
    };
    let at_rate = match stop.load(Ordering::Relaxed) {
        true => None,
        false => {
            on_event(Event::AtRate {
                rate_rps,
                length: plan.duration,
            });
            Some(AtRate::measure(plan, rate_rps, workload, service, stop)?)
        }
    };
    let capacity = search.result();
    let mut report = ProfileReport {
        schema: SCHEMA,
        target: config.target.clone(),
        rate_rps: Some(rate_rps),
        objectives: config.slos.iter().map(Slo::describe).collect(),
        headroom: capacity.headroom(rate_rps),
        capacity: Some(capacity),
        memory_floor: config.memory_floor.clone(),
        peak_rss_bytes,
        interrupted: stop.load(Ordering::Relaxed),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..ProfileReport::default()
    };
    if let Some(at_rate) = &at_rate {
        at_rate.add_to(&mut report, &config.slos, service);
    }
    Ok(report)
}

/// What the measurement at the rate left.
struct AtRate {
    plan: Plan,
    rate_rps: f64,
    measurement: Measurement,
    seen: Circumstances,
}

impl AtRate {
    fn measure(
        plan: Plan,
        rate_rps: f64,
        workload: Workload<'_>,
        service: &mut Service,
        stop: &AtomicBool,
    ) -> Result<Self, HttpLoadError> {
        let window = (plan.warmup.duration(), plan.duration.duration());
        let (measurement, seen) = service.observe(window, Others::Observed, stop, |announce| {
            measure(&plan, workload, stop, announce)
        });
        Ok(AtRate {
            measurement: measurement?,
            plan,
            rate_rps,
            seen,
        })
    }

    /// Adds what it shows.
    fn add_to(&self, report: &mut ProfileReport, slos: &[Slo], service: &Service) {
        let begin_s = self.plan.warmup.secs();
        let window = (begin_s, begin_s + self.plan.duration.secs());
        report.used = service.used(&self.seen);
        report.pauses = service.pauses(&self.seen, window, slos);
        report.not_seen = service.not_seen(&self.seen, report.used.as_ref());
        let used = report.used.as_ref();
        let rss = used.and_then(|used| used.memory.peak_rss_bytes);
        let peaks = report.peak_rss_bytes.into_iter().chain(rss);
        report.peak_rss_bytes = peaks.reduce(f64::max);
        match self.tail(window) {
            Ok(tail) => report.tail = Some(tail),
            Err(why) => report.not_seen.push(not_seen::of_tail(&why)),
        }
    }

    fn tail(&self, window: Window) -> Result<Tail, String> {
        let observations = &self.measurement.observations;
        let neighbours = self.seen.measured.neighbours(&self.plan.bound_cpus());
        let left = Left {
            rate_rps: self.rate_rps,
            observations,
            generator: self.measurement.generator,
            neighbours: neighbours.as_ref(),
            cpu_us: None,
            warmup_s: self.plan.warmup.secs(),
            measured_s: self.plan.duration.secs(),
        };
        // The generator's lateness is one of the causes, and no reason to refuse them.
        if let Some(why) = overloaded(&left) {
            return Err(why);
        }
        let (happened, seed) = (&self.seen.happened, self.plan.seed);
        tail(self.rate_rps, window, observations, happened, seed).ok_or_else(|| {
            format!(
                "{} requests in {:.1} s have too few above p99; a longer --budget gives it up to {:.0} s",
                observations.len(),
                self.plan.duration.secs(),
                TAIL_S[1]
            )
        })
    }
}

#[cfg(test)]
mod tests;
