//! Metrics in the text format of Prometheus (version 0.0.4).

use super::status::Status;
use crate::traffic::Traffic;
use std::collections::BTreeMap;
use std::fmt::{Display, Write};

/// Before every name.
const PREFIX: &str = "understudy_gateway_";
/// Upper bounds of the buckets of a latency, in microseconds.
const BUCKETS_US: [u64; 12] = [
    100, 250, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 1_000_000, 10_000_000,
];

/// Routes have names of the configuration, reasons are fixed: no client makes a new series.
pub(super) fn text(status: &Status, routes: &BTreeMap<String, Traffic>) -> String {
    let mut out = Text::default();
    counters(&mut out, routes);
    connections(&mut out, status);
    servers(&mut out, status);
    latencies(&mut out, routes);
    ledger(&mut out, status);
    gauges(&mut out, status);
    out.0
}

fn counters(out: &mut Text, routes: &BTreeMap<String, Traffic>) {
    out.family(
        "requests_total",
        "counter",
        "Requests of clients, by route and class of the status.",
    );
    for (route, traffic) in routes {
        for (class, count) in traffic.by_class.iter().enumerate() {
            let class = format!("{class}xx");
            out.sample(
                "requests_total",
                &[("route", route), ("class", &class)],
                count,
            );
        }
    }
    out.family(
        "ends_total",
        "counter",
        "Requests of clients, by route and how they ended.",
    );
    for (route, traffic) in routes {
        for (end, count) in &traffic.by_end {
            out.sample(
                "ends_total",
                &[("route", route), ("end", end.name())],
                count,
            );
        }
    }
    out.family("retries_total", "counter", "Requests that were sent again.");
    for (route, traffic) in routes {
        out.sample("retries_total", &[("route", route)], traffic.retries);
    }
}

fn connections(out: &mut Text, status: &Status) {
    out.by_reason(
        "connections_unopened_total",
        "Connections of clients that were closed before a request came, by reason.",
        &status.connections_unopened,
    );
}

fn servers(out: &mut Text, status: &Status) {
    out.family(
        "server_passes_checks",
        "gauge",
        "1 if the server passes its health checks or has none, else 0.",
    );
    for of in &status.servers {
        let labels = [("role", of.role.name()), ("server", &of.server)];
        out.sample("server_passes_checks", &labels, u8::from(of.passes_checks));
    }
    out.family(
        "server_failing_threads",
        "gauge",
        "Worker threads that send nothing to the server, because their last requests to it failed.",
    );
    for of in &status.servers {
        let labels = [("role", of.role.name()), ("server", &of.server)];
        out.sample("server_failing_threads", &labels, of.failing_threads);
    }
}

fn latencies(out: &mut Text, routes: &BTreeMap<String, Traffic>) {
    out.family(
        "latency_seconds",
        "histogram",
        "Time until the last byte of the answer, by route and side.",
    );
    for (route, traffic) in routes {
        let sides = [
            ("incumbent", &traffic.incumbent),
            ("candidate", &traffic.candidate),
        ];
        for (side, histogram) in sides {
            let labels = [("route", route.as_str()), ("side", side)];
            for bucket in BUCKETS_US {
                let le = (bucket as f64 / 1e6).to_string();
                let count = histogram.count_between(0, bucket);
                out.sample(
                    "latency_seconds_bucket",
                    &[labels[0], labels[1], ("le", &le)],
                    count,
                );
            }
            let (count, all) = (histogram.len(), [labels[0], labels[1], ("le", "+Inf")]);
            out.sample("latency_seconds_bucket", &all, count);
            out.sample(
                "latency_seconds_sum",
                &labels,
                histogram.mean() * count as f64 / 1e6,
            );
            out.sample("latency_seconds_count", &labels, count);
        }
    }
}

fn ledger(out: &mut Text, status: &Status) {
    let ledger = &status.ledger;
    out.family(
        "eligible_total",
        "counter",
        "Requests that were eligible for a copy to the candidate.",
    );
    out.sample("eligible_total", &[], ledger.eligible);
    out.family(
        "compared_total",
        "counter",
        "Eligible requests that were compared.",
    );
    out.sample("compared_total", &[], ledger.compared);
    out.by_reason(
        "dropped_total",
        "Eligible requests that were not compared, by reason.",
        &ledger.dropped,
    );
}

fn gauges(out: &mut Text, status: &Status) {
    let (proof, candidate) = (&status.proof, &status.candidate);
    let gauges = [
        (
            "pending",
            "Eligible requests under way.",
            status.ledger.pending as f64,
        ),
        (
            "different_pairs",
            "Compared answers with an unexcused difference.",
            proof.different as f64,
        ),
        (
            "mismatch_upper_95",
            "Upper bound of the share of answers that differ, at 95 % confidence.",
            proof.mismatch_upper_95,
        ),
        (
            "breaker_open",
            "1 while the circuit breaker sends nothing to the candidate, else 0.",
            f64::from(u8::from(candidate.breaker_open)),
        ),
        (
            "copies_bytes",
            "Bytes of memory that copies hold.",
            candidate.memory_bytes as f64,
        ),
        (
            "candidate_in_flight",
            "Exchanges with the candidate that are under way.",
            candidate.in_flight as f64,
        ),
        (
            "connections",
            "Connections of clients.",
            status.connections as f64,
        ),
        (
            "requests_in_flight",
            "Requests of clients that are under way.",
            status.requests_in_flight as f64,
        ),
        (
            "log_lines_lost",
            "Lines that were not written to the access log.",
            status.log_lines_lost as f64,
        ),
        (
            "reloads",
            "Reloads of the configuration since the start.",
            status.reloads as f64,
        ),
    ];
    for (name, help, value) in gauges {
        out.family(name, "gauge", help);
        out.sample(name, &[], value);
    }
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string does not fail.
        let _ = writeln!(
            self.0,
            "# HELP {PREFIX}{name} {help}\n# TYPE {PREFIX}{name} {kind}"
        );
    }

    fn by_reason(&mut self, name: &str, help: &str, counts: &BTreeMap<String, u64>) {
        self.family(name, "counter", help);
        for (reason, count) in counts {
            self.sample(name, &[("reason", reason)], count);
        }
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<String> = labels
            .iter()
            .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
            .collect();
        let labels = if labels.is_empty() {
            String::new()
        } else {
            format!("{{{}}}", labels.join(","))
        };
        let _ = writeln!(self.0, "{PREFIX}{name}{labels} {value}");
    }
}

fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
