//! The gateway as clients, servers and operators see it: real sockets, and servers that misbehave.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(clippy::panic, reason = "a test that cannot go on fails")]

mod admin;
#[expect(dead_code, reason = "the tests of the report open files with it")]
#[path = "../../../report/tests/whole/browser.rs"]
mod browser;
mod faults;
mod harness;
mod http2;
mod proxy;
mod shadow;
mod tls;
