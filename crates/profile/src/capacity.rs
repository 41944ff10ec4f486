//! The search for the highest rate at which a service holds its objectives, carried out.

use crate::measurement::measure;
use std::sync::atomic::{AtomicBool, Ordering};
use understudy_host::CpuList;
use understudy_judge::search::Left;
use understudy_judge::search::capacity::{Planned, Search};
use understudy_load::{Plan, Rate};
use understudy_model::capacity::KneePoint;
use understudy_observe::Attach;
use understudy_observe::resources::{self, Observed, Others};
use understudy_stats::seeds::{Purpose, derived};
use understudy_subject_http::HttpLoadError;
use understudy_subject_http::Workload;

/// Measures steps until the search is over or `stop` ends it: a part of a step is discarded. `plan` is the load
/// without its rate and length; `attach` names the processes of the service, `on_step` is given each step. Returns the
/// highest memory of those processes, bytes.
///
/// # Errors
/// The service cannot be reached, or this machine cannot do what the plan asks for.
pub fn search_capacity(
    plan: &Plan,
    workload: Workload<'_>,
    attach: Option<&Attach>,
    search: &mut Search<'_>,
    stop: &AtomicBool,
    on_step: &dyn Fn(&KneePoint),
) -> Result<Option<f64>, HttpLoadError> {
    let mut peak_rss_bytes: Option<f64> = None;
    while let Some(planned) = search.next() {
        let plan = step(plan, planned, search);
        let window = (plan.warmup.duration(), plan.duration.duration());
        let observed = Observed {
            sampler: attach.and_then(|attach| attach.sampler().ok()),
            // A search compares no sides.
            cpus: &CpuList::default(),
            others: Others::Observed,
        };
        let (measured, used) = resources::alongside(observed, window, stop, |announce| {
            measure(&plan, workload, stop, announce)
        });
        let measured = measured?;
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let peaks = peak_rss_bytes
            .into_iter()
            .chain(used.figures.peak_rss_bytes);
        peak_rss_bytes = peaks.max_by(f64::total_cmp);
        on_step(search.record(&Left {
            rate_rps: planned.rate_rps,
            observations: &measured.observations,
            generator: measured.generator,
            neighbours: used.neighbours(&plan.bound_cpus()).as_ref(),
            cpu_us: used.figures.side_cpu_us,
            warmup_s: plan.warmup.secs(),
            measured_s: planned.measured.secs(),
        }));
    }
    Ok(peak_rss_bytes)
}

/// The load of the next step.
fn step(plan: &Plan, planned: Planned, search: &Search<'_>) -> Plan {
    let number = search.trials_made() as u64;
    Plan {
        rate: Rate::PerSecond(planned.rate_rps),
        duration: planned.measured,
        timeout: search.patience(plan.timeout),
        seed: derived(plan.seed, Purpose::CapacityStep, number),
        ..plan.clone()
    }
}
