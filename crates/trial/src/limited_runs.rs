//! The stage after the runs: the smallest memory limit at which each side ends right and in time. What runs a side starts
//! anew for every trial, with its limit.

use crate::Event;
use crate::error::TrialError;
use crate::runs::{figures, rows};
use crate::store;
use crate::subject::Measuring;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Instant, SystemTime};
use understudy_host::MachineTime;
use understudy_judge::search::Objectives;
use understudy_judge::search::floor::runs::{Endings, RunDemands, Selection, median_walls};
use understudy_judge::search::floor::{Demands, FloorTrial, Search};
use understudy_model::stored::{BlockFigures, FloorFacts, LatencyBlock};
use understudy_model::{ByteSize, Pacing, Role, Span};
use understudy_subject::{GroupMemory, Run, Runner};
use understudy_workload::Catalogue;

/// A trial whose runs took too long is continued up to so many passes, with one without its limit after each: anything
/// may have disturbed a run, and the machine may be busier than it was.
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
    limited: Pass,
    /// The same cases without the limit.
    control: Vec<Run>,
}

/// What one pass over the cases of a trial left.
#[derive(Default)]
struct Pass {
    ran: Vec<Run>,
    /// Why what runs the side could not continue.
    ended: Option<String>,
    /// A run did not end right.
    is_over: bool,
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
        let measured = store::measured(run)?;
        let there = store::floor_blocks(run)?;
        for side in self.sides.iter().copied() {
            let of = (side, self.catalogue.cases.len());
            let demands = RunDemands::new(of, trial, objectives, &endings, &measured);
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
                    store::note(
                        run,
                        &format!("the memory floor of the {name} is not measured: {why}"),
                    )?;
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
            None => demands.first(),
        };
        let bounds = Bounds {
            memory: limit.map(ByteSize::new),
            longest: limit.and(demands.patience()),
        };
        let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let (before, began) = (MachineTime::now(), Instant::now());
        let Some(left) = self.run((side, bounds), &selection, (demands, &exact))? else {
            return Ok(None);
        };
        let after = MachineTime::now();
        let stored = |ran: &[Run]| rows(self.catalogue, &exact, ran);
        let facts = FloorFacts {
            limit_bytes: limit,
            ended: left.limited.ended,
            kills: left.limited.memory.kills.unwrap_or(0),
            peaks: match limit {
                None => peaks(&left.limited.ran),
                Some(_) => Vec::new(),
            },
            control: median_walls(&stored(&left.control)).into_iter().collect(),
            took_ns: began.elapsed().as_nanos() as u64,
            ..FloorFacts::default()
        };
        let peak = left.limited.memory.peak_bytes;
        let figures = BlockFigures {
            started_unix_s: unix.map_or(0.0, |since| since.as_secs_f64()),
            steal_share: before
                .zip(after)
                .and_then(|(before, after)| after.stolen_share(&before, false)),
            peak_cgroup_bytes: peak.map(|bytes| bytes as f64),
            floor: Some(facts),
            ..figures(0, &left.limited.ran)
        };
        let id = store::floor_block(side, number);
        let rows = stored(&left.limited.ran);
        store::write_step(self.measuring.run, id, Pacing::NO_RATE, (figures, rows)).map(Some)
    }

    /// Runs the cases of a trial, to the first that does not end right. `None`: its processes are in no group.
    fn run(
        &self,
        (side, bounds): (Role, Bounds),
        selection: &Selection,
        (demands, exact): (&RunDemands<'_>, &BTreeSet<u32>),
    ) -> Result<Option<Left>, TrialError> {
        let stored = |ran: &[Run]| rows(self.catalogue, exact, ran);
        let is_right = |ran: &[Run]| demands.are_right(&stored(ran));
        let is_in_time = |left: &Left| {
            let control = stored(&left.control);
            demands.are_in_time(&stored(&left.limited.ran), &control)
        };
        let unlimited = Bounds {
            memory: None,
            ..bounds
        };
        let mut left = Left::default();
        for _ in 0..PASSES {
            let pass = self.pass((side, bounds), selection, &is_right)?;
            if pass.ended.is_none() && pass.memory.kills.is_none() {
                return Ok(None);
            }
            let is_over = pass.is_over || pass.ended.is_some();
            left.limited.add(pass);
            if is_over || is_in_time(&left) {
                break;
            }
            let control = self.pass((side, unlimited), selection, &|_| true)?;
            left.control.extend(control.ran);
            if is_in_time(&left) {
                break;
            }
        }
        Ok(Some(left))
    }

    /// Runs each case of a trial under what runs the side, started anew. Each run is an order of its own: what it writes to
    /// standard output is in the group until it has been read.
    fn pass(
        &self,
        (side, bounds): (Role, Bounds),
        selection: &Selection,
        is_right: &dyn Fn(&[Run]) -> bool,
    ) -> Result<Pass, TrialError> {
        let mut pass = Pass::default();
        let mut runner = match self.measuring.unless_stopped((self.start)(side, bounds)) {
            Ok(runner) => runner,
            Err(error) => {
                pass.ended = Some(owed_to(bounds, error)?);
                return Ok(pass);
            }
        };
        let cases = selection.cases.iter();
        for case in cases.flat_map(|case| std::iter::repeat_n(*case, selection.runs)) {
            let ran = runner
                .run(&[case])
                .map_err(|source| TrialError::asking(side, source));
            match self.measuring.unless_stopped(ran) {
                Ok(ran) => {
                    pass.is_over = !is_right(&ran) || runner.memory().kills > Some(0);
                    pass.ran.extend(ran);
                }
                Err(error) => pass.ended = Some(owed_to(bounds, error)?),
            }
            if pass.is_over || pass.ended.is_some() {
                break;
            }
        }
        pass.memory = runner.memory();
        Ok(pass)
    }
}

impl Pass {
    /// Adds a later one of the same trial.
    fn add(&mut self, later: Pass) {
        self.ran.extend(later.ran);
        self.ended = later.ended;
        self.is_over = later.is_over;
        self.memory = GroupMemory {
            kills: later.memory.kills,
            peak_bytes: self.memory.peak_bytes.max(later.memory.peak_bytes),
        };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{Noting, measuring};
    use std::sync::Arc;
    use understudy_judge::search::floor::{FloorConfig, RunsTrial};
    use understudy_judge::terms::Terms;
    use understudy_model::Share;
    use understudy_workload::CaseFacts;

    /// The trials of both sides that a search within this time leaves, made in two parts.
    fn searched(budget: Span) -> Vec<LatencyBlock> {
        let mut blocks = Vec::new();
        measuring(|measuring| {
            let trial = FloorTrial::Runs(RunsTrial {
                slower: Share::new(0.2),
                budget,
            });
            let terms = Terms {
                memory_floor: Some(FloorConfig {
                    repeats: 2,
                    precision: Share::new(0.5),
                    start: None,
                    lowest: ByteSize::new(32 << 20),
                    trial,
                }),
                ..measuring.terms.clone()
            };
            let measuring = &Measuring {
                terms: &terms,
                ..*measuring
            };
            let catalogue = Catalogue::new([("all".to_owned(), CaseFacts::default())]);
            let stage = Stage {
                measuring,
                catalogue: &catalogue,
                sides: vec![Role::Incumbent, Role::Candidate],
                unlimited: None,
                start: &|side, _| {
                    let asked = Arc::default();
                    Ok(Box::new(Noting { side, asked }))
                },
            };
            stage.carry_out().unwrap();
            let made = store::floor_blocks(measuring.run).unwrap();
            // What an interrupted run has spent counts.
            stage.carry_out().unwrap();
            blocks = store::floor_blocks(measuring.run).unwrap();
            assert_eq!(made.len(), blocks.len());
        });
        blocks
    }

    #[test]
    fn a_search_stops_when_its_time_is_over_and_stays_so() {
        let took = |block: &LatencyBlock| block.figures.floor.as_ref().map(|facts| facts.took_ns);
        let short = searched(Span::from_nanos(1));
        assert_eq!(short.len(), 2, "the first trial of each side");
        assert!(short.iter().all(|block| took(block) > Some(0)));
        assert!(searched(Span::from_secs(600)).len() > 6);
    }
}
