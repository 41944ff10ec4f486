#!/bin/sh
# Makes what suite.toml needs: ripgrep in target/peers (a few minutes, once) and the large inputs in data.
#
#   examples/grep/setup.sh
set -eu
here=$(cd "$(dirname "$0")" && pwd)
peers="$here/../../target/peers"
version=15.2.0

grep --version 2>/dev/null | grep -q "GNU grep" || {
    echo "error: \`grep\` is not GNU's" >&2
    echo "hint: run it on a GNU system, such as Debian 12 with grep 3.8" >&2
    exit 1
}
locale -a | grep -qix "en_US.utf-\?8" || {
    echo "error: the locale en_US.UTF-8 is not installed: GNU grep would read bytes" >&2
    echo "hint: on Debian: apt-get install locales && localedef -i en_US -f UTF-8 en_US.UTF-8" >&2
    exit 1
}
# `cargo install` would build it again where it is installed already.
"$peers/bin/rg" --version 2>/dev/null | grep -qF "$version" ||
    cargo install ripgrep --version "$version" --locked --root "$peers"
"$here/data.py"
