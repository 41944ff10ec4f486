//! Edge requests: made from the recorded requests of a workload, and such that web frameworks differ in what they answer
//! by default.
//!
//! A rewrite takes over what its authors know of. What a framework decides for them (a slash at the end of a path, a
//! number with a point, a method that a route lacks) changes with the framework, and recorded traffic rarely shows it.
//! Each [`Class`] asks for one such thing. How many pairs of frameworks a class tells apart was measured with 23 web
//! frameworks of five languages on 2026-11-29, each with one route that reads and one that writes; classes that told no
//! pair apart are not made, but for `expect.accepted`.
//!
//! * **Safe by default.** Without [`Limits::writes`] the method is GET (in any case), HEAD or OPTIONS, or one that no
//!   server knows.
//! * **Of the recorded request** are the path, the fields, also cookies and credentials, and the document in JSON. What
//!   its head says of its connection is left out.
//! * **No smuggling.** Two servers in a row may not read a request as two: the length of a body is given once at most,
//!   and no line break is in a part of a head.

mod asker;
mod body;
mod class;
mod exchange;
mod head;
mod idle;
mod json;
mod recorded;
mod reproducer;
mod target;
#[cfg(test)]
mod tests;
mod wire;

pub use asker::EdgeAsker;
pub use class::Class;
pub use exchange::{CONNECTION, CONTINUE, exchange};
pub use idle::IDLE;
pub use wire::{Body, Framing, Host, Raw, RawField};

use crate::requests::Requests;
use recorded::{Recorded, Routes};
use std::collections::BTreeMap;
use std::time::Duration;
use understudy_redact::Redactor;

/// Recorded requests of an operation among which one is looked for that has what a class takes.
const LOOKED_AT: usize = 20;

/// Bounds on what is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests may have a method that changes what the service stores.
    pub writes: bool,
    /// Most edge requests: the classes that tell the most frameworks apart come first.
    pub most: usize,
    /// How long a connection is left idle, which is asked beyond those; not at all where it is 0.
    pub idle: Duration,
}

/// An edge request.
#[derive(Clone, Debug)]
pub struct Edge {
    /// What it asks.
    pub class: &'static Class,
    /// Number of the recorded request that it is made from.
    pub from: u32,
    /// What is sent.
    pub raw: Raw,
    /// How long its connection is left idle after the answer; 0 where that is not what is asked.
    pub idle: Duration,
}

impl Edge {
    /// The request as a line for a shell, to be sent to `$URL`, the base of either side: by curl, which adds
    /// `User-Agent` and `Accept`. Secrets become variables or placeholders; what is long is made by the line.
    pub fn reproduce(&self, redactor: &Redactor) -> String {
        match self.idle.is_zero() {
            true => reproducer::shell_line(&self.raw, redactor),
            false => reproducer::idle_line(&self.raw, self.idle, redactor),
        }
    }
}

/// Every class but the one of an idle connection, which is asked last: what tells the most pairs of frameworks apart first,
/// the ids in order where that is equal.
pub fn classes() -> Vec<&'static Class> {
    let groups = [
        body::CLASSES,
        head::CLASSES,
        json::CLASSES,
        target::CLASSES,
        target::INTEGERS,
        target::QUERIES,
    ];
    let mut all: Vec<&'static Class> = groups.into_iter().flatten().collect();
    all.sort_by(|a, b| b.share.total_cmp(&a.share).then(a.id.cmp(b.id)));
    all
}

/// The edge requests of a workload: of each class and operation one, from the first recorded request that has what the
/// class takes, among the first 20 that can be used. All operations of a class come before those of a weaker one; a
/// connection that is left idle comes last.
///
/// `operation_of` gives each recorded request its operation. Requests whose path or body has a variable are not used.
pub fn edges(requests: &Requests, operation_of: &[u32], limits: Limits) -> Vec<Edge> {
    let routes = Routes::of(requests);
    let operations = operations(requests, operation_of, &routes);
    let mut made = ranked(&operations, limits);
    if !limits.idle.is_zero() {
        let mut all = operations.values().flatten();
        let left = all.find_map(|recorded| edge(&idle::CLASS, recorded));
        made.extend(left.map(|edge| Edge {
            idle: limits.idle,
            ..edge
        }));
    }
    made
}

/// Those of the ranked classes.
fn ranked(operations: &BTreeMap<u32, Vec<Recorded<'_>>>, limits: Limits) -> Vec<Edge> {
    let mut made: Vec<Edge> = Vec::new();
    for class in classes() {
        if class.writes && !limits.writes {
            continue;
        }
        let first = made.len();
        for recorded in operations.values() {
            if made.len() >= limits.most {
                return made;
            }
            let edge = recorded.iter().find_map(|recorded| edge(class, recorded));
            // What is asked of the server as a whole is the same for each operation.
            let is_new = |edge: &Edge| made[first..].iter().all(|other| other.raw != edge.raw);
            let new = edge.filter(is_new);
            made.extend(new);
        }
    }
    made
}

/// The first recorded GET as it was: what becomes of a connection after its answer is the habit of a server. `None` where
/// there is none that can be used.
pub fn usual(requests: &Requests) -> Option<Raw> {
    let routes = Routes::of(requests);
    let mut all = (0..).zip(&requests.all);
    all.find_map(|(number, request)| Recorded::of(number, request, &routes)?.read())
}

fn edge(class: &'static Class, recorded: &Recorded<'_>) -> Option<Edge> {
    Some(Edge {
        class,
        from: recorded.number,
        raw: (class.make)(recorded)?,
        idle: Duration::ZERO,
    })
}

/// Of each operation the recorded requests that are looked at.
fn operations<'r>(
    requests: &Requests,
    operation_of: &[u32],
    routes: &'r Routes,
) -> BTreeMap<u32, Vec<Recorded<'r>>> {
    let mut operations: BTreeMap<u32, Vec<Recorded<'r>>> = BTreeMap::new();
    for (number, (request, operation)) in (0..).zip(requests.all.iter().zip(operation_of)) {
        let recorded = operations.entry(*operation).or_default();
        if recorded.len() < LOOKED_AT {
            recorded.extend(Recorded::of(number, request, routes));
        }
    }
    operations
}
