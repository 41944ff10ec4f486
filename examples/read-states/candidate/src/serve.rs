use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};

/// Answers requests until SIGINT or SIGTERM, then lets those under way finish.
#[tokio::main]
pub(crate) async fn run(address: SocketAddr, router: Router) -> io::Result<()> {
    let listener = TcpListener::bind(address).await?;
    crate::log(&format!("listening on {}", listener.local_addr()?));

    let connections = GracefulShutdown::new();
    let mut terminate = signal(SignalKind::terminate())?;
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => answer(stream, &router, &connections),
                Err(error) => {
                    // Out of file descriptors, most likely: let some connections end.
                    crate::log(&format!("cannot accept a connection: {error}"));
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            _ = tokio::signal::ctrl_c() => break,
            _ = terminate.recv() => break,
        }
    }
    drop(listener);
    // What is not finished by then is cut off.
    let _ = tokio::time::timeout(Duration::from_secs(5), connections.shutdown()).await;
    Ok(())
}

fn answer(stream: TcpStream, router: &Router, connections: &GracefulShutdown) {
    // Only a connection that is already gone refuses.
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(120))
        .serve_connection(
            TokioIo::new(stream),
            TowerToHyperService::new(router.clone()),
        );
    let connection = connections.watch(connection);
    // An error is a client that broke off or does not speak HTTP.
    tokio::spawn(async move { drop(connection.await) });
}
