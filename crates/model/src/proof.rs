//! What the comparison would miss, and which rules it could do with.

use crate::DifferenceKind;
use crate::place::Place;
use crate::verdict::MOST_MISSED;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Synthetic faults that were put into real answers, and how many of them the comparison missed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SelfTest {
    /// Faults that were put into answers.
    pub injected: u64,
    /// Of these: those that nothing would have reported.
    pub missed: u64,
    /// Of the missed ones: those at a place that a rule or learned noise is there to excuse. It counts as not compared.
    #[serde(default)]
    pub not_compared: u64,
    /// By operation and fault.
    pub faults: Vec<FaultCount>,
    /// What hid the missed ones, the largest first.
    pub hidden_by: Vec<Hiding>,
}

impl SelfTest {
    /// Faults at places that were compared, and how many of them were missed.
    pub fn at_compared_places(&self) -> (u64, u64) {
        (
            self.injected.saturating_sub(self.not_compared),
            self.missed.saturating_sub(self.not_compared),
        )
    }

    /// The same, where more than [`MOST_MISSED`] of them were missed: no equivalence rests on such a comparison.
    pub fn blindness(&self) -> Option<(u64, u64)> {
        let (injected, missed) = self.at_compared_places();
        (missed as f64 > MOST_MISSED * injected as f64).then_some((injected, missed))
    }
}

/// Faults of one kind at one operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FaultCount {
    /// Operation template.
    #[serde(alias = "endpoint")]
    pub operation: String,
    /// The name of the fault.
    pub fault: String,
    /// What it does to an answer.
    pub description: String,
    /// Answers it was put into.
    pub injected: u64,
    /// Of these: those in which it was missed.
    pub missed: u64,
}

/// A rule, a waiver or noise that hides faults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hiding {
    /// `rule 1: $.items`, `waiver: GET /items/{id} $.price`, `noise: GET /items/{id} $.at`, or
    /// `nothing differs`: the comparison does not look there.
    pub by: String,
    /// Faults that it hides.
    pub missed: u64,
    /// Of these, by name.
    pub faults: BTreeMap<String, u64>,
    /// Places where it hides them: `GET /items/{id} $.price`. At most ten.
    pub places: Vec<String>,
    /// Of a rule or waiver: places that it covers although the candidate has never differed there. It
    /// is broader than it has to be. At most ten.
    pub needless: Vec<String>,
    /// One of the faults: the answer's value.
    pub baseline: String,
    /// And what it was made into.
    pub contender: String,
}

/// A rule that would excuse differences.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    /// The rule, in the words of the configuration.
    pub rule: ProposedRule,
    /// Pairs that differ, unexcused.
    pub of: u64,
    /// Of these: pairs in which it covers a difference.
    pub explains: u64,
    /// Of these: pairs in which nothing would be left.
    pub resolves: u64,
    /// What it is for: the incumbent's value in an example.
    pub baseline: String,
    /// And the candidate's.
    pub contender: String,
    /// Differences that it would hide although they are not like the others at their place.
    pub also_hides: Vec<AlsoHides>,
    /// Synthetic faults that are found today.
    pub faults: u64,
    /// Of these: those that it would hide, by name.
    pub faults_hidden: BTreeMap<String, u64>,
}

/// A rule without the words that only people can add: reason, owner, expiry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProposedRule {
    /// What it covers.
    pub path: Place,
    /// The operation it covers; none: every operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(alias = "endpoint")]
    pub operation: Option<String>,
    /// The kind of difference it covers; none: every kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<DifferenceKind>,
}

/// Differences that a rule would hide besides those it is for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlsoHides {
    /// Operation template.
    #[serde(alias = "endpoint")]
    pub operation: String,
    /// Place, array indices as `[*]`.
    pub path: Place,
    /// In which way answers differ.
    pub kind: DifferenceKind,
    /// In how many pairs.
    pub pairs: u64,
    /// The incumbent's value in an example.
    pub baseline: String,
    /// The candidate's.
    pub contender: String,
}
