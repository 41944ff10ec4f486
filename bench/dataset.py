#!/usr/bin/env python3
"""understudy dataset beside DuckDB over the same files, in turn: rate and memory.

    python3 -m venv .venv && .venv/bin/pip install duckdb
    .venv/bin/python bench/dataset.py --gb 10 --rounds 3

DuckDB computes count(*) and the sum of hash() of all columns over each of both sides: the least that an engine has to do to
say that two tables have the same rows. The data is written once, to --folder, and removed with --remove.
"""

import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

ROWS_PER_FILE = 5_000_000
LINE_ITEMS = """
    select i // 4 as l_orderkey, (hash(i) % 200000)::bigint as l_partkey, (hash(i + 1) % 10000)::bigint as l_suppkey,
        (i % 7)::int as l_linenumber, (hash(i + 2) % 50)::decimal(15, 2) as l_quantity,
        ((hash(i + 3) % 10000000) / 100)::decimal(15, 2) as l_extendedprice,
        ((hash(i + 4) % 11) / 100)::decimal(15, 2) as l_discount, (hash(i + 5) % 1000) / 7.0 as l_tax,
        ['A', 'N', 'R'][(hash(i + 6) % 3)::int + 1] as l_returnflag, ['O', 'F'][(i % 2)::int + 1] as l_linestatus,
        date '1992-01-01' + (hash(i + 7) % 2500)::int as l_shipdate,
        timestamp '1992-01-01' + to_seconds((hash(i + 8) % 200000000)::bigint) as l_committed,
        ['AIR', 'MAIL', 'SHIP', 'RAIL', 'TRUCK'][(hash(i + 9) % 5)::int + 1] as l_shipmode,
        case when i % 10 = 0 then null else 'comment ' || (hash(i + 10) % 1000000000)::varchar end as l_comment
    from range({first}, {last}) r(i)
"""
HASHES = "select count(*), sum(hash(t)::hugeint) from '{files}' t"


def measured(command):
    """Seconds and peak memory in MiB of a process, and its exit code."""
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    return time.monotonic() - began, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status)


def write(folder, size):
    import duckdb

    side = folder / "a"
    side.mkdir(parents=True, exist_ok=True)
    number = 0
    while sum(file.stat().st_size for file in side.iterdir()) < size:
        first = number * ROWS_PER_FILE
        rows = LINE_ITEMS.format(first=first, last=first + ROWS_PER_FILE)
        duckdb.connect().execute(f"copy ({rows}) to '{side}/{number:04}.parquet' (format parquet)")
        number += 1
    return side


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--gb", type=float, default=1.0, help="size of a side")
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("/tmp/understudy-bench-dataset"))
    arguments.add_argument("--program", default="target/release/understudy")
    arguments.add_argument("--remove", action="store_true", help="remove the data at the end")
    given = arguments.parse_args()
    side = write(given.folder, given.gb * 1e9)
    bytes_read = 2 * sum(file.stat().st_size for file in side.iterdir())
    duck = f"import duckdb; c = duckdb.connect(config={{'threads': {given.threads}}}); " + "; ".join(
        [f'print(c.execute("{HASHES.format(files=f"{side}/*.parquet")}").fetchall())'] * 2
    )
    programs = {
        "understudy": [given.program, "dataset", str(side), str(side), "--threads", str(given.threads)],
        "duckdb": [sys.executable, "-c", duck],
    }
    figures = {name: [] for name in programs}
    for round_number in range(given.rounds):
        order = list(programs) if round_number % 2 == 0 else list(reversed(programs))
        for name in order:
            seconds, memory, code = measured(programs[name])
            assert code == 0, (name, code)
            figures[name].append((seconds, memory))
            print(f"{name:<11} {seconds:7.2f} s  {bytes_read / seconds / 1e6:8.0f} MB/s  {memory:7.0f} MiB", flush=True)
    ratios = [duck / own for (own, _), (duck, _) in zip(figures["understudy"], figures["duckdb"])]
    peak = max(memory for _, memory in figures["understudy"])
    print(f"rate beside DuckDB: {statistics.median(ratios):.2f} (at least 0.8)  peak {peak:.0f} MiB (under 512)")
    if given.remove:
        shutil.rmtree(given.folder)
    return 0 if statistics.median(ratios) >= 0.8 and peak < 512 else 1


if __name__ == "__main__":
    sys.exit(main())
