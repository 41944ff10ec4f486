//! Charts as SVG within HTML, in pure Rust.
//!
//! A drawing is stretched to the width that there is (`preserveAspectRatio="none"`) while strokes
//! keep their width and all text is next to it as HTML in its own size: so a chart can be read on
//! a phone, in print, by a screen reader, and be searched. Colours are custom properties of the page.

pub(crate) mod distribution;
pub(crate) mod fleets;
pub(crate) mod floor;
pub(crate) mod growth;
pub(crate) mod history;
pub(crate) mod knee;
pub(crate) mod percentiles;
pub(crate) mod quality;
pub(crate) mod ratios;
mod scale;
pub(crate) mod timeline;

use maud::{Markup, PreEscaped, html};
use scale::Scale;
use std::fmt::Write;
use understudy_model::Role;

/// Width and height of every drawing in its own units.
const SPAN: f64 = 1000.0;

/// A label of an axis at a place between 0 and 1.
struct Tick {
    at: f64,
    label: String,
    /// Left out where there is little room.
    minor: bool,
}

/// What is around a drawing.
struct Frame<'f> {
    /// What it shows, in one sentence: what a screen reader says first.
    title: &'f str,
    /// What is seen in it.
    description: &'f str,
    /// Class of the plot, which decides its height.
    class: &'static str,
    x: Vec<Tick>,
    y: Vec<Tick>,
    /// Inside of the SVG.
    drawing: Markup,
    /// Text over the drawing.
    labels: Markup,
}

impl Frame<'_> {
    fn markup(self) -> Markup {
        html! {
            div class={"plot " (self.class)} {
                div class="ys" aria-hidden="true" {
                    @for tick in &self.y {
                        span style={"top:" (percent(1.0 - tick.at))} { (tick.label) }
                    }
                }
                div class="area" {
                    svg role="img" viewBox="0 0 1000 1000" preserveAspectRatio="none" aria-label={(self.title) ". " (self.description)} {
                        title { (self.title) }
                        desc { (self.description) }
                        path class="grid" d=(grid(&self.x, &self.y)) {}
                        (self.drawing)
                    }
                    (self.labels)
                }
                div class="xs" aria-hidden="true" {
                    @for tick in &self.x {
                        span class=[tick.minor.then_some("minor")] style={"left:" (percent(tick.at))} { (tick.label) }
                    }
                }
            }
        }
    }
}

fn grid(x: &[Tick], y: &[Tick]) -> String {
    let mut path = String::new();
    for tick in y {
        // Writing to a string cannot fail.
        let _ = write!(path, "M0 {}H1000", number((1.0 - tick.at) * SPAN));
    }
    for tick in x {
        let _ = write!(path, "M{} 0V1000", number(tick.at * SPAN));
    }
    path
}

/// The ticks of a value axis.
fn value_ticks(scale: &Scale, show: impl Fn(f64) -> String) -> Vec<Tick> {
    let tick = |value: f64| Tick {
        at: scale.at(value),
        label: short(&show(value)),
        minor: false,
    };
    scale.ticks().into_iter().map(tick).collect()
}

/// `2.00 ms` is `2 ms` on an axis.
fn short(figure: &str) -> String {
    let end = figure.find([' ', '/']).unwrap_or(figure.len());
    let (number, unit) = figure.split_at(end);
    let number = match number.contains('.') && !number.contains('e') {
        true => number.trim_end_matches('0').trim_end_matches('.'),
        false => number,
    };
    format!("{number}{}", unit.replace(' ', "\u{a0}"))
}

/// A point of a drawing, both between 0 and 1, upwards.
type Point = (f64, f64);

/// A line through points.
fn line(points: &[Point]) -> String {
    let mut path = String::with_capacity(points.len() * 12);
    for (index, point) in points.iter().enumerate() {
        path.push(if index == 0 { 'M' } else { 'L' });
        push_point(&mut path, *point);
    }
    // A single point is a line of no length: its round or square end shows.
    if points.len() == 1 {
        path.push_str("h0");
    }
    path
}

/// The area between two lines of the same points.
fn area(lower: &[Point], upper: &[Point]) -> String {
    let mut outline = lower.to_vec();
    outline.extend(upper.iter().rev());
    line(&outline) + "Z"
}

fn push_point(path: &mut String, (x, y): Point) {
    path.push_str(&number(x * SPAN));
    path.push(' ');
    path.push_str(&number((1.0 - y) * SPAN));
}

/// One decimal, and none where it is zero.
fn number(value: f64) -> String {
    let rounded = (value * 10.0).round() / 10.0;
    // The sum turns -0 into 0.
    format!("{}", rounded + 0.0)
}

fn percent(share: f64) -> String {
    format!("{}%", number(share * 100.0))
}

/// The class of a side's colour.
pub(crate) fn side_class(side: Role) -> &'static str {
    match side {
        Role::Incumbent | Role::Second => "incumbent",
        Role::Candidate => "candidate",
        Role::Tuned => "tuned",
    }
}

/// What is drawn how: the classes of a key, and its meaning.
pub(crate) fn legend(entries: &[(&'static str, &str)]) -> Markup {
    html! {
        p class="legend" {
            @for (class, text) in entries {
                span class=[class.strip_prefix("bound-key ")] {
                    i class={"key " (class)} aria-hidden="true" {}
                    (text)
                }
            }
        }
    }
}

/// A path of a drawing with what is said when the pointer rests on it.
fn path(class: &str, d: &str, title: Option<&str>) -> Markup {
    html! {
        path class=(class) d=(PreEscaped(d)) {
            @if let Some(title) = title { title { (title) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_on_axes_are_short() {
        assert_eq!(
            [
                short("2.00 ms"),
                short("150 us"),
                short("80.0/s"),
                short("0.500 %")
            ],
            ["2\u{a0}ms", "150\u{a0}us", "80/s", "0.5\u{a0}%"]
        );
    }

    #[test]
    fn lines_are_drawn_upwards() {
        assert_eq!(line(&[(0.0, 0.0), (0.5, 1.0)]), "M0 1000L500 0");
        assert_eq!(line(&[(0.25, 0.5)]), "M250 500h0");
        assert_eq!(
            area(&[(0.0, 0.0), (1.0, 0.0)], &[(0.0, 1.0), (1.0, 1.0)]),
            "M0 1000L1000 1000L1000 0L0 0Z"
        );
    }
}
