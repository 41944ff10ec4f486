use crate::Ending;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A complete answer of a subject, in the words of no protocol.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// How it ended.
    pub status: Status,
    /// Headers or their like, in the order received, names in lower case, duplicates kept.
    pub fields: Vec<Field>,
    /// What was answered: the body over HTTP; standard output, standard error and each file of a command.
    pub parts: Vec<Part>,
    /// What belongs to it and could not be read, each with the reason: such an answer is never equal to another.
    pub unread: Vec<String>,
}

/// How an answer ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// HTTP status, exit code, DNS response code.
    pub code: i32,
    /// What the kind of subject makes of it.
    pub class: Class,
}

/// One part of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Its name: `body`, `stdout`, the path of a file.
    pub name: String,
    /// Its media type, where the kind of subject says it here and not in a field; empty where it is not known.
    pub media: String,
    /// The payload as received (content codings still applied).
    pub bytes: Vec<u8>,
    /// It was longer than the capture bound and `bytes` holds only its beginning.
    pub truncated: bool,
    /// A collision-resistant digest of the whole content, also of what `bytes` does not hold; empty where there is
    /// none.
    pub digest: String,
}

/// What an answer says of the case, in the words of no protocol. The kind of subject decides, in one place.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// It was done.
    Ok,
    /// The subject would not do it, and says that the case is why (4xx in HTTP).
    Refused,
    /// The subject could not do it (5xx in HTTP).
    #[default]
    Failed,
}

impl Class {
    /// Every class.
    pub const ALL: [Class; 3] = [Class::Ok, Class::Refused, Class::Failed];

    /// The name used in stored evidence.
    pub fn name(self) -> &'static str {
        match self {
            Class::Ok => "ok",
            Class::Refused => "refused",
            Class::Failed => "failed",
        }
    }

    /// The inverse of [`Class::name`].
    pub fn from_name(name: &str) -> Option<Class> {
        Class::ALL.into_iter().find(|class| class.name() == name)
    }
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
        values(&self.fields, name)
    }

    /// The part of this name.
    pub fn part(&self, name: &str) -> Option<&Part> {
        self.parts.iter().find(|part| part.name == name)
    }

    /// The bytes of the part of this name; none where there is no such part.
    pub fn bytes(&self, name: &str) -> &[u8] {
        self.part(name).map_or(&[], |part| &part.bytes)
    }

    /// Was a part longer than the capture bound?
    pub fn is_truncated(&self) -> bool {
        self.parts.iter().any(|part| part.truncated)
    }
}

/// The values of every field of this name (lower case), in the order received.
pub fn values<'a>(fields: &'a [Field], name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    fields
        .iter()
        .filter(move |field| field.name == name)
        .map(|field| field.value.as_slice())
}

/// What became of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A whole answer arrived.
    Answered(Answer),
    /// No whole answer arrived.
    Failed(Failure),
}

impl Outcome {
    /// How it ended, its status, and the bytes of its parts. A failure has neither.
    pub fn observed(&self) -> (Ending, Status, u64) {
        match self {
            Outcome::Answered(answer) => {
                let bytes = answer.parts.iter().map(|part| part.bytes.len() as u64);
                (Ending::Answered, answer.status, bytes.sum())
            }
            Outcome::Failed(failure) => (Ending::Failed(failure.kind), Status::default(), 0),
        }
    }
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
    /// The subject reached its memory limit and was killed.
    OutOfMemory,
    /// The subject could not be started.
    NotStarted,
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
            FailureKind::OutOfMemory => "out_of_memory",
            FailureKind::NotStarted => "not_started",
        }
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
