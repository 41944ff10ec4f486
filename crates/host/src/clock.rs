use std::time::Instant;

/// A monotonic clock that counts nanoseconds from its epoch.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    epoch: Instant,
}

impl Clock {
    /// A clock whose zero is `epoch`.
    pub fn since(epoch: Instant) -> Self {
        Clock { epoch }
    }

    /// Nanoseconds since the epoch; 0 before it.
    pub fn now_ns(&self) -> u64 {
        // 2^64 ns are 584 years.
        self.epoch.elapsed().as_nanos() as u64
    }

    /// The moment that this clock calls zero.
    pub fn epoch(&self) -> Instant {
        self.epoch
    }
}
