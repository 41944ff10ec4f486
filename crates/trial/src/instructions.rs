//! Instructions of runs, counted by Valgrind: many machines, virtual ones above all, have no counters of their own. It runs
//! a program some tens of times slower, so it is done on request, after everything that is timed.

use crate::Event;
use crate::command::search_path;
use crate::error::TrialError;
use crate::store;
use crate::subject::Measuring;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{fs, io};
use understudy_model::instructions::CountedRun;
use understudy_model::{Class, Ending, Role};
use understudy_subject::{Run, Runner};
use understudy_subject_command::resolve;

/// The program that counts.
pub const COUNTER: &str = "valgrind";
/// How often each case of each side is counted, where there is time.
const ROUNDS: u32 = 3;

/// Is the program that counts on this machine?
pub fn can_count() -> bool {
    resolve(COUNTER, Path::new("/"), &search_path()).is_ok()
}

/// The words in front of a command whose instructions are counted, with a file for each of its processes in `folder`.
pub(crate) fn counter(folder: &Path) -> Vec<String> {
    let log = format!("--log-file={}/%p.txt", folder.display());
    [
        COUNTER,
        "--tool=cachegrind",
        "--cache-sim=no",
        "--cachegrind-out-file=/dev/null",
        "--trace-children=yes",
        &log,
    ]
    .map(str::to_owned)
    .into()
}

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
    /// Counts round by round, as long as the runs that are timed may take; the first case always. Each count is on disk
    /// before the next; those that are there are not made again.
    pub(crate) fn carry_out(&self) -> Result<(), TrialError> {
        let Measuring { plan, run, .. } = *self.measuring;
        let there: BTreeSet<(u32, u32, Role)> = store::counted(run)?
            .iter()
            .map(|one| (one.round, one.case, one.side))
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
        let began = Instant::now();
        let mut longest = Duration::ZERO;
        for (round, case) in
            (0..ROUNDS).flat_map(|round| (0..self.cases).map(move |case| (round, case)))
        {
            if began.elapsed() + longest > plan.runs.duration() {
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
        let folder = self.logs.join(format!("instructions-{}", side.name()));
        fs::create_dir_all(&folder).map_err(|source| cannot("create", &folder, source))?;
        // A run is elsewhere.
        let folder = fs::canonicalize(&folder).map_err(|source| cannot("open", &folder, source))?;
        // What an interrupted run has left.
        sum_and_remove(&folder)?;
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
            case,
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

/// The instructions that all files in a folder tell, which are removed.
fn sum_and_remove(folder: &Path) -> Result<u64, TrialError> {
    let mut sum = 0;
    let entries = fs::read_dir(folder).map_err(|source| cannot("read", folder, source))?;
    for entry in entries.flatten() {
        let path = entry.path();
        let text = fs::read(&path).map_err(|source| cannot("read", &path, source))?;
        sum += executed(&String::from_utf8_lossy(&text)).unwrap_or(0);
        fs::remove_file(&path).map_err(|source| cannot("remove", &path, source))?;
    }
    Ok(sum)
}

/// The number of a line such as `==7== I   refs:      1,234,567`.
fn executed(log: &str) -> Option<u64> {
    let lines = log.lines().filter_map(|line| line.rsplit_once("== "));
    let told = lines.filter_map(|(_, said)| {
        let (what, number) = said.split_once(':')?;
        let mut words = what.split_whitespace();
        let is_told = words.next() == Some("I") && words.next() == Some("refs");
        is_told.then(|| number.replace(',', ""))
    });
    told.filter_map(|number| number.trim().parse().ok())
        .next_back()
}

fn cannot(action: &'static str, path: &Path, source: io::Error) -> TrialError {
    understudy_evidence::EvidenceError::Io {
        action,
        path: path.to_owned(),
        source,
    }
    .into()
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
                    case,
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

    #[test]
    fn the_count_is_read_however_it_is_set() {
        let older = "==35== Cachegrind\n==35== \n==35== I   refs:      1,234,567\n";
        let newer = "==35== I refs:        1,234,567\n";
        assert_eq!(executed(older), Some(1_234_567));
        assert_eq!(executed(newer), Some(1_234_567));
        assert_eq!(
            executed("==35== D refs: 12\nI refs of the program: 5\n"),
            None
        );
        assert_eq!(executed(""), None);
    }

    #[test]
    fn every_process_of_a_run_counts_once() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("1.txt"), "==1== I   refs: 1,000\n").unwrap();
        fs::write(folder.path().join("2.txt"), "==2== I   refs: 20\n").unwrap();
        fs::write(folder.path().join("3.txt"), "killed").unwrap();
        assert_eq!(sum_and_remove(folder.path()).unwrap(), 1020);
        assert_eq!(sum_and_remove(folder.path()).unwrap(), 0);
    }
}
