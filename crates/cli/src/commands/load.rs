//! `understudy load`: open-model load with true latencies.

pub(crate) mod capacity;
mod generator;
mod log;

pub(crate) use generator::GeneratorArgs;

use super::trial::redaction_key;
use crate::config::cannot_read;
use crate::exit::{self, Failure, usage};
use crate::show;
use crate::show::json::{self, JsonOutput};
use anyhow::Context;
use clap::{Args, ValueEnum};
use log::{Log, Written};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use understudy_host::{Clock, CpuList};
use understudy_judge::with_culprit;
use understudy_load::report::{self, LoadReport};
use understudy_load::{Histograms, LogSender, Plan, Progress, Rate};
use understudy_model::Arrivals;
use understudy_model::Span;
use understudy_model::gates::GeneratorUse;
use understudy_model::neighbours::Neighbours;
use understudy_observe::resources::{self, Observed, Others};
use understudy_redact::Redactor;
use understudy_subject_http::{Requests, Target, WorkloadRequest};
use understudy_subject_http::{Workload, run_into};

/// Open-model load over HTTP/1.1: latencies count from the time a request was due.
#[derive(Debug, Args)]
pub(crate) struct LoadArgs {
    /// Where to send requests, e.g. http://127.0.0.1:8080/
    url: String,
    /// Requests per second, or "max": a closed model as fast as answers come
    #[arg(long, value_name = "R|max", default_value = "1000", value_parser = parse_rate)]
    rate: Rate,
    /// Length of the measured window
    #[arg(long, default_value = "10s", conflicts_with = "find_capacity")]
    duration: Span,
    /// Load before it, discarded
    #[arg(long, default_value = "2s")]
    warmup: Span,
    /// Generator threads
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1024))]
    threads: u32,
    /// Distribution of the gaps between requests
    #[arg(long, value_enum, default_value_t = ArrivalsArg::Poisson)]
    arrivals: ArrivalsArg,
    /// Method of the request
    #[arg(long, default_value = "GET", conflicts_with = "requests")]
    method: String,
    /// A header, e.g. "Accept: application/json"; $NAME is read from the environment (repeatable)
    #[arg(long, value_name = "NAME: VALUE", conflicts_with = "requests")]
    header: Vec<String>,
    /// Body of the request; @FILE reads it from a file
    #[arg(long, conflicts_with = "requests")]
    body: Option<String>,
    #[command(flatten)]
    generator: GeneratorArgs,
    /// Write the result as JSON to a file, or to standard output with "-"
    #[arg(long, value_name = "PATH|-")]
    json: Option<PathBuf>,
    /// Write every exchange of the measured window to a Parquet file while the run continues
    #[arg(long, value_name = "FILE.parquet", conflicts_with = "find_capacity")]
    log: Option<PathBuf>,
    #[command(flatten)]
    search: capacity::SearchArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ArrivalsArg {
    Poisson,
    Constant,
}

fn parse_rate(text: &str) -> Result<Rate, String> {
    if text == "max" {
        return Ok(Rate::Max);
    }
    f64::from_str(text)
        .ok()
        .filter(|rate| (0.001..=1e7).contains(rate))
        .map(Rate::PerSecond)
        .ok_or_else(|| "a rate is a number of requests per second above 0, or \"max\"".to_owned())
}

impl LoadArgs {
    fn plan(&self) -> Plan {
        Plan {
            arrivals: match self.arrivals {
                ArrivalsArg::Poisson => Arrivals::Poisson,
                ArrivalsArg::Constant => Arrivals::Constant,
            },
            duration: self.duration,
            threads: self.threads as usize,
            ..self.generator.plan(self.rate, self.warmup)
        }
    }

    /// Everything that is wrong with the arguments together, before anything is sent.
    fn check(&self, target: Option<&Target>) -> Vec<String> {
        let mut errors = Vec::new();
        self.generator.check(target, &mut errors);
        if self.duration.nanos() == 0 {
            errors.push("--duration: 0 leaves nothing to measure".to_owned());
        }
        if self.generator.connections < self.threads {
            errors.push(format!(
                "--connections: {} threads need at least one connection each",
                self.threads
            ));
        }
        self.search.check(self, &mut errors);
        errors
    }

    fn requests(&self, target: &Target) -> Result<Requests, Failure> {
        if let Some(requests) = self.generator.requests()? {
            return Ok(requests);
        }
        let mut headers = Vec::new();
        for header in &self.header {
            let (name, value) = header.split_once(':').ok_or_else(|| {
                usage(format!(
                    "`--header {header:?}` is not a header\nhint: write it as \"Name: value\""
                ))
            })?;
            headers.push((name.trim().to_owned(), value.trim().to_owned()));
        }
        let mut request = WorkloadRequest::get(&target.path);
        request.method.clone_from(&self.method);
        request.body = self.read_body()?;
        let request = request
            .with_headers(headers, &|name| std::env::var(name).ok())
            .map_err(|error| usage(format!("--header {error}")))?;
        Ok(Requests { all: vec![request] })
    }

    fn read_body(&self) -> Result<Vec<u8>, Failure> {
        match self.body.as_deref() {
            None => Ok(Vec::new()),
            Some(text) => match text.strip_prefix('@') {
                None => Ok(text.as_bytes().to_vec()),
                Some(path) => std::fs::read(path).map_err(|error| {
                    let why = cannot_read(path.as_ref(), &error);
                    usage(format!("--body: {why}"))
                }),
            },
        }
    }
}

/// Carries out the command.
pub(crate) fn load(args: &LoadArgs, stop: &AtomicBool) -> Result<u8, Failure> {
    let target = Target::parse(&args.url);
    let mut errors = args.check(target.as_ref().ok());
    let target = match target {
        Ok(target) if errors.is_empty() => target,
        parsed => {
            errors.extend(parsed.err().map(|error| error.to_string()));
            return Err(Failure::Usage(errors));
        }
    };
    let requests = args.requests(&target)?;
    let prepared = requests
        .prepare(&target.host, |_| 0)
        .map_err(|(index, error)| usage(format!("request {}: {error}", index + 1)))?;
    let weights = requests.weights();
    let workload = Workload::new(&target, &prepared, &weights);
    let mut json = JsonOutput::open(args.json.as_deref())?;
    if args.search.is_asked() {
        return capacity::find(args, workload, stop, json.as_mut());
    }
    let plan = args.plan();
    let log = args
        .log
        .as_deref()
        .map(|path| Log::start(path, &plan))
        .transpose()?;
    let Measured {
        histograms,
        generator,
        clock,
        log,
        malformed,
        neighbours,
    } = measure(&plan, workload, stop, log)?;
    let interrupted = stop.load(Ordering::Relaxed);
    // A URL can hold a key.
    let shown = Redactor::new(redaction_key()?).redact_text(&args.url);
    let context = report::Context {
        target: &shown,
        interrupted,
        versions: versions(),
    };
    let mut report = report::report(&plan, &histograms, generator, context);
    report.malformed = malformed.map(str::to_owned);
    let failed = report::failed_gates(&plan, &histograms, generator);
    let named = failed.iter().map(|gate| with_culprit(gate, &neighbours));
    report.invalid_because = named.collect();
    if let Some(log) = log {
        report = report.with_log(log.report(histograms.total(), clock), log.failure());
    }
    deliver(&report, json.as_mut())?;
    Ok(match (interrupted, report.valid) {
        (true, _) => exit::INTERRUPTED,
        (false, false) => exit::INVALID,
        (false, true) => exit::DONE,
    })
}

/// What is left of a run.
struct Measured {
    histograms: Histograms,
    generator: GeneratorUse,
    /// Zero is the start of the load.
    clock: Clock,
    log: Option<Written>,
    malformed: Option<&'static str>,
    /// What else used the CPUs of this machine.
    neighbours: Option<Neighbours>,
}

fn measure(
    plan: &Plan,
    workload: Workload<'_>,
    stop: &AtomicBool,
    log: Option<(Log, Vec<LogSender>)>,
) -> anyhow::Result<Measured> {
    let progress: Vec<Progress> = (0..plan.threads).map(|_| Progress::default()).collect();
    let done = AtomicBool::new(false);
    let length = plan.warmup.duration() + plan.duration.duration();
    let (log, mut senders) = log.map_or((None, Vec::new()), |(log, senders)| (Some(log), senders));
    let recorders = (0..plan.threads)
        .map(|_| (Histograms::default(), senders.pop()))
        .collect();
    let window = (plan.warmup.duration(), plan.duration.duration());
    let observed = Observed {
        // A URL names no process.
        sampler: None,
        cpus: &CpuList::default(),
        others: Others::Observed,
    };
    let (ran, seen) = std::thread::scope(|scope| {
        scope.spawn(|| show::load::live(&progress, length, &done));
        resources::alongside(observed, window, stop, |announce| {
            let ran = run_into(plan, workload, stop, &progress, announce, recorders);
            done.store(true, Ordering::Relaxed);
            ran
        })
    });
    let ran = match ran {
        Ok(ran) => ran,
        Err(error) => {
            if let Some(written) = log.and_then(Log::end) {
                written.show();
            }
            return Err(error.into());
        }
    };
    let mut histograms = Histograms::default();
    for (kept, sender) in ran.recorders {
        histograms.merge(kept);
        // It hands over what is left.
        drop(sender);
    }
    Ok(Measured {
        histograms,
        generator: ran.generator,
        clock: Clock::since(ran.started),
        log: log.map(Log::finish),
        malformed: ran.malformed,
        neighbours: seen.neighbours(&plan.bound_cpus()),
    })
}

fn deliver(report: &LoadReport, json: Option<&mut JsonOutput>) -> anyhow::Result<()> {
    if json::deliver(json, report)? {
        for reason in &report.invalid_because {
            show::error(&format!("invalid: {reason}"));
        }
        return Ok(());
    }
    show::print(&show::load::summary(report)).context("cannot write the result")
}

fn versions() -> BTreeMap<String, String> {
    BTreeMap::from([(
        "understudy".to_owned(),
        env!("CARGO_PKG_VERSION").to_owned(),
    )])
}
