//! Running programs one after the other, each with figures of its own.
//!
//! A process is made by `fork`, not by `vfork`: a program that is executed after `vfork` (or
//! `posix_spawn`) starts with the peak resident set of its *parent*, one after `fork` with what was copied
//! of the parent, which is its private memory alone. Measured on `true`: 1.0 MB after `fork`, 2.1 MB after
//! `vfork` from a program of 2.1 MB, and 5.9 MB if Understudy itself, freshly started, is that parent.
//! `fork` takes 80 us longer; that is before the clock of the run starts, which the new process reads
//! itself, as its last act before it executes the program.

use super::members::lives;
use super::spawn::{close_inherited, cpu_set};
use super::watch::{self, Watching};
use crate::{Event, How, LeftBehind, Measured, Program, Transferred, Usage};
use procfs::process::{Stat, all_processes};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{
    Pid, PidfdFlags, Resource, Rlimit, Signal, getpid, getppid, kill_process, kill_process_group,
    pidfd_open, set_child_subreaper, set_parent_process_death_signal, setpgid, setrlimit, umask,
};
use rustix::thread::sched_setaffinity;
use rustix::time::{ClockId, clock_gettime};
use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// How long SIGKILL may take.
const KILL_WITHIN: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(1);

/// Runs programs and measures each. Every descendant of this process is its business, so only a process
/// that does nothing else may have one, and one thread only.
#[derive(Debug)]
pub struct Runner {
    /// Through which a new process reports when it executed the program.
    clock: (OwnedFd, OwnedFd),
    floor: Usage,
}

/// A program that runs. Dropping it does not stop it: see [`Runner::clear`].
#[derive(Debug)]
pub struct Running {
    pid: Pid,
    pidfd: OwnedFd,
    asked_ns: u64,
    executed_ns: u64,
    ended_ns: Option<u64>,
    watching: Option<Watching>,
}

impl Runner {
    /// Makes this process one that runs programs: orphans among its descendants become its children, and
    /// it lives on when its parent ends, to stop what it has started.
    ///
    /// # Errors
    /// The kernel's word.
    pub fn new() -> io::Result<Runner> {
        set_child_subreaper(Some(getpid()))?;
        set_parent_process_death_signal(None)?;
        let (read, write) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        let mut runner = Runner {
            clock: (read, write),
            floor: Usage::default(),
        };
        runner.floor = runner.measure_floor()?;
        Ok(runner)
    }

    /// What a process has used by the time it executes its program: part of the figures of each run, and
    /// the smallest peak that can be seen.
    pub fn floor(&self) -> Usage {
        self.floor
    }

    /// Makes a process whose program does not exist: it ends where another would execute it.
    fn measure_floor(&self) -> io::Result<Usage> {
        let null = || File::options().read(true).write(true).open("/dev/null");
        let program = Program {
            path: Path::new("/dev/null/none"),
            argv: &["none".to_owned()],
            env: &BTreeMap::new(),
            dir: Path::new("/"),
            stdin: null()?,
            stdout: null()?,
            stderr: null()?,
            cpus: None,
            umask: 0o022,
            file_limit: None,
            watched: None,
        };
        match self.start(program) {
            Ok(_) => Err(io::Error::other("`/dev/null` is a directory")),
            // It is the only child so far that was waited for.
            Err(_) => usage_of_children(),
        }
    }

    /// Starts a program in a process group of its own.
    ///
    /// # Errors
    /// The system's word on why it cannot be executed.
    pub fn start(&self, program: Program<'_>) -> io::Result<Running> {
        let (name, rest) = program
            .argv
            .split_first()
            .ok_or_else(|| io::Error::other("it has no name"))?;
        let mut command = Command::new(program.path);
        command
            .arg0(name)
            .args(rest)
            .env_clear()
            .envs(program.env)
            .current_dir(program.dir)
            .stdin(program.stdin)
            .stdout(program.stdout)
            .stderr(program.stderr);
        let parent = getpid();
        let set = program.cpus.map(cpu_set);
        let mask = Mode::from_raw_mode(program.umask);
        let limit = program.file_limit;
        let clock = self.clock.1.try_clone()?;
        let (filter, awaited) = match program.watched {
            Some(_) => watch::prepare_for(program.path)?.unzip(),
            None => (None, None),
        };
        let prepare = move || {
            setpgid(None, None)?;
            set_parent_process_death_signal(Some(Signal::KILL))?;
            if getppid() != Some(parent) {
                // The launcher ended before the line above: its death will not be signalled.
                return Err(io::Error::from_raw_os_error(libc::ESRCH));
            }
            if let Some(set) = &set {
                sched_setaffinity(None, set)?;
            }
            if limit.is_some() {
                let both = Rlimit {
                    current: limit,
                    maximum: limit,
                };
                setrlimit(Resource::Fsize, both)?;
            }
            umask(mask);
            close_inherited();
            if let Some(filter) = &filter {
                filter.install()?;
            }
            rustix::io::write(&clock, &now_ns().to_ne_bytes())?;
            Ok(())
        };
        #[expect(unsafe_code, reason = "nothing safe runs code between fork and exec")]
        // SAFETY: `prepare` only makes system calls: it takes no lock and allocates no memory, so
        // it cannot meet a lock that another thread held at the fork.
        unsafe {
            command.pre_exec(prepare);
        }
        let asked_ns = now_ns();
        let process = command.spawn();
        let executed_ns = self.executed();
        let pid = Pid::from_child(&process?);
        let pidfd = pidfd_open(pid, PidfdFlags::empty())?;
        // The process sent its listener before it executed the program, and waits at its first call that is reported.
        let watching = program
            .watched
            .map(|watched| Watching::new(watched, awaited));
        Ok(Running {
            pid,
            pidfd,
            asked_ns,
            executed_ns: executed_ns.unwrap_or(asked_ns),
            ended_ns: None,
            watching,
        })
    }

    /// When the process that was made last executed its program; `None` if it did not come to that.
    fn executed(&self) -> Option<u64> {
        let mut bytes = [0; 8];
        let read = rustix::io::read(&self.clock.0, &mut bytes).ok()?;
        (read == bytes.len()).then(|| u64::from_ne_bytes(bytes))
    }

    /// Kills whatever still lives below this process, and reaps it.
    ///
    /// # Errors
    /// Processes that outlive SIGKILL: they sleep in the kernel.
    pub fn clear(&self) -> io::Result<LeftBehind> {
        let deadline = Instant::now() + KILL_WITHIN;
        let mut left = LeftBehind::default();
        let mut seen = HashSet::new();
        loop {
            match wait_any()? {
                Waited::NoChild => return Ok(left),
                Waited::Reaped(usage) => left.cpu_us += usage.user_us + usage.system_us,
                Waited::AllLive => {
                    for process in descendants() {
                        if seen.insert(process.pid) {
                            left.names.push(process.comm);
                        }
                        let _ =
                            Pid::from_raw(process.pid).map(|pid| kill_process(pid, Signal::KILL));
                    }
                    if Instant::now() >= deadline {
                        let living: Vec<i32> = seen.into_iter().filter(|pid| lives(*pid)).collect();
                        let words = format!("SIGKILL did not end the processes {living:?}");
                        return Err(io::Error::other(words));
                    }
                    std::thread::sleep(POLL);
                }
            }
        }
    }
}

impl Running {
    /// Its process and, as long as it has not been reaped, its process group.
    pub fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get() as u32
    }

    /// When it executed the program, nanoseconds of the monotonic clock.
    pub fn executed_ns(&self) -> u64 {
        self.executed_ns
    }

    /// Takes what observes which files it changes, once it has ended; `None` if that was not asked for.
    pub fn take_watching(&mut self) -> Option<Watching> {
        self.watching.take()
    }

    /// Waits until it has ended, until the other file can be read, or until this time of the monotonic
    /// clock. The end comes first if there are several. Meanwhile every call that is reported is answered.
    ///
    /// # Errors
    /// The kernel's word.
    pub fn wait(&mut self, until_ns: u64, other: BorrowedFd<'_>) -> io::Result<Event> {
        loop {
            let left = Duration::from_nanos(until_ns.saturating_sub(now_ns()));
            let left = Timespec {
                tv_sec: left.as_secs() as i64,
                tv_nsec: i64::from(left.subsec_nanos()),
            };
            let ended = PollFd::from_borrowed_fd(self.pidfd.as_fd(), PollFlags::IN);
            let other = PollFd::from_borrowed_fd(other, PollFlags::IN | PollFlags::RDHUP);
            let listener = self.watching.as_ref().and_then(Watching::listener);
            let calls = listener.map(|calls| PollFd::from_borrowed_fd(calls, PollFlags::IN));
            let (mut two, mut three);
            let files: &mut [PollFd<'_>] = match calls {
                Some(calls) => {
                    three = [ended, other, calls];
                    &mut three
                }
                None => {
                    two = [ended, other];
                    &mut two
                }
            };
            match poll(files, Some(&left)) {
                Err(rustix::io::Errno::INTR) => continue,
                ready => ready?,
            };
            let now = now_ns();
            let came = |file: usize| files.get(file).map_or(PollFlags::empty(), PollFd::revents);
            let (ended, readable, calls) = (came(0), came(1), came(2));
            self.answer(calls);
            if !ended.is_empty() {
                self.ended_ns.get_or_insert(now);
                return Ok(Event::Ended);
            }
            if !readable.is_empty() {
                return Ok(Event::Readable);
            }
            // Calls that come one after the other are no reason to miss the time.
            if now >= until_ns {
                return Ok(Event::TimeOver);
            }
        }
    }

    /// Answers a call that `poll` reported: before all else, since its process waits.
    fn answer(&mut self, reported: PollFlags) {
        let Some(watching) = &mut self.watching else {
            return;
        };
        if reported.contains(PollFlags::IN) {
            watching.serve();
        } else if !reported.is_empty() {
            watching.close();
        }
    }

    /// Kills it and its process group, and waits for its end.
    ///
    /// # Errors
    /// It outlives SIGKILL: it sleeps in the kernel.
    pub fn kill(&mut self) -> io::Result<()> {
        let _ = kill_process_group(self.pid, Signal::KILL);
        let mut files = [PollFd::from_borrowed_fd(self.pidfd.as_fd(), PollFlags::IN)];
        let within = Timespec {
            tv_sec: KILL_WITHIN.as_secs() as i64,
            tv_nsec: 0,
        };
        let ended = poll(&mut files, Some(&within))? > 0;
        if !ended {
            let words = format!("SIGKILL did not end process {}", self.pid());
            return Err(io::Error::other(words));
        }
        self.ended_ns.get_or_insert_with(now_ns);
        Ok(())
    }

    /// Takes its figures, and with them its place in the table of processes. Waits for its end.
    ///
    /// # Errors
    /// The kernel's word.
    pub fn reap(self) -> io::Result<Measured> {
        // What it read and wrote is kept until it is reaped, unlike its memory.
        let transferred = transferred(self.pid);
        let (status, usage) = wait4(self.pid.as_raw_nonzero().get(), 0)?
            .ok_or_else(|| io::Error::other("it has not ended"))?;
        Ok(Measured {
            how: how(status),
            wall_ns: self.ended_ns.unwrap_or_else(now_ns) - self.executed_ns,
            launch_ns: self.executed_ns - self.asked_ns,
            usage,
            transferred,
        })
    }
}

fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

fn how(status: i32) -> How {
    match (libc::WIFEXITED(status), libc::WIFSIGNALED(status)) {
        (true, _) => How::Code(libc::WEXITSTATUS(status)),
        (_, true) => How::Signal(libc::WTERMSIG(status)),
        _ => How::Unknown,
    }
}

enum Waited {
    NoChild,
    AllLive,
    Reaped(Usage),
}

fn wait_any() -> io::Result<Waited> {
    match wait4(-1, libc::WNOHANG) {
        Ok(Some((_, usage))) => Ok(Waited::Reaped(usage)),
        Ok(None) => Ok(Waited::AllLive),
        Err(error) if error.raw_os_error() == Some(libc::ECHILD) => Ok(Waited::NoChild),
        Err(error) => Err(error),
    }
}

/// Status and usage of a child that has ended.
fn wait4(pid: i32, options: i32) -> io::Result<Option<(i32, Usage)>> {
    let mut status = 0;
    let mut used = no_usage();
    loop {
        #[expect(unsafe_code, reason = "neither std nor rustix offers wait4")]
        // SAFETY: both places are written to and live through the call.
        let ended = unsafe { libc::wait4(pid, &raw mut status, options, &raw mut used) };
        match ended {
            0 => return Ok(None),
            -1 => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => {}
                error => return Err(error),
            },
            _ => return Ok(Some((status, usage(&used)))),
        }
    }
}

/// Of all children together that were waited for.
fn usage_of_children() -> io::Result<Usage> {
    let mut used = no_usage();
    #[expect(unsafe_code, reason = "neither std nor rustix offers getrusage")]
    // SAFETY: the place is written to and lives through the call.
    let refused = unsafe { libc::getrusage(libc::RUSAGE_CHILDREN, &raw mut used) };
    match refused {
        0 => Ok(usage(&used)),
        _ => Err(io::Error::last_os_error()),
    }
}

fn no_usage() -> libc::rusage {
    #[expect(
        unsafe_code,
        reason = "it has private fields, so it cannot be written out"
    )]
    // SAFETY: it consists of numbers, for which zeros are a value.
    unsafe {
        std::mem::zeroed()
    }
}

fn usage(of: &libc::rusage) -> Usage {
    let micros = |time: libc::timeval| time.tv_sec as u64 * 1_000_000 + time.tv_usec as u64;
    Usage {
        user_us: micros(of.ru_utime),
        system_us: micros(of.ru_stime),
        peak_rss_bytes: of.ru_maxrss as u64 * 1024,
        minor_faults: of.ru_minflt as u64,
        major_faults: of.ru_majflt as u64,
        voluntary_switches: of.ru_nvcsw as u64,
        involuntary_switches: of.ru_nivcsw as u64,
        blocks_in: of.ru_inblock as u64,
        blocks_out: of.ru_oublock as u64,
    }
}

/// From `/proc/PID/io`, which is there until the process is reaped.
fn transferred(pid: Pid) -> Option<Transferred> {
    let path = format!("/proc/{}/io", pid.as_raw_nonzero());
    let file =
        rustix::fs::openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let mut bytes = [0; 512];
    let read = rustix::io::read(&file, &mut bytes).ok()?;
    let text = std::str::from_utf8(&bytes[..read]).ok()?;
    let number = |key: &str| -> Option<u64> {
        let mut lines = text.lines();
        lines.find_map(|line| line.strip_prefix(key)?.trim().parse().ok())
    };
    Some(Transferred {
        read_bytes: number("rchar:")?,
        // The time that the process reported is none of the program's.
        written_bytes: number("wchar:")?.saturating_sub(size_of::<u64>() as u64),
    })
}

/// The live processes below this one.
fn descendants() -> Vec<Stat> {
    let all: Vec<Stat> = all_processes()
        .map(|all| {
            all.filter_map(|process| process.ok()?.stat().ok())
                .collect()
        })
        .unwrap_or_default();
    let below = super::members::with_descendants(&all, [std::process::id() as i32].into());
    let me = std::process::id() as i32;
    let is_left = |stat: &Stat| stat.pid != me && below.contains(&stat.pid) && stat.state != 'Z';
    all.into_iter().filter(is_left).collect()
}
