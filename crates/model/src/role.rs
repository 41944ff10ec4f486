use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a program is there for, in a trial and at the gateway.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// What runs today: its answers are those that count.
    Incumbent,
    /// Another one of what runs today, which shows what differs by itself.
    Second,
    /// What may replace it.
    Candidate,
    /// What runs today with another heap, collector or setting: what is available without replacing it.
    Tuned,
}

impl Role {
    /// Every role.
    pub const ALL: [Role; 4] = [Role::Incumbent, Role::Second, Role::Candidate, Role::Tuned];
    /// Those that a trial configures and measures, the incumbent first: the second incumbent is one more of the first.
    pub const SIDES: [Role; 3] = [Role::Incumbent, Role::Candidate, Role::Tuned];

    /// The name used in configuration, documents, file names and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Role::Incumbent => "incumbent",
            Role::Second => "second",
            Role::Candidate => "candidate",
            Role::Tuned => "tuned",
        }
    }

    /// What a sentence calls it, behind an article.
    pub fn in_words(self) -> &'static str {
        match self {
            Role::Incumbent => "incumbent",
            Role::Second => "second incumbent",
            Role::Candidate => "candidate",
            Role::Tuned => "tuned incumbent",
        }
    }

    /// Does it run what runs today, as it is?
    pub fn is_incumbent(self) -> bool {
        matches!(self, Role::Incumbent | Role::Second)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
