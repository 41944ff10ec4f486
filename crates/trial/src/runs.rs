//! Runs one after the other, in randomised ABBA blocks: the stage that measures what runs once for each case.
//!
//! One measurement is one run, or as many as take 100 ms, of cases that are drawn by weight; both sides of a pair get the
//! same. It goes on, look by look, until what was asked is decided or the time is over.

use crate::Event;
use crate::error::TrialError;
use crate::store;
use crate::subject::Measuring;
use crate::turns::{mix, order, pair_seed};
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant, SystemTime};
use understudy_evidence::BlockId;
use understudy_host::{CpuList, MachineTime, mean_mhz};
use understudy_model::gates::MOST_STOLEN;
use understudy_model::stored::{BlockFigures, Row};
use understudy_model::{Observation, Pacing, Role, Span};
use understudy_stats::random::Random;
use understudy_subject::{Run, Runner, StartUp, Trouble};
use understudy_workload::Catalogue;

/// A measurement takes so long at least, so that the clock and the start of a process weigh little.
const SHORTEST: Duration = Duration::from_millis(100);
/// So many passes over all cases have to fit into the time: with six pairs, the first look takes twice as long.
const PASSES: u64 = 6;
/// Runs before the first measurement, and the time after which they are enough.
const SETTLING_RUNS: u64 = 10;
const SETTLED: Duration = Duration::from_millis(500);
/// Most runs of one measurement.
const MOST_RUNS: usize = 256;
/// Starts without a case in one measurement: as many as take so long, and so many at most.
const STARTS_TAKE: Duration = Duration::from_millis(20);
const MOST_STARTS: usize = 32;
/// Starts before the first measurement: they show how long one takes.
const SETTLING_STARTS: usize = 2;

/// What the stage works on.
pub(crate) struct Stage<'a> {
    pub(crate) measuring: &'a Measuring<'a>,
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) sides: Vec<Role>,
    /// The CPUs that they run on.
    pub(crate) cpus: &'a CpuList,
    /// Starts what runs a side.
    pub(crate) start: &'a dyn Fn(Role) -> Result<Box<dyn Runner>, TrialError>,
}

/// What measures, and what it may still spend.
struct Under<'a> {
    /// Cases of which the hash of an answer says if it is the same.
    exact: BTreeSet<u32>,
    runners: HashMap<Role, Box<dyn Runner>>,
    runs: usize,
    /// Starts of each side in a measurement; none where it is not asked how long one takes.
    starts: BTreeMap<Role, usize>,
    /// Cases of each size, of which a measurement holds one at least.
    sizes: Vec<Vec<u32>>,
    /// Measurements that may still be made again because the hypervisor took the CPUs.
    repeats: usize,
    on_disk: &'a BTreeSet<BlockId>,
}

impl Stage<'_> {
    /// Measures, on to the look at which the evidence is enough or the time is over. Each measurement is on disk when
    /// the next one begins.
    pub(crate) fn carry_out(&self) -> Result<(), TrialError> {
        let Measuring { plan, run, .. } = *self.measuring;
        let on_disk: BTreeSet<BlockId> = run.blocks()?.into_iter().collect();
        let mut under = Under {
            exact: store::exact_cases(run)?,
            runners: HashMap::new(),
            runs: 1,
            starts: BTreeMap::new(),
            sizes: self.catalogue.sizes(),
            repeats: plan.repeats() as usize,
            on_disk: &on_disk,
        };
        for side in &self.sides {
            self.settle(*side, &mut under)?;
        }
        under.runs = self.runs_of_a_measurement()?;
        under.starts = self.starts_of_a_measurement()?;
        let mut spent = self.spent_before()?;
        let mut done = 0;
        for (look, until) in plan.looks.iter().enumerate() {
            if look > 0 {
                // What the blocks so far took says what the next ones will.
                let made = plan.until(look - 1).measurements();
                let more = plan.measurements_of(look).len();
                let has_time = plan.has_time_for(more, spent, made);
                let is_complete = self.is_complete(*until, &on_disk);
                if !is_complete && (!has_time || (self.measuring.settled)()?) {
                    break;
                }
            }
            while done < *until {
                let began = Instant::now();
                self.abba(done, &mut under)?;
                spent += began.elapsed();
                done += 1;
                self.measuring.announce(Event::Running {
                    side: Role::Candidate,
                    pairs: 2 * done,
                    spent: (Span::from_secs_f64(spent.as_secs_f64()), plan.runs),
                });
            }
        }
        self.measuring.announce(Event::Measured);
        Ok(())
    }

    /// Was all that this look needs measured before?
    fn is_complete(&self, abbas: u32, on_disk: &BTreeSet<BlockId>) -> bool {
        let mut all =
            (0..2 * abbas).flat_map(|number| self.sides.iter().map(move |side| (side, number)));
        all.all(|(side, number)| on_disk.contains(&block(*side, number)))
    }

    /// Time that a run which continues has spent already.
    fn spent_before(&self) -> Result<Duration, TrialError> {
        let measured = store::measured(self.measuring.run)?;
        let took = measured.iter().map(|block| block.figures.wall_ns);
        Ok(Duration::from_nanos(took.sum()))
    }

    /// One ABBA block.
    fn abba(&self, abba: u32, under: &mut Under<'_>) -> Result<(), TrialError> {
        let seed = self.measuring.terms.seed;
        for (side, within) in order(&self.sides, seed, 0, abba) {
            let number = abba * 2 + within;
            if under.on_disk.contains(&block(side, number)) {
                continue;
            }
            while !self.measure(side, number, under)? {
                under.repeats = under.repeats.saturating_sub(1);
            }
        }
        Ok(())
    }

    /// One measurement of one side. False: the hypervisor took too much of the time, and it may be made again.
    fn measure(&self, side: Role, number: u32, under: &mut Under<'_>) -> Result<bool, TrialError> {
        let Measuring { run, terms, .. } = *self.measuring;
        let seed = pair_seed(terms.seed, Pacing::NO_RATE, number);
        let cases = draw(self.catalogue, under.runs, seed);
        let cases = with_sizes(cases, self.catalogue, &under.sizes, seed);
        // Peaks under one launcher are alike and were seen up to 10 % from those under the next, of one and the same
        // program. Across launchers that is in the interval.
        if let Some(runner) = under.runners.get_mut(&side) {
            runner
                .renew()
                .map_err(|source| TrialError::asking(side, source))?;
        }
        let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let before = MachineTime::now();
        let times = under.starts.get(&side).copied().unwrap_or(0);
        let starts = self.start_up(side, times, under)?;
        let ran = self.run(side, &cases, under)?;
        let (after, cpu_mhz) = (MachineTime::now(), mean_mhz(self.cpus));
        let steal_share = before
            .zip(after)
            .and_then(|(before, after)| after.stolen_share(&before, false));
        if under.repeats > 0 && steal_share.is_some_and(|share| share > MOST_STOLEN) {
            return Ok(false);
        }
        let figures = BlockFigures {
            started_unix_s: unix.map_or(0.0, |since| since.as_secs_f64()),
            steal_share,
            cpu_mhz,
            startup_ns: mean_ns(&starts),
            ..figures(seed, &ran)
        };
        let rows = self.rows(&ran, under);
        store::write_block(run, &block(side, number), Pacing::NO_RATE, &figures, &rows)?;
        Ok(true)
    }

    fn rows(&self, ran: &[Run], under: &Under<'_>) -> Vec<Row> {
        rows(self.catalogue, &under.exact, ran)
    }

    /// Some runs before the first measurement of a side: caches fill, and it shows how long a run takes.
    fn settle(&self, side: Role, under: &mut Under<'_>) -> Result<(), TrialError> {
        let id = store::settling_block(Pacing::NO_RATE, side);
        if under.on_disk.contains(&id) {
            return Ok(());
        }
        self.measuring.announce(Event::Settling(side));
        let began = Instant::now();
        let mut ran = Vec::new();
        for seed in 0..SETTLING_RUNS {
            ran.extend(self.run(side, &draw(self.catalogue, 1, seed), under)?);
            if began.elapsed() > SETTLED {
                break;
            }
        }
        let starts = self.start_up(side, SETTLING_STARTS, under)?;
        if let Some(ending) = starts.iter().find_map(|start| start.unusual.as_deref()) {
            let side = side.in_words();
            let note = format!(
                "start-up of the {side}: it ended with {ending}, and its time is that until then"
            );
            store::note(self.measuring.run, &note)?;
        }
        let rows = self.rows(&ran, under);
        let figures = BlockFigures {
            startup_ns: mean_ns(&starts),
            ..figures(0, &ran)
        };
        store::write_block(self.measuring.run, &id, Pacing::NO_RATE, &figures, &rows)
    }

    /// Runs these cases of a side, whose launcher is started if it is the first time.
    fn run(
        &self,
        side: Role,
        cases: &[u32],
        under: &mut Under<'_>,
    ) -> Result<Vec<Run>, TrialError> {
        self.ask(side, under, |runner| runner.run(cases))
    }

    /// Starts a side so many times without a case.
    fn start_up(
        &self,
        side: Role,
        times: usize,
        under: &mut Under<'_>,
    ) -> Result<Vec<StartUp>, TrialError> {
        match times {
            0 => Ok(Vec::new()),
            times => self.ask(side, under, |runner| runner.start_up(times)),
        }
    }

    /// Has something done by what runs a side, which is started if it is the first time.
    fn ask<T>(
        &self,
        side: Role,
        under: &mut Under<'_>,
        what: impl FnOnce(&mut dyn Runner) -> Result<T, Trouble>,
    ) -> Result<T, TrialError> {
        self.measuring.unless_stopped(Ok(()))?;
        let runner = match under.runners.entry(side) {
            Entry::Occupied(there) => there.into_mut(),
            Entry::Vacant(free) => {
                let runner = (self.start)(side)?;
                for what in runner.unmeasured() {
                    let note = format!("{}: {what}", side.in_words());
                    store::note(self.measuring.run, &note)?;
                }
                free.insert(runner)
            }
        };
        let done = what(runner.as_mut()).map_err(|source| TrialError::asking(side, source));
        self.measuring.unless_stopped(done)
    }

    /// How many starts one measurement of each side has: by how long those before the first took.
    fn starts_of_a_measurement(&self) -> Result<BTreeMap<Role, usize>, TrialError> {
        let settled = store::settling(self.measuring.run)?;
        let starts = settled
            .iter()
            .filter_map(|block| Some((block.side, starts(block.figures.startup_ns?))));
        Ok(starts.collect())
    }

    /// How many runs one measurement has: by how long those of the incumbent took before the first, which is stored, so
    /// that a run that continues has the same.
    fn runs_of_a_measurement(&self) -> Result<usize, TrialError> {
        let id = store::settling_block(Pacing::NO_RATE, Role::Incumbent);
        let rows = self.measuring.run.read_block(&id)?.rows;
        let took = rows.iter().map(|row| {
            let Observation {
                sent_ns, last_ns, ..
            } = row.observation;
            last_ns.saturating_sub(sent_ns)
        });
        let mean_ns = (took.sum::<u64>() / (rows.len() as u64).max(1)).max(1);
        let budget_ns = self.measuring.plan.runs.nanos();
        Ok(runs(self.catalogue.cases.len(), mean_ns, budget_ns))
    }
}

/// How many runs one measurement has where one takes so long: those of 100 ms, and each case once where the first look
/// does not take much longer than the time that there is. Pairs of other cases each would vary as the cases do.
fn runs(cases: usize, mean_ns: u64, budget_ns: u64) -> usize {
    let short = SHORTEST.as_nanos() as u64 / mean_ns + 1;
    let pass_ns = mean_ns.saturating_mul(cases as u64);
    let is_affordable = pass_ns <= budget_ns / PASSES;
    let pass = if is_affordable { cases } else { 1 };
    (short as usize).max(pass).min(MOST_RUNS)
}

/// The runs as they are stored: one after the other on a clock of their own. `exact` are the cases of which the hash of
/// an answer says if it is the same.
pub(crate) fn rows(catalogue: &Catalogue, exact: &BTreeSet<u32>, ran: &[Run]) -> Vec<Row> {
    let mut now_ns = 0;
    let row = |run: &Run| {
        let began_ns = now_ns;
        now_ns += run.wall_ns;
        let observation = Observation {
            case: run.case,
            operation: catalogue.operation(run.case).0,
            due_ns: began_ns,
            free_ns: began_ns,
            sent_ns: began_ns,
            first_ns: Observation::NEVER,
            last_ns: now_ns,
            ending: run.ending,
            class: run.status.class,
            code: run.status.code,
            bytes: run.bytes,
            hash: run.hash,
        };
        let is_comparable = exact.contains(&run.case);
        Row {
            observation,
            shape: u64::from(is_comparable),
            value: if is_comparable { run.hash } else { 0 },
        }
    };
    ran.iter().map(row).collect()
}

/// How many starts one measurement has where one takes so long.
fn starts(mean_ns: u64) -> usize {
    let wanted = STARTS_TAKE.as_nanos() as u64 / mean_ns.max(1);
    (wanted as usize).clamp(1, MOST_STARTS)
}

fn mean_ns(starts: &[StartUp]) -> Option<u64> {
    let sum: u64 = starts.iter().map(|start| start.wall_ns).sum();
    sum.checked_div(starts.len() as u64)
}

/// The name of a measurement.
fn block(side: Role, number: u32) -> BlockId {
    store::latency_block(Pacing::NO_RATE, side, number)
}

/// What is stored of runs in addition to each of them.
pub(crate) fn figures(seed: u64, ran: &[Run]) -> BlockFigures {
    let wall_ns: u64 = ran.iter().map(|run| run.wall_ns).sum();
    // One that cannot be seen is smaller than those that can.
    let peak = ran
        .iter()
        .filter_map(|run| run.peak_rss_bytes)
        .reduce(f64::max);
    let unseen = "it is below the smallest peak that can be seen, that of the launcher";
    let kills = ran.iter().filter(|run| run.out_of_memory).count() as u64;
    BlockFigures {
        seed,
        measured_s: wall_ns as f64 / 1e9,
        due: ran.len() as u64,
        sent: ran.len() as u64,
        wall_ns,
        side_cpu_us: Some(ran.iter().map(|run| run.cpu_us).sum()),
        peak_rss_bytes: peak,
        unmeasured: peak.is_none().then(|| unseen.to_owned()),
        oom_kills: Some(kills).filter(|kills| *kills > 0),
        ..BlockFigures::default()
    }
}

/// So many cases by weight, in an order that the seed draws. Systematic sampling (Madow and Madow 1944): with equal
/// weights, each case comes as often as any other, give or take one.
fn draw(catalogue: &Catalogue, count: usize, seed: u64) -> Vec<u32> {
    let mut random = Random::new(seed);
    let total: f64 = catalogue.cases.iter().map(|case| case.weight).sum();
    let step = total / count as f64;
    let mut next = random.uniform() * step;
    let mut reached = 0.0;
    let mut drawn = Vec::with_capacity(count);
    for (number, case) in (0u32..).zip(&catalogue.cases) {
        reached += case.weight;
        while next < reached && drawn.len() < count {
            drawn.push(number);
            next += step;
        }
    }
    // What rounding left out at the end.
    while let Some(last) = drawn.last().copied().filter(|_| drawn.len() < count) {
        drawn.push(last);
    }
    // Runs of one case stay together, so that nothing is done between them; the cases change places.
    let mut groups: Vec<Vec<u32>> = drawn.chunk_by(|a, b| a == b).map(<[u32]>::to_vec).collect();
    for last in (1..groups.len()).rev() {
        groups.swap(last, last - (random.next() % (last as u64 + 1)) as usize);
    }
    groups.concat()
}

/// These cases and, of each size that is not among them, one more, by weight.
fn with_sizes(
    mut drawn: Vec<u32>,
    catalogue: &Catalogue,
    sizes: &[Vec<u32>],
    seed: u64,
) -> Vec<u32> {
    let mut random = Random::new(mix(seed));
    for cases in sizes {
        if cases.iter().any(|case| drawn.contains(case)) {
            continue;
        }
        let weight = |case: &u32| catalogue.cases[*case as usize].weight;
        let mut left = random.uniform() * cases.iter().map(weight).sum::<f64>();
        let chosen = cases.iter().find(|&case| {
            left -= weight(case);
            left < 0.0
        });
        // Rounding may leave a little at the end.
        drawn.extend(chosen.or(cases.last()));
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{Noting, measuring};
    use std::sync::{Arc, Mutex};
    use understudy_workload::CaseFacts;

    fn catalogue(weights: &[f64]) -> Catalogue {
        Catalogue::new(weights.iter().map(|weight| {
            let facts = CaseFacts {
                weight: *weight,
                ..CaseFacts::default()
            };
            ("all".to_owned(), facts)
        }))
    }

    /// Carries out the stage with sides that note what they are asked for.
    fn carry_out(measuring: &Measuring<'_>, asked: &Arc<Mutex<Vec<(Role, &'static str)>>>) {
        let stage = Stage {
            measuring,
            catalogue: &catalogue(&[1.0]),
            sides: vec![Role::Incumbent, Role::Candidate],
            cpus: &CpuList::default(),
            start: &|side| {
                let asked = Arc::clone(asked);
                Ok(Box::new(Noting { side, asked }))
            },
        };
        stage.carry_out().unwrap();
    }

    #[test]
    fn what_was_compared_is_not_read_to_measure() {
        measuring(|measuring| {
            let compared = measuring.run.path().join("differences.jsonl");
            std::fs::write(compared, "not a row\n").unwrap();
            assert!(store::read(measuring.run).is_err());
            carry_out(measuring, &Arc::default());
        });
    }

    /// Peaks under one launcher are alike, and differ from those under the next.
    #[test]
    fn each_measurement_has_a_launcher_of_its_own() {
        let asked = Arc::default();
        measuring(|measuring| carry_out(measuring, &asked));
        let asked = asked.lock().unwrap();
        for side in [Role::Incumbent, Role::Candidate] {
            let of = asked.iter().filter(|(of, _)| *of == side);
            let all: Vec<&str> = of.map(|(_, what)| *what).collect();
            let settled = all.iter().take_while(|what| **what == "run").count();
            let rest = &all[settled..];
            // Six pairs at the first look; what is disturbed is measured again.
            assert!((1..=10).contains(&settled) && rest.len() >= 12, "{all:?}");
            assert!(rest.chunks(2).all(|two| two == ["renew", "run"]), "{all:?}");
        }
    }

    #[test]
    fn a_measurement_has_each_case_where_there_is_time() {
        const MS: u64 = 1_000_000;
        assert_eq!(runs(1, 2 * MS, 10_000 * MS), 51, "100 ms");
        assert_eq!(
            runs(1, 3000 * MS, 10_000 * MS),
            1,
            "one run that takes longer"
        );
        assert_eq!(runs(138, 3 * MS, 10_000 * MS), 138, "each case once");
        assert_eq!(runs(2, 600 * MS, 10_000 * MS), 2);
        assert_eq!(
            runs(20, 600 * MS, 10_000 * MS),
            1,
            "that would take too long"
        );
        assert_eq!(runs(5000, MS, 60_000 * MS), MOST_RUNS);
    }

    #[test]
    fn a_measurement_has_each_size_once_at_least() {
        let sized = |size, weight| {
            let facts = CaseFacts {
                size: Some(size),
                weight,
                ..CaseFacts::default()
            };
            ("all".to_owned(), facts)
        };
        let catalogue = Catalogue::new([
            sized(1.0, 1.0),
            sized(10.0, 1000.0),
            sized(100.0, 1.0),
            sized(100.0, 3.0),
            sized(100.0, 0.0),
        ]);
        let sizes = catalogue.sizes();
        let mut seen = [0; 5];
        for seed in 0..400 {
            let drawn = with_sizes(draw(&catalogue, 2, seed), &catalogue, &sizes, seed);
            for size in &sizes {
                assert!(size.iter().any(|case| drawn.contains(case)), "{drawn:?}");
            }
            drawn.iter().for_each(|case| seen[*case as usize] += 1);
        }
        assert_eq!(seen[4], 0, "its weight is 0");
        assert!(seen[3] > 2 * seen[2], "{seen:?}");
        let all = [1, 0, 2];
        let kept = with_sizes(all.to_vec(), &catalogue, &sizes, 1);
        assert_eq!(kept, all, "nothing is missing");
    }

    #[test]
    fn starts_take_20_ms_of_a_measurement() {
        let ms = |ms: u64| ms * 1_000_000;
        assert_eq!([ms(40), ms(20), ms(3)].map(starts), [1, 1, 6]);
        assert_eq!([0, 1000].map(starts), [MOST_STARTS; 2]);
        let start = |wall_ns| StartUp {
            wall_ns,
            unusual: None,
        };
        assert_eq!(mean_ns(&[start(2), start(5)]), Some(3));
        assert_eq!(mean_ns(&[]), None);
    }

    #[test]
    fn cases_are_drawn_by_weight_and_each_comes_its_turn() {
        let counts = |weights: &[f64], count: usize, seed: u64| {
            let drawn = draw(&catalogue(weights), count, seed);
            assert_eq!(drawn.len(), count);
            let of = |case: u32| drawn.iter().filter(|one| **one == case).count();
            (0..weights.len() as u32).map(of).collect::<Vec<_>>()
        };
        for seed in 0..50 {
            assert_eq!(counts(&[1.0; 5], 10, seed), [2; 5]);
            assert_eq!(counts(&[3.0, 1.0, 0.0], 8, seed), [6, 2, 0]);
            assert!(counts(&[1.0; 7], 3, seed).iter().all(|count| *count <= 1));
        }
        let few: Vec<Vec<usize>> = (0..200).map(|seed| counts(&[1.0; 4], 1, seed)).collect();
        let sum = |case: usize| few.iter().map(|counts| counts[case]).sum::<usize>();
        assert!(
            (0..4).all(|case| (20..80).contains(&sum(case))),
            "every case comes"
        );
        assert_eq!(
            draw(&catalogue(&[1.0; 9]), 4, 7),
            draw(&catalogue(&[1.0; 9]), 4, 7)
        );
    }
}
