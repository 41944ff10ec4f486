//! The stages that compare answers: are they the same? First those to the cases of the workload, then those to edge
//! requests, where they are asked for.
//!
//! Each case goes to the incumbent, a second incumbent and the contenders (the candidate, and the tuned
//! incumbent where there is one) at the same time, one case after the other in the order of the
//! workload, so that all of them see the same history.

use crate::cast::{Asked, Askers, Cast, FIRST_CONTENDER, any_failed};
use crate::error::TrialError;
use crate::faults::{self, SelfTest};
use crate::store::{self, Part};
use crate::subject::{Comparable, Seen};
use crate::{Event, Watch};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use understudy_compare::{Differ, History, Noise, Outcomes, Row, Rules};
use understudy_evidence::{BlockId, JsonLines, RunDirectory};
use understudy_judge::terms::Terms;
use understudy_model::stored::ReproducedCluster;
use understudy_model::stored::Row as ExchangeRow;
use understudy_model::verdict::{Equivalence, Reproduced};
use understudy_model::{Outcome, Pacing, Role};
use understudy_redact::Redactor;
use understudy_subject::{Missed, answer_hash};

/// Clusters that are asked again, and how often.
const REPRODUCED_CLUSTERS: usize = 10;
const REPEATS: u32 = 3;
/// Most files that are named because both sides change them.
const SHARED_FILES: usize = 8;
/// Most limits of this kind that are noted: they name files.
const LIMITS: usize = 32;
/// How long the end of a process may take to show once its connections are closed.
const ENDS_WITHIN: Duration = Duration::from_millis(200);

/// What the stage works on.
pub(crate) struct Stage<'a> {
    pub(crate) subject: &'a dyn Comparable,
    pub(crate) part: Part,
    pub(crate) terms: &'a Terms,
    pub(crate) differ: Differ<'a>,
    pub(crate) rules: &'a Rules,
    pub(crate) redactor: &'a Redactor,
    pub(crate) budget: Duration,
    pub(crate) run: &'a RunDirectory,
    pub(crate) stop: &'a AtomicBool,
    pub(crate) watch: &'a Watch<'a>,
}

/// What was compared of one contender.
struct Compared {
    contender: Role,
    rows: Vec<Row>,
}

/// The rows of one case, without what they say of parts that turned out to be incomplete.
fn disregarding<'m>(
    rows: impl IntoIterator<Item = Row>,
    missed: impl IntoIterator<Item = &'m Missed>,
) -> Vec<Row> {
    let mut rows: Vec<Row> = rows.into_iter().collect();
    for missed in missed {
        for row in &mut rows {
            row.disregard(&missed.parts, &missed.why);
        }
    }
    rows
}

/// Stores the rows of one case, one for each contender.
fn keep(
    rows: Vec<Row>,
    compared: &mut [Compared],
    lines: &mut [JsonLines<Row>],
) -> Result<(), TrialError> {
    for ((row, one), lines) in rows.into_iter().zip(compared).zip(lines) {
        lines.write(&row)?;
        one.rows.push(row);
    }
    Ok(())
}

impl Stage<'_> {
    /// Carries out the stage: every row is on disk as soon as it is known.
    pub(crate) fn carry_out(&self) -> Result<(), TrialError> {
        let sides: Vec<Role> = self.terms.sides().collect();
        let mut cast = Cast::start(self.subject, &sides, self.watch)?;
        for start in cast.all.iter().filter_map(|one| one.start()) {
            store::started(self.run, &start)?;
        }
        // What holds of the incumbent holds of the second one.
        let mut notes: Vec<String> = cast.all[..1]
            .iter()
            .chain(&cast.all[FIRST_CONTENDER..])
            .flat_map(|one| one.unmeasured())
            .collect();
        match self.compare(&mut cast) {
            Ok(compared) => {
                for compared in compared {
                    self.reproduce(&mut cast, &compared)?;
                }
            }
            // That an edge request ends the incumbent is no reason to measure nothing.
            Err(error @ TrialError::Ended { .. }) if self.part == Part::Edges => {
                let text = error.to_string();
                let what = text.lines().next().unwrap_or_default();
                notes.push(format!(
                    "{what}: edge requests after that were not compared"
                ));
            }
            Err(error) => return Err(error),
        }
        notes.extend(cast.stop());
        for note in notes {
            store::note(self.run, &note)?;
        }
        Ok(())
    }

    fn compare(&self, cast: &mut Cast<'_>) -> Result<Vec<Compared>, TrialError> {
        let earlier = self.earlier(cast)?;
        let mut exchanges = vec![Vec::new(); cast.all.len()];
        let compared = self.compare_all(cast, earlier, &mut exchanges);
        // Also what led to an error or an interrupt is evidence.
        self.keep_exchanges(cast, &exchanges)?;
        compared
    }

    /// What an interrupted run compared already. Sides that were changed by the requests so far
    /// start over: then so does the comparison, and what there was is put aside. So it is if a kill fell
    /// between the lines of two contenders.
    fn earlier(&self, cast: &Cast<'_>) -> Result<Vec<Compared>, TrialError> {
        let mut all = Vec::new();
        for contender in cast.contenders() {
            let rows = store::rows(self.run, self.part, contender)?;
            all.push(Compared { contender, rows });
        }
        let alike = all
            .windows(2)
            .all(|two| two[0].rows.len() == two[1].rows.len());
        if alike && self.subject.catalogue().is_repeatable() {
            return Ok(all);
        }
        for compared in &mut all {
            let name = self.part.differences(compared.contender);
            if self.run.path().join(name).exists() {
                store::put_aside(self.run, name)?;
            }
            compared.rows.clear();
        }
        let tested = (self.part == Part::Workload).then_some(store::FAULTS);
        for name in tested.into_iter().chain([self.part.exits()]) {
            if self.run.path().join(name).exists() {
                store::put_aside(self.run, name)?;
            }
        }
        Ok(all)
    }

    fn compare_all(
        &self,
        cast: &mut Cast<'_>,
        mut compared: Vec<Compared>,
        exchanges: &mut [Vec<ExchangeRow>],
    ) -> Result<Vec<Compared>, TrialError> {
        let catalogue = self.subject.catalogue();
        let mut self_test = self.self_test()?;
        let mut lines = Vec::new();
        for one in &compared {
            let name = self.part.differences(one.contender);
            lines.push(JsonLines::<Row>::open(self.run, name)?);
        }
        let count = catalogue.cases.len();
        let total = match self.part {
            Part::Workload => self.terms.comparisons(count),
            Part::Edges => count,
        };
        // Without these nothing is concluded: runs are few, and each takes as long as it takes.
        let least = match self.terms.pacing {
            Pacing::Offered => 0,
            Pacing::Serial => count,
        };
        let start = Instant::now();
        let mut askers = Askers::new(cast)?;
        let mut noted = BTreeSet::new();
        let mut histories: Vec<History> = compared.iter().map(|_| History::default()).collect();
        let differs = |row: &&Row| !row.differences.is_empty();
        let rows = compared.iter().flat_map(|one| &one.rows);
        let mut different = rows.filter(differs).count();
        // The rows of the last case: right before the next one shows if its answers were whole.
        let mut held: Vec<Row> = Vec::new();
        for number in compared[0].rows.len()..total {
            if self.stop.load(Ordering::Relaxed) {
                return Err(TrialError::Interrupted);
            }
            let planted = self_test.as_ref().map_or(Duration::ZERO, SelfTest::planted);
            let longest = self.budget + planted;
            if number >= least && start.elapsed() > longest {
                break;
            }
            // Whatever ends a side is one finding; the requests after it would only repeat it.
            if self.part == Part::Edges && cast.gone.contains(&true) {
                break;
            }
            let request = (number % count) as u32;
            let asked = askers
                .ask(request, start, &cast.gone)
                .map_err(|error| self.or_interrupted(error))?;
            let missed = asked.iter().filter_map(|one| one.missed.as_ref());
            let before = disregarding(held.drain(..), missed);
            different += before.iter().filter(differs).count();
            keep(before, &mut compared, &mut lines)?;
            cast.note(&asked);
            self.note_limits(cast, &asked, &mut noted)?;
            if any_failed(&asked) {
                // The end of a process may show a moment after that of its connections.
                if number + 1 == total {
                    std::thread::sleep(ENDS_WITHIN);
                }
                self.note_ends(cast)?;
            }
            for (kept, one) in exchanges.iter_mut().zip(&asked) {
                kept.push(one.row(
                    request,
                    catalogue.operation(request).0,
                    self.hash(&one.outcome),
                ));
            }
            for (index, (one, history)) in compared.iter().zip(&mut histories).enumerate() {
                let contender = (one.contender, FIRST_CONTENDER + index);
                let row = self.row(history, request, &asked, contender)?;
                if let Some(self_test) = self_test
                    .as_mut()
                    .filter(|_| one.contender == Role::Candidate)
                {
                    let (asked, answer) = (
                        self.asked(request),
                        (&asked[0].outcome, row.noise.as_slice()),
                    );
                    self_test.note(&self.differ, history, asked, answer, start.elapsed())?;
                    let answer = answer.0;
                    for note in self_test.note_outputs(&self.differ, history, asked, answer)? {
                        store::note(self.run, &note)?;
                    }
                }
                held.push(row);
            }
            (self.watch)(Event::Comparing {
                of_edges: self.part == Part::Edges,
                done: number + 1,
                total,
                different: different + held.iter().filter(differs).count(),
            });
        }
        let missed = askers.finish();
        keep(disregarding(held, &missed), &mut compared, &mut lines)?;
        for lines in &mut lines {
            lines.sync()?;
        }
        if let Some(self_test) = &mut self_test {
            self_test.sync()?;
        }
        Ok(compared)
    }

    /// Faults are put into answers to what people send; an edge request is asked once, and too few are alike.
    fn self_test(&self) -> Result<Option<SelfTest<'_>>, TrialError> {
        match self.part {
            Part::Workload => SelfTest::open(self.run, self.subject, self.watch).map(Some),
            Part::Edges => Ok(None),
        }
    }

    /// Remembers what limits the comparison: what is not seen, and what the sides share.
    fn note_limits(
        &self,
        cast: &Cast<'_>,
        asked: &[Asked],
        noted: &mut BTreeSet<String>,
    ) -> Result<(), TrialError> {
        let mut notes = Vec::new();
        let sides = cast.all.iter().zip(asked).enumerate();
        for (place, (member, one)) in sides.filter(|(place, _)| *place != FIRST_CONTENDER - 1) {
            let name = member.role().in_words();
            notes.extend(one.unseen.iter().map(|what| format!("{name}: {what}")));
            if place < FIRST_CONTENDER {
                continue;
            }
            let shared = self.subject.shared(&asked[0].outcome, &one.outcome);
            notes.extend(shared.into_iter().take(SHARED_FILES).map(|path| {
                format!(
                    "the incumbent and the {name} both write to `{path}`, outside of their directories: what one \
                     leaves there, the other may find"
                )
            }));
        }
        for note in notes {
            if noted.len() < LIMITS && !noted.contains(&note) {
                store::note(self.run, &note)?;
                noted.insert(note);
            }
        }
        Ok(())
    }

    /// Remembers the contenders that have ended: every request that they do not answer is a difference.
    fn note_ends(&self, cast: &mut Cast<'_>) -> Result<(), TrialError> {
        for exited in cast.ended(self.part.during(), self.redactor)? {
            store::exited(self.run, &exited)?;
        }
        Ok(())
    }

    /// What the contender at its place of the cast answered, against the incumbent, after what the
    /// two showed before.
    fn row(
        &self,
        history: &mut History,
        request: u32,
        asked: &[Asked],
        (contender, place): (Role, usize),
    ) -> Result<Row, TrialError> {
        let faults::Asked {
            operation, name, ..
        } = self.asked(request);
        let outcomes = Outcomes {
            incumbent: &asked[0].outcome,
            second: Some(&asked[1].outcome),
            candidate: &asked[place].outcome,
        };
        let facts = self.subject.catalogue().cases.get(request as usize);
        history.asked(facts.map_or("", |facts| &facts.target));
        let mut row = Row::compare(&self.differ, history, request, (operation, name), outcomes);
        let seen = Seen {
            outcomes: [
                (Role::Incumbent, outcomes.incumbent),
                (Role::Second, &asked[1].outcome),
                (contender, outcomes.candidate),
            ],
            contender,
            operation: name,
            rules: self.rules,
        };
        self.subject.conclude(&mut row, &seen)?;
        Ok(row)
    }

    fn asked(&self, request: u32) -> faults::Asked<'_> {
        let (operation, name) = self.subject.catalogue().operation(request);
        faults::Asked {
            request,
            operation,
            name,
        }
    }

    fn keep_exchanges(
        &self,
        cast: &Cast<'_>,
        exchanges: &[Vec<ExchangeRow>],
    ) -> Result<(), TrialError> {
        if exchanges[0].is_empty() {
            return Ok(());
        }
        // Each time the stage continues, it adds a block of each program, the incumbent's first.
        let stage = self.part.stage();
        let first = |id: &BlockId| id.stage == stage && id.side == Role::Incumbent;
        let blocks = self.run.blocks()?;
        let last = blocks
            .iter()
            .filter(|id| first(id))
            .map(|id| id.block)
            .max();
        let parts = last.map_or(0, |last| last / 2 + 1);
        for (place, (one, rows)) in cast.all.iter().zip(exchanges).enumerate() {
            let id = BlockId {
                stage: stage.to_owned(),
                side: one.role(),
                block: match place < FIRST_CONTENDER {
                    true => 2 * parts + place as u32,
                    false => parts,
                },
            };
            let mut writer = understudy_evidence::BlockWriter::create(self.run, &id)?;
            writer.append(rows)?;
            writer.finish(&std::collections::BTreeMap::new())?;
        }
        Ok(())
    }

    /// Asks the smallest request of each cluster again: does the difference show every time?
    fn reproduce(&self, cast: &mut Cast<'_>, compared: &Compared) -> Result<(), TrialError> {
        let Compared { contender, rows } = compared;
        let place = cast.all.iter().position(|one| one.role() == *contender);
        let Some(place) = place else { return Ok(()) };
        if cast.gone[place] {
            return Ok(());
        }
        let noise = Noise::learn(rows);
        let equivalence = self.tally(rows, &noise);
        let mut askers = Askers::new(cast)?;
        let asked_before = store::asked_again(self.run, self.part)?;
        for cluster in equivalence.clusters.iter().take(REPRODUCED_CLUSTERS) {
            if asked_before
                .iter()
                .any(|before| before.is(*contender, cluster))
            {
                continue;
            }
            let Some(example) = cluster.examples.first() else {
                continue;
            };
            let mut times = 0;
            for _ in 0..REPEATS {
                if self.stop.load(Ordering::Relaxed) {
                    return Err(TrialError::Interrupted);
                }
                let asked = askers
                    .ask(example.request, Instant::now(), &cast.gone)
                    .map_err(|error| self.or_interrupted(error))?;
                cast.note(&asked);
                if any_failed(&asked) {
                    std::thread::sleep(ENDS_WITHIN);
                    self.note_ends(cast)?;
                }
                let again = (*contender, place);
                let row = self.row(&mut History::default(), example.request, &asked, again)?;
                let again = |d: &understudy_model::Difference| {
                    d.pattern == cluster.path && d.kind == cluster.kind
                };
                times += u32::from(row.differences.iter().any(again));
                if cast.gone[place] {
                    return Ok(());
                }
            }
            let reproduced = ReproducedCluster {
                contender: *contender,
                operation: cluster.operation.clone(),
                path: cluster.path.clone(),
                kind: cluster.kind,
                reproduced: Reproduced { times, of: REPEATS },
            };
            store::reproduced(self.run, self.part, &reproduced)?;
        }
        Ok(())
    }

    /// What runs are recognised by while they are timed. (What a service answers under load is hashed otherwise.)
    fn hash(&self, outcome: &Outcome) -> u64 {
        match self.terms.pacing {
            Pacing::Serial => answer_hash(outcome),
            Pacing::Offered => 0,
        }
    }

    /// An error that an interrupt caused is the interrupt.
    fn or_interrupted(&self, error: TrialError) -> TrialError {
        match self.stop.load(Ordering::Relaxed) {
            true => TrialError::Interrupted,
            false => error,
        }
    }

    fn tally(&self, rows: &[Row], noise: &Noise) -> Equivalence {
        let catalogue = self.subject.catalogue();
        let facts = |request: u32| catalogue.cases.get(request as usize);
        let size = |request: u32| facts(request).map_or(usize::MAX, |facts| facts.bytes as usize);
        let workload = understudy_compare::Workload {
            operations: &catalogue.operations,
            size: &size,
            reproduce: &|_| String::new(),
        };
        understudy_compare::tally(rows, noise, self.rules, workload)
    }
}
