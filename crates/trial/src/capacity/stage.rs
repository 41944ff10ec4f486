//! The third stage: the highest rate that each side holds the objectives at. One side runs at a time.

use super::{Planned, Search};
use crate::cpus::Assignment;
use crate::error::TrialError;
use crate::judge::{LatencyBlock, record_capacity};
use crate::latency::figures;
use crate::resources;
use crate::sides::{RESPONSE, RunningSide, Stand};
use crate::store;
use crate::{Event, Watch};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use understudy_evidence::{Folder, Happenings, Row, RunDirectory};
use understudy_load::http::{Prepared, Requests};
use understudy_load::{DEFAULT_QUEUE, Plan as LoadPlan, Progress, Rate, run};
use understudy_model::{Observation, Side, Span};

/// What the stage works on.
pub(crate) struct Stage<'a> {
    pub(crate) stand: &'a Stand<'a>,
    pub(crate) cpus: &'a Assignment,
    pub(crate) requests: &'a Requests,
    pub(crate) endpoint_of: &'a [u32],
    pub(crate) endpoints: &'a [String],
    pub(crate) run: &'a RunDirectory,
    pub(crate) watch: &'a Watch<'a>,
}

/// A side under search.
struct Subject {
    running: RunningSide,
    prepared: Arc<[Prepared]>,
    weights: Vec<f64>,
}

impl Stage<'_> {
    /// Searches both sides, where the configuration asks for it. Each trial is on disk when the next
    /// one begins; those that are there already are not made again.
    pub(crate) fn carry_out(&self) -> Result<(), TrialError> {
        let Some(config) = self.stand.config.capacity() else {
            return Ok(());
        };
        let there = store::capacity_blocks(self.run)?;
        for side in Side::ALL {
            let mut search = Search::new(config, &self.stand.config.slos, self.endpoints);
            there
                .iter()
                .filter(|block| block.side == side)
                .for_each(|block| record_capacity(&mut search, block));
            if search.next().is_some() {
                self.search(side, &mut search, config.warmup)?;
            }
        }
        Ok(())
    }

    fn search(&self, side: Side, search: &mut Search<'_>, warmup: Span) -> Result<(), TrialError> {
        let mut subject = self.start(side)?;
        while let Some(planned) = search.next() {
            (self.watch)(Event::Searching {
                rate_rps: planned.rate_rps,
                side,
                trial: search.trials_made() + 1,
            });
            let patience = search.patience(self.stand.config.workload.timeout);
            let number = search.trials_made() as u32;
            let load = self.load_plan(planned, number, warmup, patience);
            let block = self.measure(&mut subject, side, number, &load)?;
            record_capacity(search, &block);
        }
        if let Some(note) = subject.running.stop() {
            store::note(self.run, &note)?;
        }
        Ok(())
    }

    fn start(&self, side: Side) -> Result<Subject, TrialError> {
        (self.watch)(Event::Starting(side.name().to_owned()));
        let running = self.stand.start(side, side.name())?;
        let prepared = self
            .requests
            .prepare(&running.target.host, |request| {
                self.endpoint_of[request as usize]
            })
            .map_err(|(index, error)| TrialError::Request(index + 1, error))?;
        Ok(Subject {
            running,
            prepared,
            weights: self.requests.weights(),
        })
    }

    /// One trial, stored.
    fn measure(
        &self,
        subject: &mut Subject,
        side: Side,
        number: u32,
        load: &LoadPlan,
    ) -> Result<LatencyBlock, TrialError> {
        let sampler = subject.running.sampler()?;
        let window = (load.warmup.duration(), load.duration.duration());
        let progress = [Progress::default()];
        let (ran, measured) =
            resources::alongside(sampler, window, self.stand.stop, |announce_start| {
                run::<Vec<Observation>>(
                    load,
                    &subject.running.target,
                    &subject.prepared,
                    &subject.weights,
                    self.stand.stop,
                    &progress,
                    announce_start,
                )
            });
        if self.stand.stop.load(Ordering::Relaxed) {
            return Err(TrialError::Interrupted);
        }
        subject.running.check_alive("under load")?;
        let ran = ran.map_err(|source| TrialError::Load {
            name: subject.running.name.clone(),
            source,
        })?;
        let rate_rps = match load.rate {
            Rate::PerSecond(rate) => rate,
            Rate::Max => f64::INFINITY,
        };
        let rows = ran.recorders.into_iter().flatten().map(|observation| Row {
            observation,
            shape: 0,
            value: 0,
        });
        let block = LatencyBlock {
            rate_rps,
            side,
            block: number,
            figures: figures(load, ran.generator, &measured),
            rows: rows.collect(),
            happened: Happenings::default(),
        };
        let id = store::capacity_block(side, number);
        self.run
            .write_table(Folder::Samples, &id, &measured.samples)?;
        store::write_block(self.run, &id, rate_rps, &block.figures, &block.rows)?;
        Ok(block)
    }

    /// Both sides meet the same arrivals where they are tried at the same rate.
    fn load_plan(&self, planned: Planned, number: u32, warmup: Span, patience: Span) -> LoadPlan {
        let workload = &self.stand.config.workload;
        let generator = &self.cpus.generator;
        LoadPlan {
            rate: Rate::PerSecond(planned.rate_rps),
            arrivals: workload.arrivals,
            warmup,
            duration: planned.measured,
            connections: workload.connections as usize,
            threads: 1,
            cpus: (!generator.as_slice().is_empty()).then(|| generator.clone()),
            timeout: patience,
            seed: self.stand.config.seed.wrapping_add(u64::from(number)),
            queue: DEFAULT_QUEUE,
            limits: RESPONSE,
            inspect: false,
        }
    }
}
