//! One request and its answer over a connection of its own: how the server ends both is a part of what it answers.

use super::wire::Raw;
use crate::client::ClientLimits;
use crate::patience::{Arriving, connect, failed, failure, fragment, remaining};
use crate::target::Target;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};
use understudy_model::{Answer, Failure, FailureKind, Field, Outcome};

/// The field of an answer that says what becomes of the connection: `closes` (the server says so), `closed` (it does so
/// without a word), `kept`.
pub const CONNECTION: &str = ":connection";
/// The field of an answer to a request that expects it, if the server sent `100 Continue`: `sent`, `not sent`.
pub const CONTINUE: &str = ":continue";
/// What an exchange waits for by default.
const WAITS: Waits = Waits {
    for_continue: Duration::from_secs(1),
    for_close: Duration::from_millis(50),
};
/// One read takes at most this.
const READ_BYTES: usize = 16 * 1024;

/// How long is waited for what may never come.
#[derive(Clone, Copy)]
struct Waits {
    /// For `100 Continue`, before the body is sent nevertheless, as curl does (RFC 9110, section 10.1.1).
    for_continue: Duration,
    /// For the end of the connection, after the answer and after the server took the last of the request: one that is
    /// still open then is kept.
    for_close: Duration,
}

/// Sends a request over a connection of its own, and waits for its whole answer and for what becomes of the connection.
///
/// The answer is read while the request is sent: a server may answer before it has read a body, and close. What it
/// sent before that is its answer. The fields [`CONNECTION`] and [`CONTINUE`] are added to it.
pub fn exchange(target: &Target, raw: &Raw, limits: ClientLimits) -> Outcome {
    exchange_keeping(target, raw, limits).0
}

/// [`exchange`], and its connection, which does not block, if that is still open after it.
pub(super) fn exchange_keeping(
    target: &Target,
    raw: &Raw,
    limits: ClientLimits,
) -> (Outcome, Option<std::net::TcpStream>) {
    exchange_within(target, raw, limits, WAITS)
}

fn exchange_within(
    target: &Target,
    raw: &Raw,
    limits: ClientLimits,
    waits: Waits,
) -> (Outcome, Option<std::net::TcpStream>) {
    let deadline = Instant::now() + limits.timeout;
    let stream = match connect(target, deadline) {
        Ok(stream) => stream,
        Err(error) => return (failed(FailureKind::Connect, fragment(&error)), None),
    };
    let arriving = Arriving::new(limits.response, raw.method == "HEAD");
    let answer = Exchange::new(stream, raw, &target.host, deadline, waits)
        .map_err(|error| failure(&error))
        .and_then(|exchange| exchange.answer(arriving));
    match answer {
        Ok((answer, stream)) => (Outcome::Answered(answer), stream.map(Into::into)),
        Err(failure) => (Outcome::Failed(failure), None),
    }
}

/// An exchange under way.
struct Exchange {
    stream: TcpStream,
    poll: Poll,
    events: Events,
    upload: Upload,
    /// Until when `100 Continue` is waited for.
    held_until: Option<Instant>,
    expects: bool,
    deadline: Instant,
    waits: Waits,
}

impl Exchange {
    fn new(
        stream: std::net::TcpStream,
        raw: &Raw,
        host: &str,
        deadline: Instant,
        waits: Waits,
    ) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        let poll = Poll::new()?;
        let both = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(&mut stream, Token(0), both)?;
        Ok(Exchange {
            stream,
            poll,
            events: Events::with_capacity(4),
            upload: Upload::new(raw.render(host), &raw.payload(), raw.expects),
            held_until: raw.expects.then(|| Instant::now() + waits.for_continue),
            expects: raw.expects,
            deadline,
            waits,
        })
    }

    /// The whole answer, with what is added to it, and the connection if it is kept.
    fn answer(mut self, mut arriving: Arriving) -> Result<(Answer, Option<TcpStream>), Failure> {
        let mut buffer = [0; READ_BYTES];
        let is_closed = loop {
            remaining(self.deadline).map_err(|error| failure(&error))?;
            self.upload.push(&mut self.stream);
            match self.read(&mut buffer).map_err(|error| failure(&error))? {
                Some(0) => {
                    arriving.end()?;
                    break true;
                }
                Some(count) => match arriving.take(&buffer[..count])? {
                    Some(_) => break false,
                    None => continue,
                },
                None => {}
            }
            if !self.release(arriving.has_continued()) {
                let until = self.held_until.unwrap_or(self.deadline);
                self.wait(until).map_err(|error| failure(&error))?;
            }
        };
        let has_continued = arriving.has_continued();
        let mut answer = arriving.answer();
        let (connection, is_kept) = if says_close(&answer) {
            ("closes", false)
        } else if is_closed || self.is_closed_soon() {
            ("closed", false)
        } else {
            ("kept", true)
        };
        answer.fields.push(added(CONNECTION, connection));
        if self.expects {
            let word = if has_continued { "sent" } else { "not sent" };
            answer.fields.push(added(CONTINUE, word));
        }
        Ok((answer, is_kept.then_some(self.stream)))
    }

    /// Lets the body go once the server asked for it or took too long to. Is there now something to send?
    fn release(&mut self, has_continued: bool) -> bool {
        let is_due = |until: Instant| has_continued || Instant::now() >= until;
        let is_released = self.held_until.is_some_and(is_due);
        if is_released {
            self.held_until = None;
            self.upload.release();
        }
        is_released
    }

    /// Bytes that were read, 0 at the end; nothing while there is nothing to read. A reset is an end as well: which of
    /// the two a server that closes sends depends on how much of the request it had read by then.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        loop {
            return match self.stream.read(buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
                Err(error) if is_reset(&error) => Ok(Some(0)),
                read => read.map(Some),
            };
        }
    }

    /// Waits until something can be read or sent, at most until then or the end of the time.
    fn wait(&mut self, until: Instant) -> io::Result<()> {
        let until = until.min(self.deadline);
        let timeout = until.saturating_duration_since(Instant::now());
        match self.poll.poll(&mut self.events, Some(timeout)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(()),
            waited => waited,
        }
    }

    /// After the answer: does the server close the connection, while it is sent the rest of the request?
    fn is_closed_soon(&mut self) -> bool {
        let mut buffer = [0; READ_BYTES];
        let mut until = Instant::now() + self.waits.for_close;
        loop {
            if self.upload.push(&mut self.stream) > 0 {
                until = Instant::now() + self.waits.for_close;
            }
            match self.read(&mut buffer) {
                Ok(Some(0)) | Err(_) => return true,
                // Whatever it is, it is no longer the answer.
                Ok(_) if Instant::now() >= until.min(self.deadline) => return false,
                Ok(Some(_)) => {}
                Ok(None) => {
                    if self.wait(until).is_err() {
                        return false;
                    }
                }
            }
        }
    }
}

/// What is to be sent.
struct Upload {
    bytes: Vec<u8>,
    sent: usize,
    /// So much may be sent now.
    free: usize,
}

impl Upload {
    fn new(head: Vec<u8>, payload: &[u8], is_held: bool) -> Self {
        let mut bytes = head;
        let head_bytes = bytes.len();
        bytes.extend_from_slice(payload);
        let free = if is_held { head_bytes } else { bytes.len() };
        Upload {
            bytes,
            sent: 0,
            free,
        }
    }

    fn release(&mut self) {
        self.free = self.bytes.len();
    }

    /// Sends as much as the kernel takes now, and says how much that is. A server that takes no more is not sent the
    /// rest; what it answered is still to be read.
    fn push(&mut self, stream: &mut TcpStream) -> usize {
        let before = self.sent;
        while self.sent < self.free {
            match stream.write(&self.bytes[self.sent..self.free]) {
                Ok(count) if count > 0 => self.sent += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Ok(_) | Err(_) => {
                    self.bytes.truncate(self.sent);
                    self.free = self.sent;
                }
            }
        }
        self.sent - before
    }
}

fn is_reset(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe
    )
}

/// Does the answer announce that the connection is closed after it?
fn says_close(answer: &Answer) -> bool {
    answer.field("connection").any(|value| {
        value
            .split(|byte| *byte == b',')
            .any(|option| option.trim_ascii().eq_ignore_ascii_case(b"close"))
    })
}

pub(super) fn added(name: &str, value: &str) -> Field {
    Field {
        name: name.to_owned(),
        value: value.as_bytes().to_vec(),
    }
}

#[cfg(test)]
mod tests;
