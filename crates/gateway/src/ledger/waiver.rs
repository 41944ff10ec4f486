//! A difference that a person has accepted until a date.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use understudy_compare::{Day, Rule};
use understudy_model::place::ValuePath;
use understudy_model::verdict::Cluster;
use understudy_model::{Difference, DifferenceKind, Place};

/// Longest text of an owner or a reason.
const TEXT_BYTES: usize = 500;

/// It covers one place of one operation, and what is below it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// The operation, as the clusters name it.
    #[serde(alias = "endpoint")]
    pub operation: String,
    /// The place, as the clusters name it.
    pub path: Place,
    /// In which way answers may differ there; unset: in every way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<DifferenceKind>,
    /// Who answers for it.
    pub owner: String,
    /// Why the difference is acceptable.
    pub reason: String,
    /// The last day on which it holds.
    #[schemars(with = "String")]
    pub expires: Day,
}

impl Waiver {
    /// # Errors
    /// Every reason why it cannot be made: it has no owner, it has expired, it covers too
    /// much, or nothing.
    pub(crate) fn check(&self, clusters: &[Cluster], today: Day) -> Result<(), Vec<String>> {
        let mut wrong = Vec::new();
        for (name, text) in [("owner", &self.owner), ("reason", &self.reason)] {
            if text.trim().is_empty() {
                wrong.push(format!(
                    "{name} is empty\nhint: say who is responsible for it, and why it is acceptable"
                ));
            } else if text.len() > TEXT_BYTES {
                wrong.push(format!("{name} has more than {TEXT_BYTES} bytes"));
            }
        }
        if self.expires < today {
            wrong.push(format!("expires: {} is over", self.expires));
        }
        let is_root = self.path.path().is_some_and(ValuePath::is_root);
        if (self.path.is_body() || is_root) && self.kind.is_none() {
            wrong.push(format!(
                "path: \"{}\" covers every difference of the body\nhint: name a place, or a kind",
                self.path
            ));
        }
        if self.path == Place::Outcome {
            wrong.push("path: that no answer came cannot be waived".to_owned());
        }
        let is_meant = |cluster: &&Cluster| {
            cluster.operation == self.operation
                && self.path.contains(&cluster.path)
                && self.kind.is_none_or(|kind| kind == cluster.kind)
        };
        if !clusters.iter().any(|cluster| is_meant(&cluster)) {
            wrong.push("no open difference has this operation, path and kind".to_owned());
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    pub(crate) fn covers(&self, operation: &str, difference: &Difference) -> bool {
        self.operation == operation
            && difference.kind != DifferenceKind::Outcome
            && self.path.contains(&difference.pattern)
            && self.kind.is_none_or(|kind| kind == difference.kind)
    }

    /// What documents call it: `waiver: GET /items/{id} $.price`.
    pub(crate) fn name(&self) -> String {
        format!("waiver: {} {}", self.operation, self.path)
    }

    /// In the words of the configuration.
    pub(crate) fn rule(&self) -> Rule {
        Rule {
            path: self.path.to_string(),
            operation: Some(self.operation.clone()),
            kind: self.kind,
            reason: Some(self.reason.clone()),
            owner: Some(self.owner.clone()),
            expires: Some(self.expires),
            ..Rule::default()
        }
    }
}
