//! A connection to a server that speaks HTTP/1.1 (RFC 9112), one exchange after the other.
//!
//! Whoever waits for an answer reads and writes the connection: there is no task beside it to switch to
//! and back, nothing is handed over, and a request is written from the very head that a retry would
//! use. Only a body that is still going up when the answer begins gets a task, so that neither waits
//! for the other.
//!
//! What cannot be told apart for sure ends the connection: an answer of ambiguous length, and whatever
//! a server says that was not asked for.

mod encode;
mod outgoing;
#[cfg(test)]
mod tests;

use super::alarm::Alarm;
use super::answer::{NoAnswer, Piece, Received, Unanswered};
use super::connect::{State, Task};
use super::head::Head;
use super::transport::Transport;
use bytes::{Buf, Bytes, BytesMut};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Response, StatusCode};
use http_body::{Body, Frame};
use outgoing::{Broken, Outgoing};
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use understudy_wire::http1::{self as wire, BodyReader, Limits, MAX_HEADERS, ROOM};

/// Bounds of an answer: its head, the interim ones (1xx) before it. Of its body whoever takes it
/// decides.
const LIMITS: Limits = Limits {
    head_bytes: 64 * 1024,
    body_bytes: u64::MAX,
    interim: 16,
};
/// Bytes that are asked for at once: where little is expected, and of a long body.
const LITTLE: usize = 8 * 1024;
const MUCH: usize = 64 * 1024;
/// Up to so many bytes of a body are copied, so that the memory they were read into can be used again.
const SMALL: usize = 2 * 1024;

/// How far the request of the exchange has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sending {
    /// All of it has left.
    Done,
    /// A task sends the rest.
    UnderWay,
    /// The server takes no more of it.
    Refused,
    /// Its body broke off.
    Broken,
}

/// What the reader of a connection has in common with the task that sends the rest of a body.
struct Shared {
    io: RefCell<Transport>,
    sending: Cell<Sending>,
    reader: Cell<Option<Waker>>,
}

/// The connection.
pub(crate) struct Http1 {
    shared: Rc<Shared>,
    uploading: Option<Task>,
    /// What was read and not taken yet; whether there is much room for it; how much of it is known to
    /// hold no end of a head.
    input: BytesMut,
    roomy: bool,
    looked: usize,
    /// Interim answers so far.
    interim: u8,
    /// The body of the answer under way.
    body: Option<BodyReader>,
    trailers: HeaderMap,
    /// No other request may follow.
    spent: bool,
    /// Memory for the next head.
    room: Vec<u8>,
    pub(super) alarm: Alarm,
}

impl Http1 {
    pub(super) fn new(io: Transport) -> Http1 {
        Http1 {
            shared: Rc::new(Shared {
                io: RefCell::new(io),
                sending: Cell::new(Sending::Done),
                reader: Cell::new(None),
            }),
            uploading: None,
            input: BytesMut::new(),
            roomy: false,
            looked: 0,
            interim: 0,
            body: None,
            trailers: HeaderMap::new(),
            spent: false,
            room: Vec::new(),
            alarm: Alarm::default(),
        }
    }

    /// Sends a request and waits for the head of the answer.
    pub(super) async fn send<B>(
        &mut self,
        head: &Head,
        authority: &HeaderValue,
        body: B,
    ) -> Result<Response<Received>, Unanswered<B>>
    where
        B: Body<Data = Bytes> + Unpin + 'static,
    {
        let room = std::mem::take(&mut self.room);
        let mut outgoing = Outgoing::new(head, authority, body, room);
        self.shared.sending.set(Sending::UnderWay);
        self.interim = 0;
        let answers_head = head.method == Method::HEAD;
        let answered = poll_fn(|cx| self.poll_answer(answers_head, &mut outgoing, cx)).await;
        match answered {
            Ok(response) => {
                match self.shared.sending.get() {
                    Sending::UnderWay => self.send_the_rest(outgoing),
                    _ => self.room = outgoing.room(),
                }
                Ok(response)
            }
            Err(why) => {
                self.spent = true;
                let unsent = outgoing.unsent();
                Err(Unanswered { why, unsent })
            }
        }
    }

    fn poll_answer<B>(
        &mut self,
        answers_head: bool,
        outgoing: &mut Outgoing<B>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response<Received>, NoAnswer>>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        if self.shared.sending.get() == Sending::UnderWay {
            match outgoing.poll_send(&mut self.shared.io.borrow_mut(), cx) {
                Poll::Ready(Ok(())) => self.shared.sending.set(Sending::Done),
                // Why it takes no more, the server may have said before.
                Poll::Ready(Err(Broken::Connection)) => self.shared.sending.set(Sending::Refused),
                Poll::Ready(Err(Broken::Body)) => return Poll::Ready(Err(NoAnswer::RequestCut)),
                Poll::Pending => {}
            }
        }
        loop {
            if let Some(response) = self.head(answers_head)? {
                return Poll::Ready(Ok(response));
            }
            if ready!(self.poll_read(cx)).map_err(|_| NoAnswer::Closed)? == 0 {
                return Poll::Ready(Err(NoAnswer::Closed));
            }
        }
    }

    /// A task of its own for what is left of a request.
    fn send_the_rest<B>(&mut self, mut outgoing: Outgoing<B>)
    where
        B: Body<Data = Bytes> + Unpin + 'static,
    {
        let shared = self.shared.clone();
        self.uploading = Some(Task::spawn(async move {
            let sent = poll_fn(|cx| outgoing.poll_send(&mut shared.io.borrow_mut(), cx)).await;
            shared.sending.set(match sent {
                Ok(()) => Sending::Done,
                Err(Broken::Connection) => Sending::Refused,
                Err(Broken::Body) => Sending::Broken,
            });
            if let Some(reader) = shared.reader.take() {
                reader.wake();
            }
        }));
    }

    /// The head of the answer, if it is there.
    fn head(&mut self, answers_head: bool) -> Result<Option<Response<Received>>, NoAnswer> {
        loop {
            if !self.may_have_head() {
                return Ok(None);
            }
            let mut room = ROOM;
            let read = wire::Head::read(&self.input, &mut room, LIMITS.head_bytes)?;
            let Some((head, bytes)) = read else {
                self.looked = self.input.len();
                return Ok(None);
            };
            self.looked = 0;
            if head.is_interim() {
                self.interim += 1;
                if self.interim > LIMITS.interim {
                    return Err(NoAnswer::TooLarge);
                }
                self.input.advance(bytes);
                continue;
            }
            let framing = head.framing(answers_head)?;
            let body = BodyReader::new(framing.length, LIMITS)?;
            let mut response = Response::new(Received::One(body.left()));
            *response.status_mut() =
                StatusCode::from_u16(head.status).map_err(|_| NoAnswer::Malformed)?;
            *response.headers_mut() = fields(&head, &self.input[..bytes])?;
            self.input.advance(bytes);
            self.spent = !framing.keep_alive;
            if response.status() == StatusCode::SWITCHING_PROTOCOLS {
                // What comes next is HTTP no longer.
                self.spent = true;
            } else {
                self.body = Some(body);
                self.end_if_ended();
            }
            return Ok(Some(response));
        }
    }

    /// Is it worth while to read the head from its beginning? For one that comes byte by byte, each time
    /// would cost as much as all times before.
    fn may_have_head(&self) -> bool {
        if self.looked == 0 || self.input.len() > LIMITS.head_bytes {
            return !self.input.is_empty();
        }
        // The empty line may have begun before.
        let unseen = &self.input[self.looked.saturating_sub(2)..];
        memchr::memchr_iter(b'\n', unseen)
            .any(|at| matches!(unseen[at + 1..], [b'\n', ..] | [b'\r', b'\n', ..]))
    }

    /// The next piece of the answer's body.
    pub(super) fn poll_frame(
        &mut self,
        left: &mut Option<u64>,
        cx: &mut Context<'_>,
    ) -> Poll<Piece> {
        let piece = self.poll_piece(cx);
        *left = match &self.body {
            None => Some(0),
            // Trailers wait.
            Some(body) if body.has_ended() => None,
            Some(body) => body.left(),
        };
        piece.map(Result::transpose)
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Frame<Bytes>>, NoAnswer>> {
        loop {
            let Some(body) = &mut self.body else {
                return Poll::Ready(Ok(None));
            };
            match body.next(&self.input)? {
                wire::Piece::Framing(bytes) => self.input.advance(bytes),
                wire::Piece::Trailer(bytes) => self.trailer(bytes)?,
                wire::Piece::Data(bytes) => {
                    let data = self.take(bytes);
                    self.pass_over_framing()?;
                    return Poll::Ready(Ok(Some(Frame::data(data))));
                }
                // The body itself has ended before: these are what was left.
                wire::Piece::End => {
                    let trailers = std::mem::take(&mut self.trailers);
                    self.end_if_ended();
                    return Poll::Ready(Ok(Some(Frame::trailers(trailers))));
                }
                wire::Piece::More if self.shared.sending.get() == Sending::Broken => {
                    return Poll::Ready(Err(NoAnswer::RequestCut));
                }
                wire::Piece::More => {
                    if ready!(self.poll_read(cx)).map_err(|_| NoAnswer::Closed)? == 0 {
                        self.closed()?;
                    }
                }
            }
        }
    }

    /// So many bytes of the input, which belong to the body.
    fn take(&mut self, bytes: usize) -> Bytes {
        if bytes > SMALL {
            return self.input.split_to(bytes).freeze();
        }
        let copy = Bytes::copy_from_slice(&self.input[..bytes]);
        self.input.advance(bytes);
        copy
    }

    /// Takes what follows a piece, so that the last one is known to be the last.
    fn pass_over_framing(&mut self) -> Result<(), NoAnswer> {
        while let Some(body) = self.body.as_mut().filter(|body| body.is_at_framing()) {
            match body.next(&self.input)? {
                wire::Piece::Framing(bytes) => self.input.advance(bytes),
                wire::Piece::Trailer(bytes) => self.trailer(bytes)?,
                _ => break,
            }
        }
        self.end_if_ended();
        Ok(())
    }

    fn trailer(&mut self, bytes: usize) -> Result<(), NoAnswer> {
        if self.trailers.len() >= MAX_HEADERS {
            return Err(NoAnswer::TooLarge);
        }
        // The parser wants the empty line that ends a block of fields.
        let block = [&self.input[..bytes], b"\r\n"].concat();
        let mut room = [httparse::EMPTY_HEADER; 1];
        match httparse::parse_headers(&block, &mut room) {
            Ok(httparse::Status::Complete((_, [field]))) => {
                let value = HeaderValue::from_bytes(field.value);
                self.trailers
                    .append(name(field)?, value.map_err(|_| NoAnswer::Malformed)?);
            }
            _ => return Err(NoAnswer::Malformed),
        }
        self.input.advance(bytes);
        Ok(())
    }

    /// The server has closed.
    fn closed(&mut self) -> Result<(), NoAnswer> {
        self.spent = true;
        if let Some(body) = &mut self.body {
            body.end_of_input()?;
        }
        self.end_if_ended();
        Ok(())
    }

    fn end_if_ended(&mut self) {
        let has_ended = self.body.as_ref().is_some_and(BodyReader::has_ended);
        if has_ended && self.trailers.is_empty() {
            self.body = None;
            // Nobody has asked for what is there already.
            self.spent |= !self.input.is_empty();
            // An idle connection holds little.
            if std::mem::take(&mut self.roomy) {
                self.input = BytesMut::new();
            }
        }
    }

    /// Reads what is there; 0 bytes if the server has closed.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let expected = match &self.body {
            None => LITTLE,
            Some(body) => body.left().map_or(MUCH, |left| {
                usize::try_from(left).unwrap_or(MUCH).clamp(LITTLE, MUCH)
            }),
        };
        self.input.reserve(expected);
        self.roomy |= expected > LITTLE;
        let mut io = self.shared.io.borrow_mut();
        let read = pin!(io.read_buf(&mut self.input)).poll(cx);
        if read.is_pending() && self.shared.sending.get() == Sending::UnderWay {
            self.shared.reader.set(Some(cx.waker().clone()));
        }
        read
    }

    /// What it can be used for, as far as is known.
    pub(super) fn state(&self) -> State {
        match self.shared.sending.get() {
            Sending::Done if self.spent || self.body.is_some() => State::Closed,
            Sending::Done => State::Free,
            Sending::UnderWay if self.spent => State::Closed,
            Sending::UnderWay => State::Busy,
            Sending::Refused | Sending::Broken => State::Closed,
        }
    }

    /// Finds out whether the server has closed it, or has said what it was not asked for.
    pub(super) fn look(&mut self) -> State {
        let state = self.state();
        let nobody = &mut Context::from_waker(Waker::noop());
        if state != State::Free || self.poll_read(nobody).is_pending() {
            return state;
        }
        self.spent = true;
        State::Closed
    }

    /// What comes and goes when it is HTTP no longer.
    pub(super) fn into_stream(self) -> Option<Stream> {
        let shared = Rc::try_unwrap(self.shared).ok()?;
        Some(Stream {
            read: self.input,
            io: shared.io.into_inner(),
        })
    }
}

/// The fields of a head that stands in these bytes.
fn fields(head: &wire::Head<'_>, bytes: &[u8]) -> Result<HeaderMap, NoAnswer> {
    let start = bytes.as_ptr().addr();
    // One piece of memory for all values.
    let text = Bytes::copy_from_slice(bytes);
    let mut fields = HeaderMap::with_capacity(head.headers.len());
    for field in head.headers {
        let name = name(field)?;
        // Two that say the same were taken for one (RFC 9110, section 8.6).
        if name == header::CONTENT_LENGTH && fields.contains_key(&name) {
            continue;
        }
        let at = field.value.as_ptr().addr() - start;
        let value = match field.value {
            [] => Ok(HeaderValue::from_static("")),
            value => HeaderValue::from_maybe_shared(text.slice(at..at + value.len())),
        };
        fields.append(name, value.map_err(|_| NoAnswer::Malformed)?);
    }
    Ok(fields)
}

fn name(field: &httparse::Header<'_>) -> Result<HeaderName, NoAnswer> {
    HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| NoAnswer::Malformed)
}

/// A connection that has changed to another protocol.
pub(crate) struct Stream {
    /// What came in the same breath as the answer.
    read: BytesMut,
    io: Transport,
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
