//! A service that runs already, observed while it is loaded or watched.

use super::ProfileArgs;
use crate::exit::{Failure, usage};
use anyhow::Context;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use understudy_host::{CpuList, Machine, allowed_cpus};
use understudy_model::profile::Used;
use understudy_observe::Attach;
use understudy_observe::Listener;
use understudy_observe::resources::Others;
use understudy_observe::{Circumstances, Witness};
use understudy_probe::Given;
use understudy_trial::single;

/// A service that runs already.
pub(super) struct Attended {
    attach: Option<Attach>,
    given: Given,
    listener: Option<Listener>,
    others: Others,
    /// The CPUs that are watched.
    cpus: CpuList,
    /// Where a JVM logs; it goes after the listener, which ends that.
    _folder: Option<TempDir>,
}

impl Attended {
    /// Begins to listen, to a log that is there already or to a JVM. Nothing is sent before.
    pub(super) fn begin(args: &ProfileArgs, log: Option<Listener>) -> Result<Self, Failure> {
        let attach = args.attach();
        let given = attach.as_ref().map(Attach::given).unwrap_or_default();
        let (listener, folder) = match (log, args.jvm) {
            (None, Some(pid)) => listen_to(pid).map(|(jvm, folder)| (Some(jvm), Some(folder)))?,
            (log, _) => (log, None),
        };
        Ok(Attended {
            cpus: apart(&given, args.generator.cpus.as_ref()),
            others: match args.watch {
                true => Others::LeftOut,
                false => Others::Observed,
            },
            attach,
            given,
            listener,
            _folder: folder,
        })
    }

    /// Observes while `load` runs and to the end of the window.
    pub(super) fn attend<T>(
        &mut self,
        window: (Duration, Duration),
        stop: &AtomicBool,
        load: impl FnOnce(&dyn Fn(Instant)) -> T,
    ) -> (T, Circumstances) {
        let witness = Witness {
            others: self.others,
            sampler: self.attach.as_ref().and_then(|one| one.sampler().ok()),
            listener: self.listener.as_mut(),
            cpus: &self.cpus,
            window,
            stop,
        };
        witness.attend(load)
    }

    pub(super) fn attach(&self) -> Option<&Attach> {
        self.attach.as_ref()
    }

    /// What was used, held against what it is given.
    pub(super) fn used(&self, seen: &Circumstances) -> Option<Used> {
        let machine = Machine::look();
        let mut used = single::used(&seen.measured.samples, &self.given, machine.memory_bytes)?;
        let now = self
            .attach
            .as_ref()?
            .sampler()
            .and_then(|mut all| all.sample(false));
        used.memory.peak_since_start_bytes = now.ok().map(|sample| sample.peak_rss_bytes as f64);
        Some(used)
    }

    /// What could not be seen, in sentences.
    pub(super) fn not_seen(&self, seen: &Circumstances, used: Option<&Used>) -> Vec<String> {
        let mut sentences = Vec::new();
        match (&self.attach, &seen.measured.figures.unmeasured) {
            (None, _) => sentences.push(
                "its CPU and memory: no process was named (--pid, --jvm, --cgroup)".to_owned(),
            ),
            (Some(_), Some(why)) => {
                sentences.push(format!("its CPU and memory from then on: {why}"));
            }
            (Some(_), None) => {}
        }
        if let (Some(Attach::Pid(_) | Attach::Jvm(_)), Some(used)) = (&self.attach, used) {
            if used.memory.peak_pss_bytes.is_none() {
                sentences.push(
                    "its proportional set and open files: only its user and root may look"
                        .to_owned(),
                );
            }
            sentences.push("throttling and pressure: name its control group (--cgroup)".to_owned());
        }
        sentences.extend(self.pauses_not_seen());
        sentences
    }

    /// Why pauses of its runtime are not recorded, or not all of them.
    fn pauses_not_seen(&self) -> Option<String> {
        let why = match &self.listener {
            None => {
                "--jvm PID asks a JVM, --runtime-log FILE reads what is logged".to_owned()
            }
            Some(listener) => match listener.missing() {
                Some(missing) => missing,
                None if listener.runtime().is_some() => return None,
                None => "the log holds no line of a runtime (GODEBUG=gctrace=1, -Xlog:gc,safepoint, --trace-gc)".to_owned(),
            },
        };
        Some(format!("pauses of its runtime: {why}"))
    }

    /// Processes whose pauses were recorded.
    pub(super) fn paused_processes(&self) -> usize {
        self.listener.as_ref().map_or(1, Listener::processes)
    }
}

/// Asks a JVM to log its pauses.
fn listen_to(pid: u32) -> Result<(Listener, TempDir), Failure> {
    let folder =
        TempDir::with_prefix("understudy-").context("no folder can be made for the log")?;
    let listener = Listener::of_jvm(pid, "profile", folder.path())
        .map_err(|error| usage(format!("--jvm: {error}")))?;
    Ok((listener, folder))
}

/// The CPUs that a service runs on, without those of the generator where others are left.
fn apart(given: &Given, generator: Option<&CpuList>) -> CpuList {
    let runs_on = match given.runs_on.as_slice() {
        [] => allowed_cpus(),
        cpus => CpuList::new(cpus.iter().copied()),
    };
    let taken = generator.map_or(&[][..], CpuList::as_slice);
    let left = runs_on.as_slice().iter().filter(|cpu| !taken.contains(cpu));
    match CpuList::new(left.copied()) {
        left if left.as_slice().is_empty() => runs_on,
        left => left,
    }
}
