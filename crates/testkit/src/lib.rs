//! Development only: a real HTTP server whose faults are planted, so that tests know the truth.
//!
//! `cargo test` builds it as the example `planted_subject` of the command line; a trial starts it
//! like any other side.

mod answer;
mod collector;
mod server;

pub use answer::Plant;
pub use server::{Behaviour, main};
