#!/usr/bin/env python3
"""Is a commit that is compared with itself "no_worse"? How often, how soon, and is it ever "worse"?

    bench/versions.py FOLDER [TRIALS] [MARGIN] [LONGEST] [LOOPS]

Runs TRIALS (10) quick trials of the Rust service of examples/read-states against itself, each with another seed and
beside LOOPS (0) busy loops, and prints their verdicts with their time. The runs stay in FOLDER: the example
`against_itself` of understudy-trial simulates a thousand comparisons from them. Needs a release build and a machine of two
CPUs; python3 standard library only.
"""

import json
import pathlib
import subprocess
import sys
import time

import busy

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(subprocess.os.environ.get("UNDERSTUDY_TARGET", ROOT / "target"))

TRIAL = """schema = 1
[trial]
name = "self-{seed}"
level = "quick"
seed = {seed}
[side.incumbent]
run = "{side}"
env = {{ TOKIO_WORKER_THREADS = "1" }}
ready = "/healthz"
[side.candidate]
run = "{side}"
env = {{ TOKIO_WORKER_THREADS = "1" }}
ready = "/healthz"
[workload]
requests = "{requests}"
rates = [4000]
[judge]
goal = "no_worse"
margin = "{margin}"
longest = "{longest}"
[limits]
cpus = 1
memory = "512MiB"
"""


def trial(folder: pathlib.Path, seed: int, margin: str, longest: str) -> pathlib.Path:
    side = f"{TARGET}/release/read-states --listen 127.0.0.1:{{port}} --preload 1000000"
    requests = ROOT / "examples/read-states/requests.jsonl"
    file = folder / f"self-{seed}.toml"
    file.write_text(TRIAL.format(seed=seed, side=side, requests=requests, margin=margin, longest=longest))
    subprocess.run([TARGET / "release/understudy", "trial", file, "--out", folder], capture_output=True, check=False)
    return max(folder.glob(f"self-{seed}-*"))


def main() -> None:
    folder = pathlib.Path(sys.argv[1])
    trials = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    margin, longest, loops = (sys.argv[3:] + ["5%", "220s", "0"][len(sys.argv[3:]):])[:3]
    folder.mkdir(parents=True, exist_ok=True)
    verdicts: dict = {}
    for seed in range(1, trials + 1):
        begun = time.monotonic()
        with busy.loops(int(loops)):
            run = trial(folder, seed, margin, longest)
        took = time.monotonic() - begun
        document = json.loads((run / "verdict.json").read_text())
        verdict = document["verdict"]
        verdicts[verdict] = verdicts.get(verdict, 0) + 1
        print(f"{seed}: {verdict} after {took:.0f} s: {document['because'][0]['text']}", flush=True)
    print("verdicts:", ", ".join(f"{count} {name}" for name, count in sorted(verdicts.items())))


if __name__ == "__main__":
    main()
