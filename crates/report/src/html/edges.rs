//! What requests show that recorded traffic does not have.

use super::{answers, badge, command, more, table};
use crate::edges;
use crate::figures::count;
use crate::wording;
use maud::{Markup, html};
use understudy_model::Role;
use understudy_model::edges::{EdgeCluster, Edges};
use understudy_model::verdict::VerdictDocument;

/// The section; `None` where no edge requests were made.
pub(super) fn section(document: &VerdictDocument) -> Option<Markup> {
    let comparison = wording::of_contender(document, Role::Candidate)?;
    let edges = comparison.edges.as_ref()?;
    Some(html! {
        (ledger(edges))
        @if edges.clusters.is_empty() && edges.compared > 0 {
            p class="lead" { (badge("better", "\u{2713}", "no difference")) " Both sides answer all of them alike." }
        }
        @for cluster in &edges.clusters { (class(cluster)) }
        (reasons("What was excused, and by what", &["by", "pairs"], edges.excused_by.iter().map(|excuse| (excuse.by.clone(), excuse.pairs))))
        (reasons("Why requests were not compared", &["reason", "requests"], edges.lost_by_reason.iter().map(|(why, pairs)| (why.clone(), *pairs))))
    })
}

/// Every request is somewhere: as a bar and as figures.
fn ledger(edges: &Edges) -> Markup {
    let parts = [
        ("equal", "equal", edges.equal),
        ("excused", "excused", edges.excused),
        ("different", "different", edges.different),
        ("lost", "not compared", edges.lost),
    ];
    html! {
        figure class="ledger" {
            figcaption {
                p {
                    "Understudy made " (count(edges.made)) " requests from recorded ones on which frameworks are known to differ, and asked both sides. "
                    @if edges.required { "A difference makes the candidate not equivalent." }
                    @else { "They are no part of the verdict: whether a client sends such requests, you know." }
                }
            }
            (answers::bar(&parts, &edges::ledger(edges)))
        }
    }
}

fn class(cluster: &EdgeCluster) -> Markup {
    html! {
        article class="cluster" {
            h4 { (badge("worse", "\u{2260}", &format!("{} of {}", count(cluster.different), count(cluster.of)))) " " (cluster.title) }
            p { (cluster.breaks) }
            @for difference in &cluster.differences {
                @for example in difference.examples.iter().take(1) { (answers::pair(example)) }
            }
            @if let Some(first) = cluster.differences.iter().find(|of| !of.reproduce.is_empty()) {
                p class="note" { "The smallest request that shows it:" }
                (command(&first.reproduce))
            }
            p class="note" { "If that may differ, this rule in trial.toml accepts it:" }
            (command(&format!("[[compare.rule]]\n{}\nreason = \"...\"", edges::rule(cluster).join("\n"))))
        }
    }
}

/// A table behind a line that opens it; nothing where it is empty.
fn reasons(title: &str, head: &[&str], rows: impl Iterator<Item = (String, u64)>) -> Markup {
    let rows: Vec<Vec<String>> = rows.map(|(why, pairs)| vec![why, count(pairs)]).collect();
    html! {
        @if !rows.is_empty() { (more(title, table(title, head, rows.into_iter()))) }
    }
}
