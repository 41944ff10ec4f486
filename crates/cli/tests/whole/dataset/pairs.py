"""Writes random pairs of small tables and what DuckDB's EXCEPT ALL says of them: one JSON line a pair."""

import json
import random
import sys

import duckdb

folder, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rng = random.Random(seed)
db = duckdb.connect()

COLUMNS = {
    "id": ("integer", lambda: rng.randrange(8)),
    "n": ("bigint", lambda: rng.choice([None, 0, -1, 2**62, 3])),
    "x": ("double", lambda: rng.choice([None, "nan", 0.0, -0.0, 0.1, 1e300, "-inf"])),
    "d": ("decimal(12,3)", lambda: rng.choice([None, "1.500", "-0.001", "0"])),
    "t": ("varchar", lambda: rng.choice([None, "", "null", "a", "A", "ä", "NaN"])),
    "at": ("timestamp", lambda: rng.choice([None, "1969-12-31 23:59:59.5", "2026-01-01"])),
    "day": ("date", lambda: rng.choice([None, "2026-01-31", "0001-01-01"])),
    "is": ("boolean", lambda: rng.choice([None, True, False])),
    "list": ("integer[]", lambda: rng.choice([None, [], [1], [1, None], [None], [1, 2]])),
    "in": ("struct(a integer, b varchar)", lambda: rng.choice([None, {"a": 1, "b": None}, {"a": None, "b": ""}])),
}
WIDER = {"id": "bigint", "x": "double", "d": "decimal(20,5)"}


def row():
    return [make() for _, make in COLUMNS.values()]


def changed(rows):
    rows = [list(one) for one in rows]
    for _ in range(rng.choice([0, 0, 1, 1, 3])):
        what = rng.randrange(4)
        if what == 0 or not rows:
            rows.append(row())
        elif what == 1:
            rows.append(list(rng.choice(rows)))
        elif what == 2:
            rows.pop(rng.randrange(len(rows)))
        else:
            at = rng.randrange(len(COLUMNS))
            rng.choice(rows)[at] = list(COLUMNS.values())[at][1]()
    rng.shuffle(rows)
    return rows


def write(name, rows, wider, path):
    types = {column: of for column, (of, _) in COLUMNS.items()}
    if wider:
        types.update(WIDER)
    db.execute(f"create or replace table {name} (" + ", ".join(f'"{c}" {t}' for c, t in types.items()) + ")")
    if rows:
        db.executemany(f"insert into {name} values ({', '.join('?' * len(types))})", rows)
    packed = rng.choice(["snappy", "zstd", "gzip", "uncompressed", "lz4_raw"])
    db.execute(f"copy {name} to '{path}' (format parquet, compression {packed})")


def more(first, second):
    both = f"select count(*) from (select * from {first} except all select * from {second})"
    return db.execute(both).fetchone()[0]


for pair in range(count):
    rows = [row() for _ in range(rng.randrange(30))]
    a, b = (f"{folder}/{pair}{side}.parquet" for side in "ab")
    write("a", rows, False, a)
    write("b", changed(rows), rng.random() < 0.3, b)
    print(json.dumps({"a": a, "b": b, "more_in_a": more("a", "b"), "more_in_b": more("b", "a")}))
