//! A control for the machine: a thread without any work, on the CPUs of the side, that says when it
//! was not run although it was due (the idea of jHiccup: Tene 2011). What held it up held up the side
//! as well, and is no fault of either side.
//!
//! It wakes 200 times a second, a thousandth of a CPU, on both sides alike. A busy side can keep it
//! waiting for a time slice, so only more than that counts.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use understudy_host::{CpuList, pin_current_thread, sharpen_timers};
use understudy_model::{Cause, Happening};

const EVERY: Duration = Duration::from_millis(5);
/// Longer than a time slice of the kernel's scheduler (some 3 ms).
const NOTABLE: Duration = Duration::from_millis(5);

/// Watches until `end` says so. Times count from `zero`; nothing is seen before it.
pub(crate) fn watch(cpus: &CpuList, zero: Instant, end: &AtomicBool) -> Vec<Happening> {
    // Where it cannot be pinned it may run on the generator's CPUs, of which it would say nothing.
    if cpus.as_slice().is_empty() || pin_current_thread(cpus).is_err() {
        return Vec::new();
    }
    sharpen_timers();
    let mut seen = Vec::new();
    while !end.load(Ordering::Relaxed) {
        let due = Instant::now() + EVERY;
        std::thread::sleep(EVERY);
        let now = Instant::now();
        if now > due + NOTABLE && due > zero {
            seen.push(Happening {
                cause: Cause::Machine,
                start_ns: (due - zero).as_nanos() as u64,
                end_ns: (now - zero).as_nanos() as u64,
                // It may have stood still since it was last run.
                error_ns: EVERY.as_nanos() as u64,
            });
        }
    }
    seen
}
