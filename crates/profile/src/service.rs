//! A service that runs already, observed while it is loaded or watched.

use crate::Window;
use crate::error::ProfileError;
use crate::not_seen;
use crate::pauses::pauses;
use crate::usage::used;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use understudy_host::{CpuList, Machine, allowed_cpus};
use understudy_judge::terms::Slo;
use understudy_model::profile::{RuntimePauses, Used};
use understudy_observe::resources::Others;
use understudy_observe::{Attach, Circumstances, Listener, Witness};
use understudy_probe::Given;

/// Where a service is observed.
#[derive(Debug, Default)]
pub struct ServiceConfig {
    /// Its processes; `None` where they are not known.
    pub attach: Option<Attach>,
    /// A log to which its runtime writes its pauses already; without it a JVM is asked for one.
    pub runtime_log: Option<Listener>,
    /// The CPUs of the generator: where the service may run on others, the machine is observed on those alone.
    pub generator_cpus: Option<CpuList>,
}

/// A service that runs already.
#[derive(Debug)]
pub struct Service {
    attach: Option<Attach>,
    given: Given,
    listener: Option<Listener>,
    /// The CPUs that are observed.
    cpus: CpuList,
    /// Where a JVM logs; it is removed after the listener, which ends that.
    _folder: Option<TempDir>,
}

impl Service {
    /// Begins to read a log that is there already, or asks a JVM for one. Nothing is sent before.
    ///
    /// # Errors
    /// A JVM does not log.
    pub fn attach(config: ServiceConfig) -> Result<Self, ProfileError> {
        let ServiceConfig {
            attach,
            runtime_log,
            generator_cpus,
        } = config;
        let (listener, folder) = match (runtime_log, &attach) {
            (None, Some(Attach::Jvm(pid))) => {
                let (jvm, folder) = log_of_jvm(*pid)?;
                (Some(jvm), Some(folder))
            }
            (log, _) => (log, None),
        };
        let given = attach.as_ref().map(Attach::given).unwrap_or_default();
        Ok(Service {
            cpus: observed_cpus(&given, generator_cpus.as_ref()),
            attach,
            given,
            listener,
            _folder: folder,
        })
    }

    /// What is observed: `process 4711`. Empty where no process is known.
    pub fn name(&self) -> String {
        self.attach
            .as_ref()
            .map_or_else(String::new, Attach::to_string)
    }

    pub(crate) fn attached(&self) -> Option<&Attach> {
        self.attach.as_ref()
    }

    /// Observes while `load` runs and to the end of the window; are other processes observed too?
    pub(crate) fn observe<T>(
        &mut self,
        window: (Duration, Duration),
        others: Others,
        stop: &AtomicBool,
        load: impl FnOnce(&dyn Fn(Instant)) -> T,
    ) -> (T, Circumstances) {
        let witness = Witness {
            others,
            sampler: self.attach.as_ref().and_then(|one| one.sampler().ok()),
            listener: self.listener.as_mut(),
            cpus: &self.cpus,
            window,
            stop,
        };
        witness.attend(load)
    }

    /// What was used, held against what it is given.
    pub(crate) fn used(&self, seen: &Circumstances) -> Option<Used> {
        let machine = Machine::look();
        let mut used = used(&seen.measured.samples, &self.given, machine.memory_bytes)?;
        let now = self
            .attach
            .as_ref()?
            .sampler()
            .and_then(|mut all| all.sample(false));
        used.memory.peak_since_start_bytes = now.ok().map(|sample| sample.peak_rss_bytes as f64);
        Some(used)
    }

    /// How its runtime stopped it in a window.
    pub(crate) fn pauses(
        &self,
        seen: &Circumstances,
        window: Window,
        slos: &[Slo],
    ) -> Option<RuntimePauses> {
        let processes = self.listener.as_ref().map_or(1, Listener::processes);
        pauses(&seen.happened, processes, window, slos)
    }

    /// What could not be seen, in sentences.
    pub(crate) fn not_seen(&self, seen: &Circumstances, used: Option<&Used>) -> Vec<String> {
        let unmeasured = seen.measured.figures.unmeasured.as_deref();
        let mut sentences = not_seen::of_resources(self.attach.as_ref(), unmeasured, used);
        sentences.extend(not_seen::of_pauses(self.listener.as_ref()));
        sentences
    }
}

/// Asks a JVM to log its pauses.
fn log_of_jvm(pid: u32) -> Result<(Listener, TempDir), ProfileError> {
    let folder = TempDir::with_prefix("understudy-").map_err(ProfileError::Folder)?;
    let listener = Listener::of_jvm(pid, "profile", folder.path()).map_err(ProfileError::Jvm)?;
    Ok((listener, folder))
}

/// The CPUs that a service runs on, without those of the generator where others are left.
fn observed_cpus(given: &Given, generator: Option<&CpuList>) -> CpuList {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpus_of_the_generator_are_left_out_where_others_remain() {
        let given = Given {
            runs_on: vec![0, 1, 2],
            ..Given::default()
        };
        let of = |taken: &[u32]| {
            let taken = CpuList::new(taken.iter().copied());
            observed_cpus(&given, Some(&taken)).as_slice().to_vec()
        };
        assert_eq!(of(&[1]), [0, 2]);
        assert_eq!(of(&[0, 1, 2]), [0, 1, 2]);
        assert_eq!(observed_cpus(&given, None).as_slice(), [0, 1, 2]);
    }

    #[test]
    fn a_service_is_named_by_its_processes() {
        let of = |attach| {
            let config = ServiceConfig {
                attach,
                ..ServiceConfig::default()
            };
            Service::attach(config).unwrap().name()
        };
        assert_eq!(of(Some(Attach::Pid(1))), "process 1");
        assert_eq!(
            of(Some(Attach::Cgroup("/a/b".into()))),
            "control group /a/b"
        );
        assert_eq!(of(None), "");
    }
}
