use std::fs;

/// What this machine is, for the record of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Operating system and kernel release.
    pub kernel: String,
    /// Processor model; `unknown` where the system does not tell.
    pub cpu_model: String,
    /// Online CPUs.
    pub cpus: u32,
    /// Frequency governor of CPU 0, if there is one.
    pub governor: Option<String>,
    /// Memory in bytes; 0 where the system does not tell.
    pub memory_bytes: u64,
}

impl Machine {
    /// Looks at this machine.
    pub fn look() -> Self {
        let read = |path: &str| {
            fs::read_to_string(path)
                .map(|text| text.trim().to_owned())
                .ok()
        };
        let release = read("/proc/sys/kernel/osrelease").unwrap_or_default();
        let cpuinfo = read("/proc/cpuinfo").unwrap_or_default();
        let meminfo = read("/proc/meminfo").unwrap_or_default();
        Machine {
            kernel: format!("{} {release}", std::env::consts::OS)
                .trim()
                .to_owned(),
            cpu_model: colon_value(&cpuinfo, "model name")
                .unwrap_or("unknown")
                .to_owned(),
            cpus: std::thread::available_parallelism().map_or(1, |n| n.get() as u32),
            governor: read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            memory_bytes: colon_value(&meminfo, "MemTotal")
                .and_then(|value| value.strip_suffix("kB")?.trim().parse::<u64>().ok())
                .map_or(0, |kib| kib * 1024),
        }
    }
}

fn colon_value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == key).then(|| value.trim())
    })
}

/// Time in nanoseconds that the hypervisor has taken from this machine's CPUs since boot, summed
/// over CPUs; `None` where the kernel does not tell.
pub fn stolen_ns() -> Option<u64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let ticks: u64 = stat
        .lines()
        .next()?
        .split_ascii_whitespace()
        .nth(8)?
        .parse()
        .ok()?;
    // USER_HZ is 100 on every architecture that Linux still supports for /proc/stat.
    Some(ticks * 10_000_000)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_a_name_and_memory() {
        let machine = Machine::look();
        assert!(machine.kernel.starts_with("linux "), "{machine:?}");
        assert!(
            machine.cpus >= 1 && machine.memory_bytes > 1 << 26,
            "{machine:?}"
        );
        assert!(stolen_ns().is_some());
    }
}
