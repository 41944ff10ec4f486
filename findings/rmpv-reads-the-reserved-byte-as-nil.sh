#!/bin/sh
# rmpv 1.3.1: the byte 0xc1, which MessagePack reserves and says is never used, is read as nil, without an error.
#
# The specification lists 0xc1 as "(never used)". rmp names it `Marker::Reserved`; rmpv's reader of whole values takes it
# for nil, so a stream that lost its place gives values where other readers (msgpack of Python here) refuse it.
#
# Seen 2026-11-30 (rmpv 1.3.1, Python's msgpack 1.1.2):
#   rmpv [0xc1]: Ok(Nil); [0x92, 0xc1, 0x01]: Ok(Array([Nil, Integer(PosInt(1))]))
#   msgpack [0xc1]: FormatError
# Why it matters here: a candidate that writes such a byte would compare as one that writes nil; Understudy reads
# MessagePack by the markers of rmp, and a body with that byte is no MessagePack.
#
# Exits 0 if it behaves so, 1 if that has changed, 2 if it cannot be tried.
set -eu
for tool in cargo python3; do
    command -v $tool >/dev/null || { echo "$tool is missing" >&2; exit 2; }
done
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
mkdir src
cat > Cargo.toml <<'T'
[package]
name = "tried"
version = "0.1.0"
edition = "2021"

[dependencies]
rmpv = "=1.3.1"
T
cat > src/main.rs <<'R'
fn main() {
    let read = |bytes: &[u8]| format!("{:?}", rmpv::decode::read_value(&mut &bytes[..]));
    println!("rmpv [0xc1]: {}; [0x92, 0xc1, 0x01]: {}", read(&[0xc1]), read(&[0x92, 0xc1, 0x01]));
}
R
python3 -m venv env && env/bin/pip install --quiet --disable-pip-version-check msgpack==1.1.2 || exit 2
of_rust=$(cargo run --quiet) || { echo "cannot build it" >&2; exit 2; }
of_python=$(env/bin/python -c '
import msgpack
try:
    print("msgpack [0xc1]:", msgpack.unpackb(b"\xc1"))
except Exception as error:
    print("msgpack [0xc1]:", type(error).__name__)
') || exit 2
printf '%s\n%s\n' "$of_rust" "$of_python"
case "$of_rust
$of_python" in
"rmpv [0xc1]: Ok(Nil); [0x92, 0xc1, 0x01]: Ok(Array([Nil, Integer(PosInt(1))]))
msgpack [0xc1]: FormatError") exit 0 ;;
*) exit 1 ;;
esac
