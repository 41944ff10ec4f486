//! A run: several engine threads started together, their results merged.

use crate::driver::{Driver, DriverFigures};
use crate::engine::{self, Done, Pace, Task};
use crate::picker::Picker;
use crate::progress::Progress;
use crate::recorder::Recorder;
use crate::schedule::Schedule;
use std::io;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};
use understudy_host::{
    Awake, Clock, CpuList, MachineTime, pin_current_thread, sharpen_timers, take_precedence,
};
use understudy_model::Arrivals;
use understudy_model::gates::GeneratorUse;
use understudy_model::{Span, plain_words};

/// How many requests are offered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rate {
    /// Open model: this many a second, whatever the subject does.
    PerSecond(f64),
    /// Closed model: every connection always has a request under way.
    Max,
}

/// What a run shall do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The rate of all threads together.
    pub rate: Rate,
    /// Distribution of the gaps; without meaning at [`Rate::Max`].
    pub arrivals: Arrivals,
    /// Load before the measured window.
    pub warmup: Span,
    /// The measured window.
    pub duration: Span,
    /// Connections of all threads together.
    pub connections: usize,
    /// Engine threads.
    pub threads: usize,
    /// CPUs for the engine threads, dealt out in turn; `None` leaves them to the system.
    pub cpus: Option<CpuList>,
    /// The subject does not run on these CPUs: there the engine threads run before others of ordinary priority, where
    /// that is allowed.
    pub apart: bool,
    /// Longest time from sending to the last byte.
    pub timeout: Span,
    /// Fixes schedule and choice of requests.
    pub seed: u64,
    /// Most requests that may wait for a connection, all threads together.
    pub queue: usize,
}

impl Plan {
    /// The CPU that an engine thread is bound to.
    fn cpu_of(&self, thread: usize) -> Option<u32> {
        let cpus = self.cpus.as_ref()?.as_slice();
        cpus.get(thread.checked_rem(cpus.len())?).copied()
    }

    /// Connections of an engine thread.
    pub fn connections_of(&self, thread: usize) -> usize {
        part(self.connections, thread, self.threads.max(1))
    }

    /// The CPUs that the engine threads are bound to; empty where they are left to the system.
    pub fn bound_cpus(&self) -> CpuList {
        let threads = 0..self.threads.max(1);
        CpuList::new(threads.filter_map(|thread| self.cpu_of(thread)))
    }
}

/// Room for requests that wait for a connection, unless a plan says otherwise.
pub const DEFAULT_QUEUE: usize = 100_000;

/// What a run left.
#[derive(Debug)]
pub struct Ran<R> {
    /// The recorders, one a thread.
    pub recorders: Vec<R>,
    /// The generator's own figures.
    pub generator: GeneratorUse,
    /// When time zero of the observations was.
    pub started: Instant,
}

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The threads cannot be pinned.
    #[error("cannot pin the generator to CPU {cpus}: {}", plain_words(source))]
    Pin {
        /// The CPUs asked for.
        cpus: CpuList,
        /// The system's word.
        source: io::Error,
    },
    /// A thread cannot be started, or its event loop broke.
    #[error("the generator failed: {}", plain_words(.0))]
    Engine(io::Error),
}

/// Time between the last connection and the first due request.
const LEAD: Duration = Duration::from_millis(2);

/// Carries out the plan with these drivers, one a thread. `stop` ends it early; what was measured is kept.
///
/// `progress` and `recorders` have one element a thread. `on_start` receives time zero of the observations, shortly
/// before it comes.
///
/// # Errors
/// This machine cannot do what the plan asks for.
pub fn run_drivers<D: Driver + Send, R: Recorder>(
    plan: &Plan,
    drivers: &mut [D],
    weights: &[f64],
    stop: &AtomicBool,
    progress: &[Progress],
    on_start: &dyn Fn(Instant),
    recorders: Vec<R>,
) -> Result<Ran<R>, RunError> {
    let threads = plan.threads.max(1);
    // Where it is allowed: a wake-up that waits for the hypervisor is not the subject's latency.
    let awake = Awake::keep().ok();
    let started = Instant::now() + LEAD;
    let clock = Clock::since(started);
    on_start(started);
    let before = MachineTime::now();
    let outcomes: Vec<Result<(R, Done), RunError>> = std::thread::scope(|scope| {
        let handles: Vec<_> = drivers
            .iter_mut()
            .zip(progress)
            .zip(recorders)
            .enumerate()
            .map(|(thread, ((driver, progress), mut recorder))| {
                let task = task(plan, weights, thread, threads);
                let cpu = plan.cpu_of(thread);
                let measured_from_ns = task.warmup_ns;
                std::thread::Builder::new()
                    .name(format!("load-{thread}"))
                    .spawn_scoped(scope, move || {
                        prepare_thread(cpu, plan.apart)?;
                        std::thread::sleep(started.saturating_duration_since(Instant::now()));
                        driver.start(clock, measured_from_ns);
                        engine::run(driver, task, clock, stop, progress, &mut recorder)
                            .map(|done| (recorder, done))
                            .map_err(RunError::Engine)
                    })
            })
            .collect();
        handles.into_iter().map(join).collect()
    });
    let steal_share = before
        .zip(MachineTime::now())
        .and_then(|(before, after)| after.stolen_share(&before, awake.is_some()));
    let mut recorders = Vec::with_capacity(threads);
    let mut dones = Vec::with_capacity(threads);
    for outcome in outcomes {
        let (recorder, done) = outcome?;
        recorders.push(recorder);
        dones.push(done);
    }
    let figures: Vec<DriverFigures> = drivers.iter().map(Driver::figures).collect();
    let generator = GeneratorUse {
        steal_share,
        resent: figures.iter().map(|of| of.resent).sum(),
        stamped: figures.iter().map(|of| of.stamped).sum(),
        connected: figures.iter().map(|of| of.connected).sum(),
        ..generator_use(&dones)
    };
    Ok(Ran {
        recorders,
        generator,
        started,
    })
}

fn join<R>(
    handle: io::Result<std::thread::ScopedJoinHandle<'_, Result<R, RunError>>>,
) -> Result<R, RunError> {
    match handle.map_err(RunError::Engine)?.join() {
        Ok(outcome) => outcome,
        // A panic is a bug in this program: it continues, with its own message.
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

fn prepare_thread(cpu: Option<u32>, apart: bool) -> Result<(), RunError> {
    sharpen_timers();
    if apart {
        // Only a help: where it is refused, neighbours make it late, which is measured.
        let _ = take_precedence();
    }
    let Some(cpu) = cpu else {
        return Ok(());
    };
    let cpus = CpuList::new([cpu]);
    pin_current_thread(&cpus).map_err(|source| RunError::Pin { cpus, source })
}

/// The part of `total` that belongs to one of `threads`: they differ by at most one.
fn part(total: usize, thread: usize, threads: usize) -> usize {
    (total / threads + usize::from(thread < total % threads)).max(1)
}

fn task(plan: &Plan, weights: &[f64], thread: usize, threads: usize) -> Task {
    let end_ns = plan.warmup.nanos().saturating_add(plan.duration.nanos());
    Task {
        pace: match plan.rate {
            Rate::PerSecond(rate) => Pace::Scheduled(Schedule::new(
                plan.arrivals,
                rate,
                plan.seed,
                thread,
                threads,
            )),
            Rate::Max => Pace::Max,
        },
        picker: Picker::new(weights, plan.seed, thread, threads),
        warmup_ns: plan.warmup.nanos(),
        end_ns,
        // Longer than any request may take, so that the driver ends each of them itself.
        drain_ns: end_ns
            .saturating_add(plan.timeout.nanos())
            .saturating_add(250_000_000),
        queue: part(plan.queue, thread, threads),
    }
}

fn generator_use(dones: &[Done]) -> GeneratorUse {
    let mut sum = GeneratorUse::default();
    let mut waits: Option<f64> = Some(0.0);
    for done in dones {
        let work_ns = done.usage.cpu_ns.saturating_sub(done.spin_ns);
        let wall = (done.wall_ns as f64).max(1.0);
        sum.due += done.due;
        sum.sent += done.sent;
        sum.late += done.late;
        sum.work_ns += work_ns;
        sum.busy_share = sum.busy_share.max(work_ns as f64 / wall);
        sum.wall_ns = sum.wall_ns.max(done.wall_ns);
        waits = waits
            .zip(done.usage.run_queue_wait_ns)
            .map(|(worst, wait)| worst.max(wait as f64 / wall));
    }
    GeneratorUse {
        run_queue_share: waits,
        ..sum
    }
}
