//! A message on its way over HTTP/1.1: a request to a server, or an answer to a client.

use super::fields::is_of_head;
use super::transport::Transport;
use bytes::{Buf, Bytes};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http_body::{Body, Frame};
use std::io::{self, IoSlice, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::AsyncWrite;

/// How a message says where its body ends (RFC 9112, section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    /// So many bytes are left; announced by `Content-Length`, or none at all.
    Length(u64),
    /// Each piece says its own length.
    Chunked,
    /// It ends with the connection: what HTTP/1.0 has instead of chunks.
    UntilClose,
}

/// Why writing to memory cannot fail.
pub(super) const WRITTEN: &str = "a vector grows";

/// Why a message does not reach its receiver whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// The connection takes no more.
    Connection,
    /// The body broke off or is not as long as was announced.
    Body,
}

/// The message: what has not left yet of its head and of one piece of its body, and the rest of it.
pub(super) struct Outgoing<B> {
    body: B,
    coding: Coding,
    /// The head, or what precedes a piece, and how much of that has left.
    front: Vec<u8>,
    sent: usize,
    piece: Bytes,
    /// What follows a piece.
    back: &'static [u8],
    /// Has all of the body been taken?
    ended: bool,
    /// Has anything left, or been taken of the body?
    begun: bool,
    /// Bytes that have left.
    bytes: u64,
}

impl<B> Outgoing<B>
where
    B: Body<Data = Bytes> + Unpin,
{
    /// A message whose head is in `front`.
    pub(super) fn new(front: Vec<u8>, coding: Coding, body: B, bodiless: bool) -> Self {
        Outgoing {
            body,
            coding,
            front,
            sent: 0,
            piece: Bytes::new(),
            back: b"",
            ended: bodiless,
            begun: false,
            bytes: 0,
        }
    }

    /// Sends until all has left.
    pub(super) fn poll_send(
        &mut self,
        io: &mut Transport,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Broken>> {
        loop {
            // The first piece leaves with the head, if it is there already.
            let waits = self.piece.is_empty() && !self.ended && self.poll_piece(cx)?.is_pending();
            ready!(self.poll_write(io, cx)).map_err(|_| Broken::Connection)?;
            if waits || self.ended {
                ready!(Pin::new(&mut *io).poll_flush(cx)).map_err(|_| Broken::Connection)?;
                return if waits {
                    Poll::Pending
                } else {
                    Poll::Ready(Ok(()))
                };
            }
        }
    }

    /// Takes the next piece of the body, or its end.
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Result<Poll<()>, Broken> {
        let frame = match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Pending => return Ok(Poll::Pending),
            Poll::Ready(frame) => frame.transpose().map_err(|_| Broken::Body)?,
        };
        self.begun = true;
        match frame.map(Frame::into_data) {
            Some(Ok(data)) => self.data(data)?,
            Some(Err(frame)) => self.end(frame.trailers_ref())?,
            None => self.end(None)?,
        }
        // A known length says where the end is.
        if matches!(self.coding, Coding::Length(0)) {
            self.ended = true;
        }
        Ok(Poll::Ready(()))
    }

    fn data(&mut self, data: Bytes) -> Result<(), Broken> {
        match &mut self.coding {
            Coding::Length(left) => {
                *left = left.checked_sub(data.len() as u64).ok_or(Broken::Body)?;
            }
            // A chunk of no bytes would be the last one.
            Coding::Chunked if data.is_empty() => return Ok(()),
            Coding::Chunked => {
                self.back = b"\r\n";
                write!(self.front, "{:x}\r\n", data.len()).expect(WRITTEN);
            }
            Coding::UntilClose => {}
        }
        self.piece = data;
        Ok(())
    }

    fn end(&mut self, trailers: Option<&HeaderMap>) -> Result<(), Broken> {
        match self.coding {
            Coding::Length(0) | Coding::UntilClose => {}
            Coding::Length(_) => return Err(Broken::Body),
            Coding::Chunked => last_chunk(&mut self.front, trailers),
        }
        self.ended = true;
        Ok(())
    }

    fn poll_write(&mut self, io: &mut Transport, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let front = &self.front[self.sent..];
            let written = match (front, &self.piece[..], self.back) {
                ([], [], []) => break,
                (front, [], []) => Pin::new(&mut *io).poll_write(cx, front),
                (front, piece, back) => {
                    let all = [front, piece, back].map(IoSlice::new);
                    Pin::new(&mut *io).poll_write_vectored(cx, &all)
                }
            };
            let written = ready!(written)?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.begun = true;
            self.bytes += written as u64;
            self.written(written);
        }
        self.front.clear();
        self.sent = 0;
        Poll::Ready(Ok(()))
    }

    fn written(&mut self, bytes: usize) {
        let of_front = bytes.min(self.front.len() - self.sent);
        self.sent += of_front;
        let of_piece = (bytes - of_front).min(self.piece.len());
        self.piece.advance(of_piece);
        self.back = &self.back[bytes - of_front - of_piece..];
    }

    /// Sends what was taken of a body that has broken off.
    pub(super) fn poll_flush(
        &mut self,
        io: &mut Transport,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_write(io, cx))?;
        Pin::new(io).poll_flush(cx)
    }

    /// Bytes that have left; `None` if nothing waits for the receiver to take it.
    pub(super) fn stuck_at(&self) -> Option<u64> {
        let waits = self.sent < self.front.len() || !self.piece.is_empty() || !self.back.is_empty();
        waits.then_some(self.bytes)
    }

    /// How the message says where its body ends.
    pub(super) fn coding(&self) -> Coding {
        self.coding
    }

    /// The memory of the head, to be used again.
    pub(super) fn room(self) -> Vec<u8> {
        self.front
    }

    /// The body, if nothing of the message ever left.
    pub(super) fn unsent(self) -> Option<B> {
        (!self.begun).then_some(self.body)
    }
}

/// The end of a body in chunks, with its trailers.
fn last_chunk(out: &mut Vec<u8>, trailers: Option<&HeaderMap>) {
    out.extend_from_slice(b"0\r\n");
    for (name, value) in trailers.into_iter().flatten() {
        if !is_of_head(name) {
            trailer(out, name, value);
        }
    }
    out.extend_from_slice(b"\r\n");
}

fn trailer(out: &mut Vec<u8>, name: &HeaderName, value: &HeaderValue) {
    for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
        out.extend_from_slice(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::headers::tests::map;

    #[test]
    fn trailers_pass_but_for_those_that_belong_in_the_head() {
        let mut out = Vec::new();
        let trailers = map(&[("x-sum", "1"), ("content-length", "9"), ("x-other", "2")]);
        last_chunk(&mut out, Some(&trailers));
        assert_eq!(out, b"0\r\nx-sum: 1\r\nx-other: 2\r\n\r\n");
    }
}
