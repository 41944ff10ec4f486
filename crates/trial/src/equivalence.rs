//! The first stage: are the answers the same?
//!
//! Each request goes to the incumbent, a second incumbent and the candidate at the same time, one
//! request after the other in the order of the workload, so that all three see the same history.

use crate::error::TrialError;
use crate::judge::{self, ReproducedCluster};
use crate::sides::{RunningSide, Stand};
use crate::store;
use crate::{Event, Watch};
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::{Duration, Instant};
use understudy_compare::{Differ, History, Noise, Outcomes, Row, Rules};
use understudy_evidence::{BlockId, JsonLines, Row as ExchangeRow, RunDirectory};
use understudy_load::http::{Client, Requests, WorkloadRequest};
use understudy_model::verdict::{Equivalence, Reproduced};
use understudy_model::{Ending, Observation, Outcome, Side};

/// The name of its blocks.
const STAGE: &str = "equivalence";
/// Clusters that are asked again, and how often.
const REPRODUCED_CLUSTERS: usize = 10;
const REPEATS: u32 = 3;

/// What the stage works on.
pub(crate) struct Stage<'a> {
    pub(crate) stand: &'a Stand<'a>,
    pub(crate) requests: &'a Requests,
    /// Endpoint index of each request.
    pub(crate) endpoint_of: &'a [u32],
    pub(crate) endpoints: &'a [String],
    pub(crate) differ: Differ<'a>,
    pub(crate) rules: &'a Rules,
    pub(crate) budget: Duration,
    pub(crate) run: &'a RunDirectory,
    pub(crate) watch: &'a Watch<'a>,
}

/// The three programs that are asked.
struct Trio {
    incumbent: RunningSide,
    second: RunningSide,
    candidate: RunningSide,
}

impl Trio {
    fn start(stand: &Stand<'_>, watch: &Watch<'_>) -> Result<Self, TrialError> {
        let start = |side, name: &str| {
            watch(Event::Starting(name.to_owned()));
            stand.start(side, name)
        };
        Ok(Trio {
            incumbent: start(Side::Incumbent, "incumbent")?,
            second: start(Side::Incumbent, "second incumbent")?,
            candidate: start(Side::Candidate, "candidate")?,
        })
    }

    fn check_alive(&mut self, request: usize) -> Result<(), TrialError> {
        let during = format!("while request {} was compared", request + 1);
        self.incumbent.check_alive(&during)?;
        self.second.check_alive(&during)?;
        self.candidate.check_alive(&during)
    }

    fn stop(self) -> Vec<String> {
        [self.incumbent, self.second, self.candidate]
            .into_iter()
            .filter_map(RunningSide::stop)
            .collect()
    }
}

impl Stage<'_> {
    /// Carries out the stage: every row is on disk as soon as it is known.
    pub(crate) fn carry_out(&self) -> Result<(), TrialError> {
        let mut trio = Trio::start(self.stand, self.watch)?;
        let starts = [&trio.incumbent, &trio.second, &trio.candidate].map(|side| side.start);
        for start in starts.iter().flatten() {
            store::started(self.run, start)?;
        }
        let mut unlimited = trio.incumbent.unmeasured();
        unlimited.extend(trio.candidate.unmeasured());
        let rows = self.compare(&mut trio)?;
        self.reproduce(&mut trio, &rows)?;
        unlimited.extend(trio.stop());
        for note in unlimited {
            store::note(self.run, &note)?;
        }
        Ok(())
    }

    fn compare(&self, trio: &mut Trio) -> Result<Vec<Row>, TrialError> {
        let earlier = self.earlier()?;
        let mut exchanges: [Vec<ExchangeRow>; 3] = Default::default();
        let compared = self.compare_all(trio, earlier, &mut exchanges);
        // Also what led to an error or an interrupt is evidence.
        self.keep_exchanges(&exchanges)?;
        compared
    }

    /// What an interrupted run compared already. Sides that were changed by the requests so far
    /// begin anew: then so does the comparison, and what there was is put aside.
    fn earlier(&self) -> Result<Vec<Row>, TrialError> {
        if !self.run.path().join(store::DIFFERENCES).exists() {
            return Ok(Vec::new());
        }
        let rows: Vec<Row> = self.run.read_lines(store::DIFFERENCES)?;
        if self.requests.all.iter().all(WorkloadRequest::is_safe) {
            return Ok(rows);
        }
        store::put_aside(self.run, store::DIFFERENCES)?;
        Ok(Vec::new())
    }

    fn compare_all(
        &self,
        trio: &mut Trio,
        mut rows: Vec<Row>,
        exchanges: &mut [Vec<ExchangeRow>; 3],
    ) -> Result<Vec<Row>, TrialError> {
        let mut lines = JsonLines::<Row>::open(self.run, store::DIFFERENCES)?;
        let count = self.requests.all.len();
        let total = judge::exchanges(count);
        let timeout = self.stand.config.workload.timeout.duration();
        let start = Instant::now();
        let mut askers = Askers::new(trio, self.requests, timeout);
        let mut history = History::default();
        let mut different = rows.iter().filter(|r| !r.differences.is_empty()).count();
        for number in rows.len()..total {
            if self.stand.stop.load(Ordering::Relaxed) {
                return Err(TrialError::Interrupted);
            }
            if start.elapsed() > self.budget {
                break;
            }
            let request = (number % count) as u32;
            let asked = askers.ask(request, start);
            if asked
                .iter()
                .any(|one| matches!(one.outcome, Outcome::Failed(_)))
            {
                trio.check_alive(number)?;
            }
            for (kept, one) in exchanges.iter_mut().zip(&asked) {
                kept.push(one.row(request, self.endpoint_of[request as usize]));
            }
            let row = self.row(&mut history, request, &asked);
            different += usize::from(!row.differences.is_empty());
            lines.write(&row)?;
            rows.push(row);
            (self.watch)(Event::Comparing {
                done: number + 1,
                total,
                different,
            });
        }
        lines.sync()?;
        Ok(rows)
    }

    fn row(&self, history: &mut History, request: u32, asked: &[Asked; 3]) -> Row {
        let endpoint = self.endpoint_of[request as usize];
        let name = self
            .endpoints
            .get(endpoint as usize)
            .map_or("", String::as_str);
        let outcomes = Outcomes {
            incumbent: &asked[0].outcome,
            second: Some(&asked[1].outcome),
            candidate: &asked[2].outcome,
        };
        history.asked(&self.requests.all[request as usize].path);
        Row::compare(&self.differ, history, request, (endpoint, name), outcomes)
    }

    fn keep_exchanges(&self, exchanges: &[Vec<ExchangeRow>; 3]) -> Result<(), TrialError> {
        if exchanges[0].is_empty() {
            return Ok(());
        }
        // Each time the stage goes on, it adds a block of each of the three, the incumbent's first.
        let first = |id: &BlockId| id.stage == STAGE && id.side == Side::Incumbent;
        let blocks = self.run.blocks()?;
        let last = blocks
            .iter()
            .filter(|id| first(id))
            .map(|id| id.block)
            .max();
        let parts = last.map_or(0, |last| last / 2 + 1);
        let sides = [
            (Side::Incumbent, 2 * parts),
            (Side::Incumbent, 2 * parts + 1),
            (Side::Candidate, parts),
        ];
        for ((side, block), rows) in sides.into_iter().zip(exchanges) {
            let id = BlockId {
                stage: STAGE.to_owned(),
                side,
                block,
            };
            let mut writer = understudy_evidence::BlockWriter::create(self.run, &id)?;
            writer.append(rows)?;
            writer.finish(&std::collections::BTreeMap::new())?;
        }
        Ok(())
    }

    /// Asks the smallest request of each cluster again: does the difference show every time?
    fn reproduce(&self, trio: &mut Trio, rows: &[Row]) -> Result<(), TrialError> {
        let noise = Noise::learn(rows);
        let equivalence = self.tally(rows, &noise);
        let timeout = self.stand.config.workload.timeout.duration();
        let mut askers = Askers::new(trio, self.requests, timeout);
        let asked_before = store::asked_again(self.run)?;
        for cluster in equivalence.clusters.iter().take(REPRODUCED_CLUSTERS) {
            if asked_before.iter().any(|before| before.is(cluster)) {
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
                let asked = askers.ask(example.request, Instant::now());
                let row = self.row(&mut History::default(), example.request, &asked);
                let again = |d: &understudy_model::Difference| {
                    d.pattern == cluster.path && d.kind == cluster.kind
                };
                times += u32::from(row.differences.iter().any(again));
            }
            let reproduced = ReproducedCluster {
                endpoint: cluster.endpoint.clone(),
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
            endpoints: self.endpoints,
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
    fn row(&self, request: u32, endpoint: u32) -> ExchangeRow {
        let (ending, code, bytes) = match &self.outcome {
            Outcome::Answered(answer) => (Ending::Answered, answer.code, answer.body.len() as u64),
            Outcome::Failed(failure) => (Ending::Failed(failure.kind), 0, 0),
        };
        let observation = Observation {
            request,
            endpoint,
            intended_ns: self.sent_ns,
            free_ns: self.sent_ns,
            sent_ns: self.sent_ns,
            first_byte_ns: Observation::NEVER,
            last_byte_ns: self.ended_ns,
            ending,
            code,
            bytes,
            body_hash: 0,
        };
        ExchangeRow {
            observation,
            shape: 0,
            value: 0,
        }
    }
}

/// Asks three programs the same thing at the same time: a thread and a connection each.
struct Askers {
    ask: Vec<mpsc::Sender<(u32, Instant)>>,
    answers: Vec<mpsc::Receiver<Asked>>,
}

impl Askers {
    fn new(trio: &Trio, requests: &Requests, timeout: Duration) -> Self {
        let mut askers = Askers {
            ask: Vec::new(),
            answers: Vec::new(),
        };
        // Shared by the threads, which may outlive this call by an answer.
        let requests = std::sync::Arc::new(requests.clone());
        for side in [&trio.incumbent, &trio.second, &trio.candidate] {
            let mut client = side.client(timeout);
            let requests = requests.clone();
            let (ask, asked) = mpsc::channel::<(u32, Instant)>();
            let (answer, answers) = mpsc::channel();
            std::thread::spawn(move || {
                for (request, epoch) in asked {
                    let one = exchange(&mut client, &requests, request, epoch);
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

    /// The answers of incumbent, second incumbent and candidate.
    fn ask(&mut self, request: u32, epoch: Instant) -> [Asked; 3] {
        for ask in &self.ask {
            // A thread ends only when this end is dropped.
            let _ = ask.send((request, epoch));
        }
        std::array::from_fn(|index| match self.answers[index].recv() {
            Ok(asked) => asked,
            Err(_) => Asked {
                outcome: Outcome::Failed(understudy_model::Failure {
                    kind: understudy_model::FailureKind::Closed,
                    detail: "the client ended".to_owned(),
                }),
                sent_ns: 0,
                ended_ns: 0,
            },
        })
    }
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
