//! A collector that stops the whole subject at known times and says so, as a runtime's would.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::{Arc, RwLock};
use std::time::Duration;

/// What stops: every answer holds it for reading.
pub(crate) type World = Arc<RwLock<()>>;

/// Stops the world for `length` in every `every`, and writes `stop <begin> <end>` (nanoseconds of
/// `CLOCK_MONOTONIC`) to the file that `UNDERSTUDY_PAUSES` begins, where that is set.
pub(crate) fn start(world: World, length: Duration, every: Duration) {
    let log = std::env::var("UNDERSTUDY_PAUSES").ok().and_then(|prefix| {
        let name = format!("{prefix}-{}.log", std::process::id());
        let mut options = OpenOptions::new();
        options
            .append(true)
            .create(true)
            .mode(0o600)
            .open(name)
            .ok()
    });
    // Without a thread nothing stops, which the tests notice.
    let _ = std::thread::Builder::new().spawn(move || {
        loop {
            std::thread::sleep(every.saturating_sub(length));
            let stopped = world.write();
            let begin = now_ns();
            std::thread::sleep(length);
            let end = now_ns();
            drop(stopped);
            if let Some(mut log) = log.as_ref() {
                let _ = writeln!(log, "stop {begin} {end}");
            }
        }
    });
}

fn now_ns() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}
