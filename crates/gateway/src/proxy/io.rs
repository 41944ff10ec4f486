//! A client's connection as the HTTP server reads it.

use super::framing::Framing;
use super::transport::Transport;
use std::io;
use std::pin::Pin;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// How long a client is listened to after its last answer.
const LINGER: Duration = Duration::from_secs(2);

/// What the reader of a connection and the handler of its requests tell each other.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    refused: OnceLock<&'static str>,
    body_ended: AtomicBool,
    lingers: AtomicBool,
    last: OnceLock<LastHead>,
}

/// What is known of the last head that a connection brought.
#[derive(Debug, Clone)]
pub(crate) struct LastHead {
    /// The beginning of its first line, as it came.
    pub(crate) line: Vec<u8>,
    /// When it began, if it never came to its end.
    pub(crate) broken_off: Option<Instant>,
}

impl Notes {
    /// Why nothing that this connection brings may be carried on.
    pub(crate) fn refused(&self) -> Option<&'static str> {
        self.refused.get().copied()
    }

    /// Known when the connection is gone; HTTP/2 is not looked at.
    pub(crate) fn last_head(&self) -> Option<&LastHead> {
        self.last.get()
    }

    /// The answer under way is the last one, though the client may not have sent all that it wants to.
    pub(crate) fn lingers(&self) {
        self.lingers.store(true, Ordering::Relaxed);
    }

    /// The body of the request under way has come to its end.
    pub(crate) fn body_ended(&self) {
        self.body_ended.store(true, Ordering::Relaxed);
    }
}

/// A client's connection.
pub(crate) struct ClientIo {
    transport: Transport,
    /// HTTP/2 has lengths that cannot contradict one another.
    framing: Option<Framing>,
    /// When a head began that has not come to its end.
    begun: Option<Instant>,
    /// Until when it is listened to for its end alone.
    lingering: Option<Pin<Box<Sleep>>>,
    notes: std::sync::Arc<Notes>,
}

impl ClientIo {
    pub(crate) fn new(transport: Transport, http2: bool, notes: std::sync::Arc<Notes>) -> Self {
        ClientIo {
            transport,
            framing: (!http2).then(Framing::default),
            begun: None,
            lingering: None,
            notes,
        }
    }

    fn look(&mut self, read: &[u8]) {
        let Some(framing) = &mut self.framing else {
            return;
        };
        if self.notes.body_ended.swap(false, Ordering::Relaxed) {
            framing.body_ended();
        }
        framing.read(read);
        if let Some(why) = framing.refused() {
            let _ = self.notes.refused.set(why);
        }
        // Most heads come at once, and nobody asks when.
        match framing.is_within_head() {
            true => drop(self.begun.get_or_insert_with(Instant::now)),
            false => self.begun = None,
        }
    }
}

impl ClientIo {
    /// Passes over what a client goes on sending, until it has closed as well. To close before that resets
    /// the connection, and a reset may overtake the answer (RFC 9112, section 9.6).
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let over = self
            .lingering
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(LINGER)));
        if over.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let mut passed_over = [0; 4096];
        loop {
            let mut buffer = ReadBuf::new(&mut passed_over);
            let read = ready!(Pin::new(&mut self.transport).poll_read(cx, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                return Poll::Ready(());
            }
        }
    }
}

impl Drop for ClientIo {
    fn drop(&mut self) {
        if let Some(framing) = &self.framing {
            let _ = self.notes.last.set(LastHead {
                line: framing.request_line().to_vec(),
                broken_off: self.begun,
            });
        }
    }
}

impl AsyncRead for ClientIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.transport).poll_read(cx, buffer);
        if matches!(read, Poll::Ready(Ok(()))) {
            self.look(&buffer.filled()[before..]);
        }
        read
    }
}

impl AsyncWrite for ClientIo {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.transport).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.transport).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        // What is encrypted is copied anyway.
        matches!(self.transport, Transport::Plain(_))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.transport).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingering.is_none() {
            ready!(Pin::new(&mut self.transport).poll_shutdown(cx))?;
        }
        if self.framing.is_some() && self.notes.lingers.load(Ordering::Relaxed) {
            ready!(self.poll_linger(cx));
        }
        Poll::Ready(Ok(()))
    }
}
