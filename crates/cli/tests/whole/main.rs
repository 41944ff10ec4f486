//! The program as its users meet it: whole processes against real servers.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod capacity;
mod case;
mod commands;
mod dataset;
mod dependencies;
mod edges;
mod equivalence;
mod exits;
mod floor;
mod gateway;
mod harness;
mod history;
mod import;
mod init;
mod instructions;
mod latency;
mod load;
mod media;
mod profile;
mod report;
mod resume;
mod sizes;
mod suite;
mod versions;
mod wrong_input;
