//! A load on an HTTP server: as many drivers as the plan has threads.

use crate::driver::{Captures, HttpDriver, OpenError, Options, Prepared};
use crate::target::Target;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;
use understudy_load::{Plan, Progress, Recorder, RunError, run_drivers};
use understudy_model::gates::GeneratorUse;
use understudy_wire::http1::Limits;

/// What is sent, and where.
#[derive(Clone, Copy, Debug)]
pub struct Workload<'a> {
    /// Where to.
    pub target: &'a Target,
    /// The requests as they are sent.
    pub prepared: &'a Arc<[Prepared]>,
    /// How often each is chosen relative to the others.
    pub weights: &'a [f64],
    /// Bounds on answers.
    pub limits: Limits,
    /// Hash bodies and keep one of each distinct kind.
    pub inspect: bool,
}

impl<'a> Workload<'a> {
    /// A workload whose answers have the usual bounds, and are not looked into.
    pub fn new(target: &'a Target, prepared: &'a Arc<[Prepared]>, weights: &'a [f64]) -> Self {
        Workload {
            target,
            prepared,
            weights,
            limits: Limits::default(),
            inspect: false,
        }
    }
}

/// What a run left.
#[derive(Debug)]
pub struct Ran<R> {
    /// The recorders, one a thread.
    pub recorders: Vec<R>,
    /// Distinct bodies, if they were to be inspected.
    pub captures: Captures,
    /// The generator's own figures.
    pub generator: GeneratorUse,
    /// When time zero of the observations was.
    pub started: Instant,
    /// What was malformed in the first malformed answer.
    pub malformed: Option<&'static str>,
}

/// Why a load failed.
#[derive(Debug, thiserror::Error)]
pub enum HttpLoadError {
    /// The connections cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The engine failed.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// [`run_into`] recorders that begin empty.
///
/// # Errors
/// Those of [`run_into`].
pub fn run<R: Recorder + Default>(
    plan: &Plan,
    workload: Workload<'_>,
    stop: &AtomicBool,
    progress: &[Progress],
    on_start: &dyn Fn(Instant),
) -> Result<Ran<R>, HttpLoadError> {
    let recorders = (0..plan.threads.max(1)).map(|_| R::default()).collect();
    run_into(plan, workload, stop, progress, on_start, recorders)
}

/// Carries out the plan against a target. `stop` ends it early; what was measured is kept.
///
/// `progress` and `recorders` have one element a thread. `on_start` receives time zero of the observations, shortly
/// before it comes.
///
/// # Errors
/// The target cannot be reached, or this machine cannot do what the plan asks for.
pub fn run_into<R: Recorder>(
    plan: &Plan,
    workload: Workload<'_>,
    stop: &AtomicBool,
    progress: &[Progress],
    on_start: &dyn Fn(Instant),
    recorders: Vec<R>,
) -> Result<Ran<R>, HttpLoadError> {
    let mut drivers = (0..plan.threads.max(1))
        .map(|thread| {
            let options = Options {
                connections: plan.connections_of(thread),
                timeout: plan.timeout,
                limits: workload.limits,
                inspect: workload.inspect,
            };
            HttpDriver::open(workload.target, workload.prepared.clone(), options)
        })
        .collect::<Result<Vec<_>, _>>()?;
    let ran = run_drivers(
        plan,
        &mut drivers,
        workload.weights,
        stop,
        progress,
        on_start,
        recorders,
    )?;
    Ok(Ran {
        recorders: ran.recorders,
        captures: drivers
            .iter_mut()
            .flat_map(HttpDriver::take_captures)
            .collect(),
        generator: ran.generator,
        started: ran.started,
        malformed: drivers.iter().find_map(HttpDriver::malformed),
    })
}
