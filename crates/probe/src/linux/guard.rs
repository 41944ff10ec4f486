//! What still happens after SIGKILL: a process that waits for Understudy's end and stops what it
//! started.

use super::cgroup::Cgroups;
use super::members::{MARK, lives, with_descendants};
use procfs::process::{Stat, all_processes};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::HashSet;
use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child as Process, ChildStdin, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// What the guard is sent: a session that began or ended, and at last that nothing is left to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Began(i32),
    Ended(i32),
    Dismissed,
}
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

/// The line to the guard of this process, if it has one.
static LINE: Mutex<Option<ChildStdin>> = Mutex::new(None);

/// Notifies the guard. A guard that has gone is not a reason to stop measuring.
pub(super) fn notify(word: Word) {
    let text = match word {
        Word::Began(session) => format!("began {session}\n"),
        Word::Ended(session) => format!("ended {session}\n"),
        Word::Dismissed => "dismissed\n".to_owned(),
    };
    if let Ok(mut line) = LINE.lock()
        && let Some(line) = line.as_mut()
    {
        let _ = line.write_all(text.as_bytes());
    }
}

impl Word {
    fn parse(line: &str) -> Option<Word> {
        match line.split_once(' ') {
            Some(("began", session)) => session.parse().ok().map(Word::Began),
            Some(("ended", session)) => session.parse().ok().map(Word::Ended),
            None if line == "dismissed" => Some(Word::Dismissed),
            _ => None,
        }
    }
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
        let mut process = command.spawn()?;
        if let Ok(mut line) = LINE.lock() {
            *line = process.stdin.take();
        }
        Ok(Guard { process })
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        notify(Word::Dismissed);
        if let Ok(mut line) = LINE.lock() {
            *line = None;
        }
        let _ = self.process.wait();
    }
}

/// Waits until `line` ends. Unless the guard was dismissed by then, ends every process that the
/// Understudy of this id has started, descendants included, and removes its control groups.
///
/// # Errors
/// The line cannot be read.
pub fn stand_guard(of: u32, line: impl Read, cgroups: &Cgroups) -> io::Result<()> {
    let mut sessions = HashSet::new();
    for said in BufReader::new(line).lines() {
        match Word::parse(&said?) {
            Some(Word::Began(session)) => drop(sessions.insert(session)),
            Some(Word::Ended(session)) => drop(sessions.remove(&session)),
            Some(Word::Dismissed) => return Ok(()),
            None => {}
        }
    }
    let deadline = Instant::now() + WITHIN;
    while lives(of as i32) && Instant::now() < deadline {
        std::thread::sleep(POLL);
    }
    // Twice nothing: one that forks while the others are looked at shows the second time.
    let mut clean = 0;
    while clean < 2 && Instant::now() < deadline {
        clean = match kill_left(of, &sessions) {
            0 => clean + 1,
            _ => 0,
        };
        std::thread::sleep(POLL);
    }
    cgroups.sweep();
    Ok(())
}

/// Kills what is left: of a session that a child began (its number is not used again while the session
/// has a process), with the mark of an Understudy in its environment, or below one of these. Returns how many there were.
fn kill_left(of: u32, sessions: &HashSet<i32>) -> usize {
    let mark = format!("understudy-{of}-");
    let marked = |process: &procfs::process::Process| {
        let environ = process.environ().unwrap_or_default();
        let value = environ.get(OsStr::new(MARK));
        value.is_some_and(|value| value.to_string_lossy().starts_with(&mark))
    };
    let all = all_processes().into_iter().flatten().flatten();
    let all: Vec<(procfs::process::Process, Stat)> = all
        .filter_map(|process| process.stat().ok().map(|stat| (process, stat)))
        .collect();
    let roots = all
        .iter()
        .filter(|(process, stat)| sessions.contains(&stat.session) || marked(process))
        .map(|(_, stat)| stat.pid)
        .collect();
    // What left the session and has no mark, as what a launcher runs, is still below a process that is in it.
    let stats: Vec<Stat> = all.into_iter().map(|(_, stat)| stat).collect();
    let left = with_descendants(&stats, roots);
    let living = stats.iter().filter(|stat| stat.state != 'Z');
    living
        .filter(|stat| left.contains(&stat.pid))
        .filter_map(|stat| Pid::from_raw(stat.pid))
        .filter(|pid| kill_process(*pid, Signal::KILL).is_ok())
        .count()
}
