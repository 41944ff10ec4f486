//! The screen leads with what a run resolved, and an interval that says nothing is not shown as a figure.

use crate::fixtures::{self, estimate};
use understudy_model::Pacing;
use understudy_model::floor::FloorRuns;
use understudy_model::verdict::{LatencyComparison, VerdictDocument};
use understudy_report::terminal::{Style, summary};
use understudy_report::{html, junit, markdown};

/// Three ratios of p99, from a third to nine times: what the README once showed.
fn uninformative() -> VerdictDocument {
    let mut document = fixtures::replace();
    let text = "the incumbent against itself: -10.3 % (95 % interval -77.9 % to +264.4 %; limit 5 % if significant at 2 %)";
    for gate in document.gates.iter_mut().filter(|gate| gate.code == "aa") {
        gate.text = text.to_owned();
    }
    for aa in document.aa.iter_mut().filter(|aa| aa.quantile == 0.99) {
        aa.ratio = Some(estimate(0.221, 0.897, 3.644));
        aa.pairs = 3;
    }
    document
}

fn screen(document: &VerdictDocument) -> String {
    summary(document, None, Style::default())
}

#[test]
fn an_interval_that_says_nothing_is_a_sentence_with_what_would_help() {
    let document = uninformative();
    let forms = [
        screen(&document),
        markdown::summary(&document, None),
        junit::document(&document),
        html::page(&document, None, None, None).replace(['\u{a0}', '\u{2212}'], " "),
    ];
    for form in forms {
        assert!(
            form.contains("3 ratios vary too much; about 6 are needed"),
            "{form}"
        );
        for end in ["77.9 %", "264.4 %", "3.6 times"] {
            assert!(!form.contains(end), "{end}: {form}");
        }
    }
    // What is informative comes first.
    let line = "A/A           incumbent against itself at 4,000/s: CPU per request +1.3 % (-3.5 % to +6.4 %); p99 not informative";
    assert!(screen(&document).contains(line), "{}", screen(&document));
}

#[test]
fn latencies_that_a_gate_refused_are_not_compared_with_themselves_either() {
    let screen = screen(&fixtures::disturbed());
    assert!(
        screen.contains("against itself at 4,000/s: CPU per request"),
        "{screen}"
    );
    assert!(!screen.contains("p99 not informative"), "{screen}");
}

fn position(text: &str, part: &str) -> usize {
    text.find(part)
        .unwrap_or_else(|| panic!("{part} in {text}"))
}

fn ascends(text: &str, parts: &[&str]) {
    let at: Vec<usize> = parts.iter().map(|part| position(text, part)).collect();
    assert!(at.is_sorted(), "{parts:?} at {at:?}: {text}");
}

#[test]
fn what_is_resolved_comes_before_what_is_refused() {
    let document = fixtures::disturbed();
    ascends(
        &screen(&document),
        &[
            "REPLACE",
            "because",
            "CPU per request          80.7 us",
            "peak PSS",
            "latency p50, p99    not judged: a gate that bears on it failed",
            "incumbent refused",
            "refused       latencies",
        ],
    );
    let page = html::page(&document, None, None, None);
    ascends(
        &page,
        &[
            "<h3>CPU per request</h3>",
            "<h3>Peak PSS</h3>",
            "<h3>Latency p99</h3>",
            "Refused: latencies",
            "id=\"effects\"",
            "id=\"latency\"",
        ],
    );
    // Where latencies are judged they lead.
    let page = html::page(&fixtures::replace(), None, None, None);
    ascends(
        &page,
        &[
            "<h3>Latency p99</h3>",
            "<h3>CPU per request</h3>",
            "id=\"latency\"",
            "id=\"effects\"",
        ],
    );
}

#[test]
fn a_change_that_is_not_resolved_is_no_headline() {
    let mut document = fixtures::replace();
    let wide = |line: &mut LatencyComparison| line.ratio = Some(estimate(0.17, 1.218, 8.732));
    document.comparisons[0]
        .latency
        .iter_mut()
        .filter(|line| line.quantile == 0.99)
        .for_each(wide);
    let page = html::page(&document, None, None, None);
    let tiles = &page[position(&page, "class=\"tiles\"")..position(&page, "<nav")];
    ascends(
        tiles,
        &["CPU per request", "<h3>Latency p99</h3>", "not resolved"],
    );
    assert!(!tiles.contains("<p class=\"figure\">+21.8"), "{tiles}");
    ascends(
        &screen(&document),
        &[
            "latency p50",
            "  CPU per request   ",
            "peak PSS",
            "not resolved by this run",
        ],
    );
}

/// The memory floors of the fixtures, as those of commands are.
fn of_commands() -> VerdictDocument {
    let mut document = fixtures::replace();
    document.method.pacing = Pacing::Serial;
    for floor in &mut document.memory_floors {
        floor.rate_rps = Pacing::NO_RATE;
        (floor.verified_bytes, floor.verified_s) = (None, None);
        floor.objectives = vec!["runs that end as they did".to_owned()];
        floor.runs = Some(FloorRuns {
            cases: vec![2, 5],
            of: 20,
            wall_us: 900.0,
            slower: 0.2,
        });
        for point in &mut floor.curve {
            point.wall_us = point.p99_us.take();
        }
    }
    document
}

#[test]
fn a_memory_floor_of_commands_speaks_of_runs() {
    let document = of_commands();
    let page = html::page(&document, None, None, None);
    let page = page.replace(['\u{a0}', '\u{202f}'], " ");
    let section = &page[position(&page, "id=\"memory-floor\"")..position(&page, "id=\"answers\"")];
    for form in [section, &markdown::summary(&document, None)] {
        let said = "the 2 cases of 20 that need the most memory (2, 5) ended right and at most 20.0 % slower than \
                    without a limit in each of 3 trials";
        assert!(form.contains(said), "{form}");
    }
    let mut early = document.clone();
    early.memory_floors[0].because = Some("the search stopped after its 10m (`budget`)".to_owned());
    let early = markdown::summary(&early, None);
    assert!(
        early.contains("3 trials; the search stopped after its 10m"),
        "{early}"
    );
    for said in [
        "wall time per run",
        "20.0 % slower than without a limit",
        "runs took too long",
    ] {
        assert!(section.contains(said), "{said}: {section}");
    }
    for of_load in ["p99", "put under", "0/s"] {
        assert!(!section.contains(of_load), "{of_load}: {section}");
    }
    assert!(screen(&document).contains("memory floor"));
}
