//! What the engine asks of a protocol.

use std::io;
use understudy_model::Observation;

/// A request that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    /// Index of the request in the workload.
    pub request: u32,
    /// When the schedule wanted it sent, nanoseconds on the driver's clock.
    pub intended_ns: u64,
}

/// Carries out requests for one thread of the engine, many at a time.
///
/// A driver owns its connections and its event loop; it never blocks but in [`Driver::poll`].
pub trait Driver {
    /// How many more jobs can be submitted now.
    fn idle(&self) -> usize;

    /// How many jobs are under way.
    fn busy(&self) -> usize;

    /// The endpoint of a request of the workload, by index.
    fn endpoint(&self, request: u32) -> u32;

    /// Starts a job. Only called while [`Driver::idle`] is above zero.
    fn submit(&mut self, job: Job);

    /// Appends what has ended since the last call to `done`. With `park_until_ns` it may sleep until
    /// that time or until something ends; without, it only looks.
    ///
    /// # Errors
    /// The event loop itself is broken. Failures of single requests are observations.
    fn poll(&mut self, park_until_ns: Option<u64>, done: &mut Vec<Observation>) -> io::Result<()>;
}
