//! A connection of a client that speaks HTTP/2 (RFC 9113).

use super::connect::Local;
use super::download::{Broken, Download};
use super::exchange::{Asking, Client, answer};
use super::fields::Written;
use super::transport::Transport;
use super::upload::Incoming;
use super::worker::Worker;
use crate::config::Limits;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::time::Sleep;

/// A connection's buffer.
const BUFFER_BYTES: usize = 64 * 1024;
/// Received ahead of what is consumed, of one stream and of one connection.
const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 1 << 20;
/// Streams that a client may reset before they were looked at (Rapid Reset, CVE-2023-44487).
const RESET_STREAMS: usize = 20;
/// How often answers that are stuck are looked for, at most.
const SHORTEST_TURN: Duration = Duration::from_millis(10);
/// How long what came of an answer has to leave before its stream is reset.
const FLUSH: Duration = Duration::from_millis(20);

/// Serves a client until it or the listener closes.
pub(super) async fn serve(
    worker: Rc<Worker>,
    client: Client,
    io: Transport,
    limits: Limits,
    closed: watch::Receiver<()>,
) {
    let (client, answers) = (Rc::new(client), Rc::new(Answers::default()));
    let under_way = answers.clone();
    let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
        let asking = Asking {
            request: request.map(Incoming::Two),
            written: Written::default(),
            raw_target: None,
        };
        let answering = answer(worker.clone(), client.clone(), asking);
        let under_way = under_way.clone();
        async move {
            let response = answering.await.response;
            Ok::<_, Infallible>(response.map(|body| under_way.watch(body)))
        }
    });
    let send_timeout = limits.send_timeout;
    let mut connection = pin!(builder(&limits).serve_connection(TokioIo::new(io), service));
    let served = async {
        // A connection that fails concerns its client alone.
        if ended_or_closed(connection.as_mut(), closed).await.is_none() {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    };
    tokio::select! {
        () = served => {}
        () = answers.all_stuck(send_timeout) => {}
    }
}

fn builder(limits: &Limits) -> http2::Builder<Local> {
    let mut builder = http2::Builder::new(Local);
    builder
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(RESET_STREAMS)
        .max_send_buf_size(BUFFER_BYTES)
        .keep_alive_interval(limits.header_timeout)
        .keep_alive_timeout(limits.header_timeout)
        .auto_date_header(false);
    builder
}

/// Serves until the connection has ended, or (`None`) its listener is closed.
async fn ended_or_closed<C: Future>(
    mut connection: Pin<&mut C>,
    mut closed: watch::Receiver<()>,
) -> Option<C::Output> {
    let is_closed = closed.clone();
    let mut closing = pin!(closed.changed());
    let mut waits = false;
    poll_fn(|cx| {
        if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
            return Poll::Ready(Some(ended));
        }
        // A task keeps its waker, so to ask once is enough to be woken; to look at a flag is enough to
        // know why. This is done in every turn of every connection.
        if !waits || is_closed.has_changed().is_err() {
            waits = true;
            return closing.as_mut().poll(cx).map(|_| None);
        }
        Poll::Pending
    })
    .await
}

/// The answers under way on a connection. Their bodies are asked for more only when the client has room:
/// a client that gives none would hold them, and the connections of their servers, without end.
#[derive(Default)]
struct Answers(RefCell<Vec<Weak<Held>>>);

/// The body of an answer, until its client is given up.
struct Held {
    body: RefCell<Option<Download>>,
    /// When the client last took something, if it is its turn to take more.
    waits_since: Cell<Option<Instant>>,
}

impl Answers {
    fn watch(&self, body: Download) -> HeldBody {
        let is_whole = body.is_text();
        let held = Rc::new(Held {
            body: RefCell::new(Some(body)),
            waits_since: Cell::new((!is_whole).then(Instant::now)),
        });
        if !is_whole {
            let mut all = self.0.borrow_mut();
            all.retain(|held| held.strong_count() > 0);
            all.push(Rc::downgrade(&held));
        }
        HeldBody { held, broken: None }
    }

    /// Drops what the client does not take. Ends if there is nothing else on the connection.
    async fn all_stuck(&self, longest: Duration) {
        let mut turn = tokio::time::interval((longest / 4).max(SHORTEST_TURN));
        loop {
            turn.tick().await;
            let all: Vec<_> = self.0.borrow().iter().filter_map(Weak::upgrade).collect();
            let is_stuck = |held: &Held| {
                held.waits_since
                    .get()
                    .is_some_and(|at| at.elapsed() > longest)
            };
            for held in all.iter().filter(|held| is_stuck(held)) {
                drop(held.body.borrow_mut().take());
            }
            if !all.is_empty() && all.iter().all(|held| held.body.borrow().is_none()) {
                return;
            }
        }
    }
}

/// The body of an answer on its way.
struct HeldBody {
    held: Rc<Held>,
    /// Why it has broken off, and when its client hears of that.
    broken: Option<(Broken, Pin<Box<Sleep>>)>,
}

impl Body for HeldBody {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if let Some((why, after)) = &mut self.broken {
            ready!(after.as_mut().poll(cx));
            return Poll::Ready(Some(Err(*why)));
        }
        let frame = match &mut *self.held.body.borrow_mut() {
            Some(body) => Pin::new(body).poll_frame(cx),
            None => Poll::Ready(Some(Err(Broken::Closed))),
        };
        let waits_since = frame.is_ready().then(Instant::now);
        self.held.waits_since.set(waits_since);
        match frame {
            // A reset takes what has not left yet with it.
            Poll::Ready(Some(Err(why))) => {
                let mut after = Box::pin(tokio::time::sleep(FLUSH));
                let over = after.as_mut().poll(cx);
                self.broken = Some((why, after));
                over.map(|()| Some(Err(why)))
            }
            frame => frame,
        }
    }

    fn is_end_stream(&self) -> bool {
        let body = self.held.body.borrow();
        body.as_ref().is_some_and(Download::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let body = self.held.body.borrow();
        body.as_ref()
            .map_or_else(SizeHint::new, Download::size_hint)
    }
}
