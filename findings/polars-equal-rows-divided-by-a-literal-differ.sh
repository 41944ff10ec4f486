#!/bin/sh
# polars 2.1.0: in one query, equal numbers divided by the same literal give different numbers; which, depends on the threads.
#
# `pl.col("x") / 10` multiplies by the rounded reciprocal, 0.1 (pola-rs/polars#23741), so 3 / 10 is 0.30000000000000004. For a
# single row it divides (#20038). A lazy query hands its rows to the threads in pieces, and a piece of one row is such a
# single row: three equal rows on two threads come out as two values, and a group by them has two groups. On one thread,
# eagerly, or divided by a column, the rows are equal; a test with one row sees neither. Where every row is multiplied,
# one in eight of the amounts that are cents / 100 differs from Python, numpy, pandas and pyarrow in its last digit.
#
# Seen 2026-11-30, three rows of 3.0:
#   1 threads: / 10 by literal [0.30000000000000004, 0.30000000000000004, 0.30000000000000004], 1 groups
#   2 threads: / 10 by literal [0.30000000000000004, 0.30000000000000004, 0.3], 2 groups
#   2 threads: / 10 by column [0.3, 0.3, 0.3]
#   1 to 9999 by literal 100: 1327 differ from Python, by column 0, pandas 0
# Why it matters here: a first version of the tuned side of examples/etl did so, and `understudy dataset` names 73 of its 641
# daily means; and two runs of one job can differ when the number of threads or rows does.
#
# Exits 0 if it behaves so, 1 if that has changed, 2 if it cannot be tried.
set -eu
command -v python3 >/dev/null || { echo "python3 is missing" >&2; exit 2; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv env || exit 2
env/bin/pip install --quiet --disable-pip-version-check polars==2.1.0 polars-runtime-32==2.1.0 pandas==3.1.1 ||
    { echo "cannot install it" >&2; exit 2; }
cat > tried.py <<'PY'
import sys

import pandas as pd
import polars as pl

table = pl.DataFrame({"x": [3.0] * 3, "ten": [10.0] * 3}).lazy()
literal = table.select(pl.col("x") / 10).collect().to_series().to_list()
groups = table.group_by(pl.col("x") / 10).len().collect().height
print(f"{pl.thread_pool_size()} threads: / 10 by literal {literal}, {groups} groups")
if len(sys.argv) > 1:
    column = table.select(pl.col("x") / pl.col("ten")).collect().to_series().to_list()
    print(f"{pl.thread_pool_size()} threads: / 10 by column {column}")
    cents = list(range(1, 10_000))
    true = [number / 100 for number in cents]
    many = pl.DataFrame({"cents": cents, "hundred": 100})
    ways = [many.select(pl.col("cents") / 100).to_series().to_list(), many.select(pl.col("cents") / pl.col("hundred")).to_series().to_list(), (pd.Series(cents) / 100).tolist()]
    wrong = [sum(a != b for a, b in zip(way, true, strict=True)) for way in ways]
    print("1 to 9999 by literal 100: {} differ from Python, by column {}, pandas {}".format(*wrong))
PY
out=$(POLARS_MAX_THREADS=1 env/bin/python tried.py && POLARS_MAX_THREADS=2 env/bin/python tried.py more) || exit 2
printf '%s\n' "$out"
case $out in
*"1 threads: / 10 by literal [0.30000000000000004, 0.30000000000000004, 0.30000000000000004], 1 groups"*"2 threads: / 10 by literal [0.30000000000000004, 0.30000000000000004, 0.3], 2 groups"*"by column [0.3, 0.3, 0.3]"*) exit 0 ;;
*) exit 1 ;;
esac
