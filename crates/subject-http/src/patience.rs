//! What is shared by all that asks one request at a time and waits for its whole answer: connecting within a time
//! limit, the answer while it arrives, and the words of what went wrong.

use crate::target::Target;
use std::io::ErrorKind;
use std::net::TcpStream;
use std::time::{Duration, Instant};
use understudy_compare::http;
use understudy_model::{Answer, Failure, FailureKind, Field, Outcome, plain_words};
use understudy_wire::http1::{Head, Limits, ResponseError, ResponseReader, Sink, Step};

/// Connects to the first address of the target that accepts a connection.
pub(crate) fn connect(target: &Target, deadline: Instant) -> std::io::Result<TcpStream> {
    let mut addresses = target.addresses();
    let mut opened = Err(ErrorKind::NotFound.into());
    for left in (1..=target.others.len() as u32 + 1).rev() {
        let Some(address) = addresses.next().filter(|_| opened.is_err()) else {
            break;
        };
        // One that does not answer leaves time for the others.
        opened = TcpStream::connect_timeout(&address, remaining(deadline)? / left);
    }
    let stream = opened?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Gives the next call on the socket what is left of the time.
pub(crate) fn limit(stream: &TcpStream, deadline: Instant) -> std::io::Result<()> {
    let remaining = Some(remaining(deadline)?);
    stream.set_read_timeout(remaining)?;
    stream.set_write_timeout(remaining)
}

/// What is left of the time; an error where nothing is.
pub(crate) fn remaining(deadline: Instant) -> std::io::Result<Duration> {
    let remaining = deadline.saturating_duration_since(Instant::now());
    if remaining.is_zero() {
        Err(ErrorKind::TimedOut.into())
    } else {
        Ok(remaining)
    }
}

/// An outcome without an answer.
pub(crate) fn failed(kind: FailureKind, detail: String) -> Outcome {
    Outcome::Failed(Failure { kind, detail })
}

/// What an error of the socket comes to, once there is a connection.
pub(crate) fn failure(error: &std::io::Error) -> Failure {
    let kind = match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => FailureKind::Timeout,
        _ => FailureKind::Closed,
    };
    Failure {
        kind,
        detail: fragment(error),
    }
}

/// An error of the socket in words.
pub(crate) fn fragment(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => "no answer within the time limit".to_owned(),
        ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        _ => plain_words(error),
    }
}

/// An answer while it arrives. All of it is kept; the reader bounds it.
#[derive(Debug)]
pub(crate) struct Arriving {
    reader: ResponseReader,
    /// Bytes that cannot be understood without the next ones.
    pending: Vec<u8>,
    whole: Whole,
}

impl Arriving {
    /// The answer to one request; `answers_head` if that is a HEAD.
    pub(crate) fn new(limits: Limits, answers_head: bool) -> Self {
        let mut reader = ResponseReader::new(limits);
        reader.reset(answers_head);
        Arriving {
            reader,
            pending: Vec::new(),
            whole: Whole::default(),
        }
    }

    /// Takes what was read. Once the answer is whole: may the connection carry another request?
    ///
    /// # Errors
    /// The answer is malformed or exceeds a bound.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Result<Option<bool>, Failure> {
        self.pending.extend_from_slice(bytes);
        let step = self.reader.advance(&self.pending, &mut self.whole);
        match step.map_err(unreadable)? {
            Step::NeedMore { consumed } => {
                self.pending.drain(..consumed);
                Ok(None)
            }
            Step::Done { consumed, reusable } => {
                Ok(Some(reusable && consumed == self.pending.len()))
            }
        }
    }

    /// Nothing more will arrive.
    ///
    /// # Errors
    /// The answer is not whole.
    pub(crate) fn end(&mut self) -> Result<(), Failure> {
        self.reader.end_of_input().map_err(|error| Failure {
            kind: FailureKind::Closed,
            detail: error.to_string(),
        })
    }

    /// Has `100 Continue` arrived?
    pub(crate) fn has_continued(&self) -> bool {
        self.whole.has_continued
    }

    /// What has arrived.
    pub(crate) fn answer(self) -> Answer {
        http::answer(self.whole.status, self.whole.fields, self.whole.body, false)
    }
}

fn unreadable(error: ResponseError) -> Failure {
    let kind = match error.is_too_large() {
        true => FailureKind::TooLarge,
        false => FailureKind::Malformed,
    };
    Failure {
        kind,
        detail: error.to_string(),
    }
}

#[derive(Debug, Default)]
struct Whole {
    has_continued: bool,
    status: i32,
    fields: Vec<Field>,
    body: Vec<u8>,
}

impl Sink for Whole {
    fn interim(&mut self, status: u16) {
        self.has_continued |= status == 100;
    }

    fn head(&mut self, head: &Head<'_>) {
        self.status = i32::from(head.status);
        self.fields = head
            .headers
            .iter()
            .map(|header| Field {
                name: header.name.to_ascii_lowercase(),
                value: header.value.trim_ascii().to_vec(),
            })
            .collect();
    }

    fn body(&mut self, part: &[u8]) {
        self.body.extend_from_slice(part);
    }
}
