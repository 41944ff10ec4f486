//! Reports as people meet them: in words, as documents other programs read, and in a real browser.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod capacity;
mod chromium;
mod circumstances;
mod earlier;
mod edges;
mod escaping;
mod fixtures;
mod floors;
mod informative;
mod series;
mod sizes;
mod snapshots;
mod suite;
