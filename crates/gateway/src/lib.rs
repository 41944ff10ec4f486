//! The field: a proxy in front of the incumbent that shows its traffic to a candidate and compares
//! every answer.
//!
//! Four modules: `proxy` carries clients' requests to the incumbent and never waits for anything
//! else; `mirror` takes copies under a bound and asks the candidate, in threads of a lower priority;
//! `ledger` accounts for every eligible request and compares, in a thread of its own; `admin` shows
//! it. What goes from one to the next goes by `try_send`: what is slow loses copies, with a
//! reason, and nothing else.

#![forbid(unsafe_code)]

mod access_log;
mod admin;
pub mod config;
mod control;
mod ledger;
mod listen;
mod mirror;
mod proxy;
pub mod tls;
mod traffic;

pub use admin::status;
pub use config::GatewayConfig;
pub use control::{GatewayError, Running, Surroundings, start};
pub use ledger::{Balance, Waiver};
