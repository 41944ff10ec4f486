//! `understudy report RUN`: the verdict of a run in another form; nothing is judged again.

use super::history::earlier;
use crate::exit::{self, Failure, usage};
use crate::output;
use crate::show;
use anyhow::Context;
use clap::{Args, ValueEnum};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use understudy_case::CaseDocument;
use understudy_evidence::{EvidenceError, RunDirectory};
use understudy_model::history::History;
use understudy_model::series::SeriesDocument;
use understudy_model::verdict::VerdictDocument;
use understudy_report::{html, junit, markdown};

/// Where the page is written unless `--out` says otherwise.
const PAGE: &str = "report.html";

/// Draws the verdict of a run: an HTML page, Markdown for a pull request, JUnit, or JSON.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// The run directory, e.g. runs/read-states-20261122T174501Z
    run: PathBuf,
    /// The form of the report
    #[arg(long, value_enum, default_value_t = Format::Html)]
    format: Format,
    /// Write to this file, or to standard output with "-" [default: report.html in the run
    /// directory for html, standard output for the others]
    #[arg(long, value_name = "PATH|-")]
    out: Option<PathBuf>,
    /// Overwrite the file of --out if it exists
    #[arg(long, requires = "out")]
    force: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One self-contained page with all charts
    Html,
    /// A summary for a comment on a pull request
    Markdown,
    /// Gates, answers, objectives and goals as tests
    Junit,
    /// verdict.json as it is stored
    Json,
}

/// The directory of a run that a command names.
pub(super) fn open(path: &Path) -> Result<RunDirectory, Failure> {
    super::suite::refuse_suite(path)?;
    RunDirectory::open(path).map_err(|error| usage(exit::sentence(&error.into())))
}

/// Carries out the command.
pub(crate) fn report(args: &ReportArgs) -> Result<u8, Failure> {
    let run = open(&args.run)?;
    let document = verdict(&run).map_err(usage)?;
    let named = args.out.as_deref();
    if let Some(why) = named.and_then(|path| output::refusal(path, args.force)) {
        return Err(usage(why));
    }
    let text = match args.format {
        Format::Html if args.out.is_none() => {
            let path = write_html(&run, &document, earlier(&run, &document).as_ref())?;
            return print_path(&path);
        }
        Format::Html => page(&run, &document, earlier(&run, &document).as_ref())?,
        Format::Markdown => markdown::summary(&document, earlier(&run, &document).as_ref()),
        Format::Junit => junit::document(&document),
        Format::Json => run.read_text("verdict.json").map_err(anyhow::Error::from)?,
    };
    match args.out.as_deref().filter(|path| path.as_os_str() != "-") {
        Some(path) => {
            output::write("--out", path, &text)?;
            print_path(path)
        }
        None => {
            show::print(&text).context("cannot write the report")?;
            Ok(exit::DONE)
        }
    }
}

/// Says where a report is.
fn print_path(path: &Path) -> Result<u8, Failure> {
    show::print(&format!("{}\n", path.display())).context("cannot write where the report is")?;
    Ok(exit::DONE)
}

/// Writes `report.html` into the run directory, from the verdict and the series stored there and what earlier runs
/// showed.
/// Returns where it is.
///
/// # Errors
/// `series.json` is damaged, or the page cannot be written.
pub(crate) fn write_html(
    run: &RunDirectory,
    document: &VerdictDocument,
    earlier: Option<&History>,
) -> anyhow::Result<PathBuf> {
    run.write_text(PAGE, &page(run, document, earlier)?)?;
    Ok(run.path().join(PAGE))
}

fn page(
    run: &RunDirectory,
    document: &VerdictDocument,
    earlier: Option<&History>,
) -> anyhow::Result<String> {
    let series: Option<SeriesDocument> = stored(run, "series.json")?;
    let business: Option<CaseDocument> = stored(run, "case.json")?;
    let (series, business) = (series.as_ref(), business.as_ref());
    Ok(html::page(document, series, business, earlier))
}

/// The stored verdict; a run without one says how it comes by it.
pub(crate) fn verdict(run: &RunDirectory) -> Result<VerdictDocument, String> {
    let (shown, argument) = (run.path().display(), show::argument(run.path()));
    match stored(run, "verdict.json") {
        Ok(Some(document)) => Ok(document),
        Ok(None) => Err(format!(
            "{shown} has no verdict yet\nhint: judge it first, `understudy judge {argument}`, or resume it if it was interrupted, `understudy trial --resume {argument}`"
        )),
        Err(error) => Err(format!(
            "{}\nhint: if another version wrote it, judge the run again: `understudy judge {argument}`",
            exit::sentence(&error.into())
        )),
    }
}

/// A JSON document of the run, if there is one.
fn stored<T: serde::de::DeserializeOwned>(
    run: &RunDirectory,
    name: &str,
) -> Result<Option<T>, EvidenceError> {
    match run.read_json(name) {
        Ok(document) => Ok(Some(document)),
        Err(EvidenceError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
