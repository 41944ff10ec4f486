//! Carries the requests of clients to the incumbent, and its answers back.
//!
//! A worker is a thread with a runtime, listeners (`SO_REUSEPORT`) and connections of its own:
//! workers share nothing while they work but a few counters. What a request needs of the
//! configuration is held by the request (`Plane`), so a reload changes nothing under way.

mod alarm;
mod answer;
mod connect;
mod download;
mod exchange;
mod fields;
mod gather;
mod head;
mod headers;
mod health;
mod http1;
mod http2;
mod inbound;
mod input;
mod outgoing;
mod pacing;
mod record;
mod refusal;
mod route;
mod transport;
mod tunnel;
mod unread;
mod upload;
mod upstream;
mod websocket;
mod worker;

pub(crate) use answer::{NoAnswer, Received};
pub(crate) use connect::Dial;
pub(crate) use head::Head;
pub(crate) use headers::{MARKER, TRACEPARENT, host_from_authority, remove_hop_by_hop};
pub(crate) use health::{Health, Healths, healths, watch};
pub(crate) use record::Slot;
pub(crate) use upstream::{Lease, NoLease, Reuse, Side};
pub(crate) use worker::{Plan, Shared, Sockets, run};
