//! What earlier runs of the trial showed: how far the figures move from day to day.

use super::{more, table, typeset};
use crate::charts::history::{Dot, Panel};
use crate::charts::legend;
use crate::figures::change;
use crate::{against_itself, history, wording};
use maud::{Markup, html};
use understudy_model::history::{EarlierRun, FigureHistory, History, Likeness, Reading};
use understudy_model::verdict::{Bearing, Estimate};

pub(super) fn section(of: &History) -> Markup {
    let mut keys = vec![
        ("incumbent line dot", "incumbent, 95 % interval of each run"),
        ("candidate line dot", "change by the candidate"),
    ];
    let is_other = |likeness: &Likeness| likeness.is_same_incumbent() && !likeness.is_same_pair();
    if of.runs.iter().any(|run| is_other(&run.likeness)) {
        keys.push(("candidate other line dot", "change by another candidate"));
    }
    let expected = of.figures.iter();
    let mut expected = expected
        .flat_map(|figure| [figure.incumbent, figure.ratio])
        .flatten();
    if expected.any(|spread| spread.expected.is_some()) {
        keys.push((
            "noise-key",
            "where one more run is expected (95 % prediction interval)",
        ));
    }
    keys.push(("this-run-key", "this run"));
    html! {
        p class="lead" {
            (wording::capital(&history::overview(of))) ". An interval of one run says how sure that run is; runs on other days say how far the figure moves between runs of this machine. They change no verdict."
        }
        (legend(&keys))
        @for figure in &of.figures { (followed(of, figure)) }
    }
}

/// What is drawn of a run's figure.
type Read = fn(&Reading) -> Option<Estimate>;

fn followed(of: &History, figure: &FigureHistory) -> Markup {
    let name = history::label(&figure.about, figure.rate_rps);
    let level = history::level(figure);
    let ratio = history::ratio(figure);
    let show = |value| history::value(&figure.about, value);
    let dots = |wanted: fn(&Likeness) -> bool, value: Read, show: &dyn Fn(f64) -> String| {
        dots(of, figure, (wanted, value), show)
    };
    let incumbents = Panel {
        title: &format!("Incumbent: {name}"),
        description: &level,
        show: &show,
        class: "incumbent",
        expected: figure.incumbent.and_then(|spread| spread.expected),
        is_ratio: false,
        is_bytes: Bearing::of(&figure.about) == Some(Bearing::Memory),
    };
    let changes = Panel {
        title: &format!("Change: {name}"),
        description: ratio.as_deref().unwrap_or_default(),
        show: &|ratio| match (ratio - 1.0).abs() < 1e-9 {
            true => "\u{b1}0".to_owned(),
            false => change(ratio),
        },
        class: "candidate",
        expected: figure.ratio.and_then(|spread| spread.expected),
        is_ratio: true,
        is_bytes: false,
    };
    html! {
        h3 { (wording::capital(&name)) " " (wording::at(figure.rate_rps)) }
        p { (typeset(&wording::capital(&level))) "." }
        @if let Some(ratio) = &ratio { p { (typeset(&wording::capital(ratio))) "." } }
        div class="multiples" {
            @if let Some(chart) = incumbents.draw(&dots(Likeness::is_same_incumbent, |of| of.incumbent, &show)) { (chart) }
            // Another candidate is drawn apart, without its colour: it changes the ratio and says nothing of the day.
            @if let Some(chart) = changes.draw(&dots(Likeness::is_same_pair, |of| of.ratio, &change)) { (chart) }
        }
        (more(&format!("Every run: {name}"), runs(of, figure)))
    }
}

/// The runs that can be compared, the earliest first, and this run at the end.
fn dots(
    of: &History,
    figure: &FigureHistory,
    (is_same, value): (fn(&Likeness) -> bool, Read),
    show: &dyn Fn(f64) -> String,
) -> Vec<Dot> {
    let said = |at: &str, what: &str, value: Option<Estimate>| {
        format!(
            "{}, {what}: {}",
            history::minute(at),
            wording::with_interval(value, show)
        )
    };
    let earlier = of.runs.iter().zip(&figure.earlier).rev();
    let comparable = earlier.filter(|(run, _)| run.likeness.is_same_incumbent());
    let mut dots: Vec<Dot> = comparable
        .map(|(run, reading)| {
            let value = reading.as_ref().and_then(value);
            Dot {
                at: run.started_at.clone(),
                value,
                is_same: is_same(&run.likeness),
                title: said(&run.started_at, &history::likeness(run), value),
            }
        })
        .collect();
    let now = value(&figure.today);
    dots.push(Dot {
        at: of.today.clone(),
        value: now,
        is_same: true,
        title: said(&of.today, "this run", now),
    });
    dots
}

fn runs(of: &History, figure: &FigureHistory) -> Markup {
    let cells = |reading: Option<&Reading>| -> [String; 3] {
        let show = |value| history::value(&figure.about, value);
        match reading {
            None => ["not measured".to_owned(), "-".to_owned(), "-".to_owned()],
            Some(reading) if reading.refused => {
                ["refused".to_owned(), "-".to_owned(), "-".to_owned()]
            }
            Some(reading) => [
                wording::with_interval(reading.incumbent, show),
                wording::with_interval(reading.ratio, change),
                against_itself::effect(reading.against_itself),
            ],
        }
    };
    let row = |at: &str, what: String, verdict: &str, reading: Option<&Reading>| {
        let mut row = vec![history::minute(at), what, verdict.to_owned()];
        row.extend(cells(reading));
        row
    };
    let earlier = of.runs.iter().zip(&figure.earlier);
    let earlier = earlier.map(|(run, reading): (&EarlierRun, _)| {
        let verdict = wording::headline(run.verdict);
        row(
            &run.started_at,
            history::likeness(run),
            verdict,
            reading.as_ref(),
        )
    });
    let now = row(&of.today, "this run".to_owned(), "", Some(&figure.today));
    table(
        "This run and the earlier ones, the most recent first (UTC)",
        &[
            "run",
            "compared with this run",
            "verdict",
            "incumbent (95 % interval)",
            "change (95 % interval)",
            "incumbent against itself",
        ],
        [now].into_iter().chain(earlier),
    )
}
