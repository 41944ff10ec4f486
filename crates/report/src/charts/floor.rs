//! Latency, or wall time per run, and CPU by memory limit: how small a side can be made, and where that ends.

use super::percentiles::Bound;
use super::scale::Scale;
use super::{Frame, Point, Tick, area, line, path, percent, side_class, value_ticks};
use crate::figures::{count, memory, share, time};
use crate::memory_floor::{Knot, MIB, knots, of_what, sentence};
use crate::wording::or_infinite;
use maud::{Markup, html};
use understudy_model::floor::SideFloor;

/// The axes that the charts of all sides share, so that they can be compared side by side.
pub(crate) struct Axes {
    /// MiB: its round values are those that people give as limits.
    limit: Scale,
    time: Scale,
    cpu: Option<Scale>,
}

impl Axes {
    /// Over all trials of all sides; `None` where no trial has such a time.
    pub(crate) fn new(floors: &[SideFloor], bounds: &[Bound]) -> Option<Self> {
        let knots: Vec<Knot> = floors.iter().flat_map(knots).collect();
        let peaks = floors.iter().filter_map(|of| of.peak_rss_bytes);
        let limits = knots.iter().map(|knot| knot.limit_bytes).chain(peaks);
        let times = knots.iter().filter_map(|knot| knot.time_us);
        let bounds = bounds.iter().map(|bound| bound.us);
        let cpu = knots.iter().filter_map(|knot| knot.cpu).reduce(f64::max);
        Some(Axes {
            limit: Scale::log(limits.map(|bytes| bytes / MIB))?,
            time: Scale::log(times.chain(bounds))?,
            cpu: cpu.map(|highest| Scale::linear(highest, 0.01)),
        })
    }

    fn at(&self, bytes: f64) -> f64 {
        self.limit.at(bytes / MIB)
    }

    fn ticks(&self) -> Vec<Tick> {
        let ticks = value_ticks(&self.limit, |mib| format!("{} MiB", count(mib as u64)));
        let thinned = |(index, tick): (usize, Tick)| Tick {
            minor: index % 2 == 1,
            ..tick
        };
        ticks.into_iter().enumerate().map(thinned).collect()
    }
}

/// One side: p99, or wall time per run, by limit, and below it CPU by limit.
pub(crate) fn chart(of: &SideFloor, axes: &Axes, bounds: &[Bound]) -> Markup {
    let knots = knots(of);
    let cpu = axes
        .cpu
        .as_ref()
        .filter(|_| knots.iter().any(|knot| knot.cpu.is_some()));
    html! {
        (time_panel(of, &knots, axes, bounds))
        @if let Some(scale) = cpu { (cpu_panel(of, &knots, axes, scale)) }
    }
}

fn time_panel(of: &SideFloor, knots: &[Knot], axes: &Axes, bounds: &[Bound]) -> Markup {
    let at = |knot: &Knot| -> Point {
        // What was killed has no such time: it leaves the chart at its upper edge.
        let y = knot.time_us.map_or(1.0, |us| axes.time.at(us));
        (axes.at(knot.limit_bytes), y)
    };
    let frame = Frame {
        title: &format!("{} by memory limit, both axes logarithmic", of_what(of)),
        description: &described(of, knots),
        class: "middle",
        x: axes.ticks(),
        y: value_ticks(&axes.time, time),
        drawing: html! {
            (upright_marks(of, axes))
            @for bound in bounds {
                @let y = axes.time.at(bound.us);
                (path("bound", &line(&[(0.0, y), (1.0, y)]), Some(&bound.text)))
            }
            (curve(of, knots, at, |knot| or_infinite(knot.time_us, time)))
        },
        labels: html! {
            (names(of, axes))
            @for bound in bounds {
                span class="on-line" style={"bottom:" (percent(axes.time.at(bound.us)))} { (bound.text) }
            }
            @for knot in knots.iter().filter(|knot| !knot.held) { (cross(knot, at(knot))) }
        },
    };
    html! {
        div class="panel" {
            h5 { @if of.runs.is_some() { "wall time per run" } @else { "p99 of the latency" } }
            (frame.markup())
        }
    }
}

fn cpu_panel(of: &SideFloor, knots: &[Knot], axes: &Axes, scale: &Scale) -> Markup {
    let known: Vec<Knot> = knots
        .iter()
        .filter(|knot| knot.cpu.is_some())
        .copied()
        .collect();
    let at = |knot: &Knot| (axes.at(knot.limit_bytes), scale.at(knot.cpu.unwrap_or(0.0)));
    let shown = |knot: &Knot| share(knot.cpu.unwrap_or(0.0));
    let said: Vec<String> = known
        .iter()
        .map(|knot| format!("{} at {}", shown(knot), memory(knot.limit_bytes)))
        .collect();
    let frame = Frame {
        title: "CPU by memory limit",
        description: &format!("{}: {}", of.side, said.join(", ")),
        class: "low",
        x: axes.ticks(),
        y: value_ticks(scale, share),
        drawing: html! {
            (upright_marks(of, axes))
            (curve(of, &known, at, shown))
        },
        labels: html! {
            @for knot in known.iter().filter(|knot| !knot.held) { (cross(knot, at(knot))) }
        },
    };
    html! {
        div class="panel" {
            h5 { "CPU, of one CPU" }
            (frame.markup())
        }
    }
}

/// The line through all limits, with a dot at each that held.
fn curve(
    of: &SideFloor,
    knots: &[Knot],
    at: impl Fn(&Knot) -> Point,
    shown: impl Fn(&Knot) -> String,
) -> Markup {
    let side = side_class(of.side);
    let points: Vec<Point> = knots.iter().map(&at).collect();
    html! {
        (path(&format!("line {side}"), &line(&points), None))
        @for knot in knots.iter().filter(|knot| knot.held) {
            @let title = format!("{} at {}: {}", of.side, memory(knot.limit_bytes), shown(knot));
            (path(&format!("dot {side}"), &line(&[at(knot)]), Some(&title)))
        }
    }
}

/// A limit that did not hold: a cross, which would not keep its shape within the drawing.
fn cross(knot: &Knot, (x, y): Point) -> Markup {
    let title = format!("{}: {}", memory(knot.limit_bytes), knot.outcome);
    html! {
        span class="cross" title=(title) aria-hidden="true" style={"left:" (percent(x)) ";bottom:" (percent(y))} { "\u{2715}" }
    }
}

/// The bracket of the floor and the peak, over the whole height.
fn upright_marks(of: &SideFloor, axes: &Axes) -> Markup {
    let upright = |bytes: f64| line(&[(axes.at(bytes), 0.0), (axes.at(bytes), 1.0)]);
    let side = side_class(of.side);
    html! {
        @if let Some((low, high)) = of.low_bytes.zip(of.high_bytes) {
            @let (low, high) = (axes.at(low), axes.at(high));
            (path(&format!("band {side}"), &area(&[(low, 0.0), (high, 0.0)], &[(low, 1.0), (high, 1.0)]), Some("bracket of the floor")))
        }
        @if let Some(high) = of.high_bytes { (path(&format!("upright {side}"), &upright(high), Some("floor"))) }
        @if let Some(peak) = of.peak_rss_bytes { (path("bound", &upright(peak), Some("peak RSS"))) }
    }
}

/// The names of the two upright lines, one above the other: they may be close together.
fn names(of: &SideFloor, axes: &Axes) -> Markup {
    let name = |bytes: f64, top: &str, text: String| {
        let at = axes.at(bytes);
        let class = if at > 0.6 {
            "on-line here before"
        } else {
            "on-line here"
        };
        html! { span class=(class) style={"left:" (percent(at)) ";bottom:auto;top:" (top)} { (text) } }
    };
    html! {
        @if let Some(high) = of.high_bytes { (name(high, "0", format!("floor {}", memory(high)))) }
        @if let Some(peak) = of.peak_rss_bytes { (name(peak, "1.4rem", format!("peak RSS {}", memory(peak)))) }
    }
}

fn described(of: &SideFloor, knots: &[Knot]) -> String {
    let said: Vec<String> = knots
        .iter()
        .map(|knot| {
            let took = or_infinite(knot.time_us, time);
            let what = of_what(of);
            format!(
                "{}: {}, {what} {took}",
                memory(knot.limit_bytes),
                knot.outcome
            )
        })
        .collect();
    format!("{}: {}. {}", of.side, sentence(of), said.join("; "))
}
