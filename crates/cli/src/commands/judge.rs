//! `understudy judge RUN`: the verdict again, from the stored evidence alone.

use super::report::write_html;
use super::trial::{deliver, first_day, judged, refuse_unused, store_verdict};
use crate::config::{self, Mode};
use crate::exit::{self, Failure};
use crate::show;
use crate::show::json::JsonOutput;
use clap::Args;
use std::path::PathBuf;
use understudy_compare::Rules;

/// Recomputes the verdict from the evidence in a run directory; nothing is started.
#[derive(Debug, Args)]
pub(crate) struct JudgeArgs {
    /// The run directory, e.g. runs/read-states-20261122T174501Z
    run: PathBuf,
    /// Write verdict.json to a file as well, or to standard output with "-"
    #[arg(long, value_name = "PATH|-")]
    json: Option<PathBuf>,
    /// Fail where a rule excused nothing
    #[arg(long)]
    strict: bool,
}

/// Carries out the command.
pub(crate) fn judge(args: &JudgeArgs) -> Result<u8, Failure> {
    let mut json = JsonOutput::open(args.json.as_deref())?;
    let run = super::report::open(&args.run)?;
    let config =
        config::read(&run.path().join("trial.toml"), Mode::Judge).map_err(Failure::Usage)?;
    let rules = Rules::compile(config.rules.clone(), first_day())
        .map_err(|errors| Failure::Usage(errors.iter().map(ToString::to_string).collect()))?;
    let document = judged(&config, &rules, &run)?;
    // A full disk, or a run of another user, does not hide the verdict. Earlier runs are left to `report`: what comes
    // of a run directory depends on nothing outside of it.
    let stored = store_verdict(&run, &document);
    let drawn = stored.and_then(|()| write_html(&run, &document, None).map(drop));
    if let Err(error) = drawn {
        show::warning(&format!(
            "the verdict is not stored: {}",
            exit::sentence(&error)
        ));
    }
    deliver(&document, &run, None, json.as_mut())?;
    if args.strict {
        refuse_unused(&rules, &document)?;
    }
    Ok(exit::of_verdict(document.verdict))
}
