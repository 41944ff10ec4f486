//! The terminal summary and the live line of `understudy load`.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::fmt::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use understudy_load::report::{Distribution, LoadModel, LoadReport, QUANTILES, Refused};
use understudy_load::{Glimpse, Progress};
use understudy_report::figures::{count, rate, share, time};
use understudy_report::is_late;

/// The summary for people.
pub(crate) fn summary(report: &LoadReport) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_summary(&mut out, report);
    out
}

fn write_summary(out: &mut String, report: &LoadReport) -> std::fmt::Result {
    writeln!(out, "{}\n{}\n", report.target, describe(report))?;
    writeln!(
        out,
        "  {:<16}{} requests, {} answered ({})",
        "requests",
        count(report.requests),
        count(report.answered),
        share(report.answered as f64 / (report.requests as f64).max(1.0)),
    )?;
    let offered = report
        .offered_rate_rps
        .map(|r| format!("offered {}, ", rate(r)));
    writeln!(
        out,
        "  {:<16}{}sent {}, achieved {}",
        "rate",
        offered.unwrap_or_default(),
        rate(report.sent_rate_rps),
        rate(report.achieved_rate_rps),
    )?;
    writeln!(
        out,
        "  {:<16}{}",
        "statuses",
        tally(&report.statuses, "none")
    )?;
    writeln!(out, "  {:<16}{}", "errors", tally(&report.errors, "none"))?;
    if report.resent > 0 {
        writeln!(
            out,
            "  {:<16}{}: the server closed their kept connection before it answered",
            "sent again",
            count(report.resent)
        )?;
    }
    if report.connected < report.connections {
        writeln!(
            out,
            "  {:<16}{} of {} accepted at the start: raise the listen backlog, or lower --connections",
            "connections",
            count(report.connected.into()),
            count(report.connections.into())
        )?;
    }
    write_latencies(out, report)?;
    writeln!(
        out,
        "  {:<16}{} CPU per request, busy {}{}",
        "generator",
        time(report.cpu_us_per_request),
        share(report.generator_busy_share),
        cpus(report),
    )?;
    if let Some(what) = &report.malformed {
        writeln!(out, "  {:<16}first: {what}", "malformed")?;
    }
    if let Some(log) = &report.log {
        writeln!(
            out,
            "  {:<16}{}, {} rows, {} bytes",
            "log",
            log.path,
            count(log.rows),
            count(log.bytes)
        )?;
    }
    if report.interrupted {
        writeln!(out, "\n  interrupted: this is what was measured until then")?;
    }
    for reason in &report.invalid_because {
        writeln!(out, "\n  INVALID: {reason}")?;
    }
    if report.refused.contains(&Refused::Latencies) {
        writeln!(
            out,
            "\n  latencies are refused; counts, statuses, errors, rates and bytes are not affected"
        )?;
    }
    Ok(())
}

fn write_latencies(out: &mut String, report: &LoadReport) -> std::fmt::Result {
    write!(out, "\n  {:<16}", "")?;
    for (name, _) in QUANTILES {
        write!(out, "{:>10}", name.replace('_', "."))?;
    }
    writeln!(out, "{:>10}{:>10}", "max", "mean")?;
    let answered_all = report.answered == report.requests;
    row(out, "latency", &report.latency_us, answered_all)?;
    let late = lateness(report);
    if let Some(from_sent) = report
        .latency_from_sent_us
        .as_ref()
        .filter(|_| late.is_some())
    {
        row(out, "  from sent", from_sent, answered_all)?;
    }
    row(out, "service time", &report.service_time_us, true)?;
    row(out, "connection wait", &report.connection_wait_us, true)?;
    row(out, "send lag", &report.send_lag_us, true)?;
    if let Some(late) = &late {
        writeln!(out, "\n  {late}")?;
    }
    if let Some([low, high]) = interval(report, "p99") {
        let end = |bound: &Option<f64>| bound.map_or_else(|| "infinite".to_owned(), time);
        writeln!(
            out,
            "\n  {:<16}{} to {} (95 %, requests taken as independent)",
            "p99 latency",
            end(&low),
            end(&high)
        )?;
    }
    Ok(())
}

/// Both ends of a quantile in which the generator's own lateness is worth a word: of p99, else of the first one.
fn lateness(report: &LoadReport) -> Option<String> {
    let from_sent = report.latency_from_sent_us.as_ref()?;
    let ends = |name: &str| {
        let (due, sent) = (report.latency_us.quantile(name)?, from_sent.quantile(name)?);
        is_late(due, sent).then(|| {
            format!(
                "{} {} ({} counted from when requests left: the generator was late)",
                name.replace('_', "."),
                time(due),
                time(sent)
            )
        })
    };
    ends("p99").or_else(|| QUANTILES.iter().find_map(|(name, _)| ends(name)))
}

/// The 95 % interval of a quantile, from the lower end without the generator's lateness to the upper end with it.
fn interval(report: &LoadReport, quantile: &str) -> Option<[Option<f64>; 2]> {
    let of = |distribution: &Distribution| distribution.interval_95.get(quantile).copied();
    let [low, high] = of(&report.latency_us)?;
    let from_sent = report.latency_from_sent_us.as_ref().and_then(of);
    Some([from_sent.map_or(low, |[low, _]| low), high])
}

fn describe(report: &LoadReport) -> String {
    let model = match (report.load_model, report.arrivals) {
        (LoadModel::Open, Some(arrivals)) => format!("open model ({} arrivals)", arrivals.name()),
        (LoadModel::Open, None) => "open model".to_owned(),
        (LoadModel::Closed, _) => {
            "closed model (as fast as answers come: latency is service time)".to_owned()
        }
    };
    format!(
        "{model}, {} s after {} s of warm-up, {} connections, {} thread{}, seed {}",
        report.duration_s,
        report.warmup_s,
        report.connections,
        report.threads,
        if report.threads == 1 { "" } else { "s" },
        report.seed,
    )
}

fn cpus(report: &LoadReport) -> String {
    match report.generator_cpus.as_slice() {
        [] => String::new(),
        cpus => format!(
            ", on CPU {}",
            cpus.iter()
                .map(u32::to_string)
                .collect::<Vec<_>>()
                .join(",")
        ),
    }
}

fn tally(counts: &std::collections::BTreeMap<String, u64>, none: &str) -> String {
    if counts.is_empty() {
        return none.to_owned();
    }
    counts
        .iter()
        .map(|(name, n)| format!("{name} {}", count(*n)))
        .collect::<Vec<_>>()
        .join(", ")
}

fn row(out: &mut String, name: &str, d: &Distribution, finite: bool) -> std::fmt::Result {
    write!(out, "  {name:<16}")?;
    for (quantile, _) in QUANTILES {
        let cell = match d.quantile(quantile) {
            Some(us) => time(us),
            None if d.not_judged.iter().any(|n| n == quantile) => "-".to_owned(),
            None if finite => "-".to_owned(),
            None => "infinite".to_owned(),
        };
        write!(out, "{cell:>10}")?;
    }
    let cell = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), time);
    writeln!(out, "{:>10}{:>10}", cell(d.max), cell(d.mean))
}

/// Shows a live line on a terminal until `done`; nothing where standard error is not a terminal.
pub(crate) fn live(progress: &[Progress], length: Duration, done: &AtomicBool) {
    let bar = ProgressBar::with_draw_target(
        Some(length.as_millis() as u64),
        ProgressDrawTarget::stderr(),
    );
    if bar.is_hidden() {
        return;
    }
    // The template is a constant that the library accepts.
    let style = ProgressStyle::with_template("  {wide_bar} {elapsed}/{msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.set_style(style);
    let start = Instant::now();
    let mut before = Glimpse::default();
    while !done.load(Ordering::Relaxed) {
        let tick = Instant::now();
        while tick.elapsed() < Duration::from_millis(500) && !done.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let now = Glimpse::sum(progress.iter().map(Progress::look));
        let per_second = (now.ended - before.ended) as f64 / tick.elapsed().as_secs_f64().max(1e-3);
        bar.set_position(start.elapsed().min(length).as_millis() as u64);
        bar.set_message(format!(
            "{:.0}s  {}  worst {}  failed {}  waiting {}",
            length.as_secs_f64(),
            rate(per_second),
            time(now.worst_ns as f64 / 1e3),
            count(now.failed),
            count(now.waiting),
        ));
        before = now;
    }
    bar.finish_and_clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(p99_us: f64, from_sent_us: f64, refused: Vec<Refused>) -> String {
        let distribution = |p99| Distribution {
            p50: Some(200.0),
            p99: Some(p99),
            interval_95: [("p99".to_owned(), [Some(p99 * 0.9), Some(p99 * 1.1)])].into(),
            ..Distribution::default()
        };
        let empty = serde_json::to_value(Distribution::default()).unwrap();
        let mut document = serde_json::json!({
            "schema": 1, "target": "http://127.0.0.1/", "load_model": "open", "arrivals": "poisson",
            "seed": 1, "connections": 8, "connected": 8, "threads": 1, "generator_cpus": [],
            "warmup_s": 1.0, "duration_s": 2.0, "offered_rate_rps": 500.0, "sent_rate_rps": 500.0,
            "achieved_rate_rps": 500.0, "requests": 1000, "answered": 1000, "errors": {}, "resent": 0,
            "statuses": {"200": 1000}, "bytes": 5000, "service_time_us": empty,
            "connection_wait_us": empty, "send_lag_us": empty, "cpu_us_per_request": 5.0,
            "generator_busy_share": 0.1, "run_queue_share": null, "steal_share": null, "log": null,
            "valid": refused.is_empty(), "interrupted": false, "versions": {},
            "invalid_because": refused.iter().map(|_| "CPU steal was 9.0 %").collect::<Vec<_>>(),
        });
        let mut add = |name: &str, value| document[name] = value;
        add(
            "latency_us",
            serde_json::to_value(distribution(p99_us)).unwrap(),
        );
        let from_sent = serde_json::to_value(distribution(from_sent_us)).unwrap();
        add("latency_from_sent_us", from_sent);
        add("refused", serde_json::to_value(refused).unwrap());
        summary(&serde_json::from_value(document).unwrap())
    }

    #[test]
    fn both_ends_of_a_quantile_are_shown_where_the_generator_was_late() {
        let late = report(1900.0, 1400.0, Vec::new());
        let line =
            "\n  p99 1.90 ms (1.40 ms counted from when requests left: the generator was late)\n";
        assert!(late.contains(line), "{late}");
        assert!(late.contains("\n    from sent "), "{late}");
        assert!(
            late.contains("p99 latency     1.26 ms to 2.09 ms (95 %"),
            "{late}"
        );
        let in_time = report(1900.0, 1890.0, Vec::new());
        assert!(
            !in_time.contains("from sent") && !in_time.contains("late:"),
            "{in_time}"
        );
    }

    #[test]
    fn what_is_refused_is_named_with_what_is_not() {
        let text = report(1900.0, 1890.0, vec![Refused::Latencies]);
        let end = "\n  INVALID: CPU steal was 9.0 %\n\n  latencies are refused; counts, statuses, errors, rates and bytes are not affected\n";
        assert!(text.ends_with(end), "{text}");
        assert!(text.contains("1,000 requests, 1,000 answered"), "{text}");
        assert!(!report(1900.0, 1890.0, vec![Refused::Log]).contains("latencies are refused"));
    }
}
