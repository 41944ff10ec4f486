//! The stages of a trial, in order.

use crate::build::build;
use crate::checkout::Checkouts;
use crate::command::{self, Commands};
use crate::config::{TrialConfig, WorkloadConfig};
use crate::cpus::Assignment;
use crate::dependencies::Dependencies;
use crate::error::TrialError;
use crate::service::Services;
use crate::sides::Stand;
use crate::store::{self, Part};
use crate::subject::{Comparable, Measuring, Subject};
use crate::{Watch, environment, equivalence};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use understudy_compare::{Noise, Row, Rules};
use understudy_evidence::RunDirectory;
use understudy_host::pin_current_thread;
use understudy_judge as judge;
use understudy_judge::EdgeAnswers;
use understudy_judge::plan::Plan;
use understudy_judge::terms::Terms;
use understudy_model::Place;
use understudy_model::edges::EdgeFacts;
use understudy_model::stored::RequestFacts;
use understudy_model::stored::WorkloadFacts;
use understudy_probe::Cgroups;
use understudy_redact::Redactor;
use understudy_subject_http::Requests;
use understudy_workload::Catalogue;

/// The workload of a trial, read and checked; of the kind that its configuration names.
pub enum Cases<'a> {
    /// Requests to services.
    Http {
        /// What is measured and compared.
        requests: &'a Requests,
        /// What prepares a side after each start.
        prepare: Option<&'a Requests>,
    },
    /// Runs of commands.
    Command {
        /// What each run gets.
        cases: &'a understudy_subject_command::Cases,
        /// The command that starts a launcher: a program with its arguments.
        launcher: &'a [String],
    },
}

/// What a trial needs in addition to its configuration.
pub struct Inputs<'a> {
    /// The workload.
    pub cases: Cases<'a>,
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
    pub stop: &'a Arc<AtomicBool>,
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
    measure(&config, inputs, run)?;
    checkouts.remove();
    Ok(())
}

fn measure(
    config: &TrialConfig,
    inputs: &Inputs<'_>,
    run: &RunDirectory,
) -> Result<(), TrialError> {
    let terms = config.terms();
    let logs = run.folder("logs")?;
    let began = store::environment(run)?;
    build(config, began.as_ref(), &logs, (inputs.stop, inputs.watch))?;
    let dependencies = dependencies(config, inputs.cpus)?;
    let subject = subject(config, &terms, inputs, (run, logs, &dependencies))?;
    let mut facts = workload_facts(subject.catalogue());
    let environment = environment::look(config, inputs, subject.hashes());
    match &began {
        Some(began) => environment::unchanged(began, &environment)?,
        None => store::write_environment(run, &environment)?,
    }
    let rules = began.as_ref().unwrap_or(&environment).rules;
    let plan = &Plan::under(rules, &terms);
    store::begin_workload(run, &facts)?;
    keep_apart(inputs.cpus)?;
    let redact = |place: Option<&Place>, text: &str| inputs.redactor.redact_value(place, text);
    let cases: &dyn Comparable = &*subject;
    let answers =
        |part: Part, cases: &dyn Comparable, budget: Duration| -> Result<(), TrialError> {
            // The measurements under load need no such mark: each is a file of its own.
            if store::is_finished(run, part.stage())? {
                return Ok(());
            }
            equivalence::Stage {
                subject: cases,
                part,
                terms: &terms,
                differ: cases.differ(inputs.rules, &redact),
                rules: inputs.rules,
                redactor: inputs.redactor,
                budget,
                run,
                stop: inputs.stop,
                watch: inputs.watch,
            }
            .carry_out()?;
            store::finish(run, part.stage())
        };
    answers(Part::Workload, cases, plan.equivalence.duration())?;
    if let Some(edges) = subject.edges() {
        let mut facts = EdgeFacts {
            classes: edges.classes,
            workload: workload_facts(edges.cases.catalogue()),
        };
        store::write_edges(run, &facts)?;
        answers(Part::Edges, &*edges.cases, edges.budget.duration())?;
        let evidence = store::read_answers(run)?;
        let rows = evidence.edges.iter().flat_map(EdgeAnswers::compared);
        name_reproducers(&mut facts.workload, rows, (&*edges.cases, inputs.redactor));
        store::write_edges(run, &facts)?;
    }
    let evidence = store::read_answers(run)?;
    name_reproducers(&mut facts, evidence.compared(), (cases, inputs.redactor));
    store::write_workload(run, &facts)?;
    let noise = Noise::learn(&evidence.rows);
    let is_decided = judge::answers_decide(&terms, &evidence, &noise, inputs.rules);
    drop(evidence);
    if is_decided && !inputs.continue_when_different {
        return Ok(());
    }
    let measuring = Measuring {
        terms: &terms,
        plan,
        rules,
        noise: &noise,
        accepted: inputs.rules,
        redactor: inputs.redactor,
        run,
        stop: inputs.stop,
        watch: inputs.watch,
        settled: &|| {
            let evidence = store::read(run)?;
            let document = judge::measured(&terms, inputs.rules, &evidence);
            Ok(judge::is_settled(&terms, &evidence, &document))
        },
    };
    subject.measure(&measuring)
}

/// What stands in for the outside services that the sides call, next to the generator.
fn dependencies(config: &TrialConfig, cpus: &Assignment) -> Result<Dependencies, TrialError> {
    let all = config.workload.http().map(|of| of.dependencies.as_slice());
    let cpus = Some(&cpus.generator).filter(|cpus| !cpus.as_slice().is_empty());
    Dependencies::start(all.unwrap_or_default(), config.sides(), cpus)
}

/// The subject of a trial: the one place that asks for its kind.
fn subject<'a>(
    config: &'a TrialConfig,
    terms: &'a Terms,
    inputs: &'a Inputs<'_>,
    (run, logs, dependencies): (&'a RunDirectory, PathBuf, &'a Dependencies),
) -> Result<Box<dyn Subject + 'a>, TrialError> {
    Ok(match (&config.workload, &inputs.cases) {
        (WorkloadConfig::Http(workload), Cases::Http { requests, prepare }) => {
            let stand = Stand {
                config,
                workload,
                terms,
                cgroups: inputs.cgroups,
                cpus: inputs.cpus,
                logs,
                prepare: *prepare,
                dependencies,
                under: &[],
                patience: 1,
                stop: inputs.stop,
            };
            Box::new(Services::new(stand, inputs.cpus, requests))
        }
        (WorkloadConfig::Command(workload), Cases::Command { cases, launcher }) => {
            let inputs = command::Inputs {
                config,
                workload,
                cases,
                launcher,
                cgroups: inputs.cgroups,
                cpus: inputs.cpus,
                stop: inputs.stop,
            };
            Box::new(Commands::new(inputs, (run, logs))?)
        }
        (WorkloadConfig::Http(_) | WorkloadConfig::Command(_), _) => {
            return Err(TrialError::OtherKind);
        }
    })
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

/// Cases that differ get the command that asks them again.
fn name_reproducers<'r>(
    facts: &mut WorkloadFacts,
    rows: impl Iterator<Item = &'r Row>,
    (cases, redactor): (&dyn Comparable, &Redactor),
) {
    let differing: BTreeSet<u32> = rows
        .filter(|row| !row.differences.is_empty())
        .map(|row| row.request)
        .collect();
    for case in differing {
        if let Some(fact) = facts.requests.get_mut(case as usize) {
            fact.reproduce = cases.reproduce(case, redactor);
        }
    }
}

fn workload_facts(catalogue: &Catalogue) -> WorkloadFacts {
    let cases = catalogue.cases.iter();
    WorkloadFacts {
        operations: catalogue.operations.clone(),
        requests: cases
            .map(|facts| RequestFacts {
                bytes: facts.bytes,
                reproduce: String::new(),
                size: facts.size,
            })
            .collect(),
    }
}
