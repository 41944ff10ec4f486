//! CPUs that stay awake while something is timed.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};

/// While it lives, idle CPUs of this machine wait awake instead of sleeping, so that a woken thread runs
/// at once.
///
/// It asks the kernel for wake-ups without delay (`Documentation/power/pm_qos_interface.rst`); the
/// request ends with the process, however that ends. On a machine of one's own a deep sleep costs a wake-up
/// tens of microseconds. In a virtual machine the host may have given the CPU to another guest
/// meanwhile, and it takes milliseconds, which count as stolen.
#[derive(Debug)]
pub struct Awake {
    _request: File,
}

impl Awake {
    /// Asks for it.
    ///
    /// # Errors
    /// Not allowed (it needs root), or not known to this kernel: then idle CPUs sleep as ever.
    pub fn keep() -> io::Result<Self> {
        let mut request = OpenOptions::new()
            .write(true)
            .open("/dev/cpu_dma_latency")?;
        // The longest delay that is tolerated, microseconds.
        request.write_all(&0_i32.to_ne_bytes())?;
        Ok(Awake { _request: request })
    }
}
