//! The gateway as clients, servers and operators see it: real sockets, and servers that misbehave.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue fails")]
#![expect(clippy::panic, reason = "a test that cannot continue fails")]

mod admin;
mod backlog;
mod conformance;
mod endings;
mod faults;
mod harness;
mod http2;
mod limits;
mod proof;
mod proxy;
mod sequences;
mod shadow;
mod tls;
