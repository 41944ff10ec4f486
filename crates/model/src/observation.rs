use crate::{Class, FailureKind};

/// How one measured exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ending {
    /// A whole answer arrived; its code says what the subject thought of the request.
    Answered,
    /// No whole answer arrived. Its latency counts as infinite.
    Failed(FailureKind),
    /// The bounded queue of the generator was full: the request was due and never sent.
    Overflow,
    /// The measurement ended (interrupt, end of the drain period) before the answer came.
    Abandoned,
}

impl Ending {
    /// Every ending with the number that stands for it in stored evidence.
    pub const ALL: [(Ending, u8); 11] = [
        (Ending::Answered, 0),
        (Ending::Failed(FailureKind::Connect), 1),
        (Ending::Failed(FailureKind::Closed), 2),
        (Ending::Failed(FailureKind::Timeout), 3),
        (Ending::Failed(FailureKind::Malformed), 4),
        (Ending::Failed(FailureKind::TooLarge), 5),
        (Ending::Overflow, 6),
        (Ending::Abandoned, 7),
        (Ending::Failed(FailureKind::ReusedClosed), 8),
        (Ending::Failed(FailureKind::OutOfMemory), 9),
        (Ending::Failed(FailureKind::NotStarted), 10),
    ];

    /// The name used in output and stored evidence.
    pub fn name(self) -> &'static str {
        match self {
            Ending::Answered => "answered",
            Ending::Failed(kind) => kind.name(),
            Ending::Overflow => "overflow",
            Ending::Abandoned => "abandoned",
        }
    }

    /// The inverse of [`Ending::name`].
    pub fn from_name(name: &str) -> Option<Ending> {
        Ending::ALL
            .iter()
            .map(|(ending, _)| *ending)
            .find(|ending| ending.name() == name)
    }
}

/// One exchange under load: a row of the evidence.
///
/// Times are nanoseconds since the start of the block. A time that was never reached (not sent, no
/// byte) is [`Observation::NEVER`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observation {
    /// Index of the case in the workload.
    pub case: u32,
    /// Index of the operation in the workload.
    pub operation: u32,
    /// When the schedule wanted it sent.
    pub due_ns: u64,
    /// When it was due *and* a connection was free for it (never before `due_ns`).
    pub free_ns: u64,
    /// When its first byte was handed to the kernel.
    pub sent_ns: u64,
    /// When the first byte of the answer was read.
    pub first_ns: u64,
    /// When the last byte of the answer was read, or the failure was noticed.
    pub last_ns: u64,
    /// How it ended.
    pub ending: Ending,
    /// What the kind of subject makes of the answer; [`Class::Failed`] without one.
    pub class: Class,
    /// The code of the answer; 0 without one.
    pub code: i32,
    /// Bytes of the answer as read from the wire, head included.
    pub bytes: u64,
    /// Hash of the body as received; 0 when not taken.
    pub hash: u64,
}

impl Observation {
    /// Stands for a time that was never reached.
    pub const NEVER: u64 = u64::MAX;

    /// Does it count against the error rate: no answer, or one that the kind of subject calls failed?
    pub fn is_error(&self) -> bool {
        self.ending != Ending::Answered || self.class == Class::Failed
    }

    /// Nanoseconds from the intended time to the last byte; `None` (infinite) without an answer.
    pub fn latency_ns(&self) -> Option<u64> {
        (self.ending == Ending::Answered).then(|| self.last_ns.saturating_sub(self.due_ns))
    }

    /// The same without the generator's own lateness: from when it was sent, with the time that it waited for a
    /// connection.
    pub fn latency_from_sent_ns(&self) -> Option<u64> {
        let late_ns = self.send_lag_ns().unwrap_or_default();
        self.latency_ns().map(|ns| ns.saturating_sub(late_ns))
    }

    /// Nanoseconds from sending to the last byte; `None` without an answer.
    pub fn service_time_ns(&self) -> Option<u64> {
        (self.ending == Ending::Answered).then(|| self.last_ns.saturating_sub(self.sent_ns))
    }

    /// Nanoseconds it waited, already due, for a free connection; `None` if it never got one.
    pub fn connection_wait_ns(&self) -> Option<u64> {
        (self.free_ns != Self::NEVER).then(|| self.free_ns.saturating_sub(self.due_ns))
    }

    /// Nanoseconds between "due and a connection free" and "written": the generator's own lateness.
    pub fn send_lag_ns(&self) -> Option<u64> {
        (self.sent_ns != Self::NEVER).then(|| self.sent_ns.saturating_sub(self.free_ns))
    }
}
