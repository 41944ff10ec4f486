use std::fs;

/// What this machine is, for the record of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Operating system and kernel release.
    pub kernel: String,
    /// Processor model; `unknown` where the system does not say.
    pub cpu_model: String,
    /// Online CPUs.
    pub cpus: u32,
    /// Frequency governor of CPU 0, if there is one.
    pub governor: Option<String>,
    /// Memory in bytes; 0 where the system does not say.
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

/// What the CPUs of this machine did since boot, nanoseconds: all of them together, or one of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MachineTime {
    /// They ran something.
    pub busy_ns: u64,
    /// The part of it in which they handled interrupts.
    pub interrupts_ns: u64,
    /// There was nothing to run.
    pub idle_ns: u64,
    /// They would have run and the hypervisor ran something else.
    pub stolen_ns: u64,
}

/// The kernel counts in steps of 10 ms: a shorter time has no share.
const LEAST_WANTED_NS: u64 = 500_000_000;

impl MachineTime {
    /// Until now; `None` where the kernel does not say.
    pub fn now() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/stat").ok()?)
    }

    /// The first line of `/proc/stat` (proc(5)).
    fn parse(stat: &str) -> Option<Self> {
        Self::of_counters(stat.lines().next()?.strip_prefix("cpu ")?)
    }

    /// The counters behind the name of a line. Time of guests is in that of users already.
    fn of_counters(words: &str) -> Option<Self> {
        let mut ticks = [0; 8];
        let mut words = words.split_ascii_whitespace();
        for counter in &mut ticks {
            *counter = words.next()?.parse::<u64>().ok()?;
        }
        let [user, nice, system, idle, waiting, interrupt, soft, stolen] = ticks;
        // USER_HZ is 100 on every architecture that Linux still supports for /proc/stat.
        let ns = |ticks: u64| ticks.saturating_mul(10_000_000);
        Some(MachineTime {
            busy_ns: ns(user + nice + system + interrupt + soft),
            interrupts_ns: ns(interrupt + soft),
            idle_ns: ns(idle + waiting),
            stolen_ns: ns(stolen),
        })
    }

    /// Of the time since `before` in which the CPUs wanted to run, the share that the hypervisor took.
    /// CPUs that are idle and wait awake ([`Awake`](crate::Awake)) want to run all the time, those that
    /// sleep only while there is work. `None` where that was too short.
    pub fn stolen_share(&self, before: &Self, awake: bool) -> Option<f64> {
        let since = |of: fn(&Self) -> u64| of(self).saturating_sub(of(before));
        let stolen = since(|all| all.stolen_ns);
        let idle = if awake { since(|all| all.idle_ns) } else { 0 };
        let wanted = since(|all| all.busy_ns) + idle + stolen;
        (wanted >= LEAST_WANTED_NS).then(|| stolen as f64 / wanted as f64)
    }
}

/// What each CPU of this machine did since boot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EachCpu {
    /// The online CPUs, by number.
    pub cpus: Vec<(u32, MachineTime)>,
    /// Processes and threads that were started.
    pub started: u64,
}

impl EachCpu {
    /// Until now; `None` where the kernel does not say.
    pub fn now() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/stat").ok()?)
    }

    fn parse(stat: &str) -> Option<Self> {
        let mut each = EachCpu::default();
        let mut counted = false;
        for line in stat.lines() {
            let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
            if name == "processes" {
                each.started = rest.trim().parse().ok()?;
                counted = true;
            } else if let Some(number) = name.strip_prefix("cpu").filter(|n| !n.is_empty()) {
                let time = MachineTime::of_counters(rest)?;
                each.cpus.push((number.parse().ok()?, time));
            }
        }
        (counted && !each.cpus.is_empty()).then_some(each)
    }
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
        assert!(MachineTime::now().is_some_and(|time| time.busy_ns > 0));
    }

    #[test]
    fn what_is_stolen_is_a_share_of_the_time_that_was_wanted() {
        let of = |line: &str| MachineTime::parse(line).unwrap();
        let before = of("cpu  100 20 30 4000 50 6 7 10 90 0\ncpu0 1 2 3");
        let expected = MachineTime {
            busy_ns: 1_630_000_000,
            interrupts_ns: 130_000_000,
            idle_ns: 40_500_000_000,
            stolen_ns: 100_000_000,
        };
        assert_eq!(before, expected);
        // 90 steps of work, 800 of nothing, 10 stolen.
        let after = of("cpu  160 20 60 4800 50 6 7 20 90 0\n");
        let share = |awake| after.stolen_share(&before, awake).unwrap();
        assert!((share(false) - 0.1).abs() < 1e-12, "asleep when idle");
        assert!((share(true) - 10.0 / 900.0).abs() < 1e-12);
        let soon = of("cpu  100 20 30 4040 50 6 7 11 90 0\n");
        assert_eq!(soon.stolen_share(&before, false), None, "one step of one");
        for odd in ["", "cpu0 1 2 3", "cpu  1 2 3", "cpu  a b c d e f g h"] {
            assert_eq!(MachineTime::parse(odd), None, "{odd}");
        }
    }

    #[test]
    fn each_cpu_has_counters_of_its_own() {
        let stat = "cpu  5 0 5 5 0 0 0 1\ncpu0 3 0 3 2 0 0 0 1 0 0\ncpu2 2 0 2 3 0 4 0 0\nintr 9 1 2\nctxt 7\nprocesses 41\n";
        let each = EachCpu::parse(stat).unwrap();
        assert_eq!(each.started, 41);
        let numbers: Vec<u32> = each.cpus.iter().map(|(cpu, _)| *cpu).collect();
        assert_eq!(numbers, [0, 2]);
        assert_eq!(each.cpus[0].1.stolen_ns, 10_000_000);
        assert_eq!(each.cpus[1].1.busy_ns, 80_000_000);
        assert_eq!(each.cpus[1].1.interrupts_ns, 40_000_000);
        for odd in [
            "",
            "cpu  1 2 3 4 5 6 7 8\nprocesses 1",
            "cpu0 1 2\nprocesses 1",
        ] {
            assert_eq!(EachCpu::parse(odd), None, "{odd}");
        }
        assert!(EachCpu::now().is_some_and(|each| each.started > 0));
    }
}
