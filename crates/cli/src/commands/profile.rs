//! `understudy profile`: is there a problem at all, and could a rewrite solve it?

use super::load::capacity::{attach, carry_out};
use super::trial::redaction_key;
use crate::config::slo_argument;
use crate::exit::{self, Failure, usage};
use crate::requests_file;
use crate::show;
use crate::show::json::{self, JsonOutput};
use anyhow::Context;
use clap::Args;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use understudy_host::CpuList;
use understudy_load::http::{Requests, Target, WorkloadRequest};
use understudy_load::{Arrivals, DEFAULT_QUEUE, Plan, Rate, Workload};
use understudy_model::capacity::CapacityKind;
use understudy_model::profile::{ProfileReport, SCHEMA};
use understudy_model::{Share, Span};
use understudy_redact::Redactor;
use understudy_report::figures::{memory, rate};
use understudy_report::{findings, knee};
use understudy_trial::capacity::{CapacityConfig, Search};
use understudy_trial::config::{Attach, Slo};
use understudy_wire::http1::Limits;

/// One running service: does it hold its objectives, with what headroom, and would a rewrite help?
#[derive(Debug, Args)]
pub(crate) struct ProfileArgs {
    /// Where it answers, e.g. http://127.0.0.1:8080/
    url: String,
    /// The requests per second that it has to serve
    #[arg(long, value_name = "R")]
    rate: f64,
    /// An objective to hold, e.g. "p99<20ms" or "errors<0.1%" (repeatable)
    #[arg(long, value_name = "SLO", value_parser = slo_argument, required = true)]
    slo: Vec<Slo>,
    /// Measure the CPU and memory of this process and its descendants
    #[arg(long, value_name = "PID", conflicts_with = "cgroup")]
    pid: Option<u32>,
    /// Measure the CPU and memory of this control group, such as a container's
    #[arg(long, value_name = "GROUP")]
    cgroup: Option<PathBuf>,
    /// Requests as JSON lines, in place of a GET of the URL
    #[arg(long, value_name = "FILE.jsonl")]
    requests: Option<PathBuf>,
    /// Connections
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    connections: u32,
    /// Pin the generator to these CPUs, e.g. 0 or 2-3
    #[arg(long, value_name = "LIST")]
    cpus: Option<CpuList>,
    /// Longest time for it
    #[arg(long, value_name = "TIME", default_value = "2m")]
    budget: Span,
    /// Load before each trial, discarded
    #[arg(long, default_value = "1s")]
    warmup: Span,
    /// Longest time from sending a request to the last byte of its answer
    #[arg(long, default_value = "10s")]
    timeout: Span,
    /// Fixes the schedules and the choice of requests
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Write the result as JSON to a file, or to standard output with "-"
    #[arg(long, value_name = "PATH|-")]
    json: Option<PathBuf>,
    /// Allow a target that is not on this machine
    #[arg(long)]
    allow_remote: bool,
}

/// No service is tried at more than so many times the rate that it has to serve: more headroom would
/// change nothing that is said.
const MOST_HEADROOM: f64 = 20.0;

impl ProfileArgs {
    fn attach(&self) -> Option<Attach> {
        attach(self.pid, self.cgroup.as_deref())
    }

    /// Everything that is wrong with the arguments, before anything is sent.
    fn check(&self, target: &Target) -> Vec<String> {
        let mut errors = Vec::new();
        if !(0.001..=1e7 / MOST_HEADROOM).contains(&self.rate) {
            errors.push("--rate: write the requests per second, 0.001 to 500000".to_owned());
        }
        if self.budget.secs() < self.warmup.secs() + 1.0 {
            errors.push(
                "--budget: leaves no time for one trial of a second and its --warmup".to_owned(),
            );
        }
        if self.timeout.nanos() == 0 {
            errors.push("--timeout: 0 leaves no time to answer".to_owned());
        }
        if let Some(Err(error)) = self.attach().as_ref().map(Attach::sampler) {
            errors.push(format!("--pid or --cgroup: {error}"));
        }
        if !target.is_loopback() && !self.allow_remote {
            errors.push(format!(
                "{} is not on this machine; --allow-remote sends load there if you may",
                target.host
            ));
        }
        errors
    }

    fn plan(&self) -> Plan {
        Plan {
            rate: Rate::PerSecond(self.rate),
            arrivals: Arrivals::Poisson,
            warmup: self.warmup,
            duration: Span::default(),
            connections: self.connections as usize,
            threads: 1,
            cpus: self.cpus.clone(),
            timeout: self.timeout,
            seed: self.seed,
            queue: DEFAULT_QUEUE,
            limits: Limits::default(),
            inspect: false,
        }
    }

    fn search(&self) -> CapacityConfig {
        CapacityConfig {
            width: Share::new(CapacityConfig::WIDTH),
            first_rate: self.rate,
            highest_rate: self.rate * MOST_HEADROOM,
            warmup: self.warmup,
            budget: Some(self.budget),
        }
    }
}

/// Carries out the command.
pub(crate) fn profile(args: &ProfileArgs, stop: &AtomicBool) -> Result<u8, Failure> {
    let target = Target::parse(&args.url).map_err(|error| usage(error.to_string()))?;
    let errors = args.check(&target);
    if !errors.is_empty() {
        return Err(Failure::Usage(errors));
    }
    let requests = match &args.requests {
        Some(path) => requests_file::read(path).map_err(Failure::Usage)?,
        None => Requests {
            all: vec![WorkloadRequest::get(&target.path)],
        },
    };
    let prepared = requests
        .prepare(&target.host, |_| 0)
        .map_err(|(index, error)| usage(format!("request {}: {error}", index + 1)))?;
    let mut json = JsonOutput::open(args.json.as_deref())?;
    let workload = Workload {
        target: &target,
        prepared: &prepared,
        weights: &requests.weights(),
    };
    let mut search = Search::new(args.search(), &args.slo, &[]);
    let attach = args.attach();
    let peak_rss_bytes = carry_out(&args.plan(), workload, attach.as_ref(), &mut search, stop)?;
    let capacity = search.result();
    let report = ProfileReport {
        schema: SCHEMA,
        // A URL can hold a key.
        target: Redactor::new(redaction_key()?).redact_text(&args.url),
        rate_rps: args.rate,
        findings: findings::findings(&capacity, args.rate),
        headroom: findings::headroom(&capacity, args.rate),
        capacity,
        peak_rss_bytes,
        interrupted: stop.load(Ordering::Relaxed),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    deliver(&report, json.as_mut())?;
    Ok(match (report.interrupted, report.capacity.kind) {
        (true, _) => exit::INTERRUPTED,
        (false, CapacityKind::Unknown) => exit::INVALID,
        (false, _) => exit::DONE,
    })
}

fn deliver(report: &ProfileReport, json: Option<&mut JsonOutput>) -> anyhow::Result<()> {
    if json::deliver(json, report)? {
        return Ok(());
    }
    show::print(&summary(report)).context("cannot write the result")
}

fn summary(report: &ProfileReport) -> String {
    let mut lines = vec![format!("{} at {}\n", report.target, rate(report.rate_rps))];
    lines.extend(
        report
            .findings
            .iter()
            .map(|finding| format!("  {}\n", finding.text)),
    );
    lines.push(format!("  capacity  {}", knee::sentence(&report.capacity)));
    if let Some(bytes) = report.peak_rss_bytes {
        lines.push(format!("  memory    {} resident at most", memory(bytes)));
    }
    lines.push(String::new());
    lines.extend(knee::table(&report.capacity));
    if report.interrupted {
        lines.push("\n  interrupted: this is what was measured until then".to_owned());
    }
    lines.join("\n") + "\n"
}
