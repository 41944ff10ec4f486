//! The launcher of a side: a small process of its own that runs commands and measures them.

mod frames;
mod program;
#[cfg(target_os = "linux")]
mod server;

pub use program::{DEFAULT_PATH, environment, resolve};
#[cfg(target_os = "linux")]
pub use server::serve;

use crate::{Captured, Ending, Floor, Ran};
use frames::{Reply, Report, receive, send};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use understudy_model::{ByteSize, plain_words};
use understudy_probe::{Cgroups, Child, Launch, LaunchError, Limits, last_bytes};
use understudy_subject::GroupMemory;

/// Most runs of one order: their outputs are open files until all have ended.
pub const MAX_RUNS: usize = 256;
/// How often a waiting client looks if it was interrupted.
const LOOK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 100_000_000,
};
/// How long a launcher may take to stop what it has started.
const GRACE: Duration = Duration::from_secs(6);
/// How often it is looked at meanwhile.
const POLL: Duration = Duration::from_millis(1);
/// How much of the launcher's log an error shows, bytes.
const SHOWN_LOG: u64 = 500;

/// What a launcher is started with.
#[derive(Clone, Debug, PartialEq)]
pub struct LauncherSetup {
    /// What messages call it: `incumbent`.
    pub name: String,
    /// The command that calls [`serve`] and nothing before it that takes memory.
    pub argv: Vec<String>,
    /// Where it starts.
    pub dir: PathBuf,
    /// Its own log: what it says when it fails.
    pub log: PathBuf,
    /// Limits of its control group, which holds all that it runs.
    pub limits: Limits,
    /// The CPUs it and all that it runs may use; `None`: those of Understudy's main thread.
    pub cpus: Option<Vec<u32>>,
}

/// How much a run may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputLimits {
    /// Bytes of standard output and of standard error that are kept, each. A run that writes more is killed;
    /// it may have written what it can write in 20 ms more than this by then.
    pub captured_bytes: u64,
    /// The largest file that it may write, bytes; the kernel ends it with SIGXFSZ beyond.
    pub file_bytes: u64,
}

impl Default for OutputLimits {
    fn default() -> Self {
        OutputLimits {
            captured_bytes: 64 << 20,
            file_bytes: 64 << 30,
        }
    }
}

/// Runs of one command, one after the other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// The file to execute, as [`resolve`] finds it.
    pub program: PathBuf,
    /// Its arguments, the name by which it is called first.
    pub argv: Vec<String>,
    /// Its whole environment.
    pub env: BTreeMap<String, String>,
    /// Where the place of a run is while it runs: the same path for every run.
    pub at: PathBuf,
    /// A place for each run: a directory with `work`, `home`, `tmp` and, if it has standard input, `stdin`.
    pub places: Vec<PathBuf>,
    /// The CPUs it may run on; `None`: those of the launcher.
    pub cpus: Option<Vec<u32>>,
    /// Its mask of permissions.
    pub umask: u32,
    /// How long a run may take.
    pub timeout: Duration,
    /// How much a run may write.
    pub limits: OutputLimits,
    /// Is it looked for what they change outside of their places? That slows every call that changes files.
    pub is_watched: bool,
    /// Files that they may not change while they are watched: a call that would fails.
    pub kept: Vec<PathBuf>,
}

/// Why runs could not be made.
#[derive(Debug, thiserror::Error)]
pub enum LauncherError {
    /// The launcher itself cannot be started.
    #[error(transparent)]
    Start(#[from] LaunchError),
    /// It ended, or what it sent cannot be read.
    #[error("the launcher of {name} does not answer: {why}{log}")]
    Lost {
        /// Name of the side.
        name: String,
        /// A lower-case fragment.
        why: String,
        /// The last lines of its log, after a line break.
        log: String,
    },
    /// It reports that it cannot continue.
    #[error("the launcher of {name} cannot continue: {why}")]
    Failed {
        /// Name of the side.
        name: String,
        /// A lower-case fragment.
        why: String,
    },
    /// The memory limit of the side is too small for the launcher itself.
    #[error(
        "its memory limit of {limit:#} is too small for the launcher that runs it\nhint: raise `memory` in `[limits]`: \
         the launcher, about 3 MiB, is within it"
    )]
    NoMemory {
        /// The limit.
        limit: ByteSize,
    },
    /// The order is not one that can be carried out.
    #[error("{0}")]
    Order(String),
    /// The user interrupted it; everything was stopped.
    #[error("interrupted")]
    Interrupted,
}

/// A running launcher. Dropping it stops it and everything that it runs.
#[derive(Debug)]
pub struct Launcher {
    name: String,
    stream: UnixStream,
    child: Child,
    floor: Floor,
    memory_limit: Option<ByteSize>,
    memory_kills: u64,
}

impl Launcher {
    /// Starts one.
    ///
    /// # Errors
    /// It cannot be started, or does not answer.
    pub fn start(setup: &LauncherSetup, cgroups: &Cgroups) -> Result<Launcher, LauncherError> {
        let launch = Launch {
            name: setup.name.clone(),
            argv: setup.argv.clone(),
            dir: setup.dir.clone(),
            env: BTreeMap::new(),
            log: setup.log.clone(),
            limits: setup.limits,
            cpus: setup.cpus.clone(),
        };
        let limit = setup.limits.memory;
        let spawned = launch.spawn_connected(cgroups);
        let (child, stream) = spawned.map_err(|error| match (&error, limit) {
            (LaunchError::Start { source, .. }, Some(limit))
                if source.kind() == io::ErrorKind::OutOfMemory =>
            {
                LauncherError::NoMemory { limit }
            }
            _ => error.into(),
        })?;
        let mut launcher = Launcher {
            name: setup.name.clone(),
            stream,
            child,
            floor: Floor::default(),
            memory_limit: limit,
            memory_kills: 0,
        };
        match launcher.reply(&AtomicBool::new(false))? {
            (Reply::Ready(floor), _) => launcher.floor = floor,
            (other, _) => return Err(launcher.lost(format!("it sent {other:?}"))),
        }
        Ok(launcher)
    }

    /// What each figure of a run contains that is not the command's own.
    pub fn floor(&self) -> Floor {
        self.floor
    }

    /// What about the side is not limited or not measured, one sentence each, without full stop.
    pub fn unmeasured(&self) -> &[String] {
        self.child.unmeasured()
    }

    /// What the control group of the side counts since it was started.
    pub fn memory(&self) -> GroupMemory {
        GroupMemory {
            kills: self.child.memory_kills(),
            peak_bytes: self.child.memory_peak_bytes(),
        }
    }

    /// Carries out an order: a result for each place, in order. While it runs this process only looks, ten
    /// times a second, if `stop` is set.
    ///
    /// # Errors
    /// The launcher is lost or was interrupted; after either it runs nothing more.
    pub fn run(&mut self, order: &Order, stop: &AtomicBool) -> Result<Vec<Ran>, LauncherError> {
        check(order)?;
        send(&self.stream, order, &[]).map_err(|error| self.lost(plain_words(&error)))?;
        let mut all = Vec::with_capacity(order.places.len());
        while all.len() < order.places.len() {
            let (report, files) = match self.reply(stop)? {
                (Reply::Ran(report), files) => (report, files),
                (Reply::Failed(why), _) => {
                    let name = self.name.clone();
                    return Err(LauncherError::Failed { name, why });
                }
                (other, _) => return Err(self.lost(format!("it sent {other:?}"))),
            };
            let ran = self.ran(*report, files, order.limits.captured_bytes)?;
            all.push(ran);
        }
        Ok(all)
    }

    fn ran(
        &mut self,
        report: Report,
        files: Vec<OwnedFd>,
        kept: u64,
    ) -> Result<Ran, LauncherError> {
        let mut files = files.into_iter().map(|file| captured(file, kept));
        let mut next = || files.next().transpose().map(Option::unwrap_or_default);
        let (stdout, stderr) = match (next(), next()) {
            (Ok(stdout), Ok(stderr)) => (stdout, stderr),
            (Err(error), _) | (_, Err(error)) => return Err(self.lost(plain_words(&error))),
        };
        let killed = report.ending == Ending::Signal(9) && self.memory_limit_was_reached();
        Ok(Ran {
            ending: report.ending,
            out_of_memory: killed,
            figures: report.figures,
            stdout,
            stderr,
            left_behind: report.left_behind,
            elsewhere: report.elsewhere,
        })
    }

    /// Was a process killed for its memory since this was asked last?
    fn memory_limit_was_reached(&mut self) -> bool {
        let kills = self.child.memory_kills().unwrap_or(0);
        kills > std::mem::replace(&mut self.memory_kills, kills)
    }

    fn reply(&mut self, stop: &AtomicBool) -> Result<(Reply, Vec<OwnedFd>), LauncherError> {
        loop {
            let mut files = [PollFd::new(&self.stream, PollFlags::IN)];
            match poll(&mut files, Some(&LOOK)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) => break,
                Err(error) => return Err(self.lost(plain_words(&error.into()))),
            }
            if stop.load(Ordering::Relaxed) {
                self.stop();
                return Err(LauncherError::Interrupted);
            }
        }
        receive(&self.stream).map_err(|error| self.lost(plain_words(&error)))
    }

    /// Ends it. The end of its input is the order to stop everything, and it alone knows the processes that left
    /// its session: it is killed only if it does not end.
    pub(crate) fn stop(&mut self) {
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
        let deadline = Instant::now() + GRACE;
        while self.child.exited().is_none() && Instant::now() < deadline {
            std::thread::sleep(POLL);
        }
        // What is left then is removed by the next start.
        let _ = self.child.stop(Duration::ZERO);
    }

    fn lost(&mut self, why: String) -> LauncherError {
        if let Some(limit) = self.memory_limit
            && self.memory_limit_was_reached()
        {
            return LauncherError::NoMemory { limit };
        }
        let log = last_bytes(self.child.log(), SHOWN_LOG).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let log = match log.trim() {
            "" => String::new(),
            log => format!("\n{log}"),
        };
        let name = self.name.clone();
        LauncherError::Lost { name, why, log }
    }
}

impl Drop for Launcher {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What the launcher could not be asked for.
fn check(order: &Order) -> Result<(), LauncherError> {
    let wrong = |words: String| Err(LauncherError::Order(words));
    let nul = |text: &String| text.contains('\0');
    if order.places.is_empty() || order.places.len() > MAX_RUNS {
        let asked = order.places.len();
        return wrong(format!("an order has 1 to {MAX_RUNS} runs, not {asked}"));
    }
    if order.argv.is_empty() || order.argv.iter().any(nul) {
        return wrong("a command has a name, and no NUL in its arguments".to_owned());
    }
    let is_wrong = |(name, value): (&String, &String)| {
        name.is_empty() || name.contains('=') || nul(name) || nul(value)
    };
    if let Some((name, _)) = order.env.iter().find(|pair| is_wrong(*pair)) {
        return wrong(format!("the variable {name:?} cannot be in an environment"));
    }
    let mut paths = order.places.iter().chain([&order.program, &order.at]);
    if let Some(path) = paths.find(|path| path.to_str().is_none()) {
        let path = path.display();
        return wrong(format!("the path `{path}` is not UTF-8 text"));
    }
    if order.cpus.as_ref().is_some_and(Vec::is_empty) {
        return wrong("a set of CPUs has at least one".to_owned());
    }
    Ok(())
}

fn captured(file: OwnedFd, kept: u64) -> io::Result<Captured> {
    let file = File::from(file);
    let size = file.metadata()?.len();
    let mut bytes = vec![0; size.min(kept) as usize];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(Captured {
        bytes,
        size,
        truncated: size > kept,
    })
}

/// Serves nothing.
///
/// # Errors
/// Always: commands are run on Linux only.
#[cfg(not(target_os = "linux"))]
pub fn serve() -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
