use std::io;

/// What the calling thread has used so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ThreadUsage {
    /// CPU time in nanoseconds.
    pub cpu_ns: u64,
    /// Time it was ready to run and did not, in nanoseconds; `None` where the kernel does not say.
    pub run_queue_wait_ns: Option<u64>,
}

impl ThreadUsage {
    /// The usage of the calling thread up to now.
    pub fn now() -> Self {
        ThreadUsage {
            cpu_ns: cpu_ns(),
            run_queue_wait_ns: run_queue_wait_ns(),
        }
    }

    /// What was used since `earlier`.
    pub fn since(self, earlier: ThreadUsage) -> ThreadUsage {
        ThreadUsage {
            cpu_ns: self.cpu_ns.saturating_sub(earlier.cpu_ns),
            run_queue_wait_ns: self
                .run_queue_wait_ns
                .zip(earlier.run_queue_wait_ns)
                .map(|(now, then)| now.saturating_sub(then)),
        }
    }
}

#[cfg(unix)]
fn cpu_ns() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    (time.tv_sec as u64)
        .saturating_mul(1_000_000_000)
        .saturating_add(time.tv_nsec as u64)
}

#[cfg(not(unix))]
fn cpu_ns() -> u64 {
    0
}

/// The second field of schedstat (Documentation/scheduler/sched-stats.rst).
#[cfg(target_os = "linux")]
fn run_queue_wait_ns() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[cfg(not(target_os = "linux"))]
fn run_queue_wait_ns() -> Option<u64> {
    None
}

/// Removes the calling thread's timer slack, which lets the kernel wake it 50 us late.
pub fn sharpen_timers() {
    #[cfg(target_os = "linux")]
    {
        // Refused only by kernels without the call; the spin before a due time covers those.
        let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
    }
}

/// Makes the calling thread run before those of ordinary priority on its CPU (nice -20), as far as the fair scheduler
/// lets it. A real-time policy would let it run before all of them at once, and shut out the threads that watch it.
///
/// # Errors
/// The kernel's word: without root or `CAP_SYS_NICE` it refuses.
pub fn take_precedence() -> io::Result<()> {
    // On Linux a priority is that of a thread, and 0 the calling one.
    #[cfg(target_os = "linux")]
    rustix::process::setpriority_process(None, -20)?;
    Ok(())
}

/// Makes the calling thread give way to every other at once, for good (`SCHED_IDLE`): it runs where a
/// CPU has nothing else to do, and is preempted when another thread wakes up there.
///
/// A thread of low `nice` value would not do: it may finish its time slice, some milliseconds.
///
/// # Errors
/// The kernel's word, should it refuse; only Linux has such a policy.
#[cfg(target_os = "linux")]
pub fn give_way() -> io::Result<()> {
    let parameters = libc::sched_param { sched_priority: 0 };
    #[expect(
        unsafe_code,
        reason = "neither std nor rustix offers sched_setscheduler"
    )]
    // SAFETY: 0 is the calling thread, and the parameters live through the call.
    let refused = unsafe { libc::sched_setscheduler(0, libc::SCHED_IDLE, &raw const parameters) };
    match refused {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Makes the calling thread give way to every other: not possible on this system.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub fn give_way() -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn counts_the_cpu_this_thread_burns() {
        let before = ThreadUsage::now();
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(20) {
            std::hint::spin_loop();
        }
        let used = ThreadUsage::now().since(before);
        assert!((1_000_000..=60_000_000).contains(&used.cpu_ns), "{used:?}");
        assert!(used.run_queue_wait_ns.is_some());
    }

    #[test]
    fn a_thread_that_gives_way_has_the_idle_policy() {
        std::thread::spawn(|| {
            give_way().unwrap();
            let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
            // Field 41 of proc(5), counted after the name in brackets, is the policy; 5 is idle.
            let after_name = stat.rsplit_once(')').unwrap().1;
            assert_eq!(after_name.split_ascii_whitespace().nth(41 - 3), Some("5"));
        })
        .join()
        .unwrap();
    }
}
