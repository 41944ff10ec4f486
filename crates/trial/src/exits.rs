//! A contender that ended while it was needed: that is a result, and not a failure of the trial.

use crate::error::TrialError;
use std::path::PathBuf;
use understudy_model::Role;
use understudy_model::stored::{During, Exited};
use understudy_probe::Exit;
use understudy_redact::{Redactor, preview};

/// Of the last log lines that are shown: how many, and the bytes of each.
const LINES: usize = 3;
const LONGEST: usize = 160;

/// How a process ended, with its last words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) exit: Exit,
    /// Its last log lines.
    pub(crate) log: Vec<String>,
    /// Where its whole log is.
    pub(crate) file: PathBuf,
}

impl End {
    /// As what ends a trial.
    pub(crate) fn as_error(&self, side: Role, during: &str) -> TrialError {
        let log = match self.log.as_slice() {
            [] => "; it logged nothing".to_owned(),
            lines => format!("; its last log lines:\n  {}", lines.join("\n  ")),
        };
        TrialError::Ended {
            name: side.in_words().to_owned(),
            during: during.to_owned(),
            exit: self.exit.to_string(),
            log,
            file: self.file.clone(),
        }
    }
}

/// What is stored of an end.
pub(crate) fn stored(
    side: Role,
    during: During,
    answered: u64,
    end: &End,
    redactor: &Redactor,
) -> Exited {
    let lines = end.log.iter().filter(|line| !line.is_empty());
    let lines: Vec<&String> = lines.collect();
    let last = &lines[lines.len().saturating_sub(LINES)..];
    let shown = |line: &&String| preview(redactor.redact_text(line).as_bytes(), LONGEST);
    Exited {
        side,
        during,
        exit: end.exit.to_string(),
        answered,
        log: last.iter().map(shown).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use understudy_probe::How;

    #[test]
    fn what_is_stored_of_a_log_holds_no_secret() {
        let end = End {
            exit: Exit {
                how: How::Signal(11),
                out_of_memory: false,
            },
            log: ["a", "", "b", "c", "password=hunter2hunter2"]
                .map(str::to_owned)
                .into(),
            file: PathBuf::new(),
        };
        let redactor = Redactor::new([1; 16]);
        let exited = stored(Role::Candidate, During::Load, 1, &end, &redactor);
        assert_eq!(exited.exit, "ended by signal 11 (SIGSEGV)");
        assert_eq!(exited.log.len(), LINES);
        assert!(
            exited.log[2].starts_with("password=<redacted"),
            "{:?}",
            exited.log
        );
    }
}
