//! The first stage: are the answers the same?
//!
//! Each request goes to the incumbent, a second incumbent and the contenders (the candidate, and the tuned
//! incumbent where there is one) at the same time, one request after the other in the order of the
//! workload, so that all of them see the same history.

use crate::error::TrialError;
use crate::exits;
use crate::faults::{self, SelfTest};
use crate::sides::{RunningSide, Stand};
use crate::store;
use crate::{Event, Watch};
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::{Duration, Instant};
use understudy_compare::{Differ, History, Noise, Outcomes, Row, Rules};
use understudy_evidence::{BlockId, JsonLines, RunDirectory};
use understudy_judge as judge;
use understudy_model::stored::ReproducedCluster;
use understudy_model::stored::Row as ExchangeRow;
use understudy_model::stored::{During, Exited};
use understudy_model::verdict::{Equivalence, Reproduced};
use understudy_model::{Ending, Failure, FailureKind, Observation, Outcome, Role, Status};
use understudy_redact::Redactor;
use understudy_subject_http::{Client, Requests, WorkloadRequest};

/// The name of its blocks.
const STAGE: &str = "equivalence";
/// Clusters that are asked again, and how often.
const REPRODUCED_CLUSTERS: usize = 10;
const REPEATS: u32 = 3;
/// How long the end of a process may take to show once its connections are closed.
const ENDS_WITHIN: Duration = Duration::from_millis(200);

/// What the stage works on.
pub(crate) struct Stage<'a> {
    pub(crate) stand: &'a Stand<'a>,
    pub(crate) requests: &'a Requests,
    /// Operation index of each request.
    pub(crate) operation_of: &'a [u32],
    pub(crate) operations: &'a [String],
    pub(crate) differ: Differ<'a>,
    pub(crate) rules: &'a Rules,
    pub(crate) redactor: &'a Redactor,
    pub(crate) budget: Duration,
    pub(crate) run: &'a RunDirectory,
    pub(crate) watch: &'a Watch<'a>,
}

/// The programs that are asked: the incumbent, a second incumbent, then the contenders.
struct Cast {
    all: Vec<RunningSide>,
    /// Answers of each so far.
    answered: Vec<u64>,
    /// Which of them have ended.
    gone: Vec<bool>,
}

/// The place of the first contender in a [`Cast`].
const FIRST_CONTENDER: usize = 2;

impl Cast {
    fn start(stand: &Stand<'_>, watch: &Watch<'_>) -> Result<Self, TrialError> {
        let sides: Vec<Role> = stand.config.sides().collect();
        let takes_part = |role: &Role| *role == Role::Second || sides.contains(role);
        let mut all = Vec::new();
        for role in Role::ALL.into_iter().filter(takes_part) {
            watch(Event::Starting(role));
            all.push(stand.start(role)?);
        }
        Ok(Cast {
            answered: vec![0; all.len()],
            gone: vec![false; all.len()],
            all,
        })
    }

    fn contenders(&self) -> impl Iterator<Item = Role> + '_ {
        self.all.iter().skip(FIRST_CONTENDER).map(|one| one.role)
    }

    /// Counts answers.
    fn note(&mut self, asked: &[Asked]) {
        for (count, one) in self.answered.iter_mut().zip(asked) {
            *count += u64::from(matches!(one.outcome, Outcome::Answered(_)));
        }
    }

    /// The contenders that have ended since the last look. An incumbent that has ended is an error: there is
    /// nothing to compare with.
    fn ended(&mut self, redactor: &Redactor) -> Result<Vec<Exited>, TrialError> {
        let mut ended = Vec::new();
        for (place, one) in self.all.iter_mut().enumerate() {
            if self.gone[place] {
                continue;
            }
            let Some(end) = one.end() else { continue };
            let (answered, during) = (self.answered[place], During::Comparison);
            if one.role.is_incumbent() {
                let during = format!(
                    "{}, after {answered} answer{}",
                    during.in_words(),
                    if answered == 1 { "" } else { "s" }
                );
                return Err(one.ended(&during, &end));
            }
            self.gone[place] = true;
            ended.push(exits::stored(one.role, during, answered, &end, redactor));
        }
        Ok(ended)
    }

    fn stop(self) -> Vec<String> {
        self.all.into_iter().filter_map(RunningSide::stop).collect()
    }
}

/// What was compared of one contender.
struct Compared {
    contender: Role,
    rows: Vec<Row>,
}

impl Stage<'_> {
    /// Carries out the stage: every row is on disk as soon as it is known.
    pub(crate) fn carry_out(&self) -> Result<(), TrialError> {
        let mut cast = Cast::start(self.stand, self.watch)?;
        for start in cast.all.iter().filter_map(|one| one.start) {
            store::started(self.run, &start)?;
        }
        // What holds of the incumbent holds of the second one.
        let mut notes: Vec<String> = cast.all[..1]
            .iter()
            .chain(&cast.all[FIRST_CONTENDER..])
            .flat_map(RunningSide::unmeasured)
            .collect();
        for compared in self.compare(&mut cast)? {
            self.reproduce(&mut cast, &compared)?;
        }
        notes.extend(cast.stop());
        for note in notes {
            store::note(self.run, &note)?;
        }
        Ok(())
    }

    fn compare(&self, cast: &mut Cast) -> Result<Vec<Compared>, TrialError> {
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
    fn earlier(&self, cast: &Cast) -> Result<Vec<Compared>, TrialError> {
        let mut all = Vec::new();
        for contender in cast.contenders() {
            let rows = store::rows(self.run, contender)?;
            all.push(Compared { contender, rows });
        }
        let alike = all
            .windows(2)
            .all(|two| two[0].rows.len() == two[1].rows.len());
        if alike && self.requests.all.iter().all(WorkloadRequest::is_safe) {
            return Ok(all);
        }
        for compared in &mut all {
            let name = store::differences(compared.contender);
            if self.run.path().join(name).exists() {
                store::put_aside(self.run, name)?;
            }
            compared.rows.clear();
        }
        for name in [store::FAULTS, store::EXITS] {
            if self.run.path().join(name).exists() {
                store::put_aside(self.run, name)?;
            }
        }
        Ok(all)
    }

    fn compare_all(
        &self,
        cast: &mut Cast,
        mut compared: Vec<Compared>,
        exchanges: &mut [Vec<ExchangeRow>],
    ) -> Result<Vec<Compared>, TrialError> {
        let mut self_test = SelfTest::open(self.run, self.operations.len())?;
        let mut lines = Vec::new();
        for one in &compared {
            let name = store::differences(one.contender);
            lines.push(JsonLines::<Row>::open(self.run, name)?);
        }
        let count = self.requests.all.len();
        let total = judge::exchanges(count);
        let timeout = self.stand.config.workload.timeout.duration();
        let start = Instant::now();
        let mut askers = Askers::new(cast, self.requests, timeout);
        let mut histories: Vec<History> = compared.iter().map(|_| History::default()).collect();
        let differs = |row: &&Row| !row.differences.is_empty();
        let rows = compared.iter().flat_map(|one| &one.rows);
        let mut different = rows.filter(differs).count();
        for number in compared[0].rows.len()..total {
            if self.stand.stop.load(Ordering::Relaxed) {
                return Err(TrialError::Interrupted);
            }
            if start.elapsed() > self.budget {
                break;
            }
            let request = (number % count) as u32;
            let asked = askers.ask(request, start, &cast.gone);
            cast.note(&asked);
            if any_failed(&asked) {
                // The end of a process may show a moment after that of its connections.
                if number + 1 == total {
                    std::thread::sleep(ENDS_WITHIN);
                }
                self.note_ends(cast)?;
            }
            for (kept, one) in exchanges.iter_mut().zip(&asked) {
                kept.push(one.row(request, self.operation_of[request as usize]));
            }
            let contenders = compared.iter_mut().zip(&mut lines).zip(&mut histories);
            for (index, ((one, lines), history)) in contenders.enumerate() {
                let row = self.row(history, request, &asked, FIRST_CONTENDER + index);
                if one.contender == Role::Candidate {
                    let (asked, answer) = (
                        self.asked(request),
                        (&asked[0].outcome, row.noise.as_slice()),
                    );
                    self_test.note(&self.differ, history, asked, answer, start.elapsed())?;
                }
                different += usize::from(differs(&&row));
                lines.write(&row)?;
                one.rows.push(row);
            }
            (self.watch)(Event::Comparing {
                done: number + 1,
                total,
                different,
            });
        }
        for lines in &mut lines {
            lines.sync()?;
        }
        self_test.sync()?;
        Ok(compared)
    }

    /// Remembers the contenders that have ended: every request that they do not answer is a difference.
    fn note_ends(&self, cast: &mut Cast) -> Result<(), TrialError> {
        for exited in cast.ended(self.redactor)? {
            store::exited(self.run, &exited)?;
        }
        Ok(())
    }

    /// What the contender at this place of the cast answered, against the incumbent, after what the
    /// two showed before.
    fn row(&self, history: &mut History, request: u32, asked: &[Asked], contender: usize) -> Row {
        let faults::Asked {
            operation, name, ..
        } = self.asked(request);
        let outcomes = Outcomes {
            incumbent: &asked[0].outcome,
            second: Some(&asked[1].outcome),
            candidate: &asked[contender].outcome,
        };
        history.asked(&self.requests.all[request as usize].path);
        Row::compare(&self.differ, history, request, (operation, name), outcomes)
    }

    fn asked(&self, request: u32) -> faults::Asked<'_> {
        let operation = self.operation_of[request as usize];
        let name = self.operations.get(operation as usize);
        faults::Asked {
            request,
            operation,
            name: name.map_or("", String::as_str),
        }
    }

    fn keep_exchanges(
        &self,
        cast: &Cast,
        exchanges: &[Vec<ExchangeRow>],
    ) -> Result<(), TrialError> {
        if exchanges[0].is_empty() {
            return Ok(());
        }
        // Each time the stage continues, it adds a block of each program, the incumbent's first.
        let first = |id: &BlockId| id.stage == STAGE && id.side == Role::Incumbent;
        let blocks = self.run.blocks()?;
        let last = blocks
            .iter()
            .filter(|id| first(id))
            .map(|id| id.block)
            .max();
        let parts = last.map_or(0, |last| last / 2 + 1);
        for (place, (one, rows)) in cast.all.iter().zip(exchanges).enumerate() {
            let id = BlockId {
                stage: STAGE.to_owned(),
                side: one.role,
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
    fn reproduce(&self, cast: &mut Cast, compared: &Compared) -> Result<(), TrialError> {
        let Compared { contender, rows } = compared;
        let place = cast.all.iter().position(|one| one.role == *contender);
        let Some(place) = place else { return Ok(()) };
        if cast.gone[place] {
            return Ok(());
        }
        let noise = Noise::learn(rows);
        let equivalence = self.tally(rows, &noise);
        let timeout = self.stand.config.workload.timeout.duration();
        let mut askers = Askers::new(cast, self.requests, timeout);
        let asked_before = store::asked_again(self.run)?;
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
                if self.stand.stop.load(Ordering::Relaxed) {
                    return Err(TrialError::Interrupted);
                }
                let asked = askers.ask(example.request, Instant::now(), &cast.gone);
                cast.note(&asked);
                if any_failed(&asked) {
                    std::thread::sleep(ENDS_WITHIN);
                    self.note_ends(cast)?;
                }
                let row = self.row(&mut History::default(), example.request, &asked, place);
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
            store::reproduced(self.run, &reproduced)?;
        }
        Ok(())
    }

    fn tally(&self, rows: &[Row], noise: &Noise) -> Equivalence {
        let size = |request: u32| self.requests.all[request as usize].size();
        let workload = understudy_compare::Workload {
            operations: self.operations,
            size: &size,
            reproduce: &|_| String::new(),
        };
        understudy_compare::tally(rows, noise, self.rules, workload)
    }
}

/// One answer with its times.
struct Asked {
    outcome: Outcome,
    sent_ns: u64,
    ended_ns: u64,
}

impl Asked {
    fn row(&self, request: u32, operation: u32) -> ExchangeRow {
        let (ending, status, bytes) = match &self.outcome {
            Outcome::Answered(answer) => {
                let bytes = answer.parts.iter().map(|part| part.bytes.len() as u64);
                (Ending::Answered, answer.status, bytes.sum())
            }
            Outcome::Failed(failure) => (Ending::Failed(failure.kind), Status::default(), 0),
        };
        let observation = Observation {
            case: request,
            operation,
            due_ns: self.sent_ns,
            free_ns: self.sent_ns,
            sent_ns: self.sent_ns,
            first_ns: Observation::NEVER,
            last_ns: self.ended_ns,
            ending,
            class: status.class,
            code: status.code,
            bytes,
            hash: 0,
        };
        ExchangeRow {
            observation,
            shape: 0,
            value: 0,
        }
    }
}

/// Asks all programs the same thing at the same time: a thread and a connection each.
struct Askers {
    ask: Vec<mpsc::Sender<(u32, Instant)>>,
    answers: Vec<mpsc::Receiver<Asked>>,
}

impl Askers {
    fn new(cast: &Cast, requests: &Requests, timeout: Duration) -> Self {
        let mut askers = Askers {
            ask: Vec::new(),
            answers: Vec::new(),
        };
        // Shared by the threads, which may outlive this call by an answer.
        let requests = std::sync::Arc::new(requests.clone());
        for side in &cast.all {
            let mut client = side.client(timeout);
            let authorities = side.authorities();
            let requests = requests.clone();
            let (ask, asked) = mpsc::channel::<(u32, Instant)>();
            let (answer, answers) = mpsc::channel();
            std::thread::spawn(move || {
                for (request, epoch) in asked {
                    let mut one = exchange(&mut client, &requests, request, epoch);
                    if let Outcome::Answered(answer) = &mut one.outcome {
                        understudy_compare::hide_authority(answer, &authorities);
                    }
                    if answer.send(one).is_err() {
                        return;
                    }
                }
            });
            askers.ask.push(ask);
            askers.answers.push(answers);
        }
        askers
    }

    /// The answers, in the order of the cast. What is gone is not asked: its port may be another's.
    fn ask(&mut self, request: u32, epoch: Instant, gone: &[bool]) -> Vec<Asked> {
        for (ask, _) in self.ask.iter().zip(gone).filter(|(_, gone)| !**gone) {
            // A thread ends only when this end is dropped.
            let _ = ask.send((request, epoch));
        }
        let now_ns = epoch.elapsed().as_nanos() as u64;
        let none = |why: &str| Asked {
            outcome: Outcome::Failed(Failure {
                kind: FailureKind::Connect,
                detail: why.to_owned(),
            }),
            sent_ns: now_ns,
            ended_ns: now_ns,
        };
        let answers = self.answers.iter().zip(gone);
        answers
            .map(|(answers, gone)| match gone {
                true => none("it has exited"),
                false => answers.recv().unwrap_or_else(|_| none("the client ended")),
            })
            .collect()
    }
}

fn any_failed(asked: &[Asked]) -> bool {
    let mut outcomes = asked.iter().map(|one| &one.outcome);
    outcomes.any(|outcome| matches!(outcome, Outcome::Failed(_)))
}

fn exchange(client: &mut Client, requests: &Requests, request: u32, epoch: Instant) -> Asked {
    let sent_ns = epoch.elapsed().as_nanos() as u64;
    let outcome = client.exchange(&requests.all[request as usize]);
    Asked {
        outcome,
        sent_ns,
        ended_ns: epoch.elapsed().as_nanos() as u64,
    }
}
