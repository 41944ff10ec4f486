//! The time of a run by the size of its case: what was measured, and the line through it.

use super::scale::Scale;
use super::{Frame, Point, Tick, legend, line, path, percent, side_class, value_ticks};
use crate::figures::{amount, amount_on_axis, time};
use crate::growth::{self, sides};
use maud::{Markup, html};
use understudy_model::Role;
use understudy_model::growth::{Growth, SideGrowth};
use understudy_model::verdict::{Comparison, Estimate};

/// From this many times the smallest size on, an axis that begins at 0 would put the small sizes on top of one another.
const WIDE: f64 = 8.0;
/// Parts of a line that is bent by logarithmic axes.
const PARTS: u32 = 64;
/// A deadline that is further above every time than this would leave the times no room.
const FAR: f64 = 8.0;

/// The axes, and how they are called.
struct Axes {
    x: Scale,
    y: Scale,
    is_log: bool,
    /// The sizes between which a line is drawn.
    ends: (f64, f64),
}

impl Axes {
    /// Over every time with its interval; `None` where there is none, as in documents of older versions.
    fn new(of: &Growth, deadline_us: Option<f64>) -> Option<Axes> {
        let (first, last) = (*of.sizes.first()?, *of.sizes.last()?);
        let all = of.baseline.times.iter().chain(&of.contender.times);
        let all = all.flat_map(|time| [time.low, time.estimate, time.high]);
        let times: Vec<f64> = all.flatten().chain(deadline_us).collect();
        let highest = times.iter().copied().reduce(f64::max)?;
        let is_log = last >= first * WIDE;
        let axes = if is_log {
            Axes {
                x: Scale::log(of.sizes.iter().copied())?,
                y: Scale::log(times.into_iter())?,
                is_log,
                ends: (first, last),
            }
        } else {
            Axes {
                x: Scale::linear(last, unit_of(last)),
                y: Scale::linear(highest, unit_of(highest)),
                is_log,
                // From 0 on: the height there is the fixed time.
                ends: (0.0, last),
            }
        };
        Some(axes)
    }

    fn in_words(&self) -> &'static str {
        if self.is_log {
            ", both axes logarithmic"
        } else {
            ""
        }
    }

    /// The line of a side as it is drawn; what is not above 0 has no place.
    fn line(&self, side: &SideGrowth) -> Vec<Point> {
        let Some(fitted) = &side.line else {
            return Vec::new();
        };
        let (Some(fixed), Some(slope)) = (fitted.fixed_us.estimate, fitted.us_per_unit.estimate)
        else {
            return Vec::new();
        };
        let (from, to) = self.ends;
        let sizes = (0..=PARTS).map(|part| {
            let share = f64::from(part) / f64::from(PARTS);
            match self.is_log {
                true => from * (to / from).powf(share),
                false => from + (to - from) * share,
            }
        });
        let heights = sizes.map(|size| (size, fixed + slope * size));
        let seen = heights.filter(|(_, us)| *us > 0.0);
        seen.map(|(size, us)| (self.x.at(size), self.y.at(us)))
            .collect()
    }

    fn ticks(&self) -> Vec<Tick> {
        let ticks = value_ticks(&self.x, amount_on_axis);
        let last = ticks.len().saturating_sub(1);
        let named = |(index, tick): (usize, Tick)| Tick {
            // Counted from the end: the largest size is always named.
            minor: (last - index) % 2 == 1,
            ..tick
        };
        ticks.into_iter().enumerate().map(named).collect()
    }
}

/// The largest power of 1,000 that a number reaches, so that steps are round in the unit that they are written in.
fn unit_of(highest: f64) -> f64 {
    10_f64.powi(3 * (highest.max(1e-9).log10() / 3.0).floor() as i32)
}

/// The chart of one operation; nothing where its times are not in the document.
pub(crate) fn chart(of: &Growth, comparison: &Comparison) -> Option<Markup> {
    let sides = sides(of, comparison);
    let times = || sides.iter().flat_map(|(_, side)| &side.times);
    let highest = times().filter_map(|time| time.estimate).reduce(f64::max)?;
    let lines = sides.iter().filter_map(|(_, side)| side.line.as_ref());
    let mut deadlines = lines.filter_map(|line| line.within_deadline.as_ref());
    let deadline = deadlines.next().map(|within| within.deadline_us);
    let near = deadline.filter(|us| *us <= highest * FAR);
    let axes = Axes::new(of, near)?;
    let deadline_text = near.map(|us| format!("deadline {}", time(us)));
    let frame = Frame {
        title: &format!(
            "Wall time of a run of {} by size in {}{}",
            of.operation,
            of.unit,
            axes.in_words()
        ),
        description: &described(of, &sides),
        class: "tall",
        x: axes.ticks(),
        y: value_ticks(&axes.y, time),
        drawing: html! {
            @if let Some((us, text)) = near.zip(deadline_text.as_ref()) {
                (path("bound", &line(&[(0.0, axes.y.at(us)), (1.0, axes.y.at(us))]), Some(text)))
            }
            @for (role, side) in sides { (drawn(of, (role, side), &axes)) }
        },
        labels: html! {
            @if let Some((us, text)) = near.zip(deadline_text.as_ref()) {
                span class="on-line" style={"bottom:" (percent(axes.y.at(us)))} { (text) }
            }
        },
    };
    let keys = sides.map(|(role, side)| keyed(role, side));
    let mut keys: Vec<(&str, &str)> = keys.iter().map(|(key, name)| (*key, &**name)).collect();
    let has_interval = times().any(|time| time.low.is_some());
    if has_interval {
        keys.push((
            "upright-key",
            "median of the measurements with its 95 % interval",
        ));
    }
    if let Some(text) = &deadline_text {
        keys.push(("bound-key bound-note", text));
    }
    Some(html! {
        (legend(&keys))
        div class="panel" {
            h5 { "Wall time of a run, by size in " (of.unit) }
            (frame.markup())
        }
    })
}

fn keyed(role: Role, side: &SideGrowth) -> (&'static str, String) {
    let key = match (side_class(role), side.line.is_some()) {
        ("candidate", true) => "candidate line dot",
        ("candidate", false) => "candidate dot",
        ("tuned", true) => "tuned line dot",
        ("tuned", false) => "tuned dot",
        (_, true) => "incumbent line dot",
        (_, false) => "incumbent dot",
    };
    let name = match side.line {
        Some(_) => role.to_string(),
        None => format!("{role} (no line)"),
    };
    (key, name)
}

/// The line, and over it the times with their intervals.
fn drawn(of: &Growth, (role, side): (Role, &SideGrowth), axes: &Axes) -> Markup {
    let class = side_class(role);
    let fitted = axes.line(side);
    let place = |size: f64, us: f64| (axes.x.at(size), axes.y.at(us));
    let measured = of.sizes.iter().zip(&side.times);
    html! {
        @if !fitted.is_empty() {
            (path(&format!("line {class}"), &line(&fitted), Some(&format!("{role}: {}", growth::line(of, side)))))
        }
        @for (size, found) in measured {
            @if let (Some(low), Some(high)) = (found.low, found.high) {
                (path(&format!("upright {class}"), &line(&[place(*size, low), place(*size, high)]), None))
            }
            @if let Some(us) = found.estimate {
                (path(&format!("dot {class}"), &line(&[place(*size, us)]), Some(&said(of, role, *size, *found))))
            }
        }
    }
}

fn said(of: &Growth, role: Role, size: f64, found: Estimate) -> String {
    let text = growth::at_size(found);
    format!("{role}, {} {}: {text}", amount(size), of.unit)
}

fn described(of: &Growth, sides: &[(Role, &SideGrowth)]) -> String {
    let side = |(role, side): &(Role, &SideGrowth)| {
        let measured = of.sizes.iter().zip(&side.times);
        let measured = measured.filter_map(|(size, found)| {
            let us = found.estimate?;
            Some(format!("{} at {}", time(us), amount(*size)))
        });
        let measured: Vec<String> = measured.collect();
        format!(
            "{role}: {}; {}",
            measured.join(", "),
            growth::line(of, side)
        )
    };
    let sides: Vec<String> = sides.iter().map(side).collect();
    sides.join(". ")
}
