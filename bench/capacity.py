#!/usr/bin/env python3
"""How often the interval of `load --find-capacity` contains the answer of theory.

A planted worker with known service times (1 ms, first in first out) is searched RUNS times, by turns
with fixed (M/D/1) and exponential ones (M/M/1); p99 has to be at most 10 ms. Prints each interval and
how many contain the analytic answer. Needs two CPUs: the generator runs on the first, the worker on
the second.

    cargo build --release -p understudy-cli -p understudy-testkit --bins --examples
    bench/capacity.py target/release [RUNS] [BUDGET]
"""

import json
import math
import socket
import subprocess
import sys
import time

BOUND = 10.0  # in service times
ALLOWED = 0.01


def share_fixed(load):
    """P(latency > BOUND) of M/D/1 (Erlang 1909)."""
    t = BOUND - 1
    terms = (
        (load * (k - t)) ** k / math.factorial(k) * math.exp(-load * (k - t))
        for k in range(int(t) + 1)
    )
    return 1 - (1 - load) * sum(terms)


def share_exponential(load):
    """P(latency > BOUND) of M/M/1."""
    return math.exp(-(1 - load) * BOUND)


def answer(share):
    low, high = 1e-6, 1 - 1e-9
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if share(middle) < ALLOWED else (low, middle)
    return low * 1000


def jiffies():
    """CPU time of the machine so far: used, and taken by the hypervisor."""
    with open("/proc/stat") as stat:
        user, nice, system, _, _, irq, softirq, steal = map(int, stat.readline().split()[1:9])
    return user + nice + system + irq + softirq, steal


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def search(folder, flags, seed, budget):
    port = str(free_port())
    worker = ["taskset", "-c", "1", f"{folder}/examples/planted_subject"]
    subject = subprocess.Popen(worker + ["--port", port, "--worker-us", "1000", *flags])
    try:
        time.sleep(0.5)
        command = [f"{folder}/understudy", "load", f"http://127.0.0.1:{port}/items/1"]
        command += ["--find-capacity", "--slo", "p99<10ms", "--rate", "400", "--warmup", "500ms"]
        command += ["--budget", budget, "--cpus", "0", "--seed", str(seed), "--json", "-"]
        ended = subprocess.run(command, capture_output=True, text=True)
        return json.loads(ended.stdout)["capacity"]
    finally:
        subject.kill()
        subject.wait()


def main():
    folder = sys.argv[1]
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    budget = sys.argv[3] if len(sys.argv) > 3 else "60s"
    # Theory knows nothing of a hypervisor that takes CPU time: a worker that has less of it serves less.
    queues = [("M/D/1", [], answer(share_fixed)), ("M/M/1", ["--exponential"], answer(share_exponential))]
    contained = 0
    for run in range(runs):
        name, flags, truth = queues[run % 2]
        before = jiffies()
        found = search(folder, flags, 1000 * run + 1, budget)
        busy, stolen = (after - then for after, then in zip(jiffies(), before))
        low, high = found["rate_rps"]["low"], found["rate_rps"]["high"]
        hit = found["kind"] == "between" and low <= truth <= high
        contained += hit
        print(
            f"{name} answer {truth:.1f}: {found['kind']} {low} to {high}, "
            f"{len(found['knee'])} trials, {found['refused']} refused, "
            f"{100 * stolen / max(1, busy + stolen):.1f} % of busy time stolen, {'contained' if hit else 'MISSED'}",
            flush=True,
        )
    print(f"{contained} of {runs} intervals contain the answer")


if __name__ == "__main__":
    main()
