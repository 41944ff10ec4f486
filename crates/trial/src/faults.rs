//! Faults that are put into real answers while they are compared: would the comparison report them?

use crate::Watch;
use crate::error::TrialError;
use crate::store;
use crate::subject::{Comparable, Planting};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use understudy_compare::{
    Differ, Fault, History, TriedFault, is_due, is_fit, of_planted, try_faults,
};
use understudy_evidence::{JsonLines, RunDirectory};
use understudy_model::place::Within;
use understudy_model::{Answer, Difference, Outcome, Place};

/// What it may take in any case, and the share of the time of the stage that it may take: one in so many.
const ALWAYS: Duration = Duration::from_secs(2);
const SHARE: u32 = 10;

/// The self-test of a stage. What it finds is on disk as soon as it is known.
pub(crate) struct SelfTest<'a> {
    subject: &'a dyn Comparable,
    watch: &'a Watch<'a>,
    /// Outputs that their reader puts faults into, by name: each once.
    outputs: BTreeSet<String>,
    lines: JsonLines<TriedFault>,
    /// Answers of each operation so far.
    seen: Vec<u64>,
    took: Duration,
    /// What the faults of their reader took: time that the stage has in addition to its own.
    planted: Duration,
}

/// The request whose answer is tried.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) request: u32,
    pub(crate) operation: u32,
    pub(crate) name: &'a str,
}

impl<'a> SelfTest<'a> {
    pub(crate) fn open(
        run: &RunDirectory,
        subject: &'a dyn Comparable,
        watch: &'a Watch<'a>,
    ) -> Result<Self, TrialError> {
        let of_reader = |tried: &TriedFault| Fault::MEDIA.contains(&tried.fault);
        let parts = |tried: TriedFault| {
            let places = tried.row.differences.into_iter();
            places.filter_map(|one| match one.path {
                Place::Part(name, _) => Some(Place::Part(name, Within::Whole).to_string()),
                _ => None,
            })
        };
        let earlier = store::faults(run)?.into_iter();
        Ok(SelfTest {
            subject,
            watch,
            outputs: earlier.filter(of_reader).flat_map(parts).collect(),
            lines: JsonLines::open(run, store::FAULTS)?,
            seen: vec![0; subject.catalogue().operations.len()],
            took: Duration::ZERO,
            planted: Duration::ZERO,
        })
    }

    /// Has faults put into the outputs of an answer of the incumbent that only their reader understands. What is returned
    /// says what could not be tried.
    pub(crate) fn note_outputs(
        &mut self,
        differ: &Differ<'_>,
        history: &History,
        asked: Asked<'_>,
        outcome: &Outcome,
    ) -> Result<Vec<String>, TrialError> {
        let Outcome::Answered(answer) = outcome else {
            return Ok(Vec::new());
        };
        let lines = &mut self.lines;
        let mut each = |fault: Fault, right: Answer, wrong: Answer| {
            let operation = (asked.operation, asked.name);
            let right = Outcome::Answered(right);
            let mut row = of_planted(differ, history, operation, (&right, wrong));
            row.request = asked.request;
            Ok(lines.write(&TriedFault { fault, row })?)
        };
        let began = Instant::now();
        let notes = self.subject.plant(&mut Planting {
            answer,
            done: &mut self.outputs,
            each: &mut each,
            watch: self.watch,
        });
        self.planted += began.elapsed();
        notes
    }

    /// How much longer the stage may take because faults were put into outputs by their reader.
    pub(crate) fn planted(&self) -> Duration {
        self.planted
    }

    /// Puts faults into an answer of the incumbent, if it is time for one and the stage, which takes
    /// this long by now, has time for it.
    pub(crate) fn note(
        &mut self,
        differ: &Differ<'_>,
        history: &History,
        asked: Asked<'_>,
        (answer, noise): (&Outcome, &[Difference]),
        stage: Duration,
    ) -> Result<(), TrialError> {
        let (Outcome::Answered(answer), Some(seen)) =
            (answer, self.seen.get_mut(asked.operation as usize))
        else {
            return Ok(());
        };
        *seen += 1;
        let has_time = self.took <= ALWAYS.max(stage / SHARE);
        if !is_due(*seen) || !is_fit(answer) || !has_time {
            return Ok(());
        }
        let began = Instant::now();
        let operation = (asked.operation, asked.name);
        for (fault, mut row) in try_faults(differ, history, operation, (answer, noise), *seen) {
            row.request = asked.request;
            self.lines.write(&TriedFault { fault, row })?;
        }
        self.took += began.elapsed();
        Ok(())
    }

    pub(crate) fn sync(&mut self) -> Result<(), TrialError> {
        Ok(self.lines.sync()?)
    }
}
