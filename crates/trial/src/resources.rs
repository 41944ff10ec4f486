//! What a side uses while it is measured.

use crate::judge::BlockFigures;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};
use understudy_evidence::Table;
use understudy_probe::{Sample, Sampler};

/// Time between two samples.
const EVERY: Duration = Duration::from_millis(500);

/// The figures and samples of one measurement.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    /// The resource part of a block's figures.
    pub(crate) figures: BlockFigures,
    /// Samples over time; `at_s` counts from the start of the load.
    pub(crate) samples: Table,
}

/// Samples a side from the end of the warm-up to the end of the window, beginning when `started`
/// says when the load starts.
pub(crate) fn measure(
    sampler: Option<Sampler>,
    started: &Receiver<Instant>,
    (warmup, length): (Duration, Duration),
    stop: &AtomicBool,
) -> Measured {
    let Some(mut sampler) = sampler else {
        return unmeasured("the process is not known: name its pid");
    };
    // No start: the load could not begin, and says so itself.
    let Ok(start) = started.recv() else {
        return Measured::default();
    };
    wait_until(start + warmup, stop);
    sampler.reset_peak();
    let mut samples = Vec::new();
    let end = start + warmup + length;
    loop {
        match sampler.sample(false) {
            Ok(sample) => samples.push((start.elapsed(), sample)),
            Err(error) => return unmeasured(&error.to_string()),
        }
        if Instant::now() >= end || stop.load(Ordering::Relaxed) {
            break;
        }
        wait_until((Instant::now() + EVERY).min(end), stop);
    }
    // The proportional set takes the side's memory map for a moment: only when nothing is measured.
    let pss = sampler
        .sample(true)
        .ok()
        .and_then(|sample| sample.pss_bytes);
    Measured {
        figures: figures(&samples, pss),
        samples: table(&samples),
    }
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

fn figures(samples: &[(Duration, Sample)], pss: Option<u64>) -> BlockFigures {
    let (Some((_, first)), Some((_, last))) = (samples.first(), samples.last()) else {
        return BlockFigures::default();
    };
    let highest = samples
        .iter()
        .map(|(_, s)| s.rss_bytes.max(s.peak_rss_bytes))
        .max();
    BlockFigures {
        side_cpu_us: Some(last.cpu_us().saturating_sub(first.cpu_us()) as f64),
        peak_rss_bytes: highest.map(|bytes| bytes as f64),
        peak_pss_bytes: pss.map(|bytes| bytes as f64),
        peak_cgroup_bytes: last.cgroup_peak_bytes.map(|bytes| bytes as f64),
        oom_kills: last
            .oom_kills
            .zip(first.oom_kills)
            .map(|(now, then)| now.saturating_sub(then)),
        ..BlockFigures::default()
    }
}

/// The samples as columns, units in the names.
fn table(samples: &[(Duration, Sample)]) -> Table {
    let column = |name: &str, value: &dyn Fn(&Sample) -> Option<f64>| {
        (
            name.to_owned(),
            samples.iter().map(|(_, sample)| value(sample)).collect(),
        )
    };
    let all = |value: u64| Some(value as f64);
    let some = |value: Option<u64>| value.map(|value| value as f64);
    let at = samples
        .iter()
        .map(|(at, _)| Some(at.as_secs_f64()))
        .collect();
    Table {
        columns: vec![
            ("at_s".to_owned(), at),
            column("cpu_user_us", &|s| all(s.cpu_user_us)),
            column("cpu_system_us", &|s| all(s.cpu_system_us)),
            column("rss_bytes", &|s| all(s.rss_bytes)),
            column("cgroup_bytes", &|s| some(s.cgroup_bytes)),
            column("cgroup_working_set_bytes", &|s| {
                some(s.cgroup_working_set_bytes)
            }),
            column("threads", &|s| all(u64::from(s.threads))),
            column("voluntary_switches", &|s| all(s.voluntary_switches)),
            column("involuntary_switches", &|s| all(s.involuntary_switches)),
            column("major_faults", &|s| all(s.major_faults)),
            column("run_queue_wait_ns", &|s| all(s.run_queue_wait_ns)),
            column("throttled_us", &|s| some(s.throttled_us)),
        ],
    }
}
