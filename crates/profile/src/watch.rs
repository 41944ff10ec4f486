//! A profile of a service that others use: nothing is sent.

use crate::access_log::{FollowedLog, Recorded};
use crate::error::ProfileError;
use crate::not_seen;
use crate::service::Service;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use understudy_judge::terms::Slo;
use understudy_model::Span;
use understudy_model::floor::SideFloor;
use understudy_model::profile::{ProfileReport, SCHEMA};
use understudy_model::stored::Happenings;
use understudy_observe::resources::Others;

/// How a service is watched.
#[derive(Clone, Debug)]
pub struct WatchConfig {
    /// The objectives that it has to hold.
    pub slos: Vec<Slo>,
    /// How long.
    pub length: Span,
    /// What it needed in a trial, for the report.
    pub memory_floor: Option<SideFloor>,
}

/// Watches a service, and its access log if there is one, until the time is over or `stop` ends it; reports without
/// findings.
///
/// # Errors
/// The access log was lost.
pub fn watch(
    config: &WatchConfig,
    service: &mut Service,
    log: Option<FollowedLog>,
    stop: &AtomicBool,
) -> Result<ProfileReport, ProfileError> {
    let window = (Duration::ZERO, config.length.duration());
    let (zero, seen) = service.observe(window, Others::LeftOut, stop, |announce| {
        let now = Instant::now();
        announce(now);
        if let Some(log) = &log {
            log.begin(now);
        }
        now
    });
    let watched_s = zero.elapsed().as_secs_f64();
    let used = service.used(&seen);
    let seconds = used.as_ref().map_or(watched_s, |used| used.seconds);
    let mut report = ProfileReport {
        schema: SCHEMA,
        target: service.name(),
        objectives: config.slos.iter().map(Slo::describe).collect(),
        pauses: service.pauses(&seen, (0.0, seconds), &config.slos),
        not_seen: service.not_seen(&seen, used.as_ref()),
        memory_floor: config.memory_floor.clone(),
        peak_rss_bytes: used.as_ref().and_then(|used| used.memory.peak_rss_bytes),
        used,
        interrupted: stop.load(Ordering::Relaxed),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..ProfileReport::default()
    };
    if let Some(log) = log {
        let recorded = log.end(watched_s)?;
        add_traffic(&mut report, recorded, watched_s, &seen.happened);
    }
    Ok(report)
}

/// Adds what the access log says, and where its slowest requests come from.
fn add_traffic(
    report: &mut ProfileReport,
    recorded: Recorded,
    seconds: f64,
    happened: &Happenings,
) {
    let traffic = recorded.live.traffic(recorded.without_duration, seconds);
    let sentences = not_seen::of_traffic(&recorded, &traffic);
    report.not_seen.extend(sentences);
    if traffic.requests > 0 && recorded.in_time {
        report.tail = recorded.live.tail(traffic.rate_rps, seconds, happened);
    }
    report.traffic = Some(traffic);
}
