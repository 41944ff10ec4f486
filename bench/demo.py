#!/usr/bin/env python3
"""How often is the demo decided beside busy loops, how soon, and on which figures?

    bench/demo.py FOLDER LOOPS TRIALS [NICENESS]

Runs the trial of ./demo TRIALS times, each beside LOOPS busy loops of this NICENESS (0), and prints verdict, time, saving
of CPU and looks of each. The runs stay in FOLDER. Needs what ./demo has built; python3 standard library only.
"""

import json
import os
import pathlib
import subprocess
import sys
import time

import busy

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("UNDERSTUDY_TARGET", ROOT / "target"))
WITHOUT = ["--without", "capacity", "--without", "memory-floor"]


def trial(folder: pathlib.Path) -> tuple[pathlib.Path, float]:
    """The run directory of one trial, and the seconds that it took."""
    command = [TARGET / "release/understudy", "trial", "examples/read-states/trial.toml", "--quick", *WITHOUT]
    begun = time.monotonic()
    subprocess.run([*command, "--out", folder], cwd=ROOT, capture_output=True, check=False)
    took = time.monotonic() - begun
    return max(folder.glob("read-states-*")), took


def described(run: pathlib.Path, took: float) -> tuple[str, str]:
    """The verdict of a run, and a line about it."""
    document = json.loads((run / "verdict.json").read_text())
    verdict = document["verdict"]
    ratio = next(goal for goal in document["goals"] if goal["about"].get("resource") == "cpu_us_per_request").get("ratio") or {}
    percent = [f"{100 * (ratio[end] - 1):+.1f}" if ratio.get(end) else "?" for end in ("estimate", "low", "high")]
    refused = [gate["text"] for gate in document["gates"] if not gate["passed"]]
    line = f"{verdict} after {took:.0f} s, CPU {percent[0]} % ({percent[1]} to {percent[2]})"
    return verdict, line + "".join(f"; {text}" for text in refused)


def main() -> None:
    folder, loops, trials = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    niceness = int(sys.argv[4]) if len(sys.argv) > 4 else 0
    folder.mkdir(parents=True, exist_ok=True)
    verdicts: dict = {}
    for number in range(1, trials + 1):
        with busy.loops(loops, niceness):
            run, took = trial(folder.resolve())
        verdict, line = described(run, took)
        verdicts[verdict] = verdicts.get(verdict, 0) + 1
        print(f"{number}: {time.strftime('%H:%M', time.gmtime())} {line}", flush=True)
    print("verdicts:", ", ".join(f"{count} {name}" for name, count in sorted(verdicts.items())))


if __name__ == "__main__":
    main()
