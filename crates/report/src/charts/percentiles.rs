//! Latency by quantile: how slow the slowest are.

use super::{Frame, Point, Tick, area, legend, line, path, percent, side_class, value_ticks};
use crate::charts::scale::Scale;
use crate::figures::{quantile, time};
use maud::{Markup, html};
use understudy_model::Role;
use understudy_model::series::{CurvePoint, PercentileCurve};

/// Most points of a curve; more cannot be distinguished.
const MOST_POINTS: usize = 240;
/// Quantiles that bear a marker.
const NAMED: [f64; 6] = [0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999];
/// A bound that is further above every latency than this would leave the curves no room.
const FAR: f64 = 8.0;

/// Least distance between the names of two curves, as a share of the height.
const APART: f64 = 0.07;

/// A bound on a latency.
pub(crate) struct Bound {
    /// Microseconds.
    pub(crate) us: f64,
    /// The objective in words.
    pub(crate) text: String,
    /// The quantile it is for, where that is known.
    pub(crate) quantile: Option<f64>,
}

/// The curves of one rate; nothing where no latency is finite.
pub(crate) fn chart(curves: &[&PercentileCurve], bounds: &[Bound]) -> Option<Markup> {
    let points = || curves.iter().flat_map(|curve| &curve.points);
    let latencies = points().flat_map(|p| [p.latency_us, p.lowest_us, p.highest_us]);
    let latencies: Vec<f64> = latencies.flatten().collect();
    let highest = latencies.iter().copied().fold(0.0, f64::max);
    let (near, far): (Vec<_>, Vec<_>) = bounds.iter().partition(|b| b.us <= highest * FAR);
    let y = Scale::log(latencies.into_iter().chain(near.iter().map(|b| b.us)))?;
    let x = Scale::nines(points().map(|p| p.quantile).fold(0.9, f64::max));
    let drawn: Vec<Drawn<'_>> = curves
        .iter()
        .map(|curve| Drawn::new(curve, &x, &y))
        .collect();
    let frame = Frame {
        title: "Latency by quantile of each side, both axes logarithmic",
        description: &described(curves),
        class: "tall named",
        x: quantile_ticks(&x),
        y: value_ticks(&y, time),
        drawing: html! {
            @for bound in &near { (bound_line(bound, &x, &y)) }
            @for curve in &drawn { (curve.drawing()) }
        },
        labels: html! {
            @for bound in &near {
                span class="on-line" style={"bottom:" (percent(y.at(bound.us)))} { (bound.text) }
            }
            @for (curve, y) in drawn.iter().zip(label_heights(&drawn)) { (curve.label(y)) }
        },
    };
    let mut entries: Vec<(&str, &str)> = curves.iter().map(|curve| keyed(curve.side)).collect();
    entries.push(("band", "lowest to highest single measurement"));
    // Where there is no room for a text at the line itself.
    let notes = near
        .iter()
        .map(|bound| ("bound-key bound-note", bound.text.as_str()));
    entries.extend(notes);
    Some(html! {
        (legend(&entries))
        (frame.markup())
        @for curve in &drawn {
            @if let Some(q) = curve.infinite_from {
                p class="note" { "From " (cut(q)) " on, the requests to the " (curve.curve.side) " were never answered: its curve goes up without end." }
            }
        }
        @for bound in far {
            p class="note" {
                "The bound of \u{201c}" (bound.text) "\u{201d} (" (time(bound.us)) ") is above what the chart shows."
            }
        }
    })
}

/// The key of a side.
fn keyed(side: Role) -> (&'static str, &'static str) {
    match side {
        Role::Incumbent | Role::Second => ("incumbent line dot", "incumbent"),
        Role::Candidate => ("candidate line dot", "candidate"),
        Role::Tuned => ("tuned line dot", "tuned"),
    }
}

/// The positions of the names: each at the end of its curve, those that would touch moved apart around their
/// middle.
fn label_heights(drawn: &[Drawn<'_>]) -> Vec<f64> {
    let end = |drawn: &Drawn<'_>| drawn.line.last().map_or(0.0, |(_, y)| *y);
    let mut order: Vec<usize> = (0..drawn.len()).collect();
    // Where two end at the same height, the incumbent's name comes above.
    order.sort_by(|a, b| f64::total_cmp(&end(&drawn[*a]), &end(&drawn[*b])).then(b.cmp(a)));
    // Names that touch, from below: how many, and their middle.
    let mut groups: Vec<(usize, f64)> = Vec::new();
    for index in &order {
        let mut group = (1, end(&drawn[*index]));
        while let Some((below, middle)) = groups.last().copied() {
            let needed = (below + group.0) as f64 / 2.0 * APART;
            if group.1 - middle >= needed {
                break;
            }
            let both = below + group.0;
            let sum = middle * below as f64 + group.1 * group.0 as f64;
            group = (both, sum / both as f64);
            groups.pop();
        }
        groups.push(group);
    }
    let apart = groups.iter().flat_map(|(count, middle)| {
        let lowest = middle - (*count as f64 - 1.0) / 2.0 * APART;
        (0..*count).map(move |place| lowest + place as f64 * APART)
    });
    let mut heights = vec![0.0; drawn.len()];
    for (index, height) in order.into_iter().zip(apart) {
        heights[index] = height;
    }
    heights
}

fn quantile_ticks(x: &Scale) -> Vec<Tick> {
    let tick = |q: f64| Tick {
        at: x.at(q),
        label: quantile(q),
        minor: q == 0.0,
    };
    x.ticks().into_iter().map(tick).collect()
}

fn described(curves: &[&PercentileCurve]) -> String {
    let said = |curve: &&PercentileCurve| {
        let named = NAMED.iter().filter_map(|q| at(&curve.points, *q));
        let figures: Vec<String> = named
            .map(|p| format!("{} {}", quantile(p.quantile), shown(p.latency_us)))
            .collect();
        format!("{}: {}", curve.side, figures.join(", "))
    };
    curves.iter().map(said).collect::<Vec<_>>().join("; ")
}

/// A quantile to one digit behind its nines: 0.99953 is `p99.95`.
fn cut(q: f64) -> String {
    let digits = (-(1.0 - q).max(1e-9).log10()).ceil().max(2.0) as i32;
    let scale = 10_f64.powi(digits);
    quantile((q * scale).floor() / scale)
}

fn shown(us: Option<f64>) -> String {
    crate::wording::or_infinite(us, time)
}

/// The point of a curve at a quantile.
pub(crate) fn at(points: &[CurvePoint], quantile: f64) -> Option<&CurvePoint> {
    points
        .iter()
        .find(|point| (point.quantile - quantile).abs() < (1.0 - quantile) * 1e-6)
}

fn bound_line(bound: &Bound, x: &Scale, y: &Scale) -> Markup {
    let height = y.at(bound.us);
    html! {
        (path("bound", &line(&[(0.0, height), (1.0, height)]), Some(&bound.text)))
        @if let Some(q) = bound.quantile {
            (path("bound-at", &line(&[(x.at(q), height)]), Some(&bound.text)))
        }
    }
}

/// One curve in the units of the drawing.
struct Drawn<'c> {
    curve: &'c PercentileCurve,
    line: Vec<Point>,
    lower: Vec<Point>,
    upper: Vec<Point>,
    markers: Vec<(Point, String)>,
    /// The first quantile that is infinite.
    infinite_from: Option<f64>,
}

impl<'c> Drawn<'c> {
    fn new(curve: &'c PercentileCurve, x: &Scale, y: &Scale) -> Self {
        let every = curve.points.len().div_ceil(MOST_POINTS).max(1);
        let last = curve.points.len().saturating_sub(1);
        let kept = curve.points.iter().enumerate();
        let kept: Vec<&CurvePoint> = kept
            .filter(|(index, _)| index % every == 0 || *index == last)
            .map(|(_, point)| point)
            .collect();
        let place = |q: f64, us: f64| (x.at(q), y.at(us));
        let points = kept
            .iter()
            .filter_map(|p| Some(place(p.quantile, p.latency_us?)));
        let bands = kept.iter().filter_map(|p| {
            Some((
                place(p.quantile, p.lowest_us?),
                place(p.quantile, p.highest_us?),
            ))
        });
        let (lower, upper) = bands.unzip();
        let markers = NAMED.iter().filter_map(|q| {
            let point = at(&curve.points, *q)?;
            let us = point.latency_us?;
            let title = format!("{} {}: {}", curve.side, quantile(*q), time(us));
            Some((place(point.quantile, us), title))
        });
        Drawn {
            curve,
            line: points.collect(),
            lower,
            upper,
            markers: markers.collect(),
            infinite_from: curve
                .points
                .iter()
                .find(|p| p.latency_us.is_none())
                .map(|p| p.quantile),
        }
    }

    fn drawing(&self) -> Markup {
        let side = side_class(self.curve.side);
        let mut points = self.line.clone();
        if let (Some(_), Some(last)) = (self.infinite_from, points.last().copied()) {
            points.push((last.0, 1.0));
        }
        html! {
            @if self.lower.len() > 1 {
                (path(&format!("band {side}"), &area(&self.lower, &self.upper), None))
            }
            (path(&format!("line {side}"), &line(&points), None))
            @for (point, title) in &self.markers {
                (path(&format!("dot {side}"), &line(&[*point]), Some(title)))
            }
        }
    }

    /// The side's name next to the end of its curve.
    fn label(&self, y: f64) -> Markup {
        html! {
            @if !self.line.is_empty() {
                span class={"direct " (side_class(self.curve.side))} style={"top:" (percent(1.0 - y))} {
                    (self.curve.side.name())
                }
            }
        }
    }
}
