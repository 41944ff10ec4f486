//! A patient client: one request at a time, the whole answer kept. For everything that is not
//! timed.

use crate::credentials::{Credentials, Jar};
use crate::patience::{Arriving, connect, failed, failure, fragment, limit};
use crate::requests::WorkloadRequest;
use crate::target::Target;
use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use understudy_model::{Answer, Class, Failure, FailureKind, Outcome};
use understudy_wire::http1::Limits;

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
        self.send(&wire, request.method == "HEAD", request.is_idempotent())
    }

    /// Sends a request as it is, and waits for its whole answer: that to a HEAD, if it is one. A kept connection is
    /// replaced as by [`Client::exchange`], if the request is `repeatable`.
    pub fn send(&mut self, wire: &[u8], is_head: bool, repeatable: bool) -> Outcome {
        let deadline = Instant::now() + self.limits.timeout;
        let kept = self
            .stream
            .take()
            .filter(|kept| repeatable || is_open(kept));
        if let Some(stream) = kept {
            match self.attempt(stream, wire, is_head, deadline) {
                Err(broken) if broken.untouched && repeatable => {}
                Err(broken) => return Outcome::Failed(broken.failure),
                Ok(answer) => return Outcome::Answered(answer),
            }
        }
        let stream = match connect(&self.target, deadline) {
            Ok(stream) => stream,
            Err(error) => return failed(FailureKind::Connect, fragment(&error)),
        };
        match self.attempt(stream, wire, is_head, deadline) {
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
        let broken = |error: &std::io::Error, untouched| {
            let failure = failure(error);
            Broken {
                untouched: untouched && failure.kind == FailureKind::Closed,
                failure,
            }
        };
        limit(&stream, deadline).map_err(|error| broken(&error, false))?;
        stream
            .write_all(wire)
            .map_err(|error| broken(&error, true))?;
        let mut arriving = Arriving::new(self.limits.response, is_head);
        let mut buffer = [0; 16 * 1024];
        let mut untouched = true;
        loop {
            limit(&stream, deadline).map_err(|error| broken(&error, false))?;
            let count = match stream.read(&mut buffer) {
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(broken(&error, untouched)),
            };
            if count == 0 {
                return match arriving.end() {
                    Ok(()) => Ok(arriving.answer()),
                    Err(failure) => Err(Broken { failure, untouched }),
                };
            }
            untouched = false;
            match arriving.take(&buffer[..count]) {
                Ok(None) => {}
                Ok(Some(reusable)) => {
                    self.stream = reusable.then_some(stream);
                    return Ok(arriving.answer());
                }
                Err(failure) => return Err(Broken { failure, untouched }),
            }
        }
    }
}

/// Why an attempt failed; `untouched` if the connection was dead before the request reached a server.
struct Broken {
    failure: Failure,
    untouched: bool,
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
