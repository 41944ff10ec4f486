//! Codecs without IO: bytes in, meaning out.
//!
//! Every parser in here reads bytes of strangers: it is bounded, never panics, and is fuzzed
//! (`fuzz/fuzz_targets`).

pub mod access_log;
mod framing;
pub mod gor;
pub mod har;
pub mod http1;
pub mod json;
pub mod runtime;
