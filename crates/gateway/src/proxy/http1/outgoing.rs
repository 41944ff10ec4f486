//! A request on its way to an HTTP/1.1 server.

use super::encode::{self, Coding};
use crate::proxy::head::Head;
use crate::proxy::transport::Transport;
use bytes::{Buf, Bytes};
use http::header::{self, HeaderName, HeaderValue};
use http_body::{Body, Frame};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::AsyncWrite;

/// Why a request does not reach its server whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// The connection takes no more. An answer may be there all the same.
    Connection,
    /// The body broke off or is not as long as was announced.
    Body,
}

/// The request: what has not left yet of its head and of one piece of its body, and the rest of it.
pub(super) struct Outgoing<B> {
    body: B,
    coding: Coding,
    trailers: Vec<HeaderName>,
    /// The head, or what stands before a piece, and how much of that has left.
    front: Vec<u8>,
    sent: usize,
    piece: Bytes,
    /// What stands behind a piece.
    back: &'static [u8],
    /// Has all of the body been taken?
    ended: bool,
    /// Has anything left, or been taken of the body?
    begun: bool,
}

impl<B> Outgoing<B>
where
    B: Body<Data = Bytes> + Unpin,
{
    /// `room` is memory that may be used for the head.
    pub(super) fn new(head: &Head, authority: &HeaderValue, body: B, mut room: Vec<u8>) -> Self {
        room.clear();
        let hint = (!body.is_end_stream()).then(|| body.size_hint());
        let ended = hint.is_none();
        let coding = encode::head(&mut room, head, authority, hint);
        let trailers = match coding {
            Coding::Chunked => encode::announced(&head.headers),
            Coding::Length(_) => Vec::new(),
        };
        Outgoing {
            body,
            coding,
            trailers,
            front: room,
            sent: 0,
            piece: Bytes::new(),
            back: b"",
            ended,
            begun: false,
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
        // Whoever knows the length knows the end without asking for it.
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
                encode::chunk(&mut self.front, data.len());
            }
        }
        self.piece = data;
        Ok(())
    }

    fn end(&mut self, trailers: Option<&header::HeaderMap>) -> Result<(), Broken> {
        match self.coding {
            Coding::Length(0) => {}
            Coding::Length(_) => return Err(Broken::Body),
            Coding::Chunked => encode::last_chunk(&mut self.front, trailers, &self.trailers),
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

    /// The memory that was lent.
    pub(super) fn room(self) -> Vec<u8> {
        self.front
    }

    /// The body, if nothing of the request ever left.
    pub(super) fn unsent(self) -> Option<B> {
        (!self.begun).then_some(self.body)
    }
}
