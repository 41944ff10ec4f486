//! The verdict in about 25 lines of text.

use crate::figures::{count, rate};
pub use crate::page::Style;
use crate::page::{LABEL, Page};
use crate::{self_test, tail, warm_up, wording};
use understudy_model::Side;
use understudy_model::proof::SelfTest;
use understudy_model::verdict::{
    Cluster, Comparison, Equivalence, Held, LatencyComparison, Resource, ResourceComparison,
    Verdict, VerdictDocument,
};

/// Differences and reasons shown; the document has all.
const CLUSTERS: usize = 3;
const REASONS: usize = 4;
const NOISE: usize = 3;
const HIDING: usize = 3;

/// Where the last column of the table begins.
const LAST_COLUMN: usize = 49;
/// Below this width the table has two lines a row.
const NARROW: usize = 76;

/// The verdict, its reasons, and the figures behind them.
pub fn summary(document: &VerdictDocument, style: Style) -> String {
    let mut page = Page::new(style);
    let word = wording::headline(document.verdict).to_uppercase();
    page.line(LABEL, &format!("{word}  {}", document.name));
    for reason in document.because.iter().take(REASONS) {
        page.line(4, &format!("  because {}", reason.text));
    }
    page.rest(document.because.len(), REASONS, "reasons");
    if let Some(comparison) = wording::of_contender(document, Side::Candidate) {
        page.comparison(document, comparison);
    }
    if let Some(comparison) = wording::of_contender(document, Side::Tuned) {
        page.tuning(document, comparison);
    }
    page.tails(document);
    page.objectives(document);
    for of in &document.capacity {
        let found = crate::knee::sentence(&of.capacity);
        page.labelled("capacity", &format!("{}: {found}", of.side));
    }
    for of in &document.memory_floors {
        let found = crate::memory_floor::sentence(of);
        page.labelled("memory floor", &format!("{}: {found}", of.side));
    }
    page.gates(document);
    for limit in &document.limits_of_this_result {
        page.labelled("limit", limit);
    }
    if style.colour {
        let coloured = format!("\u{1b}[{}m{word}\u{1b}[0m", colour(document.verdict));
        page.text.replace_range(..word.len(), &coloured);
    }
    page.text
}

/// The code of the verdict's colour (ECMA-48 SGR).
fn colour(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Replace | Verdict::NoWorse => "1;32",
        Verdict::Keep => "1;34",
        Verdict::Inconclusive => "1;33",
        Verdict::NotEquivalent | Verdict::Invalid | Verdict::Worse => "1;31",
    }
}

impl Page {
    fn rest(&mut self, all: usize, shown: usize, what: &str) {
        if all > shown {
            self.line(
                2,
                &format!("  and {} more {what} in verdict.json", all - shown),
            );
        }
    }

    fn is_narrow(&self) -> bool {
        self.width.is_some_and(|width| width < NARROW)
    }

    /// A row of the table: label, both sides, what is said about them.
    fn row(&mut self, label: &str, [baseline, contender]: [&str; 2], last: &str) {
        if self.is_narrow() {
            self.line(4, label);
            self.line(6, &format!("    {baseline} -> {contender}, {last}"));
        } else {
            let text = format!("{label:<22}{baseline:>12}{contender:>12}   {last}");
            self.line(LAST_COLUMN, &text);
        }
    }

    fn comparison(&mut self, document: &VerdictDocument, comparison: &Comparison) {
        self.equivalence(&comparison.equivalence);
        if let Some(test) = &comparison.self_test {
            self.self_test(test);
        }
        if let Some(under_load) = &comparison.under_load {
            self.labelled("under load", &wording::under_load(under_load));
        }
        for rate_rps in wording::rates(&comparison.latency, &comparison.resources) {
            self.empty();
            let sides = [comparison.baseline.name(), comparison.contender.name()];
            let label = format!("at {}", rate(rate_rps));
            self.row(&label, sides, "change (95 % interval)");
            let latency = comparison.latency.iter();
            for line in latency.filter(|line| line.rate_rps == rate_rps) {
                self.latency(document, line);
            }
            let resources = comparison.resources.iter();
            for line in resources.filter(|line| line.rate_rps == rate_rps) {
                self.resource(line);
            }
        }
    }

    /// What tuning alone gains: its answers, and the figures that people ask for at the primary rate.
    fn tuning(&mut self, document: &VerdictDocument, comparison: &Comparison) {
        self.empty();
        let answers = format!("answers: {}", wording::ledger(&comparison.equivalence));
        self.labelled("tuning alone", &answers);
        let latency = comparison.latency.iter();
        let primary = latency.filter(|line| wording::is_primary(document, line));
        for line in primary {
            let sides = [comparison.baseline.name(), comparison.contender.name()];
            let label = format!("at {}", rate(line.rate_rps));
            self.row(&label, sides, "change (95 % interval)");
            self.latency(document, line);
            let here = comparison.resources.iter();
            for resource in here.filter(|of| of.rate_rps == line.rate_rps) {
                self.resource(resource);
            }
        }
    }

    fn equivalence(&mut self, e: &Equivalence) {
        self.empty();
        self.labelled("equivalence", &wording::ledger(e));
        self.labelled("", &wording::mismatch(e));
        for noise in e.noise.iter().take(NOISE) {
            self.labelled("  noise", &wording::noise(noise));
        }
        self.rest(e.noise.len(), NOISE, "noisy places");
        for cluster in e.clusters.iter().take(CLUSTERS) {
            self.cluster(cluster);
        }
        self.rest(e.clusters.len(), CLUSTERS, "differences");
    }

    fn self_test(&mut self, test: &SelfTest) {
        self.labelled("self-test", &self_test::sentence(test));
        for hiding in test.hidden_by.iter().take(HIDING) {
            self.labelled("  hidden", &self_test::hiding(hiding));
        }
        self.rest(test.hidden_by.len(), HIDING, "of what hides faults");
    }

    fn cluster(&mut self, cluster: &Cluster) {
        let what = format!("{}: {}", wording::place(cluster), wording::seen(cluster));
        self.labelled("  DIFFERENT", &what);
        if let Some(example) = cluster.examples.first() {
            let [baseline, contender] =
                [&example.baseline, &example.contender].map(|v| wording::value(v));
            self.labelled("", &format!("incumbent {baseline}"));
            self.labelled("", &format!("candidate {contender}"));
        }
        if !cluster.reproduce.is_empty() {
            self.command(&cluster.reproduce);
        }
    }

    fn latency(&mut self, document: &VerdictDocument, line: &LatencyComparison) {
        let label = format!("  {}", wording::latency_label(line));
        if !line.judged {
            let why = wording::not_judged(line);
            return self.line(4, &format!("{label:<22}not judged: {why}"));
        }
        let note = wording::no_difference(line).map_or_else(String::new, |n| format!("; {n}"));
        let primary = match wording::is_primary(document, line) {
            true => "  <- primary",
            false => "",
        };
        let sides = [line.baseline_us, line.contender_us]
            .map(|side| wording::estimate(side, crate::figures::time));
        self.row(
            &label,
            [&sides[0], &sides[1]],
            &format!("{}{note}{primary}", wording::effect(line.ratio)),
        );
    }

    fn resource(&mut self, line: &ResourceComparison) {
        if let Some(why) = &line.unmeasured {
            // One line says it for all of them.
            if line.resource == Resource::CpuUsPerRequest {
                self.line(4, &format!("{:<22}unmeasured: {why}", "  resources"));
            }
            return;
        }
        let label = format!("  {}", line.resource.label());
        let sides = [line.baseline, line.contender]
            .map(|side| wording::estimate(side, |v| wording::resource(line.resource, v)));
        self.row(&label, [&sides[0], &sides[1]], &wording::effect(line.ratio));
    }

    fn tails(&mut self, document: &VerdictDocument) {
        for side in &document.warm_up {
            self.labelled("warm-up", &warm_up::sentence(side));
        }
        for tail in tail::primary(document) {
            self.labelled("tail", &tail::sentence(tail));
        }
    }

    fn objectives(&mut self, document: &VerdictDocument) {
        if !document.slo.is_empty() || !document.goals.is_empty() {
            self.empty();
        }
        // What is missed catches the eye without colour.
        let loud = |held: Held, word: &str| match held {
            Held::Misses => word.to_uppercase(),
            _ => word.to_owned(),
        };
        let word = |held| loud(held, wording::objective_held(held));
        for objective in wording::objectives(document) {
            let incumbent = objective.incumbent;
            let tuned = objective.tuned.map(|slo| word(slo.held));
            let text = format!(
                "{} at {}: incumbent {}, candidate {}{}",
                incumbent.slo,
                rate(incumbent.rate_rps),
                word(incumbent.held),
                objective
                    .candidate
                    .map_or("-".to_owned(), |slo| word(slo.held)),
                tuned.map_or_else(String::new, |tuned| format!(", tuned {tuned}")),
            );
            self.labelled("objective", &text);
        }
        for goal in &document.goals {
            let quiet = wording::goal_held(goal);
            let text = wording::goal(goal).replacen(quiet, &loud(goal.held, quiet), 1);
            self.labelled("goal", &format!("{}: {text}", goal.goal));
        }
        for goal in &document.tuned_goals {
            let text = format!("{}, by tuning alone: {}", goal.goal, wording::goal(goal));
            self.labelled("goal", &text);
        }
    }

    fn gates(&mut self, document: &VerdictDocument) {
        if let Some(text) = wording::looks(document) {
            self.labelled("looks", &text);
        }
        if let Some(text) = wording::against_itself(document) {
            self.labelled("A/A", &text);
        }
        // Gates that failed are the reasons of the verdict.
        if !document.gates.is_empty() && document.gates.iter().all(|gate| gate.passed) {
            let held = format!("all {} held", count(document.gates.len() as u64));
            self.labelled("gates", &held);
        }
    }
}
