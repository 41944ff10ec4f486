//! Load for one side at a time, as every stage that measures under load puts it.

use crate::cpus::Assignment;
use crate::error::TrialError;
use crate::sides::{RESPONSE, RunningSide, Stand};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;
use understudy_load::{DEFAULT_QUEUE, Plan as LoadPlan, Progress, Rate};
use understudy_model::gates::GeneratorUse;
use understudy_model::stored::BlockFigures;
use understudy_model::stored::{Row, Table};
use understudy_model::{Observation, Span};
use understudy_observe::resources::{self, Measured, Observed, Others};
use understudy_subject_http::{Prepared, Requests};
use understudy_subject_http::{Ran, Workload, run};

/// The workload, and where the generator runs.
pub(crate) struct Generator<'a> {
    pub(crate) stand: &'a Stand<'a>,
    pub(crate) cpus: &'a Assignment,
    requests: &'a Requests,
    operation_of: &'a [u32],
    weights: Vec<f64>,
}

/// What a trial under load left.
#[derive(Default)]
pub(crate) struct Loaded {
    pub(crate) figures: BlockFigures,
    pub(crate) rows: Vec<Row>,
    pub(crate) samples: Table,
}

impl<'a> Generator<'a> {
    pub(crate) fn new(
        stand: &'a Stand<'a>,
        cpus: &'a Assignment,
        requests: &'a Requests,
        operation_of: &'a [u32],
    ) -> Self {
        Generator {
            stand,
            cpus,
            requests,
            operation_of,
            weights: requests.weights(),
        }
    }

    /// The requests as they go to this side.
    pub(crate) fn prepare(&self, running: &RunningSide) -> Result<Arc<[Prepared]>, TrialError> {
        self.requests
            .prepare_with(&running.target.host, &running.credentials, |request| {
                self.operation_of[request as usize]
            })
            .map_err(|(index, error)| TrialError::Request(index + 1, error))
    }

    /// A load at a rate, without warm-up and length.
    pub(crate) fn plan(&self, rate_rps: f64, seed: u64) -> LoadPlan {
        let workload = self.stand.workload;
        let cpus = &self.cpus.generator;
        LoadPlan {
            rate: Rate::PerSecond(rate_rps),
            arrivals: workload.arrivals,
            warmup: Span::default(),
            duration: Span::default(),
            connections: workload.connections as usize,
            threads: 1,
            cpus: (!cpus.as_slice().is_empty()).then(|| cpus.clone()),
            timeout: workload.timeout,
            seed,
            queue: DEFAULT_QUEUE,
            apart: self.cpus.are_apart(),
        }
    }

    /// Puts a side under load, with distinct bodies kept where they are to be inspected; `on_start` is called when it
    /// begins.
    pub(crate) fn run(
        &self,
        running: &RunningSide,
        prepared: &Arc<[Prepared]>,
        (load, inspect): (&LoadPlan, bool),
        on_start: &dyn Fn(Instant),
    ) -> Result<Ran<Vec<Observation>>, TrialError> {
        let progress = [Progress::default()];
        let workload = Workload {
            target: &running.target,
            prepared,
            weights: &self.weights,
            limits: RESPONSE,
            inspect,
        };
        let ran = run(load, workload, self.stand.stop, &progress, on_start);
        if self.stand.stop.load(Ordering::Relaxed) {
            return Err(TrialError::Interrupted);
        }
        ran.map_err(|source| TrialError::Load {
            name: running.name().to_owned(),
            source,
        })
    }

    /// Puts a side under load and samples it meanwhile.
    pub(crate) fn measure(
        &self,
        running: &RunningSide,
        prepared: &Arc<[Prepared]>,
        load: &LoadPlan,
    ) -> Result<Loaded, TrialError> {
        let observed = Observed {
            sampler: running.sampler()?,
            cpus: &self.cpus.subject,
            others: Others::Observed,
        };
        let window = (load.warmup.duration(), load.duration.duration());
        let (ran, measured) =
            resources::alongside(observed, window, self.stand.stop, |announce_start| {
                self.run(running, prepared, (load, false), announce_start)
            });
        let ran = ran?;
        Ok(Loaded {
            figures: figures(load, ran.generator, &measured),
            rows: ran.recorders.into_iter().flatten().map(Row::from).collect(),
            samples: measured.samples,
        })
    }
}

/// What is stored with a measurement along with its exchanges.
pub(crate) fn figures(
    load: &LoadPlan,
    generator: GeneratorUse,
    measured: &Measured,
) -> BlockFigures {
    BlockFigures {
        neighbours: measured.neighbours(&load.bound_cpus()),
        seed: load.seed,
        warmup_s: load.warmup.secs(),
        measured_s: load.duration.secs(),
        due: generator.due,
        sent: generator.sent,
        late: generator.late,
        generator_work_ns: generator.work_ns,
        generator_busy_share: generator.busy_share,
        run_queue_share: generator.run_queue_share,
        stamped: generator.stamped,
        steal_share: generator.steal_share,
        wall_ns: generator.wall_ns,
        ..measured.figures.clone()
    }
}
