//! A patient client: one request at a time, the whole answer kept. For everything that is not
//! timed.

use crate::credentials::{Credentials, Jar};
use crate::requests::WorkloadRequest;
use crate::target::Target;
use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use understudy_compare::http;
use understudy_model::{Answer, Class, Failure, FailureKind, Field, Outcome, plain_words};
use understudy_wire::http1::{Head, Limits, ResponseReader, Sink, Step};

/// Bounds on what the client waits for and keeps.
#[derive(Clone, Copy, Debug)]
pub struct ClientLimits {
    /// Longest time for one exchange, connecting included.
    pub timeout: Duration,
    /// Bounds on an answer.
    pub response: Limits,
}

/// A keep-alive connection to one target.
#[derive(Debug)]
pub struct Client {
    target: Target,
    limits: ClientLimits,
    stream: Option<TcpStream>,
    credentials: Credentials,
    /// The cookies of each session.
    sessions: HashMap<String, Jar>,
}

impl Client {
    /// A client that connects when it first needs to.
    pub fn new(target: Target, limits: ClientLimits) -> Self {
        Client {
            target,
            limits,
            stream: None,
            credentials: Credentials::default(),
            sessions: HashMap::new(),
        }
    }

    /// A client that was given these before: every session begins with them.
    #[must_use]
    pub fn with_credentials(self, credentials: Credentials) -> Self {
        Client {
            credentials,
            ..self
        }
    }

    /// Sends a request and keeps what its answer hands out, for all requests that follow.
    ///
    /// # Errors
    /// The answer lacks the value of this name.
    pub fn prepare(&mut self, request: &WorkloadRequest) -> Result<Outcome, String> {
        let outcome = self.exchange(request);
        if let Outcome::Answered(answer) = &outcome
            && answer.status.class == Class::Ok
        {
            self.credentials
                .take(&request.path, &request.capture, answer)
                .map_err(|capture| capture.name.clone())?;
        }
        Ok(outcome)
    }

    /// What it was given so far.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Sends one request and waits for its whole answer.
    ///
    /// A kept connection that the server has closed in the meantime is replaced once, silently, for
    /// methods that may be repeated: that is a race, and not a failure (RFC 9112, section 9.3.1). Others
    /// get a new connection if the kept one is seen to be closed, and fail if it closes later.
    ///
    /// Cookies that an answer sets are sent with the later requests of its session.
    pub fn exchange(&mut self, request: &WorkloadRequest) -> Outcome {
        let Some(session) = &request.session else {
            let credentials = self.credentials.clone();
            return self.exchange_with(request, &credentials);
        };
        let jar = self.sessions.get(session);
        let credentials = Credentials {
            jar: jar.unwrap_or(&self.credentials.jar).clone(),
            values: self.credentials.values.clone(),
        };
        let outcome = self.exchange_with(request, &credentials);
        if let Outcome::Answered(answer) = &outcome
            && answer.field("set-cookie").next().is_some()
        {
            let mut jar = credentials.jar;
            jar.take(&request.path, answer);
            self.sessions.insert(session.clone(), jar);
        }
        outcome
    }

    fn exchange_with(&mut self, request: &WorkloadRequest, credentials: &Credentials) -> Outcome {
        let wire = match request.render_with(&self.target.host, credentials) {
            Ok(wire) => wire,
            Err(error) => return failed(FailureKind::Malformed, error.to_string()),
        };
        let deadline = Instant::now() + self.limits.timeout;
        let is_head = request.method == "HEAD";
        let repeatable = request.is_idempotent();
        let kept = self
            .stream
            .take()
            .filter(|kept| repeatable || is_open(kept));
        if let Some(stream) = kept {
            match self.attempt(stream, &wire, is_head, deadline) {
                Err(broken) if broken.untouched && repeatable => {}
                Err(broken) => return Outcome::Failed(broken.failure),
                Ok(answer) => return Outcome::Answered(answer),
            }
        }
        let stream = match connect(&self.target, deadline) {
            Ok(stream) => stream,
            Err(error) => return failed(FailureKind::Connect, fragment(&error)),
        };
        match self.attempt(stream, &wire, is_head, deadline) {
            Ok(answer) => Outcome::Answered(answer),
            Err(broken) => Outcome::Failed(broken.failure),
        }
    }

    fn attempt(
        &mut self,
        mut stream: TcpStream,
        wire: &[u8],
        is_head: bool,
        deadline: Instant,
    ) -> Result<Answer, Broken> {
        let closed = |error: &std::io::Error, untouched| Broken {
            failure: Failure {
                kind: kind_of(error),
                detail: fragment(error),
            },
            untouched: untouched && kind_of(error) == FailureKind::Closed,
        };
        limit(&stream, deadline).map_err(|error| closed(&error, false))?;
        stream
            .write_all(wire)
            .map_err(|error| closed(&error, true))?;
        let mut reader = ResponseReader::new(self.limits.response);
        reader.reset(is_head);
        let mut sink = Whole::default();
        let mut pending: Vec<u8> = Vec::new();
        let mut buffer = [0; 16 * 1024];
        let mut first = true;
        loop {
            limit(&stream, deadline).map_err(|error| closed(&error, false))?;
            let count = match stream.read(&mut buffer) {
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(closed(&error, first)),
            };
            if count == 0 {
                return match reader.end_of_input() {
                    Ok(()) => Ok(sink.answer()),
                    Err(error) => Err(Broken {
                        failure: Failure {
                            kind: FailureKind::Closed,
                            detail: error.to_string(),
                        },
                        untouched: first,
                    }),
                };
            }
            first = false;
            pending.extend_from_slice(&buffer[..count]);
            match reader.advance(&pending, &mut sink) {
                Ok(Step::NeedMore { consumed }) => {
                    pending.drain(..consumed);
                }
                Ok(Step::Done { consumed, reusable }) => {
                    if reusable && consumed == pending.len() {
                        self.stream = Some(stream);
                    }
                    return Ok(sink.answer());
                }
                Err(error) => {
                    let kind = match error.is_too_large() {
                        true => FailureKind::TooLarge,
                        false => FailureKind::Malformed,
                    };
                    let failure = Failure {
                        kind,
                        detail: error.to_string(),
                    };
                    return Err(Broken {
                        failure,
                        untouched: false,
                    });
                }
            }
        }
    }
}

/// Why an attempt failed; `untouched` if the connection was dead before the request reached a server.
struct Broken {
    failure: Failure,
    untouched: bool,
}

fn failed(kind: FailureKind, detail: String) -> Outcome {
    Outcome::Failed(Failure { kind, detail })
}

/// Has the server left the connection open, as far as this side knows?
fn is_open(stream: &TcpStream) -> bool {
    if stream.set_nonblocking(true).is_err() {
        return false;
    }
    let quiet =
        matches!(stream.peek(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock);
    quiet && stream.set_nonblocking(false).is_ok()
}

fn connect(target: &Target, deadline: Instant) -> std::io::Result<TcpStream> {
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
fn limit(stream: &TcpStream, deadline: Instant) -> std::io::Result<()> {
    let remaining = Some(remaining(deadline)?);
    stream.set_read_timeout(remaining)?;
    stream.set_write_timeout(remaining)
}

fn remaining(deadline: Instant) -> std::io::Result<Duration> {
    let remaining = deadline.saturating_duration_since(Instant::now());
    if remaining.is_zero() {
        Err(ErrorKind::TimedOut.into())
    } else {
        Ok(remaining)
    }
}

fn kind_of(error: &std::io::Error) -> FailureKind {
    match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => FailureKind::Timeout,
        _ => FailureKind::Closed,
    }
}

fn fragment(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => "no answer within the time limit".to_owned(),
        ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        _ => plain_words(error),
    }
}

/// Keeps the whole answer; the reader bounds it.
#[derive(Default)]
struct Whole {
    status: i32,
    fields: Vec<Field>,
    body: Vec<u8>,
}

impl Whole {
    fn answer(self) -> Answer {
        http::answer(self.status, self.fields, self.body, false)
    }
}

impl Sink for Whole {
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
