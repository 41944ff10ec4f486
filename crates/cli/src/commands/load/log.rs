//! `--log`: a thread that stores every exchange and gives way to the generator.

use crate::exit::{Failure, usage};
use anyhow::Context;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use understudy_evidence::{EvidenceError, ExchangeLog, Logged};
use understudy_host::{Clock, CpuList, ThreadUsage, give_way, pin_current_thread};
use understudy_load::report::LogReport;
use understudy_load::{LogReceiver, LogSender, Plan, log_pipe};

/// A log that is being written.
pub(super) struct Log {
    path: PathBuf,
    storing: JoinHandle<Result<Stored, EvidenceError>>,
}

/// What the thread leaves when the run is over.
struct Stored {
    file: ExchangeLog,
    /// With what the thread has not come to.
    receiver: LogReceiver,
    cpu_ns: u64,
}

/// A log that is complete as far as it goes.
pub(super) struct Written {
    path: PathBuf,
    logged: Logged,
    missed: u64,
    cpu_ns: u64,
}

impl Log {
    /// Creates the file and the thread; the senders are for the engine threads.
    pub(super) fn start(path: &Path, plan: &Plan) -> Result<(Self, Vec<LogSender>), Failure> {
        let file = ExchangeLog::create(path)
            .map_err(|error| usage(format!("--log: {:#}", anyhow::Error::from(error))))?;
        let (senders, receiver) = log_pipe(plan.threads);
        let cpus = plan.cpus.clone();
        let storing = std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || store(file, receiver, cpus.as_ref()))
            .context("cannot start the thread of the log")?;
        let path = path.to_owned();
        Ok((Log { path, storing }, senders))
    }

    /// Completes the log of a run whose senders are finished; they have missed so many exchanges.
    pub(super) fn finish(self, missed: u64) -> anyhow::Result<Written> {
        let begun = ThreadUsage::now();
        let mut stored = join(self.storing)?;
        // This thread gives way to nobody: on a busy machine the other might never come to an end.
        stored.receiver.drain(|batch| stored.file.append(batch))?;
        let logged = stored.file.finish()?;
        Ok(Written {
            path: self.path,
            logged,
            missed,
            cpu_ns: stored.cpu_ns + ThreadUsage::now().since(begun).cpu_ns,
        })
    }

    /// Leaves nothing behind: the run never began.
    pub(super) fn discard(self) {
        if let Ok(stored) = join(self.storing) {
            stored.file.discard();
        }
    }
}

impl Written {
    /// What the report says of it; `zero` is the clock of its times.
    pub(super) fn report(self, requests: u64, zero: Clock) -> LogReport {
        LogReport {
            path: self.path.display().to_string(),
            files: self.logged.files,
            rows: self.logged.rows,
            missed: self.missed,
            bytes: self.logged.bytes,
            zero_monotonic_ns: zero.zero_monotonic_ns(),
            cpu_us_per_request: self.cpu_ns as f64 / 1e3 / (requests as f64).max(1.0),
        }
    }
}

/// On the generator's CPUs, so that the subject is left alone, and only when they are free.
fn store(
    mut file: ExchangeLog,
    mut receiver: LogReceiver,
    cpus: Option<&CpuList>,
) -> Result<Stored, EvidenceError> {
    // Both only spare others: the generator reports CPUs that it cannot have, and its gates notice
    // when this thread disturbs it.
    let _ = cpus.map(pin_current_thread);
    let _ = give_way();
    receiver.serve(|batch| file.append(batch))?;
    Ok(Stored {
        file,
        receiver,
        cpu_ns: ThreadUsage::now().cpu_ns,
    })
}

fn join(storing: JoinHandle<Result<Stored, EvidenceError>>) -> Result<Stored, EvidenceError> {
    match storing.join() {
        Ok(stored) => stored,
        // A panic is a bug in this program: it goes on, with its own message.
        Err(panic) => std::panic::resume_unwind(panic),
    }
}
