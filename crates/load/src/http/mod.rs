//! HTTP/1.1 as a driver of the engine, and as a patient client for everything that is not timed.

mod client;
mod connection;
mod driver;
mod opening;
mod requests;
mod target;
mod variables;

pub use client::{Client, ClientLimits};
pub use driver::{Captured, Captures, HttpDriver, OpenError, Options, Prepared};
pub use requests::{MAX_FILE_BYTES, RequestSource, Requests, RequestsError, WorkloadRequest};
pub use target::{Target, TargetError};
