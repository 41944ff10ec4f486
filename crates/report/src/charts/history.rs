//! One figure over the runs of a trial: a dot and its interval a run, in their order, this run at the end.

use super::scale::Scale;
use super::{Frame, Tick, area, line, path, value_ticks};
use maud::{Markup, html};
use understudy_model::verdict::Estimate;

/// An interval's end further than this many times from every estimate is cut.
const FURTHEST: f64 = 3.0;
/// Most labels of the axis of runs.
const MOST_LABELS: usize = 5;
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// A run.
pub(crate) struct Dot {
    /// When it began, RFC 3339.
    pub(crate) at: String,
    /// Its figure; nothing is drawn where there is none.
    pub(crate) value: Option<Estimate>,
    /// Of the sides of this run? Others are drawn without the colour of the side.
    pub(crate) is_same: bool,
    /// What is said when the pointer rests on it.
    pub(crate) title: String,
}

/// One panel.
pub(crate) struct Panel<'p> {
    /// What it is: its heading.
    pub(crate) title: &'p str,
    /// What is seen in it.
    pub(crate) description: &'p str,
    /// How a value is written on the axis.
    pub(crate) show: &'p dyn Fn(f64) -> String,
    /// Class of the colour.
    pub(crate) class: &'p str,
    /// Where one more run is expected.
    pub(crate) expected: Option<Estimate>,
    /// A ratio: the line of no change belongs to it.
    pub(crate) is_ratio: bool,
}

impl Panel<'_> {
    /// Draws the runs, the earliest first; nothing without at least two that have a figure.
    pub(crate) fn draw(&self, dots: &[Dot]) -> Option<Markup> {
        let y = self.scale(dots)?;
        let slot = |index: usize| (index as f64 + 0.5) / dots.len() as f64;
        let last = dots.len() - 1;
        let edges = (last as f64 / dots.len() as f64, 1.0);
        let frame = Frame {
            title: self.title,
            description: self.description,
            class: "middle",
            x: ticks(dots, slot),
            y: value_ticks(&y, self.show),
            drawing: html! {
                (path("this-run", &area(&[(edges.0, 0.0), (edges.1, 0.0)], &[(edges.0, 1.0), (edges.1, 1.0)]), Some("this run")))
                @if let Some((low, high)) = self.expected.and_then(|of| of.low.zip(of.high)) {
                    (path("noise", &area(&[(0.0, y.at(low)), (1.0, y.at(low))], &[(0.0, y.at(high)), (1.0, y.at(high))]), None))
                }
                @if self.is_ratio { (path("one", &line(&[(0.0, y.at(1.0)), (1.0, y.at(1.0))]), None)) }
                @for (index, dot) in dots.iter().enumerate() {
                    @if let Some(value) = dot.value { (self.dot(slot(index), dot, value, &y)) }
                }
            },
            labels: html! {},
        };
        Some(html! { div class="panel" { h5 { (self.title) } (frame.markup()) } })
    }

    fn dot(&self, x: f64, dot: &Dot, value: Estimate, y: &Scale) -> Markup {
        let class = match dot.is_same {
            true => self.class.to_owned(),
            false => format!("{} other", self.class),
        };
        let (low, high) = (
            value.low.map_or(0.0, |v| y.at(v)),
            value.high.map_or(1.0, |v| y.at(v)),
        );
        html! {
            (path(&format!("upright {class}"), &line(&[(x, low), (x, high)]), Some(&dot.title)))
            @if let Some(estimate) = value.estimate {
                (path(&format!("dot {class}"), &line(&[(x, y.at(estimate))]), Some(&dot.title)))
            }
        }
    }

    /// Over every estimate, and the ends of intervals as far as they do not dwarf them.
    fn scale(&self, dots: &[Dot]) -> Option<Scale> {
        let shown: Vec<Estimate> = dots.iter().filter_map(|dot| dot.value).collect();
        let estimates: Vec<f64> = shown.iter().filter_map(|of| of.estimate).collect();
        if estimates.len() < 2 {
            return None;
        }
        let least = estimates.iter().copied().fold(f64::INFINITY, f64::min) / FURTHEST;
        let most = estimates.iter().copied().fold(0.0, f64::max) * FURTHEST;
        let ends = shown
            .iter()
            .chain(&self.expected)
            .flat_map(|of| [of.low, of.high]);
        let ends = ends.flatten().map(|end| end.clamp(least, most));
        let one = self.is_ratio.then_some(1.0);
        Scale::log(estimates.iter().copied().chain(ends).chain(one))
    }
}

/// The day of some of the runs, this one always; the time of day where the one before is of the same day.
fn ticks(dots: &[Dot], slot: impl Fn(usize) -> f64) -> Vec<Tick> {
    let last = dots.len().saturating_sub(1);
    let every = dots.len().div_ceil(MOST_LABELS).max(1);
    let labelled: Vec<usize> = (0..dots.len())
        .filter(|index| (last - index).is_multiple_of(every))
        .collect();
    let mut ticks = Vec::new();
    let mut before = "";
    for (number, index) in labelled.iter().enumerate() {
        let day = dots[*index].at.get(..10).unwrap_or_default();
        let label = match day == before {
            true => dots[*index].at.get(11..16).unwrap_or_default().to_owned(),
            false => short_day(day),
        };
        before = day;
        ticks.push(Tick {
            at: slot(*index),
            label,
            // Where there is little room every second goes, and this run stays.
            minor: !(labelled.len() - 1 - number).is_multiple_of(2),
        });
    }
    ticks
}

/// `2026-11-25` is `25 Nov`.
fn short_day(day: &str) -> String {
    let month = day.get(5..7).and_then(|month| month.parse::<usize>().ok());
    let name = month.and_then(|month| MONTHS.get(month.checked_sub(1)?));
    match (name, day.get(8..10)) {
        (Some(month), Some(of)) => format!("{}\u{a0}{month}", of.trim_start_matches('0')),
        _ => day.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dot(at: &str, value: f64) -> Dot {
        Dot {
            at: at.to_owned(),
            value: Some(Estimate {
                estimate: Some(value),
                low: Some(value / 100.0),
                high: None,
            }),
            is_same: true,
            title: String::new(),
        }
    }

    #[test]
    fn runs_are_labelled_by_day_or_by_time_within_one_and_this_run_always_is() {
        let of = |times: &[&str]| -> Vec<String> {
            let dots: Vec<Dot> = times.iter().map(|at| dot(at, 1.0)).collect();
            let ticks = ticks(&dots, |index| index as f64);
            assert_eq!(
                ticks.last().map(|tick| (tick.at, tick.minor)),
                Some((times.len() as f64 - 1.0, false))
            );
            ticks.into_iter().map(|tick| tick.label).collect()
        };
        assert_eq!(
            of(&[
                "2026-11-05T10:11:12Z",
                "2026-11-25T10:11:12Z",
                "2026-11-25T17:00:00Z"
            ]),
            ["5\u{a0}Nov", "25\u{a0}Nov", "17:00"]
        );
        assert_eq!(of(&["2026-11-05T10:11:12Z"; 11]).len(), 4);
        assert_eq!(short_day("nonsense"), "nonsense");
    }

    #[test]
    fn one_endless_interval_does_not_flatten_the_rest() {
        let panel = Panel {
            title: "CPU",
            description: "",
            show: &|value| value.to_string(),
            class: "incumbent",
            expected: None,
            is_ratio: false,
        };
        let dots = [
            dot("2026-11-05T10:11:12Z", 60.0),
            dot("2026-11-06T10:11:12Z", 70.0),
        ];
        let Some(Scale::Log { low, high }) = panel.scale(&dots) else {
            unreachable!("two estimates have a scale")
        };
        assert!(low >= 20.0 && high <= 210.0, "{low} {high}");
        assert!(panel.draw(&dots[..1]).is_none());
    }
}
