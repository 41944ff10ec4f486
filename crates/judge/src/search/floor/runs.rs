//! What the runs of a command have to hold at a memory limit: each ends as it did where outputs were compared, and
//! together they take little longer than without a limit. Pure.

#[cfg(test)]
mod tests;

use super::{Assessed, RunsTrial, missed};
use crate::search::assessment::Objectives;
use crate::terms::Slo;
use std::collections::{BTreeMap, BTreeSet};
use understudy_model::floor::{FloorOutcome, FloorRuns};
use understudy_model::gates::MOST_STOLEN;
use understudy_model::stored::{FloorFacts, LatencyBlock, Row};
use understudy_model::{Ending, FailureKind, Observation, Role, Share, Span};
use understudy_stats::capacity::Count;

/// The cases of a trial take no longer together, but for a single one that does.
const LONGEST_TRIAL: Span = Span::from_secs(10);
/// Those of the first trial, which shows what each case needs.
const LONGEST_FIRST: Span = Span::from_secs(120);
/// Runs of a trial take so long together at least, so that the start of a process weighs little.
const SHORTEST_TRIAL: Span = Span::from_millis(100);
/// A case runs so often in the first trial, where that takes no longer than [`LONGEST_TRIAL`].
const OF_FIRST: usize = 3;
/// Most runs of one case in a pass.
const MOST_RUNS: usize = 50;
/// A run is given up after so many times its time without a limit, and never before [`SHORTEST_PATIENCE`].
const PATIENCE: f64 = 4.0;
/// What a run may take in any case before it is given up.
const SHORTEST_PATIENCE: Span = Span::from_secs(1);

/// How the runs of each case ended where outputs were compared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Endings {
    /// Every ending, with its code, that a side showed for a case.
    pub seen: BTreeMap<(Role, u32), BTreeSet<(Ending, i32)>>,
    /// The hash of the answer, of cases that every program answered alike to the byte.
    pub exact: BTreeMap<u32, u64>,
}

/// How often each case of a trial runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    /// The cases, ascending.
    pub cases: Vec<u32>,
    /// Runs of each in a row.
    pub runs: usize,
}

/// What the runs of one side have to hold.
#[derive(Clone, Debug)]
pub struct RunDemands<'a> {
    side: Role,
    /// How many cases there are.
    cases: usize,
    slower: Share,
    objectives: Objectives<'a>,
    endings: &'a Endings,
    /// Median wall time of each case where it was measured, nanoseconds.
    measured: BTreeMap<u32, f64>,
    /// What the first trial showed, once there is one that counts.
    reference: Option<Reference>,
}

/// The runs without a limit.
#[derive(Clone, Debug)]
struct Reference {
    /// Median wall time of each case, nanoseconds.
    walls: BTreeMap<u32, f64>,
    /// That of its fastest run: no more is allowed for a first trial that something slowed down.
    fastest: BTreeMap<u32, f64>,
    /// How each ended, where the comparison does not say.
    endings: BTreeMap<u32, BTreeSet<(Ending, i32)>>,
    selection: Selection,
}

impl<'a> RunDemands<'a> {
    /// Those of a side of a workload with so many cases; `blocks` are its measurements without a tighter limit.
    pub fn new(
        (side, cases): (Role, usize),
        trial: RunsTrial,
        objectives: Objectives<'a>,
        endings: &'a Endings,
        blocks: &[LatencyBlock],
    ) -> Self {
        let mine = blocks.iter().filter(|block| block.side == side);
        RunDemands {
            side,
            cases,
            slower: trial.slower,
            objectives,
            endings,
            measured: median_walls(mine.flat_map(|block| &block.rows)),
            reference: None,
        }
    }

    /// What runs in the first trial: all cases, or the longest where that would take minutes.
    pub fn first(&self) -> Selection {
        let measured = &self.measured;
        let mean = match measured.len() {
            0 => super::ASSUMED_RUNS.nanos() as f64,
            cases => measured.values().sum::<f64>() / cases as f64,
        };
        let all = 0..self.cases as u32;
        let walls: Vec<(u32, f64)> = all
            .map(|case| (case, measured.get(&case).copied().unwrap_or(mean)))
            .collect();
        let mut selection = select(&walls, LONGEST_FIRST, |case| {
            measured.get(&case).copied().unwrap_or(0.0)
        });
        let total_ns: f64 = walls.iter().map(|(_, wall_ns)| wall_ns).sum();
        if total_ns * OF_FIRST as f64 <= LONGEST_TRIAL.nanos() as f64 {
            selection.runs = selection.runs.max(OF_FIRST);
        }
        selection
    }

    /// What runs in a trial at a limit; `None` before the first trial.
    pub fn selection(&self) -> Option<&Selection> {
        self.reference.as_ref().map(|first| &first.selection)
    }

    /// When a run is given up; `None` before the first trial.
    pub fn patience(&self) -> Option<Span> {
        let first = self.reference.as_ref()?;
        let chosen = first.selection.cases.iter();
        let longest_ns = chosen.filter_map(|case| first.walls.get(case));
        let longest_ns = longest_ns.fold(0.0, |most: f64, wall_ns| most.max(*wall_ns));
        let allowed = longest_ns * PATIENCE * (1.0 + self.slower.get());
        let allowed = Span::from_nanos(allowed as u64);
        Some(allowed.max(SHORTEST_PATIENCE))
    }

    /// Did all runs of a trial so far end right?
    pub fn are_right(&self, rows: &[Row]) -> bool {
        self.wrong(rows).is_none()
    }

    /// Did they take no longer than allowed? A trial in which they did not is continued, and the same cases run without
    /// the limit in between (`control`): the machine may be busier than it was.
    pub fn are_in_time(&self, rows: &[Row], control: &[Row]) -> bool {
        self.late(rows, &median_walls(control)).is_none()
    }

    /// What has to hold, in words.
    pub(super) fn in_words(&self) -> Vec<String> {
        let slower = format!(
            "runs that take at most {} longer than without a limit",
            self.slower
        );
        let right = "runs that end as they did where outputs were compared".to_owned();
        let slos = self.objectives.slos.iter().map(Slo::describe);
        [right, slower].into_iter().chain(slos).collect()
    }

    /// What a trial was, for the document.
    pub(super) fn described(&self) -> Option<FloorRuns> {
        let first = self.reference.as_ref()?;
        let chosen = &first.selection.cases;
        let walls = chosen.iter().filter_map(|case| first.walls.get(case));
        let wall_us = walls.sum::<f64>() / (chosen.len() as f64).max(1.0) / 1e3;
        Some(FloorRuns {
            cases: match chosen.len() == self.cases {
                true => Vec::new(),
                false => chosen.iter().map(|case| case + 1).collect(),
            },
            of: self.cases as u32,
            wall_us,
            slower: self.slower.get(),
        })
    }

    /// Holds a trial against what is asked. The first that counts becomes what the others are held against.
    pub(super) fn assess(&mut self, block: &LatencyBlock, facts: &FloorFacts) -> Assessed {
        let rows = &block.rows;
        let figures = &block.figures;
        let stolen = figures.steal_share.filter(|share| *share > MOST_STOLEN);
        let is_first = facts.limit_bytes.is_none();
        let wrong = self.wrong(rows);
        let is_right = wrong.is_none() && !rows.is_empty();
        let control = facts.control.iter().copied().collect();
        let late = || self.late(rows, &control).or_else(|| self.missed(rows));
        let (outcome, because) = match (wrong, stolen) {
            (Some((outcome, why)), _) => (outcome, Some(why)),
            // It may have made the first trial slow, and then none that follows is.
            (None, Some(share)) if is_first => refused(share),
            (None, stolen) => match (late(), stolen) {
                (None, _) => (FloorOutcome::Held, None),
                (Some(_), Some(share)) => refused(share),
                (Some(why), None) => (FloorOutcome::Missed, Some(why)),
            },
        };
        if is_first && outcome == FloorOutcome::Held && self.reference.is_none() {
            self.reference = Some(Reference::of(rows, &facts.peaks));
        }
        let wall_ns: f64 = median_walls(rows).values().sum();
        let cases = median_walls(rows).len() as f64;
        let cpu = figures.side_cpu_us.filter(|_| figures.wall_ns > 0);
        Assessed {
            outcome,
            because,
            p99_us: None,
            wall_us: is_right.then(|| wall_ns / cases.max(1.0) / 1e3),
            cpu: cpu.map(|us| us * 1e3 / figures.wall_ns as f64),
        }
    }

    /// The first run that did not end right.
    fn wrong(&self, rows: &[Row]) -> Option<(FloorOutcome, String)> {
        rows.iter().find_map(|row| self.wrong_run(row))
    }

    fn wrong_run(&self, row: &Row) -> Option<(FloorOutcome, String)> {
        let Observation {
            case, ending, code, ..
        } = row.observation;
        let reference = self.reference.as_ref();
        let compared = self.endings.seen.get(&(self.side, case));
        let expected = compared.or_else(|| reference?.endings.get(&case));
        let number = case + 1;
        if expected.is_some_and(|expected| !expected.contains(&(ending, code))) {
            let why = format!(
                "case {number} {}, and {} where outputs were compared",
                ended_with(ending, code),
                expected
                    .and_then(BTreeSet::first)
                    .map_or_else(String::new, |(ending, code)| ended_with(*ending, *code)),
            );
            let outcome = match ending {
                Ending::Failed(FailureKind::Timeout) => FloorOutcome::Missed,
                Ending::Failed(FailureKind::OutOfMemory) => FloorOutcome::Killed,
                _ => FloorOutcome::Wrong,
            };
            return Some((outcome, why));
        }
        let exact = self.endings.exact.get(&case).filter(|_| row.shape != 0);
        let differs = exact.is_some_and(|hash| *hash != row.value);
        differs.then(|| {
            let why = format!("case {number} gave other outputs than where they were compared");
            (FloorOutcome::Wrong, why)
        })
    }

    /// Why they took too long, held against what ran without the limit in between, else against the first trial; nothing
    /// before there is one.
    fn late(&self, rows: &[Row], control: &BTreeMap<u32, f64>) -> Option<String> {
        let first = self.reference.as_ref()?;
        let walls = median_walls(rows);
        let (mut took, mut allowed) = (0.0, 0.0);
        for (case, wall_ns) in &walls {
            took += wall_ns;
            let without = control.get(case).or_else(|| first.fastest.get(case));
            allowed += without.copied().unwrap_or(*wall_ns);
        }
        let ratio = took / allowed.max(1.0);
        (ratio > 1.0 + self.slower.get()).then(|| {
            format!(
                "its runs took {:.0} % longer than without a limit, and {} is allowed",
                (ratio - 1.0) * 100.0,
                self.slower
            )
        })
    }

    /// The first objective that they missed.
    fn missed(&self, rows: &[Row]) -> Option<String> {
        let slos = self.objectives.slos;
        let count = |slo: &Slo| {
            let mut count = Count::default();
            for row in rows {
                let violated = self.objectives.violated(slo, &row.observation);
                count.requests += u64::from(violated.is_some());
                count.violations += u64::from(violated == Some(true));
            }
            count
        };
        let counts: Vec<Count> = slos.iter().map(count).collect();
        missed(slos, &counts)
    }
}

impl Reference {
    fn of(rows: &[Row], peaks: &[(u32, f64)]) -> Self {
        let walls = median_walls(rows);
        let fastest = walls_by_case(rows)
            .into_iter()
            .filter_map(|(case, all)| Some((case, *all.first()? as f64)))
            .collect();
        let mut endings: BTreeMap<u32, BTreeSet<(Ending, i32)>> = BTreeMap::new();
        for row in rows {
            let Observation {
                case, ending, code, ..
            } = row.observation;
            endings.entry(case).or_default().insert((ending, code));
        }
        let peaks: BTreeMap<u32, f64> = peaks.iter().copied().collect();
        let pairs: Vec<(u32, f64)> = walls.iter().map(|(case, ns)| (*case, *ns)).collect();
        let selection = select(&pairs, LONGEST_TRIAL, |case| {
            peaks.get(&case).copied().unwrap_or(0.0)
        });
        Reference {
            walls,
            fastest,
            endings,
            selection,
        }
    }
}

/// All cases where they take no longer than that together, else those that weigh most, at least one; the longer one
/// first among equals.
fn select(walls: &[(u32, f64)], most: Span, weight: impl Fn(u32) -> f64) -> Selection {
    let total = |cases: &[(u32, f64)]| cases.iter().map(|(_, wall_ns)| wall_ns).sum::<f64>();
    let most_ns = most.nanos() as f64;
    let mut chosen = walls.to_vec();
    if total(walls) > most_ns {
        chosen.sort_by(|a, b| {
            let by_weight = weight(b.0).total_cmp(&weight(a.0));
            by_weight.then(b.1.total_cmp(&a.1))
        });
        let mut taken_ns = 0.0;
        let mut fits = 0;
        for (_, wall_ns) in &chosen {
            taken_ns += wall_ns;
            if taken_ns > most_ns {
                break;
            }
            fits += 1;
        }
        chosen.truncate(fits.max(1));
    }
    let short = SHORTEST_TRIAL.nanos() as f64 / total(&chosen).max(1.0);
    let mut cases: Vec<u32> = chosen.into_iter().map(|(case, _)| case).collect();
    cases.sort_unstable();
    Selection {
        cases,
        runs: (short.ceil() as usize).clamp(1, MOST_RUNS),
    }
}

/// The median wall time of each case, nanoseconds; the lower one of two. One run that something else disturbed is not
/// the program's.
pub fn median_walls<'r>(rows: impl IntoIterator<Item = &'r Row>) -> BTreeMap<u32, f64> {
    let median = |(case, all): (u32, Vec<u64>)| {
        let middle = all.get((all.len() - 1) / 2);
        (case, middle.map_or(0.0, |ns| *ns as f64))
    };
    walls_by_case(rows).into_iter().map(median).collect()
}

/// The wall times of each case, nanoseconds, ascending.
fn walls_by_case<'r>(rows: impl IntoIterator<Item = &'r Row>) -> BTreeMap<u32, Vec<u64>> {
    let mut walls: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
    for row in rows {
        let Observation {
            case,
            sent_ns,
            last_ns,
            ..
        } = row.observation;
        let took = last_ns.saturating_sub(sent_ns);
        walls.entry(case).or_default().push(took);
    }
    walls.values_mut().for_each(|all| all.sort_unstable());
    walls
}

fn refused(stolen: f64) -> (FloorOutcome, Option<String>) {
    let why = format!("CPU steal was {:.0} %", stolen * 100.0);
    (FloorOutcome::Refused, Some(why))
}

/// How a run ended, after the name of its case.
fn ended_with(ending: Ending, code: i32) -> String {
    match ending {
        Ending::Answered if code < 0 => format!("was ended by signal {}", code.saturating_neg()),
        Ending::Answered => format!("returned {code}"),
        Ending::Failed(FailureKind::Timeout) => "did not end in time".to_owned(),
        Ending::Failed(FailureKind::OutOfMemory) => "was killed at the memory limit".to_owned(),
        Ending::Failed(FailureKind::TooLarge) => "wrote more than is kept".to_owned(),
        other => other.name().to_owned(),
    }
}
