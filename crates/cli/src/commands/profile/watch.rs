//! A profile of a service that others use: nothing is sent.

use super::{Logs, ProfileArgs, deliver, failure};
use crate::exit::{self, Failure};
use crate::show;
use crate::show::json::JsonOutput;
use indicatif::{ProgressBar, ProgressStyle};
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use understudy_model::floor::SideFloor;
use understudy_profile::{AccessLog, Service, WatchConfig, watch};

/// Watches a service, and reports.
pub(super) fn profile(
    args: &ProfileArgs,
    memory_floor: Option<SideFloor>,
    logs: Logs,
    stop: &AtomicBool,
) -> Result<u8, Failure> {
    let mut json = JsonOutput::open(args.json.as_deref())?;
    let mut service = Service::attach(args.service(logs.runtime)).map_err(failure)?;
    let log = logs.access.map(AccessLog::follow).transpose();
    let log = log.map_err(failure)?;
    let config = WatchConfig {
        slos: args.slo.clone(),
        length: args.length,
        memory_floor,
    };
    let display = display(&service.name(), args);
    let report = watch(&config, &mut service, log, stop);
    display.finish_and_clear();
    let report = report.map_err(failure)?;
    let code = match (report.interrupted, &report.used) {
        (true, _) => exit::INTERRUPTED,
        (false, None) => exit::INVALID,
        (false, Some(_)) => exit::DONE,
    };
    deliver(report, json.as_mut())?;
    Ok(code)
}

/// A line on a terminal that shows the time; on anything else one line.
fn display(target: &str, args: &ProfileArgs) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    let what = format!("watching {target} for {}", args.length);
    if bar.is_hidden() {
        show::line(&format!("  {what}"));
        return bar;
    }
    // The template is a constant that the library accepts.
    let style = ProgressStyle::with_template("  {spinner} {msg}: {elapsed} (Ctrl-C ends it)");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar.set_message(what);
    bar.enable_steady_tick(Duration::from_millis(500));
    bar
}
