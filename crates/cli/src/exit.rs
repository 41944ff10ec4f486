//! The exit codes, a contract with scripts. `docs/` lists them for users.

use std::process::ExitCode;
use understudy_model::plain_words;
use understudy_model::suite::PairVerdict;
use understudy_model::verdict::Verdict;

/// Done; or the verdict is `replace` or `no_worse`.
pub(crate) const DONE: u8 = 0;
/// Failed while running.
pub(crate) const FAILED: u8 = 1;
/// Wrong usage or configuration; nothing was started. (clap exits with the same code.)
pub(crate) const USAGE: u8 = 2;
/// The measurement cannot be trusted.
pub(crate) const INVALID: u8 = 3;
/// The evidence does not decide.
pub(crate) const INCONCLUSIVE: u8 = 4;
/// The candidate answers differently.
pub(crate) const NOT_EQUIVALENT: u8 = 5;
/// The incumbent stays, or the newer version is worse.
pub(crate) const KEEP: u8 = 6;
/// Stopped by SIGINT or SIGTERM.
pub(crate) const INTERRUPTED: u8 = 130;

/// The code that a verdict exits with.
pub(crate) fn of_verdict(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Replace | Verdict::NoWorse => DONE,
        Verdict::Invalid => INVALID,
        Verdict::Inconclusive => INCONCLUSIVE,
        Verdict::NotEquivalent => NOT_EQUIVALENT,
        Verdict::Keep | Verdict::Worse => KEEP,
    }
}

/// The code that a suite exits with: that of its worst pair. None is worse than another one that is not there.
pub(crate) fn of_suite(worst: Option<PairVerdict>) -> u8 {
    worst.map_or(DONE, |worst| worst.of_trial().map_or(FAILED, of_verdict))
}

/// Why a command ends without having done its work.
///
/// A message is its cause; advice is on a line of its own that begins with `hint: `, behind the cause.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Wrong usage or configuration: one message each.
    Usage(Vec<String>),
    /// It failed while running.
    Running(anyhow::Error),
    /// A signal stopped it.
    Interrupted(String),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Failure::Running(error)
    }
}

/// One usage error.
pub(crate) fn usage(message: impl Into<String>) -> Failure {
    Failure::Usage(vec![message.into()])
}

/// Reports to people on standard error, and to scripts by the code.
pub(crate) fn report(outcome: Result<u8, Failure>) -> ExitCode {
    let (messages, code) = match outcome {
        Ok(code) => return ExitCode::from(code),
        Err(Failure::Usage(messages)) => (messages, USAGE),
        Err(Failure::Running(error)) => (vec![sentence(&error)], FAILED),
        Err(Failure::Interrupted(what)) => (vec![what], INTERRUPTED),
    };
    for message in messages {
        crate::show::error(&message);
    }
    ExitCode::from(code)
}

/// An error with its causes in one sentence, then the hints of all of them; a cause that the error before it names
/// is not repeated.
pub(crate) fn sentence(error: &anyhow::Error) -> String {
    const HINT: &str = "\nhint: ";
    let (mut sentence, mut hints) = (String::new(), String::new());
    for message in error.chain().map(words) {
        let (cause, hint) = match message.split_once(HINT) {
            Some((cause, hint)) => (cause, format!("{HINT}{hint}")),
            None => (message.as_str(), String::new()),
        };
        match sentence.as_str() {
            "" => cause.clone_into(&mut sentence),
            before if before.contains(cause) => {}
            _ => sentence = format!("{sentence}: {cause}"),
        }
        if !hints.contains(&hint) {
            hints += &hint;
        }
    }
    sentence + &hints
}

/// What one error of a chain says.
fn words(error: &(dyn std::error::Error + 'static)) -> String {
    error
        .downcast_ref::<std::io::Error>()
        .map_or_else(|| error.to_string(), plain_words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_is_named_once() {
        let error = anyhow::anyhow!("no space left").context("cannot write x: no space left");
        let error = error.context("the trial failed");
        let expected = "the trial failed: cannot write x: no space left";
        assert_eq!(sentence(&error), expected);
    }

    #[test]
    fn hints_are_behind_the_causes() {
        let error = anyhow::anyhow!("no such CPU\nhint: name another")
            .context("cannot pin\nhint: ask root");
        let expected = "cannot pin: no such CPU\nhint: ask root\nhint: name another";
        assert_eq!(sentence(&error), expected);
    }
}
