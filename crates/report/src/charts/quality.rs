//! The quality that encoders reach by the size of what they write.

use super::scale::Scale;
use super::{Frame, Point, legend, line, path, side_class, value_ticks};
use crate::figures::memory;
use crate::quality::sentence;
use maud::{Markup, html};
use understudy_model::Role;
use understudy_model::quality::{ClipQuality, RatePoint};

/// The curves of one clip; nothing where no point has a place.
pub(crate) fn chart(clip: &ClipQuality) -> Option<Markup> {
    let all = || clip.incumbent.iter().chain(&clip.contender);
    let x = Scale::log(all().map(|point| point.bytes as f64))?;
    let y = Scale::log(all().map(|point| point.quality))?;
    let unit = clip.metric.unit();
    let show = |value: f64| format!("{value:.0} {unit}");
    let frame = Frame {
        title: &format!(
            "{} by size, clip {}, both axes logarithmic",
            clip.metric.in_words(),
            clip.clip
        ),
        description: &sentence(clip),
        class: "tall",
        x: value_ticks(&x, memory),
        y: value_ticks(&y, show),
        drawing: html! {
            (curve(Role::Incumbent, &clip.incumbent, (&x, &y)))
            (curve(Role::Candidate, &clip.contender, (&x, &y)))
        },
        labels: html! {},
    };
    let sides = [
        ("incumbent line dot", "incumbent"),
        ("candidate line dot", "candidate"),
    ];
    Some(html! { (legend(&sides)) (frame.markup()) })
}

fn curve(side: Role, points: &[RatePoint], (x, y): (&Scale, &Scale)) -> Markup {
    let place = |point: &RatePoint| (x.at(point.bytes as f64), y.at(point.quality));
    let places: Vec<Point> = points.iter().map(place).collect();
    let class = side_class(side);
    let said = |point: &RatePoint| {
        let size = memory(point.bytes as f64);
        format!("{side}: {:.2} at {size}", point.quality)
    };
    html! {
        (path(&format!("line {class}"), &line(&places), None))
        @for (place, point) in places.iter().zip(points) {
            (path(&format!("dot {class}"), &line(&[*place]), Some(&said(point))))
        }
    }
}
