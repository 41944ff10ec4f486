use super::guard::{Word, notify};
use super::members::{Family, Member, running_thread};
use super::sampler::Sampler;
use crate::{Exit, FreezeError, How, Launch, Listener, SampleError, StopError};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, WaitIdStatus, WaitOptions};
use rustix::process::{kill_process, kill_process_group, waitid, waitpid};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A program that Understudy started, with all its descendants. Dropping it stops it.
#[derive(Debug)]
pub struct Child {
    name: String,
    process: std::process::Child,
    family: Family,
    log: PathBuf,
    log_start: u64,
    cpus: Vec<u32>,
    unmeasured: Vec<String>,
    stopped: Option<Exit>,
}

/// How long SIGSTOP and SIGCONT may take to show.
const FREEZE_WITHIN: Duration = Duration::from_secs(2);
/// How long SIGKILL may take.
const KILL_WITHIN: Duration = Duration::from_secs(5);
/// The grace of a child that is dropped.
const DROP_GRACE: Duration = Duration::from_millis(200);
const POLL: Duration = Duration::from_millis(2);

impl Child {
    pub(super) fn new(
        launch: &Launch,
        process: std::process::Child,
        family: Family,
        log_start: u64,
        cpus: Vec<u32>,
        unmeasured: Vec<String>,
    ) -> Child {
        let (name, log) = (launch.name.clone(), launch.log.clone());
        Child {
            name,
            process,
            family,
            log,
            log_start,
            cpus,
            unmeasured,
            stopped: None,
        }
    }

    /// What messages call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The process that was launched.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// The CPUs it was given.
    pub fn cpus(&self) -> &[u32] {
        &self.cpus
    }

    /// Its log file.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Length of the log when it was started, bytes: what follows is its own.
    pub(crate) fn log_start(&self) -> u64 {
        self.log_start
    }

    /// What about it is not limited or not measured, one sentence each, without full stop.
    pub fn unmeasured(&self) -> &[String] {
        &self.unmeasured
    }

    /// How the launched process ended; `None` while it runs.
    pub fn exited(&mut self) -> Option<Exit> {
        if self.stopped.is_some() {
            return self.stopped;
        }
        // The process is left a zombie until `stop`, so that its id names no other process.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let how = match waitid(WaitId::Pid(Pid::from_child(&self.process)), options) {
            Ok(None) | Err(rustix::io::Errno::INTR) => return None,
            Ok(Some(status)) => how(&status),
            Err(_) => How::Unknown,
        };
        Some(Exit {
            how,
            out_of_memory: self.out_of_memory(),
        })
    }

    fn out_of_memory(&self) -> bool {
        self.memory_kills().is_some_and(|kills| kills > 0)
    }

    /// How many of its processes were killed because its memory limit was reached; `None` without a
    /// control group that counts them.
    pub fn memory_kills(&self) -> Option<u64> {
        let group = self.family.group.as_ref();
        group.and_then(|g| super::cgroup::GroupFiles::open(g).oom_kills(&mut Vec::new()))
    }

    /// Highest memory of its control group, page cache and kernel memory included, bytes; `None` without a
    /// group that counts it.
    pub fn memory_peak_bytes(&self) -> Option<u64> {
        let group = self.family.group.as_ref();
        group.and_then(|g| super::cgroup::GroupFiles::open(g).memory_peak_bytes(&mut Vec::new()))
    }

    /// The ids of its live processes.
    pub fn pids(&self) -> Vec<u32> {
        self.living()
            .iter()
            .map(|member| member.pid as u32)
            .collect()
    }

    fn living(&self) -> Vec<Member> {
        let mut members = if self.stopped.is_some() {
            Vec::new()
        } else {
            self.family.members()
        };
        members.retain(|member| !member.ended());
        members
    }

    /// Reads its use of CPU and memory.
    ///
    /// # Errors
    /// When it has ended.
    pub fn sampler(&self) -> Result<Sampler, SampleError> {
        Sampler::of_family(self.family.clone())
    }

    /// Who listens on this TCP port?
    pub fn listener(&self, port: u16) -> Listener {
        super::listener::listener(port, &self.living())
    }

    /// Its processes that hold a socket which listens on this TCP port.
    pub fn serving(&self, port: u16) -> Vec<u32> {
        super::listener::serving(port, &self.living())
    }

    /// Stops every process where it is (SIGSTOP), and returns when all threads are stopped. A
    /// frozen child is still killed if Understudy dies, unlike one in the cgroup freezer.
    ///
    /// # Errors
    /// When it has ended, or a process does not stop within 2 s.
    pub fn freeze(&mut self) -> Result<(), FreezeError> {
        if let Some(exit) = self.exited() {
            return Err(FreezeError::Ended {
                name: self.name.clone(),
                exit,
            });
        }
        let running = |member: &Member| running_thread(member.pid);
        self.signal_until(Signal::STOP, "stop", running)
    }

    /// Lets every process continue. A child that has ended is not an error.
    ///
    /// # Errors
    /// When a process does not continue within 2 s.
    pub fn thaw(&mut self) -> Result<(), FreezeError> {
        let standing = |member: &Member| (member.state == 'T').then_some(member.state);
        self.signal_until(Signal::CONT, "continue", standing)
    }

    /// Sends the signal to every process that `pending` (its state) is true of, until twice in a
    /// row there is none: a process may fork while the others are read.
    fn signal_until(
        &self,
        signal: Signal,
        verb: &'static str,
        pending: impl Fn(&Member) -> Option<char>,
    ) -> Result<(), FreezeError> {
        let deadline = Instant::now() + FREEZE_WITHIN;
        let mut clean = 0;
        while clean < 2 {
            let members = self.living();
            let waiting = members
                .iter()
                .find_map(|m| pending(m).map(|state| (m.pid, state)));
            let Some((pid, state)) = waiting else {
                clean += 1;
                continue;
            };
            clean = 0;
            if Instant::now() >= deadline {
                let within_ms = FREEZE_WITHIN.as_millis() as u64;
                let (name, pid) = (self.name.clone(), pid as u32);
                return Err(FreezeError::Stuck {
                    name,
                    pid,
                    verb,
                    within_ms,
                    state,
                });
            }
            send(&members, signal);
            std::thread::sleep(POLL);
        }
        Ok(())
    }

    /// Ends it: SIGTERM to its process group, up to `grace` for all of it to end, then SIGKILL to
    /// every process of its group, session, cgroup and descent; reaps them and removes the cgroup.
    /// Calling it again returns the same exit.
    ///
    /// # Errors
    /// When a process outlives SIGKILL by 5 s, or the cgroup cannot be removed.
    pub fn stop(&mut self, grace: Duration) -> Result<Exit, StopError> {
        if let Some(exit) = self.stopped {
            return Ok(exit);
        }
        // Failures of signals show in the processes that survive.
        let _ = kill_process_group(self.root(), Signal::TERM);
        send(&self.living(), Signal::CONT);
        let mut seen = self.await_end(Instant::now() + grace);
        self.kill(&mut seen)?;
        self.reap_orphans(&seen);
        let exit = self.reap()?;
        notify(Word::Ended(self.family.root));
        if let Some(group) = &self.family.group {
            group.remove().map_err(|(path, source)| StopError::Cgroup {
                name: self.name.clone(),
                path,
                source,
            })?;
        }
        Ok(exit)
    }

    fn root(&self) -> Pid {
        Pid::from_child(&self.process)
    }

    /// Waits until nothing of it lives. Returns every process it saw on the way.
    fn await_end(&self, deadline: Instant) -> HashSet<i32> {
        let mut seen = HashSet::new();
        loop {
            let living = self.living();
            seen.extend(living.iter().map(|member| member.pid));
            if living.is_empty() || Instant::now() >= deadline {
                return seen;
            }
            std::thread::sleep(POLL);
        }
    }

    fn kill(&self, seen: &mut HashSet<i32>) -> Result<(), StopError> {
        let deadline = Instant::now() + KILL_WITHIN;
        loop {
            let members = self.family.members();
            seen.extend(members.iter().map(|member| member.pid));
            let living: Vec<Member> = members.into_iter().filter(|m| !m.ended()).collect();
            if living.is_empty() {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(StopError::Survivors {
                    name: self.name.clone(),
                    within_ms: KILL_WITHIN.as_millis() as u64,
                    pids: living.iter().map(|m| m.pid as u32).collect(),
                });
            }
            send(&living, Signal::KILL);
            std::thread::sleep(POLL);
        }
    }

    /// Reaps the dead whose parents ended before them: those are Understudy's children now (it is
    /// the subreaper). A zombie does not show its former parent, so this uses those seen alive.
    fn reap_orphans(&self, seen: &HashSet<i32>) {
        for pid in seen.iter().filter(|pid| **pid != self.family.root) {
            if let Some(pid) = Pid::from_raw(*pid) {
                let _ = waitpid(Some(pid), WaitOptions::NOHANG);
            }
        }
    }

    /// Takes the exit status of the launched process, which has ended.
    fn reap(&mut self) -> Result<Exit, StopError> {
        let exit = self.exited().unwrap_or(Exit {
            how: How::Unknown,
            out_of_memory: false,
        });
        if exit.how != How::Unknown {
            let wait = |source| StopError::Wait {
                name: self.name.clone(),
                source,
            };
            self.process.wait().map_err(wait)?;
        }
        self.stopped = Some(exit);
        Ok(exit)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // A drop cannot return an error; the next start sweeps what could not be removed.
        let _ = self.stop(DROP_GRACE);
    }
}

fn how(status: &WaitIdStatus) -> How {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => How::Code(code),
        (None, Some(signal)) => How::Signal(signal),
        (None, None) => How::Unknown,
    }
}

/// Sends a signal to each; one that has just ended is not an error.
fn send(members: &[Member], signal: Signal) {
    for pid in members
        .iter()
        .filter_map(|member| Pid::from_raw(member.pid))
    {
        let _ = kill_process(pid, signal);
    }
}
