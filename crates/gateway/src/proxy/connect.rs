//! One connection to an upstream, of either protocol, with or without TLS.

use super::alarm::Alarm;
use super::guarded::{Guarded, HeadLeft};
use super::relay::Relay;
use crate::config::{SideConfig, UpstreamAddress};
use http::{Request, Response};
use http_body::{Body, Frame};
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::error::Error;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::{self, pki_types::ServerName};

/// Bytes of a connection's buffer, which also bound the head of an answer.
const BUFFER_BYTES: usize = 64 * 1024;
/// Received ahead of what is consumed, of one stream and of one connection.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 4 << 20;

/// Runs the futures of a connection on the thread that made it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Local;

impl<F: Future + 'static> hyper::rt::Executor<F> for Local {
    fn execute(&self, future: F) {
        tokio::task::spawn_local(async move {
            future.await;
        });
    }
}

/// The end of a connection's task comes with the end of its last user.
pub(crate) struct Task(Option<AbortHandle>);

impl Task {
    /// Why a connection ended is told to whoever waits for an answer on it.
    fn spawn(connection: impl Future + 'static) -> Task {
        let task = tokio::task::spawn_local(async move {
            connection.await;
        });
        Task(Some(task.abort_handle()))
    }

    /// Lets the task go on: its connection belongs to somebody else now.
    fn detach(&mut self) {
        self.0 = None;
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if let Some(task) = self.0.take() {
            task.abort();
        }
    }
}

/// What reads and writes an HTTP/1.1 connection.
enum Driver {
    /// Whoever waits for the exchange: a task less to switch to and back, for each request.
    Caller(Pin<Box<dyn Future<Output = ()>>>),
    /// A task of its own: a body goes up, or both ends go on, whether or not somebody waits.
    Task(Task),
    /// Nobody any more: it has ended, or belongs to an upgrade.
    Nobody,
}

/// An HTTP/1.1 connection: one exchange at a time.
pub(crate) struct One<B> {
    sender: http1::SendRequest<B>,
    driver: Driver,
    relay: Relay,
    head: HeadLeft,
    alarm: Alarm,
}

impl Driver {
    /// Reads and writes what can be read and written now.
    fn carry_on(&mut self, cx: &mut Context<'_>) {
        if let Driver::Caller(connection) = self
            && connection.as_mut().poll(cx).is_ready()
        {
            *self = Driver::Nobody;
        }
    }
}

impl<B> One<B> {
    /// From now on it goes on by itself.
    fn run_by_itself(&mut self) {
        self.driver = match std::mem::replace(&mut self.driver, Driver::Nobody) {
            Driver::Caller(connection) => Driver::Task(Task::spawn(connection)),
            other => other,
        };
    }
}

/// A connection that requests can be sent on.
pub(crate) enum Connection<B> {
    One(One<B>),
    /// HTTP/2: many exchanges.
    Two(http2::SendRequest<B>, std::rc::Rc<Task>),
}

impl<B> Connection<B>
where
    B: Body + Unpin + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    /// Sends a request and waits for the head of the answer.
    pub(crate) async fn send(
        &mut self,
        request: Request<B>,
    ) -> Result<Response<Incoming>, TrySendError<Request<B>>> {
        let one = match self {
            Connection::Two(sender, _) => return sender.try_send_request(request).await,
            Connection::One(one) => one,
        };
        if !request.body().is_end_stream() {
            one.run_by_itself();
        }
        one.head.expect();
        let mut answer = pin!(one.sender.try_send_request(request));
        let (relay, driver) = (&one.relay, &mut one.driver);
        let mut turn = |cx: &mut Context<'_>| {
            driver.carry_on(cx);
            answer.as_mut().poll(cx)
        };
        let answer = poll_fn(|cx| relay.poll(cx, &mut turn)).await;
        one.head.arrived();
        answer
    }
}

impl<B> Connection<B> {
    /// The next piece of an answer's body.
    pub(crate) fn poll_frame(
        &mut self,
        body: &mut Incoming,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<bytes::Bytes>, hyper::Error>>> {
        let Connection::One(One { driver, relay, .. }) = self else {
            return Pin::new(body).poll_frame(cx);
        };
        // A small body came in the same breath as the head.
        if let frame @ Poll::Ready(_) = Pin::new(&mut *body).poll_frame(cx) {
            return frame;
        }
        relay.poll(cx, |cx| {
            driver.carry_on(cx);
            Pin::new(&mut *body).poll_frame(cx)
        })
    }

    /// What rings if the answer does not come: with HTTP/2, one for each exchange.
    pub(crate) fn alarm(&self) -> Alarm {
        match self {
            Connection::One(one) => one.alarm.clone(),
            Connection::Two(..) => Alarm::default(),
        }
    }

    /// What is known of it; nobody has to look for that.
    pub(crate) fn state(&self) -> State {
        let (is_closed, is_ready) = match self {
            Connection::One(one) => (one.sender.is_closed(), one.sender.is_ready()),
            Connection::Two(sender, _) => (sender.is_closed(), true),
        };
        match (is_closed, is_ready) {
            (true, _) => State::Closed,
            (false, true) => State::Free,
            (false, false) => State::Busy,
        }
    }

    /// Finds out whether the server has closed it, though nobody waits for anything on it.
    pub(crate) fn look(&mut self) -> State {
        if let Connection::One(one) = self {
            let nobody = &mut Context::from_waker(Waker::noop());
            one.driver.carry_on(nobody);
        }
        self.state()
    }

    /// What is left of the exchange goes on though nobody waits for it.
    pub(crate) fn run_by_itself(&mut self) {
        if let Connection::One(one) = self {
            one.run_by_itself();
        }
    }

    /// It belongs to an upgrade now.
    pub(crate) fn detach(mut self) {
        self.run_by_itself();
        if let Connection::One(One {
            driver: Driver::Task(task),
            ..
        }) = &mut self
        {
            task.detach();
        }
    }
}

/// What a connection can be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// For the next request.
    Free,
    /// For nothing yet: something of the last exchange is still under way.
    Busy,
    /// For nothing any more.
    Closed,
}

/// How connections of a side are made.
#[derive(Clone)]
pub(crate) struct Dial {
    tls: [TlsConnector; 2],
    timeout: Duration,
}

impl Dial {
    /// # Errors
    /// The system's certificates cannot be read and none were given, where they are needed.
    pub(crate) fn new(side: &SideConfig) -> Result<Dial, String> {
        let config = |http2: bool| {
            let mut config = client_tls(side)?;
            config.alpn_protocols = vec![if http2 {
                b"h2".to_vec()
            } else {
                b"http/1.1".to_vec()
            }];
            Ok::<_, String>(TlsConnector::from(Arc::new(config)))
        };
        Ok(Dial {
            tls: [config(false)?, config(true)?],
            timeout: side.connect_timeout,
        })
    }

    /// Connects.
    pub(crate) async fn connect<B>(&self, to: &UpstreamAddress) -> io::Result<Connection<B>>
    where
        B: Body + Unpin + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let connecting = async {
            let tcp = TcpStream::connect((to.host.as_str(), to.port)).await?;
            tcp.set_nodelay(true)?;
            if !to.tls {
                return handshake(tcp, to.http2).await;
            }
            let name = ServerName::try_from(to.host.clone()).map_err(io::Error::other)?;
            let tls = self.tls[usize::from(to.http2)].connect(name, tcp).await?;
            handshake(tls, to.http2).await
        };
        match tokio::time::timeout(self.timeout, connecting).await {
            Ok(connection) => connection,
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

fn client_tls(side: &SideConfig) -> Result<rustls::ClientConfig, String> {
    let mut roots = rustls::RootCertStore::empty();
    if side.upstreams.iter().any(|upstream| upstream.tls) {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        for certificate in side.authorities.iter().flatten() {
            roots
                .add(certificate.clone())
                .map_err(|error| error.to_string())?;
        }
        if roots.is_empty() {
            return Err(
                "no certificate of an authority to trust was found; name one with ca".into(),
            );
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

async fn handshake<T, B>(io: T, http2: bool) -> io::Result<Connection<B>>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    B: Body + Unpin + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    if http2 {
        let io = TokioIo::new(io);
        let (sender, connection) = http2::Builder::new(Local)
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(BUFFER_BYTES as u32)
            .max_send_buf_size(BUFFER_BYTES)
            .handshake(io)
            .await
            .map_err(io::Error::other)?;
        let task = Task::spawn(connection);
        return Ok(Connection::Two(sender, std::rc::Rc::new(task)));
    }
    let (io, head) = Guarded::new(io);
    let (sender, connection) = http1::Builder::new()
        .max_buf_size(BUFFER_BYTES)
        // No more than 100 lines: the parser has room for these on its stack.
        .handshake(TokioIo::new(io))
        .await
        .map_err(io::Error::other)?;
    let connection = connection.with_upgrades();
    Ok(Connection::One(One {
        sender,
        // Why it ended is told to whoever waits for an answer on it.
        driver: Driver::Caller(Box::pin(async move {
            let _ = connection.await;
        })),
        relay: Relay::new(),
        head,
        alarm: Alarm::default(),
    }))
}
