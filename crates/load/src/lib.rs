//! Open-model load with latencies that count from the intended send time.
//!
//! A [`Plan`] is carried out by [`run`]: per-thread event loops release requests when their
//! schedule says so, each drives a [`Driver`], and a [`Recorder`] a thread keeps what happened.
//! Nothing is shared between threads while they run; results are merged at the end.

mod driver;
mod engine;
pub mod http;
mod log;
mod picker;
mod progress;
mod recorder;
pub mod report;
mod run;
mod schedule;

pub use driver::{Driver, Job};
pub use log::{LogReceiver, LogSender, log_pipe};
pub use picker::Picker;
pub use progress::{Glimpse, Progress};
pub use recorder::{Histograms, Recorder};
pub use run::{DEFAULT_QUEUE, Plan, Ran, Rate, RunError, Workload, run, run_into};
pub use schedule::Schedule;
