//! Edge requests to a service, one at a time.

use super::exchange::{CONNECTION, exchange};
use super::idle::Idle;
use super::{Edge, Raw};
use crate::client::ClientLimits;
use crate::credentials::Credentials;
use crate::target::Target;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
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
    /// The connection that is idle while other requests are asked, by its case.
    idle: Option<(u32, Idle)>,
    has_begun: bool,
    /// Ends the wait for what becomes of that connection.
    stop: Arc<AtomicBool>,
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
            idle: None,
            has_begun: false,
            stop: Arc::default(),
        }
    }

    /// The same that asks this first. A server that closes each connection, or keeps each, does so by habit: what counts of
    /// an edge request is that it does otherwise.
    #[must_use]
    pub fn with_usual(self, usual: Option<Raw>) -> Self {
        EdgeAsker { usual, ..self }
    }

    /// The same that waits for nothing any more once this is set.
    #[must_use]
    pub fn until(self, stop: Arc<AtomicBool>) -> Self {
        EdgeAsker { stop, ..self }
    }

    fn send(&self, raw: &Raw) -> Outcome {
        let raw = raw.with_credentials(&self.credentials);
        exchange(&self.target, &raw, self.limits)
    }

    /// Sees the habit of the service, and leaves a connection idle if one of the requests is about that.
    fn begin(&mut self) -> Result<(), Trouble> {
        if let Some(usual) = self.usual.take()
            && let Outcome::Answered(answer) = self.send(&usual)
        {
            self.habit = answer.field(CONNECTION).next().map(<[u8]>::to_vec);
        }
        let is_idle = |edge: &Edge| !edge.idle.is_zero();
        if let Some(case) = self.edges.iter().position(is_idle) {
            self.idle = Some((case as u32, self.leave_idle(&self.edges[case])?));
        }
        Ok(())
    }

    fn leave_idle(&self, edge: &Edge) -> Result<Idle, Trouble> {
        let raw = edge.raw.with_credentials(&self.credentials);
        Ok(Idle::leave(
            &self.target,
            &raw,
            self.limits,
            edge.idle,
            &self.stop,
        )?)
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
        if !std::mem::replace(&mut self.has_begun, true) {
            self.begin()?;
        }
        let left = self.idle.take_if(|(of, _)| *of == case);
        let edge = self.edges.get(case as usize);
        let edge = edge.ok_or_else(|| format!("there is no edge request {case}"))?;
        let mut outcome = match left {
            Some((_, idle)) => idle.seen()?,
            None if edge.idle.is_zero() => self.send(&edge.raw),
            // It is asked again.
            None => self.leave_idle(edge)?.seen()?,
        };
        if let Outcome::Answered(answer) = &mut outcome {
            understudy_compare::hide_authority(answer, &self.authorities);
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
