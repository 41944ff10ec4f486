//! `understudy man`: the manual pages, made from the same description as `--help`.

use crate::exit::{self, Failure, usage};
use crate::show;
use anyhow::Context;
use clap::{Args, CommandFactory};
use clap_mangen::Man;
use std::fs;
use std::path::PathBuf;
use understudy_model::plain_words;

/// Prints the manual page, or writes one for each command into a folder.
///
/// For example: understudy man | man -l -
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Write understudy.1, understudy-trial.1, ... into this folder, such as
    /// /usr/local/share/man/man1
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Carries out the command for the program that `P` describes.
pub(crate) fn man<P: CommandFactory>(args: &ManArgs) -> Result<u8, Failure> {
    let command = P::command();
    let Some(folder) = &args.out else {
        let mut page = Vec::new();
        Man::new(command)
            .render(&mut page)
            .context("cannot make the page")?;
        show::print(&String::from_utf8_lossy(&page)).context("cannot write the page")?;
        return Ok(exit::DONE);
    };
    let shown = folder.display();
    let refused = |error| {
        let why = plain_words(&error);
        usage(format!("--out: cannot write to {shown}: {why}"))
    };
    fs::create_dir_all(folder).map_err(refused)?;
    clap_mangen::generate_to(command, folder).map_err(refused)?;
    Ok(exit::DONE)
}
