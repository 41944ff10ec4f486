//! This machine and this thread: CPUs, affinity, timers, scheduler statistics, times of arrival.
//!
//! All of it works on Linux. Elsewhere everything compiles; what is not available there is
//! `None` or an error that says so.

mod arrivals;
mod awake;
mod clock;
mod cpus;
mod exhaustion;
#[cfg(unix)]
mod files;
mod frequency;
mod heap;
mod machine;
mod residency;
mod thread;
mod timer;

pub use arrivals::{Arrivals, Received, Stamp, receive, stamp_arrivals};
pub use awake::Awake;
pub use clock::{Clock, time_asleep};
pub use cpus::{CpuList, CpuListError, allowed_cpus, pin_current_thread};
pub use exhaustion::is_exhausted;
#[cfg(unix)]
pub use files::open_files;
pub use frequency::mean_mhz;
pub use heap::keep_freed_memory;
pub use machine::{EachCpu, Machine, MachineTime};
pub use residency::resident_pages;
pub use thread::{ThreadUsage, give_way, sharpen_timers, take_precedence};
pub use timer::SleepTimer;
