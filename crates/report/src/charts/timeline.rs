//! Something over time, measurement after measurement.
//!
//! The measurements are drawn side by side in the order in which they were made; the time between them
//! (warm-up, the other side's turn) is left out. Columns of the candidate are shaded, so that the
//! sides can be distinguished without colour.

use super::{Frame, Point, Tick, area, line, path, side_class, value_ticks};
use crate::charts::scale::Scale;
use maud::{Markup, html};
use understudy_model::Role;
use understudy_model::series::BlockSeries;

/// Empty room between two measurements, as a share of the mean one.
const GAP: f64 = 0.08;
/// Most labels of the time axis.
const MOST_LABELS: usize = 6;

/// What is drawn of each measurement.
pub(crate) struct Panel<'p> {
    /// What it is, with its unit: the panel's heading.
    pub(crate) title: &'p str,
    /// How a value is written.
    pub(crate) show: fn(f64) -> String,
    /// How high it is drawn.
    pub(crate) axis: Axis,
    /// Class of the plot, which decides its height.
    pub(crate) class: &'static str,
}

/// How values become heights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Axis {
    /// By their logarithm.
    Log,
    /// From zero, in round multiples of this.
    Linear(f64),
    /// From zero, in round multiples of the largest power of 1024 below them.
    Bytes,
}

/// One measurement: seconds since its start, value.
pub(crate) type Values = Vec<(f64, f64)>;

/// The positions of the measurements, shared by all panels of a rate.
pub(crate) struct Slots<'b> {
    blocks: Vec<(&'b BlockSeries, f64, f64)>,
}

impl<'b> Slots<'b> {
    pub(crate) fn new(blocks: &[&'b BlockSeries]) -> Self {
        let lengths: f64 = blocks.iter().map(|block| length(block)).sum();
        let gap = lengths / blocks.len().max(1) as f64 * GAP;
        let all = lengths + gap * blocks.len() as f64;
        let mut start = gap / 2.0;
        let slots = blocks.iter().map(|block| {
            let slot = (*block, start / all, (start + length(block)) / all);
            start += length(block) + gap;
            slot
        });
        Slots {
            blocks: slots.collect(),
        }
    }

    /// One panel; `values` are those of each measurement, in the order of the slots. Nothing where
    /// there is nothing to draw.
    pub(crate) fn panel(&self, panel: &Panel<'_>, values: &[Values]) -> Option<Markup> {
        let all = || values.iter().flatten().map(|(_, value)| *value);
        let highest = all().fold(f64::NEG_INFINITY, f64::max);
        if highest == f64::NEG_INFINITY {
            return None;
        }
        let y = match panel.axis {
            Axis::Log => Scale::log(all())?,
            Axis::Linear(unit) => Scale::linear(highest, unit),
            Axis::Bytes => Scale::linear(highest, unit_of(highest)),
        };
        let frame = Frame {
            title: panel.title,
            description: &self.described(values, panel.show),
            class: panel.class,
            x: self.ticks(),
            y: value_ticks(&y, panel.show),
            drawing: html! {
                @for (_, from, to) in self.of(Role::Candidate) {
                    (path("turn", &area(&[(*from, 0.0), (*to, 0.0)], &[(*from, 1.0), (*to, 1.0)]), None))
                }
                @for ((block, from, to), values) in self.blocks.iter().zip(values) {
                    (segment(block, (*from, *to), values, &y, panel.show))
                }
            },
            labels: html! {},
        };
        Some(html! {
            div class="panel" {
                h5 { (panel.title) }
                (frame.markup())
            }
        })
    }

    /// The sides that were measured, by what is drawn of them.
    pub(crate) fn legend(&self) -> Markup {
        let key = |side: Role| match side {
            Role::Incumbent | Role::Second => ("incumbent line", "incumbent"),
            Role::Candidate => ("candidate line turn", "candidate (shaded columns)"),
            Role::Tuned => ("tuned line", "tuned"),
        };
        let there = Role::SIDES.into_iter();
        let there = there.filter(|side| self.of(*side).next().is_some());
        super::legend(&there.map(key).collect::<Vec<_>>())
    }

    fn of(&self, side: Role) -> impl Iterator<Item = &(&'b BlockSeries, f64, f64)> {
        self.blocks
            .iter()
            .filter(move |(block, ..)| block.side == side)
    }

    /// What each side's values range over.
    fn described(&self, values: &[Values], show: fn(f64) -> String) -> String {
        let range = |side: Role| {
            let of = self.blocks.iter().zip(values);
            let values = of
                .filter(|((block, ..), _)| block.side == side)
                .flat_map(|(_, values)| values)
                .map(|(_, value)| *value);
            let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| {
                (l.min(v), h.max(v))
            });
            (low <= high).then(|| format!("{side} {} to {}", show(low), show(high)))
        };
        let ranges: Vec<String> = Role::SIDES.into_iter().filter_map(range).collect();
        ranges.join("; ")
    }

    /// Since the first measurement of the trial, at the start of some of them.
    fn ticks(&self) -> Vec<Tick> {
        let every = self.blocks.len().div_ceil(MOST_LABELS).max(1);
        let labelled = self.blocks.iter().step_by(every).enumerate();
        labelled
            .map(|(index, (block, from, _))| Tick {
                at: *from,
                label: clock(block.started_s),
                minor: index % 2 == 1,
            })
            .collect()
    }
}

/// A measurement without a length would have no place.
fn length(block: &BlockSeries) -> f64 {
    if block.measured_s.is_finite() {
        block.measured_s.max(0.001)
    } else {
        0.001
    }
}

/// The line of one measurement, broken into single points where there is one only.
fn segment(
    block: &BlockSeries,
    (from, to): (f64, f64),
    values: &[(f64, f64)],
    y: &Scale,
    show: fn(f64) -> String,
) -> Markup {
    let place = |(at, value): &(f64, f64)| -> Point {
        let share = (at / length(block)).clamp(0.0, 1.0);
        (from + (to - from) * share, y.at(*value))
    };
    let points: Vec<Point> = values.iter().map(place).collect();
    let class = match points.len() {
        0 => return html! {},
        1 => "dot",
        _ => "line thin",
    };
    let bounds = values.iter().map(|(_, value)| *value);
    let (low, high) = bounds.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| {
        (l.min(v), h.max(v))
    });
    let title = format!(
        "{}, measurement {}: {} to {}",
        block.side,
        block.block + 1,
        show(low),
        show(high)
    );
    path(
        &format!("{class} {}", side_class(block.side)),
        &line(&points),
        Some(&title),
    )
}

/// The largest power of 1024 that an amount of memory reaches.
pub(super) fn unit_of(bytes: f64) -> f64 {
    let units = [1_073_741_824.0, 1_048_576.0, 1024.0];
    units.into_iter().find(|unit| bytes >= *unit).unwrap_or(1.0)
}

/// A length of time as a clock shows it: `0:00`, `12:05`, `1:02:05`.
pub(crate) fn clock(seconds: f64) -> String {
    let s = seconds.max(0.0).round() as u64;
    match s / 3600 {
        0 => format!("{}:{:02}", s / 60, s % 60),
        hours => format!("{hours}:{:02}:{:02}", s / 60 % 60, s % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_show_hours_only_where_there_are_some() {
        assert_eq!(
            [clock(0.4), clock(725.0), clock(3725.0), clock(-1.0)],
            ["0:00", "12:05", "1:02:05", "0:00"]
        );
    }

    #[test]
    fn measurements_stand_side_by_side_and_fill_the_width() {
        let block = |side, measured_s| BlockSeries {
            rate_rps: 1.0,
            side,
            block: 0,
            started_s: 0.0,
            measured_s,
            latency: Vec::new(),
            resources: Vec::new(),
        };
        let blocks = [block(Role::Incumbent, 1.0), block(Role::Candidate, 3.0)];
        let slots = Slots::new(&blocks.iter().collect::<Vec<_>>());
        let [(_, a, b), (_, c, d)] = slots.blocks[..] else {
            panic!("two slots")
        };
        assert!(0.0 < a && a < b && b < c && c < d && d < 1.0);
        assert!(((d - c) / (b - a) - 3.0).abs() < 1e-9);
    }
}
