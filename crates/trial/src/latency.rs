//! The second stage: all sides under the same load, in randomised ABBA blocks.

use crate::error::TrialError;
use crate::exits;
use crate::generator::{Generator, figures};
use crate::inspect::Inspector;
use crate::sides::RunningSide;
use crate::store;
use crate::turns::{mix, order, pair_seed};
use crate::{Event, Watch};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use understudy_evidence::{BlockId, Folder, RunDirectory};
use understudy_judge as judge;
use understudy_judge::plan::{Plan, RatePlan};
use understudy_judge::search::lateness;
use understudy_judge::terms::Fresh;
use understudy_load::Plan as LoadPlan;
use understudy_model::gates::GeneratorUse;
use understudy_model::gates::{Disturbance, disturbance};
use understudy_model::neighbours::Neighbours;
use understudy_model::stored::{During, Row};
use understudy_model::{Ending, Observation, Role, Span};
use understudy_observe::resources::{Measured, Others};
use understudy_observe::{Circumstances, Witness};
use understudy_observe::{Clocks, TOLERATED_S, clock_was_set};
use understudy_redact::Redactor;
use understudy_subject_http::Prepared;
use understudy_subject_http::Ran;

/// What the stage works on.
pub(crate) struct Stage<'a> {
    pub(crate) generator: &'a Generator<'a>,
    pub(crate) redactor: &'a Redactor,
    pub(crate) plan: &'a Plan,
    pub(crate) run: &'a RunDirectory,
    pub(crate) watch: &'a Watch<'a>,
    /// Is the evidence so far enough? Asked at every look of the plan but the last.
    pub(crate) settled: &'a dyn Fn() -> Result<bool, TrialError>,
}

/// The sides, one of them awake at a time.
struct Cast {
    sides: HashMap<Role, RunningSide>,
    prepared: HashMap<Role, Arc<[Prepared]>>,
    /// Answers of each side since its start.
    answered: HashMap<Role, u64>,
    /// Those that were measured since their start.
    measured: HashSet<Role>,
    /// The candidate has exited: that is the result, and there is nothing left to measure.
    exited: bool,
}

/// Did the candidate last until the stage was complete?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outlasted {
    Yes,
    No,
}

/// One measurement that the plan asks for.
#[derive(Clone, Copy, Debug)]
struct Planned {
    rate: RatePlan,
    side: Role,
    number: u32,
}

impl Planned {
    fn id(&self) -> BlockId {
        store::latency_block(self.rate.rate_rps, self.side, self.number)
    }
}

/// Was a measurement kept?
enum Kept {
    /// Also one that was spoiled from outside, where it may not be made again.
    Yes(Option<Disturbed>),
    /// No: the machine slept meanwhile.
    Slept,
    /// No: it was spoiled from outside.
    Disturbed,
}

/// A measurement that was spoiled from outside.
struct Disturbed {
    by: Disturbance,
    /// Who used the CPUs meanwhile.
    neighbours: Option<Neighbours>,
}

/// How many measurements may still be made again because they were spoiled from outside.
struct Repeats {
    left: usize,
    /// Spoiled ones since the last that was not, kept or made again.
    in_a_row: u32,
}

/// So many spoiled measurements in a row are a machine that does not become quiet by waiting.
const HOPELESS: u32 = 3;

impl Repeats {
    /// Notes how a measurement went. True: it is made again.
    fn again(&mut self, disturbance: Option<Disturbance>) -> bool {
        if disturbance.is_none() {
            self.in_a_row = 0;
            return false;
        }
        self.in_a_row += 1;
        let may = self.left > 0 && self.in_a_row < HOPELESS;
        self.left -= usize::from(may);
        may
    }
}

impl Stage<'_> {
    /// Measures every rate, on to the look at which the evidence is enough. Each measurement is on disk
    /// when the next one begins.
    pub(crate) fn carry_out(&self, inspector: &mut Inspector<'_>) -> Result<Outlasted, TrialError> {
        if store::is_load_over(self.run)? {
            return Ok(Outlasted::Yes);
        }
        let planned = self.planned();
        let on_disk: BTreeSet<BlockId> = self.run.blocks()?.into_iter().collect();
        let done = planned
            .iter()
            .filter(|one| on_disk.contains(&one.id()))
            .count();
        let mut sides = None;
        let (mut begun, mut made) = (None::<Instant>, 0);
        let mut repeats = Repeats {
            left: self.plan.repeats() as usize,
            in_a_row: 0,
        };
        'looks: for look in 0..self.plan.looks.len() {
            let of_look = self.plan.measurements_of(look);
            let until = of_look.end;
            let missing = planned.iter().enumerate().take(until).skip(of_look.start);
            for (index, one) in missing.filter(|(_, one)| !on_disk.contains(&one.id())) {
                let cast = match &mut sides {
                    Some(cast) => cast,
                    None => {
                        self.note_interruption(done, until)?;
                        sides.insert(self.start_all()?)
                    }
                };
                let spent = begun.get_or_insert_with(Instant::now).elapsed();
                if look > 0 && self.is_over(index - of_look.start, spent, made) {
                    store::note(self.run, &self.no_time_left(index))?;
                    store::end_load(self.run)?;
                    break 'looks;
                }
                if cast.exited {
                    break 'looks;
                }
                (self.watch)(Event::Measuring {
                    rate_rps: one.rate.rate_rps,
                    side: one.side,
                    done: index,
                    total: until,
                });
                self.refresh(cast, one.side)?;
                if cast.exited {
                    break 'looks;
                }
                let disturbed = self.measure_until_kept(cast, one, inspector, &mut repeats)?;
                cast.measured.insert(one.side);
                made += 1;
                let is_over = match disturbed {
                    Some(disturbed) => self.give_up(&disturbed)?,
                    None => false,
                };
                if cast.exited || is_over {
                    break 'looks;
                }
            }
            if until < planned.len() && (self.settled)()? {
                break;
            }
        }
        (self.watch)(Event::Measured);
        let outlasted = match sides.as_ref().is_some_and(|cast| cast.exited) {
            true => Outlasted::No,
            false => Outlasted::Yes,
        };
        let sides = sides.into_iter().flat_map(|cast| cast.sides.into_values());
        for note in sides.filter_map(RunningSide::stop) {
            store::note(self.run, &note)?;
        }
        Ok(outlasted)
    }

    /// Is no time left for the ABBA block that would begin with a measurement, by its place in a look? The last look takes
    /// what time there is, and whatever was measured does not bear on where it ends.
    fn is_over(&self, place: usize, spent: Duration, made: usize) -> bool {
        let of_abba = self.plan.measurements_of_an_abba();
        place.is_multiple_of(of_abba) && !self.plan.has_time_for(of_abba, spent, made)
    }

    /// Why it is not measured on.
    fn no_time_left(&self, made: usize) -> String {
        let pairs = |measurements| measurements / self.plan.sides as usize;
        let (made, planned) = (pairs(made), pairs(self.plan.measurements()));
        format!("`longest` was over after {made} pairs, of {planned} that it was planned to hold")
    }

    fn note_interruption(&self, done: usize, total: usize) -> Result<(), TrialError> {
        if done == 0 {
            return Ok(());
        }
        let note =
            format!("the run was interrupted and continued after {done} of {total} measurements");
        store::note(self.run, &note)
    }

    /// Makes a measurement, and again where it was spoiled from outside. What did so, if that has been hopeless.
    fn measure_until_kept(
        &self,
        cast: &mut Cast,
        planned: &Planned,
        inspector: &mut Inspector<'_>,
        repeats: &mut Repeats,
    ) -> Result<Option<Disturbed>, TrialError> {
        let mut before = 0;
        loop {
            match self.measure(cast, planned, inspector, (before, repeats))? {
                Kept::Yes(disturbed) => {
                    return Ok(disturbed.filter(|_| repeats.in_a_row == HOPELESS));
                }
                Kept::Slept => {}
                Kept::Disturbed => before += 1,
            }
        }
    }

    /// Says early what is wrong, instead of at the end. True: nothing that was asked can be decided like this.
    fn give_up(&self, disturbed: &Disturbed) -> Result<bool, TrialError> {
        let gate = disturbed.by.gate();
        let spoiled = judge::bearing_of(gate.code);
        let asked = self.generator.stand.terms.judged_goals();
        let is_over = asked
            .iter()
            .all(|goal| goal.bearing().is_some_and(|of| spoiled.contains(&of)));
        let then = match is_over {
            true => "nothing that was asked can be decided like this",
            false => "what that bears on is refused",
        };
        let why = judge::with_culprit(&gate, &disturbed.neighbours);
        let text = format!("{HOPELESS} measurements in a row were disturbed, and {then}: {why}");
        store::note(self.run, &text)?;
        (self.watch)(Event::Disturbed(text));
        Ok(is_over)
    }

    /// Every measurement, in order.
    fn planned(&self) -> Vec<Planned> {
        let config = self.generator.stand.config;
        let sides: Vec<Role> = config.sides().collect();
        let mut planned = Vec::new();
        for (index, rate) in self.plan.rates.iter().enumerate() {
            for abba in 0..rate.abbas {
                let turns = order(&sides, config.seed, index as u32, abba);
                planned.extend(turns.into_iter().map(|(side, within)| Planned {
                    rate: *rate,
                    side,
                    number: abba * 2 + within,
                }));
            }
        }
        planned
    }

    fn start_all(&self) -> Result<Cast, TrialError> {
        let mut cast = Cast {
            sides: HashMap::new(),
            prepared: HashMap::new(),
            answered: HashMap::new(),
            measured: HashSet::new(),
            exited: false,
        };
        for side in self.generator.stand.config.sides() {
            self.begin(&mut cast, side)?;
            self.settle(&mut cast, side)?;
            if cast.exited {
                break;
            }
            self.rest(&mut cast, side)?;
        }
        Ok(cast)
    }

    /// Starts a side and renders the requests for its host.
    fn begin(&self, cast: &mut Cast, side: Role) -> Result<(), TrialError> {
        (self.watch)(Event::Starting(side));
        let mut running = self.generator.stand.start(side)?;
        running.listen_to_attached(&self.generator.stand.logs);
        for note in running.unmeasured() {
            store::note(self.run, &note)?;
        }
        if let Some(start) = running.start {
            store::started(self.run, &start)?;
        }
        let prepared = self.generator.prepare(&running)?;
        cast.sides.insert(side, running);
        cast.answered.insert(side, 0);
        cast.measured.remove(&side);
        cast.prepared.insert(side, prepared);
        Ok(())
    }

    /// Starts a side again, where its next measurement is to find a new one. Each is measured once in a pair, with the load
    /// before it that settles it.
    fn refresh(&self, cast: &mut Cast, side: Role) -> Result<(), TrialError> {
        match self.generator.stand.terms.starts() {
            Fresh::Pair if !cast.measured.contains(&side) => Ok(()),
            Fresh::Pair | Fresh::Block => self.renew(cast, side),
            Fresh::Trial => Ok(()),
        }
    }

    /// Starts a side again for the next measurement, if it was this trial that started it.
    fn renew(&self, cast: &mut Cast, side: Role) -> Result<(), TrialError> {
        if !cast.sides.get(&side).is_some_and(RunningSide::is_launched) {
            return Ok(());
        }
        if let Some(note) = cast.sides.remove(&side).and_then(RunningSide::stop) {
            store::note(self.run, &note)?;
        }
        self.begin(cast, side)
    }

    /// Load before the first measurement, so that caches fill and code is compiled.
    fn settle(&self, cast: &mut Cast, side: Role) -> Result<(), TrialError> {
        (self.watch)(Event::Settling(side));
        let load = LoadPlan {
            warmup: Span::default(),
            duration: self.plan.settle,
            ..self.generator.plan(self.plan.primary.rate_rps, 0)
        };
        let ran = self.put_under_load(cast, side, (&load, false), &|_| {})?;
        let rate_rps = self.plan.primary.rate_rps;
        let id = store::settling_block(rate_rps, side);
        if self.run.blocks()?.contains(&id) {
            return Ok(());
        }
        let figures = figures(&load, ran.generator, &Measured::default());
        let rows: Vec<Row> = ran.recorders.into_iter().flatten().map(Row::from).collect();
        store::write_block(self.run, &id, rate_rps, &figures, &rows)
    }

    fn rest(&self, cast: &mut Cast, side: Role) -> Result<(), TrialError> {
        cast.sides
            .get_mut(&side)
            .map_or(Ok(()), RunningSide::freeze)
    }

    /// One measurement of one side, which was made `before` times before. One that was spoiled from outside is
    /// not kept if it may be made again.
    fn measure(
        &self,
        cast: &mut Cast,
        planned: &Planned,
        inspector: &mut Inspector<'_>,
        (before, repeats): (u32, &mut Repeats),
    ) -> Result<Kept, TrialError> {
        let Planned { rate, side, number } = *planned;
        let seed = pair_seed(self.generator.stand.config.seed, rate.rate_rps, number);
        let warmup = varied(rate.warmup, seed);
        let load = LoadPlan {
            warmup,
            duration: rate.measured,
            ..self.generator.plan(rate.rate_rps, seed)
        };
        let Some(running) = cast.sides.get_mut(&side) else {
            return Ok(Kept::Yes(None));
        };
        running.thaw()?;
        let clocks = Clocks::now();
        let sampler = running.sampler()?;
        let mut listener = running.listener.take();
        let witness = Witness {
            sampler,
            others: Others::Observed,
            listener: listener.as_mut(),
            cpus: &self.generator.cpus.subject,
            window: (warmup.duration(), rate.measured.duration()),
            stop: self.generator.stand.stop,
        };
        let (ran, circumstances) = witness.attend(|announce_start| {
            self.put_under_load(cast, side, (&load, true), announce_start)
        });
        if let Some(running) = cast.sides.get_mut(&side) {
            running.listener = listener;
        }
        let ran = ran?;
        let name = cast
            .sides
            .get(&side)
            .map_or("side", |running| running.name());
        for note in about_connections(name, &load, &ran.generator) {
            store::note(self.run, &note)?;
        }
        let Circumstances {
            measured,
            mut happened,
        } = circumstances;
        if let Some(running) = cast.sides.get_mut(&side)
            && let Some(missing) = running.hold_listener(&mut happened)
        {
            store::note(self.run, &missing)?;
        }
        self.rest(cast, side)?;
        // A side that has exited cannot be measured again.
        if clocks.slept_s() > TOLERATED_S && !cast.exited {
            let slept = "the machine slept during a measurement, which was made again";
            store::note(self.run, slept)?;
            return Ok(Kept::Slept);
        }
        let disturbance = disturbance(&ran.generator, self.generator.cpus.are_apart());
        if !cast.exited && repeats.again(disturbance) {
            return Ok(Kept::Disturbed);
        }
        // One generator thread, one recorder.
        let observations: Vec<Observation> = ran.recorders.into_iter().flatten().collect();
        let authorities = cast.sides.get(&side).map(RunningSide::authorities);
        let authorities = authorities.unwrap_or_default();
        let rows = inspector.rows(&observations, &ran.captures, &authorities);
        let mut figures = figures(&load, ran.generator, &measured);
        if cast.exited {
            // The samples end with the process, before its memory kill is counted.
            let kills = cast.sides.get_mut(&side).map(RunningSide::memory_kills);
            figures.oom_kills = kills.filter(|kills| *kills > 0).or(figures.oom_kills);
        }
        figures.started_unix_s = clocks.unix_s();
        figures.repeats = before;
        if let Some(step_s) = clocks.step_s() {
            store::note(self.run, &clock_was_set(step_s))?;
        }
        let id = planned.id();
        self.run
            .write_table(Folder::Samples, &id, &measured.samples)?;
        self.run.write_happenings(&id, &happened)?;
        store::write_block(self.run, &id, rate.rate_rps, &figures, &rows)?;
        // Nothing is spoiled by waiting for a CPU where the kernel says when answers arrived.
        let terms = &self.generator.stand.terms;
        let is_bound = |by: &Disturbance| {
            matches!(by, Disturbance::Waited(_))
                && lateness::is_known(
                    observations.iter(),
                    figures.stamped,
                    terms.highest_quantile(),
                )
        };
        let disturbed = disturbance.filter(|by| !is_bound(by)).map(|by| Disturbed {
            by,
            neighbours: figures.neighbours,
        });
        Ok(Kept::Yes(disturbed))
    }

    fn put_under_load(
        &self,
        cast: &mut Cast,
        side: Role,
        load: (&LoadPlan, bool),
        on_start: &dyn Fn(Instant),
    ) -> Result<Ran<Vec<Observation>>, TrialError> {
        let Some(running) = cast.sides.get_mut(&side) else {
            return Err(TrialError::Interrupted);
        };
        let prepared = &cast.prepared[&side];
        let ran = self.generator.run(running, prepared, load, on_start);
        if matches!(ran, Err(TrialError::Interrupted)) {
            return ran;
        }
        let count = cast.answered.entry(side).or_default();
        if let Ok(ran) = &ran {
            let answers = ran.recorders.iter().flatten();
            *count += answers.filter(|one| one.ending == Ending::Answered).count() as u64;
        }
        let Some(end) = running.end() else { return ran };
        if side != Role::Candidate {
            let answers = format!("under load, after {count} recorded answers");
            return Err(end.as_error(side, &answers));
        }
        let ran = ran.map_err(|_| end.as_error(side, During::Load.in_words()))?;
        cast.exited = true;
        let exited = exits::stored(side, During::Load, *count, &end, self.redactor);
        store::exited(self.run, &exited)?;
        Ok(ran)
    }
}

/// The warm-up of one pair, between half and one and a half times the planned one. What a side does
/// every so many requests (collect its heap) would otherwise fall into the same half of each ABBA
/// block again and again, and look like a difference of the incumbent from itself.
fn varied(warmup: Span, seed: u64) -> Span {
    let unit = (mix(seed) >> 11) as f64 / (1u64 << 53) as f64;
    Span::from_secs_f64(warmup.secs() * (0.5 + unit))
}

/// What the connections of a measurement say about a side. Each sentence is kept once a run.
fn about_connections(name: &str, load: &LoadPlan, generator: &GeneratorUse) -> Vec<String> {
    let mut notes = Vec::new();
    if (generator.connected as usize) < load.connections {
        notes.push(format!(
            "the {name} did not accept {} connections before a measurement began: its listen backlog is short, or it serves fewer; lower connections",
            load.connections
        ));
    }
    if generator.resent > 0 {
        notes.push(format!(
            "the {name} closed kept connections while requests were on their way: those were sent again (RFC 9112, section 9.3.1)"
        ));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_disturbed_is_made_again_until_that_is_hopeless() {
        let mut repeats = Repeats {
            left: 4,
            in_a_row: 0,
        };
        let waited = Some(Disturbance::Waited(0.2));
        let went: Vec<bool> = [waited, waited, waited, waited, None, waited, waited, waited]
            .into_iter()
            .map(|disturbance| repeats.again(disturbance))
            .collect();
        assert_eq!(went, [true, true, false, false, false, true, true, false]);
        assert_eq!(repeats.left, 0);
        assert!(
            !repeats.again(None) && !repeats.again(waited),
            "none are left"
        );
    }

    #[test]
    fn warm_ups_vary_around_the_planned_one() {
        let planned = Span::from_secs(2);
        let all: Vec<f64> = (0..1000).map(|seed| varied(planned, seed).secs()).collect();
        assert!(all.iter().all(|s| (1.0..=3.0).contains(s)));
        let mean = all.iter().sum::<f64>() / 1000.0;
        assert!((mean - 2.0).abs() < 0.1, "{mean}");
    }
}
