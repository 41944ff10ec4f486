//! What a kind of subject is to the stages of a trial. A kind is one implementation of [`Comparable`] and
//! [`Subject`]; no stage asks which.

use crate::error::TrialError;
use crate::exits::End;
use crate::{Event, Watch};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use understudy_compare::{Differ, Fault, Noise, Redact, Row, Rules};
use understudy_evidence::RunDirectory;
use understudy_judge::plan::Plan;
use understudy_judge::terms::Terms;
use understudy_model::edges::ClassFacts;
use understudy_model::place::PartName;
use understudy_model::stored::Start;
use understudy_model::verdict::VerdictRules;
use understudy_model::{Answer, Outcome, Part, Place, Role, Span};
use understudy_redact::Redactor;
use understudy_subject::Asker;
use understudy_workload::Catalogue;

/// Sides and cases whose answers can be compared, ready to be put in place.
pub(crate) trait Comparable {
    /// The cases.
    fn catalogue(&self) -> &Catalogue;

    /// What compares two of its answers.
    fn differ<'d>(&'d self, rules: &'d Rules, redact: Redact<'d>) -> Differ<'d>;

    /// Adds to the row of a case what only several cases show together: of encoders, the curve of a clip.
    ///
    /// # Errors
    /// The evidence of it cannot be written.
    fn conclude(&self, _row: &mut Row, _seen: &Seen<'_>) -> Result<(), TrialError> {
        Ok(())
    }

    /// Puts faults into outputs of an answer of the incumbent that only their reader understands. What is returned says
    /// what could not be tried.
    ///
    /// # Errors
    /// The evidence of it cannot be written.
    fn plant(&self, _planting: &mut Planting<'_>) -> Result<Vec<String>, TrialError> {
        Ok(Vec::new())
    }

    /// The state outside of both sides that both changed, as people know it.
    fn shared(&self, _one: &Outcome, _other: &Outcome) -> Vec<String> {
        Vec::new()
    }

    /// A case as a command that people can run, without its secrets.
    fn reproduce(&self, case: u32, redactor: &Redactor) -> String;

    /// Puts a side where it can be asked: a service is started, of a command its directories are made.
    fn place(&self, role: Role) -> Result<Box<dyn Member + '_>, TrialError>;
}

/// A kind of subject with its workload.
pub(crate) trait Subject: Comparable {
    /// Hashes of what its workload is made of, by name: none may change while a run goes on.
    fn hashes(&self) -> BTreeMap<String, String>;

    /// The same sides with requests that recorded traffic does not have; `None` where none are asked for, or there are
    /// none.
    fn edges(&self) -> Option<Edges<'_>> {
        None
    }

    /// Measures the sides side by side, as far as what was asked for needs it. Each measurement is on disk when the next one begins.
    fn measure(&self, measuring: &Measuring<'_>) -> Result<(), TrialError>;
}

/// Edge requests to the sides of a trial.
pub(crate) struct Edges<'a> {
    /// The sides, and the requests as cases; an operation is a class.
    pub(crate) cases: Box<dyn Comparable + 'a>,
    /// The classes that requests were made of.
    pub(crate) classes: Vec<ClassFacts>,
    /// How long they may be compared.
    pub(crate) budget: Span,
}

/// An answer of the incumbent that faults are put into.
pub(crate) struct Planting<'a> {
    pub(crate) answer: &'a Answer,
    /// The outputs that were tried already, by name.
    pub(crate) done: &'a mut BTreeSet<String>,
    /// Takes an answer, and what a fault made of it.
    pub(crate) each: &'a mut dyn FnMut(Fault, Answer, Answer) -> Result<(), TrialError>,
    pub(crate) watch: &'a Watch<'a>,
}

impl Planting<'_> {
    /// Takes one part as it is right, and what a fault made of it.
    pub(crate) fn take(
        &mut self,
        fault: Fault,
        right: &Part,
        wrong: Part,
    ) -> Result<(), TrialError> {
        // What is the same in both makes no difference.
        let with = |part: Part| Answer {
            status: self.answer.status,
            fields: Vec::new(),
            parts: vec![part],
            unread: Vec::new(),
        };
        (self.each)(fault, with(right.clone()), with(wrong))
    }

    /// Says how far it is with an output.
    pub(crate) fn progress(&self, output: &str, done: usize, total: usize) {
        let output = match Place::from(output) {
            Place::Part(PartName::File(name), _) => name.into_string(),
            other => other.to_string(),
        };
        (self.watch)(Event::Planting {
            output,
            done,
            total,
        });
    }
}

/// What a case showed.
pub(crate) struct Seen<'a> {
    /// Of the incumbent, the second incumbent and the contender.
    pub(crate) outcomes: [(Role, &'a Outcome); 3],
    pub(crate) contender: Role,
    pub(crate) operation: &'a str,
    pub(crate) rules: &'a Rules,
}

/// A side in its place.
pub(crate) trait Member {
    /// Which one.
    fn role(&self) -> Role;

    /// How it started; `None` if it was there already, or nothing of it runs between two cases.
    fn start(&self) -> Option<Start> {
        None
    }

    /// What of it cannot be limited or measured, and what measuring adds to it.
    fn unmeasured(&self) -> Vec<String> {
        Vec::new()
    }

    /// What asks it.
    fn reach(&self) -> Result<Box<dyn Asker>, TrialError>;

    /// How its process ended; `None` while it runs, and where there is none that has to.
    fn end(&mut self) -> Option<End> {
        None
    }

    /// Stops it, if Understudy started it. A note says what could not be removed.
    fn stop(self: Box<Self>) -> Option<String> {
        None
    }
}

/// What every measurement needs.
pub(crate) struct Measuring<'a> {
    pub(crate) terms: &'a Terms,
    pub(crate) plan: &'a Plan,
    pub(crate) rules: VerdictRules,
    /// What the incumbent does differently from itself, and the differences that are accepted.
    pub(crate) noise: &'a Noise,
    pub(crate) accepted: &'a Rules,
    pub(crate) redactor: &'a Redactor,
    pub(crate) run: &'a RunDirectory,
    pub(crate) stop: &'a AtomicBool,
    pub(crate) watch: &'a Watch<'a>,
    /// Is the evidence so far enough? Asked at every look of the plan but the last.
    pub(crate) settled: &'a dyn Fn() -> Result<bool, TrialError>,
}

impl Measuring<'_> {
    pub(crate) fn announce(&self, event: Event) {
        (self.watch)(event);
    }

    /// A result, unless the trial was stopped meanwhile: an error of what was stopped says nothing else.
    pub(crate) fn unless_stopped<T>(&self, result: Result<T, TrialError>) -> Result<T, TrialError> {
        match self.stop.load(Ordering::Relaxed) {
            true => Err(TrialError::Interrupted),
            false => result,
        }
    }
}
