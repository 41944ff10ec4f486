//! One connection of the driver, and what is read from it.

use mio::net::TcpStream;
use understudy_load::Job;
use understudy_model::Observation;
use understudy_wire::http1::{Head, Limits, ResponseReader, Sink};

/// Longest body that is hashed and can be captured; a longer one is hashed up to here.
pub(crate) const CAPTURE_BYTES: usize = 1024 * 1024;

/// The state of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Not connected; a job makes it connect.
    Down,
    /// On its way.
    Connecting,
    /// Connected, nothing under way.
    Idle,
    /// A request is under way.
    Busy,
}

/// A connection and the exchange under way on it.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) stream: Option<TcpStream>,
    pub(crate) state: State,
    pub(crate) job: Option<Job>,
    /// Since when it can take a request, nanoseconds.
    pub(crate) free_since_ns: u64,
    /// That time does not depend on when this thread ran.
    pub(crate) free_is_exact: bool,
    /// When the job under way was due and this connection free for it.
    pub(crate) free_ns: u64,
    /// When the job under way was given to it, for its time limit.
    pub(crate) started_ns: u64,
    pub(crate) sent_ns: u64,
    /// When the write of it returned.
    pub(crate) left_by_ns: u64,
    pub(crate) first_ns: u64,
    /// This thread delayed the exchange in no other way than by sending late, as far as is known.
    pub(crate) exact: bool,
    /// The kernel stamped what was read last.
    pub(crate) end_is_exact: bool,
    /// It has carried a request since it was opened.
    pub(crate) used: bool,
    /// It had carried one before that under way.
    pub(crate) kept: bool,
    /// Bytes of the request that the kernel has taken.
    pub(crate) written: usize,
    pub(crate) bytes: u64,
    pub(crate) reader: ResponseReader,
    /// Bytes that arrived and cannot be understood without the next ones.
    pub(crate) pending: Vec<u8>,
    pub(crate) answer: AnswerSink,
}

impl Connection {
    pub(crate) fn new(limits: Limits, inspect: bool) -> Self {
        Connection {
            stream: None,
            state: State::Down,
            job: None,
            free_since_ns: 0,
            free_is_exact: false,
            free_ns: Observation::NEVER,
            started_ns: 0,
            sent_ns: Observation::NEVER,
            left_by_ns: Observation::NEVER,
            first_ns: Observation::NEVER,
            exact: false,
            end_is_exact: false,
            used: false,
            kept: false,
            written: 0,
            bytes: 0,
            reader: ResponseReader::new(limits),
            pending: Vec::new(),
            answer: AnswerSink {
                inspect,
                ..AnswerSink::default()
            },
        }
    }

    /// Makes ready for the answer to a new request.
    pub(crate) fn begin(&mut self, job: Job, answers_head: bool, now_ns: u64) {
        self.job = Some(job);
        self.free_ns = self.free_since_ns.max(job.due_ns);
        self.exact = self.free_is_exact || self.free_since_ns <= job.due_ns;
        self.state = State::Busy;
        self.kept = self.used;
        self.used = true;
        self.started_ns = now_ns;
        self.sent_ns = now_ns;
        self.first_ns = Observation::NEVER;
        self.written = 0;
        self.bytes = 0;
        self.reader.reset(answers_head);
        self.pending.clear();
        self.answer.clear();
    }

    /// Notes `count` bytes of the answer that were read at `now_ns`, and when they arrived if the kernel says so. The
    /// time that counts for them.
    pub(crate) fn arrived(&mut self, arrived_ns: Option<u64>, now_ns: u64, count: usize) -> u64 {
        let mut at = arrived_ns.unwrap_or(now_ns);
        if self.first_ns == Observation::NEVER {
            self.first_ns = at;
        }
        // The begin may have been read without a stamp, after the end arrived.
        at = at.max(self.first_ns);
        self.end_is_exact = arrived_ns == Some(at);
        self.bytes += count as u64;
        at
    }
}

/// What is kept of an answer under load: its status, and where bodies are inspected the beginning
/// of its body with what is needed to understand it.
#[derive(Debug, Default)]
pub(crate) struct AnswerSink {
    pub(crate) inspect: bool,
    pub(crate) status: u16,
    pub(crate) content_type: Vec<u8>,
    pub(crate) content_encoding: Vec<u8>,
    pub(crate) body: Vec<u8>,
    /// Length of the body, also of what is not kept.
    pub(crate) length: u64,
}

impl AnswerSink {
    fn clear(&mut self) {
        self.status = 0;
        self.length = 0;
        self.content_type.clear();
        self.content_encoding.clear();
        self.body.clear();
    }

    /// A hash of the body as received that is never 0; 0 where bodies are not inspected.
    pub(crate) fn hash(&self) -> u64 {
        if !self.inspect {
            return 0;
        }
        // The seed distinguishes bodies that share all that is kept but not their length.
        xxhash_rust::xxh3::xxh3_64_with_seed(&self.body, self.length).max(1)
    }
}

impl Sink for AnswerSink {
    fn head(&mut self, head: &Head<'_>) {
        self.status = head.status;
        if !self.inspect {
            return;
        }
        for header in head.headers {
            if header.name.eq_ignore_ascii_case("content-type") {
                self.content_type.extend_from_slice(header.value);
            } else if header.name.eq_ignore_ascii_case("content-encoding") {
                self.content_encoding.extend_from_slice(header.value);
            }
        }
    }

    fn body(&mut self, part: &[u8]) {
        self.length += part.len() as u64;
        if self.inspect {
            let room = CAPTURE_BYTES.saturating_sub(self.body.len());
            self.body.extend_from_slice(&part[..part.len().min(room)]);
        }
    }
}
