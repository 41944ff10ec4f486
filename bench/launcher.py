#!/usr/bin/env python3
"""What a run of `true` costs under the launcher of commands, and under hyperfine without a shell.

    cargo build --release -p understudy-subject-command --examples
    bench/launcher.py target/release/examples [ROUNDS [RUNS]]

Needs hyperfine on PATH. The two take turns, so that a busy machine is busy for both. For each, the median over rounds
of: the wall time of a run as it is reported, the CPU time, and the time that passes for each run, all included.
"""

import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

COMMAND = "/bin/true"


def launcher(examples, runs):
    with tempfile.TemporaryDirectory() as folder:
        program = [examples / "run_command", examples / "command_launcher", folder, str(runs), COMMAND]
        text = subprocess.run(program, check=True, capture_output=True, text=True).stdout
    *lines, last = map(json.loads, text.splitlines())
    assert all(ending == {"Exit": 0} for ending, _ in lines), lines
    figures = [figures for _, figures in lines]
    return {
        "wall": statistics.median(f["wall_ns"] for f in figures) / 1e3,
        "fork": statistics.median(f["launch_ns"] for f in figures) / 1e3,
        "cpu": statistics.mean(f["user_us"] + f["system_us"] for f in figures),
        "passed": last[0] / 1e3 / runs,
        "rss": statistics.median(f["peak_rss_bytes"] for f in figures) / 1024,
    }


def hyperfine(runs):
    with tempfile.NamedTemporaryFile() as out:
        began = time.monotonic()
        command = ["hyperfine", "-N", "--style=none", f"--runs={runs}", "--export-json", out.name, COMMAND]
        subprocess.run(command, check=True, capture_output=True)
        passed = time.monotonic() - began
        result = json.load(out)["results"][0]
    return {
        "wall": result["median"] * 1e6,
        "cpu": (result["user"] + result["system"]) * 1e6,
        "passed": passed * 1e6 / runs,
    }


def main():
    examples = pathlib.Path(sys.argv[1]).resolve()
    rounds, runs = [*map(int, sys.argv[2:4]), *[7, 200][len(sys.argv[2:4]):]]
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(launcher(examples, runs))
        theirs.append(hyperfine(runs))
    middle = lambda all, key: statistics.median(one[key] for one in all)
    print(f"{rounds} rounds of {runs} runs of {COMMAND}, microseconds")
    print(f"{'':10}{'launcher':>10}{'hyperfine':>11}{'ratio':>7}")
    for key in ["wall", "cpu", "passed"]:
        a, b = middle(ours, key), middle(theirs, key)
        print(f"{key:10}{a:10.0f}{b:11.0f}{a / b:7.2f}")
    print(f"before the program: {middle(ours, 'fork'):.0f} (launcher only; not part of its wall time)")
    print(f"peak memory of {COMMAND}: {middle(ours, 'rss'):.0f} KiB")


if __name__ == "__main__":
    main()
