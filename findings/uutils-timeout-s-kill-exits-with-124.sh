#!/bin/sh
# uutils timeout 0.12.0: `timeout -s KILL` exits with 124 where its own help, and GNU, say 137.
#
# `timeout --help` of both: 124 if the command times out, 137 if the command "is sent the KILL (9) signal". Asked to send KILL at once,
# uutils sends it and exits with 124; with `-k` (KILL as the second signal) it exits with 137, as documented. A script that
# tells a command that ended by itself on the signal (it flushed, it can be resumed) from one that was killed (its output is
# torn) by 124 against 137 takes a killed one for a clean one.
#
# Seen 2026-11-30, of `timeout ... sleep 5`, and of a shell that ignores TERM:
#   its help:   137  if COMMAND (or timeout itself) is sent the KILL (9) signal (128+9)
#   -s KILL:    GNU 137, uutils 124
#   -k 0.1:     GNU 137, uutils 137
# Why it matters here: the ending of a run is part of what examples/coreutils compares. GNU's timeout kills itself, too: to a
# process that waits for it that is a death by signal, and 137 is what a shell makes of it.
#
# Exits 0 if it behaves so, 1 if that has changed, 2 if it cannot be tried.
set -eu
for tool in cargo timeout; do
    command -v "$tool" >/dev/null || { echo "$tool is missing" >&2; exit 2; }
done
timeout --version | grep -q "GNU coreutils" || { echo "timeout is not GNU's" >&2; exit 2; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
CARGO_PROFILE_DEV_DEBUG=0 CARGO_INCREMENTAL=0 CARGO_TARGET_DIR="$dir/build" cargo install --quiet --debug --locked --root "$dir" uu_timeout --version =0.12.0 >build.log 2>&1 ||
    { cat build.log >&2; exit 2; }
# ended COMMAND...: its exit code as a shell sees it.
ended() {
    code=0
    sh -c '"$@" 2>/dev/null; exit $?' sh "$@" 2>/dev/null || code=$?
    echo "$code"
}
stubborn='trap "" TERM; sleep 1; sleep 1'
out=$(
    echo "its help:   $(bin/timeout --help | grep -o '137 .*')"
    echo "-s KILL:    GNU $(ended timeout -s KILL 0.2 sleep 5), uutils $(ended bin/timeout -s KILL 0.2 sleep 5)"
    echo "-k 0.1:     GNU $(ended timeout -k 0.1 0.2 sh -c "$stubborn"), uutils $(ended bin/timeout -k 0.1 0.2 sh -c "$stubborn")"
)
printf '%s\n' "$out"
case $out in
*"137 "*"-s KILL:    GNU 137, uutils 124"*"-k 0.1:     GNU 137, uutils 137"*) exit 0 ;;
*) exit 1 ;;
esac
