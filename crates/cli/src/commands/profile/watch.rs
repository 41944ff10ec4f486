//! A profile of a service that others use: nothing is sent.

use super::ProfileArgs;
use super::access_log::{AccessLog, Heard};
use super::service::Attended;
use super::{Logs, deliver};
use crate::exit::{self, Failure};
use crate::show;
use crate::show::json::JsonOutput;
use indicatif::{ProgressBar, ProgressStyle};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use understudy_judge::terms::Slo;
use understudy_model::floor::SideFloor;
use understudy_model::profile::{ProfileReport, SCHEMA, Traffic};
use understudy_model::stored::Happenings;
use understudy_observe::Attach;
use understudy_report::figures::count;
use understudy_trial::single::{self, STRETCH};

/// Watches a service, and reports.
pub(super) fn profile(
    args: &ProfileArgs,
    memory_floor: Option<SideFloor>,
    logs: Logs,
    stop: &AtomicBool,
) -> Result<u8, Failure> {
    let mut json = JsonOutput::open(args.json.as_deref())?;
    let mut attended = Attended::begin(args, logs.runtime)?;
    let log = logs.access.map(AccessLog::follow).transpose()?;
    let target = attended.attach().map(name).unwrap_or_default();
    let display = display(&target, args);
    let window = (Duration::ZERO, args.length.duration());
    let (zero, seen) = attended.attend(window, stop, |announce| {
        let now = Instant::now();
        announce(now);
        if let Some(log) = &log {
            log.begin(now);
        }
        now
    });
    let watched_s = zero.elapsed().as_secs_f64();
    display.finish_and_clear();
    let used = attended.used(&seen);
    let seconds = used.as_ref().map_or(watched_s, |used| used.seconds);
    let mut report = ProfileReport {
        schema: SCHEMA,
        target,
        objectives: args.slo.iter().map(Slo::describe).collect(),
        pauses: single::pauses(
            &seen.happened,
            attended.paused_processes(),
            (0.0, seconds),
            &args.slo,
        ),
        not_seen: attended.not_seen(&seen, used.as_ref()),
        memory_floor,
        peak_rss_bytes: used.as_ref().and_then(|used| used.memory.peak_rss_bytes),
        used,
        interrupted: stop.load(Ordering::Relaxed),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..ProfileReport::default()
    };
    if let Some(log) = log {
        let heard = log.end(watched_s)?;
        add(&mut report, heard, (watched_s, &seen.happened));
    }
    let code = match (report.interrupted, &report.used) {
        (true, _) => exit::INTERRUPTED,
        (false, None) => exit::INVALID,
        (false, Some(_)) => exit::DONE,
    };
    deliver(report, json.as_mut())?;
    Ok(code)
}

/// Adds what the access log says, and where its slowest requests come from.
fn add(report: &mut ProfileReport, heard: Heard, (seconds, happened): (f64, &Happenings)) {
    let traffic = heard.live.traffic(heard.without_duration, seconds);
    let not_seen = &mut report.not_seen;
    if let Some(error) = &heard.failed {
        not_seen.push(format!("what the access log says from then on: {error}"));
    }
    if heard.unreadable > 0 {
        not_seen.push(format!(
            "{} lines of the access log, which have no known format (common, combined, JSON, Envoy, HAProxy, ALB)",
            count(heard.unreadable)
        ));
    }
    not_seen.extend(without_time(&heard, traffic.requests));
    if traffic.requests > 0 {
        not_seen.push("what requests waited before the server read them".to_owned());
        match heard.in_time {
            true => {
                not_seen.extend(heard.live.drawn().map(|drawn| of_some(drawn, &traffic)));
                report.tail = heard.live.tail(traffic.rate_rps, seconds, happened);
            }
            false => not_seen.push(
                "where the slowest requests come from: lines of the access log came many at once, from a buffer or because this machine was busy"
                    .to_owned(),
            ),
        }
    }
    report.traffic = Some(traffic);
}

/// Why lines of the access log give no latency.
fn without_time(heard: &Heard, requests: u64) -> Option<String> {
    let how = "say it with --access-log-unit, or log it with its unit (nginx $request_time; JSON duration_ms)";
    match (heard.unclear, heard.without_duration, requests) {
        (0, 0, _) => None,
        (0, _, 0) => Some(
            "latencies: no line of the access log has the time that the request took (nginx $request_time; Apache %D with --access-log-unit us; JSON duration_ms)"
                .to_owned(),
        ),
        (0, ..) => None,
        (unclear, without, 0) if unclear == without => Some(format!(
            "latencies: the unit of the time in the access log is not certain: {how}"
        )),
        (unclear, ..) => Some(format!(
            "latencies of {} requests: the unit of the time in their lines is not certain: {how}",
            count(unclear)
        )),
    }
}

/// Which requests the attribution covers.
fn of_some(drawn: u64, traffic: &Traffic) -> String {
    match drawn {
        0 => {
            format!("where the slowest requests come from: those of {STRETCH} are too many to keep")
        }
        drawn => format!(
            "where all of the slowest requests come from: the causes are those of {} of the {} requests, in stretches of {STRETCH} drawn at random",
            count(drawn),
            count(traffic.requests),
        ),
    }
}

fn name(attach: &Attach) -> String {
    match attach {
        Attach::Pid(pid) | Attach::Jvm(pid) => format!("process {pid}"),
        Attach::Cgroup(group) => format!("control group {}", group.display()),
    }
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
