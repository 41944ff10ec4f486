//! `understudy gateway`: the field.

mod client;
mod selftest;

use super::trial::redaction_key;
use crate::config;
use crate::exit::{self, Failure};
use crate::show;
use anyhow::Context;
use clap::{Args, Subcommand};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::path::PathBuf;
use understudy_gateway::{GatewayConfig, GatewayError, Running, Surroundings, start};

/// Proxy live traffic to the incumbent, send copies to a candidate, and compare every answer
///
/// SIGHUP reloads the file without dropping a request; SIGTERM lets requests under way complete.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct GatewayArgs {
    /// Its configuration, e.g. gateway.toml (examples/read-states/gateway.toml explains every key)
    #[arg(required = true)]
    file: Option<PathBuf>,
    /// Check the file and the files that it names; start nothing
    #[arg(long)]
    check: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Status(client::StatusArgs),
    Differences(client::DifferencesArgs),
    Waive(client::WaiveArgs),
    #[command(name = "selftest")]
    SelfTest(selftest::SelfTestArgs),
    Propose(selftest::ProposeArgs),
}

/// Carries out the command.
pub(crate) fn gateway(args: &GatewayArgs) -> Result<u8, Failure> {
    match (&args.command, &args.file) {
        (Some(Command::Status(args)), _) => client::status(args),
        (Some(Command::Differences(args)), _) => client::differences(args),
        (Some(Command::Waive(args)), _) => client::waive(args),
        (Some(Command::SelfTest(args)), _) => selftest::selftest(args),
        (Some(Command::Propose(args)), _) => selftest::propose(args),
        (None, Some(file)) => serve(file, args.check),
        // clap asks for one of them.
        (None, None) => Err(exit::usage("name the gateway's file")),
    }
}

fn serve(file: &std::path::Path, check: bool) -> Result<u8, Failure> {
    let read = || config::gateway(file, super::trial::today()).map_err(Failure::Usage);
    let config = read()?;
    if check {
        show::print(&format!("{}: {}\n", file.display(), summary(&config)))
            .context("cannot write")?;
        return Ok(exit::DONE);
    }
    let around = Surroundings {
        key: redaction_key()?,
        today: super::trial::today,
        report: show::warning,
    };
    // Before anything starts: a signal that comes too early must not be lost.
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM]).context("cannot handle signals")?;
    let mut running = start(config, around).map_err(|GatewayError(lines)| Failure::Usage(lines))?;
    show_addresses(&running);
    for signal in signals.forever() {
        if signal != SIGHUP {
            break;
        }
        // A rotated log is announced by this signal, also when the configuration is wrong.
        running.reopen_log();
        match config::gateway(file, super::trial::today())
            .and_then(|config| running.reload(config).map_err(|error| error.0))
        {
            Ok(()) => show::note("the new configuration is in use"),
            Err(lines) => {
                show::warning("the new configuration is refused, and the old one stays in use");
                lines.iter().for_each(|line| show::error(line));
            }
        }
    }
    show::note("the gateway stops when the requests under way are complete");
    // A second signal means: do not wait.
    std::thread::spawn(move || {
        if signals.forever().any(|signal| signal != SIGHUP) {
            std::process::exit(i32::from(exit::INTERRUPTED));
        }
    });
    running
        .stop()
        .context("the gateway has stopped, but not everything is kept")?;
    Ok(exit::DONE)
}

fn show_addresses(running: &Running) {
    for address in running.addresses() {
        show::note(&format!("listening on {address}"));
    }
    if let Some(address) = running.admin() {
        show::note(&format!("admin interface at http://{address}/"));
    }
}

fn summary(config: &GatewayConfig) -> String {
    let servers = |count: usize| {
        if count == 1 {
            "1 server".to_owned()
        } else {
            format!("{count} servers")
        }
    };
    let candidate = match &config.candidate {
        Some(candidate) => format!(
            "{} of the candidate",
            servers(candidate.side.upstreams.len())
        ),
        None => "no candidate".to_owned(),
    };
    format!(
        "right: {} of the incumbent, {candidate}, {} rules",
        servers(config.incumbent.upstreams.len()),
        config.compare.rules.len()
    )
}
