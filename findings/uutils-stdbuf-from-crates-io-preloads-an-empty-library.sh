#!/bin/sh
# uutils stdbuf 0.12.0 (crates.io: uu_stdbuf, and coreutils with the feature unix): the library that it preloads is empty.
#
# stdbuf changes the buffering of a program by a small library that the dynamic linker loads into it. The package on
# crates.io does not carry the source of that library; its build script writes an empty file in its place, and the build
# succeeds. `stdbuf -o0 PROGRAM` then runs PROGRAM with its usual buffers, the linker complains once a process on standard
# error ("file too short"), and the exit code is that of PROGRAM: a pipeline that relies on unbuffered output hangs or
# batches, and says so only where someone reads standard error. A build from the repository is not affected.
#
# Seen 2026-11-30, what 300 ms after its start has been written by a program that writes `x` with fputc and sleeps:
#   plain:       0 bytes
#   GNU stdbuf:  1 bytes
#   uutils:      0 bytes, exit code 0, file too short
# Why it matters here: every case of stdbuf in examples/coreutils differs, and exit codes alone would not show it.
#
# Exits 0 if it behaves so, 1 if that has changed, 2 if it cannot be tried.
set -eu
for tool in cargo cc stdbuf; do
    command -v "$tool" >/dev/null || { echo "$tool is missing" >&2; exit 2; }
done
stdbuf --version | grep -q "GNU coreutils" || { echo "stdbuf is not GNU's" >&2; exit 2; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
CARGO_PROFILE_DEV_DEBUG=0 CARGO_INCREMENTAL=0 CARGO_TARGET_DIR="$dir/build" cargo install --quiet --debug --locked --root "$dir" uu_stdbuf --version =0.12.0 >build.log 2>&1 ||
    { cat build.log >&2; exit 2; }
cat > slow.c <<'C'
#include <stdio.h>
#include <unistd.h>
int main(void) { fputc('x', stdout); sleep(1); return 0; }
C
cc -o slow slow.c || exit 2
# tried NAME COMMAND...: how much is there while the program sleeps, then the rest.
tried() {
    name=$1
    shift
    "$@" >out 2>err &
    sleep 0.3
    bytes=$(wc -c <out)
    code=0
    wait $! || code=$?
    said=$(grep -o "file too short" err || true)
    printf '%-12s %s bytes%s\n' "$name" "$bytes" "${said:+, exit code $code, $said}"
}
out=$(tried plain: ./slow; tried "GNU stdbuf:" stdbuf -o0 ./slow; tried uutils: bin/stdbuf -o0 ./slow)
printf '%s\n' "$out"
case $out in
*"plain:       0 bytes"*"GNU stdbuf:  1 bytes"*"uutils:      0 bytes, exit code 0, file too short"*) exit 0 ;;
*) exit 1 ;;
esac
