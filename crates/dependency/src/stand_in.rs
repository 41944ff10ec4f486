//! What a side calls instead of an outside service: a server of HTTP/1.1 on the loopback interface.

mod connection;

use crate::call::{Call, Key};
use crate::listening::Listening;
use crate::recording::{Recorded, Recording, Round};
use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use understudy_host::CpuList;
use understudy_model::Outcome;
use understudy_subject_http::{Client, ClientLimits, Target};
use understudy_wire::http1::RequestHead;

/// Fields that belong to the connection of the side, or are made anew. Without `Accept-Encoding` the outside service answers
/// every client in the same way.
const NOT_PASSED_ON: [&str; 10] = [
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// How a stand-in stands.
#[derive(Clone, Debug)]
pub struct Standing {
    /// What the outside service is called.
    pub name: String,
    /// Where it is.
    pub upstream: Target,
    /// Bounds on its answers.
    pub limits: ClientLimits,
    /// How long the side waits for an answer.
    pub wait: Wait,
    /// Where the threads of the stand-in may run; wherever they like, where nothing is said.
    pub cpus: Option<CpuList>,
}

/// How long a side waits for the answer of a stand-in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wait {
    /// As long as the incumbent waited for the outside service when it was recorded.
    #[default]
    Recorded,
    /// So long.
    Fixed(Duration),
}

/// Whose stand-in it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lead {
    /// The incumbent's: what it is asked, it asks the outside service.
    Leads,
    /// Another side's: it serves what was recorded.
    Follows,
}

/// Calls that did not go as usual.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Safe ones of which no answer was recorded, and which the outside service answered.
    pub passed_on: u64,
    /// Others of which none was: they were answered with status 502, and the outside service saw nothing of them.
    pub refused: u64,
    /// Calls that the outside service did not answer: with 502 as well.
    pub failed: u64,
    /// Calls that came so late after an answer that they belong to none: they are not compared.
    pub late: u64,
}

/// A stand-in of one side for one outside service. It ends when it is dropped.
#[derive(Debug)]
pub struct StandIn {
    handler: Arc<Handler>,
    /// Dropped after the recording was given up.
    listening: Listening,
}

impl StandIn {
    /// Listens at a free port of the loopback interface.
    ///
    /// # Errors
    /// There is none, or no thread for it.
    pub fn start(standing: Standing, lead: Lead, recording: Arc<Recording>) -> io::Result<StandIn> {
        let cpus = standing.cpus.clone();
        let handler = Arc::new(Handler {
            standing,
            lead,
            recording,
            calls: Mutex::default(),
            idle: Condvar::new(),
        });
        let shared = handler.clone();
        let serve = move |stream: &TcpStream, _: &AtomicBool| {
            // A connection whose end is no orderly one has ended all the same.
            let _ = connection::serve(stream, &shared);
        };
        Ok(StandIn {
            handler,
            listening: Listening::start(cpus, Arc::new(serve))?,
        })
    }

    /// Where the side finds it.
    pub fn address(&self) -> SocketAddr {
        self.listening.address()
    }

    /// What answers its calls.
    pub fn handler(&self) -> &Arc<Handler> {
        &self.handler
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        // Connections wait for the incumbent no longer.
        self.handler.recording.give_up();
    }
}

/// When a call is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// While a side starts and is prepared: the incumbent's calls reach the outside service.
    #[default]
    Open,
    /// While a case is asked.
    Round(Round),
    /// Under load: nothing that could change anything reaches the outside service.
    Closed,
}

/// The calls of a side.
#[derive(Debug, Default)]
struct Calls {
    phase: Phase,
    /// Those of the round, in the order in which they arrived.
    made: Vec<Call>,
    /// How many of each there were.
    seen: HashMap<Key, usize>,
    /// Calls that are being answered.
    in_progress: usize,
    counts: Counts,
    /// What the side may call itself.
    authorities: Vec<String>,
}

impl Calls {
    /// What was called after a case was over belongs to none: how many calls that were.
    fn forget_late(&mut self) -> u64 {
        let late = self.made.len() as u64;
        self.counts.late += late;
        self.made.clear();
        late
    }
}

/// Answers the calls of a side.
#[derive(Debug)]
pub struct Handler {
    standing: Standing,
    lead: Lead,
    recording: Arc<Recording>,
    calls: Mutex<Calls>,
    /// No call is being answered any more.
    idle: Condvar,
}

impl Handler {
    /// What the outside service is called.
    pub fn name(&self) -> &str {
        &self.standing.name
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        // What a thread that panicked left is whole: nothing is half done under the lock.
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the side may call itself (`127.0.0.1:8080`): in a call, it says nothing.
    pub fn name_side(&self, authorities: Vec<String>) {
        self.calls().authorities = authorities;
    }

    /// The side is asked a case: from now on, its calls are made for that.
    pub fn begin(&self, round: Round) {
        {
            let mut calls = self.calls();
            calls.phase = Phase::Round(round);
            calls.forget_late();
            calls.seen.clear();
        }
        if self.lead == Lead::Leads {
            self.recording.begin(round);
        }
    }

    /// The side has answered: what it called for that. Calls that are being answered are waited for, as long as the outside
    /// service may take.
    pub fn end(&self) -> Vec<Call> {
        let until = Instant::now() + self.standing.limits.timeout;
        let mut calls = self.calls();
        while calls.in_progress > 0 {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.idle.wait_timeout(calls, left);
            calls = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let made = std::mem::take(&mut calls.made);
        drop(calls);
        if self.lead == Lead::Leads {
            self.recording.end();
        }
        made
    }

    /// How many calls came after the last case was over, since this was asked: they are no part of what it called.
    pub fn forget_late(&self) -> u64 {
        self.calls().forget_late()
    }

    /// No case is asked any more: nothing that could change anything reaches the outside service.
    pub fn close(&self) {
        let mut calls = self.calls();
        calls.phase = Phase::Closed;
        calls.forget_late();
    }

    /// The calls that did not go as usual.
    pub fn counts(&self) -> Counts {
        self.calls().counts
    }

    /// Answers one call; `client` is that of its connection.
    fn answer(&self, call: &Call, client: &mut Client) -> Arc<Recorded> {
        let arrived = Instant::now();
        let (key, phase, n) = self.note(call);
        let recorded = match (phase, self.lead) {
            (Phase::Round(_), Lead::Leads) => None,
            (Phase::Round(round), Lead::Follows) => {
                let longest = self.standing.limits.timeout;
                let of_round = self.recording.of_round(round, key, n, longest);
                of_round.or_else(|| self.recording.last(key))
            }
            (Phase::Open | Phase::Closed, _) => self.recording.last(key),
        };
        let answer = recorded.unwrap_or_else(|| self.unrecorded(call, key, phase, client));
        let wait = match self.standing.wait {
            Wait::Recorded => answer.took,
            Wait::Fixed(wait) => wait,
        };
        let left = wait.saturating_sub(arrived.elapsed());
        if !left.is_zero() {
            std::thread::sleep(left);
        }
        answer
    }

    /// What the call says, when it is made, and how many such calls were before it.
    fn note(&self, call: &Call) -> (Key, Phase, usize) {
        let mut calls = self.calls();
        calls.in_progress += 1;
        let said = call.without_authorities(&calls.authorities);
        let key = said.key();
        if let Phase::Round(_) = calls.phase {
            calls.made.push(said);
        }
        let seen = calls.seen.entry(key).or_default();
        *seen += 1;
        let n = *seen - 1;
        (key, calls.phase, n)
    }

    /// The answer to a call has been sent, or cannot be.
    fn answered(&self) {
        let mut calls = self.calls();
        calls.in_progress -= 1;
        if calls.in_progress == 0 {
            self.idle.notify_all();
        }
    }

    /// The answer to a call that none was recorded for: that of the outside service, where it may be asked.
    fn unrecorded(
        &self,
        call: &Call,
        key: Key,
        phase: Phase,
        client: &mut Client,
    ) -> Arc<Recorded> {
        let is_of_incumbent = self.lead == Lead::Leads && phase != Phase::Closed;
        if !is_of_incumbent {
            let counts = &mut self.calls().counts;
            match call.is_safe() {
                true => counts.passed_on += 1,
                false => counts.refused += 1,
            }
        }
        if !is_of_incumbent && !call.is_safe() {
            let why =
                "understudy: the incumbent made no such call, so there is no recorded answer\n";
            return Arc::new(bad_gateway(why, Duration::ZERO));
        }
        let asked = Instant::now();
        let answer = match self.ask(call, client) {
            Ok(Outcome::Answered(answer)) => Recorded::new(&answer, asked.elapsed()),
            Ok(Outcome::Failed(failure)) => self.failed(&failure.detail, asked),
            Err(why) => self.failed(&why, asked),
        };
        let answer = Arc::new(answer);
        let round = match phase {
            Phase::Round(round) if self.lead == Lead::Leads => Some(round),
            _ => None,
        };
        self.recording.record(round, key, answer.clone());
        answer
    }

    fn failed(&self, why: &str, asked: Instant) -> Recorded {
        self.calls().counts.failed += 1;
        let name = self.name();
        bad_gateway(
            &format!("understudy: {name} did not answer: {why}\n"),
            asked.elapsed(),
        )
    }

    /// Asks the outside service.
    fn ask(&self, call: &Call, client: &mut Client) -> Result<Outcome, String> {
        let is_passed_on = |(name, _): &&(String, String)| !NOT_PASSED_ON.contains(&name.as_str());
        let headers: Vec<(String, String)> =
            call.headers.iter().filter(is_passed_on).cloned().collect();
        let head = RequestHead {
            method: &call.method,
            target: &call.target,
            host: &self.standing.upstream.host,
            headers: &headers,
        };
        let wire = head.render(&call.body).map_err(|error| error.to_string())?;
        let is_idempotent = call.is_safe() || matches!(call.method.as_str(), "PUT" | "DELETE");
        Ok(client.send(&wire, call.method == "HEAD", is_idempotent))
    }

    fn client(&self) -> Client {
        Client::new(self.standing.upstream.clone(), self.standing.limits)
    }
}

fn bad_gateway(why: &str, took: Duration) -> Recorded {
    let kind = understudy_model::Field {
        name: "content-type".to_owned(),
        value: b"text/plain".to_vec(),
    };
    let answer = understudy_compare::http::answer(502, vec![kind], why.into(), false);
    Recorded::new(&answer, took)
}

#[cfg(test)]
mod tests;
