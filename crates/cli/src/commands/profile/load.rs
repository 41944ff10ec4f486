//! A profile under a load of its own.

use super::ProfileArgs;
use super::deliver;
use super::service::Attended;
use crate::commands::load::capacity::carry_out;
use crate::commands::trial::redaction_key;
use crate::exit::{self, Failure, usage};
use crate::show;
use crate::show::json::JsonOutput;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use understudy_judge::search::Left;
use understudy_judge::search::capacity::{CapacityConfig, Search};
use understudy_judge::terms::Slo;
use understudy_load::http::{Requests, Target, WorkloadRequest};
use understudy_load::{Plan, Progress, Rate, Workload, run_into};
use understudy_model::capacity::CapacityKind;
use understudy_model::floor::SideFloor;
use understudy_model::gates::GeneratorUse;
use understudy_model::profile::{ProfileReport, SCHEMA};
use understudy_model::tail::Tail;
use understudy_model::{Observation, Share, Span};
use understudy_observe::Circumstances;
use understudy_observe::Listener;
use understudy_redact::Redactor;
use understudy_report::figures::rate;
use understudy_report::findings::headroom;
use understudy_trial::single;

/// No service is tried at more than so many times the rate that it has to serve: more headroom would
/// change nothing that is said.
pub(super) const MOST_HEADROOM: f64 = 20.0;
/// Requests in which the tail is looked for, and bounds of the time for them, seconds.
const OF_TAIL: f64 = 10_000.0;
const OF_TAIL_S: [f64; 2] = [5.0, 30.0];
/// Part of the budget that it may take.
const OF_BUDGET: f64 = 1.0 / 3.0;

impl ProfileArgs {
    /// How long is measured at the rate, after the search.
    fn tail_length(&self, rate_rps: f64) -> Span {
        let wanted = (OF_TAIL / rate_rps).clamp(OF_TAIL_S[0], OF_TAIL_S[1]);
        let most = self.budget.secs() * OF_BUDGET - self.warmup.secs();
        Span::from_secs_f64(wanted.min(most.max(0.5)))
    }

    fn search(&self, rate_rps: f64) -> CapacityConfig {
        let after = self.warmup.secs() + self.tail_length(rate_rps).secs();
        CapacityConfig {
            width: Share::new(CapacityConfig::WIDTH),
            first_rate: rate_rps,
            highest_rate: rate_rps * MOST_HEADROOM,
            warmup: self.warmup,
            budget: Some(Span::from_secs_f64(self.budget.secs() - after)),
        }
    }
}

/// Looks for the capacity, measures at the rate, and reports.
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
    let mut attended = Attended::begin(args, runtime_log)?;
    let workload = Workload {
        target,
        prepared: &prepared,
        weights: &requests.weights(),
    };
    let rate = Rate::PerSecond(rate_rps);
    let plan = args.generator.plan(rate, args.warmup);
    let mut search = Search::new(args.search(rate_rps), &args.slo, &[]);
    let peak = carry_out(&plan, workload, attended.attach(), &mut search, stop)?;
    let plan = Plan {
        duration: args.tail_length(rate_rps),
        timeout: search.patience(args.generator.timeout),
        ..plan
    };
    let seen = match stop.load(Ordering::Relaxed) {
        true => None,
        false => Some(at_rate(&plan, rate_rps, workload, &mut attended, stop)?),
    };
    let capacity = search.result();
    let interrupted = stop.load(Ordering::Relaxed);
    let kind = capacity.kind;
    let mut report = ProfileReport {
        schema: SCHEMA,
        // A URL can hold a key.
        target: Redactor::new(redaction_key()?)
            .redact_text(args.url.as_deref().unwrap_or_default()),
        rate_rps: Some(rate_rps),
        objectives: args.slo.iter().map(Slo::describe).collect(),
        headroom: headroom(&capacity, rate_rps),
        capacity: Some(capacity),
        memory_floor,
        peak_rss_bytes: peak,
        interrupted,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..ProfileReport::default()
    };
    if let Some(seen) = &seen {
        add(&mut report, args, seen, &attended);
    }
    deliver(report, json.as_mut())?;
    Ok(match (interrupted, kind) {
        (true, _) => exit::INTERRUPTED,
        (false, CapacityKind::Unknown) => exit::INVALID,
        (false, _) => exit::DONE,
    })
}

/// What the measurement at the rate left.
struct Seen {
    observations: Vec<Observation>,
    generator: GeneratorUse,
    plan: Plan,
    rate_rps: f64,
    circumstances: Circumstances,
}

fn at_rate(
    plan: &Plan,
    rate_rps: f64,
    workload: Workload<'_>,
    attended: &mut Attended,
    stop: &AtomicBool,
) -> anyhow::Result<Seen> {
    if std::io::stderr().is_terminal() {
        let length = plan.duration.secs();
        show::line(&format!(
            "  {:>12}  {length:>3.0} s  where the slowest requests come from",
            rate(rate_rps)
        ));
    }
    let progress: Vec<Progress> = (0..plan.threads).map(|_| Progress::default()).collect();
    let recorders = (0..plan.threads).map(|_| Vec::new()).collect();
    let window = (plan.warmup.duration(), plan.duration.duration());
    let (ran, circumstances) = attended.attend(window, stop, |announce| {
        run_into(plan, workload, stop, &progress, announce, recorders)
    });
    let ran = ran?;
    let recorders: Vec<Vec<Observation>> = ran.recorders;
    Ok(Seen {
        observations: recorders.into_iter().flatten().collect(),
        generator: ran.generator,
        plan: plan.clone(),
        rate_rps,
        circumstances,
    })
}

/// Adds what the measurement at the rate says.
fn add(report: &mut ProfileReport, args: &ProfileArgs, seen: &Seen, attended: &Attended) {
    let begin_s = seen.plan.warmup.secs();
    let window = (begin_s, begin_s + seen.plan.duration.secs());
    report.used = attended.used(&seen.circumstances);
    report.pauses = single::pauses(
        &seen.circumstances.happened,
        attended.paused_processes(),
        window,
        &args.slo,
    );
    report.not_seen = attended.not_seen(&seen.circumstances, report.used.as_ref());
    let rss = report
        .used
        .as_ref()
        .and_then(|used| used.memory.peak_rss_bytes);
    report.peak_rss_bytes = report
        .peak_rss_bytes
        .into_iter()
        .chain(rss)
        .reduce(f64::max);
    match tail(args.generator.seed, seen, window) {
        Ok(tail) => report.tail = Some(tail),
        Err(why) => report
            .not_seen
            .push(format!("where the slowest requests come from: {why}")),
    }
}

fn tail(seed: u64, seen: &Seen, window: (f64, f64)) -> Result<Tail, String> {
    let neighbours = seen
        .circumstances
        .measured
        .neighbours(&seen.plan.bound_cpus());
    let left = Left {
        rate_rps: seen.rate_rps,
        observations: &seen.observations,
        generator: seen.generator,
        neighbours: neighbours.as_ref(),
        cpu_us: None,
        warmup_s: seen.plan.warmup.secs(),
        measured_s: seen.plan.duration.secs(),
    };
    if let Some(why) = single::overloaded(&left) {
        return Err(why);
    }
    let happened = &seen.circumstances.happened;
    let tail = single::tail(seen.rate_rps, window, &seen.observations, happened, seed);
    tail.ok_or_else(|| {
        format!(
            "{} requests in {:.1} s have too few above p99; a longer --budget gives it up to {:.0} s",
            seen.observations.len(),
            seen.plan.duration.secs(),
            OF_TAIL_S[1]
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use understudy_model::stored::{Happenings, Table};
    use understudy_model::{Cause, Ending, Happening};
    use understudy_observe::resources::Measured;

    #[derive(clap::Parser)]
    struct Profile {
        #[command(flatten)]
        args: ProfileArgs,
    }

    const MS: u64 = 1_000_000;

    /// 12 s after 1 s of warm-up at 1,000/s, every request late by 10 ms; the runtime stops for 50 ms a second.
    fn seen(args: &ProfileArgs, generator: GeneratorUse) -> Seen {
        let observations = (1_000..13_000u64).map(|number| {
            let sent = number * MS + 10 * MS;
            let ended = sent + 50u64.saturating_sub(number % 1_000) * MS + MS;
            Observation {
                request: 0,
                endpoint: 0,
                intended_ns: number * MS,
                free_ns: number * MS,
                sent_ns: sent,
                first_byte_ns: ended,
                last_byte_ns: ended,
                ending: Ending::Answered,
                code: 200,
                bytes: 1,
                body_hash: 0,
            }
        });
        let stop = |second: u64| Happening {
            cause: Cause::RuntimeStop,
            start_ns: second * 1_000 * MS,
            end_ns: (second * 1_000 + 50) * MS,
            error_ns: 0,
        };
        let column = |name: &str, per_s: f64| {
            let values = (1..=13).map(|at| Some(f64::from(at) * per_s)).collect();
            (name.to_owned(), values)
        };
        let samples = Table {
            columns: vec![
                column("at_s", 1.0),
                column("cpu_user_us", 2e5),
                column("cpu_system_us", 5e4),
                column("rss_bytes", 1e6),
            ],
        };
        Seen {
            observations: observations.collect(),
            generator,
            plan: Plan {
                duration: Span::from_secs(12),
                ..args
                    .generator
                    .plan(Rate::PerSecond(1000.0), Span::from_secs(1))
            },
            rate_rps: 1000.0,
            circumstances: Circumstances {
                measured: Measured {
                    samples,
                    ..Measured::default()
                },
                happened: Happenings {
                    runtime: Some("go".to_owned()),
                    all: (0..13).map(stop).collect(),
                },
            },
        }
    }

    fn report(generator: GeneratorUse) -> ProfileReport {
        let pid = std::process::id().to_string();
        let url = "http://127.0.0.1:1/";
        let Profile { args } = Profile::parse_from([
            "profile", url, "--rate", "1000", "--slo", "p99<20ms", "--pid", &pid,
        ]);
        let attended = Attended::begin(&args, None).unwrap();
        let mut report = ProfileReport::default();
        add(&mut report, &args, &seen(&args, generator), &attended);
        report
    }

    #[test]
    fn gates_refuse_the_tail_and_neither_resources_nor_pauses() {
        let late = report(GeneratorUse::default());
        assert!(late.tail.is_some(), "lateness refuses nothing: {late:?}");
        let waits = report(GeneratorUse {
            run_queue_share: Some(0.2),
            ..GeneratorUse::default()
        });
        assert_eq!(waits.tail, None);
        let why = waits.not_seen.iter().find(|why| why.contains("slowest"));
        assert!(why.unwrap().contains("waited 20.0 % of the time for a CPU"));
        for report in [late, waits] {
            let used = report.used.unwrap();
            assert!((used.cpus - 0.25).abs() < 1e-9, "{used:?}");
            assert_eq!(used.memory.peak_rss_bytes, Some(13e6));
            assert_eq!(report.pauses.unwrap().stops, 12);
        }
    }
}
