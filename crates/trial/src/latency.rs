//! The second stage: both sides under the same load, in randomised ABBA blocks.

use crate::cpus::Assignment;
use crate::error::TrialError;
use crate::inspect::Inspector;
use crate::judge::BlockFigures;
use crate::plan::{Plan, RatePlan};
use crate::resources::{self, Measured};
use crate::sides::{RESPONSE, RunningSide, Stand};
use crate::store;
use crate::{Event, Watch};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};
use understudy_evidence::{BlockId, Folder, RunDirectory};
use understudy_host::time_asleep;
use understudy_load::http::{Prepared, Requests};
use understudy_load::{DEFAULT_QUEUE, GeneratorUse, Plan as LoadPlan, Progress, Ran, Rate, run};
use understudy_model::{Observation, Side, Span};

/// What the stage works on.
pub(crate) struct Stage<'a> {
    pub(crate) stand: &'a Stand<'a>,
    pub(crate) plan: &'a Plan,
    pub(crate) cpus: &'a Assignment,
    pub(crate) requests: &'a Requests,
    pub(crate) endpoint_of: &'a [u32],
    pub(crate) run: &'a RunDirectory,
    pub(crate) watch: &'a Watch<'a>,
}

/// Both sides, one of them awake at a time.
struct Pair {
    sides: HashMap<Side, RunningSide>,
    weights: Vec<f64>,
    prepared: HashMap<Side, Arc<[Prepared]>>,
}

/// One measurement that the plan asks for.
#[derive(Clone, Copy, Debug)]
struct Planned {
    rate: RatePlan,
    side: Side,
    number: u32,
}

impl Planned {
    fn id(&self) -> BlockId {
        store::latency_block(self.rate.rate_rps, self.side, self.number)
    }
}

impl Stage<'_> {
    /// Measures every rate. Each measurement is on disk when the next one begins.
    pub(crate) fn carry_out(&self, inspector: &mut Inspector<'_>) -> Result<(), TrialError> {
        let planned = self.planned();
        let on_disk: BTreeSet<BlockId> = self.run.blocks()?.into_iter().collect();
        let there = |of: &Planned| on_disk.contains(&of.id());
        let total = planned.len();
        let missing: Vec<&Planned> = planned.iter().filter(|one| !there(one)).collect();
        let done = total - missing.len();
        if missing.is_empty() {
            return Ok(());
        }
        if done > 0 {
            let note =
                format!("the run was interrupted and went on after {done} of {total} measurements");
            store::note(self.run, &note)?;
        }
        let mut pair = self.start_pair()?;
        for (done, one) in (done..).zip(missing) {
            (self.watch)(Event::Measuring {
                rate_rps: one.rate.rate_rps,
                side: one.side,
                done,
                total,
            });
            if self.stand.config.workload.fresh == crate::config::Fresh::Block {
                self.renew(&mut pair, one.side)?;
            }
            while !self.measure(&mut pair, one, inspector)? {}
        }
        (self.watch)(Event::Measured);
        for note in pair.sides.into_values().filter_map(RunningSide::stop) {
            store::note(self.run, &note)?;
        }
        Ok(())
    }

    /// Every measurement, in order.
    fn planned(&self) -> Vec<Planned> {
        let mut planned = Vec::new();
        for (index, rate) in self.plan.rates.iter().enumerate() {
            for abba in 0..rate.abbas {
                let four = order(self.stand.config.seed, index as u32, abba);
                planned.extend(four.map(|(side, within)| Planned {
                    rate: *rate,
                    side,
                    number: abba * 2 + within,
                }));
            }
        }
        planned
    }

    fn start_pair(&self) -> Result<Pair, TrialError> {
        let mut pair = Pair {
            sides: HashMap::new(),
            weights: self.requests.weights(),
            prepared: HashMap::new(),
        };
        for side in Side::ALL {
            self.begin(&mut pair, side)?;
            self.settle(&mut pair, side)?;
            self.rest(&mut pair, side)?;
        }
        Ok(pair)
    }

    /// Starts a side and renders the requests for its host.
    fn begin(&self, pair: &mut Pair, side: Side) -> Result<(), TrialError> {
        (self.watch)(Event::Starting(side.name().to_owned()));
        let running = self.stand.start(side, side.name())?;
        for note in running.unmeasured() {
            store::note(self.run, &note)?;
        }
        let prepared = self
            .requests
            .prepare(&running.target.host, |request| {
                self.endpoint_of[request as usize]
            })
            .map_err(|(index, error)| TrialError::Request(index + 1, error))?;
        pair.sides.insert(side, running);
        pair.prepared.insert(side, prepared);
        Ok(())
    }

    /// Starts a side anew for the next measurement.
    fn renew(&self, pair: &mut Pair, side: Side) -> Result<(), TrialError> {
        if !pair.sides.get(&side).is_some_and(RunningSide::is_launched) {
            return Ok(());
        }
        if let Some(note) = pair.sides.remove(&side).and_then(RunningSide::stop) {
            store::note(self.run, &note)?;
        }
        self.begin(pair, side)
    }

    /// Load before the first measurement, so that caches fill and code is compiled.
    fn settle(&self, pair: &mut Pair, side: Side) -> Result<(), TrialError> {
        (self.watch)(Event::Settling(side));
        let load = LoadPlan {
            warmup: Span::default(),
            duration: self.plan.settle,
            ..self.load_plan(self.plan.primary.rate_rps, 0)
        };
        self.put_under_load(pair, side, &load, &|_| {}).map(|_| ())
    }

    fn rest(&self, pair: &mut Pair, side: Side) -> Result<(), TrialError> {
        pair.sides
            .get_mut(&side)
            .map_or(Ok(()), RunningSide::freeze)
    }

    /// One measurement of one side. False: the machine slept meanwhile, and nothing was kept.
    fn measure(
        &self,
        pair: &mut Pair,
        planned: &Planned,
        inspector: &mut Inspector<'_>,
    ) -> Result<bool, TrialError> {
        let Planned { rate, side, number } = *planned;
        let seed = pair_seed(self.stand.config.seed, rate.rate_rps, number);
        let warmup = varied(rate.warmup, seed);
        let load = LoadPlan {
            warmup,
            duration: rate.measured,
            inspect: true,
            ..self.load_plan(rate.rate_rps, seed)
        };
        let Some(running) = pair.sides.get_mut(&side) else {
            return Ok(true);
        };
        running.thaw()?;
        let clocks = Clocks::now();
        let sampler = running.sampler()?;
        let window = (warmup.duration(), rate.measured.duration());
        let (ran, measured) =
            resources::alongside(sampler, window, self.stand.stop, |announce_start| {
                self.put_under_load(pair, side, &load, announce_start)
            });
        let ran = ran?;
        self.rest(pair, side)?;
        if clocks.slept_s() > TOLERATED_S {
            let slept = "the machine slept during a measurement, which was made again";
            store::note(self.run, slept)?;
            return Ok(false);
        }
        // One generator thread, one recorder.
        let observations: Vec<Observation> = ran.recorders.into_iter().flatten().collect();
        let rows = inspector.rows(&observations, &ran.captures);
        let mut figures = figures(&load, ran.generator, &measured);
        figures.started_unix_s = clocks.unix_s();
        if let Some(step_s) = clocks.step_s() {
            store::note(self.run, &clock_was_set(step_s))?;
        }
        let id = planned.id();
        self.run
            .write_table(Folder::Samples, &id, &measured.samples)?;
        store::write_block(self.run, &id, rate.rate_rps, &figures, &rows)?;
        Ok(true)
    }

    fn load_plan(&self, rate_rps: f64, seed: u64) -> LoadPlan {
        let workload = &self.stand.config.workload;
        LoadPlan {
            rate: Rate::PerSecond(rate_rps),
            arrivals: workload.arrivals,
            warmup: Span::default(),
            duration: Span::default(),
            connections: workload.connections as usize,
            threads: 1,
            cpus: (!self.cpus.generator.as_slice().is_empty()).then(|| self.cpus.generator.clone()),
            timeout: workload.timeout,
            seed,
            queue: DEFAULT_QUEUE,
            limits: RESPONSE,
            inspect: false,
        }
    }

    fn put_under_load(
        &self,
        pair: &mut Pair,
        side: Side,
        load: &LoadPlan,
        on_start: &dyn Fn(Instant),
    ) -> Result<Ran<Vec<Observation>>, TrialError> {
        let Some(running) = pair.sides.get_mut(&side) else {
            return Err(TrialError::Interrupted);
        };
        let progress = [Progress::default()];
        let prepared = &pair.prepared[&side];
        let ran = run(
            load,
            &running.target,
            prepared,
            &pair.weights,
            self.stand.stop,
            &progress,
            on_start,
        );
        if self.stand.stop.load(Ordering::Relaxed) {
            return Err(TrialError::Interrupted);
        }
        running.check_alive("under load")?;
        ran.map_err(|source| TrialError::Load {
            name: running.name.clone(),
            source,
        })
    }
}

/// The system's clock, the one that measures and the time spent asleep, at the same moment.
struct Clocks {
    system: SystemTime,
    monotonic: Instant,
    asleep: Duration,
}

/// Seconds by which clocks may part.
const TOLERATED_S: f64 = 0.5;

impl Clocks {
    fn now() -> Self {
        Clocks {
            system: SystemTime::now(),
            monotonic: Instant::now(),
            asleep: time_asleep(),
        }
    }

    /// Seconds since 1970.
    fn unix_s(&self) -> f64 {
        let since = self.system.duration_since(SystemTime::UNIX_EPOCH);
        since.map_or(0.0, |since| since.as_secs_f64())
    }

    /// Seconds that the machine has slept since.
    fn slept_s(&self) -> f64 {
        time_asleep().saturating_sub(self.asleep).as_secs_f64()
    }

    /// By how much the system's clock was set since, in seconds; `None` if it went on as it should.
    fn step_s(&self) -> Option<f64> {
        let now = Clocks::now();
        let step = now.unix_s() - self.unix_s() - (now.monotonic - self.monotonic).as_secs_f64();
        (step.abs() > TOLERATED_S).then_some(step)
    }
}

fn clock_was_set(step_s: f64) -> String {
    format!(
        "the system's clock was set by {step_s:+.1} s during a measurement: latencies are measured by another clock and stand, times of day in the report may be out of order"
    )
}

/// What is stored with a measurement beside its exchanges.
pub(crate) fn figures(
    load: &LoadPlan,
    generator: GeneratorUse,
    measured: &Measured,
) -> BlockFigures {
    BlockFigures {
        seed: load.seed,
        warmup_s: load.warmup.secs(),
        measured_s: load.duration.secs(),
        due: generator.due,
        sent: generator.sent,
        late: generator.late,
        generator_work_ns: generator.work_ns,
        generator_busy_share: generator.busy_share,
        run_queue_share: generator.run_queue_share,
        steal_share: generator.steal_share,
        wall_ns: generator.wall_ns,
        ..measured.figures.clone()
    }
}

/// The four measurements of an ABBA block, each with its number among the two of its side: ABBA or
/// BAAB, by the seed.
fn order(seed: u64, rate: u32, abba: u32) -> [(Side, u32); 4] {
    use Side::{Candidate, Incumbent};
    let place = (u64::from(rate) << 32) | u64::from(abba);
    let incumbent_first = mix(seed ^ mix(place)) & 1 == 0;
    let (outer, inner) = if incumbent_first {
        (Incumbent, Candidate)
    } else {
        (Candidate, Incumbent)
    };
    [(outer, 0), (inner, 0), (inner, 1), (outer, 1)]
}

/// The warm-up of one pair, between half and one and a half times the planned one. What a side does
/// every so many requests (collect its heap) would otherwise fall into the same half of each ABBA
/// block again and again, and look like a difference of the incumbent from itself.
fn varied(warmup: Span, seed: u64) -> Span {
    let unit = (mix(seed) >> 11) as f64 / (1u64 << 53) as f64;
    Span::from_secs_f64(warmup.secs() * (0.5 + unit))
}

/// Both sides of a pair meet the same arrivals and the same requests; each pair meets its own.
fn pair_seed(seed: u64, rate_rps: f64, number: u32) -> u64 {
    mix(seed ^ mix(rate_rps.to_bits() ^ u64::from(number).rotate_left(17)))
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): neighbouring seeds become unrelated.
fn mix(seed: u64) -> u64 {
    let z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_abba_or_baab_and_both_come() {
        let mut first_incumbent = 0;
        for abba in 0..100 {
            let sides = order(1, 0, abba).map(|(side, _)| side);
            assert_eq!(sides[0], sides[3]);
            assert_eq!(sides[1], sides[2]);
            assert_ne!(sides[0], sides[1]);
            first_incumbent += usize::from(sides[0] == Side::Incumbent);
        }
        assert!((30..=70).contains(&first_incumbent), "{first_incumbent}");
    }

    #[test]
    fn warm_ups_vary_around_the_planned_one() {
        let planned = Span::from_secs(2);
        let all: Vec<f64> = (0..1000).map(|seed| varied(planned, seed).secs()).collect();
        assert!(all.iter().all(|s| (1.0..=3.0).contains(s)));
        let mean = all.iter().sum::<f64>() / 1000.0;
        assert!((mean - 2.0).abs() < 0.1, "{mean}");
    }

    #[test]
    fn pairs_share_a_seed_and_nothing_else_does() {
        assert_eq!(pair_seed(1, 1000.0, 3), pair_seed(1, 1000.0, 3));
        let seeds: std::collections::HashSet<u64> = (0..100)
            .flat_map(|n| {
                [
                    pair_seed(1, 1000.0, n),
                    pair_seed(1, 4000.0, n),
                    pair_seed(2, 1000.0, n),
                ]
            })
            .collect();
        assert_eq!(seeds.len(), 300);
    }
}
