//! What else used the CPUs of the machine while something was measured.

use serde::{Deserialize, Serialize};

/// Who used the CPUs of a machine from shortly before a measured window to shortly after it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Neighbours {
    /// Length of the observation, seconds.
    pub seconds: f64,
    /// The CPUs that the generator was bound to; empty if it was not bound.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub generator_cpus: Vec<u32>,
    /// What each CPU did.
    pub cpus: Vec<CpuUse>,
    /// The processes that used most CPU time, the most first, without Understudy and the measured side.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub processes: Vec<Neighbour>,
    /// What the measured side used of each CPU; `None` if its processes are not known, so that one of
    /// `processes` may be the side.
    pub side: Option<Vec<OnCpu>>,
    /// Processes and threads that were started on the machine.
    pub started: u64,
    /// Observed processes that ended: what they used since they were last read is not known.
    pub ended: u64,
    /// CPU time of the machine that no process in sight at two moments used, seconds.
    pub unexplained_s: f64,
    /// The longest time between two searches for new processes, seconds: one that lived shorter may never
    /// have been in sight.
    pub longest_gap_s: f64,
    /// Processes above the bound of what is observed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub not_observed: u64,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// What one CPU did, seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CpuUse {
    /// Its number.
    pub cpu: u32,
    /// It ran processes, in user mode or in the kernel.
    pub ran_s: f64,
    /// It handled interrupts.
    pub interrupts_s: f64,
    /// It had nothing to run.
    pub idle_s: f64,
    /// It had something to run, and the hypervisor ran something else.
    pub stolen_s: f64,
}

/// A process that used CPU time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Neighbour {
    /// Its id.
    pub pid: u32,
    /// Its name as the kernel knows it (at most 15 bytes of a program's name), without control characters.
    pub name: String,
    /// Is it a thread of the kernel?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub kernel: bool,
    /// CPU time of all its threads, seconds.
    pub cpu_s: f64,
    /// CPU time over the length of the observation: 1 is one CPU all the time.
    pub share: f64,
    /// Where it used that, as far as its threads were seen on a CPU: the sum may be less than `cpu_s`.
    pub on: Vec<OnCpu>,
}

/// CPU time on one CPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnCpu {
    /// Its number.
    pub cpu: u32,
    /// CPU time, seconds.
    pub cpu_s: f64,
}

/// CPU time on these CPUs; on all of them where none is named.
pub fn seconds_on(parts: &[OnCpu], cpus: &[u32]) -> f64 {
    let counts = |part: &&OnCpu| cpus.is_empty() || cpus.contains(&part.cpu);
    parts.iter().filter(counts).map(|part| part.cpu_s).sum()
}
