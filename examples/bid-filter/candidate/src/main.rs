//! Bids for advertising space over HTTP: the rewrite of `../incumbent`.

mod audience;
mod bidder;
mod campaign;
mod http;
mod openrtb;

use clap::Parser;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// Seed of the made-up users.
const SEED: u64 = 1;

#[derive(Parser)]
struct Arguments {
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// What there is to advertise.
    #[arg(long, default_value = "../campaigns.json")]
    campaigns: PathBuf,
    /// Users to make up at start.
    #[arg(long, default_value_t = 500_000)]
    users: u64,
}

fn main() -> ExitCode {
    match serve(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log(&error);
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn serve(arguments: &Arguments) -> Result<(), String> {
    let campaigns = campaign::read(&arguments.campaigns)?;
    let audience = audience::Audience::made_up(arguments.users, SEED);
    let service = http::router(Arc::new(bidder::Bidder::new(campaigns, audience)));
    let listener = tokio::net::TcpListener::bind(arguments.listen)
        .await
        .map_err(|error| format!("cannot listen on {}: {error}", arguments.listen))?;
    axum::serve(listener, service)
        .with_graceful_shutdown(ended())
        .await
        .map_err(|error| format!("cannot serve: {error}"))
}

/// Returns when SIGINT or SIGTERM asks for the end.
async fn ended() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminated) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminated.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

#[expect(clippy::print_stderr, reason = "a service logs to standard error")]
fn log(line: &str) {
    eprintln!("{line}");
}
