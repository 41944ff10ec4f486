//! A client's connection as the HTTP server reads it.

use super::framing::Framing;
use super::transport::Transport;
use std::io;
use std::pin::Pin;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What the reader of a connection and the handler of its requests tell each other.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    refused: OnceLock<&'static str>,
    body_ended: AtomicBool,
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
    notes: std::sync::Arc<Notes>,
}

impl ClientIo {
    pub(crate) fn new(transport: Transport, http2: bool, notes: std::sync::Arc<Notes>) -> Self {
        ClientIo {
            transport,
            framing: (!http2).then(Framing::default),
            begun: None,
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
        Pin::new(&mut self.transport).poll_shutdown(cx)
    }
}
