#!/bin/sh
# Makes what suite.toml needs: uutils coreutils in target/peers (some minutes on two cores, once) and the large
# inputs in cases/data.
#
#   examples/coreutils/setup.sh
set -eu
here=$(cd "$(dirname "$0")" && pwd)
peers="$here/../../target/peers"
version=0.12.0

sort --version 2>/dev/null | grep -q "GNU coreutils" || {
    echo "error: \`sort\` is not GNU's" >&2
    echo "hint: run it on a GNU system, such as Debian 12 with coreutils 9.1" >&2
    exit 1
}
locale -a | grep -qix "en_US.utf-\?8" || {
    echo "error: the locale en_US.UTF-8 is not installed: both sides would fall back to C" >&2
    echo "hint: on Debian: apt-get install locales && localedef -i en_US -f UTF-8 en_US.UTF-8" >&2
    exit 1
}
# `cargo install` would build it again where it is installed already.
"$peers/bin/coreutils" --version 2>/dev/null | grep -qF "$version" ||
    cargo install coreutils --version "$version" --locked --features unix --root "$peers"
"$here/data.py"
