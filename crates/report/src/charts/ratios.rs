//! Intervals of ratios under each other (a forest plot), on one logarithmic scale.

use super::{Point, Tick, area, line, path, percent};
use crate::charts::scale::Scale;
use maud::{Markup, html};
use understudy_model::verdict::Estimate;

/// No axis goes further than this many times, or the same part of one: what is beyond is cut.
const FURTHEST: f64 = 30.0;
/// No axis is narrower.
const NEAREST: f64 = 1.2;
/// Least distance between ticks, as a share of the width.
const APART: f64 = 0.2;

/// What a row shows next to its figures.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    /// The ratio with its interval.
    pub(crate) ratio: Option<Estimate>,
    /// The interval that no difference at all gave on this machine.
    pub(crate) noise: Option<Estimate>,
    /// The ratio to reach.
    pub(crate) bound: Option<f64>,
    /// Class of the interval's colour.
    pub(crate) class: &'static str,
    /// What is said when the pointer rests on it.
    pub(crate) title: String,
}

/// The axis that a set of rows shares.
pub(crate) struct Axis {
    scale: Scale,
    ticks: Vec<Tick>,
}

impl Axis {
    /// Wide enough for the rows' intervals and bounds; the noise may be cut.
    pub(crate) fn new<'r>(rows: impl Iterator<Item = &'r Row>, label: fn(f64) -> String) -> Self {
        let ends = rows.flat_map(|row| {
            let ratio = row.ratio.map_or([None; 3], |r| [r.low, r.estimate, r.high]);
            [ratio[0], ratio[1], ratio[2], row.bound]
        });
        let usable = |value: &f64| value.is_finite() && *value > 0.0;
        let (mut low, mut high) = (1.0 / NEAREST, NEAREST);
        for end in ends.flatten().filter(usable) {
            low = low.min(end / 1.05).max(1.0 / FURTHEST);
            high = high.max(end * 1.05).min(FURTHEST);
        }
        let scale = Scale::Log { low, high };
        let ticks = ticks(&scale, (low, high), label);
        Axis { scale, ticks }
    }

    /// The drawing of one row.
    pub(crate) fn strip(&self, row: &Row) -> Markup {
        let at = |value: f64| self.scale.at(value);
        html! {
            svg class="strip" viewBox="0 0 1000 1000" preserveAspectRatio="none" role="img" aria-label=(row.title) {
                title { (row.title) }
                @for tick in &self.ticks { (path("grid", &upright(tick.at), None)) }
                @if let Some(noise) = row.noise {
                    (path("noise", &box_between(self.low(noise), self.high(noise), (0.15, 0.85)), None))
                }
                (path("one", &upright(at(1.0)), None))
                @if let Some(bound) = row.bound { (path("bound", &upright(at(bound)), None)) }
                @if let Some(ratio) = row.ratio {
                    (path(&format!("interval {}", row.class), &line(&[(self.low(ratio), 0.5), (self.high(ratio), 0.5)]), None))
                    @if let Some(estimate) = ratio.estimate {
                        (path(&format!("estimate {}", row.class), &line(&[(at(estimate), 0.5)]), None))
                    }
                }
            }
        }
    }

    /// The labels under the last row.
    pub(crate) fn labels(&self) -> Markup {
        html! {
            div class="xs" aria-hidden="true" {
                @for tick in &self.ticks {
                    span class=[tick.minor.then_some("minor")] style={"left:" (percent(tick.at))} { (tick.label) }
                }
            }
        }
    }

    /// An end that is none is infinite.
    fn low(&self, of: Estimate) -> f64 {
        of.low.map_or(1.0, |low| self.scale.at(low))
    }

    fn high(&self, of: Estimate) -> f64 {
        of.high.map_or(1.0, |high| self.scale.at(high))
    }
}

fn upright(x: f64) -> String {
    line(&[(x, 0.0), (x, 1.0)])
}

fn box_between(from: f64, to: f64, (bottom, top): (f64, f64)) -> String {
    let edge = |y: f64| -> [Point; 2] { [(from, y), (to, y)] };
    area(&edge(bottom), &edge(top))
}

/// 1 and round ratios around it, as many as there is room for.
fn ticks(scale: &Scale, (low, high): (f64, f64), label: fn(f64) -> String) -> Vec<Tick> {
    // In the order in which they are wanted.
    let wanted = [
        1.0, 0.5, 2.0, 0.1, 10.0, 0.2, 5.0, 0.7, 1.5, 0.8, 1.2, 0.9, 1.1, 0.3, 3.0, 0.05, 20.0,
    ];
    let mut ticks: Vec<Tick> = Vec::new();
    for ratio in wanted.into_iter().filter(|r| *r >= low && *r <= high) {
        let at = scale.at(ratio);
        if ticks.iter().all(|tick| (tick.at - at).abs() >= APART) {
            ticks.push(Tick {
                at,
                label: label(ratio),
                minor: ticks.len() > 2,
            });
        }
    }
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(low: f64, estimate: f64, high: f64) -> Estimate {
        Estimate {
            estimate: Some(estimate),
            low: Some(low),
            high: Some(high),
        }
    }

    #[test]
    fn the_axis_holds_every_interval_and_cuts_what_is_absurd() {
        let row = |ratio| Row {
            ratio: Some(ratio),
            ..Row::default()
        };
        let near = Axis::new([row(estimate(0.95, 1.0, 1.05))].iter(), |r| r.to_string());
        assert!(near.scale.at(1.0) > 0.45 && near.scale.at(1.0) < 0.55);
        let rows = [row(estimate(0.1, 0.3, 0.5)), row(estimate(1e-9, 1.0, 1e9))];
        let wide = Axis::new(rows.iter(), |r| r.to_string());
        assert_eq!(
            wide.scale,
            Scale::Log {
                low: 1.0 / FURTHEST,
                high: FURTHEST
            }
        );
        assert!(wide.ticks.iter().any(|tick| tick.label == "1"));
        assert!(wide.ticks.len() >= 3);
    }
}
