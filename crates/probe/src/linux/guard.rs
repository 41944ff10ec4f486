//! What still happens after SIGKILL: a process that waits for Understudy's end and stops what it
//! started.

use super::cgroup::Cgroups;
use super::members::{MARK, lives};
use procfs::process::all_processes;
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child as Process, Command, Stdio};
use std::time::{Duration, Instant};

/// What the guard is told when there is nothing left to do.
const DISMISSED: &[u8] = b"dismissed";
/// How long the guard tries.
const WITHIN: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(10);

/// A guard process. The kernel ends a child of Understudy with it (`PR_SET_PDEATHSIG`), but not the
/// children of that child; the guard notices the end of Understudy, however it came, and ends all.
/// Dropping this dismisses it.
#[derive(Debug)]
pub struct Guard {
    process: Process,
}

impl Guard {
    /// Starts the guard: a command that calls [`stand_guard`].
    ///
    /// # Errors
    /// The command cannot be started.
    pub fn start(mut command: Command) -> io::Result<Guard> {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A group of its own: Ctrl-C is not for the guard.
            .process_group(0);
        Ok(Guard {
            process: command.spawn()?,
        })
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // A guard that has gone already needs no dismissal.
        if let Some(mut line) = self.process.stdin.take() {
            let _ = line.write_all(DISMISSED);
        }
        let _ = self.process.wait();
    }
}

/// Waits until `line` ends. Unless the guard was dismissed by then, ends every process that the
/// Understudy of this id has started, descendants included, and removes its control groups.
///
/// # Errors
/// The line cannot be read.
pub fn stand_guard(of: u32, mut line: impl Read, cgroups: &Cgroups) -> io::Result<()> {
    let mut said = Vec::new();
    line.read_to_end(&mut said)?;
    if said == DISMISSED {
        return Ok(());
    }
    let deadline = Instant::now() + WITHIN;
    while lives(of as i32) && Instant::now() < deadline {
        std::thread::sleep(POLL);
    }
    // Twice nothing: one that forks while the others are looked at shows the second time.
    let mut clean = 0;
    while clean < 2 && Instant::now() < deadline {
        clean = match kill_marked(of) {
            0 => clean + 1,
            _ => 0,
        };
        std::thread::sleep(POLL);
    }
    cgroups.sweep();
    Ok(())
}

/// Kills what bears the mark of an Understudy; how many there were.
fn kill_marked(of: u32) -> usize {
    let mark = format!("understudy-{of}-");
    let processes = all_processes().into_iter().flatten().flatten();
    let marked = processes.filter(|process| {
        let environ = process.environ().unwrap_or_default();
        let value = environ.get(OsStr::new(MARK));
        value.is_some_and(|value| value.to_string_lossy().starts_with(&mark)) && lives(process.pid)
    });
    marked
        .filter_map(|process| Pid::from_raw(process.pid))
        .filter(|pid| kill_process(*pid, Signal::KILL).is_ok())
        .count()
}
