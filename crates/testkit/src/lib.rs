//! Development only: a real HTTP server whose faults are planted, so that tests know the truth; and a
//! real browser to look at pages with.
//!
//! `cargo test` builds it as the example `planted_subject`; a trial starts it like any other side.

mod answer;
pub mod browser;
mod collector;
mod exchanges;
mod server;

pub use answer::Plant;
pub use exchanges::answered;
pub use server::{Behaviour, main};
