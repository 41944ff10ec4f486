//! Open-model load with latencies that count from the intended send time.
//!
//! A [`Plan`] is carried out by [`run_drivers`]: per-thread event loops release requests when their
//! schedule says so, each drives a [`Driver`], and a [`Recorder`] a thread keeps what happened.
//! Nothing is shared between threads while they run; results are merged at the end.

mod driver;
mod engine;
mod log;
mod picker;
mod progress;
mod recorder;
pub mod report;
mod run;
mod schedule;

pub use driver::{Driver, DriverFigures, Job};
pub use log::{LogReceiver, LogSender, log_pipe};
pub use picker::Picker;
pub use progress::{Glimpse, Progress};
pub use recorder::{Histograms, Recorder};
pub use run::{DEFAULT_QUEUE, Plan, Ran, Rate, RunError, run_drivers};
pub use schedule::Schedule;
