//! `understudy guard PID`, for Understudy's own use: ends what a killed trial has left.

use crate::exit::{self, Failure};
use anyhow::Context;
use clap::Args;
use std::path::Path;
use understudy_probe::{Cgroups, stand_guard};

/// Waits for the end of standard input, then ends what the Understudy of this id has started.
#[derive(Debug, Args)]
pub(crate) struct GuardArgs {
    /// The process that is guarded
    of: u32,
}

/// Carries out the command.
pub(crate) fn guard(args: &GuardArgs) -> Result<u8, Failure> {
    let cgroups = Cgroups::detect(Path::new("/sys/fs/cgroup"));
    stand_guard(args.of, std::io::stdin().lock(), &cgroups)
        .context("standard input cannot be read")?;
    Ok(exit::DONE)
}
