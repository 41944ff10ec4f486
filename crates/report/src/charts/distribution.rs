//! How likely which net present value is, and how far single figures move it.

use super::scale::Scale;
use super::{Frame, Tick, area, line, path, percent};
use crate::figures::{amount_on_axis, money, share};
use maud::{Markup, html};
use understudy_case::{CaseDocument, Swing};

/// An axis of money that has both signs.
pub(crate) struct Amounts {
    low: f64,
    high: f64,
}

impl Amounts {
    /// Over all these amounts and zero; `None` where they are all zero.
    pub(crate) fn over(amounts: impl Iterator<Item = f64>) -> Option<Self> {
        let (low, high) = amounts.fold((0.0f64, 0.0f64), |(low, high), amount| {
            (low.min(amount), high.max(amount))
        });
        let room = (high - low) * 0.02;
        (high > low).then_some(Amounts {
            low: low - room,
            high: high + room,
        })
    }

    fn at(&self, amount: f64) -> f64 {
        ((amount - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }

    /// Zero, and round amounts on both sides of it.
    fn ticks(&self) -> Vec<Tick> {
        let Scale::Linear { step, .. } = Scale::linear(self.high - self.low, 1.0) else {
            return Vec::new();
        };
        let (first, last) = (
            (self.low / step).ceil() as i64,
            (self.high / step).floor() as i64,
        );
        let tick = |n: i64| Tick {
            at: self.at(n as f64 * step),
            label: amount_on_axis(n as f64 * step),
            minor: n % 2 != 0,
        };
        (first..=last).map(tick).collect()
    }
}

/// The histogram of the net present value; `None` where nothing is uncertain.
pub(crate) fn histogram(document: &CaseDocument) -> Option<Markup> {
    let bins = &document.distribution;
    let x = Amounts::over(bins.iter().flat_map(|bin| [bin.from, bin.to]))?;
    let highest = bins.iter().map(|bin| bin.share).fold(0.0, f64::max);
    let y = Scale::linear(highest, 0.01);
    let bar = |bin: &understudy_case::Bin| {
        let (from, to, top) = (x.at(bin.from), x.at(bin.to), y.at(bin.share));
        let outline = area(&[(from, 0.0), (to, 0.0)], &[(from, top), (to, top)]);
        let title = format!(
            "{} of the draws between {} and {}",
            share(bin.share),
            money(bin.from, &document.currency),
            money(bin.to, &document.currency)
        );
        // A step that zero divides counts as what most of it is.
        let class = if bin.from + bin.to > 0.0 {
            "bar-gain"
        } else {
            "bar-loss"
        };
        path(class, &outline, Some(&title))
    };
    let zero = x.at(0.0);
    let frame = Frame {
        title: "Net present value of the candidate",
        description: &format!(
            "{} of the draws are above 0.",
            share(document.p_npv_positive)
        ),
        class: "middle",
        x: x.ticks(),
        y: super::value_ticks(&y, share),
        drawing: html! {
            @for bin in bins { (bar(bin)) }
            (path("one", &line(&[(zero, 0.0), (zero, 1.0)]), None))
        },
        labels: html! {},
    };
    Some(frame.markup())
}

/// The axis that the rows of a tornado share.
pub(crate) fn tornado_axis(document: &CaseDocument) -> Option<Amounts> {
    let ends = |swing: &Swing| [swing.npv_at_p10, swing.npv_at_p90];
    Amounts::over(document.tornado.iter().flat_map(ends))
}

/// One row: from the net present value at the figure's P10 to that at its P90.
pub(crate) fn swing(axis: &Amounts, swing: &Swing, title: &str) -> Markup {
    let (a, b) = (axis.at(swing.npv_at_p10), axis.at(swing.npv_at_p90));
    let (from, to, zero) = (a.min(b), a.max(b), axis.at(0.0));
    let part = |from: f64, to: f64, class: &str| {
        let outline = area(&[(from, 0.2), (to, 0.2)], &[(from, 0.8), (to, 0.8)]);
        html! { @if to > from { (path(class, &outline, None)) } }
    };
    html! {
        svg class="strip" viewBox="0 0 1000 1000" preserveAspectRatio="none" role="img" aria-label=(title) {
            title { (title) }
            (part(from, to.min(zero), "bar-loss"))
            (part(from.max(zero), to, "bar-gain"))
            (path("one", &line(&[(zero, 0.0), (zero, 1.0)]), None))
        }
    }
}

/// The labels under the last row.
pub(crate) fn tornado_labels(axis: &Amounts) -> Markup {
    html! {
        div class="xs" aria-hidden="true" {
            @for tick in axis.ticks() {
                span class=[tick.minor.then_some("minor")] style={"left:" (percent(tick.at))} { (tick.label) }
            }
        }
    }
}
