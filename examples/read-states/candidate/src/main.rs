//! Read states of a chat service: how far each user has read each channel, and how often they were
//! mentioned since.
//!
//! All of it is a cache in memory: what does not fit is forgotten, least recently used first, and a
//! caller that gets 404 asks the database behind it.

mod http;
mod id;
mod preload;
mod serve;
mod store;

use clap::Parser;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

#[derive(Parser)]
struct Arguments {
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Read states kept in memory.
    #[arg(long, default_value_t = 2_000_000)]
    capacity: usize,
    /// Read states to make up at start.
    #[arg(long, default_value_t = 0)]
    preload: u64,
    /// Seed of the preloaded read states.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let store = Arc::new(store::Store::new(arguments.capacity));
    preload::preload(&store, arguments.preload, arguments.seed);
    match serve::run(arguments.listen, http::router(store)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log(&format!("cannot serve on {}: {error}", arguments.listen));
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "a service logs to standard error")]
fn log(line: &str) {
    eprintln!("{line}");
}
