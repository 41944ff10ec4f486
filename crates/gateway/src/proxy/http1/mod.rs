//! A connection to a server that speaks HTTP/1.1 (RFC 9112), one exchange after the other.
//!
//! The task that waits for an answer reads and writes the connection: there is no other task to switch to
//! and back, nothing is handed over, and a request is written from the very head that a retry would
//! use. Only a body that is still going up when the answer begins gets a task, so that neither waits
//! for the other.
//!
//! What is ambiguous ends the connection: an answer of ambiguous length, and whatever
//! a server says that was not asked for.

mod encode;
#[cfg(test)]
mod tests;

use super::alarm::Alarm;
use super::answer::{Interim, NoAnswer, Piece, Received, Unanswered};
use super::connect::{State, Task};
use super::fields;
use super::head::Head;
use super::input::{Input, LITTLE, expected};
use super::outgoing::{Broken, Outgoing};
use super::transport::Transport;
use super::tunnel::Stream;
use bytes::Bytes;
use http::header::{HeaderMap, HeaderValue};
use http::{Method, Response, StatusCode};
use http_body::{Body, Frame};
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;
use understudy_wire::http1::{self as wire, BodyReader, Limits, MAX_HEADERS, ROOM};

/// Bounds of an answer: its head, the interim ones (1xx) before it. The reader of the body decides
/// the bound of the body.
const LIMITS: Limits = Limits {
    head_bytes: 64 * 1024,
    body_bytes: u64::MAX,
    interim: 16,
};
/// A server that says how long it keeps a connection closes it then; a request that is under way must
/// have arrived before.
const MARGIN: Duration = Duration::from_secs(1);

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
    input: Input,
    /// Interim answers so far.
    interim: u8,
    /// The body of the answer under way.
    body: Option<BodyReader>,
    trailers: HeaderMap,
    /// No other request may follow.
    spent: bool,
    /// How long the server keeps it without a request, where it says so.
    kept: Option<Duration>,
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
            input: Input::default(),
            interim: 0,
            body: None,
            trailers: HeaderMap::new(),
            spent: false,
            kept: None,
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
        interim: Interim<'_>,
    ) -> Result<Response<Received>, Unanswered<B>>
    where
        B: Body<Data = Bytes> + Unpin + 'static,
    {
        let mut room = std::mem::take(&mut self.room);
        room.clear();
        let hint = (!body.is_end_stream()).then(|| body.size_hint());
        let bodiless = hint.is_none();
        let coding = encode::head(&mut room, head, authority, hint);
        let mut outgoing = Outgoing::new(room, coding, body, bodiless);
        self.shared.sending.set(Sending::UnderWay);
        self.interim = 0;
        let answers_head = head.method == Method::HEAD;
        let answered =
            poll_fn(|cx| self.poll_answer(answers_head, &mut outgoing, interim, cx)).await;
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
        interim: Interim<'_>,
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
            if let Some(response) = self.head(answers_head, interim)? {
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
    fn head(
        &mut self,
        answers_head: bool,
        interim: Interim<'_>,
    ) -> Result<Option<Response<Received>>, NoAnswer> {
        loop {
            let input = &mut self.input;
            if !input.head_end.may_be_in(input, LIMITS.head_bytes) {
                return Ok(None);
            }
            let mut room = ROOM;
            let read = wire::Head::read(input, &mut room, LIMITS.head_bytes)?;
            let Some((head, bytes)) = read else {
                let seen = input.len();
                input.head_end.is_beyond(seen);
                return Ok(None);
            };
            if head.is_interim() {
                self.interim += 1;
                if self.interim > LIMITS.interim {
                    return Err(NoAnswer::TooLarge);
                }
                interim(&head);
                input.advance(bytes);
                continue;
            }
            let framing = head.framing(answers_head)?;
            let body = BodyReader::new(framing.length, LIMITS)?;
            let (headers, written) = fields::of_head(head.headers, &input[..bytes], 0)?;
            let mut response = Response::new(Received::One {
                left: body.left(),
                written,
            });
            *response.status_mut() = StatusCode::from_u16(head.status)
                .map_err(|_| NoAnswer::Malformed("its status is not a status of HTTP"))?;
            self.kept = kept(&headers);
            *response.headers_mut() = headers;
            input.advance(bytes);
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
                    let data = self.input.take(bytes);
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
        let (name, value) = fields::of_trailer(&self.input[..bytes])?;
        self.trailers.append(name, value);
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
            // What is there already was not asked for.
            self.spent |= !self.input.is_empty();
            self.input.shrink();
        }
    }

    /// Reads what is there; 0 bytes if the server has closed.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let expected = self
            .body
            .as_ref()
            .map_or(LITTLE, |body| expected(body.left()));
        let mut io = self.shared.io.borrow_mut();
        let read = self.input.poll_read(&mut io, expected, cx);
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
        let context = &mut Context::from_waker(Waker::noop());
        if state != State::Free || self.poll_read(context).is_pending() {
            return state;
        }
        self.spent = true;
        State::Closed
    }

    /// How long the server keeps it without a request, where it says so.
    pub(super) fn kept(&self) -> Option<Duration> {
        self.kept
    }

    /// What comes and goes when it is HTTP no longer.
    pub(super) fn into_stream(self) -> Option<Stream> {
        let shared = Rc::try_unwrap(self.shared).ok()?;
        Some(Stream::new(self.input.into_bytes(), shared.io.into_inner()))
    }
}

/// For how long a request can still be sent: less than `Keep-Alive: timeout=` says.
fn kept(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("keep-alive")?.to_str().ok()?;
    let seconds = text.split(',').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = name
            .trim()
            .eq_ignore_ascii_case("timeout")
            .then_some(value)?;
        value.trim().trim_matches('"').parse::<u32>().ok()
    })?;
    let says = Duration::from_secs(seconds.into());
    Some(says.saturating_sub(MARGIN.min(says / 2)))
}
