#!/usr/bin/env python3
"""Differences of known size between two commands: how often a trial finds them, and how often it finds one where there is none.

    bench/planted.py [--equal 20] [--slower 10] [--memory 10] [--program target/release/understudy]

Each trial has another seed.
  equal    two copies of one program, `--quick`; asked for a saving of 1 %. `replace` would be wrong. hyperfine measures the same
           two copies in the same round, a block each: where its means differ by more than 2 %, a trial whose interval
           leaves out 0 would have believed the same noise.
  slower   one of them does 3 % more. Found: the interval of the wall time is above 0, at the default level, which measures for 60 s at most.
  memory   one of them takes 20 % more memory, `--quick`. Found: the interval of the peak is above 0.
Needs mawk, python3 and hyperfine on PATH.
"""

import argparse
import json
import pathlib
import shutil
import subprocess
import tempfile
import time

LOOPS = 2_000_000  # about 50 ms
LOOP = "'BEGIN {{ for (i = 0; i < {loops}; i++) s += i }}'"
TAKEN = 40_000_000  # bytes, besides those of the interpreter
TAKE = """'x = b"x" * {size}'"""


def trial(program, folder, seed, level, sides, more=""):
    """Verdict, seconds, and the ratios candidate over incumbent (low, estimate, high) by resource."""
    config = f'schema = 1\n[trial]\nname = "t{seed}"\nlevel = "{level}"\nseed = {seed}\n[subject]\nkind = "command"\n'
    for side, command in zip(["incumbent", "candidate"], sides):
        config += f'[side.{side}]\nrun = """{command}"""\n'
    file = folder / f"t{seed}.toml"
    file.write_text(config + more)
    began = time.monotonic()
    done = subprocess.run([program, "trial", file, "--out", folder / "runs"], capture_output=True, text=True)
    took = time.monotonic() - began
    found = sorted((folder / "runs").glob(f"t{seed}-*/verdict.json"))
    assert found, done.stderr
    document = json.loads(found[-1].read_text())
    ratios = {}
    for effect in document["comparisons"][0]["resources"]:
        if effect["ratio"]:
            ratios[effect["resource"]] = [effect["ratio"][key] - 1 for key in ("low", "estimate", "high")]
    return document["verdict"], took, ratios


def shown(ratio):
    low, estimate, high = (100 * value for value in ratio)
    return f"{estimate:+.2f} % ({low:+.2f} to {high:+.2f})"


def hyperfine(commands):
    """The mean of the second over that of the first, less 1."""
    with tempfile.NamedTemporaryFile() as out:
        subprocess.run(["hyperfine", "-N", "--style=none", "--export-json", out.name, *commands], check=True, capture_output=True)
        first, second = json.load(out)["results"]
    return second["mean"] / first["mean"] - 1


def equal(program, folder, trials, copies):
    loop = LOOP.format(loops=LOOPS)
    commands = [f"{copy} {loop}" for copy in copies]
    wrong = unequal = believed = 0
    for seed in range(1, trials + 1):
        verdict, took, ratios = trial(program, folder, seed, "quick", commands, '[goal]\nwall = "-1%"\n')
        other = hyperfine(commands)
        wall = ratios["wall_us_per_run"]
        concludes = wall[0] > 0 or wall[2] < 0
        wrong += verdict == "replace"
        unequal += abs(other) > 0.02
        believed += abs(other) > 0.02 and concludes
        print(f"equal  {seed:2}: {verdict} after {took:.0f} s, wall {shown(wall)}; hyperfine {100 * other:+.2f} %", flush=True)
    print(f"equal: {wrong} of {trials} `replace`; hyperfine differed by more than 2 % in {unequal}, and a trial concluded in {believed} of these")


def differs(what, level, program, folder, trials, sides, resource):
    found = 0
    times = []
    for seed in range(101, 101 + trials):
        verdict, took, ratios = trial(program, folder, seed, level, sides)
        found += ratios[resource][0] > 0
        times.append(took)
        print(f"{what} {seed:2}: {verdict} after {took:.0f} s, {shown(ratios[resource])}", flush=True)
    print(f"{what}: found in {found} of {trials}; the longest took {max(times, default=0):.0f} s")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--equal", type=int, default=20)
    arguments.add_argument("--slower", type=int, default=10)
    arguments.add_argument("--memory", type=int, default=10)
    arguments.add_argument("--program", type=pathlib.Path, default=pathlib.Path("target/release/understudy"))
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        copies = [shutil.copy(shutil.which("mawk"), folder / name) for name in ("mawk-a", "mawk-b")]
        program = given.program.resolve()
        equal(program, folder, given.equal, copies)
        slower = [f"{copy} {LOOP.format(loops=loops)}" for copy, loops in zip(copies, (LOOPS, round(1.03 * LOOPS)))]
        differs("slower", "default", program, folder, given.slower, slower, "wall_us_per_run")
        interpreter = [shutil.which("python3"), "-S", "-c"]
        # Not `ru_maxrss`: a child begins with the peak of its parent.
        peak = "print([line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')][0])"
        base = int(subprocess.run([*interpreter, peak], check=True, capture_output=True).stdout) * 1024
        more = [f"{interpreter[0]} -S -c {TAKE.format(size=size)}" for size in (TAKEN, round(1.2 * (TAKEN + base)) - base)]
        differs("memory", "quick", program, folder, given.memory, more, "peak_rss_bytes")


if __name__ == "__main__":
    main()
