//! One connection to an upstream, of either protocol, with or without TLS.

use super::guarded::{Guarded, HeadLeft};
use crate::config::{SideConfig, UpstreamAddress};
use http_body::Body;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::error::Error;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::{self, pki_types::ServerName};

/// Bytes of a connection's buffer, which also bound the head of an answer.
const BUFFER_BYTES: usize = 64 * 1024;
/// Header lines of an answer.
const HEADERS: usize = 256;
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
    /// Lets the task go on by itself: its connection belongs to somebody else now.
    pub(crate) fn detach(&mut self) {
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

/// A connection that requests can be sent on.
pub(crate) enum Connection<B> {
    /// HTTP/1.1: one exchange at a time.
    One(http1::SendRequest<B>, Task, HeadLeft),
    /// HTTP/2: many.
    Two(http2::SendRequest<B>, std::rc::Rc<Task>),
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
        let task = Task(Some(spawn(connection)));
        return Ok(Connection::Two(sender, std::rc::Rc::new(task)));
    }
    let (io, left) = Guarded::new(io);
    let (sender, connection) = http1::Builder::new()
        .max_buf_size(BUFFER_BYTES)
        .max_headers(HEADERS)
        .handshake(TokioIo::new(io))
        .await
        .map_err(io::Error::other)?;
    let task = Task(Some(spawn(connection.with_upgrades())));
    Ok(Connection::One(sender, task, left))
}

/// Why a connection ended is told to whoever waits for an answer on it.
fn spawn(connection: impl Future + 'static) -> AbortHandle {
    tokio::task::spawn_local(async move {
        connection.await;
    })
    .abort_handle()
}
