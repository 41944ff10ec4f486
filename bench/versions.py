#!/usr/bin/env python3
"""Is a commit that is compared with itself "no_worse"? How often, and what decides.

    bench/versions.py [TRIALS] [MARGIN]

Runs TRIALS (10) quick trials of the Rust service of examples/read-states against itself, each with
another seed, and prints their verdicts. Then draws 20,000 trials of six pairs from all pairs that
were measured, judges p50, CPU per request and memory by Student's interval as the trial does, and
prints how many would not be "no_worse". Needs pyarrow and numpy, and a quiet machine of two CPUs.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import pyarrow.parquet as pq

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(subprocess.os.environ.get("UNDERSTUDY_TARGET", ROOT / "target"))
STUDENT_975_5 = 2.570582  # Student's t, 97.5 %, 5 degrees of freedom


def trial(folder: pathlib.Path, seed: int, margin: str) -> pathlib.Path:
    side = f"{TARGET}/release/read-states --listen 127.0.0.1:{{port}} --preload 100000"
    flags = ["--incumbent", side, "--candidate", side, "--ready", "/healthz", "--rate", "4000",
             "--requests", str(ROOT / "examples/read-states/requests.jsonl"), "--no-worse", margin,
             "--cpus", "1", "--seed", str(seed), "--name", f"self-{seed}", "--quick", "--out", str(folder)]
    subprocess.run([TARGET / "release/understudy", "trial", *flags], capture_output=True, check=False)
    return max(folder.glob(f"self-{seed}-*"))


def blocks(run: pathlib.Path) -> dict:
    """ln(candidate) - ln(incumbent) of each pair, by figure."""
    values: dict = {}
    for path in sorted((run / "requests").glob("latency-*.parquet")):
        _, _, side, number = path.stem.rsplit("-", 3)
        table = pq.read_table(path, columns=["intended_ns", "last_byte_ns", "outcome"])
        meta = json.loads(pq.read_schema(path).metadata[b"figures"])
        latency = np.subtract(table["last_byte_ns"].to_numpy(), table["intended_ns"].to_numpy())
        answered = (table["outcome"].to_numpy() == "answered").sum()
        values[side, int(number)] = {
            "p50": np.quantile(latency, 0.5),
            "p99": np.quantile(latency, 0.99),
            "cpu": meta["side_cpu_us"] / answered,
            "memory": meta["peak_pss_bytes"],
        }
    numbers = sorted(number for side, number in values if side == "incumbent")
    return {
        figure: [np.log(values["candidate", n][figure] / values["incumbent", n][figure]) for n in numbers]
        for figure in ("p50", "p99", "cpu", "memory")
    }


def main() -> None:
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    margin = sys.argv[2] if len(sys.argv) > 2 else "5%"
    bound = np.log1p(float(margin.rstrip("%")) / 100)
    pairs: dict = {"p50": [], "p99": [], "cpu": [], "memory": []}
    verdicts: dict = {}
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(1, trials + 1):
            run = trial(pathlib.Path(folder), seed, margin)
            document = json.loads((run / "verdict.json").read_text())
            verdict = document["verdict"]
            verdicts[verdict] = verdicts.get(verdict, 0) + 1
            print(f"{seed}: {verdict}: {document['because'][0]['text']}", flush=True)
            if verdict != "invalid":
                for figure, values in blocks(run).items():
                    pairs[figure].extend(values)
    print("verdicts:", ", ".join(f"{count} {name}" for name, count in sorted(verdicts.items())))
    for figure, values in pairs.items():
        print(f"{figure}: {len(values)} pairs vary by {100 * np.std(values, ddof=1):.2f} %")
    random = np.random.default_rng(1)
    picked = random.integers(0, len(pairs["p50"]), size=(20_000, 6))
    held = np.ones(len(picked), dtype=bool)
    for figure in ("p50", "cpu", "memory"):
        drawn = np.asarray(pairs[figure])[picked]
        half = STUDENT_975_5 * drawn.std(axis=1, ddof=1) / np.sqrt(6)
        holds = drawn.mean(axis=1) + half <= bound
        print(f"{figure} is shown to be within {margin} in {100 * holds.mean():.2f} % of drawn trials")
        held &= holds
    print(f"all of them in {100 * held.mean():.2f} %")


if __name__ == "__main__":
    main()
