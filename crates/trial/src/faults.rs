//! Faults that are put into real answers while they are compared: would the comparison report them?

use crate::error::TrialError;
use crate::store;
use std::time::{Duration, Instant};
use understudy_compare::{Differ, History, TriedFault, is_due, is_fit, try_faults};
use understudy_evidence::{JsonLines, RunDirectory};
use understudy_model::{Difference, Outcome};

/// What it may take in any case, and the share of the time of the stage that it may take: one in so many.
const ALWAYS: Duration = Duration::from_secs(2);
const SHARE: u32 = 10;

/// The self-test of a stage. What it finds is on disk as soon as it is known.
pub(crate) struct SelfTest {
    lines: JsonLines<TriedFault>,
    /// Answers of each operation so far.
    seen: Vec<u64>,
    took: Duration,
}

/// The request whose answer is tried.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) request: u32,
    pub(crate) operation: u32,
    pub(crate) name: &'a str,
}

impl SelfTest {
    pub(crate) fn open(run: &RunDirectory, operations: usize) -> Result<SelfTest, TrialError> {
        Ok(SelfTest {
            lines: JsonLines::open(run, store::FAULTS)?,
            seen: vec![0; operations],
            took: Duration::ZERO,
        })
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
