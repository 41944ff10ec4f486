//! The servers of a side as one thread sees them: connections, load, health.

use super::alarm::Alarm;
use super::answer::{Interim, Piece, Received, Unanswered};
use super::connect::{Connection, Dial, State};
use super::head::Head;
use super::health::{Health, Healths};
use super::pacing::{Pacing, Patience};
use super::tunnel::Stream;
use crate::config::{SideConfig, UpstreamAddress};
use bytes::Bytes;
use http::{HeaderValue, Response};
use http_body::Body;
use std::cell::{Cell, RefCell};
use std::error::Error;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// Unused connections kept to one server by one thread.
const IDLE_CONNECTIONS: usize = 512;
/// What was used so short a while ago is not closed by its server meanwhile.
const JUST_NOW: Duration = Duration::from_millis(100);
/// Weight of the newest latency in the moving average.
const EWMA_WEIGHT: f64 = 0.1;
/// Failures in a row after which a server is left alone for a while.
const FAILURES: u32 = 3;
/// How long, at first and at most.
const REST: Duration = Duration::from_millis(500);
const LONGEST_REST: Duration = Duration::from_secs(10);

/// Which connections a request may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reuse {
    /// Any: it is sent again if its server closes the connection just then.
    Any,
    /// One that was just used, else a fresh one: it may not be sent twice.
    JustUsed,
    /// A fresh one.
    None,
}

/// One server.
pub(crate) struct Upstream<B> {
    pub(crate) address: UpstreamAddress,
    pub(crate) authority: HeaderValue,
    idle: RefCell<Vec<(Connection<B>, Instant)>>,
    shared: RefCell<Option<Connection<B>>>,
    latency_us: Cell<f64>,
    in_flight: Cell<u32>,
    failures: Cell<u32>,
    rests_until: Cell<Option<Instant>>,
    health: Arc<Health>,
    pacing: Pacing,
}

/// Why a copy got no connection.
pub(crate) enum NoLease {
    /// The server cannot be reached.
    Unreachable(io::Error),
    /// The server takes connections, but more slowly than they are wanted.
    Behind,
    /// This machine has no socket, file or port left.
    Exhausted,
}

impl<B> Upstream<B> {
    fn new(address: &UpstreamAddress, health: Arc<Health>) -> Self {
        let authority = match (address.tls, address.port) {
            _ if address.socket.is_some() => address.host.clone(),
            (false, 80) | (true, 443) => address.host.clone(),
            _ => address.authority(),
        };
        Upstream {
            address: address.clone(),
            authority: HeaderValue::try_from(authority)
                .unwrap_or(HeaderValue::from_static("invalid")),
            idle: RefCell::default(),
            shared: RefCell::default(),
            latency_us: Cell::new(0.0),
            in_flight: Cell::new(0),
            failures: Cell::new(0),
            rests_until: Cell::new(None),
            health,
            pacing: Pacing::default(),
        }
    }

    fn is_available(&self, now: Instant) -> bool {
        self.health.passes() && self.rests_until.get().is_none_or(|until| until <= now)
    }

    /// What one more request would wait for here, by experience.
    fn cost(&self) -> f64 {
        (self.latency_us.get() + 1.0) * f64::from(self.in_flight.get() + 1)
    }

    /// An unused connection that is still open, and was used no longer ago than `most`.
    fn idle(&self, keep_alive: Duration, most: Duration, now: Instant) -> Option<Connection<B>> {
        let mut idle = self.idle.borrow_mut();
        // The end of the list is the most recently used; what is not ready yet waits for its turn.
        for index in (0..idle.len()).rev() {
            let (connection, since) = &mut idle[index];
            let unused = now.saturating_duration_since(*since);
            match connection.look() {
                _ if unused > longest(connection, keep_alive) => drop(idle.swap_remove(index)),
                // A fresh one takes its place: else a server with few connections to give would get ever more.
                State::Free if unused > most => {
                    drop(idle.swap_remove(index));
                    return None;
                }
                State::Closed => drop(idle.swap_remove(index)),
                State::Free => return Some(idle.remove(index).0),
                State::Busy => {}
            }
        }
        None
    }

    fn shared(&self) -> Option<Connection<B>> {
        let mut shared = self.shared.borrow_mut();
        match shared.as_ref() {
            Some(Connection::Two(sender, task)) if !sender.is_closed() => {
                Some(Connection::Two(sender.clone(), task.clone()))
            }
            _ => {
                *shared = None;
                None
            }
        }
    }

    fn succeeded(&self) {
        self.failures.set(0);
        self.rest(None);
    }

    /// It cannot be reached: one failure says as much as many.
    fn unreachable(&self) {
        self.failures.set(self.failures.get().max(FAILURES - 1));
        self.failed();
    }

    fn failed(&self) {
        let failures = self.failures.get() + 1;
        self.failures.set(failures);
        if let Some(beyond) = failures.checked_sub(FAILURES) {
            let rest = REST.saturating_mul(1 << beyond.min(6)).min(LONGEST_REST);
            self.rest(Some(Instant::now() + rest));
        }
    }

    /// Leaves it alone for a while, or no longer.
    fn rest(&self, until: Option<Instant>) {
        let rested = self.rests_until.replace(until).is_some();
        if rested != until.is_some() {
            self.health.fails(until.is_some());
        }
    }
}

impl<B> Drop for Upstream<B> {
    fn drop(&mut self) {
        self.rest(None);
    }
}

/// The servers of a side.
pub(crate) struct Side<B> {
    upstreams: Vec<Rc<Upstream<B>>>,
    dial: Dial,
    pub(crate) config: SideConfig,
    random: Cell<u64>,
}

impl<B> Side<B>
where
    B: Body<Data = Bytes> + Unpin + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    /// A side; servers that `before` had too keep their connections and their experience.
    pub(crate) fn new(
        config: &SideConfig,
        servers: &Healths,
        before: Option<&Side<B>>,
    ) -> Result<Self, String> {
        let same_trust = |before: &&Side<B>| {
            before.config.authorities == config.authorities
                && before.config.certificate == config.certificate
        };
        let known = |address: &UpstreamAddress, health: &Arc<Health>| {
            let mut known = before.filter(same_trust)?.upstreams.iter();
            known
                .find(|known| known.address == *address && Arc::ptr_eq(&known.health, health))
                .cloned()
        };
        let upstream = |address: &UpstreamAddress| {
            let health = servers.get(address).cloned().unwrap_or_default();
            known(address, &health).unwrap_or_else(|| Rc::new(Upstream::new(address, health)))
        };
        Ok(Side {
            upstreams: config.upstreams.iter().map(upstream).collect(),
            dial: Dial::new(config)?,
            config: config.clone(),
            random: Cell::new(0x9E37_79B9_7F4A_7C15),
        })
    }

    /// The cheaper of two servers drawn at random (Mitzenmacher 2001); where none is well, all are
    /// asked as if they were.
    fn pick(&self) -> Rc<Upstream<B>> {
        if let [only] = self.upstreams.as_slice() {
            return only.clone();
        }
        let now = Instant::now();
        let well: Vec<&Rc<Upstream<B>>> = self
            .upstreams
            .iter()
            .filter(|u| u.is_available(now))
            .collect();
        let well = if well.is_empty() {
            self.upstreams.iter().collect()
        } else {
            well
        };
        let (a, b) = (well[self.draw(well.len())], well[self.draw(well.len())]);
        if a.cost() <= b.cost() {
            a.clone()
        } else {
            b.clone()
        }
    }

    fn draw(&self, below: usize) -> usize {
        // xorshift64 (Marsaglia 2003): balance needs no better numbers.
        let mut x = self.random.get();
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.random.set(x);
        (x % below as u64) as usize
    }

    /// A connection to one of the servers.
    pub(crate) async fn lease(&self, reuse: Reuse) -> io::Result<Lease<B>> {
        let upstream = self.pick();
        let load = Load::on(&upstream);
        if let Some(known) = self.known(&upstream, reuse) {
            return Ok(Lease::new(known, true, load));
        }
        // In a box of its own: rarely needed, and so large that the futures of all requests would
        // be moved about by the 100 KiB.
        match Box::pin(self.dial.connect(&upstream.address)).await {
            Ok(connection) => Ok(Lease::fresh(connection, load)),
            Err(error) => {
                upstream.unreachable();
                Err(error)
            }
        }
    }

    /// A connection to one of the servers for a request that can wait: an unused one first, and few
    /// that are being opened.
    pub(crate) async fn lease_in_turn(&self, reuse: Reuse) -> Result<Lease<B>, NoLease> {
        let (upstream, begun) = (self.pick(), Instant::now());
        let (load, pacing) = (Load::on(&upstream), &upstream.pacing);
        let (until, mut patience) = (begun + self.dial.timeout(), Patience::new());
        let error = loop {
            if let Some(known) = self.known(&upstream, reuse) {
                // One that many requests share is there for the next as well.
                if let Connection::Two(..) = known {
                    pacing.changed();
                }
                return Ok(Lease::new(known, true, load));
            }
            if Instant::now() >= until {
                break io::ErrorKind::TimedOut.into();
            }
            let Some(_turn) = pacing.turn() else {
                pacing.wait(until).await;
                continue;
            };
            let attempt = (&mut patience, until);
            match Box::pin(self.dial.connect_paced(&upstream.address, pacing, attempt)).await {
                Some(Ok(connection)) => return Ok(Lease::fresh(connection, load)),
                Some(Err(error)) => break error,
                None => {}
            }
        };
        if understudy_host::is_exhausted(&error) {
            return Err(NoLease::Exhausted);
        }
        if error.kind() == io::ErrorKind::TimedOut && pacing.was_alive(begun) {
            return Err(NoLease::Behind);
        }
        upstream.unreachable();
        Err(NoLease::Unreachable(error))
    }

    /// A connection that is there.
    fn known(&self, upstream: &Upstream<B>, reuse: Reuse) -> Option<Connection<B>> {
        let most = match reuse {
            Reuse::None => return None,
            _ if upstream.address.http2 => return upstream.shared(),
            Reuse::Any => Duration::MAX,
            Reuse::JustUsed => JUST_NOW,
        };
        upstream.idle(self.config.keep_alive, most, Instant::now())
    }

    /// Would another attempt find another server?
    pub(crate) fn has_choice(&self) -> bool {
        self.upstreams.len() > 1
    }

    /// Closes connections that were not used for a while.
    pub(crate) fn sweep(&self) {
        for upstream in &self.upstreams {
            let keep = self.config.keep_alive;
            let is_of_use = |(connection, since): &mut (Connection<B>, Instant)| {
                connection.look() != State::Closed && since.elapsed() <= longest(connection, keep)
            };
            upstream.idle.borrow_mut().retain_mut(is_of_use);
        }
    }
}

/// How long a connection may be without a request.
fn longest<B>(connection: &Connection<B>, keep_alive: Duration) -> Duration {
    connection
        .kept()
        .map_or(keep_alive, |kept| kept.min(keep_alive))
}

/// One request under way at a server.
struct Load<B>(Rc<Upstream<B>>);

impl<B> Load<B> {
    fn on(upstream: &Rc<Upstream<B>>) -> Self {
        upstream.in_flight.set(upstream.in_flight.get() + 1);
        Load(upstream.clone())
    }
}

impl<B> Drop for Load<B> {
    fn drop(&mut self) {
        self.0.in_flight.set(self.0.in_flight.get() - 1);
    }
}

/// A connection in use. Dropped, it is closed (HTTP/2: its stream is reset); [`Lease::give_back`]
/// keeps it.
pub(crate) struct Lease<B> {
    connection: Option<Connection<B>>,
    /// Had it been used before? Its server may just have closed it.
    pub(crate) reused: bool,
    load: Load<B>,
    /// Since when the server could have had the request.
    pub(crate) started: Instant,
}

impl<B> Lease<B>
where
    B: Body<Data = Bytes> + Unpin + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    fn new(connection: Connection<B>, reused: bool, load: Load<B>) -> Lease<B> {
        Lease {
            connection: Some(connection),
            reused,
            load,
            started: Instant::now(),
        }
    }

    /// One that was just opened.
    fn fresh(connection: Connection<B>, load: Load<B>) -> Lease<B> {
        if let Connection::Two(sender, task) = &connection {
            let shared = Connection::Two(sender.clone(), task.clone());
            *load.0.shared.borrow_mut() = Some(shared);
        }
        Lease::new(connection, false, load)
    }

    pub(crate) fn upstream(&self) -> &Upstream<B> {
        &self.load.0
    }

    /// Sends a request and waits for the head of the answer.
    pub(crate) async fn send(
        &mut self,
        head: &Head,
        body: B,
        interim: Interim<'_>,
    ) -> Result<Response<Received>, Unanswered<B>> {
        let (upstream, connection) = (&self.load.0, held(&mut self.connection));
        let to = (&upstream.address, &upstream.authority);
        connection.send(head, to, body, interim).await
    }

    /// The next piece of the answer's body.
    pub(crate) fn poll_frame(&mut self, body: &mut Received, cx: &mut Context<'_>) -> Poll<Piece> {
        held(&mut self.connection).poll_frame(body, cx)
    }

    /// What rings if the answer does not come.
    pub(crate) fn alarm(&mut self) -> Alarm {
        held(&mut self.connection).alarm()
    }

    /// The head has come after this time.
    pub(crate) fn answered(&self, well: bool) {
        let upstream = self.upstream();
        let micros = self.started.elapsed().as_secs_f64() * 1e6;
        let before = upstream.latency_us.get();
        upstream
            .latency_us
            .set(before + EWMA_WEIGHT * (micros - before));
        upstream.pacing.is_alive();
        if well {
            upstream.succeeded();
        } else {
            upstream.failed();
        }
    }

    /// No answer came.
    pub(crate) fn failed(&self) {
        self.upstream().failed();
    }

    /// The exchange is over since now, and the connection can be used again.
    pub(crate) fn give_back(mut self, now: Instant) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        let mut idle = self.upstream().idle.borrow_mut();
        let is_shared = matches!(connection, Connection::Two(..));
        // It may be busy: the server has answered before it had all of the request.
        let is_of_use = !is_shared && connection.state() != State::Closed;
        if is_of_use && idle.len() < IDLE_CONNECTIONS {
            idle.push((connection, now));
            self.upstream().pacing.changed();
        }
    }

    /// The bytes of the connection now that it is no longer HTTP.
    pub(crate) fn into_stream(mut self) -> Option<Stream> {
        self.connection.take()?.into_stream()
    }
}

fn held<B>(connection: &mut Option<Connection<B>>) -> &mut Connection<B> {
    match connection {
        Some(connection) => connection,
        None => unreachable!("a lease holds its connection until it is given back"),
    }
}

/// Retries as a share of the requests, so that a sick server is not asked twice as much.
#[derive(Debug)]
pub(crate) struct RetryBudget(Cell<f64>);

impl RetryBudget {
    /// Retries that may follow one another.
    const MOST: f64 = 20.0;

    pub(crate) fn new() -> RetryBudget {
        RetryBudget(Cell::new(RetryBudget::MOST))
    }

    pub(crate) fn earn(&self, share: f64) {
        self.0.set((self.0.get() + share).min(RetryBudget::MOST));
    }

    pub(crate) fn spend(&self) -> bool {
        let left = self.0.get() - 1.0;
        if left >= 0.0 {
            self.0.set(left);
        }
        left >= 0.0
    }
}
