use serde::{Deserialize, Serialize};
use std::fmt;

/// A complete answer of a subject, in the words of no protocol.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status, exit code, DNS response code.
    pub code: i32,
    /// Headers or their like, in the order received, names in lower case, duplicates kept.
    pub fields: Vec<Field>,
    /// The payload as received (content codings still applied).
    pub body: Vec<u8>,
    /// The body was longer than the capture bound and `body` holds only its beginning.
    pub truncated: bool,
}

/// One named value of an answer in addition to its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The name in lower case.
    pub name: String,
    /// The value as received, surrounding white space removed.
    pub value: Vec<u8>,
}

impl Answer {
    /// The values of every field of this name (lower case), in the order received.
    pub fn field<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.fields
            .iter()
            .filter(move |f| f.name == name)
            .map(|f| f.value.as_slice())
    }
}

/// What became of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A whole answer arrived.
    Answered(Answer),
    /// No whole answer arrived.
    Failed(Failure),
}

/// Why a request has no whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The class of the failure, for counting.
    pub kind: FailureKind,
    /// One lower-case fragment for people, without payload.
    pub detail: String,
}

/// The classes of failure, in the words the reports use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// No connection could be made.
    Connect,
    /// The connection ended before the answer did.
    Closed,
    /// A kept connection was closed in order before any byte of an answer: the server ends idle
    /// connections while requests are on their way (RFC 9112, section 9.3.1).
    ReusedClosed,
    /// No whole answer within the time limit.
    Timeout,
    /// The answer breaks its protocol.
    Malformed,
    /// The answer is longer than the bound, or never ends.
    TooLarge,
}

impl FailureKind {
    /// The name used in output and stored evidence.
    pub fn name(self) -> &'static str {
        match self {
            FailureKind::Connect => "connect",
            FailureKind::Closed => "closed",
            FailureKind::ReusedClosed => "reused_connection_closed",
            FailureKind::Timeout => "timeout",
            FailureKind::Malformed => "malformed",
            FailureKind::TooLarge => "too_large",
        }
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
