//! One run of the generator of which every exchange is kept.

use std::sync::atomic::AtomicBool;
use std::time::Instant;
use understudy_load::{Plan, Progress};
use understudy_model::Observation;
use understudy_model::gates::GeneratorUse;
use understudy_subject_http::{HttpLoadError, Ran, Workload, run_into};

/// What a run left.
#[derive(Debug)]
pub(crate) struct Measurement {
    pub(crate) observations: Vec<Observation>,
    pub(crate) generator: GeneratorUse,
}

/// Puts a service under load; `on_start` is called when that begins.
pub(crate) fn measure(
    plan: &Plan,
    workload: Workload<'_>,
    stop: &AtomicBool,
    on_start: &dyn Fn(Instant),
) -> Result<Measurement, HttpLoadError> {
    let progress: Vec<Progress> = (0..plan.threads).map(|_| Progress::default()).collect();
    let recorders = (0..plan.threads).map(|_| Vec::new()).collect();
    let ran: Ran<Vec<Observation>> =
        run_into(plan, workload, stop, &progress, on_start, recorders)?;
    Ok(Measurement {
        observations: ran.recorders.into_iter().flatten().collect(),
        generator: ran.generator,
    })
}
