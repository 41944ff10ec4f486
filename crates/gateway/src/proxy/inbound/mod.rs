//! A connection of a client that speaks HTTP/1.1 (RFC 9112), one exchange after the other.
//!
//! One task reads the heads, waits for the answers and writes them; the body of a request is read by
//! what takes it. Each head goes through [`RequestReader`](understudy_wire::http1::RequestReader), which
//! holds it to the rules, whatever precedes it and however it is cut.

mod decode;
mod encode;
mod wire;

pub(crate) use wire::ClientBody;

use super::alarm::Alarm;
use super::download::Download;
use super::exchange::{Answered, Asking, Client, answer};
use super::fields::Written;
use super::outgoing::{Broken, Coding, Outgoing};
use super::transport::Transport;
use super::tunnel::{self, Stream};
use super::unread::{self, Unread};
use super::upload::Incoming;
use super::worker::Worker;
use crate::config::Limits;
use decode::Decoded;
use encode::Asked;
use http::{Request, StatusCode, Version, header};
use http_body::Body;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::io::AsyncWrite;
use tokio::sync::watch;
use understudy_wire::http1::{Head, Refused};
use wire::{Reading, Wire};

/// How long a client may continue to send after its last answer.
const LINGER: Duration = Duration::from_secs(2);
/// Bytes of interim answers that may wait for a client that does not read; later ones are dropped.
const INTERIM_BYTES: usize = 64 * 1024;
/// Bytes of the first line that a log gets of a head that was refused.
const LINE_BYTES: usize = 64;

/// Sends interim answers (1xx) to a client.
pub(crate) struct Interims(Rc<Wire>);

impl Interims {
    /// One more. It leaves as soon as there is room, at the latest with the answer.
    pub(super) fn push(&self, head: &Head<'_>) {
        // The gateway itself has answered an `Expect`.
        let mut waiting = self.0.interim.borrow_mut();
        if head.status != 100 && self.0.takes_interim.get() && waiting.len() < INTERIM_BYTES {
            encode::interim(&mut waiting, head);
        }
    }
}

/// What a request has come to.
enum Next {
    /// Another request may follow.
    Request,
    /// The connection is to be closed; the client may continue to send for a while.
    Close,
    /// The client has gone, or must not be led to think that it has got all.
    Gone,
    /// It is HTTP no longer.
    Tunnel {
        server: Box<Stream>,
        is_websocket: bool,
    },
}

struct Connection {
    worker: Rc<Worker>,
    client: Rc<Client>,
    wire: Rc<Wire>,
    limits: Limits,
    closed: watch::Receiver<()>,
    alarm: Alarm,
    /// When the connection was opened, or the request before was complete.
    since: Instant,
    /// When a head began that is not complete yet.
    begun: Option<Instant>,
    /// Memory for the next head.
    room: Vec<u8>,
}

/// Serves a client until it or the listener closes.
pub(super) async fn serve(
    worker: Rc<Worker>,
    client: impl FnOnce(Interims) -> Client,
    io: Transport,
    limits: Limits,
    closed: watch::Receiver<()>,
) {
    let wire = Rc::new(Wire::new(io, limits.header_bytes));
    let connection = Connection {
        worker,
        client: Rc::new(client(Interims(wire.clone()))),
        wire,
        limits,
        closed,
        alarm: Alarm::default(),
        since: Instant::now(),
        begun: None,
        room: Vec::new(),
    };
    connection.run().await;
}

impl Connection {
    async fn run(mut self) {
        // A task keeps its waker: to ask once is enough to be woken when the listener is closed.
        let mut closed = self.closed.clone();
        let mut closing = pin!(async move { drop(closed.changed().await) });
        let _ = poll_fn(|cx| Poll::Ready(closing.as_mut().poll(cx))).await;
        loop {
            let next = match poll_fn(|cx| self.poll_request(cx)).await {
                Ok(Some((asking, asked))) => self.exchange(asking, asked).await,
                Ok(None) => return self.close(false).await,
                Err(unread) => self.refuse(unread).await,
            };
            match next {
                Next::Request => self.since = Instant::now(),
                Next::Close => return self.close(true).await,
                Next::Gone => return,
                Next::Tunnel {
                    server,
                    is_websocket,
                } => {
                    let closed = self.closed.clone();
                    let wire = self.wire.clone();
                    drop(self);
                    if let Some(client) = Rc::try_unwrap(wire).ok().map(Wire::into_stream) {
                        tunnel::run(client, *server, is_websocket, closed).await;
                    }
                    return;
                }
            }
        }
    }

    fn is_closing(&self) -> bool {
        self.closed.has_changed().is_err()
    }

    /// The next request; nothing if there is none to come.
    fn poll_request(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<(Asking, Asked)>, Unread>> {
        loop {
            if let Some(request) = self.request()? {
                return Poll::Ready(Ok(Some(request)));
            }
            let is_idle = self.wire.incoming.borrow().input.is_empty();
            if is_idle && self.is_closing() {
                return Poll::Ready(Ok(None));
            }
            if !is_idle {
                self.begun.get_or_insert_with(Instant::now);
            }
            match self.wire.poll_read(cx) {
                Poll::Ready(Ok(bytes)) if bytes > 0 => {}
                Poll::Ready(_) if is_idle => return Poll::Ready(Ok(None)),
                Poll::Ready(_) => return Poll::Ready(Err(Unread::Left)),
                Poll::Pending => {
                    ready!(self.alarm.poll(cx, self.since + self.limits.header_timeout));
                    return Poll::Ready(if is_idle { Ok(None) } else { Err(Unread::Late) });
                }
            }
        }
    }

    /// The next request, if its head is there.
    fn request(&mut self) -> Result<Option<(Asking, Asked)>, Refused> {
        let read = self.wire.incoming.borrow_mut().head(&self.limits)?;
        let Some(decoded) = read else {
            return Ok(None);
        };
        self.begun = None;
        Ok(Some(self.asking(decoded)))
    }

    fn asking(&self, decoded: Decoded) -> (Asking, Asked) {
        let request: Request<()> = decoded.request;
        let is_recent = request.version() == Version::HTTP_11;
        let expects = is_recent && request.headers().contains_key(header::EXPECT);
        self.wire.waits.set(expects && !decoded.is_bodiless);
        self.wire.takes_interim.set(is_recent);
        let asked = Asked::new(request.method(), request.version(), decoded.keep_alive);
        let body = match decoded.is_bodiless {
            true => Incoming::Empty,
            false => Incoming::One(ClientBody::new(&self.wire)),
        };
        let asking = Asking {
            request: request.map(|()| body),
            written: decoded.written,
            raw_target: decoded.raw_target,
        };
        (asking, asked)
    }

    /// Answers what is not a request that may be carried on.
    async fn refuse(&mut self, unread: Unread) -> Next {
        let line = first_line(&self.wire.incoming.borrow());
        unread::note(&self.worker, &self.client, unread, &line, self.begun);
        let Unread::Refused(Refused { status, why }) = unread else {
            return Next::Close;
        };
        let mut out = std::mem::take(&mut *self.wire.interim.borrow_mut());
        encode::refusal(&mut out, status, why);
        let nothing = Download::Text(None);
        let outgoing = Outgoing::new(out, Coding::Length(0), nothing, true);
        match self.send(outgoing).await {
            Ok(_) => Next::Close,
            Err(next) => next,
        }
    }

    async fn exchange(&mut self, asking: Asking, mut asked: Asked) -> Next {
        let mut answering = pin!(answer(self.worker.clone(), self.client.clone(), asking));
        let wire = &self.wire;
        let answered = poll_fn(|cx| {
            if let Poll::Ready(answered) = answering.as_mut().poll(cx) {
                return Poll::Ready(Some(answered));
            }
            let is_broken = matches!(wire.poll_interim(cx), Poll::Ready(Err(_)));
            match is_broken || wire.poll_left(cx).is_ready() {
                true => Poll::Ready(None),
                false => Poll::Pending,
            }
        })
        .await;
        // Dropped, it is counted as left by its client.
        let Some(answered) = answered else {
            return Next::Gone;
        };
        let Answered {
            response,
            written,
            closes,
            server,
        } = answered;
        let (parts, body) = response.into_parts();
        let coding = asked.coding(parts.status, &body.size_hint());
        asked.keep_alive &= !closes
            && !self.is_closing()
            && coding != Coding::UntilClose
            && (wire.is_taken.get() || wire.discard());
        let mut front = std::mem::take(&mut self.room);
        front.clear();
        front.append(&mut wire.interim.borrow_mut());
        let of: (StatusCode, _, &Written) = (parts.status, &parts.headers, &written);
        encode::head(&mut front, &asked, of, coding);
        // What the gateway itself says is not for a client that asked for a head alone.
        let is_bodiless =
            body.is_end_stream() || (asked.is_bodiless(parts.status) && body.is_text());
        let sent = self
            .send(Outgoing::new(front, coding, body, is_bodiless))
            .await;
        match sent {
            Err(next) => return next,
            Ok(room) => self.room = room,
        }
        if let Some(server) = server {
            let protocol = parts.headers.get(header::UPGRADE);
            return Next::Tunnel {
                server: Box::new(server),
                is_websocket: protocol
                    .is_some_and(|of| of.as_bytes().eq_ignore_ascii_case(b"websocket")),
            };
        }
        match asked.keep_alive && self.has_ended().await {
            true => Next::Request,
            false => Next::Close,
        }
    }

    /// Sends a message; what else comes of it, if it does not reach the client. Gives memory for the next.
    async fn send(&self, mut outgoing: Outgoing<Download>) -> Result<Vec<u8>, Next> {
        let mut stuck = (0, Instant::now());
        let wire = &self.wire;
        let mut poll_within = |outgoing: &mut Outgoing<Download>, cx: &mut Context<'_>| {
            if let Some(bytes) = outgoing.stuck_at() {
                if stuck.0 != bytes {
                    stuck = (bytes, Instant::now());
                }
                ready!(self.alarm.poll(cx, stuck.1 + self.limits.send_timeout));
                return Poll::Ready(());
            }
            Poll::Pending
        };
        let sent = poll_fn(|cx| {
            let sent = outgoing.poll_send(&mut wire.io.borrow_mut(), cx);
            if sent.is_ready() {
                return sent;
            }
            if poll_within(&mut outgoing, cx).is_ready() || wire.poll_left(cx).is_ready() {
                return Poll::Ready(Err(Broken::Connection));
            }
            Poll::Pending
        })
        .await;
        match sent {
            Ok(()) => Ok(outgoing.room()),
            Err(Broken::Connection) => Err(Next::Gone),
            Err(Broken::Body) => {
                let flushed = poll_fn(|cx| {
                    let flushed = outgoing.poll_flush(&mut wire.io.borrow_mut(), cx);
                    if flushed.is_pending() && poll_within(&mut outgoing, cx).is_ready() {
                        return Poll::Ready(Err(std::io::ErrorKind::TimedOut.into()));
                    }
                    flushed
                })
                .await;
                // Where the end of the connection is the end of the body, an orderly one would be false.
                if outgoing.coding() == Coding::UntilClose {
                    wire.io.borrow().reset_on_close();
                    return Err(Next::Gone);
                }
                Err(match flushed {
                    Ok(()) => Next::Close,
                    Err(_) => Next::Gone,
                })
            }
        }
    }

    /// Waits for the end of the request's body; false if it does not come.
    async fn has_ended(&self) -> bool {
        let wire = &self.wire;
        if !wire.is_within_body() {
            return true;
        }
        let deadline = Instant::now() + self.limits.header_timeout;
        poll_fn(|cx| {
            let is_taken = wire.is_taken.get();
            if !is_taken || !wire.is_within_body() || self.is_closing() {
                return Poll::Ready(());
            }
            wire.waker.set(Some(cx.waker().clone()));
            self.alarm.poll(cx, deadline)
        })
        .await;
        !wire.is_within_body()
    }

    /// Closes. To close before the client has got the last answer resets the connection, and a reset may
    /// overtake that answer (RFC 9112, section 9.6): so what the client continues to send is passed over.
    async fn close(self, lingers: bool) {
        let closing = async {
            let shut =
                poll_fn(|cx| Pin::new(&mut *self.wire.io.borrow_mut()).poll_shutdown(cx)).await;
            if !lingers || shut.is_err() {
                return;
            }
            while !self.wire.is_ended.get() {
                match poll_fn(|cx| self.wire.poll_read(cx)).await {
                    Ok(_) => self.wire.forget(),
                    Err(_) => return,
                }
            }
        };
        let _ = tokio::time::timeout(LINGER, closing).await;
    }
}

/// The beginning of what was read, as far as it is one line.
fn first_line(reading: &Reading) -> Vec<u8> {
    let line = reading.input.split(|byte| matches!(byte, b'\r' | b'\n'));
    let line = line.into_iter().find(|line| !line.is_empty());
    line.unwrap_or_default()
        .iter()
        .take(LINE_BYTES)
        .copied()
        .collect()
}
