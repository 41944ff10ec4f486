//! Instructions of runs of commands, case by case.

use super::{COUNTER, LEAST_ROUNDS, folder_of, sum_and_remove};
use crate::Event;
use crate::error::TrialError;
use crate::store;
use crate::subject::Measuring;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use understudy_model::instructions::CountedRun;
use understudy_model::{Class, Ending, Role};
use understudy_subject::{Run, Runner};

/// How often each side is counted, where there is time.
const ROUNDS: u32 = 3;

/// Starts what runs a side under the counter, which writes into this folder.
type Start<'a> = dyn Fn(Role, &Path) -> Result<Box<dyn Runner>, TrialError> + 'a;

/// What the stage works on.
pub(crate) struct Stage<'a> {
    pub(crate) measuring: &'a Measuring<'a>,
    /// Cases of the workload.
    pub(crate) cases: u32,
    pub(crate) sides: Vec<Role>,
    pub(crate) start: &'a Start<'a>,
    pub(crate) logs: &'a Path,
}

/// A side that is counted.
struct Counted {
    side: Role,
    folder: PathBuf,
    runner: Box<dyn Runner>,
}

impl Stage<'_> {
    /// Counts round by round, as long as the runs that are timed may take; the first case always, twice where there is
    /// no other. Each count is on disk before the next; those that are there are not made again.
    pub(crate) fn carry_out(&self) -> Result<(), TrialError> {
        let Measuring { plan, run, .. } = *self.measuring;
        let there: BTreeSet<(u32, u32, Role)> = store::counted(run)?
            .iter()
            .filter_map(|one| Some((one.round, one.case?, one.side)))
            .collect();
        let turns = |side: Role| {
            let cases = 0..self.cases;
            (0..ROUNDS).flat_map(move |round| cases.clone().map(move |case| (round, case, side)))
        };
        let is_missing = |side: &&Role| turns(**side).any(|turn| !there.contains(&turn));
        let mut sides = Vec::new();
        for side in self.sides.iter().filter(is_missing) {
            sides.push(self.counted(*side)?);
        }
        if sides.is_empty() {
            return Ok(());
        }
        let always = match self.cases {
            1 => LEAST_ROUNDS,
            _ => 1,
        };
        let began = Instant::now();
        let mut longest = Duration::ZERO;
        for (round, case) in
            (0..ROUNDS).flat_map(|round| (0..self.cases).map(move |case| (round, case)))
        {
            let is_over = began.elapsed() + longest > plan.runs.duration();
            if is_over && (case > 0 || round >= always) {
                return Ok(());
            }
            self.measuring.announce(Event::Counting {
                done: round * self.cases + case,
                total: ROUNDS * self.cases,
            });
            let started = Instant::now();
            for counted in &mut sides {
                if !there.contains(&(round, case, counted.side)) {
                    self.count(counted, (round, case))?;
                }
            }
            longest = longest.max(started.elapsed());
        }
        Ok(())
    }

    fn counted(&self, side: Role) -> Result<Counted, TrialError> {
        let folder = folder_of(side, self.logs)?;
        let runner = (self.start)(side, &folder)?;
        Ok(Counted {
            side,
            folder,
            runner,
        })
    }

    fn count(&self, counted: &mut Counted, (round, case): (u32, u32)) -> Result<(), TrialError> {
        let side = counted.side;
        let ran = counted.runner.run(&[case]);
        let ran = ran.map_err(|source| TrialError::asking(side, source));
        let ran = self.measuring.unless_stopped(ran)?;
        let instructions = sum_and_remove(&counted.folder)?;
        let Some(one) = ran.first().filter(|one| has_ended(one) && instructions > 0) else {
            let note = format!(
                "a run of the {} does not end under {COUNTER} as it does without: its instructions are not counted",
                side.in_words(),
            );
            return store::note(self.measuring.run, &note);
        };
        let one = CountedRun {
            side,
            case: Some(case),
            requests: None,
            round,
            instructions,
            wall_ns: one.wall_ns,
        };
        store::add_counted(self.measuring.run, &one)
    }
}

/// A program that uses what the counter does not know ends by a signal.
fn has_ended(run: &Run) -> bool {
    run.ending == Ending::Answered && run.status.class != Class::Failed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{Noting, measuring};
    use std::sync::{Arc, Mutex};

    /// Carries out the stage where these are counted already: the sides that were started.
    fn started(there: &[(Role, u32, u32)]) -> Vec<Role> {
        let started = Mutex::new(Vec::new());
        let logs = tempfile::tempdir().unwrap();
        measuring(|measuring| {
            for (side, case, round) in there.iter().copied() {
                let counted = CountedRun {
                    side,
                    case: Some(case),
                    requests: None,
                    round,
                    instructions: 1000,
                    wall_ns: 1,
                };
                store::add_counted(measuring.run, &counted).unwrap();
            }
            let stage = Stage {
                measuring,
                cases: 2,
                sides: vec![Role::Incumbent, Role::Candidate],
                start: &|side, _| {
                    started.lock().unwrap().push(side);
                    let asked = Arc::default();
                    Ok(Box::new(Noting { side, asked }))
                },
                logs: logs.path(),
            };
            stage.carry_out().unwrap();
        });
        started.into_inner().unwrap()
    }

    #[test]
    fn what_was_counted_before_an_interrupt_starts_nothing() {
        let both = [Role::Incumbent, Role::Candidate];
        let mut there: Vec<(Role, u32, u32)> = Vec::new();
        for (round, case) in (0..ROUNDS).flat_map(|round| [(round, 0), (round, 1)]) {
            there.extend(both.map(|side| (side, case, round)));
        }
        assert_eq!(started(&[]), both);
        assert_eq!(started(&there), []);
        // The candidate's last one.
        there.pop();
        assert_eq!(started(&there), [Role::Candidate]);
    }
}
