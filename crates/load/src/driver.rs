//! What the engine asks of a protocol.

use std::io;
use understudy_host::Clock;
use understudy_model::Observation;

/// A request that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    /// Index of the request in the workload.
    pub request: u32,
    /// When the schedule wanted it sent, nanoseconds on the driver's clock.
    pub due_ns: u64,
}

/// What a driver knows of a load in addition to its observations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DriverFigures {
    /// Jobs that were sent again, because the connection was closed before any byte of their answer.
    pub resent: u64,
    /// Measured answers whose end was stamped as it arrived.
    pub stamped: u64,
    /// Connections that the subject accepted before the load began.
    pub connected: u32,
}

/// Carries out requests for one thread of the engine, many at a time.
///
/// A driver owns its connections and its event loop; it never blocks but in [`Driver::poll`].
pub trait Driver {
    /// The load begins: times count by this clock, and what is due from `measured_from_ns` on is measured.
    fn start(&mut self, clock: Clock, measured_from_ns: u64);

    /// What it knows at the end.
    fn figures(&self) -> DriverFigures {
        DriverFigures::default()
    }

    /// How many more jobs can be submitted now.
    fn idle(&self) -> usize;

    /// How many jobs are under way.
    fn busy(&self) -> usize;

    /// The operation of a request of the workload, by index.
    fn operation(&self, request: u32) -> u32;

    /// Starts a job. Only called while [`Driver::idle`] is above zero.
    fn submit(&mut self, job: Job);

    /// Appends what has ended since the last call to `done`. With `park_until_ns` it may sleep until
    /// that time or until something ends; without, it only looks.
    ///
    /// # Errors
    /// The event loop itself is broken. Failures of single requests are observations.
    fn poll(&mut self, park_until_ns: Option<u64>, done: &mut Vec<Observation>) -> io::Result<()>;
}
