//! A control for the machine: a thread without any work, on the CPUs of the side, that says when it
//! was not run although it was due (the idea of jHiccup: Tene 2011). What held it up held up the side
//! as well, and is not a fault of either side.
//!
//! It wakes 100 times a second, a thousandth of a CPU, on both sides alike. A busy side keeps it waiting
//! in the run queue, for many time slices where it has many threads: that is not a fault of the machine, so
//! only lateness counts in which it was not even ready to run.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use understudy_host::{CpuList, ThreadUsage, pin_current_thread, sharpen_timers};
use understudy_model::{Cause, Happening};

const EVERY: Duration = Duration::from_millis(10);
const NOTABLE: Duration = Duration::from_millis(5);

/// Watches until `end` says so. Times count from `zero`; nothing is seen before it.
pub(crate) fn watch(cpus: &CpuList, zero: Instant, end: &AtomicBool) -> Vec<Happening> {
    // Where it cannot be pinned it may run on the generator's CPUs, of which it would say nothing.
    if cpus.as_slice().is_empty() || pin_current_thread(cpus).is_err() {
        return Vec::new();
    }
    sharpen_timers();
    let mut seen = Vec::new();
    let waited = || {
        ThreadUsage::now()
            .run_queue_wait_ns
            .map(Duration::from_nanos)
    };
    // Where the kernel does not report it, a busy side looks like a machine that stalls.
    let Some(mut before) = waited() else {
        return seen;
    };
    while !end.load(Ordering::Relaxed) {
        let due = Instant::now() + EVERY;
        std::thread::sleep(EVERY);
        let now = Instant::now();
        let so_far = waited().unwrap_or(before);
        let queued = so_far.saturating_sub(before);
        before = so_far;
        if now > due + queued + NOTABLE && due > zero {
            seen.push(Happening {
                cause: Cause::Machine,
                start_ns: (due - zero).as_nanos() as u64,
                end_ns: (now - zero).as_nanos() as u64,
                // It may have stalled since it was last run.
                error_ns: EVERY.as_nanos() as u64,
            });
        }
    }
    seen
}
