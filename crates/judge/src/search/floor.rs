//! The memory floor of a side: what a trial at a memory limit counts, and what all of them say. Pure;
//! the search itself is `understudy_stats::floor`.

pub mod runs;
#[cfg(test)]
mod tests;

use crate::Evidence;
use crate::search::assessment::{Assessment, Left, Objectives, allowed};
use crate::terms::{LimitsConfig, Slo, Terms};
use runs::RunDemands;
use understudy_model::floor::{FloorKind, FloorOutcome, FloorPoint, SideFloor};
use understudy_model::stored::{FloorFacts, LatencyBlock, Table};
use understudy_model::{ByteSize, Observation, Pacing, Role, Share, Span};
use understudy_stats::capacity::Count;
use understudy_stats::floor::{self as search, Floor, Goal, Outcome, Trial};

/// How a memory floor is looked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FloorConfig {
    /// Trials that a limit has to hold in.
    pub repeats: u32,
    /// Relative width of the bracket that is enough.
    pub precision: Share,
    /// The first limit; the measured peak where `None`.
    pub start: Option<ByteSize>,
    /// No smaller limit is tried.
    pub lowest: ByteSize,
    /// What a trial at a limit is.
    pub trial: FloorTrial,
}

/// What a trial at a limit is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FloorTrial {
    /// A service is put under load.
    Load(LoadTrial),
    /// A command is run for each case.
    Runs(RunsTrial),
}

/// A load at a limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LoadTrial {
    /// Offered rate, requests per second.
    pub rate: f64,
    /// Load before each trial, discarded.
    pub warmup: Span,
    /// Length of a trial; chosen by the objectives and the rate where `None`.
    pub measured: Option<Span>,
    /// Length of the trial that verifies.
    pub soak: Span,
}

/// Runs at a limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RunsTrial {
    /// How much longer than without a limit they may take.
    pub slower: Share,
    /// How long the search of one side may take; a trial that has begun by then is the last.
    pub budget: Span,
}

impl RunsTrial {
    /// How much longer they may take, where nothing is said.
    pub const SLOWER: f64 = 0.2;
    /// How long the search of a side may take, where nothing is said.
    pub const BUDGET: Span = Span::from_secs(600);
}

impl FloorConfig {
    /// Repeats, where nothing is said.
    pub const REPEATS: u32 = 3;
    /// Relative width of the bracket, where nothing is said.
    pub const PRECISION: f64 = 0.05;
    /// The smallest limit, where nothing is said: what the kernel charges an empty program is near it.
    pub const LOWEST: ByteSize = ByteSize::new(4 << 20);

    /// How long the search of one side takes, where a quarter of the memory that it uses would do and
    /// starting it takes `start`. A side that needs less of it takes longer: each step down is about
    /// one trial for each repeat. Of runs it is counted that the cases of a trial take [`ASSUMED_RUNS`].
    pub fn expected(&self, slos: &[Slo], start: Span) -> Span {
        let peak = self.start.map_or(ASSUMED_PEAK, ByteSize::bytes);
        let (short, soaks) = search::trials_expected(&self.goal(None), peak, peak / 4);
        let (short_s, soak_s) = match &self.trial {
            FloorTrial::Runs(_) => (ASSUMED_RUNS.secs(), 0.0),
            FloorTrial::Load(load) => {
                let before_s = start.secs() + load.warmup.secs();
                let short_s = before_s + load.measured(slos).secs();
                (short_s, before_s + load.soak.secs())
            }
        };
        let expected = Span::from_secs_f64(short as f64 * short_s + soaks as f64 * soak_s);
        self.budget().map_or(expected, |most| expected.min(most))
    }

    /// How long the search of one side may take; `None` where it takes as long as its trials do.
    pub fn budget(&self) -> Option<Span> {
        match &self.trial {
            FloorTrial::Runs(runs) => Some(runs.budget),
            FloorTrial::Load(_) => None,
        }
    }

    /// What is searched for; `highest` is the limit of the rest of the trial.
    fn goal(&self, highest: Option<ByteSize>) -> Goal {
        Goal {
            repeats: self.repeats as usize,
            precision: self.precision.get(),
            start: self.start.map(ByteSize::bytes),
            lowest: self.lowest.bytes(),
            highest: highest.map(ByteSize::bytes),
            soak: matches!(self.trial, FloorTrial::Load(_)),
        }
    }
}

impl LoadTrial {
    /// Warm-up of a trial, where nothing is said.
    pub const WARMUP: Span = Span::from_secs(1);
    /// Length of the trial that verifies, where nothing is said.
    pub const SOAK: Span = Span::from_secs(30);

    /// Length of a trial at a limit: so many requests that twenty may violate the strictest objective.
    fn measured(&self, slos: &[Slo]) -> Span {
        let strictest = slos.iter().map(allowed).fold(0.01, f64::min);
        let chosen = || Span::from_secs_f64((20.0 / strictest / self.rate).clamp(3.0, 30.0));
        self.measured.unwrap_or_else(chosen)
    }
}

/// How long the cases of a trial are taken to run before they have, to estimate the time of a search.
pub const ASSUMED_RUNS: Span = Span::from_secs(1);
/// What a side is taken to use before it has been measured, to estimate the time of a search.
const ASSUMED_PEAK: u64 = 256 << 20;
/// Stretches of a window that growth is looked for in.
const STRETCHES: usize = 5;

/// Its lowest use of memory in each stretch of a window that begins and ends so many seconds after the
/// start of the load. Page cache that can be dropped at once does not count.
pub fn lowest(samples: &Table, window: (f64, f64)) -> Vec<f64> {
    lowest_in::<STRETCHES>(samples, window)
}

/// The same in a number of stretches.
pub fn lowest_in<const STRETCHES: usize>(
    samples: &Table,
    (begin_s, end_s): (f64, f64),
) -> Vec<f64> {
    let column = |name: &str| {
        let found = samples.columns.iter().find(|(column, _)| column == name);
        found.map_or(&[][..], |(_, values)| values)
    };
    let group = column("cgroup_working_set_bytes");
    let used = match group.iter().any(Option::is_some) {
        true => group,
        false => column("rss_bytes"),
    };
    let mut lowest = [f64::INFINITY; STRETCHES];
    for (at, bytes) in column("at_s").iter().zip(used) {
        let (Some(at), Some(bytes)) = (at, bytes) else {
            continue;
        };
        let place = (at - begin_s) / (end_s - begin_s).max(1e-9) * STRETCHES as f64;
        let stretch = (place.max(0.0) as usize).min(STRETCHES - 1);
        lowest[stretch] = lowest[stretch].min(*bytes);
    }
    match lowest.iter().all(|bytes| bytes.is_finite()) {
        true => lowest.to_vec(),
        false => Vec::new(),
    }
}

/// What has to hold in a trial at a limit.
#[derive(Clone, Debug)]
pub enum Demands<'a> {
    /// The objectives, under load.
    Load(Objectives<'a>),
    /// Runs that end right and in time.
    Runs(RunDemands<'a>),
}

/// What a trial came to that was neither killed nor ended before its time.
#[derive(Clone, Debug, PartialEq)]
struct Assessed {
    outcome: FloorOutcome,
    /// Why it did not hold.
    because: Option<String>,
    p99_us: Option<f64>,
    wall_us: Option<f64>,
    cpu: Option<f64>,
}

/// A search: what has to hold, and the trials so far.
pub struct Search<'a> {
    side: Role,
    config: FloorConfig,
    demands: Demands<'a>,
    goal: Goal,
    made: Vec<Made>,
}

/// One trial, reduced to what the search needs.
struct Made {
    trial: Trial,
    point: FloorPoint,
    measured_s: f64,
    growth_bytes_per_s: Option<f64>,
    peak_cgroup_bytes: Option<f64>,
    took: Span,
}

/// What to measure next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Planned {
    /// The memory limit, bytes; `None` leaves it as it is.
    pub limit: Option<u64>,
    /// Is it the longer trial that verifies?
    pub soak: bool,
    /// Length of the window; 0 of runs, which take as long as they take.
    pub measured: Span,
}

impl<'a> Search<'a> {
    /// A search without trials; no limit above `limits` is tried.
    pub fn new(
        side: Role,
        config: FloorConfig,
        limits: LimitsConfig,
        demands: Demands<'a>,
    ) -> Self {
        Search {
            side,
            config,
            demands,
            goal: config.goal(limits.memory),
            made: Vec::new(),
        }
    }

    /// The next trial; `None` when the search is over.
    pub fn next(&self) -> Option<Planned> {
        if self.is_over_time() {
            return None;
        }
        search::next(&self.goal, &self.trials()).map(|step| Planned {
            limit: step.limit,
            soak: step.soak,
            measured: match (&self.config.trial, &self.demands) {
                (FloorTrial::Load(load), _) if step.soak => load.soak,
                (FloorTrial::Load(load), Demands::Load(objectives)) => {
                    load.measured(objectives.slos)
                }
                _ => Span::default(),
            },
        })
    }

    /// Did the trials so far take all the time that there is? Also those of a run that was interrupted.
    fn is_over_time(&self) -> bool {
        let took_ns: u64 = self.made.iter().map(|made| made.took.nanos()).sum();
        self.config
            .budget()
            .is_some_and(|budget| took_ns >= budget.nanos())
    }

    /// How many trials there were.
    pub fn trials_made(&self) -> usize {
        self.made.len()
    }

    /// What runs have to hold; `None` under load.
    pub fn runs(&self) -> Option<&RunDemands<'a>> {
        match &self.demands {
            Demands::Runs(runs) => Some(runs),
            Demands::Load(_) => None,
        }
    }

    /// Adds a stored trial.
    pub fn record(&mut self, block: &LatencyBlock) {
        let Some(facts) = &block.figures.floor else {
            return;
        };
        let assessed = match &mut self.demands {
            Demands::Load(objectives) => under_load(objectives, block),
            Demands::Runs(runs) => runs.assess(block, facts),
        };
        let (outcome, because) = match ended(facts) {
            Some((outcome, why)) => (outcome, Some(why)),
            None => (assessed.outcome, assessed.because),
        };
        let figures = &block.figures;
        let peak = figures.peak_cgroup_bytes.or(figures.peak_rss_bytes);
        let stretch_s = figures.measured_s / STRETCHES as f64;
        let growth = facts.lowest_bytes.first().zip(facts.lowest_bytes.last());
        let of = facts.limit_bytes.map(|bytes| bytes as f64).or(peak);
        self.made.push(Made {
            trial: Trial {
                limit: facts.limit_bytes,
                soak: facts.soak,
                outcome: match outcome {
                    FloorOutcome::Held => Outcome::Held,
                    FloorOutcome::Missed => Outcome::Missed,
                    FloorOutcome::Killed | FloorOutcome::Ended | FloorOutcome::Wrong => {
                        Outcome::Ended
                    }
                    FloorOutcome::Refused => Outcome::Refused,
                },
                peak: peak.unwrap_or(0.0) as u64,
                growing: search::is_growing(&facts.lowest_bytes, of.unwrap_or(0.0)),
            },
            point: FloorPoint {
                limit_bytes: facts.limit_bytes.map(|bytes| bytes as f64),
                soak: facts.soak,
                outcome,
                because,
                p99_us: assessed.p99_us,
                // What was killed did not take its time, whatever the other runs took.
                wall_us: assessed.wall_us.filter(|_| ended(facts).is_none()),
                cpu: assessed.cpu,
                peak_rss_bytes: figures.peak_rss_bytes,
            },
            measured_s: figures.measured_s,
            growth_bytes_per_s: growth
                .map(|(first, last)| (last - first) / (stretch_s * (STRETCHES - 1) as f64)),
            peak_cgroup_bytes: figures.peak_cgroup_bytes,
            took: Span::from_nanos(facts.took_ns),
        });
    }

    /// What the trials say.
    pub fn result(&self) -> SideFloor {
        let found = search::conclude(&self.goal, &self.trials());
        let soak = self.made.iter().rfind(|made| made.trial.soak);
        let peak = self
            .made
            .iter()
            .find(|made| made.trial.limit.is_none() && made.trial.outcome != Outcome::Refused);
        let (kind, low, high) = match found {
            Floor::Between { low, high } => (FloorKind::Between, Some(low), Some(high)),
            Floor::AtMost(high) => (FloorKind::AtMost, None, Some(high)),
            Floor::Leaks => (FloorKind::Leaks, None, None),
            Floor::NotVerified(high) => (FloorKind::NotVerified, None, Some(high)),
            Floor::Unfinished if self.is_over_time() => self.unfinished(),
            _ => (FloorKind::Unknown, None, None),
        };
        let verified = soak.filter(|_| matches!(kind, FloorKind::Between | FloorKind::AtMost));
        let bytes = |limit: Option<u64>| limit.map(|limit| limit as f64);
        let mut curve: Vec<FloorPoint> = self.made.iter().map(|m| m.point.clone()).collect();
        let size = |point: &FloorPoint| point.limit_bytes.unwrap_or(f64::INFINITY);
        curve.sort_by(|a, b| size(a).total_cmp(&size(b)));
        SideFloor {
            side: self.side,
            kind,
            high_bytes: bytes(high),
            low_bytes: bytes(low),
            because: self.because(found),
            rate_rps: match &self.config.trial {
                FloorTrial::Load(load) => load.rate,
                FloorTrial::Runs(_) => Pacing::NO_RATE,
            },
            repeats: self.config.repeats,
            objectives: match &self.demands {
                Demands::Load(objectives) => objectives.slos.iter().map(Slo::describe).collect(),
                Demands::Runs(runs) => runs.in_words(),
            },
            verified_bytes: verified.and_then(|made| made.point.limit_bytes),
            verified_s: verified.map(|made| made.measured_s),
            growth_bytes_per_s: soak.and_then(|made| made.growth_bytes_per_s),
            peak_rss_bytes: peak.and_then(|made| made.point.peak_rss_bytes),
            peak_cgroup_bytes: peak.and_then(|made| made.peak_cgroup_bytes),
            runs: self.runs().and_then(RunDemands::described),
            curve,
        }
    }

    /// What a search knows whose time was over.
    fn unfinished(&self) -> (FloorKind, Option<u64>, Option<u64>) {
        let (low, high) = search::bracket(&self.goal, &self.trials());
        let kind = match (low, high) {
            (Some(_), Some(_)) => FloorKind::Between,
            (None, Some(_)) => FloorKind::AtMost,
            (_, None) => FloorKind::Unknown,
        };
        (kind, low, high)
    }

    /// Why the time was over before the search was.
    fn stopped(&self) -> String {
        let budget = self.config.budget().unwrap_or_default();
        let stopped = format!("the search stopped after its {budget} (`budget`)");
        match self.unfinished() {
            (_, _, Some(_)) => stopped,
            (_, Some(low), None) => {
                let low = ByteSize::new(low);
                format!("{stopped}, and it is at least {low:#}")
            }
            (_, None, None) => {
                format!("{stopped}, before a limit was tried as often as it has to hold")
            }
        }
    }

    /// Why there is no floor, or a wide one.
    fn because(&self, found: Floor) -> Option<String> {
        let last = self.made.iter().rfind(|made| made.point.because.is_some());
        let last = last.and_then(|made| made.point.because.clone());
        let last = last.unwrap_or_default();
        let why = match found {
            Floor::Between { .. } | Floor::AtMost(_) => return None,
            Floor::Leaks if last.is_empty() || self.grew() => {
                "its memory kept growing during the verification".to_owned()
            }
            Floor::Leaks => {
                format!(
                    "it held in short trials, and not in a long one, nor in one 10 % above that limit: {last}"
                )
            }
            Floor::NotVerified(_) => {
                format!("it held in short trials, and not in a long one: {last}")
            }
            Floor::NeverHeld => {
                format!("it does not hold without a tighter limit either: {last}")
            }
            Floor::NoneHeld => format!("no limit held in each of its trials: {last}"),
            Floor::Refused => format!("measurements could not be trusted: {last}"),
            Floor::NoPeak => {
                "its memory could not be measured; state start in [memory_floor]".to_owned()
            }
            Floor::Unfinished if self.is_over_time() => self.stopped(),
            Floor::Unfinished => "the search ended before its time".to_owned(),
        };
        Some(why)
    }

    fn grew(&self) -> bool {
        self.made.iter().any(|m| m.trial.soak && m.trial.growing)
    }

    fn trials(&self) -> Vec<Trial> {
        self.made.iter().map(|made| made.trial).collect()
    }
}

/// How a trial ended before its time, and why. That is a result however the generator fared.
fn ended(facts: &FloorFacts) -> Option<(FloorOutcome, String)> {
    if facts.kills > 0 {
        let why = "a process of it was killed because the limit was reached";
        return Some((FloorOutcome::Killed, why.to_owned()));
    }
    let ended = facts.ended.clone();
    ended.map(|why| (FloorOutcome::Ended, why))
}

/// Holds a trial under load against the objectives. What lived is only as good as the generator was.
fn under_load(objectives: &Objectives<'_>, block: &LatencyBlock) -> Assessed {
    let observations: Vec<Observation> = block.rows.iter().map(|row| row.observation).collect();
    let left = Left::of(block, &observations);
    let Assessment {
        counts,
        point,
        refused,
    } = objectives.assess(&left, |counts| turns_on(objectives.slos, counts));
    let (outcome, because) = match (refused, missed(objectives.slos, &counts)) {
        (Some(refused), _) => (FloorOutcome::Refused, Some(refused)),
        (None, Some(missed)) => (FloorOutcome::Missed, Some(missed)),
        (None, None) => (FloorOutcome::Held, None),
    };
    Assessed {
        outcome,
        because,
        p99_us: point.p99_us,
        wall_us: None,
        cpu: point.cpu,
    }
}

/// The objective whose answer turns on the generator's lateness: missed from when requests were due, and held
/// without it. One that is missed in any case is enough.
fn turns_on(slos: &[Slo], counts: &[Count]) -> Option<usize> {
    let most = |(count, slo): (&Count, &Slo)| is_missed(slo, count.requests, count.violations);
    let least = |(count, slo): (&Count, &Slo)| is_missed(slo, count.requests, count.at_least);
    let mut pairs = counts.iter().zip(slos);
    match pairs.clone().any(least) {
        true => None,
        false => pairs.position(most),
    }
}

/// The first objective that was missed, in words.
fn missed(slos: &[Slo], counts: &[Count]) -> Option<String> {
    let mut pairs = counts.iter().zip(slos);
    let missed = pairs.find(|(count, slo)| is_missed(slo, count.requests, count.violations));
    missed.map(|(_, slo)| format!("it missed {}", slo.describe()))
}

/// More of the requests violated an objective than it allows.
fn is_missed(slo: &Slo, requests: u64, violations: u64) -> bool {
    violations as f64 > allowed(slo) * requests as f64
}

/// The memory floor of every side that was searched, as far as the search came.
pub(crate) fn judge(terms: &Terms, evidence: &Evidence) -> Vec<SideFloor> {
    let Some(floor) = terms.memory_floor else {
        return Vec::new();
    };
    let objectives = Objectives {
        slos: &terms.slos,
        operations: &evidence.operations,
        rules: evidence.environment.rules,
    };
    let demands = |side: Role| match floor.trial {
        FloorTrial::Load(_) => Demands::Load(objectives),
        FloorTrial::Runs(runs) => Demands::Runs(RunDemands::new(
            (side, evidence.requests.len()),
            runs,
            objectives,
            &evidence.endings,
            &evidence.blocks,
        )),
    };
    let of = |side: Role| {
        let mut search = Search::new(side, floor, terms.limits, demands(side));
        let blocks = evidence.floor.iter().filter(|block| block.side == side);
        blocks.for_each(|block| search.record(block));
        (search.trials_made() > 0).then(|| search.result())
    };
    Role::SIDES.into_iter().filter_map(of).collect()
}
