use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One of the programs that a trial compares.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// What runs today.
    Incumbent,
    /// What may replace it.
    Candidate,
    /// What runs today with another heap, collector or setting: what is available without replacing it.
    Tuned,
}

impl Side {
    /// Every side that a trial may have, the incumbent first.
    pub const ALL: [Side; 3] = [Side::Incumbent, Side::Candidate, Side::Tuned];

    /// The name used in configuration, file names and output.
    pub fn name(self) -> &'static str {
        match self {
            Side::Incumbent => "incumbent",
            Side::Candidate => "candidate",
            Side::Tuned => "tuned",
        }
    }
}

impl Side {
    /// What a sentence calls it, behind an article.
    pub fn in_words(self) -> &'static str {
        match self {
            Side::Incumbent => "incumbent",
            Side::Candidate => "candidate",
            Side::Tuned => "tuned incumbent",
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
