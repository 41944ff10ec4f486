//! What the incumbent gains in another setting, without a replacement.

use super::verdict::tiles;
use super::{answers, effects, objectives};
use crate::wording;
use maud::{Markup, html};
use understudy_model::Role;
use understudy_model::verdict::VerdictDocument;

/// Nothing where no side was tuned.
pub(super) fn section(document: &VerdictDocument) -> Option<Markup> {
    let comparison = wording::of_contender(document, Role::Tuned)?;
    Some(html! {
        p class="lead" {
            "The incumbent with another heap, collector or setting, measured in turn with the other two. What it reaches needs no replacement, and is not a reason for one."
        }
        (tiles(document, comparison))
        @if comparison.equivalence.different > 0 {
            p class="lead" { "It answers differently, so it is not an alternative, whatever it gains." }
            (answers::clusters(comparison))
        }
        (effects::of_comparison(document, comparison))
        @if !document.tuned_goals.is_empty() { (objectives::goals("Are the goals reached by tuning alone?", &document.tuned_goals)) }
    })
}
