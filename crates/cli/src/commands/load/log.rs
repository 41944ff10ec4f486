//! `--log`: a thread that stores every exchange and gives way to the generator.

use crate::exit::{self, Failure, usage};
use crate::show;
use anyhow::Context;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use understudy_evidence::{CutShort, ExchangeLog, Logged};
use understudy_host::{Clock, CpuList, ThreadUsage, give_way, pin_current_thread};
use understudy_load::report::LogReport;
use understudy_load::{LogReceiver, LogSender, Plan, log_pipe};

/// A log that is being written.
pub(super) struct Log {
    path: PathBuf,
    storing: JoinHandle<Stored>,
}

/// What the thread leaves when the run is over, or when it cannot write.
struct Stored {
    file: ExchangeLog,
    /// With what the thread has not come to; or why it has given up.
    rest: anyhow::Result<LogReceiver>,
    cpu_ns: u64,
}

/// A log that goes as far as it could be written.
pub(super) struct Written {
    path: PathBuf,
    logged: Logged,
    /// Why it goes no further.
    failure: Option<String>,
    cpu_ns: u64,
}

impl Log {
    /// Creates the file and the thread; the senders are for the engine threads.
    pub(super) fn start(path: &Path, plan: &Plan) -> Result<(Self, Vec<LogSender>), Failure> {
        let file = ExchangeLog::create(path)
            .map_err(|error| usage(format!("--log: {}", exit::sentence(&error.into()))))?;
        let (senders, receiver) = log_pipe(plan.threads);
        let cpus = plan.cpus.clone();
        let storing = std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || store(file, receiver, cpus.as_ref()))
            .context("cannot start the thread of the log")?;
        let path = path.to_owned();
        Ok((Log { path, storing }, senders))
    }

    /// Completes the log of a run whose senders are dropped.
    pub(super) fn finish(self) -> Written {
        let begun = ThreadUsage::now();
        finish(self.path, drained(self.storing), begun)
    }

    /// After a failed run: keeps what was measured, and leaves nothing of a run that never began.
    pub(super) fn end(self) -> Option<Written> {
        let begun = ThreadUsage::now();
        let stored = drained(self.storing);
        if stored.file.is_empty() {
            stored.file.discard();
            return None;
        }
        Some(finish(self.path, stored, begun))
    }
}

impl Written {
    /// What the report says of it: of so many `requests`; `zero` is the clock of its times.
    pub(super) fn report(&self, requests: u64, zero: Clock) -> LogReport {
        LogReport {
            path: self.path.display().to_string(),
            files: self.logged.files,
            rows: self.logged.rows,
            missed: requests.saturating_sub(self.logged.rows),
            bytes: self.logged.bytes,
            zero_monotonic_ns: zero.zero_monotonic_ns(),
            cpu_us_per_request: self.cpu_ns as f64 / 1e3 / (requests as f64).max(1.0),
        }
    }

    /// Why not everything could be written.
    pub(super) fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// Reports where the log of a failed run is.
    pub(super) fn show(&self) {
        let (path, rows) = (self.path.display(), self.logged.rows);
        match &self.failure {
            None => show::note(&format!("the log up to there is {path}, {rows} rows")),
            Some(why) => show::warning(&format!("the log ends before, after {rows} rows: {why}")),
        }
    }
}

/// On the generator's CPUs, so that the subject is left alone, and only when they are free.
fn store(mut file: ExchangeLog, mut receiver: LogReceiver, cpus: Option<&CpuList>) -> Stored {
    // Both only spare others: the generator reports CPUs that it cannot have, and its gates notice
    // when this thread disturbs it.
    let _ = cpus.map(pin_current_thread);
    let _ = give_way();
    let rest = match receiver.serve(|batch| file.append(batch)) {
        Ok(()) => Ok(receiver),
        Err(error) => {
            // The engines notice the dropped receiver.
            drop(receiver);
            let error = anyhow::Error::from(error);
            show::warning(&format!(
                "the log ends here, and the run continues: {}",
                exit::sentence(&error)
            ));
            Err(error)
        }
    };
    Stored {
        file,
        rest,
        cpu_ns: ThreadUsage::now().cpu_ns,
    }
}

/// Waits for the thread and stores what it has not come to.
fn drained(storing: JoinHandle<Stored>) -> Stored {
    let mut stored = match storing.join() {
        Ok(stored) => stored,
        // A panic is a bug in this program: it is passed on, with its own message.
        Err(panic) => std::panic::resume_unwind(panic),
    };
    // This thread has a normal priority: on a busy machine the log's thread (`SCHED_IDLE`) might never finish.
    stored.rest = stored.rest.and_then(|mut receiver| {
        receiver.drain(|batch| stored.file.append(batch))?;
        Ok(receiver)
    });
    stored
}

fn finish(path: PathBuf, stored: Stored, begun: ThreadUsage) -> Written {
    let failed = stored.rest.err();
    let (logged, failed) = match stored.file.finish() {
        Ok(logged) => (logged, failed),
        Err(CutShort { kept, source }) => (kept, failed.or(Some(source.into()))),
    };
    Written {
        path,
        logged,
        failure: failed.map(|error| exit::sentence(&error)),
        cpu_ns: stored.cpu_ns + ThreadUsage::now().since(begun).cpu_ns,
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests;
