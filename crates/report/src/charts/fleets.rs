//! What each arm costs a year by the size of the fleet, both axes logarithmic: where two lines cross, one
//! begins to pay.

use super::scale::Scale;
use super::{Frame, Point, Tick, line, path, percent, value_ticks};
use crate::figures::{amount_on_axis, count};
use maud::{Markup, html};
use understudy_case::{Arm, CaseDocument, FleetCost};

/// The chart; `None` where there is nothing to draw.
pub(crate) fn chart(document: &CaseDocument) -> Option<Markup> {
    let fleets = &document.fleets;
    let x = Scale::log(fleets.iter().map(|fleet| fleet.instances))?;
    let y = Scale::log(
        fleets
            .iter()
            .flat_map(|fleet| Arm::ALL.map(|arm| cost(fleet, arm))),
    )?;
    let of = |arm| -> Vec<Point> {
        let drawn = fleets.iter().filter(|fleet| cost(fleet, arm) > 0.0);
        drawn
            .map(|fleet| (x.at(fleet.instances), y.at(cost(fleet, arm))))
            .collect()
    };
    let even = document.break_even;
    let upright = |instances: f64| line(&[(x.at(instances), 0.0), (x.at(instances), 1.0)]);
    let size = |instances: f64| format!("{} instances", count(instances.ceil() as u64));
    let drawing = html! {
        @for arm in Arm::ALL { (path(&format!("line {}", arm.name()), &line(&of(arm)), Some(arm.name()))) }
        (path("today", &upright(even.today), Some(&format!("today: {}", size(even.today)))))
        @if let Some(instances) = even.instances {
            (path("bound", &upright(instances), Some(&format!("break-even: {}", size(instances)))))
        }
    };
    // The two marks are labelled at different heights, since they may be close together, and low,
    // where no line is.
    let label = |instances: f64, bottom: &str, text: &str| {
        let at = x.at(instances);
        let side = if at > 0.6 { "before" } else { "after" };
        html! {
            span class={"on-line here " (side)} style={"left:" (percent(at)) ";bottom:" (bottom)} { (text) ": " (size(instances)) }
        }
    };
    let labels = html! {
        (label(even.today, "0", "you are here"))
        @if let Some(instances) = even.instances { (label(instances, "1.5rem", "break-even")) }
    };
    let pays = match even.instances {
        Some(instances) => format!("The candidate pays from {} on.", size(instances)),
        None => "The candidate pays at no size.".to_owned(),
    };
    let frame = Frame {
        title: "Cost a year by the size of the fleet",
        description: &format!("{pays} Today {} run.", size(even.today)),
        class: "tall",
        x: value_ticks(&x, |instances| count(instances as u64))
            .into_iter()
            .enumerate()
            .map(thinned)
            .collect(),
        y: value_ticks(&y, amount_on_axis),
        drawing,
        labels,
    };
    Some(frame.markup())
}

/// Every second label goes where there is little room.
fn thinned((index, tick): (usize, Tick)) -> Tick {
    Tick {
        minor: index % 2 == 1,
        ..tick
    }
}

fn cost(fleet: &FleetCost, arm: Arm) -> f64 {
    match arm {
        Arm::Incumbent => fleet.incumbent,
        Arm::Tuned => fleet.tuned,
        Arm::Candidate => fleet.candidate,
    }
}
