//! `understudy case`: does a replacement pay, from what size, and how sure is that?

mod summary;
mod table;

use crate::config::{self, FLEET, Mode};
use crate::exit::{self, Failure, usage};
use crate::output;
use crate::show;
use crate::show::json::{self, JsonOutput};
use anyhow::Context;
use clap::Args;
use std::path::PathBuf;
use understudy_case::{Case, DRAWS, Resolved, assess};
use understudy_judge::complete;
use understudy_model::verdict::Verdict;
use understudy_report::html::case_page;

/// Says whether a replacement pays, from what size on, and how sure that is, from stated and measured
/// figures.
///
/// Every figure is a number or a range; what is not stated has a default with a source. Doing nothing
/// and tuning the incumbent in place always compete.
#[derive(Debug, Args)]
pub(crate) struct CaseArgs {
    /// The figures, e.g. fleet.toml (examples/fleet/fleet.toml explains every key); or a run directory
    /// whose measurements complete those of --fleet
    file: PathBuf,
    /// The figures that no run measures [default: those that the run was given]
    #[arg(long, value_name = "FILE")]
    fleet: Option<PathBuf>,
    /// State a figure instead of the file's, e.g. instances=10000 or candidate.memory="1..2 GiB"
    /// (repeatable)
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Print formula, inputs and sources of every line
    #[arg(long)]
    explain: bool,
    /// Write the document as JSON to a file, or to standard output with "-" instead of the summary
    #[arg(long, value_name = "PATH|-")]
    json: Option<PathBuf>,
    /// Write figures, results and tornado as a table for a spreadsheet
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write the case as a page: the decision, the charts, and every assumption
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Seed of the simulation: the same seed gives the same document
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// The figures of a file, completed by those that a run has measured.
fn figures(args: &CaseArgs) -> Result<(Case, Resolved), Failure> {
    if !args.file.is_dir() {
        if args.fleet.is_some() {
            return Err(usage(format!(
                "`--fleet` goes with a run directory, and {} is not one",
                args.file.display()
            )));
        }
        return config::fleet(&args.file, &args.set, |_| {}).map_err(Failure::Usage);
    }
    let run = super::report::open(&args.file)?;
    let document = super::report::verdict(&run).map_err(usage)?;
    if document.verdict == Verdict::Invalid {
        show::warning(&format!(
            "the verdict of {} is invalid: its capacities and memory floors count (they have gates of their own), its objectives do not",
            run.path().display()
        ));
    }
    let trial =
        config::read(&run.path().join("trial.toml"), Mode::Judge).map_err(Failure::Usage)?;
    let terms = trial.terms();
    let kept = run.path().join(FLEET);
    let fleet = match &args.fleet {
        Some(fleet) => fleet,
        None if kept.is_file() => &kept,
        None => {
            return Err(usage(format!(
                "`--fleet` is missing: {} does not measure fleet, team and prices\nhint: state them in a file, as in examples/fleet/fleet.toml",
                run.path().display()
            )));
        }
    };
    config::fleet(fleet, &args.set, |case| complete(case, &terms, &document))
        .map_err(Failure::Usage)
}

/// Carries out the command.
pub(crate) fn case(args: &CaseArgs) -> Result<u8, Failure> {
    let (case, resolved) = figures(args)?;
    let mut json = JsonOutput::open(args.json.as_deref())?;
    let document = assess(&case, &resolved, DRAWS, args.seed);
    if let Some(path) = &args.csv {
        output::write("--csv", path, &table::csv(&document))?;
    }
    if let Some(path) = &args.html {
        output::write("--html", path, &case_page(&document))?;
    }
    if !json::deliver(json.as_mut(), &document)? {
        let mut text = summary::short(&document);
        if args.explain {
            text += &summary::explained(&document);
        }
        show::print(&text).context("cannot write the case")?;
    }
    Ok(exit::of_verdict(document.verdict))
}
