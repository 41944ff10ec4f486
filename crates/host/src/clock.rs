use std::time::{Duration, Instant};

/// A monotonic clock that counts nanoseconds from its epoch.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    epoch: Instant,
}

impl Clock {
    /// A clock whose zero is `epoch`.
    pub fn since(epoch: Instant) -> Self {
        Clock { epoch }
    }

    /// Nanoseconds since the epoch; 0 before it.
    pub fn now_ns(&self) -> u64 {
        // 2^64 ns are 584 years.
        self.epoch.elapsed().as_nanos() as u64
    }

    /// What the system's monotonic clock (`CLOCK_MONOTONIC`) shows at zero, nanoseconds; `None` where
    /// there is none. With it, times of this clock can be compared with those of other programs.
    #[cfg(unix)]
    pub fn zero_monotonic_ns(&self) -> Option<u64> {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        let since_zero = i128::try_from(self.epoch.elapsed().as_nanos()).ok()?;
        let now_ns = i128::from(now.tv_sec) * 1_000_000_000 + i128::from(now.tv_nsec);
        u64::try_from(now_ns - since_zero).ok()
    }

    /// What the system's monotonic clock shows at zero: there is none on this system.
    #[cfg(not(unix))]
    pub fn zero_monotonic_ns(&self) -> Option<u64> {
        None
    }

    /// The moment that this clock calls zero.
    pub fn epoch(&self) -> Instant {
        self.epoch
    }
}

/// How long the machine has slept since it was started (suspended to memory or disk): what
/// `CLOCK_BOOTTIME` counts and `CLOCK_MONOTONIC` does not. Only differences mean something; zero where
/// the system does not say.
#[cfg(target_os = "linux")]
pub fn time_asleep() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    let read = |clock| {
        let now = clock_gettime(clock);
        Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec as u32)
    };
    // Two clocks are read one after the other: in this order the difference never grows by that.
    let boot = read(ClockId::Boottime);
    boot.saturating_sub(read(ClockId::Monotonic))
}

/// How long the machine has slept: not known here.
#[cfg(not(target_os = "linux"))]
pub fn time_asleep() -> Duration {
    Duration::ZERO
}
