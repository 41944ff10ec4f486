//! A thread that serves clients.

use super::exchange::Client;
use super::headers;
use super::health::Healths;
use super::http2;
use super::inbound;
use super::record::Slot;
use super::transport::Transport;
use super::upload::Upload;
use super::upstream::{RetryBudget, Side};
use crate::access_log::AccessLog;
use crate::config::{GatewayConfig, Listener, Route};
use crate::mirror::Shadow;
use crate::traffic::{Registry, RouteTraffic, Unopened};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

/// The route name of requests that no route covers.
const UNROUTED: &str = "none";
/// How often unused connections are looked through.
const SWEEP: Duration = Duration::from_secs(5);
/// How long a thread waits with its next look, where it waits for its connections to end.
const LOOK: Duration = Duration::from_millis(10);

/// What all workers share.
pub(crate) struct Shared {
    pub(crate) registry: Arc<Registry>,
    pub(crate) requests: Arc<AtomicUsize>,
    pub(crate) connections: Arc<AtomicUsize>,
    pub(crate) unopened: Unopened,
    pub(crate) log: Option<AccessLog>,
}

/// The sockets of each listener, one for each worker.
pub(crate) type Sockets = HashMap<SocketAddr, Vec<Arc<TcpListener>>>;

/// One configuration, ready to be worked by.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) config: Arc<GatewayConfig>,
    pub(crate) sockets: Arc<Sockets>,
    pub(crate) servers: Healths,
    pub(crate) shadow: Option<Arc<Shadow>>,
}

/// What a worker made of a plan.
pub(crate) struct Plane {
    pub(crate) config: Arc<GatewayConfig>,
    pub(crate) incumbent: Side<Upload>,
    pub(crate) routes: Vec<(Route, Arc<RouteTraffic>)>,
    pub(crate) unrouted: Arc<RouteTraffic>,
    pub(crate) shadow: Option<Arc<Shadow>>,
}

impl Plane {
    fn new(plan: &Plan, shared: &Shared, before: Option<&Plane>) -> Result<Plane, String> {
        let before = before.map(|before| &before.incumbent);
        let routes = plan.config.routes.iter();
        Ok(Plane {
            incumbent: Side::new(&plan.config.incumbent, &plan.servers, before)?,
            routes: routes
                .map(|route| (route.clone(), shared.registry.route(&route.name)))
                .collect(),
            unrouted: shared.registry.route(UNROUTED),
            config: plan.config.clone(),
            shadow: plan.shadow.clone(),
        })
    }
}

/// A thread's state.
pub(crate) struct Worker {
    pub(crate) index: usize,
    pub(crate) shared: Arc<Shared>,
    pub(crate) retries: RetryBudget,
    plane: RefCell<Rc<Plane>>,
    /// Connections of clients on this thread.
    open: Cell<usize>,
}

impl Worker {
    pub(crate) fn plane(&self) -> Rc<Plane> {
        self.plane.borrow().clone()
    }
}

/// One more thing that has to end before the thread may.
pub(crate) struct Open(Rc<Worker>);

impl Open {
    pub(crate) fn on(worker: &Rc<Worker>) -> Open {
        worker.open.set(worker.open.get() + 1);
        Open(worker.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.set(self.0.open.get() - 1);
    }
}

/// Listens until its sender is dropped; connections then end with their request under way.
struct Listening {
    listener: Rc<RefCell<Listener>>,
    _closing: watch::Sender<()>,
}

/// Serves clients until the plans end, and then until no connection is left or `drain` is over.
///
/// # Errors
/// The first plan cannot be worked by.
pub(crate) async fn run(
    index: usize,
    shared: Arc<Shared>,
    mut plans: watch::Receiver<Plan>,
) -> Result<(), String> {
    let first = plans.borrow_and_update().clone();
    let plane = Plane::new(&first, &shared, None)?;
    let worker = Rc::new(Worker {
        index,
        shared,
        retries: RetryBudget::new(),
        plane: RefCell::new(Rc::new(plane)),
        open: Cell::new(0),
    });
    let mut listening = HashMap::new();
    listen(&worker, &first, &mut listening);
    // It holds sockets: those of a listener that a reload removes have to be closed.
    drop(first);
    let mut sweep = tokio::time::interval(SWEEP);
    loop {
        tokio::select! {
            changed = plans.changed() => match changed {
                Ok(()) => {
                    let plan = plans.borrow_and_update().clone();
                    let before = worker.plane();
                    // What a plan needs was checked before it was handed out.
                    if let Ok(plane) = Plane::new(&plan, &worker.shared, Some(&before)) {
                        worker.plane.replace(Rc::new(plane));
                    }
                    listen(&worker, &plan, &mut listening);
                }
                Err(_) => break,
            },
            _ = sweep.tick() => worker.plane().incumbent.sweep(),
        }
    }
    drop(listening);
    let deadline = Instant::now() + worker.plane().config.drain;
    while worker.open.get() > 0 && Instant::now() < deadline {
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

/// Listens where the plan says, and no longer where it does not.
fn listen(worker: &Rc<Worker>, plan: &Plan, listening: &mut HashMap<SocketAddr, Listening>) {
    listening.retain(|address, _| {
        plan.config
            .listeners
            .iter()
            .any(|of| of.address == *address)
    });
    for listener in &plan.config.listeners {
        if let Some(known) = listening.get(&listener.address) {
            known.listener.replace(listener.clone());
            continue;
        }
        let socket = plan
            .sockets
            .get(&listener.address)
            .and_then(|all| all.get(worker.index));
        let Some(Ok(socket)) = socket.map(|socket| {
            socket
                .try_clone()
                .and_then(tokio::net::TcpListener::from_std)
        }) else {
            continue;
        };
        let (closing, closed) = watch::channel(());
        let shared = Rc::new(RefCell::new(listener.clone()));
        tokio::task::spawn_local(accept(worker.clone(), socket, shared.clone(), closed));
        listening.insert(
            listener.address,
            Listening {
                listener: shared,
                _closing: closing,
            },
        );
    }
}

async fn accept(
    worker: Rc<Worker>,
    socket: tokio::net::TcpListener,
    listener: Rc<RefCell<Listener>>,
    mut closed: watch::Receiver<()>,
) {
    loop {
        let accepted = tokio::select! {
            biased;
            _ = closed.changed() => return,
            accepted = socket.accept() => accepted,
        };
        match accepted {
            Ok((tcp, peer)) => {
                let most = worker.plane().config.limits.connections;
                let Some(slot) = Slot::take(&worker.shared.connections, most) else {
                    let count = &worker.shared.unopened.too_many;
                    count.fetch_add(1, Ordering::Relaxed);
                    continue;
                };
                let (open, listener) = (Open::on(&worker), listener.borrow().clone());
                let served = serve(worker.clone(), tcp, peer, listener, closed.clone());
                tokio::task::spawn_local(async move {
                    // A connection that fails concerns its client alone.
                    let _ = served.await;
                    drop((slot, open));
                });
            }
            // Out of file descriptors, most likely: those in use have to end first.
            Err(_) => tokio::time::sleep(LOOK).await,
        }
    }
}

async fn serve(
    worker: Rc<Worker>,
    tcp: TcpStream,
    peer: SocketAddr,
    listener: Listener,
    mut closed: watch::Receiver<()>,
) -> io::Result<()> {
    tcp.set_nodelay(true)?;
    let limits = worker.plane().config.limits.clone();
    let tls = listener.tls.is_some();
    let opened = tokio::time::timeout(limits.header_timeout, open(tcp, &listener));
    let (transport, http2) = tokio::select! {
        opened = opened => match opened.map_err(io::Error::from).flatten() {
            Ok(opened) => opened,
            Err(error) => {
                if tls {
                    let count = &worker.shared.unopened.handshake;
                    count.fetch_add(1, Ordering::Relaxed);
                }
                return Err(error);
            }
        },
        _ = closed.changed() => return Ok(()),
    };
    let client = |interims| Client {
        address: peer.ip(),
        address_text: headers::address(peer.ip()),
        tls,
        trusted: listener.trust_forwarded,
        interims,
    };
    if !http2 {
        let client = |interims| client(Some(interims));
        // In a box of its own: a connection that waits holds no room for what it does not do.
        Box::pin(inbound::serve(worker, client, transport, limits, closed)).await;
        return Ok(());
    }
    http2::serve(worker, client(None), transport, limits, closed).await;
    Ok(())
}

/// Finds out what a client speaks: by ALPN, or by the first bytes it sends.
async fn open(tcp: TcpStream, listener: &Listener) -> io::Result<(Transport, bool)> {
    if let Some(tls) = &listener.tls {
        let tls = TlsAcceptor::from(tls.clone()).accept(tcp).await?;
        let http2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
        return Ok((Transport::Tls(Box::new(tls.into())), http2));
    }
    // RFC 9113, section 3.4; no method of HTTP/1.1 has this beginning and a space behind it.
    const PREFACE: &[u8] = b"PRI ";
    let mut begin = [0; PREFACE.len()];
    loop {
        let read = tcp.peek(&mut begin).await?;
        if read == 0 || begin[..read] != PREFACE[..read] {
            return Ok((Transport::Plain(tcp), false));
        }
        if read == PREFACE.len() {
            return Ok((Transport::Plain(tcp), true));
        }
        tokio::time::sleep(LOOK).await;
    }
}
