//! Edge requests to a service, one at a time.

use super::exchange::{CONNECTION, exchange};
use super::{Edge, Raw};
use crate::client::ClientLimits;
use crate::credentials::Credentials;
use crate::target::Target;
use std::sync::Arc;
use understudy_model::Outcome;
use understudy_subject::{Asker, Trouble};

/// Sends edge requests to one service, each over a connection of its own.
pub struct EdgeAsker {
    edges: Arc<[Edge]>,
    target: Target,
    limits: ClientLimits,
    credentials: Credentials,
    authorities: Vec<String>,
    /// What is asked first, to see the habit of the service.
    usual: Option<Raw>,
    /// What becomes of its connection after the answer to that.
    habit: Option<Vec<u8>>,
}

/// The value of [`CONNECTION`] where that is what becomes of a connection after a usual answer.
const AS_USUAL: &str = "as usual";

impl EdgeAsker {
    /// An asker of these edge requests: case 0 is the first of them. What the service calls itself, `authorities`, is
    /// hidden in its answers.
    pub fn new(
        edges: Arc<[Edge]>,
        target: Target,
        limits: ClientLimits,
        authorities: Vec<String>,
    ) -> Self {
        EdgeAsker {
            edges,
            target,
            limits,
            credentials: Credentials::default(),
            authorities,
            usual: None,
            habit: None,
        }
    }

    /// The same that asks this first. A server that closes each connection, or keeps each, does so by habit: what counts of
    /// an edge request is that it does otherwise.
    #[must_use]
    pub fn with_usual(self, usual: Option<Raw>) -> Self {
        EdgeAsker { usual, ..self }
    }

    fn send(&self, raw: &Raw) -> Outcome {
        let raw = raw.with_credentials(&self.credentials);
        let mut outcome = exchange(&self.target, &raw, self.limits);
        if let Outcome::Answered(answer) = &mut outcome {
            understudy_compare::hide_authority(answer, &self.authorities);
        }
        outcome
    }

    /// An asker that was given these before, as the client of the recorded requests was.
    #[must_use]
    pub fn with_credentials(self, credentials: Credentials) -> Self {
        EdgeAsker {
            credentials,
            ..self
        }
    }
}

impl Asker for EdgeAsker {
    fn ask(&mut self, case: u32) -> Result<Outcome, Trouble> {
        if let Some(usual) = self.usual.take()
            && let Outcome::Answered(answer) = self.send(&usual)
        {
            self.habit = answer.field(CONNECTION).next().map(<[u8]>::to_vec);
        }
        let edge = self.edges.get(case as usize);
        let edge = edge.ok_or_else(|| format!("there is no edge request {case}"))?;
        let mut outcome = self.send(&edge.raw);
        if let Outcome::Answered(answer) = &mut outcome {
            let fields = answer.fields.iter_mut();
            for field in fields.filter(|field| field.name == CONNECTION) {
                if self.habit.as_ref() == Some(&field.value) {
                    field.value = AS_USUAL.into();
                }
            }
        }
        Ok(outcome)
    }
}
