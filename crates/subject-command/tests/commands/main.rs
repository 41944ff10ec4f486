//! Real commands under a real launcher.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot continue fails")]

mod answers;
mod launcher;
mod support;
mod watched;
mod workdir;
