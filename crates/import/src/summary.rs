//! What an import read, wrote and left out: a document with a published schema.

use crate::detect::Format;
use crate::lines::Lines;
use crate::recorded::{Part, Place, Reason};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The version of this document's format.
pub const SCHEMA: u32 = 2;

/// The document. Of the whole and of every file: `read` = `written` + the requests left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// Format version of this document.
    pub schema: u32,
    /// The files in the order in which they were given.
    pub files: Vec<FileSummary>,
    /// Requests that the files hold.
    pub read: u64,
    /// Requests that were written: the sum of the weights.
    pub written: u64,
    /// Lines of the request file.
    pub lines: u64,
    /// Requests that were not written, by reason.
    pub left_out: Vec<LeftOut>,
    /// Requests that were written without a part of them, by part.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<Without>,
    /// Operations of what was written, the most frequent first.
    #[serde(alias = "endpoints")]
    pub operations: Vec<Operation>,
    /// The order that was kept.
    pub sessions: SessionSummary,
    /// Hosts that the files name, the most frequent first.
    pub hosts: Vec<HostSummary>,
    /// Environment variables that the request file reads; all have to be set.
    pub variables: Vec<Variable>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileSummary {
    /// Its name as given.
    pub file: String,
    /// The format in which it was read.
    pub format: Format,
    /// Requests that it holds.
    pub read: u64,
    /// Requests that were written.
    pub written: u64,
    /// Requests that were not written, by reason.
    pub left_out: Vec<LeftOut>,
    /// Requests that were written without a part of them, by part.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<Without>,
}

/// Requests that were written without one part of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Without {
    /// The part.
    pub part: Part,
    /// The part in words.
    pub explanation: String,
    /// How many.
    pub requests: u64,
    /// Where the first of them is, as in `left_out`.
    pub first: String,
}

/// Requests that were not written for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    /// The reason.
    pub reason: Reason,
    /// The reason in words.
    pub explanation: String,
    /// How many.
    pub requests: u64,
    /// Where the first of them is: FILE:LINE, for an archive with the number of the entry; or FILE and the
    /// operation.
    pub first: String,
}

/// One operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// Method and template: GET /items/{id}.
    #[serde(alias = "endpoint")]
    pub operation: String,
    /// Requests to it.
    pub requests: u64,
}

/// Sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionSummary {
    /// How many there are.
    pub sessions: u64,
    /// Requests in them.
    pub requests: u64,
}

/// One host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HostSummary {
    /// Its name, with the port where it is not the scheme's.
    pub host: String,
    /// Requests to it that could be read.
    pub requests: u64,
    /// Those of them that were not left out because of the host.
    pub taken: u64,
}

/// An environment variable that stands for a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// What it is the value of.
    pub stands_for: String,
    /// Requests that need it.
    pub requests: u64,
}

impl FileSummary {
    pub(crate) fn new(file: &str, format: Format) -> Self {
        FileSummary {
            file: file.to_owned(),
            format,
            read: 0,
            written: 0,
            left_out: Vec::new(),
            without: Vec::new(),
        }
    }

    /// Counts a request that is written without these parts, each once.
    pub(crate) fn write_without(&mut self, parts: &[Part], place: &Place) {
        let each: BTreeSet<&Part> = parts.iter().collect();
        for part in each {
            match self.without.iter_mut().find(|known| known.part == *part) {
                Some(known) => known.requests += 1,
                None => self.without.push(Without {
                    part: *part,
                    explanation: part.explanation().to_owned(),
                    requests: 1,
                    first: self.shown(place),
                }),
            }
        }
    }

    fn shown(&self, place: &Place) -> String {
        match place {
            Place::Line(line) => format!("{}:{line}", self.file),
            Place::Entry { line, number } => format!("{}:{line} (entry {number})", self.file),
            Place::Operation(operation) => format!("{}: {operation}", self.file),
        }
    }

    /// Counts a request that is not written.
    pub(crate) fn leave_out(&mut self, reason: Reason, place: &Place) {
        if let Some(left) = self.left_out.iter_mut().find(|left| left.reason == reason) {
            left.requests += 1;
            return;
        }
        self.left_out.push(LeftOut {
            reason,
            explanation: reason.explanation().to_owned(),
            requests: 1,
            first: self.shown(place),
        });
    }
}

impl Summary {
    pub(crate) fn of(
        mut files: Vec<FileSummary>,
        lines: &Lines,
        hosts: Vec<HostSummary>,
        variables: Vec<Variable>,
    ) -> Self {
        let most_first = |left_out: &mut Vec<LeftOut>| {
            left_out.sort_by_key(|left| (std::cmp::Reverse(left.requests), left.reason));
        };
        let mut left_out: Vec<LeftOut> = Vec::new();
        for file in &mut files {
            most_first(&mut file.left_out);
            for left in &file.left_out {
                match left_out
                    .iter_mut()
                    .find(|known| known.reason == left.reason)
                {
                    Some(known) => known.requests += left.requests,
                    None => left_out.push(left.clone()),
                }
            }
        }
        most_first(&mut left_out);
        let mut without: Vec<Without> = Vec::new();
        for of in files.iter().flat_map(|file| &file.without) {
            match without.iter_mut().find(|known| known.part == of.part) {
                Some(known) => known.requests += of.requests,
                None => without.push(of.clone()),
            }
        }
        let of = |(operation, requests): (&String, &u64)| Operation {
            operation: operation.clone(),
            requests: *requests,
        };
        let mut operations: Vec<Operation> = lines.operations.iter().map(of).collect();
        operations.sort_by_key(|operation| std::cmp::Reverse(operation.requests));
        Summary {
            schema: SCHEMA,
            read: files.iter().map(|file| file.read).sum(),
            written: lines.requests(),
            lines: lines.len(),
            files,
            left_out,
            without,
            operations,
            sessions: SessionSummary {
                sessions: lines.sessions.len() as u64,
                requests: lines.sessions.values().sum(),
            },
            hosts,
            variables,
        }
    }
}
