//! `understudy suite`: many pairs, one after the other, to one table.

use super::trial::{
    Attempt, Begun, Checked, Prepared, Session, Unfinished, checked, directory, level, refuse,
    today,
};
use crate::config::{self, Mode, Pair, short_key, whose};
use crate::exit::{self, Failure, usage};
use crate::show;
use crate::show::json::{self, JsonOutput};
use anyhow::{Context, anyhow};
use clap::Args;
use glob::Pattern;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use understudy_evidence::RunDirectory;
use understudy_model::suite::SuiteDocument;
use understudy_report::suite as report;
use understudy_trial::TrialError;
use understudy_trial::suite::{DOCUMENT, End, Ended, Heading, Suite, Turn};

/// The suite's file where none is given.
const DEFAULT_FILE: &str = "suite.toml";
/// The page in the directory of a suite.
const PAGE: &str = "suite.html";

/// Compares many pairs, one after the other, each as `understudy trial` does, and sums them up in one table.
///
/// Exit code: that of the worst pair. From the worst on: 1 a trial failed, 3 invalid, 5 not equivalent,
/// 4 inconclusive, 6 "keep" or "worse", 0 "replace" or "no_worse".
#[derive(Debug, Args)]
pub(crate) struct SuiteArgs {
    /// The suite's file [default: suite.toml]; with --resume where its secrets are, if it was moved
    #[arg(value_name = "SUITE.toml")]
    file: Option<PathBuf>,
    /// Only the pairs whose names match this pattern, such as 'so*' (repeatable)
    #[arg(long, value_name = "PATTERN")]
    only: Vec<Pattern>,
    /// Stop after the first pair whose exit code is not 0
    #[arg(long)]
    fail_fast: bool,
    /// Continue a suite: pairs with a verdict are not run again, an interrupted or failed one continues
    #[arg(long, value_name = "RUN", conflicts_with_all = ["only", "quick", "thorough", "out"])]
    resume: Option<PathBuf>,
    /// Each trial at level "quick"
    #[arg(long, conflicts_with = "thorough")]
    quick: bool,
    /// Each trial at level "thorough"
    #[arg(long)]
    thorough: bool,
    /// Write suite.json to a file as well, or to standard output with "-"
    #[arg(long, value_name = "PATH|-")]
    json: Option<PathBuf>,
    /// Folder for the directory of the suite
    #[arg(long, value_name = "DIR", default_value = "runs")]
    out: PathBuf,
}

/// A suite, and the trials of its pairs that are still to be measured, by their places.
type Ready = (Suite, HashMap<usize, Prepared>);

/// Carries out the command.
pub(crate) fn suite(args: &SuiteArgs, stop: &Arc<AtomicBool>) -> Result<u8, Failure> {
    let ((mut suite, mut trials), mut json) = match &args.resume {
        Some(path) => (
            resume(path, args.file.as_deref())?,
            JsonOutput::open(args.json.as_deref())?,
        ),
        None => {
            // Nothing is left behind by a mistake: the directory comes last.
            let checked = check(args)?;
            let json = JsonOutput::open(args.json.as_deref())?;
            (begin(args, checked)?, json)
        }
    };
    let run = suite.directory().clone();
    let run_trial = |turn: Turn<'_>| match trials.remove(&turn.index) {
        Some(prepared) => trial(turn, prepared, stop),
        None => Ended::Failed("the trial of this pair is not prepared".to_owned()),
    };
    write_reports(&run, suite.document());
    let shown = |document: &SuiteDocument| write_reports(&run, document);
    let end = suite.carry_out(args.fail_fast, run_trial, shown);
    let document = suite.document();
    let resume = format!(
        "continue with `understudy suite --resume {}`",
        show::argument(run.path())
    );
    let end = end.map_err(|error| {
        let error = exit::sentence(&error.into());
        anyhow!("the suite failed (what was measured is kept): {error}\nhint: {resume}")
    })?;
    if end == End::Interrupted {
        let done = document.pairs.len() - suite.unfinished().len();
        return Err(Failure::Interrupted(format!(
            "interrupted: {done} of {} pairs have a verdict, what was measured is kept\nhint: {resume}",
            document.pairs.len(),
        )));
    }
    if end == End::Stopped {
        show::note(&format!("stopped by `--fail-fast`\nhint: {resume}"));
    }
    if !json::deliver(json.as_mut(), document)? {
        let table = report::terminal::table(document, show::style());
        let (page, path) = (run.path().join(PAGE), run.path());
        show::print(&format!(
            "{table}\nreport        {}\nevidence      {}\n",
            page.display(),
            path.display()
        ))
        .context("cannot write the table")?;
    }
    Ok(exit::of_suite(document.worst))
}

/// A suite that was read, with the trial of each of its pairs.
struct CheckedSuite {
    file: PathBuf,
    name: String,
    pairs: Vec<(String, Checked)>,
}

/// Reads and checks all pairs: all mistakes at once, before anything starts.
fn check(args: &SuiteArgs) -> Result<CheckedSuite, Failure> {
    let file = args.file.as_deref().unwrap_or(Path::new(DEFAULT_FILE));
    let day = today();
    let mode = Mode::Run { day, sides: &[] };
    let suite = config::read_suite(file, mode).map_err(Failure::Usage)?;
    let pairs = select(suite.pairs, &args.only)?;
    let count = pairs.len();
    let mut wrong: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut right = Vec::new();
    for Pair { name, mut trial } in pairs {
        trial.level = level(args.quick, args.thorough).unwrap_or(trial.level);
        match checked(trial, day) {
            Ok(checked) => right.push((name, checked)),
            Err(Failure::Usage(messages)) => {
                for message in messages {
                    let message = short_key(&message).into_owned();
                    wrong.entry(message).or_default().push(name.clone());
                }
            }
            Err(other) => return Err(other),
        }
    }
    if !wrong.is_empty() {
        let lines = wrong.into_iter().map(|(what, pairs)| {
            let pairs: Vec<&str> = pairs.iter().map(String::as_str).collect();
            format!("{}: {}: {what}", file.display(), whose(&pairs, count))
        });
        return Err(Failure::Usage(lines.collect()));
    }
    Ok(CheckedSuite {
        file: std::path::absolute(file).unwrap_or_else(|_| file.to_owned()),
        name: suite.name,
        pairs: right,
    })
}

/// The pairs that one of the patterns matches; all without a pattern.
fn select(pairs: Vec<Pair>, only: &[Pattern]) -> Result<Vec<Pair>, Failure> {
    let unmatched = only
        .iter()
        .filter(|pattern| !pairs.iter().any(|pair| pattern.matches(&pair.name)));
    let wrong: Vec<String> = unmatched
        .map(|pattern| {
            let names: Vec<&str> = pairs.iter().map(|pair| pair.name.as_str()).collect();
            let names = names.join(", ");
            format!(
                "--only: {:?} matches no pair\nhint: the pairs are {names}",
                pattern.as_str()
            )
        })
        .collect();
    if !wrong.is_empty() {
        return Err(Failure::Usage(wrong));
    }
    let is_wanted =
        |pair: &Pair| only.is_empty() || only.iter().any(|pattern| pattern.matches(&pair.name));
    Ok(pairs.into_iter().filter(is_wanted).collect())
}

/// Makes the directory of a suite, and in it that of each pair.
fn begin(args: &SuiteArgs, checked: CheckedSuite) -> Result<Ready, Failure> {
    let CheckedSuite { file, name, pairs } = checked;
    let run = directory(&args.out, &name)?;
    let mut rows = Vec::new();
    let mut trials = HashMap::new();
    for (index, (pair, checked)) in pairs.into_iter().enumerate() {
        let begun = Begun {
            file: Some(file.clone()),
            pair: Some(pair.clone()),
            continue_when_different: false,
        };
        let prepared = Prepared::create(run.path(), checked, &begun)?;
        let folder = prepared.run().path().file_name().unwrap_or_default();
        rows.push((pair, folder.to_string_lossy().into_owned()));
        trials.insert(index, prepared);
    }
    let heading = Heading {
        name,
        understudy: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: jiff::Timestamp::now().to_string(),
    };
    let suite = Suite::begin(run, heading, rows).map_err(anyhow::Error::from)?;
    Ok((suite, trials))
}

/// A suite has no trial of its own: what is asked of one is refused.
pub(crate) fn refuse_suite(path: &Path) -> Result<(), Failure> {
    if !path.join(DOCUMENT).is_file() {
        return Ok(());
    }
    Err(usage(format!(
        "{} is the directory of a suite\nhint: name the directory of a pair in it, or continue it with `understudy suite --resume {}`",
        path.display(),
        show::argument(path)
    )))
}

/// Continues a suite with the configurations that its pairs began with: all that is wrong with them at once.
fn resume(path: &Path, file: Option<&Path>) -> Result<Ready, Failure> {
    if !path.join(DOCUMENT).is_file() {
        return Err(usage(format!(
            "--resume: {} is not the directory of a suite (it has no file `{DOCUMENT}`)\nhint: name one that `understudy suite` made; a trial continues with `understudy trial --resume`",
            path.display()
        )));
    }
    let run = RunDirectory::open(path).map_err(refuse)?;
    let suite = Suite::open(run).map_err(refuse)?;
    let mut trials = HashMap::new();
    let mut wrong = Vec::new();
    // Read once for all pairs.
    let mut originals: Option<Vec<Pair>> = None;
    for index in suite.unfinished() {
        let row = &suite.document().pairs[index];
        let prepared = Prepared::stored(&path.join(&row.run), |begun| {
            let pairs = match &originals {
                Some(pairs) => pairs,
                None => originals.insert(read_again(file, begun)?),
            };
            let pair = pairs.iter().find(|pair| pair.name == row.name);
            Ok(pair.map(|pair| pair.trial.clone()))
        });
        match prepared {
            Ok(prepared) => drop(trials.insert(index, prepared)),
            Err(Failure::Usage(messages)) => {
                let of_pair = |message| format!("{}: {message}", whose(&[&row.name], 0));
                wrong.extend(messages.into_iter().map(of_pair));
            }
            Err(other) => return Err(other),
        }
    }
    match wrong.is_empty() {
        true => Ok((suite, trials)),
        false => Err(Failure::Usage(wrong)),
    }
}

/// The pairs of the file that a suite began with, where their secrets are: of the file that is given again, else of the
/// former one if it can still be read.
fn read_again(file: Option<&Path>, begun: &Begun) -> Result<Vec<Pair>, Failure> {
    let read = |file: &Path| config::read_suite(file, Mode::Judge).map(|suite| suite.pairs);
    match (file, &begun.file) {
        (Some(file), _) => read(file).map_err(Failure::Usage),
        (None, Some(file)) => Ok(read(file).unwrap_or_default()),
        (None, None) => Ok(Vec::new()),
    }
}

/// The trial of one pair.
fn trial(turn: Turn<'_>, prepared: Prepared, stop: &Arc<AtomicBool>) -> Ended {
    let whose = format!("{} of {}, {}", turn.index + 1, turn.of, turn.row.name);
    if stop.load(Ordering::Relaxed) {
        return Ended::Interrupted;
    }
    let failed = |error: anyhow::Error| {
        let error = exit::sentence(&error);
        show::warning(&format!("{whose} failed: {error}"));
        Ended::Failed(error)
    };
    let session: Session = match prepared.open() {
        Ok(session) => session,
        Err(error) => return failed(error.into()),
    };
    let attempt = Attempt {
        session: &session,
        stop,
        whose: Some(&whose),
    };
    // A thread of its own: a trial keeps its thread to the CPUs of the generator, and the next one chooses again.
    let outcome = thread::scope(|scope| scope.spawn(|| attempt.conclude()).join());
    match outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic)) {
        Ok(concluded) => {
            if let Err(error) = concluded.stored {
                let error = exit::sentence(&error);
                show::warning(&format!("{whose}: the report is not stored: {error}"));
            }
            show::line(&format!("{whose}: {}", concluded.document.verdict));
            Ended::Judged(Box::new(concluded.document))
        }
        Err(Unfinished::Trial(TrialError::Interrupted)) => Ended::Interrupted,
        Err(Unfinished::Trial(error)) => failed(error.into()),
        Err(Unfinished::Judgement(error)) => failed(error),
    }
}

/// Writes what people and CI read of the rows so far. A suite does not end because a disk is full.
fn write_reports(run: &RunDirectory, document: &SuiteDocument) {
    let forms = [
        (PAGE, understudy_report::html::suite_page(document)),
        ("suite.md", report::markdown::table(document)),
        ("suite.xml", report::junit::document(document)),
    ];
    for (name, text) in forms {
        if let Err(error) = run.write_text(name, &text) {
            let error = exit::sentence(&error.into());
            show::warning(&format!("{name} is not stored: {error}"));
        }
    }
}
