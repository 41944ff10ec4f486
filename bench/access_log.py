#!/usr/bin/env python3
"""Adds lines of nginx's combined format with $request_time to a log, at a pace:

    bench/access_log.py FILE LINES PER_SECOND WRITES_PER_SECOND

while `understudy profile --watch --access-log FILE` reads it.
"""

import random
import sys
import time

AGENT = "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/141.0"


def line():
    path = f"/api/v1/items/{int(random.paretovariate(1)) % 5000}?page={random.randrange(9)}"
    status = 500 if random.random() < 0.0005 else 200
    return (
        f"198.51.100.{random.randrange(250)} - - [26/Nov/2026:06:30:00 +0000] "
        f'"GET {path} HTTP/1.1" {status} 512 "-" "{AGENT}" {random.lognormvariate(-5.5, 0.8):.3f}\n'
    )


def main():
    name = sys.argv[1]
    lines, rate, writes = map(int, sys.argv[2:5])
    random.seed(1)
    at_once = max(1, rate // writes)
    pool = ["".join(line() for _ in range(at_once)).encode() for _ in range(500)]
    begin, written = time.monotonic(), 0
    with open(name, "ab", buffering=0) as log:
        while written < lines:
            log.write(pool[written // at_once % len(pool)])
            written += at_once
            time.sleep(max(0, begin + written / rate - time.monotonic()))
    print(f"{written} lines in {time.monotonic() - begin:.1f} s")


if __name__ == "__main__":
    main()
