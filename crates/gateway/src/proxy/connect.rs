//! One connection to an upstream, of either protocol, with or without TLS.

use super::alarm::Alarm;
use super::answer::{Interim, Piece, Received, Unanswered};
use super::head::Head;
use super::http1::Http1;
use super::pacing::{Pacing, Patience};
use super::transport::Transport;
use super::tunnel::Stream;
use crate::config::{SideConfig, UpstreamAddress};
use crate::tls;
use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body::Body;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::error::Error;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::AbortHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::{self, pki_types::ServerName};

/// Bytes of an HTTP/2 connection's buffer, which also bound the head of an answer.
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

/// A task that ends with its last user.
pub(crate) struct Task(AbortHandle);

impl Task {
    /// What waits for an answer learns what comes of it.
    pub(super) fn spawn(work: impl Future + 'static) -> Task {
        let task = tokio::task::spawn_local(async move {
            work.await;
        });
        Task(task.abort_handle())
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A connection that requests can be sent on.
pub(crate) enum Connection<B> {
    /// HTTP/1.1: one exchange at a time.
    One(Box<Http1>),
    /// HTTP/2: many exchanges.
    Two(http2::SendRequest<B>, std::rc::Rc<Task>),
}

impl<B> Connection<B>
where
    B: Body<Data = Bytes> + Unpin + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    /// Sends a request to this server and waits for the head of the answer.
    pub(crate) async fn send(
        &mut self,
        head: &Head,
        (to, authority): (&UpstreamAddress, &HeaderValue),
        body: B,
        interim: Interim<'_>,
    ) -> Result<Response<Received>, Unanswered<B>> {
        match self {
            Connection::One(one) => one.send(head, authority, body, interim).await,
            Connection::Two(sender, _) => {
                let request = head.http2_request(to.tls, authority, body);
                match sender.try_send_request(request).await {
                    Ok(response) => Ok(response.map(Received::Two)),
                    Err(mut error) => Err(Unanswered {
                        why: error.error().into(),
                        unsent: error.take_message().map(Request::into_body),
                    }),
                }
            }
        }
    }
}

impl<B> Connection<B> {
    /// The next piece of an answer's body.
    pub(crate) fn poll_frame(&mut self, body: &mut Received, cx: &mut Context<'_>) -> Poll<Piece> {
        match (self, body) {
            (Connection::One(one), Received::One { left, .. }) => one.poll_frame(left, cx),
            (_, body) => body.poll_alone(cx),
        }
    }

    /// What rings if the answer does not come: with HTTP/2, one for each exchange.
    pub(crate) fn alarm(&self) -> Alarm {
        match self {
            Connection::One(one) => one.alarm.clone(),
            Connection::Two(..) => Alarm::default(),
        }
    }

    /// What it can be used for, as far as is known.
    pub(crate) fn state(&self) -> State {
        match self {
            Connection::One(one) => one.state(),
            Connection::Two(sender, _) if sender.is_closed() => State::Closed,
            Connection::Two(..) => State::Free,
        }
    }

    /// How long the server keeps it without a request, where it says so.
    pub(crate) fn kept(&self) -> Option<Duration> {
        match self {
            Connection::One(one) => one.kept(),
            Connection::Two(..) => None,
        }
    }

    /// Finds out if the server has closed it, while nothing is under way on it.
    pub(crate) fn look(&mut self) -> State {
        match self {
            Connection::One(one) => one.look(),
            Connection::Two(..) => self.state(),
        }
    }

    /// Its bytes once it is no longer HTTP; HTTP/2 does not change protocols.
    pub(crate) fn into_stream(self) -> Option<Stream> {
        match self {
            Connection::One(one) => one.into_stream(),
            Connection::Two(..) => None,
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
        B: Body<Data = Bytes> + Unpin + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let connecting = async { self.upgrade(open(to).await?, to).await };
        match tokio::time::timeout(self.timeout, connecting).await {
            Ok(connection) => connection,
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    /// Connects when it is one's turn. `None`: try again while there is time.
    pub(super) async fn connect_paced<B>(
        &self,
        to: &UpstreamAddress,
        pacing: &Pacing,
        (patience, until): (&mut Patience, Instant),
    ) -> Option<io::Result<Connection<B>>>
    where
        B: Body<Data = Bytes> + Unpin + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let opened = match pacing.attempt(open(to), patience, until).await? {
            Ok(opened) => opened,
            Err(error) => return Some(Err(error)),
        };
        let upgraded = tokio::time::timeout_at(until.into(), self.upgrade(opened, to)).await;
        Some(upgraded.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())))
    }

    /// How long connecting may take.
    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// TLS where it is wanted, and the protocol.
    async fn upgrade<B>(&self, opened: Opened, to: &UpstreamAddress) -> io::Result<Connection<B>>
    where
        B: Body<Data = Bytes> + Unpin + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let tcp = match opened {
            Opened::Unix(unix) => return handshake(Transport::Unix(unix), to.http2).await,
            Opened::Tcp(tcp) => tcp,
        };
        tcp.set_nodelay(true)?;
        if !to.tls {
            return handshake(Transport::Plain(tcp), to.http2).await;
        }
        let name = ServerName::try_from(to.host.clone()).map_err(io::Error::other)?;
        let tls = self.tls[usize::from(to.http2)].connect(name, tcp).await?;
        handshake(Transport::Tls(Box::new(tls.into())), to.http2).await
    }
}

/// A connection before a byte was sent on it.
enum Opened {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// Between two attempts to connect to a Unix socket whose backlog is full.
const FULL: Duration = Duration::from_millis(2);

/// Opens a connection, without a limit of time.
async fn open(to: &UpstreamAddress) -> io::Result<Opened> {
    let Some(socket) = &to.socket else {
        let tcp = TcpStream::connect((to.host.as_str(), to.port)).await?;
        return Ok(Opened::Tcp(tcp));
    };
    loop {
        match UnixStream::connect(socket).await {
            // No event reports that there is room (findings/tokio-unix-connect-fails-when-backlog-is-full.sh).
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                tokio::time::sleep(FULL).await;
            }
            connected => return connected.map(Opened::Unix),
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
                "no certificate of an authority to trust was found\nhint: name one with `ca`"
                    .into(),
            );
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots);
    Ok(match &side.certificate {
        Some(certificate) => builder.with_client_cert_resolver(tls::shown(certificate)),
        None => builder.with_no_client_auth(),
    })
}

async fn handshake<B>(io: Transport, http2: bool) -> io::Result<Connection<B>>
where
    B: Body<Data = Bytes> + Unpin + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    if !http2 {
        return Ok(Connection::One(Box::new(Http1::new(io))));
    }
    let (sender, connection) = http2::Builder::new(Local)
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(BUFFER_BYTES as u32)
        .max_send_buf_size(BUFFER_BYTES)
        .handshake(TokioIo::new(io))
        .await
        .map_err(io::Error::other)?;
    let task = Task::spawn(connection);
    Ok(Connection::Two(sender, std::rc::Rc::new(task)))
}
