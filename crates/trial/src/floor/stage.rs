//! The fourth stage: the smallest memory limit at which each side holds the objectives. One side runs
//! at a time, and starts anew for every trial.

use super::{FloorConfig, FloorFacts, Planned, Search, lowest};
use crate::config::{LimitsConfig, SideConfig, TrialConfig};
use crate::cpus::Assignment;
use crate::error::TrialError;
use crate::judge::{BlockFigures, LatencyBlock};
use crate::latency::figures;
use crate::resources;
use crate::sides::{RESPONSE, RunningSide, Stand};
use crate::store;
use crate::weigh::Objectives;
use crate::{Event, Watch};
use std::sync::atomic::Ordering;
use understudy_evidence::{Folder, Happenings, Row, RunDirectory, Table};
use understudy_load::http::Requests;
use understudy_load::{DEFAULT_QUEUE, Plan as LoadPlan, Progress, Rate, run};
use understudy_model::{ByteSize, Observation, Side};

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

/// What a trial under load left.
struct Loaded {
    figures: BlockFigures,
    rows: Vec<Row>,
    samples: Table,
}

impl Stage<'_> {
    /// Searches both sides, where the configuration asks for it. Each trial is on disk when the next
    /// one begins; those that are there already are not made again.
    pub(crate) fn carry_out(&self) -> Result<(), TrialError> {
        let Some(config) = self.stand.config.memory_floor else {
            return Ok(());
        };
        if let Err(why) = self.stand.cgroups.memory() {
            let note = format!("the memory floor is not measured: {why}");
            return store::note(self.run, &note);
        }
        let there = store::floor_blocks(self.run)?;
        for side in Side::ALL {
            if !matches!(self.stand.config.side(side), SideConfig::Launched(_)) {
                let note = format!(
                    "the memory floor of the {side} is not measured: it runs already, and its limit is not Understudy's to set"
                );
                store::note(self.run, &note)?;
                continue;
            }
            let objectives = Objectives {
                slos: &self.stand.config.slos,
                endpoints: self.endpoints,
            };
            let mut search = Search::new(side, config, self.stand.config.limits, objectives);
            let known = there.iter().filter(|block| block.side == side);
            known.for_each(|block| search.record(block));
            while let Some(planned) = search.next() {
                (self.watch)(Event::Squeezing {
                    limit: planned.limit.map(ByteSize::new),
                    side,
                    trial: search.trials_made() + 1,
                });
                let number = search.trials_made() as u32;
                let load = self.load_plan(&config, planned, number, &objectives);
                search.record(&self.measure(side, number, planned, &load)?);
            }
        }
        Ok(())
    }

    /// One trial, stored: the side starts under the limit, is put under load and stopped.
    fn measure(
        &self,
        side: Side,
        number: u32,
        planned: Planned,
        load: &LoadPlan,
    ) -> Result<LatencyBlock, TrialError> {
        let limits = self.stand.config.limits;
        let config = TrialConfig {
            limits: LimitsConfig {
                memory: planned.limit.map(ByteSize::new).or(limits.memory),
                ..limits
            },
            ..self.stand.config.clone()
        };
        let stand = Stand {
            config: &config,
            logs: self.stand.logs.clone(),
            ..*self.stand
        };
        let mut facts = FloorFacts {
            limit_bytes: planned.limit,
            soak: planned.soak,
            ..FloorFacts::default()
        };
        let loaded = match stand.start(side, side.name()) {
            Ok(mut running) => {
                let loaded = self.load(&mut running, load);
                facts.kills = running.memory_kills();
                facts.ended = running.check_alive("under load").err().map(first_line);
                if let Some(note) = running.stop() {
                    store::note(self.run, &note)?;
                }
                match loaded {
                    // What has ended cannot be connected to.
                    Err(TrialError::Load { .. }) if facts.ended.is_some() => nothing(load),
                    loaded => loaded?,
                }
            }
            Err(error) if planned.limit.is_some() && is_of_the_side(&error) => {
                facts.kills = u64::from(error.is_out_of_memory());
                facts.ended = Some(first_line(error));
                nothing(load)
            }
            Err(error) => return Err(error),
        };
        let window = (
            load.warmup.secs(),
            load.warmup.secs() + load.duration.secs(),
        );
        facts.lowest_bytes = lowest(&loaded.samples, window);
        let block = LatencyBlock {
            rate_rps: match load.rate {
                Rate::PerSecond(rate) => rate,
                Rate::Max => f64::INFINITY,
            },
            side,
            block: number,
            figures: BlockFigures {
                floor: Some(facts),
                ..loaded.figures
            },
            rows: loaded.rows,
            happened: Happenings::default(),
        };
        let id = store::floor_block(side, number);
        self.run
            .write_table(Folder::Samples, &id, &loaded.samples)?;
        store::write_block(self.run, &id, block.rate_rps, &block.figures, &block.rows)?;
        Ok(block)
    }

    fn load(&self, running: &mut RunningSide, load: &LoadPlan) -> Result<Loaded, TrialError> {
        let prepared = self
            .requests
            .prepare(&running.target.host, |request| {
                self.endpoint_of[request as usize]
            })
            .map_err(|(index, error)| TrialError::Request(index + 1, error))?;
        let sampler = running.sampler()?;
        let window = (load.warmup.duration(), load.duration.duration());
        let progress = [Progress::default()];
        let (ran, measured) =
            resources::alongside(sampler, window, self.stand.stop, |announce_start| {
                run::<Vec<Observation>>(
                    load,
                    &running.target,
                    &prepared,
                    &self.requests.weights(),
                    self.stand.stop,
                    &progress,
                    announce_start,
                )
            });
        if self.stand.stop.load(Ordering::Relaxed) {
            return Err(TrialError::Interrupted);
        }
        let ran = ran.map_err(|source| TrialError::Load {
            name: running.name.clone(),
            source,
        })?;
        let rows = ran.recorders.into_iter().flatten().map(|observation| Row {
            observation,
            shape: 0,
            value: 0,
        });
        Ok(Loaded {
            figures: figures(load, ran.generator, &measured),
            rows: rows.collect(),
            samples: measured.samples,
        })
    }

    /// Every limit meets the arrivals of its number; both sides meet the same ones.
    fn load_plan(
        &self,
        config: &FloorConfig,
        planned: Planned,
        number: u32,
        objectives: &Objectives<'_>,
    ) -> LoadPlan {
        let workload = &self.stand.config.workload;
        let generator = &self.cpus.generator;
        LoadPlan {
            rate: Rate::PerSecond(config.rate),
            arrivals: workload.arrivals,
            warmup: config.warmup,
            duration: planned.measured,
            connections: workload.connections as usize,
            threads: 1,
            cpus: (!generator.as_slice().is_empty()).then(|| generator.clone()),
            timeout: objectives.patience(workload.timeout),
            seed: self.stand.config.seed.wrapping_add(u64::from(number)),
            queue: DEFAULT_QUEUE,
            limits: RESPONSE,
            inspect: false,
        }
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
        rows: Vec::new(),
        samples: Table::default(),
    }
}

/// Is it the side that failed, and not what is around it?
fn is_of_the_side(error: &TrialError) -> bool {
    matches!(
        error,
        TrialError::Ready(_) | TrialError::Ended { .. } | TrialError::Prepare { .. }
    )
}

/// What is wrong, without the lines of a log.
fn first_line(error: TrialError) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    line.trim_end_matches("; its last log lines:").to_owned()
}
