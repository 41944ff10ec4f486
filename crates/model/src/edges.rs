//! Requests that recorded traffic does not have: what is stored of them, and what a verdict says of their answers.

use crate::stored::WorkloadFacts;
use crate::verdict::{Cluster, Excuse, Noise};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the name of a class begins with where operations are named: `edge:method.delete`. No operation of a workload
/// begins like that, since those begin with a method.
pub const PREFIX: &str = "edge:";

/// A class of edge requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassFacts {
    /// Its name as operation, with the [`PREFIX`].
    pub operation: String,
    /// What is asked, in a few words.
    pub title: String,
    /// Whom another answer would break, in one sentence.
    pub breaks: String,
}

/// The edge requests that were made: `edges.json` of a run directory.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EdgeFacts {
    /// Their classes, the one that tells most pairs of frameworks apart first.
    pub classes: Vec<ClassFacts>,
    /// Their operations (the names of the classes) and themselves.
    pub workload: WorkloadFacts,
}

/// The answers to edge requests: `compared = equal + different + excused`, `made = compared + lost`. They are no sample
/// of traffic, so there is no bound on a share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Edges {
    /// Does a difference make the candidate not equivalent?
    pub required: bool,
    /// Requests that were made.
    pub made: u64,
    /// Pairs of answers compared.
    pub compared: u64,
    /// Pairs without any difference.
    pub equal: u64,
    /// Pairs with at least one difference that nothing excuses.
    pub different: u64,
    /// Those of them whose statuses differ, or of which one side did not answer.
    pub by_status: u64,
    /// Pairs whose differences are all excused by a rule or by learned noise.
    pub excused: u64,
    /// Requests that could not be compared, or were not asked.
    pub lost: u64,
    /// Why they were lost, by reason.
    pub lost_by_reason: BTreeMap<String, u64>,
    /// How many pairs each rule or noise pattern excused.
    pub excused_by: Vec<Excuse>,
    /// The differences by class: first those whose statuses differ, then those in which one side closes the connection or
    /// says something else in its body, then those whose fields differ.
    pub clusters: Vec<EdgeCluster>,
    /// Where the incumbent differs from itself.
    pub noise: Vec<Noise>,
}

/// The differences of one class of edge requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EdgeCluster {
    /// The name by which rules accept it: `edge:method.delete`.
    pub operation: String,
    /// What is asked, in a few words.
    pub title: String,
    /// Whom another answer would break, in one sentence.
    pub breaks: String,
    /// Requests of the class that are answered differently.
    pub different: u64,
    /// Requests of the class that were compared.
    pub of: u64,
    /// In which ways, the most frequent first.
    pub differences: Vec<Cluster>,
}

/// Why an edge request was not sent.
pub const UNASKED: &str = "not asked: the time for edge requests was over, or a side had ended";
