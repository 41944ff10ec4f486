//! The fraud score of card payments over HTTP: the rewrite of `../incumbent`.

mod http;
mod model;
mod payment;

use clap::Parser;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

#[derive(Parser)]
struct Arguments {
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The trained model.
    #[arg(long, default_value = "../model.json")]
    model: PathBuf,
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
    let model = model::read(&arguments.model)?;
    let listener = tokio::net::TcpListener::bind(arguments.listen)
        .await
        .map_err(|error| format!("cannot listen on {}: {error}", arguments.listen))?;
    axum::serve(listener, http::router(Arc::new(model)))
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
