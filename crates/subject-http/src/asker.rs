//! Requests to a service, one at a time.

use crate::client::Client;
use crate::requests::Requests;
use std::sync::Arc;
use understudy_model::Outcome;
use understudy_subject::{Asker, Trouble};

/// Sends the requests of a workload to one service over a patient client.
pub struct HttpAsker {
    client: Client,
    requests: Arc<Requests>,
    authorities: Vec<String>,
}

impl HttpAsker {
    /// An asker of these requests. What the service calls itself, `authorities`, is hidden in its answers.
    pub fn new(client: Client, requests: Arc<Requests>, authorities: Vec<String>) -> Self {
        HttpAsker {
            client,
            requests,
            authorities,
        }
    }
}

impl Asker for HttpAsker {
    fn ask(&mut self, case: u32) -> Result<Outcome, Trouble> {
        let request = self.requests.all.get(case as usize);
        let request = request.ok_or_else(|| format!("the workload has no request {case}"))?;
        let mut outcome = self.client.exchange(request);
        if let Outcome::Answered(answer) = &mut outcome {
            understudy_compare::hide_authority(answer, &self.authorities);
        }
        Ok(outcome)
    }
}
