//! One service by itself: its capacity, where its slowest requests come from, what it uses of what it is given, and
//! how its runtime stops it.
//!
//! A [`Service`] runs already. [`under_load`] looks for its capacity and measures it at the rate that it has to serve;
//! [`watch`] sends nothing, and reads its [`AccessLog`] as that grows. Both make a
//! [`ProfileReport`](understudy_model::profile::ProfileReport) without its findings, which are sentences about the
//! rest of it. [`search_capacity`] is the search alone.

mod access_log;
mod capacity;
mod error;
mod load;
mod measurement;
mod not_seen;
mod pauses;
mod service;
mod tail;
mod traffic;
mod usage;
mod watch;

pub use access_log::{AccessLog, FollowedLog};
pub use capacity::search_capacity;
pub use error::ProfileError;
pub use load::{Budget, Event, HIGHEST_RATE, LoadConfig, under_load};
pub use service::{Service, ServiceConfig};
pub use watch::{WatchConfig, watch};

/// Begin and end of a measurement, seconds since the start of the load.
type Window = (f64, f64);
