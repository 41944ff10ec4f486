//! The answers to edge requests: a ledger of their own, by class.

use crate::Answers;
use crate::Evidence;
use crate::terms::Terms;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use understudy_compare::{Noise, PairClass, Row, Rules, classify};
use understudy_model::edges::{ClassFacts, EdgeCluster, EdgeFacts, Edges, UNASKED};
use understudy_model::stored::ReproducedCluster;
use understudy_model::verdict::Cluster;
use understudy_model::{DifferenceKind, Place, Role};

/// What was compared of edge requests.
#[derive(Clone, Debug, Default)]
pub struct EdgeAnswers {
    /// The requests and their classes.
    pub facts: EdgeFacts,
    /// One row per request, the candidate against the incumbent.
    pub rows: Vec<Row>,
    /// The same, the tuned incumbent against the incumbent; empty where there is none.
    pub tuned_rows: Vec<Row>,
    /// Clusters that were asked again.
    pub reproduced: Vec<ReproducedCluster>,
}

impl EdgeAnswers {
    fn rows_of(&self, contender: Role) -> &[Row] {
        match contender {
            Role::Tuned => &self.tuned_rows,
            Role::Candidate | Role::Incumbent | Role::Second => &self.rows,
        }
    }

    /// What was compared of every contender.
    pub fn compared(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().chain(&self.tuned_rows)
    }
}

/// The answers of a contender to edge requests; `None` where none were made.
pub(crate) fn judge(
    terms: &Terms,
    evidence: &Evidence,
    contender: Role,
    rules: &Rules,
) -> Option<Edges> {
    let edges = evidence.edges.as_ref()?;
    let rows = edges.rows_of(contender);
    let noise = Noise::learn(rows);
    let workload = &edges.facts.workload;
    let ledger = Answers {
        operations: &workload.operations,
        requests: &workload.requests,
        rows,
        reproduced: &edges.reproduced,
    }
    .ledger(contender, &noise, rules);
    // What was not asked is not compared.
    let made = workload.requests.len() as u64;
    let unasked = made.saturating_sub(rows.len() as u64);
    let mut lost_by_reason = ledger.lost_by_reason;
    if unasked > 0 {
        lost_by_reason.insert(UNASKED.to_owned(), unasked);
    }
    let counts = counts(edges, contender, &noise);
    Some(Edges {
        required: terms.edges.is_some_and(|edges| edges.required),
        made,
        compared: ledger.compared,
        equal: ledger.equal,
        different: ledger.different,
        by_status: counts.values().map(|count| count.by_status).sum(),
        excused: ledger.excused,
        lost: ledger.lost + unasked,
        lost_by_reason,
        excused_by: ledger.excused_by,
        clusters: by_class(&edges.facts.classes, ledger.clusters, &counts),
        noise: ledger.noise,
    })
}

/// Requests of a class that were compared, and those of them that are answered differently.
#[derive(Clone, Copy, Default)]
struct Count {
    of: u64,
    different: u64,
    by_status: u64,
}

fn counts<'e>(edges: &'e EdgeAnswers, contender: Role, noise: &Noise) -> BTreeMap<&'e str, Count> {
    let mut counts: BTreeMap<&str, Count> = BTreeMap::new();
    for row in edges
        .rows_of(contender)
        .iter()
        .filter(|row| row.lost.is_none())
    {
        let operations = &edges.facts.workload.operations;
        let Some(operation) = operations.get(row.operation as usize) else {
            continue;
        };
        let count = counts.entry(operation).or_default();
        count.of += 1;
        if let PairClass::Different(left) = classify(row, noise).class {
            count.different += 1;
            count.by_status += u64::from(left.iter().any(|of| is_status(of.kind)));
        }
    }
    counts
}

/// Does it say that the answers are of different kinds?
fn is_status(kind: DifferenceKind) -> bool {
    matches!(kind, DifferenceKind::Code | DifferenceKind::Outcome)
}

/// How much a difference says to a client, the most first.
fn rank(cluster: &Cluster) -> u8 {
    match &cluster.path {
        _ if is_status(cluster.kind) => 0,
        Place::Field(_) => 1,
        Place::Part(..) => 2,
        _ => 3,
    }
}

/// The clusters of each class, in the order in which they are told; of equal ones that first that tells more frameworks
/// apart.
fn by_class(
    classes: &[ClassFacts],
    mut clusters: Vec<Cluster>,
    counts: &BTreeMap<&str, Count>,
) -> Vec<EdgeCluster> {
    let mut found = Vec::new();
    for class in classes {
        let (mut of_class, others): (Vec<Cluster>, Vec<Cluster>) = clusters
            .into_iter()
            .partition(|cluster| cluster.operation == class.operation);
        clusters = others;
        if of_class.is_empty() {
            continue;
        }
        of_class.sort_by_key(rank);
        let count = counts.get(class.operation.as_str()).copied();
        let Count { of, different, .. } = count.unwrap_or_default();
        found.push(EdgeCluster {
            operation: class.operation.clone(),
            title: class.title.clone(),
            breaks: class.breaks.clone(),
            different,
            of,
            differences: of_class,
        });
    }
    let first = |cluster: &EdgeCluster| cluster.differences.first().map(rank);
    found.sort_by_key(|cluster| (first(cluster), Reverse(cluster.different)));
    found
}

#[cfg(test)]
mod tests;
