//! Edge requests to a service, one at a time.

use super::Edge;
use super::exchange::exchange;
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
}

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
        }
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
        let edge = self.edges.get(case as usize);
        let edge = edge.ok_or_else(|| format!("there is no edge request {case}"))?;
        let raw = edge.raw.with_credentials(&self.credentials);
        let mut outcome = exchange(&self.target, &raw, self.limits);
        if let Outcome::Answered(answer) = &mut outcome {
            understudy_compare::hide_authority(answer, &self.authorities);
        }
        Ok(outcome)
    }
}
