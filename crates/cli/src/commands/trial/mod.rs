//! `understudy trial`: both sides side by side, to a verdict.

mod check;
mod secrets;
mod session;
mod strict;

use check::CheckedCases;
pub(crate) use check::{Asked, Checked, check, checked, first_day, today};
pub(crate) use secrets::redaction_key;
pub(crate) use session::{Begun, Prepared, Session, directory, level, refuse};
pub(crate) use strict::refuse_unused;

use super::history::earlier;
use super::report::write_html;
use crate::config::{Flags, SideArgument};
use crate::exit::{self, Failure};
use crate::show;
use crate::show::json::{self, JsonOutput};
use crate::show::progress::Display;
use anyhow::{Context, anyhow};
use clap::{Args, ValueEnum};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use understudy_compare::Rules;
use understudy_evidence::RunDirectory;
use understudy_host::allowed_cpus;
use understudy_judge as judge;
use understudy_judge::Judgement;
use understudy_model::history::History;
use understudy_model::verdict::VerdictDocument;
use understudy_probe::{Cgroups, Guard};
use understudy_trial::config::TrialConfig;
use understudy_trial::{Assignment, Cases, Inputs, TrialError, carry_out};

/// Compares the incumbent with the candidate: first the answers, then latency and resources.
#[derive(Debug, Args)]
pub(crate) struct TrialArgs {
    #[command(flatten)]
    flags: Flags,
    /// Replace a side of the file: "candidate=git:REF" builds that commit, branch or tag in a work
    /// tree of its own; a command or an http:// URL may be there as well (repeatable)
    #[arg(long = "side", value_name = "SIDE=git:REF|COMMAND|URL")]
    sides: Vec<SideArgument>,
    /// Continue an interrupted run: what it has measured is not measured again
    #[arg(long, value_name = "RUN", conflicts_with_all = ["quick", "thorough", "sides", "out"])]
    resume: Option<PathBuf>,
    /// The highest rate only, in under 90 seconds (half as much again with a [side.tuned])
    #[arg(long, conflicts_with = "thorough")]
    quick: bool,
    /// More and longer measurements, for about half an hour
    #[arg(long)]
    thorough: bool,
    /// Leave out a search that the file asks for (repeatable); each takes minutes
    #[arg(long, value_enum, value_name = "SEARCH", conflicts_with = "resume")]
    without: Vec<Search>,
    /// Make requests that recorded traffic lacks, on which frameworks differ, and compare the answers
    #[arg(long, conflicts_with = "resume")]
    edges: bool,
    /// Fail where a rule excused nothing
    #[arg(long)]
    strict: bool,
    /// Measure latency even if the answers differ
    #[arg(long = "continue")]
    continue_when_different: bool,
    /// Write verdict.json to a file as well, or to standard output with "-"
    #[arg(long, value_name = "PATH|-")]
    json: Option<PathBuf>,
    /// Folder for the run directory
    #[arg(long, value_name = "DIR", default_value = "runs")]
    out: PathBuf,
}

/// A search that a file may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Search {
    /// The highest rate at which each side holds the objectives
    Capacity,
    /// The smallest memory limit at which each side holds them
    MemoryFloor,
}

/// Carries out the command.
pub(crate) fn trial(args: &TrialArgs, stop: &Arc<AtomicBool>) -> Result<u8, Failure> {
    let (session, mut json) = match &args.resume {
        Some(run) => {
            let session = Session::resume(args, run)?;
            (session, JsonOutput::open(args.json.as_deref())?)
        }
        None => {
            // Nothing is left behind by a mistake: the run directory comes last.
            let checked = check(&args.asked())?;
            let json = JsonOutput::open(args.json.as_deref())?;
            (Session::begin(args, checked)?, json)
        }
    };
    let attempt = Attempt {
        session: &session,
        stop,
        whose: None,
    };
    let concluded = attempt
        .conclude()
        .map_err(|error| failure(error, &session.run))?;
    let document = &concluded.document;
    let earlier = concluded.earlier.as_ref();
    deliver(document, &session.run, earlier, json.as_mut())?;
    concluded.stored?;
    if args.strict {
        refuse_unused(&session.checked.rules, document)?;
    }
    Ok(exit::of_verdict(document.verdict))
}

/// What to do about a trial that has not come to its end.
fn failure(error: Unfinished, run: &RunDirectory) -> Failure {
    let kept = "what was measured is kept";
    let resume = format!(
        "continue with `understudy trial --resume {}`",
        show::argument(run.path())
    );
    match error {
        Unfinished::Trial(TrialError::Interrupted) => {
            Failure::Interrupted(format!("interrupted: {kept}\nhint: {resume}"))
        }
        Unfinished::Trial(error @ TrialError::Changed { .. }) => {
            Failure::Usage(vec![anyhow::Error::from(error).to_string()])
        }
        Unfinished::Trial(error) => {
            // What to fix comes before how to continue.
            let error = anyhow::Error::from(error).context(format!("the trial failed ({kept})"));
            let error = exit::sentence(&error);
            Failure::Running(anyhow!("{error}\nhint: {resume}"))
        }
        Unfinished::Judgement(error) => Failure::Running(error),
    }
}

/// A trial that is about to be measured.
pub(crate) struct Attempt<'a> {
    pub(crate) session: &'a Session,
    pub(crate) stop: &'a Arc<AtomicBool>,
    /// Which one it is, where there are several: it precedes each stage on the display.
    pub(crate) whose: Option<&'a str>,
}

/// Why a trial has not come to a verdict.
pub(crate) enum Unfinished {
    /// It was not measured to its end.
    Trial(TrialError),
    /// What was measured cannot be judged.
    Judgement(anyhow::Error),
}

/// What a trial came to.
pub(crate) struct Concluded {
    pub(crate) document: VerdictDocument,
    /// What earlier runs of it showed.
    earlier: Option<History>,
    /// Whether verdict and report could be stored; if not, the verdict is one all the same.
    pub(crate) stored: anyhow::Result<()>,
}

impl Attempt<'_> {
    /// Measures what is not measured yet, judges it, and stores verdict and report.
    pub(crate) fn conclude(&self) -> Result<Concluded, Unfinished> {
        self.measure().map_err(Unfinished::Trial)?;
        let Session { checked, run, .. } = self.session;
        let document =
            judged(&checked.config, &checked.rules, run).map_err(Unfinished::Judgement)?;
        let stored = store_verdict(run, &document);
        let earlier = earlier(run, &document);
        let drawn = stored.and_then(|()| write_html(run, &document, earlier.as_ref()).map(drop));
        Ok(Concluded {
            document,
            earlier,
            stored: drawn,
        })
    }

    fn measure(&self) -> Result<(), TrialError> {
        let Attempt {
            session,
            stop,
            whose,
        } = *self;
        let Session { checked, run, .. } = session;
        let cgroups = Cgroups::detect(Path::new("/sys/fs/cgroup"));
        for swept in cgroups.sweep() {
            show::note(&swept);
        }
        let _guard = guard();
        let cpus = Assignment::new(&checked.config, &allowed_cpus());
        let requests = checked.cases.len();
        let (seconds, most) = (
            checked.plan.until(0).seconds(requests),
            checked.plan.seconds(requests),
        );
        let display = Display::new(seconds, whose);
        display.note(&format!(
            "{}: about {} s{}, evidence in {}",
            whose.unwrap_or(&checked.config.name),
            seconds.round(),
            match most > seconds {
                true => format!(" (up to {} s while it is undecided)", most.round()),
                false => String::new(),
            },
            run.path().display(),
        ));
        let launcher = super::launch::command();
        let inputs = Inputs {
            cases: match &checked.cases {
                CheckedCases::Http { requests, prepare } => Cases::Http {
                    requests,
                    prepare: prepare.as_ref(),
                },
                CheckedCases::Command(cases) => Cases::Command {
                    cases,
                    launcher: &launcher,
                },
            },
            rules: &checked.rules,
            cpus: &cpus,
            cgroups: &cgroups,
            redactor: &session.redactor,
            version: env!("CARGO_PKG_VERSION"),
            started_at: &session.started_at,
            continue_when_different: session.continue_when_different,
            stop,
            watch: &|event| display.show(event),
        };
        let outcome = carry_out(&checked.config, &inputs, run);
        display.end();
        outcome
    }
}

/// Ends what this trial starts, should it be killed. Without a guard it is measured all the same.
fn guard() -> Option<Guard> {
    let mut command = Command::new("/proc/self/exe");
    command
        .arg0("understudy")
        .args(["guard", &std::process::id().to_string()]);
    Guard::start(command)
        .inspect_err(|error| {
            show::warning(&format!(
                "no guard is started ({error}): if this process is killed, processes of the sides may stay"
            ));
        })
        .ok()
}

/// The verdict of what is stored.
pub(crate) fn judged(
    config: &TrialConfig,
    rules: &Rules,
    run: &RunDirectory,
) -> anyhow::Result<VerdictDocument> {
    let evidence = understudy_trial::read(run)?;
    // A full disk, or a run of another user, does not hide the verdict.
    if let Err(error) = understudy_trial::write_series(run, &evidence) {
        let error = exit::sentence(&error.into());
        show::warning(&format!("the curves are not stored: {error}"));
    }
    let Judgement { verdict, case } = judge::judge(&config.terms(), rules, &evidence);
    if let Some(case) = case
        && let Err(error) = understudy_trial::write_case(run, &case)
    {
        let error = exit::sentence(&error.into());
        show::warning(&format!("the business case is not stored: {error}"));
    }
    Ok(verdict)
}

/// Stores the verdict in the run directory.
pub(crate) fn store_verdict(run: &RunDirectory, document: &VerdictDocument) -> anyhow::Result<()> {
    Ok(run.write_json("verdict.json", document)?)
}

/// Shows the verdict, with what earlier runs showed. The JSON is the verdict alone.
pub(crate) fn deliver(
    document: &VerdictDocument,
    run: &RunDirectory,
    earlier: Option<&History>,
    json: Option<&mut JsonOutput>,
) -> anyhow::Result<()> {
    if json::deliver(json, document)? {
        return Ok(());
    }
    let summary = understudy_report::terminal::summary(document, earlier, show::style());
    let page = run.path().join("report.html");
    let report = match page.exists() {
        true => format!("report        {}\n", page.display()),
        false => String::new(),
    };
    show::print(&format!(
        "{summary}{report}evidence      {}\n",
        run.path().display()
    ))
    .context("cannot write the verdict")
}
