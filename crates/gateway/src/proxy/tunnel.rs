//! Connections that are HTTP no longer.

use super::transport::Transport;
use super::websocket::{Frames, close_frame};
use bytes::BytesMut;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf, ReadHalf, WriteHalf};
use tokio::sync::watch;

/// Bytes that are carried at once.
const PIECE: usize = 16 * 1024;

/// Carries what comes from each end to the other until both have closed, or one breaks off. When the
/// listener is closed, both ends of a WebSocket are asked to close; what becomes of other protocols is for
/// their ends to know.
pub(super) async fn run(
    mut client: Stream,
    mut server: Stream,
    is_websocket: bool,
    closed: watch::Receiver<()>,
) {
    // Either end closes it; how is theirs to know.
    if is_websocket {
        let (from_client, to_client) = tokio::io::split(client);
        let (from_server, to_server) = tokio::io::split(server);
        let up = relay(from_client, to_server, true, closed.clone());
        let down = relay(from_server, to_client, false, closed);
        let _ = tokio::try_join!(up, down);
    } else {
        let _ = tokio::io::copy_bidirectional(&mut server, &mut client).await;
    }
}

/// One direction of a WebSocket. Once a close frame has left, nothing may follow it.
async fn relay(
    mut from: ReadHalf<Stream>,
    mut to: WriteHalf<Stream>,
    to_server: bool,
    mut closed: watch::Receiver<()>,
) -> io::Result<()> {
    let (mut frames, mut is_closing, mut has_closed) = (Frames::default(), false, false);
    let mut buffer = vec![0; PIECE];
    loop {
        if is_closing && !has_closed && frames.is_between() {
            has_closed = true;
            if !frames.has_closed() {
                to.write_all(&close_frame(to_server)).await?;
                to.flush().await?;
            }
        }
        let read = tokio::select! {
            biased;
            _ = closed.changed(), if !is_closing => {
                is_closing = true;
                continue;
            }
            read = from.read(&mut buffer) => read?,
        };
        let mut rest = &buffer[..read];
        if rest.is_empty() {
            return to.shutdown().await;
        }
        if has_closed {
            continue;
        }
        let mut passed = 0;
        while passed < rest.len() {
            passed += frames.advance(&rest[passed..]);
            if is_closing && frames.is_between() {
                break;
            }
        }
        rest = &rest[..passed];
        to.write_all(rest).await?;
        to.flush().await?;
    }
}

/// A connection that has changed to another protocol.
pub(crate) struct Stream {
    /// What came together with the last words of HTTP.
    read: BytesMut,
    io: Transport,
}

impl Stream {
    pub(super) fn new(read: BytesMut, io: Transport) -> Stream {
        Stream { read, io }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.read.is_empty() {
            return Pin::new(&mut self.io).poll_read(cx, buffer);
        }
        let bytes = self.read.len().min(buffer.remaining());
        buffer.put_slice(&self.read.split_to(bytes));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
