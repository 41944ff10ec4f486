//! This machine and this thread: CPUs, affinity, timers, scheduler statistics.
