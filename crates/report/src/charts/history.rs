//! One figure over the runs of a trial: a dot and its interval a run, in their order, this run at the end.

use super::scale::Scale;
use super::timeline::unit_of;
use super::{Frame, Tick, area, line, path, short};
use maud::{Markup, html};
use understudy_model::verdict::Estimate;

/// An interval's end further than this many times from every estimate is cut.
const FURTHEST: f64 = 3.0;
/// From this ratio of its ends on an axis has logarithmic ticks.
const WIDE: f64 = 4.0;
/// Room beyond the outermost figures.
const MARGIN: f64 = 1.02;
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
    /// Amounts of memory have other round values.
    pub(crate) is_bytes: bool,
}

impl Panel<'_> {
    /// Draws the runs, the earliest first; nothing without at least two that have a figure.
    pub(crate) fn draw(&self, dots: &[Dot]) -> Option<Markup> {
        let (y, values) = self.scale(dots)?;
        let slot = |index: usize| (index as f64 + 0.5) / dots.len() as f64;
        let last = dots.len() - 1;
        let edges = (last as f64 / dots.len() as f64, 1.0);
        let frame = Frame {
            title: self.title,
            description: self.description,
            class: "middle",
            x: ticks(dots, slot),
            y: values
                .into_iter()
                .map(|value| self.tick(&y, value))
                .collect(),
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

    fn tick(&self, y: &Scale, value: f64) -> Tick {
        Tick {
            at: y.at(value),
            label: short(&(self.show)(value)).replace('-', "\u{2212}"),
            minor: false,
        }
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

    /// Over every estimate, and the ends of intervals as far as they do not dwarf them; with round values for the
    /// axis.
    fn scale(&self, dots: &[Dot]) -> Option<(Scale, Vec<f64>)> {
        let shown: Vec<Estimate> = dots.iter().filter_map(|dot| dot.value).collect();
        let estimates: Vec<f64> = shown
            .iter()
            .filter_map(|of| of.estimate)
            .filter(|value| value.is_finite() && *value > 0.0)
            .collect();
        if estimates.len() < 2 {
            return None;
        }
        let bounds = |values: &[f64]| {
            let ends = (f64::INFINITY, 0.0_f64);
            values
                .iter()
                .fold(ends, |(low, high), v| (low.min(*v), high.max(*v)))
        };
        let (least, most) = bounds(&estimates);
        let ends = shown.iter().chain(&self.expected);
        let ends = ends.flat_map(|of| [of.low, of.high]).flatten();
        let ends = ends.map(|end| end.clamp(least / FURTHEST, most * FURTHEST));
        let one = self.is_ratio.then_some(1.0);
        let all: Vec<f64> = estimates.iter().copied().chain(ends).chain(one).collect();
        let (low, high) = bounds(&all);
        let is_wide = high > WIDE * low;
        let (low, high) = (low / MARGIN, high * MARGIN);
        let scale = Scale::Log { low, high };
        if is_wide {
            let ticks = scale.ticks();
            return Some((scale, ticks));
        }
        let unit = if self.is_bytes { unit_of(high) } else { 1.0 };
        let step = match Scale::linear(high - low, unit) {
            Scale::Linear { step, .. } => step,
            Scale::Log { .. } | Scale::Nines { .. } => return None,
        };
        let multiples = (low / step).ceil() as u64..=(high / step).floor() as u64;
        let ticks = multiples.map(|k| k as f64 * step).collect();
        Some((scale, ticks))
    }
}

/// The day of some of the earlier runs, or the time of day where the one before is of the same day; this run by name.
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
        let label = match (*index == last, day == before) {
            (true, _) => "this\u{a0}run".to_owned(),
            (false, true) => dots[*index].at.get(11..16).unwrap_or_default().to_owned(),
            (false, false) => short_day(day),
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
                "2026-11-25T17:00:00Z",
                "2026-11-26T17:00:00Z"
            ]),
            ["5\u{a0}Nov", "25\u{a0}Nov", "17:00", "this\u{a0}run"]
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
            is_bytes: false,
        };
        let dots = [
            dot("2026-11-05T10:11:12Z", 60.0),
            dot("2026-11-06T10:11:12Z", 70.0),
        ];
        let (scale, ticks) = panel.scale(&dots).unwrap();
        let Scale::Log { low, high } = scale else {
            unreachable!("levels are drawn by their logarithm")
        };
        assert!(low >= 19.0 && high <= 220.0, "{low} {high}");
        assert!(ticks.len() >= 2);
        assert!(panel.draw(&dots[..1]).is_none());
    }

    #[test]
    fn a_narrow_range_has_round_values_of_its_unit() {
        let mib = 1_048_576.0;
        let panel = Panel {
            title: "",
            description: "",
            show: &crate::figures::memory,
            class: "incumbent",
            expected: None,
            is_ratio: false,
            is_bytes: true,
        };
        let near = |value: f64| Dot {
            value: Some(Estimate {
                estimate: Some(value),
                low: Some(value * 0.99),
                high: Some(value * 1.01),
            }),
            ..dot("2026-11-05T10:11:12Z", 1.0)
        };
        let dots = [near(262.0 * mib), near(280.0 * mib)];
        let (scale, ticks) = panel.scale(&dots).unwrap();
        assert_eq!(ticks, [260.0, 270.0, 280.0].map(|of| of * mib));
        assert!(scale.at(262.0 * mib) < 0.3 && scale.at(280.0 * mib) > 0.7);
        let impossible = [near(0.0), near(f64::NAN), near(-1.0)];
        assert!(panel.scale(&impossible).is_none());
    }
}
