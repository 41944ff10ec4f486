//! The stages of a trial, in order.

use crate::checkout::Checkouts;
use crate::config::{SideConfig, TrialConfig};
use crate::cpus::Assignment;
use crate::error::TrialError;
use crate::generator::Generator;
use crate::inspect::Inspector;
use crate::sides::Stand;
use crate::store::{self};
use crate::{Event, Watch, capacity, environment, equivalence, floor, latency, reproducer};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use understudy_compare::{Differ, Noise, Row, Rules, Templates};
use understudy_evidence::RunDirectory;
use understudy_host::pin_current_thread;
use understudy_judge as judge;
use understudy_judge::plan::Plan;
use understudy_model::stored::RequestFacts;
use understudy_model::stored::WorkloadFacts;
use understudy_model::verdict::Environment;
use understudy_probe::Cgroups;
use understudy_redact::Redactor;
use understudy_subject_http::Requests;

/// The stage that is remembered as finished. The measurements under load need no such mark: each is
/// a file of its own.
const EQUIVALENCE: &str = "equivalence";

/// What a trial needs in addition to its configuration.
pub struct Inputs<'a> {
    /// The workload.
    pub requests: &'a Requests,
    /// What prepares a side after each start.
    pub prepare: Option<&'a Requests>,
    /// The rules of the configuration, compiled.
    pub rules: &'a Rules,
    /// Which CPUs belong to which process.
    pub cpus: &'a Assignment,
    /// The control groups of this machine.
    pub cgroups: &'a Cgroups,
    /// Decides what may be stored of payloads.
    pub redactor: &'a Redactor,
    /// Version of this program.
    pub version: &'a str,
    /// When the run started, RFC 3339 in UTC.
    pub started_at: &'a str,
    /// Measure latency even if the answers differ.
    pub continue_when_different: bool,
    /// Ends the trial when set.
    pub stop: &'a AtomicBool,
    /// Receives what happens.
    pub watch: &'a Watch<'a>,
}

/// Carries out the stages and stores what they find; what the run directory holds already is not
/// measured again. Returns when everything that was started has been stopped.
///
/// # Errors
/// Why the trial ended before its last measurement; what was measured is kept.
pub fn carry_out(
    config: &TrialConfig,
    plan: &Plan,
    inputs: &Inputs<'_>,
    run: &RunDirectory,
) -> Result<(), TrialError> {
    run.drop_unfinished()?;
    // A verdict of fewer measurements is none of this run any more.
    store::forget_verdict(run)?;
    let interrupted = |error| match inputs.stop.load(Ordering::Relaxed) {
        true => TrialError::Interrupted,
        false => error,
    };
    let (checkouts, config) = Checkouts::make(config, run).map_err(interrupted)?;
    measure(&config, plan, inputs, run)?;
    checkouts.remove();
    Ok(())
}

fn measure(
    config: &TrialConfig,
    plan: &Plan,
    inputs: &Inputs<'_>,
    run: &RunDirectory,
) -> Result<(), TrialError> {
    let workload = Workload::new(inputs.requests);
    let mut facts = workload.facts(inputs.requests);
    let terms = config.terms();
    let stand = Stand {
        config,
        terms: &terms,
        cgroups: inputs.cgroups,
        cpus: inputs.cpus,
        logs: run.folder("logs")?,
        prepare: inputs.prepare,
        stop: inputs.stop,
    };
    let began = store::environment(run)?;
    build(&stand, began.as_ref(), inputs.watch)?;
    let environment = environment::look(config, inputs);
    match &began {
        Some(began) => environment::unchanged(began, &environment)?,
        None => store::write_environment(run, &environment)?,
    }
    let rules = began.as_ref().unwrap_or(&environment).rules;
    store::begin_workload(run, &facts)?;
    keep_apart(inputs.cpus)?;
    let redact = |path: &str, text: &str| inputs.redactor.redact_value(path, text);
    if !store::is_finished(run, EQUIVALENCE)? {
        equivalence::Stage {
            stand: &stand,
            requests: inputs.requests,
            operation_of: &workload.operation_of,
            operations: &workload.operations,
            differ: Differ::new(inputs.rules, &redact),
            rules: inputs.rules,
            redactor: inputs.redactor,
            budget: plan.equivalence.duration(),
            run,
            watch: inputs.watch,
        }
        .carry_out()?;
        store::finish(run, EQUIVALENCE)?;
    }
    let evidence = store::read_answers(run)?;
    name_reproducers(&mut facts, evidence.compared(), inputs);
    store::write_workload(run, &facts)?;
    let noise = Noise::learn(&evidence.rows);
    let is_decided = judge::answers_decide(&evidence, &noise, inputs.rules);
    drop(evidence);
    if is_decided && !inputs.continue_when_different {
        return Ok(());
    }
    let generator = Generator::new(&stand, inputs.cpus, inputs.requests, &workload.operation_of);
    let mut inspector = Inspector::new(&noise, inputs.rules, &workload.operations);
    let outlasted = latency::Stage {
        generator: &generator,
        redactor: inputs.redactor,
        plan,
        run,
        watch: inputs.watch,
        settled: &|| {
            let document = judge::measured(&terms, plan, inputs.rules, &store::read(run)?);
            Ok(judge::is_settled(config.question, &document))
        },
    }
    .carry_out(&mut inspector)?;
    if outlasted == latency::Outlasted::No {
        return Ok(());
    }
    capacity::Stage {
        generator: &generator,
        operations: &workload.operations,
        rules,
        settle: plan.settle,
        run,
        watch: inputs.watch,
    }
    .carry_out()?;
    floor::Stage {
        generator: &generator,
        operations: &workload.operations,
        rules,
        run,
        watch: inputs.watch,
    }
    .carry_out()
}

/// Builds the sides. One that a run that continues finds as it was is not built again: not every build
/// gives the same bytes twice.
fn build(
    stand: &Stand<'_>,
    began: Option<&Environment>,
    watch: &Watch<'_>,
) -> Result<(), TrialError> {
    for side in stand.config.sides() {
        if stand.stop.load(Ordering::Relaxed) {
            return Err(TrialError::Interrupted);
        }
        let there = began.is_some_and(|began| environment::is_built(stand.config, side, began));
        let builds =
            matches!(stand.config.side(side), SideConfig::Launched(l) if l.build.is_some());
        if builds && !there {
            watch(Event::Building(side));
            stand.build(side)?;
        }
    }
    Ok(())
}

/// Keeps this thread, and those that it starts, off the CPUs of the sides.
fn keep_apart(cpus: &Assignment) -> Result<(), TrialError> {
    if cpus.generator.as_slice().is_empty() {
        return Ok(());
    }
    pin_current_thread(&cpus.generator).map_err(|source| TrialError::Pin {
        cpus: cpus.generator.clone(),
        source,
    })
}

/// Requests that differ get the command that sends them again.
fn name_reproducers<'r>(
    facts: &mut WorkloadFacts,
    rows: impl Iterator<Item = &'r Row>,
    inputs: &Inputs<'_>,
) {
    let differing: BTreeSet<u32> = rows
        .filter(|row| !row.differences.is_empty())
        .map(|row| row.request)
        .collect();
    for request in differing {
        let index = request as usize;
        if let (Some(fact), Some(request)) = (
            facts.requests.get_mut(index),
            inputs.requests.all.get(index),
        ) {
            fact.reproduce = reproducer::curl(request, inputs.redactor);
        }
    }
}

/// Requests by operation.
struct Workload {
    operations: Vec<String>,
    operation_of: Vec<u32>,
}

impl Workload {
    /// Takes the operation that a request names, else the template learned from all targets.
    fn new(requests: &Requests) -> Self {
        let targets = requests
            .all
            .iter()
            .map(|r| (r.method.as_str(), r.path.as_str()));
        let templates = Templates::learn(targets);
        let mut workload = Workload {
            operations: Vec::new(),
            operation_of: Vec::new(),
        };
        let mut indices = std::collections::HashMap::new();
        for request in &requests.all {
            let name = request
                .operation
                .clone()
                .unwrap_or_else(|| templates.template(&request.method, &request.path));
            let index = *indices.entry(name.clone()).or_insert_with(|| {
                workload.operations.push(name);
                workload.operations.len() as u32 - 1
            });
            workload.operation_of.push(index);
        }
        workload
    }

    fn facts(&self, requests: &Requests) -> WorkloadFacts {
        WorkloadFacts {
            operations: self.operations.clone(),
            requests: requests
                .all
                .iter()
                .map(|r| RequestFacts {
                    bytes: r.size() as u64,
                    reproduce: String::new(),
                })
                .collect(),
        }
    }
}
