//! What happens to a side while it is under load, or merely runs: what it uses, the pauses of its runtime
//! and stalls of the machine, on one clock.

use crate::pauses::Listener;
use crate::resources::{self, Measured, Observed, Others};
use crate::{control, windows};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use understudy_host::{Clock, CpuList};
use understudy_model::Happening;
use understudy_model::stored::Happenings;
use understudy_probe::{Growth, Sampler};

/// What observes a side.
#[derive(Debug)]
pub struct Witness<'a> {
    /// Samples its processes; `None` where they are not known.
    pub sampler: Option<Sampler>,
    /// Are the other processes of the machine observed?
    pub others: Others,
    /// Records the pauses of its runtime.
    pub listener: Option<&'a mut Listener>,
    /// The CPUs that it runs on; the machine is watched on them.
    pub cpus: &'a CpuList,
    /// What is discarded, and the length of what is sampled behind it.
    pub window: (Duration, Duration),
    /// Ends it early.
    pub stop: &'a AtomicBool,
}

/// What was seen. Times count from the start of the load.
#[derive(Debug, Default)]
pub struct Circumstances {
    /// What it used.
    pub measured: Measured,
    /// What may have made requests slow.
    pub happened: Happenings,
}

impl Witness<'_> {
    /// Observes while `load` runs, and to the end of the window. `load` is given what announces its
    /// start; where nothing is sent it only announces it.
    ///
    /// # Panics
    /// If `load` or an observer panics: with its message.
    pub fn attend<T>(self, load: impl FnOnce(&dyn Fn(Instant)) -> T) -> (T, Circumstances) {
        let arrivals = self.listener.as_ref().and_then(|all| all.watch());
        let begin = Instant::now();
        let over = AtomicBool::new(false);
        let started = Cell::new(None);
        let (loaded, measured, stalls) = std::thread::scope(|scope| {
            let control = scope.spawn(|| control::watch(self.cpus, begin, &over));
            let (loaded, measured) = resources::alongside(
                Observed {
                    sampler: self.sampler,
                    cpus: self.cpus,
                    others: self.others,
                },
                self.window,
                self.stop,
                |announce| {
                    load(&|at| {
                        started.set(Some(at));
                        announce(at);
                    })
                },
            );
            over.store(true, Ordering::Relaxed);
            (loaded, measured, or_panic(control.join()))
        });
        if let Some(listener) = &self.listener {
            listener.await_written();
        }
        let arrivals = arrivals.and_then(Growth::stop).unwrap_or_default();
        let Some(started) = started.get() else {
            return (loaded, Circumstances::default());
        };
        let clock = Clock::since(started);
        let mut happened = Happenings::default();
        if let Some((listener, from)) = self.listener.zip(clock.zero_monotonic_ns()) {
            happened.all = listener.recorded(&arrivals, (from, from + clock.now_ns()));
            happened.runtime = listener.runtime().map(str::to_owned);
        }
        happened.all.extend(windows::of(&measured.samples));
        let later = started.saturating_duration_since(begin);
        happened
            .all
            .extend(stalls.into_iter().filter_map(|one| since(one, later)));
        (loaded, Circumstances { measured, happened })
    }
}

/// A panic of another thread is a bug in this program: it continues, with its own message.
fn or_panic<T>(joined: std::thread::Result<T>) -> T {
    joined.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Counted from a moment `later` than before; `None` if it was over then.
fn since(happening: Happening, later: Duration) -> Option<Happening> {
    let later = later.as_nanos() as u64;
    (happening.end_ns > later).then(|| Happening {
        start_ns: happening.start_ns.saturating_sub(later),
        end_ns: happening.end_ns - later,
        ..happening
    })
}
