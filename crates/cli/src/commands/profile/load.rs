//! A profile under a load of its own.

use super::{ProfileArgs, deliver, failure};
use crate::commands::load::capacity::show_step;
use crate::commands::trial::redaction_key;
use crate::exit::{self, Failure, usage};
use crate::show;
use crate::show::json::JsonOutput;
use std::io::IsTerminal;
use std::sync::atomic::AtomicBool;
use understudy_load::Rate;
use understudy_model::capacity::CapacityKind;
use understudy_model::floor::SideFloor;
use understudy_observe::Listener;
use understudy_profile::{Event, LoadConfig, Service, under_load};
use understudy_redact::Redactor;
use understudy_report::figures::rate;
use understudy_subject_http::Workload;
use understudy_subject_http::{Requests, Target, WorkloadRequest};

/// Loads the service, and reports.
pub(super) fn profile(
    args: &ProfileArgs,
    memory_floor: Option<SideFloor>,
    runtime_log: Option<Listener>,
    (target, rate_rps): (&Target, f64),
    stop: &AtomicBool,
) -> Result<u8, Failure> {
    let requests = args.generator.requests()?.unwrap_or_else(|| Requests {
        all: vec![WorkloadRequest::get(&target.path)],
    });
    let prepared = requests
        .prepare(&target.host, |_| 0)
        .map_err(|(index, error)| usage(format!("request {}: {error}", index + 1)))?;
    let mut json = JsonOutput::open(args.json.as_deref())?;
    let mut service = Service::attach(args.service(runtime_log)).map_err(failure)?;
    let weights = requests.weights();
    let workload = Workload::new(target, &prepared, &weights);
    let config = LoadConfig {
        // A URL can hold a key.
        target: Redactor::new(redaction_key()?)
            .redact_text(args.url.as_deref().unwrap_or_default()),
        rate_rps,
        slos: args.slo.clone(),
        budget: args.budget(),
        plan: args.generator.plan(Rate::PerSecond(rate_rps), args.warmup),
        memory_floor,
    };
    let report = under_load(&config, workload, &mut service, stop, &show_event).map_err(failure)?;
    let kind = report.capacity.as_ref().map(|capacity| capacity.kind);
    let code = match (report.interrupted, kind) {
        (true, _) => exit::INTERRUPTED,
        (false, Some(CapacityKind::Unknown)) => exit::INVALID,
        (false, _) => exit::DONE,
    };
    deliver(report, json.as_mut())?;
    Ok(code)
}

/// One line an event, on a terminal.
fn show_event(event: Event<'_>) {
    match event {
        Event::Step(point) => show_step(point),
        Event::AtRate { rate_rps, length } => {
            if std::io::stderr().is_terminal() {
                show::line(&format!(
                    "  {:>12}  {:>3.0} s  where the slowest requests come from",
                    rate(rate_rps),
                    length.secs(),
                ));
            }
        }
    }
}
