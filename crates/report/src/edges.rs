//! Edge requests in words.

use crate::figures::count;
use crate::wording;
use understudy_model::DifferenceKind;
use understudy_model::edges::{EdgeCluster, Edges};
use understudy_model::verdict::Cluster;

/// Ways in which the answers of a class differ that a sentence names.
const WAYS: usize = 3;

/// The ledger in one line: `108 made, 104 compared: 71 equal, 33 different, 0 excused; 4 not compared`.
pub(crate) fn ledger(edges: &Edges) -> String {
    let lost = match edges.lost {
        0 => String::new(),
        lost => format!("; {} not compared", count(lost)),
    };
    let counts = match edges.required {
        true => "",
        false => "; not part of the verdict",
    };
    let by_status = match edges.by_status {
        0 => String::new(),
        some => format!(" ({} by status)", count(some)),
    };
    format!(
        "{} compared: {} equal, {} different{by_status}, {} excused{lost}{counts}",
        count(edges.compared),
        count(edges.equal),
        count(edges.different),
        count(edges.excused),
    )
}

/// `DELETE where no route has it (2 of 2): 405 became 404, missing at header:allow`
pub(crate) fn sentence(cluster: &EdgeCluster) -> String {
    let ways: Vec<String> = cluster.differences.iter().take(WAYS).map(way).collect();
    let more = match cluster.differences.len().saturating_sub(WAYS) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(
        "{} ({} of {}): {}{more}",
        cluster.title,
        count(cluster.different),
        count(cluster.of),
        ways.join(", "),
    )
}

/// The most telling way first: a status says more than its text.
fn way(cluster: &Cluster) -> String {
    let example = cluster.examples.first();
    match (cluster.kind, example) {
        (DifferenceKind::Code, Some(example)) => {
            let value = |text: &str| wording::value(text).to_owned();
            format!(
                "{} became {}",
                value(&example.baseline),
                value(&example.contender)
            )
        }
        _ => format!("{} at {}", cluster.kind, cluster.path),
    }
}

/// The keys of the rule that accepts whatever a class answers.
pub(crate) fn rule(cluster: &EdgeCluster) -> [String; 2] {
    [
        "path = \"answer\"".to_owned(),
        format!("operation = \"{}\"", cluster.operation),
    ]
}
