//! The third stage: the highest rate that each side holds the objectives at. One side runs at a time.

use crate::error::TrialError;
use crate::generator::{Generator, Loaded};
use crate::sides::RunningSide;
use crate::store;
use crate::{Event, Watch};
use std::sync::Arc;
use understudy_evidence::RunDirectory;
use understudy_judge::search::capacity::record_stored;
use understudy_judge::search::capacity::{CapacityConfig, Search, Settling};
use understudy_load::Plan as LoadPlan;
use understudy_model::stored::During;
use understudy_model::stored::LatencyBlock;
use understudy_model::verdict::VerdictRules;
use understudy_model::{Role, Span};
use understudy_stats::seeds::{Purpose, derived};
use understudy_subject_http::Prepared;

/// What the stage works on.
pub(crate) struct Stage<'a> {
    pub(crate) generator: &'a Generator<'a>,
    pub(crate) operations: &'a [String],
    /// Those of the run, which may have begun under other ones.
    pub(crate) rules: VerdictRules,
    /// Length of a stretch of load before the first trial.
    pub(crate) settle: Span,
    pub(crate) run: &'a RunDirectory,
    pub(crate) watch: &'a Watch<'a>,
}

/// A side under search.
struct Subject {
    running: RunningSide,
    prepared: Arc<[Prepared]>,
}

impl Stage<'_> {
    /// Searches every side, where the configuration asks for it. Each trial is on disk when the next
    /// one begins; those that are there already are not made again.
    pub(crate) fn carry_out(&self) -> Result<(), TrialError> {
        let trial = self.generator.stand.config;
        let Some(config) = self.generator.stand.terms.capacity() else {
            return Ok(());
        };
        let there = store::capacity_blocks(self.run)?;
        for side in trial.sides() {
            let mut search = Search::new(config, &trial.slos, self.operations).by(self.rules);
            there
                .iter()
                .filter(|block| block.side == side)
                .for_each(|block| record_stored(&mut search, block));
            if search.next().is_some() {
                self.search(side, &mut search, &config)?;
            }
        }
        Ok(())
    }

    fn search(
        &self,
        side: Role,
        search: &mut Search<'_>,
        capacity: &CapacityConfig,
    ) -> Result<(), TrialError> {
        let config = self.generator.stand.config;
        let mut subject = self.start(side)?;
        self.settle(&mut subject, side, capacity.first_rate)?;
        while let Some(planned) = search.next() {
            // A side that exits under overload has shown its limit, and starts again below it.
            if let Some(end) = subject.running.end() {
                let note = format!(
                    "the {} exited under the load of the search for its capacity ({}), and was started again",
                    side.in_words(),
                    end.exit,
                );
                store::note(self.run, &note)?;
                if let Some(note) = subject.running.stop() {
                    store::note(self.run, &note)?;
                }
                subject = self.start(side)?;
                self.settle(&mut subject, side, capacity.first_rate)?;
            }
            (self.watch)(Event::Searching {
                rate_rps: planned.rate_rps,
                side,
                trial: search.trials_made() + 1,
            });
            let number = search.trials_made() as u32;
            // All sides meet the same arrivals where they are tried at the same rate.
            let seed = derived(config.seed, Purpose::CapacityStep, number.into());
            let load = LoadPlan {
                warmup: capacity.warmup,
                duration: planned.measured,
                timeout: search.patience(self.generator.stand.workload.timeout),
                ..self.generator.plan(planned.rate_rps, seed)
            };
            let block = self.measure(&mut subject, (side, number), planned.rate_rps, &load)?;
            record_stored(search, &block);
        }
        if let Some(note) = subject.running.stop() {
            store::note(self.run, &note)?;
        }
        Ok(())
    }

    fn start(&self, side: Role) -> Result<Subject, TrialError> {
        (self.watch)(Event::Starting(side));
        let running = self.generator.stand.start(side)?;
        let prepared = self.generator.prepare(&running)?;
        Ok(Subject { running, prepared })
    }

    /// Load until the side no longer becomes cheaper: the search asks what it serves when it is warm.
    fn settle(&self, subject: &mut Subject, side: Role, rate_rps: f64) -> Result<(), TrialError> {
        (self.watch)(Event::Settling(side));
        let load = LoadPlan {
            duration: self.settle,
            ..self.generator.plan(
                rate_rps,
                derived(self.generator.stand.config.seed, Purpose::Settling, 0),
            )
        };
        let mut settling = Settling::default();
        while settling.is_unfinished() {
            let figures = self.put_under_load(subject, &load)?.figures;
            subject.running.check_alive(During::Load.in_words())?;
            settling.record(figures.side_cpu_us, figures.sent);
        }
        if settling.is_warm() {
            return Ok(());
        }
        let note = format!(
            "the capacity of the {} may be that of a side that is not warm: after {} under load its CPU time per request still fell",
            side.in_words(),
            Span::from_secs_f64(self.settle.secs() * settling.stretches() as f64),
        );
        store::note(self.run, &note)
    }

    /// One trial, stored.
    fn measure(
        &self,
        subject: &mut Subject,
        (side, number): (Role, u32),
        rate_rps: f64,
        load: &LoadPlan,
    ) -> Result<LatencyBlock, TrialError> {
        let loaded = self.put_under_load(subject, load)?;
        let id = store::capacity_block(side, number);
        store::write_trial(self.run, id, rate_rps, loaded)
    }

    fn put_under_load(&self, subject: &mut Subject, load: &LoadPlan) -> Result<Loaded, TrialError> {
        let loaded = self
            .generator
            .measure(&subject.running, &subject.prepared, load);
        // What has exited cannot be connected to: that is the better reason.
        if matches!(loaded, Err(TrialError::Load { .. })) {
            subject.running.check_alive(During::Load.in_words())?;
        }
        loaded
    }
}
