//! When a file grew: the kernel says so (inotify), nothing is asked meanwhile.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify;
use rustix::time::{ClockId, clock_gettime};
use std::fs;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// A file's length at a moment right after it had grown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grown {
    /// Bytes.
    pub length: u64,
    /// The system's monotonic clock, nanoseconds.
    pub at_ns: u64,
}

/// Watches a file grow in a thread of its own until it is stopped or dropped.
///
/// A file that grows all the time is looked at every 5 ms and not more often.
#[derive(Debug)]
pub struct Growth {
    stop: Arc<AtomicBool>,
    watcher: Option<JoinHandle<Vec<Grown>>>,
}

/// Between two looks at a file that grows all the time.
const REST: Duration = Duration::from_millis(5);
/// How soon the thread notices that it shall stop, nanoseconds.
const NOTICE_NS: i64 = 50_000_000;
/// Moments that are kept: an hour of looks at a file that grows all the time.
const MOST: usize = 720_000;

impl Growth {
    /// Begins to watch.
    ///
    /// # Errors
    /// When the kernel offers no watch, or there is no such file.
    pub fn watch(file: &Path) -> io::Result<Growth> {
        let flags = inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC;
        let events = inotify::init(flags)?;
        inotify::add_watch(&events, file, inotify::WatchFlags::MODIFY)?;
        let stop = Arc::new(AtomicBool::new(false));
        let (file, stopped) = (file.to_owned(), stop.clone());
        let watcher = std::thread::Builder::new()
            .name("growth".into())
            .spawn(move || watch(&events, &file, &stopped))?;
        Ok(Growth {
            stop,
            watcher: Some(watcher),
        })
    }

    /// Ends the watch; what it saw, in order.
    pub fn stop(mut self) -> Vec<Grown> {
        self.end()
    }

    fn end(&mut self) -> Vec<Grown> {
        self.stop.store(true, Ordering::Relaxed);
        let watcher = self.watcher.take();
        // A watcher that panicked saw nothing that can be relied on.
        watcher.map_or_else(Vec::new, |thread| thread.join().unwrap_or_default())
    }
}

impl Drop for Growth {
    fn drop(&mut self) {
        self.end();
    }
}

fn watch(events: &OwnedFd, file: &PathBuf, stop: &AtomicBool) -> Vec<Grown> {
    let timeout = Timespec {
        tv_sec: 0,
        tv_nsec: NOTICE_NS,
    };
    let mut seen: Vec<Grown> = Vec::new();
    let mut look = || {
        let now = clock_gettime(ClockId::Monotonic);
        let length = fs::metadata(file).map_or(0, |metadata| metadata.len());
        if seen.last().is_none_or(|last| last.length < length) && seen.len() < MOST {
            seen.push(Grown {
                length,
                at_ns: now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64,
            });
        }
    };
    while !stop.load(Ordering::Relaxed) {
        let mut ready = [PollFd::new(events, PollFlags::IN)];
        if !matches!(poll(&mut ready, Some(&timeout)), Ok(1..)) {
            continue;
        }
        look();
        std::thread::sleep(REST);
        drain(events);
        // What came meanwhile would else be seen only with what comes next.
        look();
    }
    seen
}

/// Takes the events that wait: one look is enough for all of them.
fn drain(events: &OwnedFd) {
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut reader = inotify::Reader::new(events, &mut buffer);
    while reader.next().is_ok() {}
}
