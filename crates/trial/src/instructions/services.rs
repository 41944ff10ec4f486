//! Instructions of requests to services. Starting a service takes instructions too, so each side is counted from its
//! start to its end twice in a round: while it answers some requests, and while it answers three times as many.

use super::{COUNTER, LEAST_ROUNDS, folder_of, sum_and_remove};
use crate::Event;
use crate::error::TrialError;
use crate::store;
use crate::subject::Measuring;
use std::path::Path;
use std::time::{Duration, Instant};
use understudy_model::Role;
use understudy_model::instructions::CountedRun;

/// How often each side is counted, where there is time: what a service does differs from one start to the next by some tenths
/// of a percent (where its threads wait, what its memory allocator finds), and each round takes seconds.
const ROUNDS: u32 = 8;
/// Requests of the first count at least, in whole passes over the workload, where there is the time.
const FEWEST: u32 = 200;
/// How many times as many the second has.
const MORE: u32 = 3;

/// What a side is asked from its start to its end.
pub(crate) struct Asking<'a> {
    pub(crate) side: Role,
    /// What the counter writes is put here.
    pub(crate) folder: &'a Path,
    /// How many requests: the workload in its order, over and over.
    pub(crate) requests: u32,
    /// How long they may take, but for the first.
    pub(crate) within: Option<Duration>,
}

/// What became of a side under the counter.
pub(crate) enum Went {
    /// It answered so many requests and was stopped.
    Answered(u32),
    /// It did not do under the counter what it does without: how it failed, as the end of a sentence.
    Failed(String),
}

/// Starts a side under the counter, asks it and stops it.
type Ask<'a> = dyn Fn(&Asking<'_>) -> Result<Went, TrialError> + 'a;

/// What the stage works on.
pub(crate) struct Stage<'a> {
    pub(crate) measuring: &'a Measuring<'a>,
    /// Requests of the workload.
    pub(crate) requests: u32,
    pub(crate) sides: Vec<Role>,
    pub(crate) ask: &'a Ask<'a>,
    pub(crate) logs: &'a Path,
}

/// What is counted so far.
struct Counts {
    there: Vec<CountedRun>,
    /// Requests of the first count; the first that is made says how many there is the time for.
    first: Option<u32>,
}

impl Counts {
    fn has(&self, (round, times): (u32, u32), side: Role) -> bool {
        let requests = self.first.map(|first| first * times);
        let is_it = |one: &CountedRun| one.round == round && one.side == side;
        requests.is_some()
            && self
                .there
                .iter()
                .any(|one| is_it(one) && one.requests == requests)
    }
}

impl Stage<'_> {
    /// Counts round by round, as long as the first look at what is timed may take; twice always. Each count is on disk
    /// before the next; those that are there are not made again.
    pub(crate) fn carry_out(&self) -> Result<(), TrialError> {
        let there = store::counted(self.measuring.run)?;
        let first = there.iter().filter_map(|one| one.requests).min();
        let mut counts = Counts { there, first };
        let mut sides = self.sides.clone();
        let began = Instant::now();
        let mut longest = Duration::ZERO;
        for round in 0..ROUNDS {
            if round >= LEAST_ROUNDS && began.elapsed() + longest > self.budget() {
                break;
            }
            let started = Instant::now();
            for (step, times) in (0..).zip([1, MORE]) {
                self.measuring.announce(Event::Counting {
                    done: 2 * round + step,
                    total: 2 * ROUNDS,
                });
                sides = self.count_all(sides, (round, times), &mut counts)?;
                // What is left is compared with nothing.
                if sides.len() < 2 || !sides.contains(&Role::Incumbent) {
                    return Ok(());
                }
            }
            longest = longest.max(started.elapsed());
        }
        Ok(())
    }

    fn budget(&self) -> Duration {
        self.measuring.plan.until(0).side_by_side().duration()
    }

    /// Counts each of these sides, if it is not counted yet: those that can be.
    fn count_all(
        &self,
        sides: Vec<Role>,
        turn: (u32, u32),
        counts: &mut Counts,
    ) -> Result<Vec<Role>, TrialError> {
        let mut counted = Vec::new();
        for side in sides {
            if counts.has(turn, side) || self.count(side, turn, counts)? {
                counted.push(side);
            }
        }
        Ok(counted)
    }

    fn count(
        &self,
        side: Role,
        (round, times): (u32, u32),
        counts: &mut Counts,
    ) -> Result<bool, TrialError> {
        let folder = folder_of(side, self.logs)?;
        let shares = ROUNDS * (1 + MORE) * self.sides.len().max(1) as u32;
        let (requests, within) = match counts.first {
            Some(first) => (first * times, None),
            None => (self.planned(), Some(self.budget() / shares)),
        };
        let asking = Asking {
            side,
            folder: &folder,
            requests,
            within,
        };
        let began = Instant::now();
        let went = self.measuring.unless_stopped((self.ask)(&asking))?;
        let wall_ns = began.elapsed().as_nanos() as u64;
        let instructions = sum_and_remove(&folder)?;
        let answered = match went {
            Went::Answered(answered) if instructions > 0 => answered,
            Went::Answered(_) => {
                let why = format!("{COUNTER} wrote no count of it when it was stopped");
                return self.leave_out(side, &why);
            }
            Went::Failed(why) => return self.leave_out(side, &why),
        };
        counts.first.get_or_insert(answered);
        let one = CountedRun {
            side,
            case: None,
            requests: Some(answered),
            round,
            instructions,
            wall_ns,
        };
        store::add_counted(self.measuring.run, &one)?;
        Ok(true)
    }

    /// Requests of the first count, where there is the time.
    fn planned(&self) -> u32 {
        let passes = FEWEST.div_ceil(self.requests.max(1));
        passes * self.requests
    }

    /// Says that a side is not counted, and why.
    fn leave_out(&self, side: Role, why: &str) -> Result<bool, TrialError> {
        let note = format!(
            "the instructions of the {} are not counted: {why}",
            side.in_words()
        );
        store::note(self.measuring.run, &note)?;
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::measuring;
    use std::fs;
    use std::sync::Mutex;

    const BOTH: [Role; 2] = [Role::Incumbent, Role::Candidate];

    /// How a side behaves: what it answers of what it is asked.
    type Behaviour = dyn Fn(&Asking<'_>) -> Went;

    /// Carries out the stage, again and again where these are counted already: what each side was asked, in order, and
    /// the notes.
    fn asked(there: &[(Role, u32, u32)], behaves: &Behaviour) -> (Vec<(Role, u32)>, Vec<String>) {
        let asked = Mutex::new(Vec::new());
        let logs = tempfile::tempdir().unwrap();
        let mut notes = Vec::new();
        measuring(|measuring| {
            for (side, round, requests) in there.iter().copied() {
                let counted = CountedRun {
                    side,
                    case: None,
                    requests: Some(requests),
                    round,
                    instructions: 1000,
                    wall_ns: 1,
                };
                store::add_counted(measuring.run, &counted).unwrap();
            }
            let stage = Stage {
                measuring,
                requests: 60,
                sides: BOTH.into(),
                ask: &|asking| {
                    asked.lock().unwrap().push((asking.side, asking.requests));
                    let went = behaves(asking);
                    if let Went::Answered(requests) = went {
                        let log = format!("==7== I refs: {}\n", 1_000_000 + 10 * requests);
                        fs::write(asking.folder.join("7.txt"), log).unwrap();
                    }
                    Ok(went)
                },
                logs: logs.path(),
            };
            stage.carry_out().unwrap();
            let made = asked.lock().unwrap().len();
            stage.carry_out().unwrap();
            let again = asked.lock().unwrap().len() - made;
            notes = store::read_answers(measuring.run).unwrap().notes;
            assert!(
                again == 0 || !notes.is_empty(),
                "what is counted is not counted again"
            );
        });
        (asked.into_inner().unwrap(), notes)
    }

    fn all(asking: &Asking<'_>) -> Went {
        Went::Answered(asking.requests)
    }

    #[test]
    fn sides_take_turns_and_each_is_counted_twice_in_a_round() {
        let (asked, notes) = asked(&[], &all);
        // Four passes of 60 are the first that are no fewer than 200.
        let round = [240, 720].map(|requests| BOTH.map(|side| (side, requests)));
        let expected: Vec<(Role, u32)> = [round; ROUNDS as usize]
            .into_iter()
            .flatten()
            .flatten()
            .collect();
        assert_eq!((asked, notes.len()), (expected, 0));
    }

    #[test]
    fn the_first_count_says_how_many_requests_there_is_the_time_for() {
        let slow = |asking: &Asking<'_>| match asking.within {
            Some(_) => Went::Answered(25),
            None => Went::Answered(asking.requests),
        };
        let (asked, _) = asked(&[], &slow);
        let requests: Vec<u32> = asked.iter().map(|(_, requests)| *requests).collect();
        assert_eq!(requests[..5], [240, 25, 75, 75, 25]);
    }

    #[test]
    fn what_was_counted_before_an_interrupt_is_not_counted_again() {
        let there = [
            (Role::Incumbent, 0, 30),
            (Role::Candidate, 0, 30),
            (Role::Incumbent, 0, 90),
        ];
        let (asked, _) = asked(&there, &all);
        assert_eq!(
            asked[..2],
            [(Role::Candidate, 90), (Role::Incumbent, 30)],
            "with as many requests as those that were"
        );
        assert_eq!(asked.len(), 4 * ROUNDS as usize - 3);
    }

    #[test]
    fn a_side_that_does_not_work_under_the_counter_is_a_note() {
        let fails = |asking: &Asking<'_>| match asking.side {
            Role::Candidate => Went::Failed("it exited".to_owned()),
            _ => all(asking),
        };
        let (asked, notes) = asked(&[], &fails);
        assert_eq!(asked[..2], BOTH.map(|side| (side, 240)));
        assert_eq!(
            notes,
            ["the instructions of the candidate are not counted: it exited"]
        );
    }
}
