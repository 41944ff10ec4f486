//! What a side uses while it is measured.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};
use understudy_host::{CpuList, mean_mhz, take_precedence};
use understudy_model::neighbours::Neighbours;
use understudy_model::stored::BlockFigures;
use understudy_model::stored::Table;
use understudy_probe::{NeighbourSampler, Sample, Sampler};

/// Time between two samples.
const EVERY: Duration = Duration::from_millis(500);
/// How long before the window the first search for other processes begins: it takes as long where there
/// are 2,000 of them.
const SEARCH_AHEAD: Duration = Duration::from_millis(400);
/// Least time between two readings of the proportional set.
const PSS_EVERY: Duration = Duration::from_secs(2);
/// A reading of the proportional set walks the page tables of the side, which then may not map
/// memory: at most one part in so many of the time is spent on it.
const PSS_SHARE: u32 = 1000;

/// The figures and samples of one measurement.
#[derive(Debug, Default)]
pub struct Measured {
    /// The resource part of a block's figures.
    pub figures: BlockFigures,
    /// Samples over time; `at_s` counts from the start of the load.
    pub samples: Table,
}

impl Measured {
    /// What else used the CPUs of the machine while a generator ran on these of them.
    pub fn neighbours(&self, generator: &CpuList) -> Option<Neighbours> {
        let seen = self.figures.neighbours.clone()?;
        Some(Neighbours {
            generator_cpus: generator.as_slice().to_vec(),
            ..seen
        })
    }
}

/// Are the other processes of the machine observed?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Others {
    /// Yes: they may disturb a generator on this machine.
    Observed,
    /// No: there is no generator.
    LeftOut,
}

/// What is observed while a load runs.
#[derive(Debug)]
pub struct Observed<'a> {
    /// Samples the processes of the side; `None` where they are not known.
    pub sampler: Option<Sampler>,
    /// The CPUs that it runs on.
    pub cpus: &'a CpuList,
    /// Are the other processes of the machine observed?
    pub others: Others,
}

/// Where the peaks of memory come from.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Peaks {
    /// The kernel counts them, from the begin of the window.
    Kernel,
    /// The highest sample: the kernel's peak could not be reset, or belongs to someone else.
    Samples,
}

/// One sample.
struct Taken {
    /// When, since the start of the load.
    at: Duration,
    /// Of the processes of the side.
    side: Sample,
    /// Of its CPUs: their mean frequency.
    mhz: Option<f64>,
}

impl Taken {
    fn now(
        (sampler, cpus): (&mut Sampler, &CpuList),
        window: Window<'_>,
        pss: bool,
    ) -> Result<Self, understudy_probe::SampleError> {
        Ok(Taken {
            at: window.start.elapsed(),
            mhz: mean_mhz(cpus),
            side: sampler.sample(pss)?,
        })
    }
}

/// Puts a side under load and samples it meanwhile; `load` is given what announces its start.
///
/// # Panics
/// If `load` or the sampling panics: with its message.
pub fn alongside<T>(
    observed: Observed<'_>,
    window: (Duration, Duration),
    stop: &AtomicBool,
    load: impl FnOnce(&dyn Fn(Instant)) -> T,
) -> (T, Measured) {
    let (announce, started) = mpsc::channel::<Instant>();
    std::thread::scope(|scope| {
        let resources = scope.spawn(move || {
            // It has to look in time next to a generator that runs before others; it takes little.
            let _ = take_precedence();
            measure(observed, &started, window, stop)
        });
        let announce_start = move |at| {
            // The receiver lives until it has been told.
            let _ = announce.send(at);
        };
        let loaded = load(&announce_start);
        // A load that never began announces nothing: the other end has to hear of it.
        drop(announce_start);
        match resources.join() {
            Ok(measured) => (loaded, measured),
            // A panic is a bug in this program: it is passed on, with its own message.
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// Samples a side from the end of the warm-up to the end of the window, beginning when `started`
/// says when the load starts.
pub fn measure(
    observed: Observed<'_>,
    started: &Receiver<Instant>,
    (warmup, length): (Duration, Duration),
    stop: &AtomicBool,
) -> Measured {
    // No start: the load could not begin, and says so itself.
    let Ok(start) = started.recv() else {
        return Measured::default();
    };
    let window = Window {
        start,
        end: start + warmup + length,
        stop,
    };
    let Observed {
        sampler,
        cpus,
        others,
    } = observed;
    // Before the window: the first look reads every process.
    wait_until(start + warmup.saturating_sub(SEARCH_AHEAD), stop);
    let pids = sampler.as_ref().map(Sampler::pids);
    let mut neighbours = match others {
        Others::Observed => NeighbourSampler::begin(pids.as_deref(), start + warmup),
        Others::LeftOut => None,
    };
    wait_until(start + warmup, stop);
    let (mut measured, pids) = match sampler {
        Some(sampler) => of_side((sampler, cpus), &mut neighbours, window),
        None => {
            while window.is_open() {
                window.pause(Instant::now());
                window.look(&mut neighbours, None);
            }
            let why = "the process is not known: say attach = { pid = ... }";
            (unmeasured(why), None)
        }
    };
    measured.figures.neighbours = neighbours.map(|seen| seen.end(pids.as_deref()));
    measured
}

/// A measured window.
#[derive(Clone, Copy)]
struct Window<'a> {
    /// When the load began.
    start: Instant,
    end: Instant,
    stop: &'a AtomicBool,
}

impl Window<'_> {
    fn is_open(&self) -> bool {
        Instant::now() < self.end && !self.stop.load(Ordering::Relaxed)
    }

    /// Waits for the next sample after that of `before`.
    fn pause(&self, before: Instant) {
        wait_until((before + EVERY).min(self.end), self.stop);
    }

    /// Looks at the other processes, without a delay of the last sample.
    fn look(&self, neighbours: &mut Option<NeighbourSampler>, side: Option<&[u32]>) {
        if let Some(neighbours) = neighbours {
            neighbours.look(side, self.end);
        }
    }
}

/// Samples the processes of a side, which are returned as they were at the end.
fn of_side(
    (mut sampler, cpus): (Sampler, &CpuList),
    neighbours: &mut Option<NeighbourSampler>,
    window: Window<'_>,
) -> (Measured, Option<Vec<u32>>) {
    let peaks = match sampler.reset_peak().is_empty() {
        true => Peaks::Kernel,
        false => Peaks::Samples,
    };
    let mut samples = Vec::new();
    let measured = match sample((&mut sampler, cpus), neighbours, window, &mut samples) {
        Ok(()) => Measured {
            figures: figures(&samples, peaks),
            samples: table(&samples),
        },
        // What was seen until then stays.
        Err(error) => Measured {
            samples: table(&samples),
            ..unmeasured(&error.to_string())
        },
    };
    (measured, Some(sampler.pids()))
}

fn sample(
    (sampler, cpus): (&mut Sampler, &CpuList),
    neighbours: &mut Option<NeighbourSampler>,
    window: Window<'_>,
    samples: &mut Vec<Taken>,
) -> Result<(), understudy_probe::SampleError> {
    let mut pss_due = Instant::now() + PSS_EVERY;
    while window.is_open() {
        let before = Instant::now();
        let pss = before >= pss_due;
        samples.push(Taken::now((sampler, cpus), window, pss)?);
        if pss {
            pss_due = before + PSS_EVERY.max(before.elapsed() * PSS_SHARE);
        }
        if neighbours.is_some() {
            window.look(neighbours, Some(&sampler.pids()));
        }
        window.pause(before);
    }
    // The window is over: the proportional set may take its time, and is always there once.
    samples.push(Taken::now((sampler, cpus), window, true)?);
    Ok(())
}

fn unmeasured(why: &str) -> Measured {
    let figures = BlockFigures {
        unmeasured: Some(why.to_owned()),
        ..BlockFigures::default()
    };
    Measured {
        figures,
        samples: Table::default(),
    }
}

fn wait_until(moment: Instant, stop: &AtomicBool) {
    const NAP: Duration = Duration::from_millis(50);
    loop {
        let left = moment.saturating_duration_since(Instant::now());
        if left.is_zero() || stop.load(Ordering::Relaxed) {
            return;
        }
        std::thread::sleep(left.min(NAP));
    }
}

fn figures(samples: &[Taken], peaks: Peaks) -> BlockFigures {
    let (Some(Taken { side: first, .. }), Some(Taken { side: last, .. })) =
        (samples.first(), samples.last())
    else {
        return BlockFigures::default();
    };
    let highest = |value: &dyn Fn(&Sample) -> Option<u64>| {
        let values = samples.iter().filter_map(|taken| value(&taken.side));
        values.max().map(|bytes| bytes as f64)
    };
    let kernel = |bytes: u64| match peaks {
        Peaks::Kernel => bytes,
        Peaks::Samples => 0,
    };
    let mhz: Option<Vec<f64>> = samples.iter().map(|taken| taken.mhz).collect();
    BlockFigures {
        cpu_mhz: mhz.map(|all| all.iter().sum::<f64>() / all.len() as f64),
        side_cpu_us: Some(last.cpu_us().saturating_sub(first.cpu_us()) as f64),
        peak_rss_bytes: highest(&|s| Some(s.rss_bytes.max(kernel(s.peak_rss_bytes)))),
        peak_pss_bytes: highest(&|s| s.pss_bytes),
        peak_cgroup_bytes: highest(&|s| {
            let peak = s.cgroup_peak_bytes.map_or(0, kernel);
            s.cgroup_bytes.map(|now| now.max(peak))
        }),
        oom_kills: last
            .oom_kills
            .zip(first.oom_kills)
            .map(|(now, then)| now.saturating_sub(then)),
        ..BlockFigures::default()
    }
}

/// The samples as columns, units in the names.
fn table(samples: &[Taken]) -> Table {
    let column = |name: &str, value: &dyn Fn(&Sample) -> Option<u64>| {
        let values = samples.iter().map(|taken| value(&taken.side));
        (
            name.to_owned(),
            values.map(|v| v.map(|v| v as f64)).collect(),
        )
    };
    let at = samples.iter().map(|taken| Some(taken.at.as_secs_f64()));
    Table {
        columns: vec![
            ("at_s".to_owned(), at.collect()),
            column("cpu_user_us", &|s| Some(s.cpu_user_us)),
            column("cpu_system_us", &|s| Some(s.cpu_system_us)),
            column("rss_bytes", &|s| Some(s.rss_bytes)),
            column("pss_bytes", &|s| s.pss_bytes),
            column("cgroup_bytes", &|s| s.cgroup_bytes),
            column("cgroup_working_set_bytes", &|s| s.cgroup_working_set_bytes),
            column("threads", &|s| Some(u64::from(s.threads))),
            column("open_files", &|s| s.open_files),
            column("voluntary_switches", &|s| Some(s.voluntary_switches)),
            column("involuntary_switches", &|s| Some(s.involuntary_switches)),
            column("major_faults", &|s| Some(s.major_faults)),
            column("run_queue_wait_ns", &|s| Some(s.run_queue_wait_ns)),
            column("throttled_us", &|s| s.throttled_us),
            column("cpu_pressure_us", &|s| s.pressure.cpu_us),
            column("memory_pressure_us", &|s| s.pressure.memory_us),
            column("io_pressure_us", &|s| s.pressure.io_us),
        ],
    }
}
