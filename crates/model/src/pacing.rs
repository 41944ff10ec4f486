use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When the next case of a workload is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Pacing {
    /// When it is due, whatever became of those before (an open model): a figure is of an offered rate.
    #[default]
    Offered,
    /// When the one before has ended (a closed model of one client). No rate is offered: it is 0 in documents.
    Serial,
}

impl Pacing {
    /// The rate that stands in documents for none.
    pub const NO_RATE: f64 = 0.0;

    /// What one case of a workload is called.
    pub fn noun(self) -> &'static str {
        match self {
            Pacing::Offered => "request",
            Pacing::Serial => "run",
        }
    }

    /// Is it that of every document before there was a choice?
    pub fn is_offered(&self) -> bool {
        *self == Pacing::Offered
    }

    /// At which rate, as the end of a sentence: `at 500/s`.
    pub fn at(rate_rps: f64) -> String {
        match rate_rps == Pacing::NO_RATE {
            true => "one run after the other".to_owned(),
            false => format!("at {rate_rps}/s"),
        }
    }
}
