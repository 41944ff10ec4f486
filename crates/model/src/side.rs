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
}

impl Side {
    /// Both sides, the incumbent first.
    pub const ALL: [Side; 2] = [Side::Incumbent, Side::Candidate];

    /// The name used in configuration, file names and output.
    pub fn name(self) -> &'static str {
        match self {
            Side::Incumbent => "incumbent",
            Side::Candidate => "candidate",
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
