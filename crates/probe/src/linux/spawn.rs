//! Starting a child: its session, cgroup and CPUs are in place before its first instruction.

use super::cgroup::{Cgroups, Group};
use super::child::Child;
use super::guard::{Word, notify};
use super::members::{Family, MARK};
use crate::{Launch, LaunchError};
use rustix::process::{Pid, Signal, getpid, getppid, set_child_subreaper};
use rustix::process::{set_parent_process_death_signal, setsid};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity, set_current_timer_slack};
use std::fs::{File, OpenOptions};
use std::io;
use std::num::NonZeroU64;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{OnceLock, mpsc};

static NEXT: AtomicU32 = AtomicU32::new(1);

/// The kernel's default timer slack; a generator thread sets its own to 1 ns, which children of
/// that thread would inherit.
const TIMER_SLACK_NS: NonZeroU64 = NonZeroU64::new(50_000).expect("50,000 is not 0");

impl Launch {
    /// Starts it. What cannot be limited or measured is not an error: see [`Child::unmeasured`].
    ///
    /// May be called from any thread: the processes are made by one thread that lives as long as
    /// the program, since `PR_SET_PDEATHSIG` kills a child when the *thread* that made it ends.
    ///
    /// # Errors
    /// When the directory, the log or the program cannot be used.
    pub fn spawn(&self, cgroups: &Cgroups) -> Result<Child, LaunchError> {
        self.spawn_with(cgroups, Stdio::null())
    }

    /// The same, for a program that is spoken to: its standard input is the other end of the stream.
    ///
    /// # Errors
    /// As [`Launch::spawn`].
    pub fn spawn_connected(&self, cgroups: &Cgroups) -> Result<(Child, UnixStream), LaunchError> {
        let (ours, theirs) = UnixStream::pair().map_err(|source| LaunchError::Start {
            name: self.name.clone(),
            program: self.argv.first().cloned().unwrap_or_default(),
            dir: self.dir.clone(),
            source,
        })?;
        let child = self.spawn_with(cgroups, OwnedFd::from(theirs).into())?;
        Ok((child, ours))
    }

    fn spawn_with(&self, cgroups: &Cgroups, stdin: Stdio) -> Result<Child, LaunchError> {
        let name = || self.name.clone();
        let program = self
            .argv
            .first()
            .ok_or_else(|| LaunchError::Empty { name: name() })?
            .clone();
        if !self.dir.is_dir() {
            return Err(LaunchError::Directory {
                name: name(),
                dir: self.dir.clone(),
            });
        }
        let (log, log_start) = self.open_log()?;
        let mark = format!(
            "understudy-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let (cpus, mut unmeasured) = self.cpu_set();
        let (group, failures) = Group::create(cgroups, &mark);
        unmeasured.extend(failures);
        unmeasured.extend(match &group {
            Some(group) => group.limit(&self.limits, &cpus),
            None => self.unlimited(),
        });
        let command = self.command(&program, &mark, (stdin, log), &cpus, group.as_ref());
        let process = command.and_then(on_launcher).map_err(|source| {
            // An error of removal would hide the reason why nothing was started.
            group.iter().for_each(|group| drop(group.remove()));
            LaunchError::Start {
                name: name(),
                program,
                dir: self.dir.clone(),
                source,
            }
        })?;
        let root = process.id() as i32;
        notify(Word::Began(root));
        let group = joined(group, root, &mut unmeasured);
        unmeasured.extend(confined(root, &cpus));
        let family = Family {
            root,
            mark: Some(mark),
            group,
        };
        Ok(Child::new(
            self, process, family, log_start, cpus, unmeasured,
        ))
    }

    fn open_log(&self) -> Result<(File, u64), LaunchError> {
        let open = || {
            let log = OpenOptions::new()
                .append(true)
                .create(true)
                .mode(0o600)
                .open(&self.log)?;
            let length = log.metadata()?.len();
            Ok((log, length))
        };
        open().map_err(|source| LaunchError::Log {
            name: self.name.clone(),
            path: self.log.clone(),
            source,
        })
    }

    /// The CPUs it gets: a whole limit narrows the set to its first ones.
    fn cpu_set(&self) -> (Vec<u32>, Vec<String>) {
        let mut cpus = self
            .cpus
            .clone()
            .filter(|cpus| !cpus.is_empty())
            .unwrap_or_else(|| {
                sched_getaffinity(Some(getpid()))
                    .map(|set| numbers(&set))
                    .unwrap_or_default()
            });
        let Some(wanted) = self.limits.cpus.and_then(|cpus| cpus.whole()) else {
            return (cpus, Vec::new());
        };
        if cpus.len() < wanted {
            let sentence = format!("it has {} CPUs to run on, not {wanted}", cpus.len());
            return (cpus, vec![sentence]);
        }
        cpus.truncate(wanted);
        (cpus, Vec::new())
    }

    /// The limits that need a cgroup, when there is none.
    fn unlimited(&self) -> Vec<String> {
        let memory = self
            .limits
            .memory
            .map(|m| format!("memory is not limited to {m}"));
        let quota = self.limits.cpus.filter(|cpus| cpus.whole().is_none());
        let quota = quota.map(|c| format!("CPU time is not limited to {c} CPUs"));
        memory
            .into_iter()
            .chain(quota)
            .map(|what| what + " (no control group)")
            .collect()
    }

    fn command(
        &self,
        program: &str,
        mark: &str,
        (stdin, log): (Stdio, File),
        cpus: &[u32],
        group: Option<&Group>,
    ) -> io::Result<Command> {
        let mut command = Command::new(program);
        command
            .args(&self.argv[1..])
            .current_dir(&self.dir)
            .envs(&self.env)
            .env(MARK, mark)
            .stdin(stdin)
            .stdout(log.try_clone()?)
            .stderr(log);
        let parent = getpid();
        let set = cpu_set(cpus);
        let doors = group.map(Group::doors).transpose()?.unwrap_or_default();
        #[expect(unsafe_code, reason = "nothing safe runs code between fork and exec")]
        // SAFETY: `prepare` only makes system calls: it takes no lock and allocates no memory, so
        // it cannot meet a lock that another thread held at the fork.
        unsafe {
            command.pre_exec(move || prepare(parent, &set, &doors));
        }
        Ok(command)
    }
}

/// Runs in the child between fork and exec: async-signal-safe calls only.
///
/// A cgroup or CPU set that is refused does not end the child; the parent looks at what came of it.
fn prepare(parent: Pid, cpus: &CpuSet, doors: &[File]) -> io::Result<()> {
    setsid()?;
    set_parent_process_death_signal(Some(Signal::KILL))?;
    if getppid() != Some(parent) {
        // The parent ended before the line above: its death will not be signalled.
        return Err(io::Error::from_raw_os_error(libc::ESRCH));
    }
    for door in doors {
        let _ = rustix::io::write(door, b"0");
    }
    let _ = sched_setaffinity(None, cpus);
    let _ = set_current_timer_slack(Some(TIMER_SLACK_NS));
    close_inherited();
    Ok(())
}

/// Lets no file descriptor but the standard three outlive exec: Rust opens every file so, but
/// Understudy may itself have inherited some. Kernels before 5.11 refuse, and keep those.
pub(super) fn close_inherited() {
    #[expect(unsafe_code, reason = "neither std nor rustix offers close_range")]
    // SAFETY: marks descriptors close-on-exec and touches no memory.
    unsafe {
        libc::syscall(
            libc::SYS_close_range,
            3u32,
            u32::MAX,
            libc::CLOSE_RANGE_CLOEXEC,
        );
    }
}

fn joined(group: Option<Group>, root: i32, unmeasured: &mut Vec<String>) -> Option<Group> {
    let group = group?;
    let ended = || !super::members::lives(root);
    if group.holds(root) || ended() {
        return Some(group);
    }
    unmeasured.push(
        "the process may not enter its control group: it is neither limited nor measured there"
            .into(),
    );
    drop(group.remove());
    None
}

/// A sentence if the process runs on other CPUs than it should.
fn confined(root: i32, cpus: &[u32]) -> Option<String> {
    let set = sched_getaffinity(Pid::from_raw(root)).ok()?;
    let got = numbers(&set);
    let fits = got.iter().all(|cpu| cpus.contains(cpu));
    (!fits).then(|| format!("it was to run on CPUs {cpus:?} and may run on {got:?}"))
}

pub(super) fn cpu_set(cpus: &[u32]) -> CpuSet {
    let mut set = CpuSet::new();
    cpus.iter()
        .filter(|cpu| (**cpu as usize) < CpuSet::MAX_CPU)
        .for_each(|cpu| set.set(*cpu as usize));
    set
}

fn numbers(set: &CpuSet) -> Vec<u32> {
    (0..CpuSet::MAX_CPU)
        .filter(|cpu| set.is_set(*cpu))
        .map(|cpu| cpu as u32)
        .collect()
}

type Order = (Command, mpsc::Sender<io::Result<std::process::Child>>);

/// Starts a command on the thread that lives as long as the program.
fn on_launcher(command: Command) -> io::Result<std::process::Child> {
    static LAUNCHER: OnceLock<mpsc::Sender<Order>> = OnceLock::new();
    let launcher = match LAUNCHER.get() {
        Some(launcher) => launcher,
        None => {
            let fresh = start_launcher()?;
            // Of two threads that come here at once, one wins; the other's launcher has started
            // nothing and ends with its channel.
            LAUNCHER.get_or_init(|| fresh)
        }
    };
    let gone = || io::Error::other("the launching thread has ended");
    let (answer, started) = mpsc::channel();
    launcher.send((command, answer)).map_err(|_| gone())?;
    started.recv().map_err(|_| gone())?
}

fn start_launcher() -> io::Result<mpsc::Sender<Order>> {
    // Orphans of children come to Understudy instead of init, so that they can be found and reaped.
    set_child_subreaper(Some(getpid()))?;
    let (orders, inbox) = mpsc::channel::<Order>();
    std::thread::Builder::new()
        .name("launcher".into())
        .spawn(move || {
            for (mut command, answer) in inbox {
                // The send fails only if the caller's thread is gone, which then needs no answer.
                let _ = answer.send(command.spawn());
            }
        })?;
    Ok(orders)
}
