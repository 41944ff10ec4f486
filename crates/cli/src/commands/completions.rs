//! `understudy completions SHELL`: what a shell needs to complete commands and flags.

use crate::exit::{self, Failure};
use crate::show;
use anyhow::Context;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

/// Prints a completion script for a shell, made from the same description as --help.
///
/// For example: understudy completions bash > ~/.local/share/bash-completion/completions/understudy
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

/// Carries out the command for the program that `P` describes.
pub(crate) fn completions<P: CommandFactory>(args: &CompletionsArgs) -> Result<u8, Failure> {
    let mut script = Vec::new();
    let mut command = P::command();
    let name = command.get_name().to_owned();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    show::print(&String::from_utf8_lossy(&script)).context("cannot write the script")?;
    Ok(exit::DONE)
}
