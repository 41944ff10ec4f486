//! The kind of subject that is asked over HTTP/1.1: a driver of the load engine, and a patient client for everything that
//! is not timed.

mod asker;
mod client;
mod connection;
mod credentials;
mod driver;
pub mod edges;
mod opening;
mod patience;
mod requests;
mod run;
mod target;

pub use asker::HttpAsker;
pub use client::{Client, ClientLimits};
pub use credentials::{Capture, CaptureFrom, Credentials, Jar};
pub use driver::{Captured, Captures, HttpDriver, OpenError, Options, Prepared};
pub use requests::{RequestSource, Requests, WorkloadRequest};
pub use run::{HttpLoadError, Ran, Workload, run, run_into};
pub use target::{Target, TargetError};
