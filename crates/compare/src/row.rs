//! The record of one compared request: a line of `differences.jsonl`.

use crate::Differ;
use serde::{Deserialize, Serialize};
use understudy_model::{Difference, Outcome};

/// What one request showed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Index of the request in the workload.
    pub request: u32,
    /// Index of its endpoint.
    pub endpoint: u32,
    /// Why the pair could not be compared; unset when it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<String>,
    /// The incumbent against a second incumbent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub noise: Vec<Difference>,
    /// The incumbent against the candidate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
}

/// The outcomes of one request at each program.
#[derive(Clone, Copy, Debug)]
pub struct Outcomes<'a> {
    /// The incumbent's.
    pub incumbent: &'a Outcome,
    /// A second incumbent's, if one was asked.
    pub second: Option<&'a Outcome>,
    /// The candidate's.
    pub candidate: &'a Outcome,
}

impl Row {
    /// Compares the outcomes of one request.
    ///
    /// The pair is lost when the incumbent did not answer (there is nothing to compare with) or when
    /// a body exceeded the capture bound and what was captured shows no difference. A candidate that
    /// does not answer where the incumbent does is a difference.
    pub fn compare(
        differ: &Differ<'_>,
        request: u32,
        (endpoint, name): (u32, &str),
        outcomes: Outcomes<'_>,
    ) -> Row {
        let row = Row {
            request,
            endpoint,
            ..Row::default()
        };
        let Outcomes {
            incumbent,
            second,
            candidate,
        } = outcomes;
        if let Outcome::Failed(failure) = incumbent {
            return Row {
                lost: Some(format!("incumbent: {}", failure.kind)),
                ..row
            };
        }
        let answered = second.filter(|second| matches!(second, Outcome::Answered(_)));
        let noise = answered.map_or_else(Vec::new, |second| {
            differ.differences(name, incumbent, second)
        });
        let differences = differ.differences(name, incumbent, candidate);
        let truncated = is_truncated(incumbent) || is_truncated(candidate);
        let lost =
            (truncated && differences.is_empty()).then(|| "body beyond the capture bound".into());
        Row {
            lost,
            noise,
            differences,
            ..row
        }
    }
}

fn is_truncated(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Answered(answer) if answer.truncated)
}
