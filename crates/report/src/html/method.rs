//! How it was measured, what it does not say, how to repeat it, and what the words mean.

use super::{command, table};
use crate::figures::{count, memory, rate};
use crate::wording;
use maud::{Markup, html};
use std::collections::BTreeMap;
use understudy_model::Pacing;
use understudy_model::verdict::{Environment, Method, VerdictDocument};

pub(super) fn section(document: &VerdictDocument) -> Markup {
    let method = &document.method;
    html! {
        @if method.pacing == Pacing::Serial {
            p class="lead" {
                (count(method.requests)) @if method.requests == 1 { " case" } @else { " cases" } ", seed " (method.seed)
                ". Each run began in a fresh directory with the same environment; the sides took turns in a drawn order."
            }
        } @else {
        p class="lead" {
            (count(method.requests)) " distinct requests over " (method.connections) " connections, " (method.arrivals)
            " arrivals, seed " (method.seed) ". Both sides take turns in a drawn order, with the same arrivals; the one that rests is frozen."
        }
        }
        @if !method.rates.is_empty() { (rates(method)) }
        @if let Some(looks) = wording::looks(document) { p { "Looks: " (looks) "." } }
        dl class="facts" {
            (facts("How the sides run", &method.sides))
            (facts("Limits of each side", &method.limits))
        }
        h3 { "Machine" }
        (machine(&document.environment))
    }
}

fn rates(method: &Method) -> Markup {
    if method.pacing == Pacing::Serial {
        let pairs: u32 = method.rates.iter().map(|at| at.pairs).sum();
        return html! { p { "One run after the other, the sides in turns (ABBA): " (pairs) " pairs of measurements. One measurement is one run, or as many as take 100 ms." } };
    }
    let rows = method.rates.iter().map(|at| {
        vec![
            rate(at.rate_rps),
            at.pairs.to_string(),
            format!("{} s", at.measured_s),
            format!("{} s", at.warmup_s),
        ]
    });
    table(
        "What was measured at each rate",
        &[
            "offered rate",
            "pairs of measurements",
            "length of each",
            "warm-up before each",
        ],
        rows,
    )
}

fn facts(title: &str, named: &BTreeMap<String, String>) -> Markup {
    html! {
        @if !named.is_empty() {
            dt { (title) }
            @for (name, value) in named { dd { span class="name" { (name) } " " code { (value) } } }
        }
    }
}

fn machine(e: &Environment) -> Markup {
    let cpus = |list: &[u32]| {
        let list: Vec<String> = list.iter().map(u32::to_string).collect();
        if list.is_empty() {
            "any".to_owned()
        } else {
            list.join(", ")
        }
    };
    let lines = [
        ("Processor", format!("{}, {} CPUs", e.cpu_model, e.cpus)),
        ("Memory", memory(e.memory_bytes as f64)),
        ("System", e.kernel.clone()),
        (
            "Frequency governor",
            e.governor.clone().unwrap_or_else(|| "none".to_owned()),
        ),
        ("Control groups", e.cgroup.clone()),
        ("CPUs of the generator", cpus(&e.generator_cpus)),
        ("CPUs of the sides", cpus(&e.subject_cpus)),
        ("Began", e.started_at.clone()),
        ("Understudy", e.understudy.clone()),
    ];
    html! {
        dl class="facts" {
            @for (name, value) in lines { dt { (name) } dd { (value) } }
            (facts("SHA-256", &e.hashes))
            (facts("Versions", &e.versions))
        }
    }
}

pub(super) fn limits(document: &VerdictDocument) -> Markup {
    html! {
        @if document.limits_of_this_result.is_empty() {
            p class="absent" { "None is noted beyond those of the method." }
        } @else {
            ul class="reasons" { @for limit in &document.limits_of_this_result { li { (wording::capital(limit)) } } }
        }
    }
}

pub(super) fn repeat(document: &VerdictDocument) -> Markup {
    html! {
        p { "The run directory holds everything that this page is made of. Measure again, with the same seed, in the folder of its trial.toml:" }
        (command(&document.method.repeat))
        p { "The verdict again from the stored evidence, bit for bit, and this page from the verdict:" }
        (command("understudy judge RUN\nunderstudy report RUN"))
    }
}

/// What a reader may not have met.
const WORDS: [(&str, &str); 17] = [
    (
        "Incumbent, candidate",
        "What runs today, and what might replace it.",
    ),
    (
        "p50, p99, p99.9",
        "Of a hundred requests ninety-nine are at least as fast as p99 and one is slower; p50 is the middle one. A user who makes a hundred requests meets p99 once.",
    ),
    (
        "Latency",
        "From the time a request was due to the last byte of its answer. It counts from the intended send time, so a service that stalls does not hide what had to wait for it.",
    ),
    (
        "Open model",
        "Requests come when users send them, whether or not earlier ones were answered. The generator sends by a schedule that was drawn beforehand.",
    ),
    ("Offered rate", "Requests a second that the schedule sends."),
    (
        "Interval (95 %)",
        "The range of the true figure that the measurements support: made this way, 95 of 100 such ranges contain it.",
    ),
    (
        "Measurement, pair",
        "One side under load for some seconds. Number k of both sides make a pair, with the same arrivals and requests.",
    ),
    (
        "Change",
        "The candidate's figure divided by the incumbent's, less one: -30 % is three tenths less.",
    ),
    (
        "A/A",
        "The incumbent compared with itself: what this machine calls a difference when there is none.",
    ),
    (
        "Smallest detectable effect",
        "The change that these pairs would have shown nine times of ten. \u{201c}No significant difference\u{201d} means: none larger than that was detected.",
    ),
    (
        "p, Holm",
        "How often chance alone gives a difference like this one; Holm's correction allows for many questions asked at once.",
    ),
    (
        "Objective (SLO)",
        "What each side has to hold: a bound on a latency or on the share of errors.",
    ),
    (
        "Goal",
        "What the rewrite is for: by how much the candidate has to be below the incumbent.",
    ),
    (
        "Tuned",
        "The incumbent with another heap, collector or setting. What it reaches is not a reason to replace anything.",
    ),
    (
        "Gate",
        "What had to hold for the measurement to be trusted. One that fails makes the result invalid.",
    ),
    (
        "Noise, rule",
        "A place where the incumbent differs from itself, and a difference that a person accepted: both excuse.",
    ),
    (
        "RSS, PSS",
        "Memory of the processes: all resident pages, or with shared pages counted once.",
    ),
];

pub(super) fn words() -> Markup {
    html! {
        details {
            summary { "What the words of this page mean" }
            dl class="body words" { @for (word, meaning) in WORDS { dt { (word) } dd { (super::typeset(meaning)) } } }
        }
    }
}
