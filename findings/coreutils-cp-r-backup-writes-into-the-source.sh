#!/bin/sh
# GNU coreutils 9.1 (Debian 12): `cp -r --backup FROM TO` puts the backups into FROM, and overwrites files there.
#
# Where TO/FROM/f exists, its old content should become TO/FROM/f~. cp 9.1 renames it to FROM/f~ instead, relative to the
# directory where cp runs: a copy that ought to be careful takes files out of the target and writes them into the source,
# over a FROM/f~ that is there. The exit code is 0, nothing is printed. With one file (`cp -b f TO`) it is right, and so is
# it in uutils 0.12.0.
#
# Seen 2026-11-30, of src/f (new), src/f~ (precious) and to/src/f (old), after `cp -r --backup=simple src to`:
#   exit code 0; src/f~: old; precious is gone
# Why it matters here: in examples/coreutils the incumbent is wrong and the rewrite is right; a difference of the trees in
# the working directory shows it, a comparison of outputs and exit codes does not.
#
# Exits 0 if it behaves so, 1 if that has changed, 2 if it cannot be tried.
set -eu
for tool in apt-get dpkg-deb; do
    command -v "$tool" >/dev/null || { echo "$tool is missing" >&2; exit 2; }
done
dir=$(mktemp -d)
chmod 755 "$dir"
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq download coreutils=9.1-1 >apt.log 2>&1 || { cat apt.log >&2; exit 2; }
dpkg-deb -x coreutils_*.deb pinned
pinned/bin/cp --version | grep -q "9\.1$" || exit 2
mkdir -p src to/src
echo new >src/f
echo precious >src/f~
echo old >to/src/f
code=0
pinned/bin/cp -r --backup=simple src to || code=$?
lost=$(grep -rlx precious src to || echo "precious is gone")
out="exit code $code; src/f~: $(cat src/f~); $lost"
printf '%s\n' "$out"
case $out in
"exit code 0; src/f~: old; precious is gone") exit 0 ;;
*) exit 1 ;;
esac
