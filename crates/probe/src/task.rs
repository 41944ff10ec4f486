use crate::ready::{LOG_BYTES, LOG_LINES, shown};
use crate::{Cgroups, Exit, Launch, LaunchError, Limits, StopError};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A shell command that runs to its end: a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// What messages call it: `the build of the candidate`.
    pub name: String,
    /// A line for `sh -c`.
    pub command: String,
    /// The directory it runs in.
    pub dir: PathBuf,
    /// Variables added to Understudy's own environment.
    pub env: BTreeMap<String, String>,
    /// Standard output and standard error are appended here (created with mode 0600).
    pub log: PathBuf,
    /// It is stopped when it takes longer; `None`: no limit.
    pub timeout: Option<Duration>,
}

/// Why a task did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// It could not be started.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// It returned a code other than 0, or a signal ended it.
    #[error("{name} failed ({exit}): {command}{}", shown(log))]
    Failed {
        /// Name of the task.
        name: String,
        /// The command.
        command: String,
        /// How it ended.
        exit: Exit,
        /// Its last log lines.
        log: Vec<String>,
    },
    /// It took too long, and was stopped.
    #[error("{name} was stopped after {} s: {command}{}", after.as_secs_f64(), shown(log))]
    TimedOut {
        /// Name of the task.
        name: String,
        /// The command.
        command: String,
        /// The limit.
        after: Duration,
        /// Its last log lines.
        log: Vec<String>,
    },
    /// It was cancelled, and stopped.
    #[error("{name} was cancelled")]
    Cancelled {
        /// Name of the task.
        name: String,
    },
    /// Something of it is left.
    #[error(transparent)]
    Stop(#[from] StopError),
}

const POLL: Duration = Duration::from_millis(20);
const GRACE: Duration = Duration::from_secs(2);

/// Runs a task to its end and returns how long it took. Whatever it left running is stopped.
///
/// # Errors
/// When it cannot be started, fails, takes longer than its timeout, or `cancel` becomes true. In
/// every case nothing of it keeps running, or the error is [`TaskError::Stop`].
pub fn run_to_completion(task: &Task, cancel: &AtomicBool) -> Result<Duration, TaskError> {
    let launch = Launch {
        name: task.name.clone(),
        argv: ["sh", "-c", &task.command].map(String::from).to_vec(),
        dir: task.dir.clone(),
        env: task.env.clone(),
        log: task.log.clone(),
        limits: Limits::default(),
        cpus: None,
    };
    let mut child = launch.spawn(&Cgroups::none("a task has no cgroup"))?;
    let start = Instant::now();
    let (name, command) = (task.name.clone(), task.command.clone());
    loop {
        if let Some(exit) = child.exited() {
            child.stop(GRACE)?;
            if exit.success() {
                return Ok(start.elapsed());
            }
            let log = child.last_log_lines(LOG_LINES, LOG_BYTES);
            return Err(TaskError::Failed {
                name,
                command,
                exit,
                log,
            });
        }
        if cancel.load(Ordering::Relaxed) {
            child.stop(GRACE)?;
            return Err(TaskError::Cancelled { name });
        }
        if let Some(after) = task.timeout.filter(|limit| start.elapsed() > *limit) {
            child.stop(GRACE)?;
            let log = child.last_log_lines(LOG_LINES, LOG_BYTES);
            return Err(TaskError::TimedOut {
                name,
                command,
                after,
                log,
            });
        }
        std::thread::sleep(POLL);
    }
}
