//! What the task of a connection and the body of a request have in common.

use super::decode::{self, Decoded};
use crate::config::Limits as ClientLimits;
use crate::proxy::fields;
use crate::proxy::input::{Input, LITTLE, expected};
use crate::proxy::transport::Transport;
use crate::proxy::tunnel::Stream;
use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use std::cell::{Cell, RefCell};
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use tokio::io::AsyncWrite;
use understudy_wire::http1::{
    Limits, MAX_HEADERS, Piece, ROOM, Refused, RequestReader, lower_minor_version,
};

const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// A connection: its bytes in both directions.
pub(super) struct Wire {
    pub(super) io: RefCell<Transport>,
    pub(super) incoming: RefCell<Reading>,
    /// Interim answers that have not left yet.
    pub(super) interim: RefCell<Vec<u8>>,
    /// The client sends no more.
    pub(super) is_ended: Cell<bool>,
    /// The client waits for an interim answer before it sends the body.
    pub(super) waits: Cell<bool>,
    /// Does the client of the request under way know interim answers?
    pub(super) takes_interim: Cell<bool>,
    /// Is there something that takes the body of the request under way?
    pub(super) is_taken: Cell<bool>,
    /// The task of the connection, if it waits for the end of that body.
    pub(super) waker: Cell<Option<Waker>>,
}

/// What has come.
pub(super) struct Reading {
    pub(super) input: Input,
    pub(super) reader: RequestReader,
    trailers: HeaderMap,
}

impl Wire {
    pub(super) fn new(io: Transport, head_bytes: usize) -> Wire {
        let limits = Limits {
            head_bytes,
            body_bytes: u64::MAX,
            ..Limits::default()
        };
        Wire {
            io: RefCell::new(io),
            incoming: RefCell::new(Reading {
                input: Input::default(),
                reader: RequestReader::new(limits),
                trailers: HeaderMap::new(),
            }),
            interim: RefCell::default(),
            is_ended: Cell::new(false),
            waits: Cell::new(false),
            takes_interim: Cell::new(false),
            is_taken: Cell::new(false),
            waker: Cell::new(None),
        }
    }

    /// Reads what is there; 0 bytes if the client sends no more.
    pub(super) fn poll_read(&self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let reading = &mut *self.incoming.borrow_mut();
        let expected = reading
            .reader
            .body_reader()
            .filter(|body| !body.has_ended())
            .map_or(LITTLE, |body| expected(body.left()));
        let read = reading
            .input
            .poll_read(&mut self.io.borrow_mut(), expected, cx);
        if matches!(read, Poll::Ready(Ok(0))) {
            self.is_ended.set(true);
        }
        read
    }

    /// Is a body under way that is not complete?
    pub(super) fn is_within_body(&self) -> bool {
        self.incoming.borrow().reader.is_within_body()
    }

    /// While nothing is read for a request: has the client gone?
    pub(super) fn poll_left(&self, cx: &mut Context<'_>) -> Poll<io::Error> {
        while !self.is_within_body()
            && !self.is_ended.get()
            && self.incoming.borrow().input.len() < LITTLE
        {
            if let Err(error) = ready!(self.poll_read(cx)) {
                return Poll::Ready(error);
            }
        }
        Poll::Pending
    }

    /// Sends the interim answers that there are.
    pub(super) fn poll_interim(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut interim = self.interim.borrow_mut();
        if interim.is_empty() {
            return Poll::Ready(Ok(()));
        }
        let mut io = self.io.borrow_mut();
        while !interim.is_empty() {
            match ready!(Pin::new(&mut *io).poll_write(cx, &interim))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => drop(interim.drain(..written)),
            }
        }
        Pin::new(&mut *io).poll_flush(cx)
    }

    /// Passes over the body of a request that was answered without it, as far as it is there. Is it
    /// complete?
    pub(super) fn discard(&self) -> bool {
        let mut incoming = self.incoming.borrow_mut();
        while incoming.reader.is_within_body() {
            match incoming.piece() {
                Ok(Some(_)) => {}
                Ok(None) | Err(Cut) => return false,
            }
        }
        true
    }

    /// Nothing that has come is of use any more.
    pub(super) fn forget(&self) {
        let input = &mut self.incoming.borrow_mut().input;
        let all = input.len();
        input.advance(all);
    }

    /// What comes and goes when it is HTTP no longer.
    pub(super) fn into_stream(self) -> Stream {
        let incoming = self.incoming.into_inner();
        Stream::new(incoming.input.into_bytes(), self.io.into_inner())
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// The body of a request.
pub(crate) struct ClientBody {
    wire: Rc<Wire>,
    ended: bool,
}

/// It broke off or is malformed.
#[derive(Debug)]
pub(crate) struct Cut;

impl ClientBody {
    pub(super) fn new(wire: &Rc<Wire>) -> ClientBody {
        wire.is_taken.set(true);
        ClientBody {
            wire: wire.clone(),
            ended: false,
        }
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Frame<Bytes>>, Cut>> {
        if self.ended {
            return Poll::Ready(Ok(None));
        }
        if self.wire.waits.take() {
            self.wire.interim.borrow_mut().extend_from_slice(CONTINUE);
        }
        if let Poll::Ready(Err(_)) = self.wire.poll_interim(cx) {
            return Poll::Ready(Err(Cut));
        }
        loop {
            let piece = self.wire.incoming.borrow_mut().piece()?;
            if let Some(piece) = piece {
                self.ended = piece.is_last;
                if self.ended {
                    self.wire.wake();
                }
                return Poll::Ready(Ok(piece.frame));
            }
            match ready!(self.wire.poll_read(cx)) {
                Ok(bytes) if bytes > 0 => {}
                _ => return Poll::Ready(Err(Cut)),
            }
        }
    }
}

/// A piece of a body: nothing at its end.
struct Next {
    frame: Option<Frame<Bytes>>,
    is_last: bool,
}

impl Reading {
    /// The head of the next request, if it is there.
    pub(super) fn head(&mut self, limits: &ClientLimits) -> Result<Option<Decoded>, Refused> {
        // Empty lines before a request are ignored (RFC 9112, section 2.2).
        while self.input.starts_with(b"\r\n") {
            self.input.advance(2);
        }
        if !self
            .input
            .head_end
            .may_be_in(&self.input, limits.header_bytes)
        {
            return Ok(None);
        }
        lower_minor_version(&mut self.input);
        let (mut few, mut many) = (ROOM, Vec::new());
        let room = match limits.headers > few.len() {
            true => {
                many.resize(limits.headers, MaybeUninit::uninit());
                &mut many[..]
            }
            false => &mut few[..],
        };
        let Some((head, bytes)) = self.reader.head(&self.input, room)? else {
            let seen = self.input.len();
            self.input.head_end.is_beyond(seen);
            return Ok(None);
        };
        let decoded = decode::request(&head, &self.input[..bytes])?;
        self.input.advance(bytes);
        Ok(Some(decoded))
    }

    /// The next piece of the body, if it is there.
    fn piece(&mut self) -> Result<Option<Next>, Cut> {
        loop {
            let frame = match self.reader.body(&self.input).map_err(|_| Cut)? {
                Piece::More => return Ok(None),
                Piece::Framing(bytes) => {
                    self.input.advance(bytes);
                    continue;
                }
                Piece::Trailer(bytes) => {
                    self.trailer(bytes)?;
                    continue;
                }
                Piece::Data(bytes) => {
                    let data = self.input.take(bytes);
                    self.pass_over_framing()?;
                    Some(Frame::data(data))
                }
                Piece::End if self.trailers.is_empty() => None,
                Piece::End => Some(Frame::trailers(std::mem::take(&mut self.trailers))),
            };
            let is_last = !self.reader.is_within_body() && self.trailers.is_empty();
            if is_last {
                self.input.shrink();
            }
            return Ok(Some(Next { frame, is_last }));
        }
    }

    /// Takes what follows a piece, so that the last one is known to be the last.
    fn pass_over_framing(&mut self) -> Result<(), Cut> {
        while self
            .reader
            .body_reader()
            .is_some_and(|body| body.is_at_framing())
        {
            match self.reader.body(&self.input).map_err(|_| Cut)? {
                Piece::Framing(bytes) => self.input.advance(bytes),
                Piece::Trailer(bytes) => self.trailer(bytes)?,
                _ => break,
            }
        }
        Ok(())
    }

    fn trailer(&mut self, bytes: usize) -> Result<(), Cut> {
        if self.trailers.len() >= MAX_HEADERS {
            return Err(Cut);
        }
        let (name, value) = fields::of_trailer(&self.input[..bytes]).map_err(|_| Cut)?;
        // One that would change what the head says is dropped.
        if !fields::is_of_head(&name) {
            self.trailers.append(name, value);
        }
        self.input.advance(bytes);
        Ok(())
    }
}

impl Body for ClientBody {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        self.poll_piece(cx).map(Result::transpose)
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }

    fn size_hint(&self) -> SizeHint {
        let incoming = self.wire.incoming.borrow();
        let left = incoming.reader.body_reader().and_then(|body| body.left());
        match left {
            _ if self.ended => SizeHint::with_exact(0),
            // Trailers may follow, so that a body in chunks has no length even at its end.
            Some(left) if left > 0 => SizeHint::with_exact(left),
            _ => SizeHint::new(),
        }
    }
}

impl Drop for ClientBody {
    fn drop(&mut self) {
        self.wire.is_taken.set(false);
        self.wire.wake();
    }
}
