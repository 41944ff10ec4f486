//! Which CPUs the generator gets and which the sides.

use crate::config::{TrialConfig, WorkloadConfig};
use understudy_host::CpuList;

/// The CPUs of generator and sides; both empty where CPUs cannot be distinguished.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assignment {
    /// The load generator's.
    pub generator: CpuList,
    /// The sides'. Both sides get the same: one of them always rests.
    pub subject: CpuList,
}

impl Assignment {
    /// Have generator and sides CPUs of their own, apart from one another?
    pub fn are_apart(&self) -> bool {
        let (generator, subject) = (self.generator.as_slice(), self.subject.as_slice());
        !generator.is_empty() && !generator.iter().any(|cpu| subject.contains(cpu))
    }

    /// Divides the CPUs that this process may use. The sides get as many as their limit says (half
    /// of all without one) from the end, the generator the rest; with a single CPU they share it.
    pub fn new(config: &TrialConfig, allowed: &CpuList) -> Self {
        let all = allowed.as_slice();
        if let WorkloadConfig::Command(_) = config.workload {
            return Assignment::of_runs(config, all);
        }
        let wanted = match config.limits.cpus {
            Some(cpus) => cpus.get().ceil() as usize,
            None => all.len() / 2,
        };
        let (generator, subject) = match all.len() {
            0 | 1 => (all, all),
            n => all.split_at(n - wanted.clamp(1, n - 1)),
        };
        let generator = CpuList::new(generator.iter().copied());
        let subject = CpuList::new(subject.iter().copied());
        Assignment {
            generator: config.machine.generator.clone().unwrap_or(generator),
            subject: config.machine.subject.clone().unwrap_or(subject),
        }
    }

    /// Runs one after the other have all CPUs, or as many as their limit says: Understudy does nothing meanwhile.
    fn of_runs(config: &TrialConfig, all: &[u32]) -> Self {
        let wanted = config
            .limits
            .cpus
            .map_or(all.len(), |cpus| cpus.get().ceil() as usize);
        let subject = &all[all.len() - wanted.clamp(1.min(all.len()), all.len())..];
        let subject = CpuList::new(subject.iter().copied());
        Assignment {
            generator: config.machine.generator.clone().unwrap_or_default(),
            subject: config.machine.subject.clone().unwrap_or(subject),
        }
    }
}
