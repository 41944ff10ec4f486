//! Edge requests: what recorded traffic does not have, made from it and asked of the same services.

use crate::error::TrialError;
use crate::service::Services;
use crate::sides::RESPONSE;
use crate::subject::{Comparable, Edges, Member};
use std::sync::Arc;
use understudy_compare::{Differ, Redact, Rules};
use understudy_model::Role;
use understudy_model::edges::{ClassFacts, PREFIX};
use understudy_redact::Redactor;
use understudy_subject_http::ClientLimits;
use understudy_subject_http::edges::{Edge, EdgeAsker, Limits, Raw, edges, usual};
use understudy_workload::{CaseFacts, Catalogue};

/// Services, and edge requests to them.
struct EdgeCases<'a> {
    services: &'a Services<'a>,
    edges: Arc<[Edge]>,
    /// What is asked before them.
    usual: Option<Raw>,
    catalogue: Catalogue,
}

/// The edge requests that are asked for, as far as the workload has requests to make them of.
pub(crate) fn of<'a>(services: &'a Services<'a>) -> Option<Edges<'a>> {
    let config = services.stand.workload.edges?;
    let limits = Limits {
        writes: config.writes,
        most: MOST,
        idle: config.idle.duration(),
    };
    let edges: Arc<[Edge]> = edges(services.requests, &services.operation_of, limits).into();
    if edges.is_empty() {
        return None;
    }
    let mut classes: Vec<ClassFacts> = Vec::new();
    for edge in edges.iter() {
        let class = ClassFacts {
            operation: operation(edge),
            title: edge.class.title.to_owned(),
            breaks: edge.class.breaks.to_owned(),
        };
        if !classes.contains(&class) {
            classes.push(class);
        }
    }
    Some(Edges {
        cases: Box::new(EdgeCases {
            catalogue: catalogue(&edges),
            usual: usual(services.requests),
            services,
            edges,
        }),
        classes,
        budget: config.budget,
    })
}

/// Most edge requests of a trial. They are ordered by how much they tell: the time is over long before.
const MOST: usize = 10_000;

/// A class stands where an operation does: its differences are one group, and a rule accepts them by its name.
fn operation(edge: &Edge) -> String {
    format!("{PREFIX}{}", edge.class.id)
}

fn catalogue(edges: &[Edge]) -> Catalogue {
    Catalogue::new(edges.iter().map(|edge| {
        let facts = CaseFacts {
            operation: 0,
            target: edge.raw.target.clone(),
            bytes: (edge.raw.target.len() + edge.raw.body.length()) as u64,
            weight: 1.0,
            leaves_traces: edge.class.writes,
            size: None,
        };
        (operation(edge), facts)
    }))
}

impl Comparable for EdgeCases<'_> {
    fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    fn differ<'d>(&'d self, rules: &'d Rules, redact: Redact<'d>) -> Differ<'d> {
        self.services.differ(rules, redact)
    }

    fn reproduce(&self, case: u32, redactor: &Redactor) -> String {
        let edge = self.edges.get(case as usize);
        edge.map_or_else(String::new, |edge| edge.reproduce(redactor))
    }

    fn place(&self, role: Role) -> Result<Box<dyn Member + '_>, TrialError> {
        let limits = ClientLimits {
            timeout: self.services.timeout(),
            response: RESPONSE,
        };
        self.services.start(role, move |running| {
            let (target, authorities) = (running.target.clone(), running.authorities());
            let asker = EdgeAsker::new(self.edges.clone(), target, limits, authorities)
                .with_credentials(running.credentials.clone())
                .with_usual(self.usual.clone())
                .until(self.services.stand.stop.clone());
            Box::new(asker)
        })
    }
}
