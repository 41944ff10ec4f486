use crate::{Child, Exit, log};
use regex_lite::Regex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use understudy_model::plain_words;

/// What a readiness check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It can be used.
    Ready,
    /// Not yet, and why: a fragment for the message if it stays so.
    NotYet(String),
}

/// Why a child never became ready.
#[derive(Debug, thiserror::Error)]
pub enum ReadyError {
    /// It ended first.
    #[error("{name} exited before it was ready ({exit}){}", shown(log))]
    Ended {
        /// Name of the child.
        name: String,
        /// How it ended.
        exit: Exit,
        /// Its last log lines.
        log: Vec<String>,
    },
    /// It was not ready in time.
    #[error("{name} was not ready within {} s: {why}{}", after.as_secs_f64(), shown(log))]
    TimedOut {
        /// Name of the child.
        name: String,
        /// How long was waited.
        after: Duration,
        /// What the last check said.
        why: String,
        /// Its last log lines.
        log: Vec<String>,
    },
    /// The wait was cancelled.
    #[error("the wait for {name} was cancelled")]
    Cancelled {
        /// Name of the child.
        name: String,
    },
}

/// The log lines as the end of a message.
pub(crate) fn shown(log: &[String]) -> String {
    if log.is_empty() {
        return "; it logged nothing".into();
    }
    format!("; its last log lines:\n  {}", log.join("\n  "))
}

/// Log lines that an error shows, and the bytes they are taken from.
pub(crate) const LOG_LINES: usize = 10;
pub(crate) const LOG_BYTES: u64 = 8 * 1024;

const POLL: Duration = Duration::from_millis(10);

/// Calls `check` every 10 ms until it says ready; returns how long that took.
///
/// # Errors
/// At once when the child ends, with its exit and last log lines; after `timeout`; or soon after
/// `cancel` is set. The child is left as it is.
pub fn wait_ready(
    child: &mut Child,
    timeout: Duration,
    cancel: &AtomicBool,
    mut check: impl FnMut(&Child) -> Readiness,
) -> Result<Duration, ReadyError> {
    let start = Instant::now();
    loop {
        let name = child.name().to_owned();
        if cancel.load(Ordering::Relaxed) {
            return Err(ReadyError::Cancelled { name });
        }
        if let Some(exit) = child.exited() {
            let log = child.last_log_lines(LOG_LINES, LOG_BYTES);
            return Err(ReadyError::Ended { name, exit, log });
        }
        let why = match check(child) {
            Readiness::Ready => return Ok(start.elapsed()),
            Readiness::NotYet(why) => why,
        };
        if start.elapsed() >= timeout {
            let log = child.last_log_lines(LOG_LINES, LOG_BYTES);
            return Err(ReadyError::TimedOut {
                name,
                after: timeout,
                why,
                log,
            });
        }
        std::thread::sleep(POLL);
    }
}

/// A readiness check for [`wait_ready`]: a line of the log contains the pattern as plain text, or
/// matches it as a regular expression (syntax of the `regex` crate, ASCII classes only).
#[derive(Debug)]
pub struct LogPattern {
    text: String,
    regex: Option<Regex>,
    follower: Option<log::Follower>,
}

impl LogPattern {
    /// From the pattern as configured. A text that is not a regular expression is only a text.
    pub fn new(pattern: &str) -> Self {
        LogPattern {
            text: pattern.into(),
            regex: Regex::new(pattern).ok(),
            follower: None,
        }
    }

    /// Looks at what the child has logged since the last call.
    pub fn check(&mut self, child: &Child) -> Readiness {
        let follower = self
            .follower
            .get_or_insert_with(|| log::Follower::new(child.log_start()));
        let (text, regex) = (&self.text, &self.regex);
        let wanted = |line: &str| {
            line.contains(text.as_str()) || regex.as_ref().is_some_and(|r| r.is_match(line))
        };
        match follower.any_line(child.log(), wanted) {
            Ok(true) => Readiness::Ready,
            Ok(false) => Readiness::NotYet(format!("no log line matches {text:?}")),
            Err(error) => {
                Readiness::NotYet(format!("its log cannot be read: {}", plain_words(&error)))
            }
        }
    }
}
