//! Shows a share of the traffic to the candidate.
//!
//! On the path of the clients everything here is a comparison, a counter or a `try_send`. What was
//! taken is carried by threads of a lower priority than the workers (`send`): where the machine is
//! too small for both, the kernel lets the clients go first, and copies are dropped with a reason.

mod breaker;
mod budget;
mod capture;
mod pulse;
mod rewrite;
mod sample;
mod send;
mod tee;

pub(crate) use breaker::Breaker;
pub(crate) use budget::Budget;
pub(crate) use capture::{Capture, Captured};
pub(crate) use pulse::Pulse;
pub(crate) use send::run;
pub(crate) use tee::Tee;

use crate::access_log::{AccessLog, Line};
use crate::config::{CandidateConfig, Route, SideConfig};
use crate::ledger::{Counts, Reason, Ticket};
use crate::proxy::{Head, Healths, MARKER, Slot};
use crate::traffic::RouteTraffic;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body::{Frame, SizeHint};
use sample::Sampler;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tee::{TeeBody, tee};
use tokio::sync::{mpsc, oneshot};

/// Copies that may wait for one thread.
pub(crate) const WAITING: usize = 2048;

/// What a reload does not replace.
pub(crate) struct Mirror {
    pub(crate) jobs: Vec<mpsc::Sender<Job>>,
    /// Of the threads that take the jobs.
    pub(crate) pulses: Vec<Arc<Pulse>>,
    pub(crate) counts: Arc<Counts>,
    pub(crate) budget: Arc<Budget>,
    pub(crate) in_flight: Arc<AtomicUsize>,
    pub(crate) breaker: Arc<Breaker>,
    pub(crate) turn: AtomicUsize,
}

/// What one configuration says about the candidate.
pub(crate) struct Settings {
    /// Distinguishes one configuration from the next.
    pub(crate) id: u64,
    pub(crate) candidate: CandidateConfig,
    pub(crate) incumbent: SideConfig,
    pub(crate) servers: Healths,
}

/// Takes copies as one configuration says.
pub(crate) struct Shadow {
    mirror: Arc<Mirror>,
    settings: Arc<Settings>,
    sampler: Sampler,
}

/// A request that could be shown.
pub(crate) struct Offer<'a> {
    pub(crate) route: &'a Route,
    pub(crate) traffic: &'a Arc<RouteTraffic>,
    /// As it goes to the incumbent.
    pub(crate) head: &'a Head,
    pub(crate) client: IpAddr,
    /// The size of its body, if it has one.
    pub(crate) hint: Option<SizeHint>,
}

/// A copy on its way to the candidate.
pub(crate) struct Job {
    pub(crate) ticket: Ticket,
    pub(crate) settings: Arc<Settings>,
    pub(crate) head: Head,
    pub(crate) body: Option<TeeBody>,
    pub(crate) seen: oneshot::Receiver<Seen>,
    pub(crate) twice: bool,
    /// The copy goes without the conditions of the request.
    pub(crate) unconditional: bool,
    pub(crate) traffic: Arc<RouteTraffic>,
    pub(crate) budget: Arc<Budget>,
    /// Held until the copy is complete.
    pub(crate) _slot: Slot,
}

/// What the client got.
pub(crate) enum Seen {
    Whole(Box<Whole>),
    Lost(Reason),
}

/// The incumbent's answer.
pub(crate) struct Whole {
    pub(crate) captured: Captured,
    pub(crate) took: Duration,
    pub(crate) line: Option<(AccessLog, Box<Line>)>,
}

impl Mirror {
    /// Why as many copies are under way as may be: the candidate is slow, or no thread has time to read
    /// what it answered.
    fn no_room(&self) -> Reason {
        let now = Instant::now();
        match self.pulses.iter().any(|pulse| pulse.is_starved(now)) {
            true => Reason::Starved,
            false => Reason::Concurrency,
        }
    }
}

impl Shadow {
    pub(crate) fn new(mirror: Arc<Mirror>, settings: Settings) -> Shadow {
        let sampler = Sampler::new(settings.candidate.key.clone());
        Shadow {
            mirror,
            settings: Arc::new(settings),
            sampler,
        }
    }

    /// Takes a copy of a request, if it is eligible and there is room for it.
    pub(crate) fn offer(&self, offer: Offer<'_>) -> Option<(Watched, Option<Tee>)> {
        if !self.is_eligible(&offer) {
            return None;
        }
        let (mirror, candidate) = (&*self.mirror, &self.settings.candidate);
        let ticket = mirror.counts.ticket();
        if mirror.breaker.is_open() {
            ticket.dropped(Reason::Breaker);
            return None;
        }
        let Some(slot) = Slot::take(&mirror.in_flight, candidate.concurrency) else {
            ticket.dropped(mirror.no_room());
            return None;
        };
        let turn = mirror.turn.fetch_add(1, Ordering::Relaxed) % mirror.jobs.len();
        let Ok(place) = mirror.jobs[turn].try_reserve() else {
            ticket.dropped(Reason::Queue);
            return None;
        };
        let twice = offer.hint.is_none() && offer.head.method.is_safe();
        let (copy, body) = offer.hint.map(|hint| tee(&mirror.budget, hint)).unzip();
        let (sender, seen) = oneshot::channel();
        place.send(Job {
            ticket,
            settings: self.settings.clone(),
            head: offer.head.clone(),
            body,
            seen,
            twice: twice && self.sampler.draws(candidate.ask_twice),
            unconditional: twice && candidate.rewrite.unconditional && offer.head.is_conditional(),
            traffic: offer.traffic.clone(),
            budget: mirror.budget.clone(),
            _slot: slot,
        });
        let watched = Watched {
            sender,
            capture: None,
            limit: candidate.capture_bytes,
            budget: mirror.budget.clone(),
        };
        Some((watched, copy))
    }

    /// Safe methods only, unless the route says otherwise; and no copy of a copy.
    fn is_eligible(&self, offer: &Offer<'_>) -> bool {
        let Offer { route, head, .. } = offer;
        let share = route.fraction.unwrap_or(self.settings.candidate.fraction);
        route.shadow
            && (route.writes || head.method.is_safe())
            && !head.headers.contains_key(&MARKER)
            && self.sampler.takes(share, &head.headers, offer.client)
    }
}

/// Watches the incumbent's answer go by.
pub(crate) struct Watched {
    sender: oneshot::Sender<Seen>,
    capture: Option<Capture>,
    limit: usize,
    budget: Arc<Budget>,
}

impl Watched {
    pub(crate) fn answered(&mut self, status: StatusCode, headers: &HeaderMap) {
        self.capture = Some(Capture::new(status, headers, self.limit, &self.budget));
    }

    pub(crate) fn passed(&mut self, frame: &Frame<Bytes>) {
        if let Some(capture) = &mut self.capture {
            capture.frame(frame);
        }
    }

    /// The whole answer has gone by. The copy may have given it up.
    pub(crate) fn complete(self, took: Duration, line: Option<(AccessLog, Box<Line>)>) {
        let seen = match self.capture {
            Some(capture) => Seen::Whole(Box::new(Whole {
                captured: capture.finish(),
                took,
                line,
            })),
            None => Seen::Lost(Reason::Incumbent),
        };
        if let Err(Seen::Whole(whole)) = self.sender.send(seen)
            && let Some((log, line)) = whole.line
        {
            log.log(*line);
        }
    }

    pub(crate) fn lost(self, reason: Reason) {
        let _ = self.sender.send(Seen::Lost(reason));
    }
}
