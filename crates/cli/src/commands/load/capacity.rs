//! `--find-capacity`: the highest rate at which the objectives are held.

use super::LoadArgs;
use crate::commands::trial::redaction_key;
use crate::config::slo_argument;
use crate::exit::{self, Failure, usage};
use crate::show;
use crate::show::json::{self, JsonOutput};
use anyhow::Context;
use clap::Args;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use understudy_judge::search::capacity::{CapacityConfig, Search};
use understudy_judge::terms::Slo;
use understudy_load::Rate;
use understudy_model::capacity::{Capacity, CapacityKind, CapacityReport, KneePoint, SCHEMA};
use understudy_model::{Share, Span};
use understudy_observe::Attach;
use understudy_profile::search_capacity;
use understudy_redact::Redactor;
use understudy_report::figures::{rate, share, time};
use understudy_report::knee;
use understudy_subject_http::Workload;

/// How the capacity is looked for.
#[derive(Debug, Args)]
pub(crate) struct SearchArgs {
    /// Find the highest rate that holds every --slo, beginning with --rate
    #[arg(long, requires = "slo")]
    find_capacity: bool,
    /// An objective to hold, e.g. "p99<20ms" or "errors<0.1%" (repeatable)
    #[arg(long, value_name = "SLO", value_parser = slo_argument, requires = "find_capacity")]
    slo: Vec<Slo>,
    /// Relative width of the interval that is narrow enough
    #[arg(
        long,
        value_name = "SHARE",
        default_value = "5%",
        requires = "find_capacity"
    )]
    width: Share,
    /// Longest time for the search
    #[arg(
        long,
        value_name = "TIME",
        default_value = "2m",
        requires = "find_capacity"
    )]
    budget: Span,
    /// The highest rate to try
    #[arg(long, value_name = "R", default_value_t = CapacityConfig::HIGHEST_RATE, requires = "find_capacity")]
    highest_rate: f64,
    /// Measure the CPU of this process and its descendants
    #[arg(
        long,
        value_name = "PID",
        requires = "find_capacity",
        conflicts_with = "cgroup"
    )]
    pid: Option<u32>,
    /// Measure the CPU of this control group, such as a container's
    #[arg(long, value_name = "GROUP", requires = "find_capacity")]
    cgroup: Option<PathBuf>,
}

impl SearchArgs {
    pub(super) fn is_asked(&self) -> bool {
        self.find_capacity
    }

    /// Adds what is wrong with the arguments.
    pub(super) fn check(&self, args: &LoadArgs, errors: &mut Vec<String>) {
        if !self.find_capacity {
            return;
        }
        if args.rate == Rate::Max {
            errors.push(
                "`--rate max` is a closed model, and `--find-capacity` needs an open one\nhint: begin with a rate such as 1000"
                    .to_owned(),
            );
        }
        if self.width.get() <= 0.0 || self.width.get() > 0.5 {
            errors.push(
                "`--width` is not above 0 and up to 50 %\nhint: write a share such as 5%"
                    .to_owned(),
            );
        }
        if !(1.0..=1e7).contains(&self.highest_rate) {
            errors
                .push("`--highest-rate` is not from 1 to 10000000 requests per second".to_owned());
        }
        if self.budget.secs() < args.warmup.secs() + 1.0 {
            errors.push(
                "--budget: leaves no time for one trial of a second and its --warmup".to_owned(),
            );
        }
    }

    fn config(&self, args: &LoadArgs) -> CapacityConfig {
        let first_rate = match args.rate {
            Rate::PerSecond(rate) => rate.min(self.highest_rate),
            Rate::Max => CapacityConfig::FIRST_RATE,
        };
        CapacityConfig {
            width: self.width,
            first_rate,
            highest_rate: self.highest_rate,
            warmup: args.warmup,
            budget: Some(self.budget),
        }
    }
}

/// What `--pid` or `--cgroup` names.
fn attach(pid: Option<u32>, cgroup: Option<&Path>) -> Option<Attach> {
    let pid = pid.map(Attach::Pid);
    pid.or_else(|| cgroup.map(|group| Attach::Cgroup(group.to_owned())))
}

/// Carries out the search and delivers the result.
pub(super) fn find(
    args: &LoadArgs,
    workload: Workload<'_>,
    stop: &AtomicBool,
    json: Option<&mut JsonOutput>,
) -> Result<u8, Failure> {
    let attach = attach(args.search.pid, args.search.cgroup.as_deref());
    if let Some(Err(error)) = attach.as_ref().map(Attach::sampler) {
        return Err(usage(format!("--pid or --cgroup: {error}")));
    }
    let operations = Vec::new();
    let mut search = Search::new(args.search.config(args), &args.search.slo, &operations);
    search_capacity(
        &args.plan(),
        workload,
        attach.as_ref(),
        &mut search,
        stop,
        &show_step,
    )
    .map_err(anyhow::Error::from)?;
    let interrupted = stop.load(Ordering::Relaxed);
    let capacity = search.result();
    let code = match interrupted {
        true => exit::INTERRUPTED,
        false => code(&capacity),
    };
    let report = CapacityReport {
        schema: SCHEMA,
        // A URL can hold a key.
        target: Redactor::new(redaction_key()?).redact_text(&args.url),
        arrivals: args.plan().arrivals.name().to_owned(),
        seed: args.generator.seed,
        connections: args.generator.connections,
        warmup_s: args.warmup.secs(),
        capacity,
        cpu_unmeasured: attach
            .is_none()
            .then(|| "no process was named: --pid or --cgroup".to_owned()),
        interrupted,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    deliver(&report, json)?;
    Ok(code)
}

/// An interval as narrow as was asked for, or a bound at the end that the flags set for the search, is a result.
fn code(capacity: &Capacity) -> u8 {
    match capacity.kind {
        CapacityKind::Between if capacity.narrow => exit::DONE,
        CapacityKind::AtLeast if capacity.refused == 0 => exit::DONE,
        CapacityKind::Below => exit::DONE,
        CapacityKind::Unknown => exit::INVALID,
        _ => exit::INCONCLUSIVE,
    }
}

/// One line a step, on a terminal.
pub(crate) fn show_step(point: &KneePoint) {
    if !std::io::stderr().is_terminal() {
        return;
    }
    let p99 = point.p99_us.map_or_else(|| "infinite".to_owned(), time);
    let violated = point.violations.iter().copied().fold(0.0, f64::max);
    show::line(&format!(
        "  {:>12}  {:>3.0} s  p99 {p99:>9}  {} over the SLO",
        rate(point.rate_rps),
        point.measured_s,
        share(violated),
    ));
}

fn deliver(report: &CapacityReport, json: Option<&mut JsonOutput>) -> anyhow::Result<()> {
    if json::deliver(json, report)? {
        return Ok(());
    }
    show::print(&summary(report)).context("cannot write the result")
}

fn summary(report: &CapacityReport) -> String {
    let capacity = &report.capacity;
    let mut lines = vec![
        report.target.clone(),
        format!(
            "open model ({} arrivals), {} trials after {} s of warm-up each, {} connections, seed {}",
            report.arrivals,
            capacity.knee.len(),
            report.warmup_s,
            report.connections,
            report.seed,
        ),
        String::new(),
        format!("  capacity  {}", knee::sentence(capacity)),
    ];
    lines.extend(capacity.objectives.iter().map(|slo| {
        let binds = capacity.binding.as_ref() == Some(slo) && capacity.objectives.len() > 1;
        format!(
            "  holding   {slo}{}",
            if binds { "  <- ends it" } else { "" }
        )
    }));
    lines.push(String::new());
    lines.extend(knee::table(capacity));
    if report.interrupted {
        lines.push("\n  interrupted: this is what was measured until then".to_owned());
    }
    lines.join("\n") + "\n"
}
