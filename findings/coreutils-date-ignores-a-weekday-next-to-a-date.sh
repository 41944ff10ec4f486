#!/bin/sh
# GNU coreutils 9.1: `date -d '2024-05-05 next monday'` is 2024-05-05, a Sunday.
#
# The manual says that a day of the week forwards the date to that day. Where the text also has a date, GNU date takes the
# weekday and does nothing with it: `next monday`, `last friday` and a weekday that contradicts the date are all without
# effect and without an error, while `+3 days` next to the same date works. `date -d 'next monday'` alone works, counted from
# today, so a script that was written that way and is then given the day as an argument always gets that very day.
# uutils date 0.12.0 counts from the date that is given.
#
# Seen 2026-11-30:
#   2024-05-05 next monday: 2024-05-05 Sun
#   2024-05-05 last friday: 2024-05-05 Sun
#   friday 2024-05-05: 2024-05-05 Sun
#   2024-05-05 3 days: 2024-05-08 Wed
# Why it matters here: a difference in examples/coreutils where the rewrite does what the manual of the incumbent says.
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
pinned/bin/date --version | grep -q "9\.1$" || exit 2
# The weekday alone does work: it leads to a Monday.
[ "$(LC_ALL=C pinned/bin/date -u -d 'next monday' +%a)" = Mon ] || exit 1
out=$(for text in '2024-05-05 next monday' '2024-05-05 last friday' 'friday 2024-05-05' '2024-05-05 3 days'; do
    echo "$text: $(LC_ALL=C pinned/bin/date -u -d "$text" '+%F %a')"
done)
printf '%s\n' "$out"
case $out in
*"next monday: 2024-05-05 Sun"*"last friday: 2024-05-05 Sun"*"friday 2024-05-05: 2024-05-05 Sun"*"3 days: 2024-05-08 Wed") exit 0 ;;
*) exit 1 ;;
esac
