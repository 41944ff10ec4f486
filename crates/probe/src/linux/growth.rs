//! When a file grew: the kernel says so (inotify), nothing is asked meanwhile.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify;
use rustix::time::{ClockId, clock_gettime};
use std::fs;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;
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
/// A file that grows all the time is looked at every 5 ms and not more often. One that takes the place of
/// another under its name is watched from then on.
#[derive(Debug)]
pub struct Growth<S = Vec<Grown>> {
    stop: Arc<AtomicBool>,
    watcher: Option<JoinHandle<S>>,
}

/// Between two looks at a file that grows all the time.
const REST: Duration = Duration::from_millis(5);
/// How soon the thread notices that it shall stop, or that there is another file, nanoseconds.
const NOTICE_NS: i64 = 50_000_000;
/// Moments that are kept: an hour of looks at a file that grows all the time.
const MOST: usize = 720_000;

impl Growth {
    /// Begins to watch: when it had which length, the first that it has now.
    ///
    /// # Errors
    /// When the kernel offers no watch, or there is no such file.
    pub fn watch(file: &Path) -> io::Result<Growth> {
        Growth::follow(file, vec![now(file)], |seen: &mut Vec<Grown>, grown| {
            if seen.last().is_none_or(|last| last.length < grown.length) && seen.len() < MOST {
                seen.push(grown);
            }
        })
    }
}

impl<S: Send + 'static> Growth<S> {
    /// Begins to watch: `look` is called at each look, also when nothing has changed.
    ///
    /// # Errors
    /// When the kernel offers no watch, or there is no such file.
    pub fn follow(
        file: &Path,
        mut seen: S,
        mut look: impl FnMut(&mut S, Grown) + Send + 'static,
    ) -> io::Result<Growth<S>> {
        let flags = inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC;
        let events = inotify::init(flags)?;
        add(&events, file)?;
        let stop = Arc::new(AtomicBool::new(false));
        let (file, stopped) = (file.to_owned(), stop.clone());
        let watcher = std::thread::Builder::new()
            .name("growth".into())
            .spawn(move || {
                watch(&events, &file, &stopped, |grown| look(&mut seen, grown));
                seen
            })?;
        Ok(Growth {
            stop,
            watcher: Some(watcher),
        })
    }
}

impl<S> Growth<S> {
    /// Ends the watch; what it saw. `None` if it panicked: then it saw nothing that can be relied on.
    pub fn stop(mut self) -> Option<S> {
        self.end()
    }

    fn end(&mut self) -> Option<S> {
        self.stop.store(true, Ordering::Relaxed);
        self.watcher.take()?.join().ok()
    }
}

impl<S> Drop for Growth<S> {
    fn drop(&mut self) {
        self.end();
    }
}

/// Of a file that is watched already it changes nothing.
fn add(events: &OwnedFd, file: &Path) -> io::Result<()> {
    inotify::add_watch(events, file, inotify::WatchFlags::MODIFY)?;
    Ok(())
}

/// How long it is now.
fn now(file: &Path) -> Grown {
    let now = clock_gettime(ClockId::Monotonic);
    Grown {
        length: fs::metadata(file).map_or(0, |metadata| metadata.len()),
        at_ns: now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64,
    }
}

fn watch(events: &OwnedFd, file: &Path, stop: &AtomicBool, mut report: impl FnMut(Grown)) {
    let timeout = Timespec {
        tv_sec: 0,
        tv_nsec: NOTICE_NS,
    };
    let mut look = || report(now(file));
    while !stop.load(Ordering::Relaxed) {
        let mut ready = [PollFd::new(events, PollFlags::IN)];
        if matches!(poll(&mut ready, Some(&timeout)), Ok(1..)) {
            look();
            std::thread::sleep(REST);
            drain(events);
        } else {
            // A file that was put aside grows no more: is there another of its name?
            let _ = add(events, file);
        }
        // What came meanwhile would else be seen only with what comes next.
        look();
    }
}

/// Takes the events that wait: one look is enough for all of them.
fn drain(events: &OwnedFd) {
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut reader = inotify::Reader::new(events, &mut buffer);
    while reader.next().is_ok() {}
}
