//! The HTTP/1.1 driver: one edge-triggered event loop over keep-alive connections.

use crate::connection::{CAPTURE_BYTES, Connection, State};
use crate::opening;
use crate::target::Target;
use mio::event::Event;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use std::collections::{HashMap, VecDeque};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use understudy_compare::http::class;
use understudy_host::{Arrivals, Clock, SleepTimer, receive, stamp_arrivals};
use understudy_load::{Driver, DriverFigures, Job};
use understudy_model::{Class, Ending, FailureKind, Observation, Span, plain_words};
use understudy_wire::http1::{Limits, Step};

#[cfg(target_os = "linux")]
const TIMER: Token = Token(usize::MAX);
/// One read takes at most this; most answers take one read.
const READ_BYTES: usize = 64 * 1024;
/// Longest answer that a server sends without waiting for this thread to read: beyond it, room in the receive buffer or
/// an acknowledgement may be what its end waited for. An initial congestion window of ten of the smallest segments that
/// IPv6 allows (RFC 6928); on the loopback interface, the initial receive window.
const UNREAD_BYTES: u64 = 12_200;
const UNREAD_BYTES_LOCAL: u64 = 60_000;
/// A request that may have left so much after the time of sending: this thread may have been kept from its CPU in between.
const PROMPT_NS: u64 = 150_000;
/// Events handled before the engine looks at its schedule again: each takes some microseconds, and
/// after a stall they come in crowds.
const EVENTS: usize = 16;
/// Most distinct bodies kept of one block, and most bytes of them.
const CAPTURED_BODIES: usize = 16_384;
const CAPTURED_BYTES: usize = 64 * 1024 * 1024;

/// A request as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// Head and body.
    pub wire: Vec<u8>,
    /// Index of its operation.
    pub operation: u32,
    /// A HEAD request, whose answer has no body.
    pub is_head: bool,
    /// It may be sent again without asking (RFC 9110, section 9.2.2).
    pub is_idempotent: bool,
}

/// How the driver talks to its target.
#[derive(Clone, Debug)]
pub struct Options {
    /// Connections of this driver.
    pub connections: usize,
    /// Longest time from sending a request to the last byte of its answer.
    pub timeout: Span,
    /// Bounds on answers.
    pub limits: Limits,
    /// Hash every body and keep one of each distinct kind.
    pub inspect: bool,
}

/// Why the connections cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The host has no address.
    #[error("cannot connect: the host has no address")]
    Nowhere,
    /// The target refuses or does not answer.
    #[error(
        "cannot connect to {addresses}: {why}\nhint: start the service, or correct the address"
    )]
    Connect {
        /// Where it was tried.
        addresses: String,
        /// Why not.
        why: String,
    },
    /// This machine has not as many sockets.
    #[error(
        "cannot open {wanted} connections: {}\nhint: lower `--connections`, or raise the limit (`ulimit -n`)",
        plain_words(source)
    )]
    Sockets {
        /// How many were wanted.
        wanted: usize,
        /// The system's word.
        source: io::Error,
    },
    /// The event loop cannot be made.
    #[error("cannot set up the event loop: {}", plain_words(.0))]
    Loop(#[from] io::Error),
}

impl OpenError {
    pub(crate) fn connect(addresses: &[SocketAddr], source: io::Error, within: Duration) -> Self {
        let all: Vec<String> = addresses.iter().map(SocketAddr::to_string).collect();
        let why = match source.kind() {
            io::ErrorKind::TimedOut => format!(
                "no answer within {}: it does not run there, drops packets, or its listen backlog is full (raise that, or lower --connections)",
                Span::from_nanos(within.as_nanos() as u64)
            ),
            io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
            _ => plain_words(&source),
        };
        OpenError::Connect {
            addresses: all.join(" and "),
            why,
        }
    }
}

/// A body seen under load, with what is needed to understand it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captured {
    /// Value of `Content-Type`.
    pub content_type: Vec<u8>,
    /// Value of `Content-Encoding`.
    pub content_encoding: Vec<u8>,
    /// The body as received.
    pub body: Vec<u8>,
    /// It was longer than what is kept.
    pub truncated: bool,
}

/// One body of each distinct kind, by hash.
pub type Captures = HashMap<u64, Captured>;

/// Drives HTTP/1.1 requests over a fixed number of connections.
#[derive(Debug)]
pub struct HttpDriver {
    clock: Clock,
    arrivals: Arrivals,
    /// Exchanges that were due from then on are counted as `stamped`.
    measured_from_ns: u64,
    stamped: u64,
    address: SocketAddr,
    options: Options,
    prepared: Arc<[Prepared]>,
    poll: Poll,
    events: Events,
    timer: Option<SleepTimer>,
    /// When the timer goes off, or went off last.
    timer_ns: u64,
    connections: Vec<Connection>,
    /// Connected and free, the longest free first: every connection gets its share.
    hot: VecDeque<usize>,
    /// Not connected and free: a job makes them connect.
    cold: Vec<usize>,
    busy: usize,
    finished: Vec<Observation>,
    /// What was malformed in the first malformed answer.
    malformed: Option<&'static str>,
    /// When to look for requests past their time limit.
    next_sweep_ns: u64,
    buffer: Box<[u8]>,
    captures: Captures,
    captured_bytes: usize,
    opened: usize,
    resent: u64,
}

impl HttpDriver {
    /// Opens the connections; where the target does not accept all in time, those that it does.
    ///
    /// # Errors
    /// The target refuses, does not answer within the time limit, or the system has no more
    /// sockets.
    pub fn open(
        target: &Target,
        prepared: Arc<[Prepared]>,
        options: Options,
    ) -> Result<Self, OpenError> {
        let poll = Poll::new()?;
        let timer = SleepTimer::new()?;
        #[cfg(target_os = "linux")]
        if let Some(timer) = &timer {
            use std::os::fd::AsRawFd;
            let fd = timer.as_raw_fd();
            poll.registry()
                .register(&mut mio::unix::SourceFd(&fd), TIMER, Interest::READABLE)?;
        }
        let connections = (0..options.connections.max(1))
            .map(|_| Connection::new(options.limits, options.inspect))
            .collect();
        let clock = Clock::since(Instant::now());
        let mut driver = HttpDriver {
            clock,
            arrivals: Arrivals::new(clock),
            measured_from_ns: 0,
            stamped: 0,
            address: target.address,
            prepared,
            poll,
            events: Events::with_capacity(EVENTS),
            timer,
            timer_ns: 0,
            connections,
            hot: VecDeque::new(),
            cold: Vec::new(),
            busy: 0,
            finished: Vec::new(),
            malformed: None,
            next_sweep_ns: 0,
            buffer: vec![0; READ_BYTES].into_boxed_slice(),
            captures: HashMap::new(),
            captured_bytes: 0,
            opened: 0,
            resent: 0,
            options,
        };
        driver.connect_all(target)?;
        Ok(driver)
    }

    /// What was malformed in the first malformed answer.
    pub fn malformed(&self) -> Option<&'static str> {
        self.malformed
    }

    /// The distinct bodies seen so far; leaves none behind.
    pub fn take_captures(&mut self) -> Captures {
        self.captured_bytes = 0;
        std::mem::take(&mut self.captures)
    }

    /// Opens what the target lets it open. The others connect when there is a request for them.
    fn connect_all(&mut self, target: &Target) -> Result<(), OpenError> {
        let addresses: Vec<SocketAddr> = target.addresses().collect();
        let timeout = self.options.timeout.duration();
        let (address, streams) = opening::open(&addresses, self.connections.len(), timeout)?;
        self.address = address;
        self.opened = streams.len();
        for (index, stream) in streams.into_iter().enumerate() {
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            stamp_arrivals(&stream);
            let mut stream = TcpStream::from_std(stream);
            let interest = Interest::READABLE | Interest::WRITABLE;
            self.poll
                .registry()
                .register(&mut stream, Token(index), interest)?;
            let connection = &mut self.connections[index];
            connection.stream = Some(stream);
            connection.state = State::Idle;
            self.hot.push_back(index);
        }
        self.cold = (self.opened..self.connections.len()).rev().collect();
        Ok(())
    }

    /// Starts to connect. Failure at once leaves the connection down.
    fn connect(&mut self, index: usize) {
        let connection = &mut self.connections[index];
        let opened = TcpStream::connect(self.address).and_then(|mut stream| {
            stamp_arrivals(&stream);
            let interest = Interest::READABLE | Interest::WRITABLE;
            self.poll
                .registry()
                .register(&mut stream, Token(index), interest)?;
            Ok(stream)
        });
        match opened {
            Ok(stream) => {
                connection.stream = Some(stream);
                connection.used = false;
                connection.state = State::Connecting;
                connection.started_ns = self.clock.now_ns();
            }
            Err(_) => self.go_down(index),
        }
    }

    /// The connection is lost or was never made: its job, if any, failed to connect.
    fn go_down(&mut self, index: usize) {
        let now = self.clock.now_ns();
        self.end_exchange(index, Ending::Failed(FailureKind::Connect), now);
        let connection = &mut self.connections[index];
        connection.stream = None;
        connection.state = State::Down;
        self.cold.push(index);
    }

    fn connected(&mut self, index: usize) {
        let connection = &mut self.connections[index];
        let Some(stream) = &connection.stream else {
            return;
        };
        let outcome = match stream.take_error() {
            Ok(None) => stream.peer_addr().map(|_| ()),
            Ok(Some(error)) | Err(error) => Err(error),
        };
        match outcome {
            Ok(()) => {
                // Only a hint to the kernel; the exchange works without it.
                let _ = stream.set_nodelay(true);
                // The kernel does not say when it was established.
                connection.free_since_ns = self.clock.now_ns();
                connection.free_is_exact = false;
                match connection.job.take() {
                    Some(job) => {
                        self.busy -= 1;
                        self.begin(index, job);
                    }
                    None => {
                        connection.state = State::Idle;
                        self.hot.push_back(index);
                    }
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotConnected => {}
            Err(_) => self.go_down(index),
        }
    }

    fn begin(&mut self, index: usize, job: Job) {
        let is_head = self.prepared[job.request as usize].is_head;
        self.busy += 1;
        let now = self.clock.now_ns();
        self.connections[index].begin(job, is_head, now);
        self.write(index);
        self.connections[index].left_by_ns = self.clock.now_ns();
    }

    fn write(&mut self, index: usize) {
        let connection = &mut self.connections[index];
        let (Some(stream), Some(job)) = (&mut connection.stream, connection.job) else {
            return;
        };
        let wire = &self.prepared[job.request as usize].wire;
        while connection.written < wire.len() {
            match stream.write(&wire[connection.written..]) {
                Ok(0) => return self.closed_by_peer(index),
                Ok(written) => connection.written += written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    // The rest leaves when this thread runs again.
                    connection.exact = false;
                    return;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // It closed in order, and a request that came after that was answered by a reset.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                    return self.closed_by_peer(index);
                }
                Err(_) => return self.fail(index, FailureKind::Closed),
            }
        }
    }

    fn read(&mut self, index: usize, closed: bool) {
        loop {
            let connection = &mut self.connections[index];
            let Some(stream) = &mut connection.stream else {
                return;
            };
            let (count, stamp) = match receive(stream, &mut self.buffer) {
                Ok(received) if received.count == 0 => return self.ended_by_peer(index, true),
                Ok(received) => (received.count, received.stamp),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => return self.ended_by_peer(index, false),
            };
            if connection.state != State::Busy {
                // Bytes without a request: this connection cannot be trusted any more.
                return self.reconnect(index);
            }
            let (now, arrived) = self.arrivals.of(stamp, connection.sent_ns);
            let at = connection.arrived(arrived, now, count);
            match self.understand(index, count) {
                Ok(None) => {}
                Ok(Some(reusable)) => {
                    let sent_all = !self.unsent_bytes(index);
                    self.complete(index, at, reusable && sent_all && !closed);
                    return;
                }
                Err(kind) => return self.fail(index, kind),
            }
            // A short read has emptied the socket (epoll(7)); no second call is needed to learn it.
            if count < self.buffer.len() && !closed {
                return;
            }
        }
    }

    /// Gives what was read to the parser: `Some(reusable)` once the answer is whole.
    fn understand(&mut self, index: usize, count: usize) -> Result<Option<bool>, FailureKind> {
        let connection = &mut self.connections[index];
        let read = &self.buffer[..count];
        let direct = connection.pending.is_empty();
        if !direct {
            connection.pending.extend_from_slice(read);
        }
        let input = if direct {
            read
        } else {
            connection.pending.as_slice()
        };
        let length = input.len();
        let step = connection
            .reader
            .advance(input, &mut connection.answer)
            .map_err(|error| {
                if error.is_too_large() {
                    FailureKind::TooLarge
                } else {
                    self.malformed.get_or_insert(error.what());
                    FailureKind::Malformed
                }
            })?;
        match step {
            // Bytes after the end of an answer belong to no request.
            Step::Done { consumed, reusable } => Ok(Some(reusable && consumed == length)),
            Step::NeedMore { consumed } if direct => {
                connection.pending.extend_from_slice(&read[consumed..]);
                Ok(None)
            }
            Step::NeedMore { consumed } => {
                connection.pending.drain(..consumed);
                Ok(None)
            }
        }
    }

    fn ended_by_peer(&mut self, index: usize, in_order: bool) {
        let connection = &mut self.connections[index];
        match connection.state {
            State::Busy => match connection.reader.end_of_input() {
                Ok(()) => {
                    // The kernel does not stamp the end of a stream.
                    connection.end_is_exact = false;
                    let now = self.clock.now_ns();
                    self.complete(index, now, false);
                }
                Err(_) if in_order => self.closed_by_peer(index),
                Err(_) => self.fail(index, FailureKind::Closed),
            },
            State::Connecting => self.go_down(index),
            State::Idle => self.reconnect(index),
            State::Down => {}
        }
    }

    /// The target closed the connection in order while a request was under way. On a kept connection and
    /// before any byte of an answer that is a race, and not a failure: the request goes to a fresh one, once, if it may
    /// be repeated or nothing of it was sent (RFC 9112, section 9.3.1).
    fn closed_by_peer(&mut self, index: usize) {
        let connection = &self.connections[index];
        let Some(job) = connection
            .job
            .filter(|_| connection.kept && connection.bytes == 0)
        else {
            return self.fail(index, FailureKind::Closed);
        };
        let may_repeat = self.prepared[job.request as usize].is_idempotent;
        if may_repeat || connection.written == 0 {
            self.resent += 1;
            self.replace(index);
        } else {
            self.fail(index, FailureKind::ReusedClosed);
        }
    }

    /// The answer is whole, since `at_ns`.
    fn complete(&mut self, index: usize, at_ns: u64, reusable: bool) {
        let connection = &mut self.connections[index];
        let most = match self.address.ip().is_loopback() {
            true => UNREAD_BYTES_LOCAL,
            false => UNREAD_BYTES,
        };
        // It had left when it was answered.
        let left_by_ns = connection.left_by_ns.min(connection.first_ns);
        connection.exact &= connection.end_is_exact
            && connection.bytes <= most
            && left_by_ns.saturating_sub(connection.sent_ns) <= PROMPT_NS;
        let is_measured = |job: Job| job.due_ns >= self.measured_from_ns;
        let counts = connection.exact && connection.job.is_some_and(is_measured);
        self.stamped += u64::from(counts);
        self.end_exchange(index, Ending::Answered, at_ns);
        if reusable {
            let connection = &mut self.connections[index];
            connection.free_since_ns = at_ns;
            connection.free_is_exact = connection.exact;
            connection.state = State::Idle;
            self.hot.push_back(index);
        } else {
            self.replace(index);
        }
    }

    fn fail(&mut self, index: usize, kind: FailureKind) {
        let now = self.clock.now_ns();
        self.end_exchange(index, Ending::Failed(kind), now);
        self.replace(index);
    }

    /// An idle connection is of no more use. One that never carried a request is not opened again
    /// before there is one for it: the target may not want as many.
    fn reconnect(&mut self, index: usize) {
        self.hot.retain(|hot| *hot != index);
        if self.connections[index].used {
            self.replace(index);
        } else {
            self.go_down(index);
        }
    }

    /// Opens a new connection in the place of one that is neither hot nor cold.
    fn replace(&mut self, index: usize) {
        let connection = &mut self.connections[index];
        connection.stream = None;
        self.connect(index);
    }

    /// Takes the job off the connection and reports what became of it.
    fn end_exchange(&mut self, index: usize, ending: Ending, now_ns: u64) {
        let connection = &mut self.connections[index];
        let Some(job) = connection.job.take() else {
            return;
        };
        self.busy -= 1;
        let answered = ending == Ending::Answered;
        let reached = connection.state == State::Busy;
        let hash = if answered {
            connection.answer.hash()
        } else {
            0
        };
        self.finished.push(Observation {
            case: job.request,
            operation: self.prepared[job.request as usize].operation,
            due_ns: job.due_ns,
            free_ns: if reached {
                connection.free_ns
            } else {
                Observation::NEVER
            },
            sent_ns: if reached {
                connection.sent_ns
            } else {
                Observation::NEVER
            },
            first_ns: if reached {
                connection.first_ns
            } else {
                Observation::NEVER
            },
            last_ns: now_ns,
            ending,
            class: if answered {
                class(i32::from(connection.answer.status))
            } else {
                Class::Failed
            },
            code: if answered {
                i32::from(connection.answer.status)
            } else {
                0
            },
            bytes: connection.bytes,
            hash,
        });
        if hash != 0 {
            self.capture(index, hash);
        }
    }

    fn capture(&mut self, index: usize, hash: u64) {
        if self.captures.len() >= CAPTURED_BODIES || self.captured_bytes >= CAPTURED_BYTES {
            return;
        }
        let answer = &self.connections[index].answer;
        if let std::collections::hash_map::Entry::Vacant(entry) = self.captures.entry(hash) {
            self.captured_bytes += answer.body.len();
            entry.insert(Captured {
                content_type: answer.content_type.clone(),
                content_encoding: answer.content_encoding.clone(),
                body: answer.body.clone(),
                truncated: answer.length > CAPTURE_BYTES as u64,
            });
        }
    }

    /// Ends requests and connects that are past their time limit.
    fn sweep(&mut self, now: u64) {
        let timeout = self.options.timeout.nanos();
        self.next_sweep_ns = now + (timeout / 100).clamp(1_000_000, 100_000_000);
        for index in 0..self.connections.len() {
            let connection = &self.connections[index];
            if now.saturating_sub(connection.started_ns) < timeout {
                continue;
            }
            // What it waits for may have come, and this thread was too late to see it.
            let (state, started_ns) = (connection.state, connection.started_ns);
            match state {
                State::Busy => self.read(index, false),
                State::Connecting => self.connected(index),
                State::Idle | State::Down => continue,
            }
            let connection = &self.connections[index];
            if (connection.state, connection.started_ns) != (state, started_ns) {
                continue;
            }
            match state {
                State::Busy => self.fail(index, FailureKind::Timeout),
                _ => self.go_down(index),
            }
        }
    }

    /// Sleeps until something happens or `until_ns`.
    fn park(&mut self, now: u64, until_ns: u64) -> io::Result<()> {
        let until = if self.busy > 0 || self.hot.len() + self.cold.len() < self.connections.len() {
            until_ns.min(self.next_sweep_ns)
        } else {
            until_ns
        };
        let length = Duration::from_nanos(until.saturating_sub(now));
        let timeout = match &self.timer {
            _ if length.is_zero() => Some(Duration::ZERO),
            // In a closed model the same time is waited for again and again.
            Some(_) if until == self.timer_ns => None,
            Some(timer) => {
                timer.arm(length)?;
                self.timer_ns = until;
                None
            }
            // Whole milliseconds, rounded down: the caller spins the rest.
            None => Some(Duration::from_millis(length.as_millis() as u64)),
        };
        self.wait(timeout)
    }

    fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                self.events.clear();
                Ok(())
            }
            other => other,
        }
    }

    fn handle(&mut self, event: &Event) {
        let index = event.token().0;
        let Some(connection) = self.connections.get(index) else {
            return;
        };
        match connection.state {
            State::Connecting if event.is_writable() || event.is_error() => self.connected(index),
            State::Busy | State::Idle => {
                let unsent = self.unsent_bytes(index);
                if event.is_writable() && unsent {
                    self.write(index);
                }
                if event.is_readable() || event.is_read_closed() || event.is_error() {
                    self.read(index, event.is_read_closed());
                }
            }
            _ => {}
        }
    }

    fn unsent_bytes(&self, index: usize) -> bool {
        let connection = &self.connections[index];
        connection.state == State::Busy
            && connection.job.is_some_and(|job| {
                connection.written < self.prepared[job.request as usize].wire.len()
            })
    }
}

impl Driver for HttpDriver {
    fn start(&mut self, clock: Clock, measured_from_ns: u64) {
        self.clock = clock;
        self.arrivals = Arrivals::new(clock);
        self.measured_from_ns = measured_from_ns;
        self.stamped = 0;
        self.timer_ns = 0;
    }

    fn figures(&self) -> DriverFigures {
        DriverFigures {
            resent: self.resent,
            stamped: self.stamped,
            connected: self.opened as u32,
        }
    }

    fn idle(&self) -> usize {
        self.hot.len() + self.cold.len()
    }

    fn busy(&self) -> usize {
        self.busy
    }

    fn operation(&self, request: u32) -> u32 {
        self.prepared[request as usize].operation
    }

    fn submit(&mut self, job: Job) {
        if let Some(index) = self.hot.pop_front() {
            self.begin(index, job);
        } else if let Some(index) = self.cold.pop() {
            self.busy += 1;
            self.connections[index].job = Some(job);
            self.connections[index].bytes = 0;
            self.connect(index);
        }
    }

    fn poll(&mut self, park_until_ns: Option<u64>, done: &mut Vec<Observation>) -> io::Result<()> {
        let now = self.clock.now_ns();
        if now >= self.next_sweep_ns {
            self.sweep(now);
        }
        match park_until_ns {
            Some(until) if self.finished.is_empty() => self.park(now, until)?,
            _ => self.wait(Some(Duration::ZERO))?,
        }
        // The events are lent out while they are handled, so that handling may use all of `self`.
        let events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        for event in &events {
            self.handle(event);
        }
        self.events = events;
        done.append(&mut self.finished);
        Ok(())
    }
}
