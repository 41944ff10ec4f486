//! What earlier runs of the fixtures' trials showed, and how it reads.

use crate::fixtures::{self, MIB, estimate};
use understudy_model::history::{
    EarlierRun, FigureHistory, History, LeftOut, Likeness, Reading, Sameness, Spread,
};
use understudy_model::verdict::{Estimate, Figure, LatencyQuantile, Resource, Verdict};
use understudy_report::terminal::{Style, summary};

const SAME: Likeness = Likeness::Alike {
    incumbent: Sameness::Same,
    candidate: Sameness::Same,
};
const OTHER_CANDIDATE: Likeness = Likeness::Alike {
    incumbent: Sameness::Same,
    candidate: Sameness::Other,
};

fn run(at: &str, likeness: Likeness) -> EarlierRun {
    EarlierRun {
        name: format!("read-states-{at}"),
        started_at: at.to_owned(),
        verdict: Verdict::Replace,
        likeness,
    }
}

fn around(value: f64, width: f64) -> Estimate {
    estimate(value / (1.0 + width), value, value * (1.0 + width))
}

fn reading(incumbent: f64, ratio: f64, width: f64) -> Reading {
    Reading {
        incumbent: Some(around(incumbent, width)),
        ratio: Some(around(ratio, width)),
        against_itself: Some(around(1.01, width)),
        refused: false,
    }
}

fn spread(
    runs: u32,
    (low, high): (f64, f64),
    expected: Option<Estimate>,
    is_outside: bool,
) -> Spread {
    Spread {
        runs,
        days: runs.min(4),
        low,
        high,
        expected,
        is_outside: expected.map(|_| is_outside),
    }
}

fn p99() -> Figure {
    Figure::Latency(LatencyQuantile {
        operation: "*".to_owned(),
        quantile: 0.99,
    })
}

/// Six runs of the same pair, one of another candidate, one on another machine.
fn week() -> History {
    let refused = Reading {
        refused: true,
        ..Reading::default()
    };
    let of = |about, scale: f64, [today, change]: [f64; 2], width: f64| {
        let at = |level: f64, ratio: f64| Some(reading(level * scale, ratio, width));
        let is_latency = matches!(about, Figure::Latency(_));
        FigureHistory {
            about,
            rate_rps: 4000.0,
            today: reading(today * scale, change, width),
            earlier: vec![
                at(0.98, 0.49),
                at(1.04, 0.52),
                at(0.97, 0.83),
                at(2.9, 0.50),
                if is_latency {
                    Some(refused)
                } else {
                    at(1.01, 0.48)
                },
                at(1.06, 0.51),
                None,
                at(0.93, 0.50),
            ],
            incumbent: Some(spread(
                if is_latency { 5 } else { 6 },
                (0.93 * scale, 1.06 * scale),
                Some(estimate(0.86 * scale, 0.99 * scale, 1.14 * scale)),
                today > 1.14,
            )),
            ratio: Some(spread(
                if is_latency { 4 } else { 5 },
                (if is_latency { 0.49 } else { 0.48 }, 0.52),
                Some(estimate(0.45, 0.505, 0.56)),
                change < 0.45,
            )),
        }
    };
    let another = Likeness::OtherMachine("kernel linux 6.1.0".to_owned());
    History {
        today: "2026-11-22T20:18:36.395541312Z".to_owned(),
        runs: vec![
            run("2026-11-22T08:01:12Z", SAME),
            run("2026-11-21T20:00:02Z", SAME),
            run("2026-11-21T09:14:40Z", OTHER_CANDIDATE),
            run("2026-11-20T20:05:00Z", another),
            run("2026-11-19T20:00:51Z", SAME),
            run("2026-11-18T20:00:07Z", SAME),
            run(
                "2026-11-17T20:00:00Z",
                Likeness::OtherSetup("level quick".to_owned()),
            ),
            run("2026-11-16T20:00:33Z", SAME),
        ],
        figures: vec![
            of(p99(), 984.0, [1.0, 0.21], 0.22),
            of(
                Figure::Resource(Resource::CpuUsPerRequest),
                80.7,
                [1.3, 0.49],
                0.05,
            ),
            of(
                Figure::Resource(Resource::PeakPssBytes),
                270.0 * MIB,
                [1.0, 0.46],
                0.01,
            ),
        ],
        left_out: LeftOut {
            unfinished: 1,
            unreadable: 2,
            older: 0,
        },
    }
}

/// One run alone: nothing is predicted.
fn yesterday() -> History {
    let mut history = week();
    history.runs.truncate(1);
    history.left_out = LeftOut::default();
    for figure in &mut history.figures {
        figure.earlier.truncate(1);
        let level = figure.earlier[0]
            .and_then(|of| of.incumbent?.estimate)
            .unwrap();
        figure.incumbent = Some(spread(1, (level, level), None, false));
        figure.ratio = Some(spread(1, (0.49, 0.49), None, false));
    }
    history
}

/// Those of a fixture; most have none.
pub(crate) fn of(name: &str) -> Option<History> {
    match name {
        "replace" => Some(week()),
        "keep" => Some(yesterday()),
        _ => None,
    }
}

/// With a text from outside wherever there is one.
pub(crate) fn spoilt(text: &str) -> History {
    let mut history = week();
    history.today = text.to_owned();
    for run in &mut history.runs {
        run.name = text.to_owned();
        run.started_at = text.to_owned();
        run.likeness = match run.likeness {
            Likeness::OtherMachine(_) => Likeness::OtherMachine(text.to_owned()),
            Likeness::OtherSetup(_) => Likeness::OtherSetup(text.to_owned()),
            ref alike @ Likeness::Alike { .. } => alike.clone(),
        };
    }
    for figure in &mut history.figures {
        if let Figure::Latency(about) = &mut figure.about {
            about.operation = text.to_owned();
        }
    }
    history
}

#[test]
fn the_terminal_has_a_line_for_the_runs_and_a_few_for_the_figures_and_none_without_runs() {
    let document = fixtures::replace();
    let with = summary(&document, of("replace").as_ref(), Style::default());
    let without = summary(&document, None, Style::default());
    assert_eq!(with.lines().count(), without.lines().count() + 6);
    assert!(!without.contains("earlier run"));
    let expected = [
        "earlier runs  6 of 8 earlier runs can be compared: 5 of the same sides, 1 of another candidate\n",
        "  CPU per request: incumbent 75.1 us to 85.5 us (now 105 us): OUTSIDE the predicted 69.4 us to 92.0 us\n",
        "  CPU per request: change -52.0 % to -48.0 % (now -51.0 %): as predicted\n",
        "  peak PSS: incumbent 251 MiB to 286 MiB (now 270 MiB), change -52.0 % to -48.0 % (now -54.0 %): as predicted\n",
    ];
    for line in expected {
        assert!(with.contains(line), "{line}: {with}");
    }
    let one = summary(&document, of("keep").as_ref(), Style::default());
    let expected = "earlier runs  1 earlier run: 1 of the same sides; a prediction needs 4\n";
    assert!(
        one.contains(expected) && !one.contains("as predicted"),
        "{one}"
    );
}
