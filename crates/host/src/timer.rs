use std::io;
use std::time::Duration;

/// A timer that an event loop can wait for with nanosecond resolution.
///
/// `epoll_wait` and its portable likes count in milliseconds, which is an eternity between two
/// requests; a timer file descriptor among the watched ones does not.
#[derive(Debug)]
pub struct SleepTimer {
    #[cfg(target_os = "linux")]
    fd: std::os::fd::OwnedFd,
}

#[cfg(target_os = "linux")]
impl SleepTimer {
    /// A disarmed timer; `None` on systems without timer file descriptors.
    ///
    /// # Errors
    /// The kernel has no file descriptor left.
    pub fn new() -> io::Result<Option<Self>> {
        use rustix::time::{TimerfdClockId, TimerfdFlags, timerfd_create};
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        Ok(Some(SleepTimer {
            fd: timerfd_create(TimerfdClockId::Monotonic, flags)?,
        }))
    }

    /// Makes the timer readable once, `after` from now (at least 1 ns).
    ///
    /// # Errors
    /// Never for a timer that exists; the kernel's word is passed on.
    pub fn arm(&self, after: Duration) -> io::Result<()> {
        use rustix::time::{Itimerspec, TimerfdTimerFlags, Timespec, timerfd_settime};
        let once = Timespec {
            tv_sec: i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(after.subsec_nanos().max(u32::from(after.as_secs() == 0))),
        };
        let never = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let spec = Itimerspec {
            it_interval: never,
            it_value: once,
        };
        timerfd_settime(&self.fd, TimerfdTimerFlags::empty(), &spec)?;
        Ok(())
    }
}

#[cfg(target_os = "linux")]
impl std::os::fd::AsRawFd for SleepTimer {
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        self.fd.as_raw_fd()
    }
}

#[cfg(not(target_os = "linux"))]
impl SleepTimer {
    /// There is none on this system.
    ///
    /// # Errors
    /// Never.
    pub fn new() -> io::Result<Option<Self>> {
        Ok(None)
    }

    /// Cannot be called: no timer can be made on this system.
    ///
    /// # Errors
    /// Always.
    pub fn arm(&self, _after: Duration) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
