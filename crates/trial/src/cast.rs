//! The programs of a comparison: who is asked, all of them at the same time.

use crate::error::TrialError;
use crate::exits;
use crate::subject::{Comparable, Member};
use crate::{Event, Watch};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use understudy_model::stored::Row as ExchangeRow;
use understudy_model::stored::{During, Exited};
use understudy_model::{Failure, FailureKind, Observation, Outcome, Role};
use understudy_redact::Redactor;
use understudy_subject::{Asker, Missed, Trouble};

/// The programs that are asked: the incumbent, a second incumbent, then the contenders.
pub(crate) struct Cast<'a> {
    pub(crate) all: Vec<Box<dyn Member + 'a>>,
    /// Answers of each so far.
    answered: Vec<u64>,
    /// Which of them have ended.
    pub(crate) gone: Vec<bool>,
}

/// The place of the first contender in a [`Cast`].
pub(crate) const FIRST_CONTENDER: usize = 2;

impl<'a> Cast<'a> {
    /// Brings the sides, and a second incumbent, into their places.
    pub(crate) fn start(
        subject: &'a dyn Comparable,
        sides: &[Role],
        watch: &Watch<'_>,
    ) -> Result<Self, TrialError> {
        let takes_part = |role: &Role| *role == Role::Second || sides.contains(role);
        let mut all = Vec::new();
        for role in Role::ALL.into_iter().filter(takes_part) {
            watch(Event::Starting(role));
            all.push(subject.place(role)?);
        }
        Ok(Cast {
            answered: vec![0; all.len()],
            gone: vec![false; all.len()],
            all,
        })
    }

    pub(crate) fn contenders(&self) -> impl Iterator<Item = Role> + '_ {
        self.all.iter().skip(FIRST_CONTENDER).map(|one| one.role())
    }

    /// Counts answers.
    pub(crate) fn note(&mut self, asked: &[Asked]) {
        for (count, one) in self.answered.iter_mut().zip(asked) {
            *count += u64::from(matches!(one.outcome, Outcome::Answered(_)));
        }
    }

    /// The contenders that have ended since the last look. An incumbent that has ended is an error: there is
    /// nothing to compare with.
    pub(crate) fn ended(
        &mut self,
        during: During,
        redactor: &Redactor,
    ) -> Result<Vec<Exited>, TrialError> {
        let mut ended = Vec::new();
        for (place, one) in self.all.iter_mut().enumerate() {
            if self.gone[place] {
                continue;
            }
            let Some(end) = one.end() else { continue };
            let answered = self.answered[place];
            if one.role().is_incumbent() {
                return Err(end.as_error(one.role(), &after_answers(during, answered)));
            }
            self.gone[place] = true;
            ended.push(exits::stored(one.role(), during, answered, &end, redactor));
        }
        Ok(ended)
    }

    pub(crate) fn stop(self) -> Vec<String> {
        self.all.into_iter().filter_map(|one| one.stop()).collect()
    }
}

/// When, as the end of a sentence.
fn after_answers(during: During, answered: u64) -> String {
    let plural = if answered == 1 { "" } else { "s" };
    format!("{}, after {answered} answer{plural}", during.in_words())
}

/// How long it may take to show that the answers to the last case lack something.
const LACKS_SHOW_WITHIN: Duration = Duration::from_millis(50);

/// One answer with its times.
pub(crate) struct Asked {
    pub(crate) outcome: Outcome,
    /// What of it could not be seen, or is not compared: one sentence each.
    pub(crate) unseen: Vec<String>,
    /// What the answer to the case before turned out to lack.
    pub(crate) missed: Option<Missed>,
    sent_ns: u64,
    ended_ns: u64,
}

impl Asked {
    /// As it is stored. The `hash` of its answer, if it was taken, is 0 otherwise.
    pub(crate) fn row(&self, case: u32, operation: u32, hash: u64) -> ExchangeRow {
        let (ending, status, bytes) = self.outcome.observed();
        let observation = Observation {
            case,
            operation,
            due_ns: self.sent_ns,
            free_ns: self.sent_ns,
            sent_ns: self.sent_ns,
            first_ns: Observation::NEVER,
            last_ns: self.ended_ns,
            ending,
            class: status.class,
            code: status.code,
            bytes,
            hash,
        };
        ExchangeRow {
            observation,
            shape: 0,
            value: 0,
        }
    }
}

/// Asks all programs the same thing at the same time: a thread each.
pub(crate) struct Askers {
    names: Vec<&'static str>,
    ask: Vec<mpsc::Sender<(u32, Instant)>>,
    answers: Vec<mpsc::Receiver<Result<Asked, Trouble>>>,
    threads: Vec<JoinHandle<Option<Missed>>>,
}

impl Drop for Askers {
    /// What an asker has started is stopped before anything else begins, and before this process ends.
    fn drop(&mut self) {
        self.end();
    }
}

impl Askers {
    /// Asks nothing more: what the answers to the last case turned out to lack.
    pub(crate) fn finish(mut self) -> Vec<Missed> {
        std::thread::sleep(LACKS_SHOW_WITHIN);
        self.end()
    }

    fn end(&mut self) -> Vec<Missed> {
        self.ask.clear();
        // One that panicked has ended.
        let missed = |thread: JoinHandle<Option<Missed>>| thread.join().ok().flatten();
        self.threads.drain(..).filter_map(missed).collect()
    }

    pub(crate) fn new(cast: &Cast<'_>) -> Result<Self, TrialError> {
        let mut askers = Askers {
            names: Vec::new(),
            ask: Vec::new(),
            answers: Vec::new(),
            threads: Vec::new(),
        };
        for member in &cast.all {
            let mut asker = member.reach()?;
            let (ask, asked) = mpsc::channel::<(u32, Instant)>();
            let (answer, answers) = mpsc::channel();
            askers.threads.push(std::thread::spawn(move || {
                for (case, epoch) in asked {
                    if answer.send(exchange(&mut *asker, case, epoch)).is_err() {
                        break;
                    }
                }
                asker.missed()
            }));
            askers.names.push(member.role().in_words());
            askers.ask.push(ask);
            askers.answers.push(answers);
        }
        Ok(askers)
    }

    /// The answers, in the order of the cast. What is gone is not asked: its port may be another's.
    pub(crate) fn ask(
        &mut self,
        case: u32,
        epoch: Instant,
        gone: &[bool],
    ) -> Result<Vec<Asked>, TrialError> {
        for (ask, _) in self.ask.iter().zip(gone).filter(|(_, gone)| !**gone) {
            // A thread ends only when this end is dropped.
            let _ = ask.send((case, epoch));
        }
        let now_ns = epoch.elapsed().as_nanos() as u64;
        let none = |why: &str| Asked {
            outcome: Outcome::Failed(Failure {
                kind: FailureKind::Connect,
                detail: why.to_owned(),
            }),
            unseen: Vec::new(),
            missed: None,
            sent_ns: now_ns,
            ended_ns: now_ns,
        };
        // All are heard before any error counts: none may still be at work when the next case begins.
        let heard: Vec<Result<Asked, Trouble>> = self
            .answers
            .iter()
            .zip(gone)
            .map(|(answers, gone)| match gone {
                true => Ok(none("it has exited")),
                false => answers
                    .recv()
                    .unwrap_or_else(|_| Ok(none("the client ended"))),
            })
            .collect();
        let named = heard.into_iter().zip(&self.names);
        named
            .map(|(heard, name)| {
                heard.map_err(|source| TrialError::Ask {
                    name: (*name).to_owned(),
                    source,
                })
            })
            .collect()
    }
}

pub(crate) fn any_failed(asked: &[Asked]) -> bool {
    let mut outcomes = asked.iter().map(|one| &one.outcome);
    outcomes.any(|outcome| matches!(outcome, Outcome::Failed(_)))
}

fn exchange(asker: &mut dyn Asker, case: u32, epoch: Instant) -> Result<Asked, Trouble> {
    let sent_ns = epoch.elapsed().as_nanos() as u64;
    let missed = asker.missed();
    let outcome = asker.ask(case)?;
    Ok(Asked {
        outcome,
        unseen: asker.unseen(),
        missed,
        sent_ns,
        ended_ns: epoch.elapsed().as_nanos() as u64,
    })
}
