#!/bin/sh
# axum 0.8.9 with its feature `http1` alone speaks HTTP/2 by prior knowledge, or not, depending on what it is built with.
#
# `axum::serve` takes connections by `hyper_util::server::conn::auto`, which knows HTTP/2 if hyper-util has the feature
# `http2`. Cargo unites the features of a dependency over all packages of one build, so `cargo build --workspace` beside a
# crate that asks for `http2` makes a server that speaks it, and `cargo build -p` of the same source, lock file and
# profile makes one that does not.
#
# Seen 2026-11-30 (cargo 1.95.0, hyper-util 0.1.21):
#   built by -p: HTTP/2 by prior knowledge fails
#   built by --workspace: HTTP/2 by prior knowledge answers 200 over 2
# Why it matters here: the binary that was compared has to be the one that is shipped; a trial stores the SHA-256 of both
# programs, and `--edges` asks what the two speak.
#
# Exits 0 if it behaves so, 1 if that has changed, 2 if it cannot be tried.
set -eu
for tool in cargo curl; do
    command -v $tool >/dev/null || { echo "$tool is missing" >&2; exit 2; }
done
curl --version | grep -q HTTP2 || { echo "this curl has no HTTP/2" >&2; exit 2; }
dir=$(mktemp -d)
server=
trap 'test -z "$server" || kill "$server" 2>/dev/null || :; rm -rf "$dir"' EXIT
cd "$dir"
mkdir -p server/src neighbour/src
cat > Cargo.toml <<'T'
[workspace]
members = ["server", "neighbour"]
resolver = "3"
T
cat > server/Cargo.toml <<'T'
[package]
name = "server"
version = "0.1.0"
edition = "2024"

[dependencies]
axum = { version = "=0.8.9", default-features = false, features = ["http1", "tokio"] }
tokio = { version = "1", features = ["net", "rt", "macros"] }
T
cat > server/src/main.rs <<'R'
#[tokio::main(flavor = "current_thread")]
async fn main() {
    let routes = axum::Router::new().route("/", axum::routing::get(|| async { "hello" }));
    let address = std::env::args().nth(1).unwrap();
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    axum::serve(listener, routes).await.unwrap();
}
R
cat > neighbour/Cargo.toml <<'T'
[package]
name = "neighbour"
version = "0.1.0"
edition = "2024"

[dependencies]
hyper-util = { version = "=0.1.21", features = ["http2", "server-auto", "tokio"] }
T
echo 'fn main() {}' > neighbour/src/main.rs

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])' 2>/dev/null || echo 38917)
ask() {
    target/debug/server "127.0.0.1:$port" >/dev/null 2>&1 &
    server=$!
    curl -s -o /dev/null --retry 20 --retry-delay 1 --retry-connrefused "http://127.0.0.1:$port/" || exit 2
    if said=$(curl -s -o /dev/null -w '%{http_code} over %{http_version}' --http2-prior-knowledge "http://127.0.0.1:$port/"); then
        said="answers $said"
    else
        said=fails
    fi
    kill "$server"
    wait "$server" 2>/dev/null || :
    server=
}
cargo build --quiet -p server || { echo "cannot build it" >&2; exit 2; }
ask
out="built by -p: HTTP/2 by prior knowledge $said"
cargo build --quiet --workspace || { echo "cannot build it" >&2; exit 2; }
ask
out="$out
built by --workspace: HTTP/2 by prior knowledge $said"
echo "$out"
case $out in
"built by -p: HTTP/2 by prior knowledge fails
built by --workspace: HTTP/2 by prior knowledge answers 200 over 2") exit 0 ;;
*) exit 1 ;;
esac
