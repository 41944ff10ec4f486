//! The fourth stage: the smallest memory limit at which each side holds the objectives. One side runs
//! at a time, and starts again for every trial.

use crate::config::{SideConfig, TrialConfig};
use crate::error::TrialError;
use crate::generator::{Generator, Loaded};
use crate::sides::Stand;
use crate::store;
use crate::{Event, Watch};
use understudy_evidence::RunDirectory;
use understudy_judge::search::Objectives;
use understudy_judge::search::floor::{Demands, FloorTrial, Planned, Search, lowest};
use understudy_judge::terms::LimitsConfig;
use understudy_load::Plan as LoadPlan;
use understudy_model::stored::{BlockFigures, FloorFacts, LatencyBlock};
use understudy_model::verdict::VerdictRules;
use understudy_model::{ByteSize, Role};
use understudy_stats::seeds::{Purpose, derived};

/// What the stage works on.
pub(crate) struct Stage<'a> {
    pub(crate) generator: &'a Generator<'a>,
    pub(crate) operations: &'a [String],
    /// Those of the run, which may have begun under other ones.
    pub(crate) rules: VerdictRules,
    pub(crate) run: &'a RunDirectory,
    pub(crate) watch: &'a Watch<'a>,
}

impl Stage<'_> {
    /// Searches every side, where the configuration asks for it. Each trial is on disk when the next
    /// one begins; those that are there already are not made again.
    pub(crate) fn carry_out(&self) -> Result<(), TrialError> {
        let stand = self.generator.stand;
        let Some(config) = stand.config.memory_floor else {
            return Ok(());
        };
        let FloorTrial::Load(trial) = config.trial else {
            return Err(TrialError::OtherKind);
        };
        if let Err(why) = stand.cgroups.memory() {
            let note = format!("the memory floor is not measured: {why}");
            return store::note(self.run, &note);
        }
        let there = store::floor_blocks(self.run)?;
        for side in stand.config.sides() {
            if !matches!(stand.config.side(side), SideConfig::Launched(_)) {
                let note = format!(
                    "the memory floor of the {} is not measured: it runs already, and its limit is not Understudy's to set",
                    side.in_words(),
                );
                store::note(self.run, &note)?;
                continue;
            }
            let objectives = Objectives {
                slos: &stand.config.slos,
                operations: self.operations,
                rules: self.rules,
            };
            let demands = Demands::Load(objectives);
            let mut search = Search::new(side, config, stand.config.limits, demands);
            let known = there.iter().filter(|block| block.side == side);
            known.for_each(|block| search.record(block));
            while let Some(planned) = search.next() {
                (self.watch)(Event::Squeezing {
                    limit: planned.limit.map(ByteSize::new),
                    side,
                    trial: search.trials_made() + 1,
                });
                let number = search.trials_made() as u32;
                // Every limit meets the arrivals of its number; all sides meet the same ones.
                let seed = derived(stand.config.seed, Purpose::FloorStep, number.into());
                let load = LoadPlan {
                    warmup: trial.warmup,
                    duration: planned.measured,
                    timeout: objectives.patience(stand.workload.timeout),
                    ..self.generator.plan(trial.rate, seed)
                };
                let block = self.measure((side, number), planned, trial.rate, &load)?;
                search.record(&block);
            }
        }
        Ok(())
    }

    /// One trial, stored: the side starts under the limit, is put under load and stopped.
    fn measure(
        &self,
        (side, number): (Role, u32),
        planned: Planned,
        rate_rps: f64,
        load: &LoadPlan,
    ) -> Result<LatencyBlock, TrialError> {
        let original = self.generator.stand;
        let limits = original.config.limits;
        let config = TrialConfig {
            limits: LimitsConfig {
                memory: planned.limit.map(ByteSize::new).or(limits.memory),
                ..limits
            },
            ..original.config.clone()
        };
        let stand = Stand {
            config: &config,
            logs: original.logs.clone(),
            ..*original
        };
        let mut facts = FloorFacts {
            limit_bytes: planned.limit,
            soak: planned.soak,
            ..FloorFacts::default()
        };
        let mut loaded = match stand.start(side) {
            Ok(mut running) => {
                let prepared = self.generator.prepare(&running);
                let loaded =
                    prepared.and_then(|prepared| self.generator.measure(&running, &prepared, load));
                facts.kills = running.memory_kills();
                let ended = running.check_alive("under load").err();
                facts.ended = ended.map(|error| error.first_line());
                if let Some(note) = running.stop() {
                    store::note(self.run, &note)?;
                }
                match loaded {
                    // What has ended cannot be connected to.
                    Err(TrialError::Load { .. }) if facts.ended.is_some() => nothing(load),
                    loaded => loaded?,
                }
            }
            Err(error) if planned.limit.is_some() && error.is_of_the_side() => {
                facts.kills = u64::from(error.is_out_of_memory());
                facts.ended = Some(error.first_line());
                nothing(load)
            }
            Err(error) => return Err(error),
        };
        let window = (
            load.warmup.secs(),
            load.warmup.secs() + load.duration.secs(),
        );
        facts.lowest_bytes = lowest(&loaded.samples, window);
        loaded.figures.floor = Some(facts);
        let id = store::floor_block(side, number);
        store::write_trial(self.run, id, rate_rps, loaded)
    }
}

/// A trial in which nothing was sent.
fn nothing(load: &LoadPlan) -> Loaded {
    Loaded {
        figures: BlockFigures {
            seed: load.seed,
            warmup_s: load.warmup.secs(),
            measured_s: load.duration.secs(),
            ..BlockFigures::default()
        },
        ..Loaded::default()
    }
}
