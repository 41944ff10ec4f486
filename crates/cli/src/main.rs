//! The `understudy` command: arguments become configuration become commands; exit codes.

mod commands;
mod config;
mod exit;
mod interrupt;
mod output;
mod show;
mod workload_files;

use anyhow::Context;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Measures a running component and its rewrite side by side and says, with evidence, whether to replace it.
///
/// Exit codes: 0 done, "replace" or "no_worse", 1 failed while running, 2 usage or configuration,
/// 3 invalid measurement, 4 inconclusive, 5 not equivalent, 6 "keep" or "worse", 130 interrupted.
#[derive(Debug, Parser)]
#[command(name = "understudy", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Trial(Box<commands::trial::TrialArgs>),
    Suite(commands::suite::SuiteArgs),
    Judge(commands::judge::JudgeArgs),
    Report(commands::report::ReportArgs),
    Plan(Box<commands::plan::PlanArgs>),
    Case(commands::case::CaseArgs),
    Dataset(Box<commands::dataset::DatasetArgs>),
    Profile(Box<commands::profile::ProfileArgs>),
    Gateway(commands::gateway::GatewayArgs),
    Load(commands::load::LoadArgs),
    Import(commands::import::ImportArgs),
    Init(commands::init::InitArgs),
    Completions(commands::completions::CompletionsArgs),
    Man(commands::man::ManArgs),
    #[command(hide = true)]
    Guard(commands::guard::GuardArgs),
}

fn main() -> ExitCode {
    if let Some(code) = commands::launch::serve() {
        return code;
    }
    let arguments = Arguments::parse();
    exit::report(execute(arguments.command))
}

fn execute(command: Command) -> Result<u8, exit::Failure> {
    match command {
        Command::Trial(args) => commands::trial::trial(&args, &stop()?),
        Command::Suite(args) => commands::suite::suite(&args, &stop()?),
        Command::Judge(args) => commands::judge::judge(&args),
        Command::Report(args) => commands::report::report(&args),
        Command::Case(args) => commands::case::case(&args),
        Command::Dataset(args) => commands::dataset::dataset(&args, stop()?.as_ref()),
        Command::Gateway(args) => commands::gateway::gateway(&args),
        Command::Plan(args) => commands::plan::plan(&args),
        Command::Completions(args) => commands::completions::completions::<Arguments>(&args),
        Command::Man(args) => commands::man::man::<Arguments>(&args),
        Command::Guard(args) => commands::guard::guard(&args),
        Command::Import(args) => commands::import::import(&args),
        Command::Init(args) => commands::init::init(&args),
        Command::Profile(args) => commands::profile::profile(&args, stop()?.as_ref()),
        Command::Load(args) => commands::load::load(&args, stop()?.as_ref()),
    }
}

/// Commands that start something end it themselves; for the others a signal is what it always is.
fn stop() -> anyhow::Result<std::sync::Arc<std::sync::atomic::AtomicBool>> {
    interrupt::flag().context("cannot handle signals")
}
