//! A server's connection with a bound on what comes before an answer.
//!
//! The HTTP client passes over interim answers (1xx) however many there are, and reads on. So what
//! comes between a request and the head of its final answer is counted here, where it is read.

use super::gather;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes of the head of an answer, with all interim answers before it and what its body brings in
/// the same breath. Several times what one read takes.
const HEAD_BYTES: usize = 256 * 1024;
/// Nothing is counted.
const ANY: usize = usize::MAX;

/// How much may still come before the head of the answer is there.
#[derive(Clone, Debug)]
pub(crate) struct HeadLeft(Arc<AtomicUsize>);

impl HeadLeft {
    /// A request is about to be sent.
    pub(crate) fn expect(&self) {
        self.0.store(HEAD_BYTES, Ordering::Relaxed);
    }

    /// The head is there.
    pub(crate) fn arrived(&self) {
        self.0.store(ANY, Ordering::Relaxed);
    }

    fn count(&self, read: usize) -> io::Result<()> {
        match self.0.load(Ordering::Relaxed) {
            ANY => Ok(()),
            left if left < read => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the head of the answer does not end",
            )),
            left => {
                self.0.store(left - read, Ordering::Relaxed);
                Ok(())
            }
        }
    }
}

/// The connection.
pub(crate) struct Guarded<T> {
    io: T,
    left: HeadLeft,
}

impl<T> Guarded<T> {
    pub(crate) fn new(io: T) -> (Self, HeadLeft) {
        let left = HeadLeft(Arc::new(AtomicUsize::new(ANY)));
        (
            Guarded {
                io,
                left: left.clone(),
            },
            left,
        )
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Guarded<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        std::task::ready!(Pin::new(&mut self.io).poll_read(cx, buffer))?;
        Poll::Ready(self.left.count(buffer.filled().len() - before))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Guarded<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        gather::poll_write(&mut self.io, cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
