//! Encoders: the bits for the same quality, clip by clip, as curves and in figures.

use super::{more, table};
use crate::charts::quality::chart;
use crate::figures::memory;
use crate::{quality, wording};
use maud::{Markup, html};
use understudy_model::Role;
use understudy_model::quality::{ClipQuality, RatePoint};
use understudy_model::verdict::VerdictDocument;

/// Clips that are drawn; the document has all.
const CLIPS: usize = 24;

/// The section; `None` where nothing was compared by its quality.
pub(super) fn section(document: &VerdictDocument) -> Option<Markup> {
    let comparison = wording::of_contender(document, Role::Candidate)?;
    let clips = &comparison.quality;
    if clips.is_empty() {
        return None;
    }
    Some(html! {
        p { "How many more bits the candidate needs for the same quality: the mean distance of the two curves over the qualities that both reach (Bjontegaard delta rate). Each clip is judged by itself." }
        @for said in comparison.quality_over_clips.iter().filter_map(quality::over_clips) {
            p { "Over the clips: " (super::typeset(&said)) ". It says what other clips like these would give; the verdict does not rest on it." }
        }
        @for clip in clips.iter().take(CLIPS) { (one(clip)) }
        @if clips.len() > CLIPS {
            p class="note" { (clips.len() - CLIPS) " more clips in " code { "verdict.json" } "." }
        }
    })
}

fn one(clip: &ClipQuality) -> Markup {
    html! {
        figure {
            figcaption {
                h3 { (clip.clip) }
                p { (super::typeset(&quality::sentence(clip))) "." }
            }
            @if let Some(chart) = chart(clip) { (chart) }
            (more("The points", figures(clip)))
        }
    }
}

fn figures(clip: &ClipQuality) -> Markup {
    let unit = clip.metric.unit();
    let of = |side: &'static str, points: &[RatePoint]| {
        let row = |point: &RatePoint| {
            vec![
                side.to_owned(),
                format!("{:.2} {unit}", point.quality),
                memory(point.bytes as f64),
            ]
        };
        points.iter().map(row).collect::<Vec<_>>()
    };
    let mut rows = of("incumbent", &clip.incumbent);
    rows.extend(of("candidate", &clip.contender));
    table(
        &format!("Points of {}", clip.clip),
        &["side", clip.metric.in_words(), "size"],
        rows,
    )
}
