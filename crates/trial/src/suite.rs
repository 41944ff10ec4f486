//! A suite: many pairs, each a trial of its own, one after the other. What is known of them is one document, which is
//! written again after each of them: a suite that is interrupted continues with the next pair.

mod row;
#[cfg(test)]
mod tests;

use understudy_evidence::{EvidenceError, RunDirectory, RunLock};
use understudy_model::suite::{PairVerdict, SCHEMA, SuiteDocument, SuiteRow};
use understudy_model::verdict::VerdictDocument;

/// The document in the directory of a suite.
pub const DOCUMENT: &str = "suite.json";

/// A suite in its directory, claimed by this process.
pub struct Suite {
    directory: RunDirectory,
    document: SuiteDocument,
    _lock: RunLock,
}

/// What a suite is, apart from its pairs.
pub struct Heading {
    /// Its name.
    pub name: String,
    /// Version of this program.
    pub understudy: String,
    /// When it begins, RFC 3339 in UTC.
    pub started_at: String,
}

/// The pair whose turn it is.
#[derive(Clone, Copy, Debug)]
pub struct Turn<'s> {
    /// Its place among all pairs, from 0.
    pub index: usize,
    /// How many pairs there are.
    pub of: usize,
    /// Its row so far.
    pub row: &'s SuiteRow,
}

/// How the trial of a pair ended.
pub enum Ended {
    /// With a verdict.
    Judged(Box<VerdictDocument>),
    /// It failed: why, and what to do about it in a line that begins with `hint: `.
    Failed(String),
    /// A signal asked for the end. What it measured is kept.
    Interrupted,
}

/// Why no more pairs are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Every pair has its verdict, or failed.
    Complete,
    /// A pair did not end well, and the suite was to stop there.
    Stopped,
    /// A signal asked for it.
    Interrupted,
}

impl Suite {
    /// A new suite of pairs that were not run yet, each with its name and its run directory within that of the suite.
    ///
    /// # Errors
    /// The document cannot be written.
    pub fn begin(
        directory: RunDirectory,
        heading: Heading,
        pairs: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, EvidenceError> {
        let pending = |(name, run)| SuiteRow::pending(name, run);
        let mut suite = Suite {
            _lock: directory.lock()?,
            directory,
            document: SuiteDocument {
                schema: SCHEMA,
                name: heading.name,
                understudy: heading.understudy,
                started_at: heading.started_at,
                complete: false,
                worst: None,
                pairs: pairs.into_iter().map(pending).collect(),
            },
        };
        suite.write()?;
        Ok(suite)
    }

    /// A suite that was begun.
    ///
    /// # Errors
    /// Another process works on it, or its document cannot be read.
    pub fn open(directory: RunDirectory) -> Result<Self, EvidenceError> {
        Ok(Suite {
            _lock: directory.lock()?,
            document: directory.read_json(DOCUMENT)?,
            directory,
        })
    }

    /// What is known of its pairs.
    pub fn document(&self) -> &SuiteDocument {
        &self.document
    }

    /// Where it is.
    pub fn directory(&self) -> &RunDirectory {
        &self.directory
    }

    /// The pairs that are still to run, by their places: those without a verdict. A failed one is among them, since
    /// what made it fail may have been fixed.
    pub fn unfinished(&self) -> Vec<usize> {
        let rows = self.document.pairs.iter().enumerate();
        rows.filter(|(_, row)| is_unfinished(row))
            .map(|(index, _)| index)
            .collect()
    }

    /// Runs what is unfinished, one pair after the other, and stores each row before the next pair begins; `shown` gets
    /// the document each time. With `fail_fast` nothing is run after a pair whose verdict is not a good one.
    ///
    /// # Errors
    /// A row cannot be stored.
    pub fn carry_out(
        &mut self,
        fail_fast: bool,
        mut trial: impl FnMut(Turn<'_>) -> Ended,
        mut shown: impl FnMut(&SuiteDocument),
    ) -> Result<End, EvidenceError> {
        for index in self.unfinished() {
            let turn = Turn {
                index,
                of: self.document.pairs.len(),
                row: &self.document.pairs[index],
            };
            let ended = trial(turn);
            let row = &mut self.document.pairs[index];
            let blank = SuiteRow::pending(row.name.clone(), row.run.clone());
            match ended {
                Ended::Interrupted => return Ok(End::Interrupted),
                Ended::Failed(error) => {
                    *row = SuiteRow {
                        verdict: Some(PairVerdict::Failed),
                        error: Some(error),
                        ..blank
                    }
                }
                Ended::Judged(verdict) => *row = row::of(&verdict, blank),
            }
            let is_good = row.verdict.is_some_and(PairVerdict::is_good);
            self.write()?;
            shown(&self.document);
            if fail_fast && !is_good {
                return Ok(match self.unfinished().iter().any(|next| *next > index) {
                    true => End::Stopped,
                    false => End::Complete,
                });
            }
        }
        Ok(End::Complete)
    }

    fn write(&mut self) -> Result<(), EvidenceError> {
        let verdicts = || self.document.pairs.iter().map(|row| row.verdict);
        let (complete, worst) = (
            !self.document.pairs.iter().any(is_unfinished),
            verdicts().flatten().min(),
        );
        self.document.complete = complete;
        self.document.worst = worst;
        self.directory.write_json(DOCUMENT, &self.document)
    }
}

fn is_unfinished(row: &SuiteRow) -> bool {
    row.verdict
        .is_none_or(|verdict| verdict == PairVerdict::Failed)
}
