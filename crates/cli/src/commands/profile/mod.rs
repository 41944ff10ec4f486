//! `understudy profile`: is there a problem at all, and could a rewrite solve it?

mod arguments;
mod load;
mod watch;

pub(crate) use arguments::ProfileArgs;

use crate::exit::{Failure, usage};
use crate::show;
use crate::show::json::{self, JsonOutput};
use anyhow::Context;
use std::sync::atomic::AtomicBool;
use understudy_model::profile::ProfileReport;
use understudy_observe::Listener;
use understudy_profile::{AccessLog, ProfileError};
use understudy_report::{findings, profile as page};
use understudy_subject_http::Target;

/// Carries out the command.
pub(crate) fn profile(args: &ProfileArgs, stop: &AtomicBool) -> Result<u8, Failure> {
    let mut errors = args.check_attached();
    let parsed = args.url.as_deref().map(Target::parse).transpose();
    let target = or_error(parsed.map_err(|error| error.to_string()), &mut errors);
    let floor = or_error(args.memory_floor(), &mut errors);
    let logs = Logs::open(args, &mut errors);
    match args.watch {
        true => errors.extend(args.check_watched()),
        false => errors.extend(args.check_loaded(target.as_ref())),
    }
    match (target, args.rate) {
        _ if !errors.is_empty() => Err(Failure::Usage(errors)),
        (Some(target), Some(rate_rps)) => {
            load::profile(args, floor, logs.runtime, (&target, rate_rps), stop)
        }
        _ => watch::profile(args, floor, logs, stop),
    }
}

/// What was named, if it is right; else what is wrong with it is reported with all other errors.
fn or_error<T>(named: Result<Option<T>, String>, errors: &mut Vec<String>) -> Option<T> {
    named.unwrap_or_else(|error| {
        errors.push(error);
        None
    })
}

/// The logs that are named, open.
#[derive(Debug)]
struct Logs {
    runtime: Option<Listener>,
    access: Option<AccessLog>,
}

impl Logs {
    fn open(args: &ProfileArgs, errors: &mut Vec<String>) -> Self {
        Logs {
            runtime: or_error(args.runtime_log(), errors),
            access: or_error(args.access_log(), errors),
        }
    }
}

/// An error with the flag that it is about.
fn failure(error: ProfileError) -> Failure {
    match error {
        ProfileError::Jvm(_) => usage(format!("--jvm: {error}")),
        ProfileError::AccessLog { .. } => usage(format!("--access-log: {error}")),
        error => Failure::Running(error.into()),
    }
}

/// Adds the findings and hands the document out.
fn deliver(mut report: ProfileReport, json: Option<&mut JsonOutput>) -> anyhow::Result<()> {
    report.findings = findings::findings(&report);
    if json::deliver(json, &report)? {
        return Ok(());
    }
    show::print(&page::summary(&report, show::style())).context("cannot write the result")
}
