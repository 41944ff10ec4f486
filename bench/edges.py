#!/usr/bin/env python3
"""Does a service answer edge requests as it does itself? What differs in such a trial is a fault of the trial.

    bench/edges.py FOLDER [TRIALS]

Compares each of the six services of examples/frameworks with itself under edge requests, in turn, until TRIALS (20) are
done, and prints what was compared and every cluster of a difference. A trial is stopped once its edge requests are
compared, and its verdict is that of `understudy judge`. Needs a release build and what the services need; python3 standard
library only.
"""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("UNDERSTUDY_TARGET", ROOT / "target"))
UNDERSTUDY = TARGET / "release/understudy"
PAIRS = ROOT / "examples/frameworks"


def services() -> dict:
    """The table of each service in the files of the pairs."""
    found = {}
    for file in sorted(PAIRS.glob("*-*.toml")):
        for name, role in zip(file.stem.split("-"), ("incumbent", "candidate")):
            found[name] = (file, role)
    return found


def against_itself(folder: pathlib.Path, name: str, file: pathlib.Path, role: str) -> pathlib.Path:
    """The file of a trial whose sides are both that service, with the workload of the pair and without its rules."""
    table = re.search(rf"\[side\.{role}\]\n(.*?)\n\n", file.read_text(), re.DOTALL).group(1)
    table = re.sub(r'^dir = "(.*)"$', lambda of: f'dir = "{PAIRS / of.group(1)}"', table, flags=re.MULTILINE)
    rate = tomllib.loads(file.read_text())["workload"]["rates"]
    trial = folder / f"{name}.toml"
    trial.write_text(
        f'schema = 1\n[trial]\nname = "{name}"\nlevel = "quick"\n[side.incumbent]\n{table}\n[side.candidate]\n{table}\n'
        f'[workload]\nrequests = "{PAIRS / "hello.jsonl"}"\nrates = {rate}\n[edges]\nwrites = true\n'
    )
    return trial


def compare(folder: pathlib.Path, trial: pathlib.Path, log) -> dict:
    """What came of the edge requests of one trial."""
    out = folder / f"{trial.stem}-{time.time_ns()}"
    process = subprocess.Popen([UNDERSTUDY, "trial", trial, "--out", out], stdout=log, stderr=log)
    while process.poll() is None:
        run = next(out.glob("*"), None) if out.exists() else None
        stages = run / "stages.jsonl" if run else None
        if stages and stages.exists() and '"edges"' in stages.read_text():
            process.send_signal(signal.SIGINT)
            process.wait()
        time.sleep(0.2)
    run = next(out.glob("*"))
    subprocess.run([UNDERSTUDY, "judge", run], stdout=log, stderr=log, check=False)
    return json.loads((run / "verdict.json").read_text())["comparisons"][0]["edges"]


def main() -> int:
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    folder = pathlib.Path(sys.argv[1]).resolve()
    trials = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    folder.mkdir(parents=True, exist_ok=True)
    found = list(services().items())
    clean = 0
    with open(folder / "log", "w") as log:
        for number in range(trials):
            name, (file, role) = found[number % len(found)]
            edges = compare(folder, against_itself(folder, name, file, role), log)
            clusters = [f"{one['operation']} ({one['different']})" for one in edges["clusters"]]
            clean += not clusters
            noise = sum(one.get("pairs", 1) for one in edges["noise"])
            print(
                f"{number + 1}: {name}: {edges['compared']} of {edges['made']} compared, {edges['equal']} equal, "
                f"{noise} noisy; {', '.join(clusters) or 'no cluster'}",
                flush=True,
            )
    print(f"{clean} of {trials} have no cluster")
    return int(clean != trials)


if __name__ == "__main__":
    sys.exit(main())
