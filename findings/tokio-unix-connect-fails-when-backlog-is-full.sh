#!/bin/sh
# tokio 1.54.1 (Linux): UnixStream::connect(..).await does not wait for room in the backlog of a listener.
#
# TcpStream::connect(..).await to a listener whose backlog is full waits, as the blocking connect of either kind does, until
# there is room. UnixStream::connect(..).await returns at once with ErrorKind::WouldBlock, a kind that code behind an
# .await has no reason to expect, and that says nothing about the server but that it is busy. The kernel refuses a connect
# to a Unix socket that does not wait with EAGAIN, which no readiness event follows, and tokio hands it on.
#
# Seen 2026-11-29, backlog 1, nothing accepts for 500 ms:
#   std (blocking): connected=true waited=true
#   tokio:          WouldBlock
# Why it matters here: a proxy in front of a Unix socket answers 502 in a burst where it would only have had to wait;
# Understudy's copies are tried again.
#
# Exits 0 if it behaves so, 1 if that has changed, 2 if it cannot be tried.
set -eu
command -v cargo >/dev/null || { echo "cargo is missing" >&2; exit 2; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
mkdir src
cat > Cargo.toml <<'T'
[package]
name = "tried"
version = "0.0.0"
edition = "2021"

[dependencies]
socket2 = "=0.6.5"
tokio = { version = "=1.54.1", features = ["net", "rt", "time"] }

[workspace]
T
cat > src/main.rs <<'R'
use socket2::{Domain, SockAddr, Socket, Type};
use std::os::unix::net::UnixStream as Blocking;
use std::time::{Duration, Instant};

/// A listener with a backlog of 1, and connections that fill it.
fn full(path: &str) -> (Socket, Vec<Socket>) {
    let listener = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    let address = SockAddr::unix(path).unwrap();
    listener.bind(&address).unwrap();
    listener.listen(1).unwrap();
    let mut waiting = Vec::new();
    loop {
        let client = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        client.set_nonblocking(true).unwrap();
        match client.connect(&address) {
            Ok(()) => waiting.push(client),
            Err(_) => return (listener, waiting),
        }
    }
}

fn main() {
    let (listener, _waiting) = full("blocking.socket");
    let accepts = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(500));
        let _first = listener.accept();
        std::thread::sleep(Duration::from_secs(1));
    });
    let begun = Instant::now();
    let connected = Blocking::connect("blocking.socket").is_ok();
    let waited = begun.elapsed() >= Duration::from_millis(400);
    println!("std (blocking): connected={connected} waited={waited}");
    accepts.join().unwrap();

    let (_listener, _waiting) = full("async.socket");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let said = runtime.block_on(async {
        let connect = tokio::net::UnixStream::connect("async.socket");
        match tokio::time::timeout(Duration::from_secs(2), connect).await {
            Err(_) => "waits".to_owned(),
            Ok(Ok(_)) => "connected".to_owned(),
            Ok(Err(error)) => format!("{:?}", error.kind()),
        }
    });
    println!("tokio:          {said}");
}
R
cargo build --quiet 2>build.log || { cat build.log >&2; exit 2; }
out=$(timeout 30 target/debug/tried) || exit 2
printf '%s\n' "$out"
case $out in
*"connected=true waited=true"*"tokio:          WouldBlock"*) exit 0 ;;
*) exit 1 ;;
esac
