//! The knee curve: latency by offered rate, and where the capacity is.

use super::{Frame, Point, Tick, area, legend, line, path, percent, side_class, value_ticks};
use crate::charts::percentiles::Bound;
use crate::charts::scale::Scale;
use crate::figures::{rate, time};
use crate::knee::{self, Knot};
use maud::{Markup, html};
use understudy_model::Role;
use understudy_model::capacity::SideCapacity;

/// The knee of every side; nothing where no latency is finite.
pub(crate) fn chart(capacities: &[SideCapacity], bounds: &[Bound]) -> Option<Markup> {
    let sides: Vec<(&SideCapacity, Vec<Knot>)> = capacities
        .iter()
        .map(|of| (of, knee::knots(&of.capacity)))
        .collect();
    let knots = || sides.iter().flat_map(|(_, knots)| knots);
    let latencies = knots()
        .flat_map(|knot| [knot.p50_us, knot.p99_us])
        .flatten();
    let y = Scale::log(latencies.chain(bounds.iter().map(|bound| bound.us)))?;
    let x = Scale::log(knots().map(|knot| knot.rate_rps))?;
    let frame = Frame {
        title: "Latency by offered rate, both axes logarithmic",
        description: &described(&sides),
        class: "tall",
        x: value_ticks(&x, rate).into_iter().map(minor).collect(),
        y: value_ticks(&y, time),
        drawing: html! {
            @for (of, _) in &sides { (interval(of, &x)) }
            @for bound in bounds {
                (path("bound", &line(&[(0.0, y.at(bound.us)), (1.0, y.at(bound.us))]), Some(&bound.text)))
            }
            @for (of, knots) in &sides { (curves(of, knots, &x, &y)) }
        },
        labels: html! {
            @for bound in bounds {
                span class="on-line" style={"bottom:" (percent(y.at(bound.us)))} { (bound.text) }
            }
        },
    };
    let mut entries: Vec<(&str, &str)> = sides.iter().map(|(of, _)| keyed(of.side)).collect();
    entries.push(("band", "95 % interval of the capacity"));
    let notes = bounds
        .iter()
        .map(|bound| ("bound-key bound-note", bound.text.as_str()));
    entries.extend(notes);
    Some(html! { (legend(&entries)) (frame.markup()) })
}

/// The key of a side.
fn keyed(side: Role) -> (&'static str, &'static str) {
    match side {
        Role::Incumbent | Role::Second => (
            "incumbent line dot",
            "incumbent: p99 with dots, p50 without",
        ),
        Role::Candidate => (
            "candidate line dot",
            "candidate: p99 with dots, p50 without",
        ),
        Role::Tuned => ("tuned line dot", "tuned: p99 with dots, p50 without"),
    }
}

/// Where there is little room, every label of a rate would be too many.
fn minor(tick: Tick) -> Tick {
    Tick {
        minor: !tick.label.starts_with('1'),
        ..tick
    }
}

fn described(sides: &[(&SideCapacity, Vec<Knot>)]) -> String {
    let said = sides
        .iter()
        .map(|(of, _)| format!("{}: capacity {}", of.side, knee::sentence(&of.capacity)));
    said.collect::<Vec<_>>().join("; ")
}

/// The capacity's interval as a band over the whole height.
fn interval(of: &SideCapacity, x: &Scale) -> Markup {
    let found = &of.capacity.rate_rps;
    let (low, high) = match (found.low, found.high) {
        (Some(low), Some(high)) => (x.at(low), x.at(high)),
        (Some(low), None) => (x.at(low), 1.0),
        (None, Some(high)) => (0.0, x.at(high)),
        (None, None) => return html! {},
    };
    // A narrow interval is still seen.
    let high = high.max(low + 0.003);
    let class = format!("band {}", side_class(of.side));
    let title = format!("{}: {}", of.side, knee::sentence(&of.capacity));
    let outline = area(&[(low, 0.0), (high, 0.0)], &[(low, 1.0), (high, 1.0)]);
    path(&class, &outline, Some(&title))
}

fn curves(of: &SideCapacity, knots: &[Knot], x: &Scale, y: &Scale) -> Markup {
    let points = |us: fn(&Knot) -> Option<f64>| -> Vec<Point> {
        let known = knots.iter();
        // An infinite latency leaves the chart at its upper edge.
        let place = |knot: &Knot| (x.at(knot.rate_rps), us(knot).map_or(1.0, |us| y.at(us)));
        known.map(place).collect()
    };
    let (p50, p99) = (points(|knot| knot.p50_us), points(|knot| knot.p99_us));
    let side = side_class(of.side);
    html! {
        (path(&format!("line {side}"), &line(&p50), None))
        (path(&format!("line {side}"), &line(&p99), None))
        @for (point, knot) in p99.iter().zip(knots) {
            (path(&format!("dot {side}"), &line(&[*point]), Some(&format!("{} at {}: p99 {}", of.side, rate(knot.rate_rps), crate::wording::or_infinite(knot.p99_us, time)))))
        }
    }
}
