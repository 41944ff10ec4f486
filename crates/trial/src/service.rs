//! Services that are asked over HTTP/1.1, as a kind of subject.

use crate::config::{HttpWorkload, RequestsFrom, SideConfig};
use crate::cpus::Assignment;
use crate::dependencies::Dependencies;
use crate::environment::{hexadecimal, sha256};
use crate::error::TrialError;
use crate::exits::End;
use crate::generator::Generator;
use crate::inspect::Inspector;
use crate::instructions::services::{Asking, Went};
use crate::instructions::{self, COUNTER, counter};
use crate::sides::{RunningSide, Stand};
use crate::subject::{Comparable, Edges, Measuring, Member, Subject};
use crate::{Event, capacity, edges, floor, latency, reproducer, store};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;
use understudy_compare::{Differ, Redact, Rules, Templates};
use understudy_evidence::RunDirectory;
use understudy_model::stored::Start;
use understudy_model::{Class, Outcome, Role};
use understudy_redact::Redactor;
use understudy_subject::Asker;
use understudy_subject_http::{HttpAsker, Requests};
use understudy_workload::{CaseFacts, Catalogue};

/// How many times as long as usual a side may take that is counted: to start, to answer and to end.
const PATIENCE: u32 = 10;

/// Services and the requests to them.
pub(crate) struct Services<'a> {
    pub(crate) stand: Stand<'a>,
    cpus: &'a Assignment,
    pub(crate) requests: &'a Requests,
    /// The same, for threads that may outlive a stage by an answer.
    shared: Arc<Requests>,
    catalogue: Catalogue,
    /// Operation index of each request.
    pub(crate) operation_of: Vec<u32>,
}

impl<'a> Services<'a> {
    pub(crate) fn new(stand: Stand<'a>, cpus: &'a Assignment, requests: &'a Requests) -> Self {
        let catalogue = catalogue(requests);
        Services {
            stand,
            cpus,
            requests,
            shared: Arc::new(requests.clone()),
            operation_of: catalogue.operation_of(),
            catalogue,
        }
    }

    /// Asks the incumbent every request once where a run that continues has nothing recorded of what outside services
    /// answer: what they answered before is kept nowhere.
    fn rehearse(&self, measuring: &Measuring<'_>) -> Result<(), TrialError> {
        if !self.stand.dependencies.is_unrecorded() {
            return Ok(());
        }
        measuring.announce(Event::Starting(Role::Incumbent));
        let member = self.place(Role::Incumbent)?;
        let mut asker = member.reach()?;
        let name = Role::Incumbent.in_words();
        for case in 0..self.requests.all.len() as u32 {
            if measuring.stop.load(Ordering::Relaxed) {
                return Err(TrialError::Interrupted);
            }
            asker.ask(case).map_err(|source| TrialError::Ask {
                name: name.to_owned(),
                source,
            })?;
        }
        drop(asker);
        if let Some(note) = member.stop() {
            store::note(measuring.run, &note)?;
        }
        Ok(())
    }

    /// Starts a side under the counter, asks it one request after the other, and stops it.
    fn count(&self, asking: &Asking<'_>, run: &RunDirectory) -> Result<Went, TrialError> {
        let config = self.stand.config.side(asking.side);
        if !matches!(config, SideConfig::Launched(_)) {
            let why = format!("it runs already, and not under {COUNTER}");
            return Ok(Went::Failed(why));
        }
        let under = counter(asking.folder);
        let stand = Stand {
            under: &under,
            patience: PATIENCE,
            logs: self.stand.logs.clone(),
            ..self.stand
        };
        let mut running = match stand.start(asking.side) {
            Ok(running) => running,
            Err(error) if error.is_of_the_side() || matches!(error, TrialError::Launch(_)) => {
                return Ok(fails(&error.first_line()));
            }
            Err(error) => return Err(error),
        };
        let asked = self.ask_in_turn(&stand, &running, asking)?;
        let ended = running.end();
        if let Some(note) = running.stop_patiently(PATIENCE) {
            store::note(run, &note)?;
        }
        Ok(match (asked, ended) {
            (_, Some(end)) => fails(&format!("it exited ({})", end.exit)),
            (Err(why), None) => fails(&why),
            (Ok(answered), None) => Went::Answered(answered),
        })
    }

    /// How many requests a side answered, one after the other, or why it did not answer one.
    fn ask_in_turn(
        &self,
        stand: &Stand<'_>,
        running: &RunningSide,
        asking: &Asking<'_>,
    ) -> Result<Result<u32, String>, TrialError> {
        let mut client = running.client(stand.timeout());
        let began = Instant::now();
        let all = (1..).zip(&self.requests.all).cycle();
        for (answered, (number, request)) in (0..asking.requests).zip(all) {
            let is_over = asking.within.is_some_and(|within| began.elapsed() > within);
            if answered > 0 && is_over {
                return Ok(Ok(answered));
            }
            if stand.stop.load(Ordering::Relaxed) {
                return Err(TrialError::Interrupted);
            }
            let why = match client.exchange(request) {
                Outcome::Answered(answer) if answer.status.class != Class::Failed => continue,
                Outcome::Answered(answer) => format!("status {}", answer.status.code),
                Outcome::Failed(failure) => failure.detail,
            };
            return Ok(Err(format!("request {number} of the workload: {why}")));
        }
        Ok(Ok(asking.requests))
    }
}

/// That a side does not do under the counter what it does without.
fn fails(how: &str) -> Went {
    Went::Failed(format!(
        "under {COUNTER} it does not do what it does without: {how} (most of what compiles as it runs, such as Java \
         and JavaScript, does not run there)"
    ))
}

/// Each request with the operation that it names, else the template learned from all targets.
fn catalogue(requests: &Requests) -> Catalogue {
    let all = &requests.all;
    let targets = all.iter().map(|r| (r.method.as_str(), r.path.as_str()));
    let templates = Templates::learn(targets);
    Catalogue::new(all.iter().map(|request| {
        let template = || templates.template(&request.method, &request.path);
        let facts = CaseFacts {
            operation: 0,
            target: request.path.clone(),
            bytes: request.size() as u64,
            weight: request.weight,
            leaves_traces: !request.is_safe(),
            size: None,
        };
        (request.operation.clone().unwrap_or_else(template), facts)
    }))
}

impl Comparable for Services<'_> {
    fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    fn differ<'d>(&'d self, rules: &'d Rules, redact: Redact<'d>) -> Differ<'d> {
        Differ::new(rules, redact)
    }

    fn reproduce(&self, case: u32, redactor: &Redactor) -> String {
        let request = self.requests.all.get(case as usize);
        request.map_or_else(String::new, |request| reproducer::curl(request, redactor))
    }

    fn place(&self, role: Role) -> Result<Box<dyn Member + '_>, TrialError> {
        self.start(role, |running| {
            let client = running.client(self.timeout());
            let requests = self.shared.clone();
            Box::new(HttpAsker::new(client, requests, running.authorities()))
        })
    }
}

impl Subject for Services<'_> {
    fn hashes(&self) -> BTreeMap<String, String> {
        let HttpWorkload {
            requests,
            prepare,
            protobuf,
            ..
        } = self.stand.workload;
        let requests = match requests {
            RequestsFrom::File(path) => Some(path),
            RequestsFrom::Paths(_) => None,
        };
        let descriptors = protobuf.as_ref().map(|of| &of.descriptors);
        let files = [
            ("requests", requests),
            ("prepare", prepare.as_ref()),
            ("descriptors", descriptors),
        ];
        let mut hashes: BTreeMap<String, String> = files
            .into_iter()
            .filter_map(|(name, path)| Some((name.to_owned(), sha256(path?)?)))
            .collect();
        // Bodies may be in files of their own.
        let mut hasher = Sha256::new();
        for request in &self.requests.all {
            hasher.update((request.body.len() as u64).to_le_bytes());
            hasher.update(&request.body);
        }
        hashes.insert("workload".to_owned(), hexadecimal(hasher));
        hashes
    }

    fn edges(&self) -> Option<Edges<'_>> {
        edges::of(self)
    }

    fn measure(&self, measuring: &Measuring<'_>) -> Result<(), TrialError> {
        self.rehearse(measuring)?;
        let operations = &self.catalogue.operations;
        let mut inspector = Inspector::new(measuring.noise, measuring.accepted, operations);
        let Measuring {
            plan, run, watch, ..
        } = *measuring;
        let generator = Generator::new(&self.stand, self.cpus, self.requests, &self.operation_of);
        let outlasted = latency::Stage {
            generator: &generator,
            redactor: measuring.redactor,
            plan,
            run,
            watch,
            settled: measuring.settled,
        }
        .carry_out(&mut inspector)?;
        for note in self.stand.dependencies.notes() {
            store::note(run, &note)?;
        }
        if outlasted == latency::Outlasted::No {
            return Ok(());
        }
        capacity::Stage {
            generator: &generator,
            operations,
            rules: measuring.rules,
            settle: plan.settle,
            run,
            watch,
        }
        .carry_out()?;
        floor::Stage {
            generator: &generator,
            operations,
            rules: measuring.rules,
            run,
            watch,
        }
        .carry_out()?;
        if !self.stand.config.counts_instructions() {
            return Ok(());
        }
        instructions::services::Stage {
            measuring,
            requests: self.requests.all.len() as u32,
            sides: self.stand.config.sides().collect(),
            ask: &|asking| self.count(asking, run),
            logs: &self.stand.logs,
        }
        .carry_out()
    }
}

/// A service that runs.
struct Service<'a> {
    running: RunningSide,
    /// Makes what asks it.
    asker: Box<MakeAsker<'a>>,
    dependencies: &'a Dependencies,
}

type MakeAsker<'a> = dyn Fn(&RunningSide) -> Box<dyn Asker> + 'a;

impl Services<'_> {
    /// Starts a side, to be asked by what `asker` makes.
    pub(crate) fn start<'a>(
        &'a self,
        role: Role,
        asker: impl Fn(&RunningSide) -> Box<dyn Asker> + 'a,
    ) -> Result<Box<dyn Member + 'a>, TrialError> {
        Ok(Box::new(Service {
            running: self.stand.start(role)?,
            asker: Box::new(asker),
            dependencies: self.stand.dependencies,
        }))
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.stand.workload.timeout.duration()
    }
}

impl Member for Service<'_> {
    fn role(&self) -> Role {
        self.running.role
    }

    fn start(&self) -> Option<Start> {
        self.running.start
    }

    fn unmeasured(&self) -> Vec<String> {
        self.running.unmeasured()
    }

    fn reach(&self) -> Result<Box<dyn Asker>, TrialError> {
        let asker = (self.asker)(&self.running);
        Ok(self.dependencies.listen(self.running.role, asker))
    }

    fn end(&mut self) -> Option<End> {
        self.running.end()
    }

    fn stop(self: Box<Self>) -> Option<String> {
        self.running.stop()
    }
}
