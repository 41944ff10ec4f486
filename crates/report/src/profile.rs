//! A profile as text for a terminal.

use crate::figures::{count, memory, quantile, rate, share, time};
use crate::knee;
use crate::memory_floor;
use crate::page::{Page, Style};
use crate::tail::short_lift;
use crate::wording::or_infinite;
use understudy_model::profile::{MemoryUsed, ProfileReport, RuntimePauses, Traffic, Used};
use understudy_model::tail::Tail;

/// From so many times on a peak is another one.
const HIGHER: f64 = 1.05;

/// The findings, and the figures behind them.
pub fn summary(report: &ProfileReport, style: Style) -> String {
    let mut page = Page::new(style);
    page.line(2, &heading(report));
    page.empty();
    for finding in &report.findings {
        page.line(4, &format!("  - {}", finding.text));
    }
    page.empty();
    if let Some(capacity) = &report.capacity {
        page.labelled("capacity", &knee::sentence(capacity));
    }
    if let Some(traffic) = &report.traffic {
        page.labelled("traffic", &traffic_line(traffic));
    }
    if let Some(used) = &report.used {
        for (label, text) in used_lines(used) {
            page.labelled(label, &text);
        }
    }
    if let Some(floor) = &report.memory_floor {
        page.labelled("memory floor", &memory_floor::sentence(floor));
    }
    if let Some(pauses) = &report.pauses {
        page.labelled("pauses", &pauses_line(pauses));
    }
    for (index, what) in report.not_seen.iter().enumerate() {
        page.labelled(if index == 0 { "not seen" } else { "" }, what);
    }
    if let Some(tail) = &report.tail {
        page.empty();
        table_of(&mut page, tail);
    }
    if let Some(capacity) = &report.capacity {
        page.empty();
        for row in knee::table(capacity) {
            page.line(0, &row);
        }
    }
    if report.interrupted {
        page.empty();
        page.line(2, "interrupted: this is what was seen until then");
    }
    page.text
}

fn heading(report: &ProfileReport) -> String {
    match (report.rate_rps, &report.used) {
        (Some(rate_rps), _) => format!("{} at {}", report.target, rate(rate_rps)),
        (None, Some(used)) => format!("{}, watched for {:.0} s", report.target, used.seconds),
        (None, None) => format!("{}, watched", report.target),
    }
}

fn traffic_line(traffic: &Traffic) -> String {
    if traffic.requests + traffic.without_duration == 0 {
        return "no line in the access log".to_owned();
    }
    let quantiles = [("p50", traffic.p50_us), ("p99", traffic.p99_us)];
    let quantiles: String = quantiles
        .iter()
        .filter_map(|(name, us)| Some(format!(", {name} {}", time((*us)?))))
        .collect();
    let without = match traffic.without_duration {
        0 => String::new(),
        lines => format!("; {} lines without a duration", count(lines)),
    };
    format!(
        "{} requests, {}{quantiles} (as the server counts){without}",
        count(traffic.requests),
        rate(traffic.rate_rps)
    )
}

/// A use of CPUs in two decimals, in three where it is small.
fn fraction(cpus: f64) -> String {
    match cpus < 0.1 {
        true => format!("{cpus:.3}"),
        false => format!("{cpus:.2}"),
    }
}

/// A number of CPUs in words.
pub(crate) fn cpus(number: f64) -> String {
    match number {
        1.0 => "1 CPU".to_owned(),
        n if n.fract() == 0.0 => format!("{n:.0} CPUs"),
        n => format!("{n:.2} CPUs"),
    }
}

fn used_lines(used: &Used) -> Vec<(&'static str, String)> {
    let by = if used.cpu_quota { " (its quota)" } else { "" };
    let throttled = used.throttled_share.map_or_else(String::new, |held| {
        format!("held back by a quota {}, ", per_second(held))
    });
    let files = used.open_files.map_or_else(String::new, |files| {
        format!(", {} open files", count(files as u64))
    });
    let mut lines = vec![
        (
            "CPU",
            format!("{} of {}{by}", fraction(used.cpus), cpus(used.given_cpus)),
        ),
        (
            "",
            format!(
                "{throttled}ready and waiting for a CPU {}",
                per_second(used.run_queue_share)
            ),
        ),
    ];
    lines.extend(memory_lines(&used.memory));
    let faults = match used.major_faults_per_s {
        0.0 => "no memory read from disk".to_owned(),
        faults => format!("memory read from disk {faults:.2} times a second"),
    };
    lines.push((
        "",
        format!("{faults}; {} threads{files}", count(used.threads as u64)),
    ));
    lines.extend(pressure(used).map(|text| ("pressure", text)));
    lines
}

/// A time over time: `12 ms a second`.
fn per_second(share: f64) -> String {
    match share {
        0.0 => "0 ms a second".to_owned(),
        share => format!("{} a second", time(share * 1e6)),
    }
}

fn memory_lines(of: &MemoryUsed) -> Vec<(&'static str, String)> {
    // Worth a word only where it was higher before.
    let before = of.peak_since_start_bytes.zip(of.peak_rss_bytes);
    let before = before.filter(|(ever, seen)| ever > &(seen * HIGHER));
    let each = [
        (of.peak_rss_bytes, "resident"),
        (of.peak_pss_bytes, "proportional"),
        (of.peak_working_set_bytes, "working set of its group"),
        (before.map(|(ever, _)| ever), "resident since its start"),
    ];
    let peaks: Vec<String> = each
        .into_iter()
        .filter_map(|(bytes, what)| Some(format!("{} {what}", memory(bytes?))))
        .collect();
    let given = match of.limited {
        true => format!("a limit of {}", memory(of.given_bytes)),
        false => format!("no limit but the {} of the machine", memory(of.given_bytes)),
    };
    let used = of.peak_bytes().map_or_else(String::new, |bytes| {
        format!("; {} of it used", share(bytes / of.given_bytes.max(1.0)))
    });
    let mut lines = vec![
        ("memory", format!("at most {}", peaks.join(", "))),
        ("", format!("{given}{used}")),
    ];
    let growth = of.growth_bytes_per_s.and_then(|slope| {
        let hour = |per_s: f64| {
            let sign = if per_s < 0.0 { "-" } else { "+" };
            format!("{sign}{}", memory(per_s.abs() * 3600.0))
        };
        Some(format!(
            "{} an hour after collections (95 % interval {} to {})",
            hour(slope.estimate?),
            hour(slope.low?),
            hour(slope.high?)
        ))
    });
    lines.extend(growth.map(|text| ("", text)));
    lines
}

fn pressure(used: &Used) -> Option<String> {
    let each = [
        ("CPU", used.cpu_pressure),
        ("memory", used.memory_pressure),
        ("disk", used.io_pressure),
    ];
    let parts: Vec<String> = each
        .into_iter()
        .filter_map(|(what, part)| Some(format!("{what} {}", share(part?))))
        .collect();
    (!parts.is_empty()).then(|| format!("{} of the time", parts.join(", ")))
}

fn pauses_line(pauses: &RuntimePauses) -> String {
    let each = match pauses.processes {
        0 | 1 => String::new(),
        processes => format!(", in {} processes", count(processes)),
    };
    let seen = format!(
        "{} stops of the {} runtime in {:.0} s{each}",
        count(pauses.stops),
        pauses.runtime,
        pauses.seconds
    );
    let Some(longest) = pauses.longest_us else {
        return seen;
    };
    let p99 = pauses
        .p99_us
        .map_or_else(String::new, |us| format!(", p99 {}", time(us)));
    format!(
        "{seen}: {} of the time, longest {}{p99}",
        share(pauses.time_share),
        time(longest)
    )
}

/// The causes of a tail, a line each.
fn table_of(page: &mut Page, tail: &Tail) {
    let named = quantile(tail.quantile);
    let head = format!(
        "{} requests above {named} ({})",
        count(tail.requests),
        or_infinite(tail.at_us, time)
    );
    page.line(
        2,
        &format!(
            "{head:<36}{:>8}{:>24}{:>12}",
            "share",
            "times chance",
            format!("{named} less")
        ),
    );
    for cause in tail.causes.iter().filter(|cause| cause.first_share > 0.0) {
        let chance = short_lift(cause).unwrap_or_else(|| "-".to_owned());
        let less = cause
            .quantile_without_us
            .map_or_else(|| "-".to_owned(), time);
        page.line(
            4,
            &format!(
                "  {:<34}{:>8}{chance:>24}{less:>12}",
                cause.cause.label(),
                share(cause.first_share)
            ),
        );
    }
    page.line(
        4,
        &format!("  {:<34}{:>8}", "unexplained", share(tail.unexplained)),
    );
}
