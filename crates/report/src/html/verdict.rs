//! What a leader reads: the verdict, what it means, why, and the key figures.

use super::{more, typeset};
use crate::figures::{change, count, rate, share, time};
use crate::wording::{self, Direction};
use maud::{Markup, html};
use understudy_model::verdict::{
    Comparison, Estimate, LatencyComparison, Resource, ResourceComparison, Verdict, VerdictDocument,
};
use understudy_model::{Pacing, Role};

/// Name of the trial, when and with what.
pub(super) fn masthead(document: &VerdictDocument) -> Markup {
    let environment = &document.environment;
    let when = environment
        .started_at
        .get(..16)
        .unwrap_or(&environment.started_at);
    html! {
        header {
            p class="brand" { "Understudy " span { "trial report" } }
            h1 { (document.name) }
            p class="when" {
                @if !when.is_empty() { (when.replace('T', " ")) " UTC" }
                @if !document.method.level.is_empty() { " \u{b7} level " (document.method.level) }
            }
        }
    }
}

/// The verdict with its reasons and key figures.
pub(super) fn section(document: &VerdictDocument) -> Markup {
    let (class, sign) = look(document.verdict);
    html! {
        section class={"verdict " (class)} aria-labelledby="verdict-title" {
            div class="answer" {
                span class="sign" aria-hidden="true" { (sign) }
                h2 id="verdict-title" { span class="unseen" { "Verdict: " } (wording::headline(document.verdict)) }
            }
            p class="meaning" { (wording::meaning(document)) }
            @if !document.because.is_empty() {
                h3 class="because" { "Because" }
                ul class="reasons" { @for reason in &document.because { li { (typeset(&reason.text)) } } }
            }
            (figures(document))
        }
        @if let Some(comparison) = wording::of_contender(document, Role::Candidate) { (tiles(document, comparison)) }
        @for refused in &document.refused { p class="note" { "Refused: " (typeset(refused)) "." } }
    }
}

/// Class and sign of a verdict; the sign is read without its colour.
pub(super) fn look(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Replace | Verdict::NoWorse => ("good", "\u{2713}"),
        Verdict::Keep => ("keep", "="),
        Verdict::Inconclusive => ("open", "?"),
        Verdict::NotEquivalent => ("bad", "\u{2260}"),
        Verdict::Worse => ("bad", "\u{2715}"),
        Verdict::Invalid => ("bad", "!"),
    }
}

/// The figures of the reasons as they are in `verdict.json`.
fn figures(document: &VerdictDocument) -> Markup {
    let named = document.because.iter().flat_map(|reason| {
        let figures = reason.figures.iter();
        figures.map(|(name, value)| vec![reason.code.clone(), name.clone(), value.to_string()])
    });
    let rows: Vec<_> = named.collect();
    html! {
        @if !rows.is_empty() {
            (more("Figures of the reasons", super::table("As in verdict.json", &["reason", "figure", "value"], rows)))
        }
    }
}

/// A key figure.
struct Tile {
    title: String,
    /// The figure, in large type.
    figure: String,
    /// What it is a change between.
    between: String,
    /// Its interval, or what could have been seen.
    interval: String,
    tone: Option<Tone>,
    /// Not judged, not resolved or not measured: it comes behind what is.
    open: bool,
}

/// How a figure went, shown by sign, word and colour.
#[derive(Clone, Copy)]
struct Tone {
    class: &'static str,
    said: &'static str,
}

impl Tone {
    /// Less is better for everything that is compared as a ratio.
    fn of(ratio: Estimate) -> Self {
        let class = direction_class(Some(ratio));
        match wording::direction(ratio) {
            Direction::Lower => Tone {
                class,
                said: "\u{25bc} lower",
            },
            Direction::Higher => Tone {
                class,
                said: "\u{25b2} higher",
            },
            Direction::Unclear => Tone {
                class,
                said: "\u{25c6} no significant difference",
            },
        }
    }
}

/// The colour of a ratio: less is better.
pub(super) fn direction_class(ratio: Option<Estimate>) -> &'static str {
    match ratio.map(wording::direction) {
        Some(Direction::Lower) => "better",
        Some(Direction::Higher) => "worse",
        Some(Direction::Unclear) | None => "same",
    }
}

/// The four or five figures that people ask for.
pub(super) fn tiles(document: &VerdictDocument, comparison: &Comparison) -> Markup {
    let nothing = comparison.latency.is_empty() && comparison.resources.is_empty();
    let refused = document.verdict == Verdict::Invalid;
    let tiles = if nothing || refused {
        let rest = match refused {
            true => Tile {
                figure: "refused".to_owned(),
                ..not_measured(
                    "Latency, CPU and memory",
                    "What was measured cannot be trusted.",
                )
            },
            false => not_measured("Latency, CPU and memory", "No load was put on the sides."),
        };
        [
            Some(answers_tile(document.method.pacing, comparison)),
            Some(rest),
            None,
            None,
            None,
        ]
    } else {
        let memory = [
            Resource::PeakPssBytes,
            Resource::PeakRssBytes,
            Resource::PeakCgroupBytes,
        ];
        [
            Some(match document.method.pacing {
                Pacing::Offered => latency_tile(document, comparison),
                Pacing::Serial => {
                    resource_tile("Wall time per run", &[Resource::WallUsPerRun], comparison)
                }
            }),
            Some(resource_tile(
                match document.method.pacing {
                    Pacing::Offered => "CPU per request",
                    Pacing::Serial => "CPU per run",
                },
                &[Resource::CpuUsPerRequest],
                comparison,
            )),
            Some(resource_tile("Memory", &memory, comparison)),
            Some(answers_tile(document.method.pacing, comparison)),
            errors_tile(document).filter(|_| comparison.contender == Role::Candidate),
        ]
    };
    let mut tiles: Vec<Tile> = tiles.into_iter().flatten().collect();
    tiles.sort_by_key(|tile| tile.open);
    html! {
        ul class="tiles" aria-label={"Key figures: the " (comparison.contender) " against the " (comparison.baseline)} {
            @for tile in tiles {
                li class={"tile " (tile.tone.map_or("none", |tone| tone.class))} {
                    h3 { (tile.title) }
                    p class="figure" { (typeset(&tile.figure)) }
                    @if let Some(tone) = tile.tone { p class="tone" { (tone.said) } }
                    p class="between" { (typeset(&tile.between)) }
                    p class="interval" { (typeset(&tile.interval)) }
                }
            }
        }
    }
}

fn not_measured(title: &str, why: &str) -> Tile {
    Tile {
        title: title.to_owned(),
        figure: "not measured".to_owned(),
        between: why.to_owned(),
        interval: String::new(),
        tone: None,
        open: true,
    }
}

/// A change between two estimates.
fn changed(
    title: String,
    rate_rps: f64,
    ratio: Estimate,
    sides: [Option<Estimate>; 2],
    show: impl Fn(f64) -> String,
) -> Tile {
    let [baseline, contender] = sides.map(|side| wording::estimate(side, &show));
    Tile {
        title,
        figure: wording::or_infinite(ratio.estimate, change),
        between: format!(
            "{contender} instead of {baseline} {}",
            wording::at(rate_rps)
        ),
        interval: format!("95 % interval {}", wording::interval(ratio, change)),
        tone: Some(Tone::of(ratio)),
        open: false,
    }
}

/// Is the latency that was declared before the run not judged, or not resolved by it?
pub(super) fn is_latency_open(document: &VerdictDocument) -> bool {
    let comparison = wording::of_contender(document, Role::Candidate);
    let lines = comparison.into_iter().flat_map(|of| &of.latency);
    let mut primary = lines.filter(|line| wording::is_primary(document, line));
    primary.any(|line| {
        line.ratio.is_none() && !line.judged
            || line.judged && line.ratio.is_some() && !wording::is_resolved(line)
    })
}

/// The quantile that was declared before the run, else p99 at the highest rate.
fn latency_tile(document: &VerdictDocument, comparison: &Comparison) -> Tile {
    let primary = |line: &&LatencyComparison| wording::is_primary(document, line);
    let line = comparison.latency.iter().find(primary).or_else(|| {
        let tail = |line: &&LatencyComparison| line.operation == "*" && line.quantile == 0.99;
        comparison.latency.iter().rfind(tail)
    });
    let Some(line) = line else {
        return not_measured(
            "Latency",
            "Latency is measured once the answers are the same.",
        );
    };
    let title = wording::capital(&wording::latency_label(line));
    let sides = [line.baseline_us, line.contender_us];
    match (line.judged, line.ratio) {
        // An interval that spans ten times and more is no figure to lead with.
        (true, Some(ratio)) if !wording::is_resolved(line) => Tile {
            figure: "not resolved".to_owned(),
            tone: None,
            open: true,
            ..changed(title, line.rate_rps, ratio, sides, time)
        },
        (true, Some(ratio)) => {
            let mut tile = changed(title, line.rate_rps, ratio, sides, time);
            let unclear = wording::direction(ratio) == Direction::Unclear;
            if let Some(mde) = line.mde.filter(|_| unclear) {
                tile.interval += &format!(
                    "; a change of {} would have been detected",
                    change(1.0 + mde)
                );
            }
            tile
        }
        (true, None) => Tile {
            title,
            figure: sides.map(|side| wording::estimate(side, time))[1].clone(),
            between: format!("instead of {}", wording::estimate(sides[0], time)),
            interval: "no ratio: requests were never answered".to_owned(),
            tone: None,
            open: false,
        },
        (false, _) => Tile {
            figure: "not judged".to_owned(),
            ..not_measured(&title, wording::not_judged(line))
        },
    }
}

/// The first of these resources that was measured, at the highest rate.
fn resource_tile(title: &str, wanted: &[Resource], comparison: &Comparison) -> Tile {
    let at_highest = |resource: &Resource| -> Option<&ResourceComparison> {
        let mut lines = comparison.resources.iter();
        lines.rfind(|line| line.resource == *resource && line.ratio.is_some())
    };
    let Some((line, ratio)) = wanted
        .iter()
        .find_map(at_highest)
        .and_then(|line| Some((line, line.ratio?)))
    else {
        let why = comparison.resources.iter().find_map(|line| {
            let named = wanted.contains(&line.resource);
            line.unmeasured.as_deref().filter(|_| named)
        });
        return not_measured(title, why.unwrap_or("No load was put on the sides."));
    };
    let show = |value| wording::resource(line.resource, value);
    let title = wording::capital(wording::resource_label(line.resource, line.rate_rps));
    changed(
        title,
        line.rate_rps,
        ratio,
        [line.baseline, line.contender],
        show,
    )
}

const SAME_ANSWERS: Tone = Tone {
    class: "better",
    said: "\u{2713} no difference found",
};
const OTHER_ANSWERS: Tone = Tone {
    class: "worse",
    said: "\u{2260} nothing excuses them",
};

fn answers_tile(pacing: Pacing, comparison: &Comparison) -> Tile {
    let e = &comparison.equivalence;
    let (figure, tone) = match (e.compared, e.different) {
        (0, _) => ("not compared".to_owned(), None),
        (_, 0) => ("the same".to_owned(), Some(SAME_ANSWERS)),
        (_, different) => (format!("{} differ", count(different)), Some(OTHER_ANSWERS)),
    };
    Tile {
        title: "Answers".to_owned(),
        figure,
        between: format!(
            "{} compared; {} excused, {} not compared",
            count(e.compared),
            count(e.excused),
            count(e.lost)
        ),
        interval: wording::mismatch(pacing, e),
        tone,
        open: false,
    }
}

/// The share of errors of both sides, where an objective asks for it.
fn errors_tile(document: &VerdictDocument) -> Option<Tile> {
    let errors = wording::objectives(document)
        .filter(|objective| wording::is_error_rate(objective.incumbent))
        .last()?;
    let candidate = errors.candidate?;
    let [incumbent_share, candidate_share] =
        [errors.incumbent, candidate].map(|slo| wording::estimate(slo.value, share));
    let interval = candidate.value.map_or_else(String::new, |value| {
        format!("95 % interval {}; ", wording::interval(value, share))
    });
    Some(Tile {
        title: "Errors".to_owned(),
        figure: candidate_share,
        between: format!(
            "of the {}, {incumbent_share} of the {} at {}",
            candidate.side,
            errors.incumbent.side,
            rate(candidate.rate_rps)
        ),
        interval: format!("{interval}at most {} may be", share(candidate.bound)),
        tone: None,
        open: false,
    })
}
