//! `understudy trial`: both sides side by side, to a verdict.

use crate::config::{self, Flags, Mode};
use crate::exit::{self, Failure, usage};
use crate::show::json::JsonOutput;
use crate::show::progress::Display;
use crate::{requests_file, show};
use anyhow::Context;
use clap::Args;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use understudy_compare::{Day, Rules};
use understudy_evidence::RunDirectory;
use understudy_host::allowed_cpus;
use understudy_load::http::{Requests, Target, WorkloadRequest};
use understudy_model::Side;
use understudy_model::verdict::VerdictDocument;
use understudy_probe::Cgroups;
use understudy_redact::Redactor;
use understudy_trial::config::{Level, RequestsFrom, SideConfig, TrialConfig};
use understudy_trial::plan::Plan;
use understudy_trial::{Assignment, Inputs, TrialError, carry_out, judge};

/// The trial's file where neither it nor a flag is given.
const DEFAULT_FILE: &str = "trial.toml";

/// Compares the incumbent with the candidate: first the answers, then latency and resources.
#[derive(Debug, Args)]
pub(crate) struct TrialArgs {
    /// The trial's file [default: trial.toml]; or --incumbent, --candidate and --get instead
    file: Option<PathBuf>,
    #[command(flatten)]
    flags: Flags,
    /// The highest rate only, in under 90 seconds
    #[arg(long, conflicts_with = "thorough")]
    quick: bool,
    /// More and longer measurements, for about half an hour
    #[arg(long)]
    thorough: bool,
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

/// What a trial is made of, read and checked.
pub(crate) struct Checked {
    pub(crate) config: TrialConfig,
    pub(crate) plan: Plan,
    pub(crate) requests: Requests,
    prepare: Option<Requests>,
    rules: Rules,
}

/// Reads and checks a trial: all mistakes at once, before anything starts.
pub(crate) fn check(
    file: Option<&Path>,
    flags: &Flags,
    level: Option<Level>,
) -> Result<Checked, Failure> {
    let today = today();
    let default = Path::new(DEFAULT_FILE);
    let file = file.or_else(|| flags.given().is_empty().then_some(default));
    let mut config = match file {
        Some(path) => {
            let conflicts = flags.given();
            if !conflicts.is_empty() {
                return Err(usage(format!(
                    "{} and {} both say what to compare; use one of them",
                    path.display(),
                    conflicts.join(", "),
                )));
            }
            config::read(path, Mode::Run(today)).map_err(Failure::Usage)?
        }
        None => config::from_flags(flags).map_err(Failure::Usage)?,
    };
    if let Some(level) = level {
        config.level = level;
    }
    let rules = Rules::compile(config.rules.clone(), today)
        .map_err(|errors| Failure::Usage(errors.iter().map(ToString::to_string).collect()))?;
    let (requests, prepare) = read_requests(&config)?;
    let errors = unsafe_requests(&config, &requests, prepare.as_ref());
    if !errors.is_empty() {
        return Err(Failure::Usage(errors));
    }
    Ok(Checked {
        plan: Plan::new(&config),
        config,
        requests,
        prepare,
        rules,
    })
}

fn read_requests(config: &TrialConfig) -> Result<(Requests, Option<Requests>), Failure> {
    let mut errors = Vec::new();
    let mut read = |path: &Path| match requests_file::read(path) {
        Ok(requests) => Some(requests),
        Err(more) => {
            errors.extend(more);
            None
        }
    };
    let requests = match &config.workload.requests {
        RequestsFrom::File(path) => read(path),
        RequestsFrom::Paths(paths) => Some(Requests {
            all: paths
                .iter()
                .map(|path| WorkloadRequest::get(path))
                .collect(),
        }),
    };
    let prepare = config.workload.prepare.as_deref().map(&mut read);
    match (requests, prepare) {
        (Some(requests), None) => Ok((requests, None)),
        (Some(requests), Some(Some(prepare))) => Ok((requests, Some(prepare))),
        _ => Err(Failure::Usage(errors)),
    }
}

/// What must not be sent to a side that runs already, unless the trial says that it may.
fn unsafe_requests(
    config: &TrialConfig,
    requests: &Requests,
    prepare: Option<&Requests>,
) -> Vec<String> {
    let running: Vec<Side> = Side::ALL
        .into_iter()
        .filter(|side| matches!(config.side(*side), SideConfig::Running { .. }))
        .collect();
    let mut errors = Vec::new();
    for side in &running {
        if let SideConfig::Running { url, .. } = config.side(*side)
            && let Err(error) = Target::parse(url)
        {
            errors.push(format!("side.{side}.url: {error}"));
        }
    }
    let all = requests
        .all
        .iter()
        .chain(prepare.iter().flat_map(|p| &p.all));
    let methods: BTreeSet<&str> = all
        .filter(|request| !request.is_safe())
        .map(|request| request.method.as_str())
        .collect();
    if !running.is_empty() && !methods.is_empty() && !config.workload.writes {
        errors.push(format!(
            "the requests change data ({}), and the {} runs already: set writes = true in [workload] (or --writes) if it may be changed",
            methods.into_iter().collect::<Vec<_>>().join(", "),
            running.iter().map(|side| side.name()).collect::<Vec<_>>().join(" and the "),
        ));
    }
    errors
}

/// Carries out the command.
pub(crate) fn trial(args: &TrialArgs, stop: &AtomicBool) -> Result<u8, Failure> {
    let level = match (args.quick, args.thorough) {
        (true, _) => Some(Level::Quick),
        (_, true) => Some(Level::Thorough),
        _ => None,
    };
    let checked = check(args.file.as_deref(), &args.flags, level)?;
    let mut json = JsonOutput::open(args.json.as_deref())?;
    let now = jiff::Timestamp::now();
    let stamp = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    let run = RunDirectory::create(&args.out, &checked.config.name, &stamp)
        .map_err(|error| usage(format!("--out: {:#}", anyhow::Error::from(error))))?;
    let redactor = Redactor::new(redaction_key()?);
    let shown = without_secrets(&checked.config, &redactor);
    run.write_text("trial.toml", &config::write(&shown))
        .map_err(anyhow::Error::from)?;
    measure(args, &checked, &redactor, (&run, &now.to_string()), stop)?;
    let document = judged(&checked.config, &checked.plan, &checked.rules, &run)?;
    let stored = store_verdict(&run, &document);
    deliver(&document, &run, json.as_mut())?;
    stored?;
    Ok(exit::of_verdict(document.verdict))
}

/// The configuration as it may be stored: values of secret variables, and whatever has the form of a
/// secret, are replaced. Judging needs none of them.
fn without_secrets(config: &TrialConfig, redactor: &Redactor) -> TrialConfig {
    let mut config = config.clone();
    for side in [&mut config.incumbent, &mut config.candidate] {
        match side {
            SideConfig::Running { url, .. } => *url = redactor.redact_text(url),
            SideConfig::Launched(launched) => {
                launched.run = redactor.redact_text(&launched.run);
                launched.build = launched.build.as_deref().map(|b| redactor.redact_text(b));
                for (name, value) in &mut launched.env {
                    *value = redactor.redact_field(name, value.as_bytes());
                }
            }
        }
    }
    if let RequestsFrom::Paths(paths) = &mut config.workload.requests {
        for path in paths {
            *path = redactor.redact_text(path);
        }
    }
    config
}

fn measure(
    args: &TrialArgs,
    checked: &Checked,
    redactor: &Redactor,
    (run, started_at): (&RunDirectory, &str),
    stop: &AtomicBool,
) -> Result<(), Failure> {
    let cgroups = Cgroups::detect(Path::new("/sys/fs/cgroup"));
    for swept in cgroups.sweep() {
        show::tell(&format!("understudy: {swept}"));
    }
    let cpus = Assignment::new(&checked.config, &allowed_cpus());
    let display = Display::new(checked.plan.seconds(checked.requests.all.len()));
    display.note(&format!(
        "{}: about {} s, evidence in {}",
        checked.config.name,
        checked.plan.seconds(checked.requests.all.len()).round(),
        run.path().display(),
    ));
    let inputs = Inputs {
        requests: &checked.requests,
        prepare: checked.prepare.as_ref(),
        rules: &checked.rules,
        cpus: &cpus,
        cgroups: &cgroups,
        redactor,
        version: env!("CARGO_PKG_VERSION"),
        started_at,
        continue_when_different: args.continue_when_different,
        stop,
        watch: &|event| display.show(event),
    };
    let outcome = carry_out(&checked.config, &checked.plan, &inputs, run);
    display.end();
    let kept = format!("what was measured is in {}", run.path().display());
    outcome.map_err(|error| match error {
        TrialError::Interrupted => Failure::Interrupted(format!("interrupted; {kept}")),
        error => Failure::Running(
            anyhow::Error::from(error).context(format!("the trial failed ({kept})")),
        ),
    })
}

/// A key that is forgotten with the process, so that nobody can try secrets against their marks.
pub(crate) fn redaction_key() -> anyhow::Result<[u8; 16]> {
    let mut key = [0; 16];
    getrandom::fill(&mut key)
        .map_err(|error| anyhow::anyhow!("the system gives no random numbers: {error}"))?;
    Ok(key)
}

/// The verdict of what is stored.
pub(crate) fn judged(
    config: &TrialConfig,
    plan: &Plan,
    rules: &Rules,
    run: &RunDirectory,
) -> anyhow::Result<VerdictDocument> {
    let evidence = understudy_trial::read(run)?;
    Ok(judge::judge(config, plan, rules, &evidence))
}

/// Stores the verdict in the run directory.
pub(crate) fn store_verdict(run: &RunDirectory, document: &VerdictDocument) -> anyhow::Result<()> {
    Ok(run.write_json("verdict.json", document)?)
}

/// Shows the verdict.
pub(crate) fn deliver(
    document: &VerdictDocument,
    run: &RunDirectory,
    json: Option<&mut JsonOutput>,
) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(document).context("the verdict is not JSON")?
        + "
";
    if let Some(json) = json {
        json.write(&text)?;
        if json.is_stdout() {
            return Ok(());
        }
    }
    let summary = understudy_report::terminal::summary(document, show::style());
    show::print(&format!(
        "{summary}evidence      {}\n",
        run.path().display()
    ))
    .context("cannot write the verdict")
}

/// Today in UTC.
pub(crate) fn today() -> Day {
    let date = jiff::Timestamp::now()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .date();
    let (year, month, day) = (date.year(), date.month(), date.day());
    // A clock before year 0 is set back to the first day that can be told.
    Day::new(year.max(1) as u16, month as u8, day as u8)
        .or_else(|_| Day::new(1970, 1, 1))
        .expect("1 January 1970 is a day")
}
