//! The verdict on one screen: at most 24 lines of 100 columns.

use crate::figures::{count, quantile};
pub use crate::page::Style;
use crate::page::{LABEL, Page};
use crate::{against_itself, cautions, edges, growth, history, quality, self_test, wording};
use understudy_model::edges::Edges;
use understudy_model::history::History;
use understudy_model::verdict::{
    Comparison, Equivalence, Held, LatencyComparison, Resource, ResourceComparison, Verdict,
    VerdictDocument,
};
use understudy_model::{Pacing, Role};

/// Differences, reasons and operations shown; the document has all.
const CLUSTERS: usize = 3;
const OPERATIONS: usize = 2;
const REASONS: usize = 3;
/// Characters shown of a value.
const VALUE: usize = 30;

/// Where the last column of the table begins.
const LAST_COLUMN: usize = 49;
/// Below this width the table has two lines a row.
const NARROW: usize = 76;

/// The verdict, its reasons, and the figures that they rest on: what fits on a screen. The report has all.
pub fn summary(document: &VerdictDocument, earlier: Option<&History>, style: Style) -> String {
    let mut page = Page::new(style);
    let word = wording::headline(document.verdict).to_uppercase();
    page.line(LABEL, &format!("{word}  {}", document.name));
    for reason in document.because.iter().take(REASONS) {
        page.line(4, &format!("  because {}", reason.text));
    }
    page.rest(document.because.len(), REASONS, "reason");
    for caution in cautions::of(document) {
        page.line(4, &format!("  note    {caution}"));
    }
    if let Some(comparison) = wording::of_contender(document, Role::Candidate) {
        page.comparison(document, comparison);
    }
    if let Some(comparison) = wording::of_contender(document, Role::Tuned) {
        page.tuning(document, comparison);
    }
    page.objectives(document);
    let capacities = document.capacity.iter();
    page.of_sides(
        "capacity",
        capacities.map(|of| (of.side, crate::knee::short(&of.capacity))),
    );
    let floors = document.memory_floors.iter();
    page.of_sides(
        "memory floor",
        floors.map(|of| (of.side, crate::memory_floor::short(of))),
    );
    if let Some(counted) = crate::instructions::sentence(document) {
        page.labelled("instructions", &counted);
    }
    if let Some(earlier) = earlier {
        page.history(earlier);
    }
    page.gates(document);
    if style.colour {
        let coloured = format!("\u{1b}[{}m{word}\u{1b}[0m", colour(document.verdict));
        page.text.replace_range(..word.len(), &coloured);
    }
    page.text
}

/// The code of the verdict's colour (ECMA-48 SGR).
pub(crate) fn colour(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Replace | Verdict::NoWorse => "1;32",
        Verdict::Keep => "1;34",
        Verdict::Inconclusive => "1;33",
        Verdict::NotEquivalent | Verdict::Invalid | Verdict::Worse => "1;31",
    }
}

impl Page {
    /// How many more things of a kind (in the singular) there are.
    fn rest(&mut self, all: usize, shown: usize, what: &str) {
        if all > shown {
            let more = all - shown;
            let s = match (more, what.ends_with('s')) {
                (1, _) => "",
                (_, true) => "es",
                (_, false) => "s",
            };
            self.line(2, &format!("  {more} more {what}{s} in the report"));
        }
    }

    /// One figure of each side on one line.
    fn of_sides(&mut self, label: &str, figures: impl Iterator<Item = (Role, String)>) {
        let all: Vec<String> = figures
            .map(|(side, text)| format!("{side} {text}"))
            .collect();
        if !all.is_empty() {
            self.labelled(label, &all.join("; "));
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
        self.empty();
        self.equivalence(document.method.pacing, &comparison.equivalence);
        if let Some(said) = quality::short(&comparison.quality) {
            self.labelled("bits", &said);
        }
        for said in comparison
            .quality_over_clips
            .iter()
            .filter_map(quality::over_clips)
        {
            self.labelled("", &said);
        }
        if let Some(test) = comparison.self_test.as_ref().filter(|test| test.missed > 0) {
            self.labelled("self-test", &self_test::sentence(test));
        }
        if let Some(under_load) = &comparison.under_load {
            let label = match document.method.pacing {
                Pacing::Offered => "under load",
                Pacing::Serial => "while timed",
            };
            self.labelled(label, &wording::under_load(under_load));
        }
        if let Some(of) = &comparison.edges {
            self.edges(of);
        }
        // One table: the rate at which the primary outcome is judged.
        let rates = wording::rates(&comparison.latency, &comparison.resources);
        let Some(shown) = shown_rate(document, &rates) else {
            return;
        };
        self.empty();
        let sides = [comparison.baseline.name(), comparison.contender.name()];
        let label = match shown == Pacing::NO_RATE {
            true => "per run".to_owned(),
            false => wording::at(shown),
        };
        self.row(&label, sides, "change (95 % interval)");
        let latency = comparison.latency.iter();
        let here = latency.filter(|line| line.rate_rps == shown && is_shown(document, line));
        // What this run resolved comes first, what it did not is a short line behind it.
        let (resolved, open): (Vec<_>, Vec<_>) = here.partition(|line| wording::is_resolved(line));
        for line in resolved {
            self.latency(document, line);
        }
        self.resources(document, &comparison.resources, shown);
        self.growth(comparison);
        self.open(document, &open);
        self.rest(rates.len(), 1, "rate");
    }

    /// What tuning alone gains at the primary rate.
    fn tuning(&mut self, document: &VerdictDocument, comparison: &Comparison) {
        self.empty();
        let sides = [comparison.baseline.name(), comparison.contender.name()];
        self.row("tuning alone", sides, "change (95 % interval)");
        if document.method.pacing == Pacing::Serial {
            self.resources(document, &comparison.resources, Pacing::NO_RATE);
            self.growth(comparison);
        }
        let latency = comparison.latency.iter();
        for line in latency.filter(|line| wording::is_primary(document, line)) {
            let is_resolved = wording::is_resolved(line);
            if is_resolved {
                self.latency(document, line);
            }
            self.resources(document, &comparison.resources, line.rate_rps);
            if !is_resolved {
                self.open(document, &[line]);
            }
        }
        if comparison.equivalence.different > 0 {
            self.labelled("  answers", &wording::ledger(&comparison.equivalence));
        }
    }

    fn equivalence(&mut self, pacing: Pacing, e: &Equivalence) {
        self.labelled("answers", &wording::ledger(e));
        self.labelled("", &wording::mismatch(pacing, e));
        let causes = wording::causes(&e.clusters);
        for cause in causes.iter().take(CLUSTERS) {
            self.cause(cause);
        }
        self.rest(causes.len(), CLUSTERS, "difference");
    }

    /// Edge requests: the classes that differ, a line each.
    fn edges(&mut self, of: &Edges) {
        self.labelled("edge requests", &edges::ledger(of));
        for cluster in of.clusters.iter().take(CLUSTERS) {
            self.labelled("  different", &edges::sentence(cluster));
        }
        self.rest(of.clusters.len(), CLUSTERS, "class");
    }

    fn cause(&mut self, cause: &wording::Cause<'_>) {
        let cluster = cause.largest;
        self.labelled("  different", &cause.sentence());
        if let Some(example) = cluster.examples.first() {
            let (a, b) = (
                wording::value(&example.baseline),
                wording::value(&example.contender),
            );
            let same = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
            let [baseline, contender] = [a, b].map(|value| shortened(value, same));
            self.labelled("", &format!("incumbent {baseline}, candidate {contender}"));
        }
        if !cluster.reproduce.is_empty() {
            self.command(&cluster.reproduce);
        }
        if let Some(rule) = cause.rule() {
            let keys = rule.join(", ");
            self.labelled("", &format!("accepted by [[compare.rule]] with {keys}"));
        }
    }

    fn latency(&mut self, document: &VerdictDocument, line: &LatencyComparison) {
        let label = format!("  {}", wording::latency_label(line));
        let primary = match wording::is_primary(document, line) {
            true => "  primary",
            false => "",
        };
        let sides = [line.baseline_us, line.contender_us]
            .map(|side| wording::estimate(side, crate::figures::time));
        self.row(
            &label,
            [&sides[0], &sides[1]],
            &format!("{}{primary}", wording::resolved(line.ratio)),
        );
    }

    /// Quantiles that this run did not resolve; those that are not judged for the same reason on one line.
    fn open(&mut self, document: &VerdictDocument, lines: &[&LatencyComparison]) {
        let (judged, not_judged): (Vec<_>, Vec<_>) = lines.iter().partition(|line| line.judged);
        for line in judged {
            self.latency(document, line);
        }
        let mut rest = &not_judged[..];
        while let Some(first) = rest.first() {
            let why = wording::not_judged(first);
            let alike = rest.iter().take_while(|line| {
                line.operation == first.operation && wording::not_judged(line) == why
            });
            let (alike, others) = rest.split_at(alike.count());
            let more: Vec<String> = alike[1..]
                .iter()
                .map(|line| format!(", {}", quantile(line.quantile)))
                .collect();
            let label = format!("  {}{}", wording::latency_label(first), more.concat());
            self.line(4, &format!("{label:<22}not judged: {why}"));
            rest = others;
        }
    }

    /// CPU time, and memory by the fairest figure that there is.
    fn resources(&mut self, document: &VerdictDocument, all: &[ResourceComparison], rate_rps: f64) {
        let here = |of: Resource| {
            let mut all = all.iter().filter(|line| line.rate_rps == rate_rps);
            all.find(|line| line.resource == of)
        };
        let times = [
            Resource::WallUsPerRun,
            Resource::StartupUs,
            Resource::CpuUsPerRequest,
        ];
        for of in times {
            if let Some(line) = here(of) {
                self.resource(line, wording::is_primary_resource(document, line));
            }
        }
        let memory = [
            Resource::PeakPssBytes,
            Resource::PeakRssBytes,
            Resource::PeakCgroupBytes,
        ];
        let mut measured = memory.into_iter().filter_map(here);
        if let Some(memory) = measured.find(|line| line.unmeasured.is_none()) {
            self.resource(memory, false);
        }
    }

    fn resource(&mut self, line: &ResourceComparison, is_primary: bool) {
        if let Some(why) = &line.unmeasured {
            // One line says it for all of them.
            if line.resource == Resource::CpuUsPerRequest {
                self.line(4, &format!("{:<22}unmeasured: {why}", "  resources"));
            }
            return;
        }
        // The head of the table says of what.
        let label = match line.resource {
            Resource::WallUsPerRun => "  wall time",
            Resource::CpuUsPerRequest if line.rate_rps == Pacing::NO_RATE => "  CPU time",
            of => &format!("  {}", of.label()),
        };
        let sides = [line.baseline, line.contender]
            .map(|side| wording::estimate(side, |v| wording::resource(line.resource, v)));
        let primary = match is_primary {
            true => "  primary",
            false => "",
        };
        let said = format!("{}{primary}", wording::effect(line.ratio));
        self.row(label, [&sides[0], &sides[1]], &said);
    }

    /// How much of a run its start is, and how the time grows with the size of a case.
    fn growth(&mut self, comparison: &Comparison) {
        self.of_sides("  start-up", growth::start_of_run(comparison).into_iter());
        for of in comparison.growth.iter().take(OPERATIONS) {
            let prefix = match comparison.growth.len() {
                1 => String::new(),
                _ => format!("{} ", of.operation),
            };
            if let (Some(a), Some(b)) = (&of.baseline.line, &of.contender.line) {
                let label = format!("  {prefix}per unit ({})", of.unit);
                let units = [a, b].map(|line| {
                    wording::estimate(Some(line.us_per_unit), crate::figures::short_time)
                });
                self.row(&label, [&units[0], &units[1]], &growth::change_per_unit(of));
                let fixed =
                    [a, b].map(|line| wording::estimate(Some(line.fixed_us), crate::figures::time));
                let each =
                    growth::sides(of, comparison).map(|(_, side)| growth::throughput(of, side));
                self.row(
                    &format!("  {prefix}fixed"),
                    [&fixed[0], &fixed[1]],
                    &format!("beyond it {} and {}", each[0], each[1]),
                );
            } else {
                let sides = growth::sides(of, comparison);
                let sides = sides.map(|(side, line)| format!("{side} {}", growth::line(of, line)));
                self.labelled("  by size", &format!("{prefix}{}", sides.join("; ")));
            }
            if let Some((deadline, sides)) = growth::deadlines(of, comparison) {
                let sides = sides.into_iter();
                let sides: Vec<String> =
                    sides.map(|(side, text)| format!("{side} {text}")).collect();
                self.labelled(
                    "  deadline",
                    &format!("{deadline}: {prefix}{}", sides.join("; ")),
                );
            }
        }
        self.rest(comparison.growth.len(), OPERATIONS, "operation");
    }

    /// What is held by all sides is one line; what is missed or open is one each.
    fn objectives(&mut self, document: &VerdictDocument) {
        let all: Vec<_> = wording::objectives(document).collect();
        let sides = |objective: &wording::Objective<'_>| {
            let mut all = vec![(Role::Incumbent, objective.incumbent.held)];
            all.extend(objective.candidate.map(|slo| (Role::Candidate, slo.held)));
            all.extend(objective.tuned.map(|slo| (Role::Tuned, slo.held)));
            all
        };
        let is_held = |objective: &&wording::Objective<'_>| {
            sides(objective)
                .iter()
                .all(|(_, held)| *held == Held::Holds)
        };
        let held = all.iter().filter(is_held).count();
        let open: Vec<_> = all.iter().filter(|objective| !is_held(objective)).collect();
        if !all.is_empty() {
            self.empty();
        }
        if held > 0 {
            let what = match held {
                1 => "1 objective is held".to_owned(),
                n => format!("{n} objectives are held"),
            };
            self.labelled("objectives", &format!("{what} by every side"));
        }
        for objective in open {
            // What is missed catches the eye without colour.
            let word = |(side, held): (Role, Held)| match held {
                Held::Misses => format!("{side} MISSES"),
                _ => format!("{side} {}", wording::objective_held(held)),
            };
            let slo = objective.incumbent;
            let sides: Vec<String> = sides(objective).into_iter().map(word).collect();
            let text = format!(
                "{} {}: {}",
                slo.slo,
                wording::at(slo.rate_rps),
                sides.join(", ")
            );
            self.labelled("objective", &text);
        }
        // The reasons name the goals that decided.
        let is_named = |goal: &str| {
            let name = format!("{goal:?}");
            document
                .because
                .iter()
                .any(|reason| reason.text.contains(&name))
        };
        let judged = document.goals.iter().filter(|goal| goal.ratio.is_some());
        for goal in judged.filter(|goal| !is_named(&goal.goal)) {
            self.labelled("goal", &format!("{}: {}", goal.goal, wording::goal(goal)));
        }
    }

    /// One line for the runs, and one or two a figure that they have.
    fn history(&mut self, earlier: &History) {
        self.labelled("earlier runs", &history::short_overview(earlier));
        for figure in &earlier.figures {
            for line in history::short(figure) {
                self.labelled("", &line);
            }
        }
    }

    fn gates(&mut self, document: &VerdictDocument) {
        if let Some(looks) = wording::looks_in_brief(document) {
            self.labelled("looks", &looks);
        }
        if let Some(text) = against_itself::sentence(document) {
            self.labelled("A/A", &text);
        }
        for refused in &document.refused {
            self.labelled("refused", refused);
        }
        let limits = document.limits_of_this_result.len();
        // Gates that failed are the reasons of the verdict.
        let all_held = document.gates.iter().all(|gate| gate.passed);
        if !document.gates.is_empty() && all_held {
            let gates = count(document.gates.len() as u64);
            self.labelled(
                "gates",
                &format!("all {gates} held; {limits} limits of this result are in the report"),
            );
        } else if limits > 0 {
            self.labelled("limits", &format!("{limits}, in the report"));
        }
    }
}

/// The rate that the screen shows: the primary one, else the highest.
fn shown_rate(document: &VerdictDocument, rates: &[f64]) -> Option<f64> {
    let primary = document.primary.as_ref().map(|primary| primary.rate_rps);
    primary
        .filter(|rate| rates.contains(rate))
        .or_else(|| rates.last().copied())
}

/// The screen shows the middle and the primary outcome, and what an objective is about.
fn is_shown(document: &VerdictDocument, line: &LatencyComparison) -> bool {
    line.quantile == 0.5 && line.operation == "*" || wording::is_primary(document, line)
}

/// As much of a value as fits next to another one, around the first character in which the two differ.
fn shortened(value: &str, differs_at: usize) -> String {
    let skipped = match differs_at + VALUE / 3 > VALUE {
        true => differs_at - VALUE / 3,
        false => 0,
    };
    let shown: String = value.chars().skip(skipped).take(VALUE).collect();
    let before = if skipped > 0 { "..." } else { "" };
    let after = if value.chars().count() > skipped + VALUE {
        "..."
    } else {
        ""
    };
    format!("{before}{shown}{after}")
}
