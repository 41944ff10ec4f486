//! Did the clocks of the machine run evenly while something was measured?

use std::time::{Duration, Instant, SystemTime};
use understudy_host::time_asleep;

/// The system's clock, the one that measures and the time spent asleep, at the same moment.
pub struct Clocks {
    system: SystemTime,
    monotonic: Instant,
    asleep: Duration,
}

/// Seconds by which clocks may part.
pub const TOLERATED_S: f64 = 0.5;

impl Clocks {
    /// All clocks at this moment.
    pub fn now() -> Self {
        Clocks {
            system: SystemTime::now(),
            monotonic: Instant::now(),
            asleep: time_asleep(),
        }
    }

    /// Seconds since 1970.
    pub fn unix_s(&self) -> f64 {
        let since = self.system.duration_since(SystemTime::UNIX_EPOCH);
        since.map_or(0.0, |since| since.as_secs_f64())
    }

    /// Seconds that the machine has slept since.
    pub fn slept_s(&self) -> f64 {
        time_asleep().saturating_sub(self.asleep).as_secs_f64()
    }

    /// By how much the system's clock was set since, in seconds; `None` if it was not set.
    pub fn step_s(&self) -> Option<f64> {
        let now = Clocks::now();
        let step = now.unix_s() - self.unix_s() - (now.monotonic - self.monotonic).as_secs_f64();
        (step.abs() > TOLERATED_S).then_some(step)
    }
}

/// What is said of a clock that was set.
pub fn clock_was_set(step_s: f64) -> String {
    format!(
        "the system's clock was set by {step_s:+.1} s during a measurement: latencies are measured with another clock and are valid; times of day in the report may be out of order"
    )
}
