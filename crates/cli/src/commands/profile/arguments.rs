//! The arguments of `understudy profile`: what is wrong with them, and what they ask for.

use crate::commands::load::GeneratorArgs;
use crate::commands::report::verdict;
use crate::config::{cannot_read, slo_argument};
use crate::exit;
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use understudy_evidence::RunDirectory;
use understudy_judge::terms::Slo;
use understudy_model::floor::SideFloor;
use understudy_model::{Role, Span};
use understudy_observe::{Attach, Listener};
use understudy_profile::{AccessLog, Budget, HIGHEST_RATE, ServiceConfig};
use understudy_subject_http::Target;

/// One running service: does it hold its objectives, with what headroom, where does its tail come from,
/// and would a rewrite help?
///
/// Under load (a URL, --rate, --slo) it looks for the capacity and then measures at --rate, for as
/// long as 10,000 requests take, 5 to 30 s and at most a third of --budget, to see where the
/// slowest requests come from. With --watch it sends nothing.
#[derive(Debug, Args)]
pub(crate) struct ProfileArgs {
    /// Where it answers, e.g. http://127.0.0.1:8080/
    pub(super) url: Option<String>,
    /// The requests per second that it has to serve
    #[arg(long, value_name = "R")]
    pub(super) rate: Option<f64>,
    /// An objective to hold, e.g. "p99<20ms" or "errors<0.1%" (repeatable)
    #[arg(long, value_name = "SLO", value_parser = slo_argument)]
    pub(super) slo: Vec<Slo>,
    /// Send nothing: watch what it uses and how its runtime pauses while others use it
    #[arg(long, conflicts_with = "GeneratorArgs")]
    pub(super) watch: bool,
    /// How long to watch; Ctrl-C ends it earlier
    #[arg(
        long = "for",
        value_name = "TIME",
        default_value = "60s",
        requires = "watch"
    )]
    pub(super) length: Span,
    /// Measure this process and its descendants
    #[arg(long, value_name = "PID")]
    pid: Option<u32>,
    /// The same for a JVM, which is asked (jcmd) to log its pauses meanwhile
    #[arg(long, value_name = "PID")]
    jvm: Option<u32>,
    /// Measure this control group, such as a container's
    #[arg(long, value_name = "GROUP")]
    cgroup: Option<PathBuf>,
    /// A log in which its runtime writes of its pauses already (Go gctrace, JVM -Xlog:gc,safepoint,
    /// Node --trace-gc)
    #[arg(long, value_name = "FILE")]
    runtime_log: Option<PathBuf>,
    /// Its access log (common, combined, JSON, Envoy, HAProxy or ALB, with a duration): requests that end
    /// while it is watched
    #[arg(long, value_name = "FILE", requires = "watch")]
    access_log: Option<PathBuf>,
    /// What the last field of a line of text counts, such as us for Apache's %D, or a time in JSON whose
    /// key has no unit
    #[arg(long, value_name = "UNIT", requires = "access_log")]
    access_log_unit: Option<Unit>,
    /// A run of a trial that looked for memory floors and whose incumbent it was: what it needs is held
    /// against what it is given
    #[arg(long, value_name = "RUN")]
    floor_of: Option<PathBuf>,
    /// Longest time for it
    #[arg(
        long,
        value_name = "TIME",
        default_value = "2m",
        conflicts_with = "watch"
    )]
    budget: Span,
    /// Load before each trial, discarded
    #[arg(long, default_value = "1s", conflicts_with = "watch")]
    pub(super) warmup: Span,
    #[command(flatten)]
    pub(super) generator: GeneratorArgs,
    /// Write the result as JSON to a file, or to standard output with "-"
    #[arg(long, value_name = "PATH|-")]
    pub(super) json: Option<PathBuf>,
}

/// What the last field of a line of text, or the time of a JSON object, counts.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Unit {
    /// Nanoseconds
    Ns,
    /// Microseconds
    Us,
    /// Milliseconds
    Ms,
    /// Seconds
    S,
}

impl Unit {
    fn span(self) -> Span {
        match self {
            Unit::Ns => Span::from_nanos(1),
            Unit::Us => Span::from_nanos(1_000),
            Unit::Ms => Span::from_millis(1),
            Unit::S => Span::from_secs(1),
        }
    }
}

impl ProfileArgs {
    fn attach(&self) -> Option<Attach> {
        let pid = self.pid.map(Attach::Pid);
        let jvm = self.jvm.map(Attach::Jvm);
        let cgroup = self.cgroup.clone().map(Attach::Cgroup);
        pid.or(jvm).or(cgroup)
    }

    pub(super) fn runtime_log(&self) -> Result<Option<Listener>, String> {
        let opened = self.runtime_log.as_deref().map(|path| {
            let unreadable = |error| format!("--runtime-log: {}", cannot_read(path, &error));
            Listener::of_log(path).map_err(unreadable)
        });
        opened.transpose()
    }

    pub(super) fn access_log(&self) -> Result<Option<AccessLog>, String> {
        let unit = self.access_log_unit.map(Unit::span);
        let opened = self.access_log.as_deref().map(|path| {
            let unreadable = |error| format!("--access-log: {}", cannot_read(path, &error));
            AccessLog::open(path, unit, &self.slo).map_err(unreadable)
        });
        opened.transpose()
    }

    pub(super) fn service(&self, runtime_log: Option<Listener>) -> ServiceConfig {
        ServiceConfig {
            attach: self.attach(),
            runtime_log,
            generator_cpus: self.generator.cpus.clone(),
        }
    }

    pub(super) fn budget(&self) -> Budget {
        Budget {
            total: self.budget,
            warmup: self.warmup,
        }
    }

    /// The memory floor of the incumbent of a run.
    pub(super) fn memory_floor(&self) -> Result<Option<SideFloor>, String> {
        let Some(run) = &self.floor_of else {
            return Ok(None);
        };
        if self.attach().is_none() {
            return Err(
                "`--floor-of` needs a process to compare with\nhint: name it with `--pid`, `--jvm` or `--cgroup`".to_owned(),
            );
        }
        let wrong = |why: String| format!("--floor-of: {why}");
        let run = RunDirectory::open(run).map_err(|error| wrong(exit::sentence(&error.into())))?;
        let document = verdict(&run).map_err(wrong)?;
        let mut floors = document.memory_floors.into_iter();
        let floor = floors.find(|floor| floor.side == Role::Incumbent);
        if floor.as_ref().is_some_and(|floor| floor.runs.is_some()) {
            return Err(wrong(format!(
                "{} is a trial of commands, and its memory floor is that of one run\nhint: name a trial of services",
                run.path().display()
            )));
        }
        floor.map(Some).ok_or_else(|| {
            wrong(format!(
                "{} has no memory floor of its incumbent\nhint: write `[memory_floor]` into its `trial.toml`, and run it again",
                run.path().display()
            ))
        })
    }

    /// What is wrong with what is said about its processes.
    pub(super) fn check_attached(&self) -> Vec<String> {
        let mut errors = Vec::new();
        let named = [
            self.pid.is_some(),
            self.jvm.is_some(),
            self.cgroup.is_some(),
        ];
        if named.iter().filter(|named| **named).count() > 1 {
            errors.push(
                "`--pid`, `--jvm` and `--cgroup` exclude one another\nhint: use one of them"
                    .to_owned(),
            );
        }
        if let Some(attach) = self.attach()
            && let Err(error) = attach.sampler()
        {
            let flag = match attach {
                Attach::Pid(_) => "--pid",
                Attach::Jvm(_) => "--jvm",
                Attach::Cgroup(_) => "--cgroup",
            };
            errors.push(format!("{flag}: {error}"));
        }
        if self.jvm.is_some() && self.runtime_log.is_some() {
            errors.push(
                "`--runtime-log` does not go with `--jvm`, which asks the JVM for a log of its own\nhint: use `--pid` to read this log"
                    .to_owned(),
            );
        }
        errors
    }

    /// What is missing or too much for watching.
    pub(super) fn check_watched(&self) -> Vec<String> {
        let mut errors = Vec::new();
        if self.url.is_some() {
            errors.push("`--watch` sends nothing\nhint: leave out the URL".to_owned());
        }
        if self.rate.is_some() {
            errors.push("`--watch` sends nothing\nhint: leave out `--rate`".to_owned());
        }
        if self.attach().is_none() {
            errors.push(
                "`--watch` needs a process\nhint: name it with `--pid`, `--jvm` or `--cgroup`"
                    .to_owned(),
            );
        }
        if !(1.0..=86_400.0).contains(&self.length.secs()) {
            errors.push("`--for` is not from 1s to 24h".to_owned());
        }
        errors
    }

    /// What is missing or wrong for a load.
    pub(super) fn check_loaded(&self, target: Option<&Target>) -> Vec<String> {
        let mut errors = Vec::new();
        if self.url.is_none() {
            errors.push(
                "say where it answers, such as http://127.0.0.1:8080/, or --watch a process"
                    .to_owned(),
            );
        }
        self.generator.check(target, &mut errors);
        let served = 0.001..=HIGHEST_RATE;
        if !self.rate.is_some_and(|rate| served.contains(&rate)) {
            errors.push(
                "`--rate` is missing, or not from 0.001 to 500000\nhint: write the requests per second that the service has to serve"
                    .to_owned(),
            );
        }
        if self.slo.is_empty() {
            errors.push("`--slo` is missing\nhint: write what the service has to hold, such as \"p99<20ms\"".to_owned());
        }
        if !self.budget().is_enough() {
            errors.push(
                "--budget: leaves no time for two trials of a second and their --warmup".to_owned(),
            );
        }
        errors
    }
}
