//! The stage after the runs: the smallest memory limit at which each side ends right and in time. What runs a side starts
//! anew for every trial, with its limit.

use crate::Event;
use crate::error::TrialError;
use crate::runs::{figures, rows};
use crate::store;
use crate::subject::Measuring;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::time::SystemTime;
use understudy_host::MachineTime;
use understudy_judge::search::Objectives;
use understudy_judge::search::floor::runs::{Endings, RunDemands, Selection};
use understudy_judge::search::floor::{Demands, FloorTrial, Search};
use understudy_model::stored::{BlockFigures, FloorFacts, LatencyBlock};
use understudy_model::{ByteSize, Pacing, Role, Span};
use understudy_subject::{Catalogue, GroupMemory, Run, Runner};

/// A trial whose runs took too long is continued up to so many passes: one may have been disturbed.
const PASSES: usize = 3;

/// What a side runs within, in addition to the limits of the trial.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bounds {
    /// Its memory limit.
    pub(crate) memory: Option<ByteSize>,
    /// When a run is given up.
    pub(crate) longest: Option<Span>,
}

/// Starts what runs a side.
pub(crate) type Start<'a> = dyn Fn(Role, Bounds) -> Result<Box<dyn Runner>, TrialError> + 'a;

/// What the stage works on.
pub(crate) struct Stage<'a> {
    pub(crate) measuring: &'a Measuring<'a>,
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) sides: Vec<Role>,
    /// Why memory cannot be limited on this machine, if so.
    pub(crate) unlimited: Option<String>,
    pub(crate) start: &'a Start<'a>,
}

/// What the runs of a trial left.
#[derive(Default)]
struct Left {
    ran: Vec<Run>,
    /// Why it ended before its time.
    ended: Option<String>,
    memory: GroupMemory,
}

impl Stage<'_> {
    /// Searches every side, where the configuration asks for it. Each trial is on disk when the next one begins; those
    /// that are there already are not made again.
    pub(crate) fn carry_out(&self) -> Result<(), TrialError> {
        let Measuring { terms, run, .. } = *self.measuring;
        let Some(config) = terms.memory_floor else {
            return Ok(());
        };
        let FloorTrial::Runs(trial) = config.trial else {
            return Err(TrialError::OtherKind);
        };
        if let Some(why) = &self.unlimited {
            return store::note(run, &format!("the memory floor is not measured: {why}"));
        }
        let endings = store::endings(run)?;
        let objectives = Objectives {
            slos: &terms.slos,
            operations: &self.catalogue.operations,
            rules: self.measuring.rules,
        };
        let there = store::floor_blocks(run)?;
        for side in self.sides.iter().copied() {
            let of = (side, self.catalogue.cases.len());
            let demands = RunDemands::new(of, trial, objectives, &endings);
            let mut search = Search::new(side, config, terms.limits, Demands::Runs(demands));
            let known = there.iter().filter(|block| block.side == side);
            known.for_each(|block| search.record(block));
            while let Some(planned) = search.next() {
                self.measuring.announce(Event::Squeezing {
                    limit: planned.limit.map(ByteSize::new),
                    side,
                    trial: search.trials_made() + 1,
                });
                let number = search.trials_made() as u32;
                let demands = search.runs().ok_or(TrialError::OtherKind)?;
                let trial = self.measure((side, number), planned.limit, demands, &endings)?;
                let Some(block) = trial else {
                    let why = "the launcher may not enter a control group, so nothing is limited";
                    let name = side.in_words();
                    store::note(run, &format!("the memory floor of the {name} is not measured: {why}"))?;
                    break;
                };
                search.record(&block);
            }
        }
        self.measuring.announce(Event::Measured);
        Ok(())
    }

    /// One trial, stored: what runs the side starts under the limit and ends. `None`: it is in no group that is limited.
    fn measure(
        &self,
        (side, number): (Role, u32),
        limit: Option<u64>,
        demands: &RunDemands<'_>,
        endings: &Endings,
    ) -> Result<Option<LatencyBlock>, TrialError> {
        let exact: BTreeSet<u32> = endings.exact.keys().copied().collect();
        let selection = match limit.and(demands.selection()) {
            Some(chosen) => chosen.clone(),
            None => demands.first(&self.measured(side)?),
        };
        let bounds = Bounds {
            memory: limit.map(ByteSize::new),
            longest: limit.and(demands.patience()),
        };
        let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let before = MachineTime::now();
        let Some(left) = self.run((side, bounds), &selection, (demands, &exact))? else {
            return Ok(None);
        };
        let after = MachineTime::now();
        let facts = FloorFacts {
            limit_bytes: limit,
            ended: left.ended,
            kills: left.memory.kills.unwrap_or(0),
            peaks: match limit {
                None => peaks(&left.ran),
                Some(_) => Vec::new(),
            },
            ..FloorFacts::default()
        };
        let figures = BlockFigures {
            started_unix_s: unix.map_or(0.0, |since| since.as_secs_f64()),
            steal_share: before
                .zip(after)
                .and_then(|(before, after)| after.stolen_share(&before, false)),
            peak_cgroup_bytes: left.memory.peak_bytes.map(|bytes| bytes as f64),
            floor: Some(facts),
            ..figures(0, &left.ran)
        };
        let rows = rows(self.catalogue, &exact, &left.ran);
        let id = store::floor_block(side, number);
        store::write_step(self.measuring.run, id, Pacing::NO_RATE, (figures, rows)).map(Some)
    }

    /// Runs the cases of a trial, to the first that does not end right. Each run is an order of its own: what runs write to
    /// standard output is in the group until it has been read.
    fn run(
        &self,
        (side, bounds): (Role, Bounds),
        selection: &Selection,
        (demands, exact): (&RunDemands<'_>, &BTreeSet<u32>),
    ) -> Result<Option<Left>, TrialError> {
        let mut left = Left::default();
        let mut runner = match self.unless_stopped((self.start)(side, bounds)) {
            Ok(runner) => runner,
            Err(error) => {
                left.ended = Some(owed_to(bounds, error)?);
                return Ok(Some(left));
            }
        };
        if runner.memory().kills.is_none() {
            return Ok(None);
        }
        let stored = |ran: &[Run]| rows(self.catalogue, exact, ran);
        let runs = selection.cases.iter();
        let runs: Vec<u32> = runs
            .flat_map(|case| std::iter::repeat_n(*case, selection.runs))
            .collect();
        'trial: for _ in 0..PASSES {
            for case in &runs {
                let ran = runner.run(&[*case]).map_err(|source| TrialError::Ask {
                    name: side.in_words().to_owned(),
                    source,
                });
                let ran = match self.unless_stopped(ran) {
                    Ok(ran) => ran,
                    Err(error) => {
                        left.ended = Some(owed_to(bounds, error)?);
                        break 'trial;
                    }
                };
                let is_right = demands.are_right(&stored(&ran)) && runner.memory().kills == Some(0);
                left.ran.extend(ran);
                if !is_right {
                    break 'trial;
                }
            }
            if demands.are_in_time(&stored(&left.ran)) {
                break;
            }
        }
        left.memory = runner.memory();
        Ok(Some(left))
    }

    /// An error of what was stopped says nothing else.
    fn unless_stopped<T>(&self, result: Result<T, TrialError>) -> Result<T, TrialError> {
        match self.measuring.stop.load(Ordering::Relaxed) {
            true => Err(TrialError::Interrupted),
            false => result,
        }
    }

    /// Mean wall time of each case where it was measured, nanoseconds.
    fn measured(&self, side: Role) -> Result<BTreeMap<u32, f64>, TrialError> {
        let mut sums: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
        let blocks = store::read(self.measuring.run)?.blocks;
        let mine = blocks.iter().filter(|block| block.side == side);
        for row in mine.flat_map(|block| &block.rows) {
            let seen = &row.observation;
            let (sum, count) = sums.entry(seen.case).or_default();
            *sum += seen.last_ns.saturating_sub(seen.sent_ns);
            *count += 1;
        }
        let mean = |(case, (sum, count))| (case, sum as f64 / count as f64);
        Ok(sums.into_iter().map(mean).collect())
    }
}

/// Why a trial ended before its time, if its limit may be the cause.
///
/// # Errors
/// It is another one.
fn owed_to(bounds: Bounds, error: TrialError) -> Result<String, TrialError> {
    match bounds.memory.is_some() && error.may_be_of_memory() {
        true => Ok(error.first_line()),
        false => Err(error),
    }
}

/// The highest peak of each case, of those that can be seen.
fn peaks(ran: &[Run]) -> Vec<(u32, f64)> {
    let mut peaks: BTreeMap<u32, f64> = BTreeMap::new();
    for run in ran {
        if let Some(bytes) = run.peak_rss_bytes {
            let peak = peaks.entry(run.case).or_default();
            *peak = peak.max(bytes);
        }
    }
    peaks.into_iter().collect()
}
