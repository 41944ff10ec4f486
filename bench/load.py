#!/usr/bin/env python3
"""The load generator compared with its peers and with the truth, against one nginx worker; python3 standard
library only.

    bench/load.py truth     nginx frozen 200 ms every 2 s; quantiles compared with a simulation of the same arrivals
    bench/load.py peers     the same stall as other tools report it (oha, hey, where they are installed)
    bench/load.py max       --rate max compared with wrk and oha, in interleaved pairs
    bench/load.py count     instructions per request under cachegrind, of this build and of UNDERSTUDY_BEFORE
    bench/load.py open      50,000/s with and without --log, in interleaved pairs
    bench/load.py memory    resident set over a run at 50,000/s with --log

Generator on CPU 0, nginx on CPU 1, 64 connections, 206 bytes of JSON. Needs nginx and a release build
(cargo build --release -p understudy-cli -p understudy-subject-http --bins --examples); UNDERSTUDY_TARGET names
another target folder, UNDERSTUDY_BEFORE another build that takes part in `max` and `count`. Valgrind cannot
run a program that reads the vDSO: for `count`, build both with RUSTFLAGS=--cfg=rustix_use_libc. Prints tables for docs/performance.md.
"""
import argparse, json, os, re, shutil, signal, statistics, subprocess, sys, tempfile, threading, time

HERE = os.path.dirname(os.path.abspath(__file__))
TARGET = os.environ.get("UNDERSTUDY_TARGET", os.path.join(HERE, "..", "target"))
UNDERSTUDY = os.path.join(TARGET, "release", "understudy")
ARRIVALS = os.path.join(TARGET, "release", "examples", "arrivals")
URL = "http://127.0.0.1:18099/"
NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
PERIOD_S, FREEZE_AT_S, FREEZE_S = 2.0, 1.0, 0.2


def tool(name, elsewhere=None):
    """The path of a peer, or None."""
    return shutil.which(name) or (elsewhere if elsewhere and os.access(elsewhere, os.X_OK) else None)


WRK, OHA, HEY = tool("wrk"), tool("oha", "/opt/oha/bin/oha"), tool("hey")


class Nginx:
    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="understudy-bench-")
        os.chmod(self.folder, 0o755)
        self.args = [NGINX, "-p", self.folder, "-c", os.path.join(HERE, "nginx.conf")]
        subprocess.run(self.args + ["-e", "error.log"], check=True)
        time.sleep(0.5)
        master = open(os.path.join(self.folder, "nginx.pid")).read().strip()
        self.worker = int(subprocess.check_output(["pgrep", "-P", master]).split()[0])
        return self

    def __exit__(self, *_):
        os.kill(self.worker, signal.SIGCONT)
        subprocess.run(self.args + ["-e", "error.log", "-s", "stop"], check=False)
        time.sleep(0.3)
        shutil.rmtree(self.folder, ignore_errors=True)

    def requests(self):
        """nginx's own count of requests."""
        text = subprocess.check_output(["curl", "-s", URL + "status"], text=True)
        return int(re.search(r"\n\s*\d+ \d+ (\d+)", text).group(1))

    def freeze(self, times):
        """Freezes the worker again and again; returns when, as pairs of nanoseconds on CLOCK_MONOTONIC."""
        start, windows = time.monotonic(), []
        for n in range(times):
            moments = []
            for offset, sig in ((FREEZE_AT_S, signal.SIGSTOP), (FREEZE_AT_S + FREEZE_S, signal.SIGCONT)):
                time.sleep(max(0, start + PERIOD_S * n + offset - time.monotonic()))
                os.kill(self.worker, sig)
                moments.append(time.monotonic_ns())
            windows.append(tuple(moments))
        return windows


class Finished:
    """A program that has run to its end: its output, CPU seconds and peak resident set."""

    def __init__(self, command, while_running=lambda pid: None):
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        watcher = threading.Thread(target=while_running, args=(child.pid,))
        watcher.start()
        self.output = child.stdout.read().decode()
        _, _, usage = os.wait4(child.pid, 0)
        child.returncode = 0
        watcher.join()
        self.cpu_s, self.peak_kib = usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def understudy(*args, program=UNDERSTUDY, **kwargs):
    run = Finished([program, "load", URL, "--cpus", "0", "--json", "-", *args], **kwargs)
    run.report = json.loads(run.output)
    if not run.report["valid"]:
        print("  understudy refuses this run:", "; ".join(run.report["invalid_because"]), file=sys.stderr)
    return run


# Truth

def arrivals(kind, rate, seed, seconds):
    """When the requests of that seed are due, nanoseconds since the start."""
    return [int(line) for line in subprocess.check_output([ARRIVALS, kind, str(rate), str(seed), str(seconds)]).split()]


def simulate(due, windows, service_ns, base_ns):
    """Latencies (ns) of one first-in-first-out server that stands still in the windows. 64 connections make no
    difference to it: who waits in front of them keeps the order."""
    free, latencies, ahead = 0.0, [], list(windows)
    for at in due:
        begin = max(at, free)
        while ahead and begin >= ahead[0][1]:
            ahead.pop(0)
        if ahead and begin + service_ns > ahead[0][0]:
            # What the freeze interrupts continues after it.
            done = max(0.0, ahead[0][0] - begin)
            begin = ahead[0][1] - done
        free = begin + service_ns
        latencies.append(free - at + base_ns)
    return latencies


def quantile(values, q):
    """The order statistic that the tool reports, too."""
    ordered = sorted(values)
    return ordered[max(0, -int(-q * len(ordered) // 1) - 1)]


QUANTILES = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("p99_9", 0.999))


def truth_of(kind, rate, seconds):
    seed = 7
    with Nginx() as nginx:
        # What the server needs is measured without a stall: for one request, and for the next of many.
        calm = understudy("--rate", str(rate), "--arrivals", kind, "--duration", "2s", "--warmup", "0.5s").report
        service_ns = 1e9 / understudy("--rate", "max", "--duration", "1s", "--warmup", "0.5s").report["achieved_rate_rps"]
        base_ns = max(0.0, calm["latency_us"]["p50"] * 1e3 - service_ns)
        frozen = []
        freezer = threading.Thread(target=lambda: frozen.extend(nginx.freeze(int(seconds / PERIOD_S))))
        freezer.start()
        log = os.path.join(nginx.folder, "log.parquet")
        report = understudy("--rate", str(rate), "--arrivals", kind, "--duration", f"{seconds}s", "--warmup", "0s",
                            "--seed", str(seed), "--log", log).report
        freezer.join()
    zero = report["log"]["zero_monotonic_ns"]
    due = arrivals(kind, rate, seed, seconds)
    if len(due) != report["requests"] or report["answered"] != report["requests"]:
        print(f"  {len(due)} were due, {report['requests']} ended, {report['answered']} were answered", file=sys.stderr)
    windows = [(start - zero, end - zero) for start, end in frozen]
    return report["latency_us"], simulate(due, windows, service_ns, base_ns)


def truth(args):
    print("| arrivals | rate | " + " | ".join(f"{q} simulated | measured | off by" for q in ("p50", "p95", "p99", "p99.9")) + " |")
    print("|---|---|" + "---|" * 12)
    worst = 0.0
    for kind in ("constant", "poisson"):
        for rate in (1000, 5000, 20000):
            measured, simulated = truth_of(kind, rate, args.seconds)
            cells = []
            for name, q in QUANTILES:
                expected = quantile(simulated, q) / 1e6
                if measured[name] is None:
                    cells.append(f"{expected:.2f} | not judged | -")
                    continue
                got = measured[name] / 1e3
                cells.append(f"{expected:.2f} | {got:.2f} | {got - expected:+.2f} ms ({(got / expected - 1) * 100:+.1f} %)")
                if q >= 0.95:
                    worst = max(worst, abs(got / expected - 1))
            print(f"| {kind} | {rate:,}/s | " + " | ".join(cells) + " |", flush=True)
    print(f"\nlargest deviation from p95 up: {worst * 100:.1f} % (times in ms)")


def peer_hey():
    text = Finished(["taskset", "-c", "0", HEY, "-c", "64", "-q", str(5000 / 64), "-z", "20s", URL]).output
    found = {m.group(1): float(m.group(2)) * 1e3 for m in re.finditer(r"(\d+)% in ([\d.]+) secs", text)}
    return [found.get(q) for q in ("50", "90", "95", "99", "99.9")]


def peer_oha():
    text = Finished(["taskset", "-c", "0", OHA, "-c", "64", "-q", "5000", "-z", "20s", "--no-tui", "--output-format", "json", URL]).output
    found = json.loads(text)["latencyPercentiles"]
    return [found[q] * 1e3 for q in ("p50", "p90", "p95", "p99", "p99.9")]


def peer_understudy():
    latency = understudy("--rate", "5000", "--duration", "20s", "--arrivals", "constant", "--warmup", "0s").report["latency_us"]
    return [latency[q] / 1e3 if latency[q] else None for q in ("p50", "p90", "p95", "p99", "p99_9")]


def peers(_):
    print("| ms | p50 | p90 | p95 | p99 | p99.9 |\n|---|---|---|---|---|---|")
    for name, path, run in (("understudy", UNDERSTUDY, peer_understudy), ("oha", OHA, peer_oha), ("hey", HEY, peer_hey)):
        if not path:
            continue
        with Nginx() as nginx:
            freezer = threading.Thread(target=nginx.freeze, args=(10,))
            freezer.start()
            row = run()
            freezer.join()
        print(f"| {name} | " + " | ".join("-" if v is None else f"{v:.2f}" for v in row) + " |", flush=True)


# Speed

def counted(nginx, run):
    """Requests per second by nginx's count over the run, and CPU microseconds per request."""
    before, start = nginx.requests(), time.monotonic()
    finished = run()
    seconds, requests = time.monotonic() - start, nginx.requests() - before - 1
    return requests / seconds, finished.cpu_s / requests * 1e6


def spread(values):
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def max_rate(args):
    seconds = f"{args.seconds}s"
    measured = ["--rate", "max", "--duration", seconds, "--warmup", "0s"]
    tools = {"understudy": lambda: understudy(*measured)}
    before = os.environ.get("UNDERSTUDY_BEFORE")
    if before:
        tools["before"] = lambda: understudy(*measured, program=before)
    if WRK:
        tools["wrk"] = lambda: Finished(["taskset", "-c", "0", WRK, "-t1", "-c64", f"-d{seconds}", URL])
    if OHA:
        tools["oha"] = lambda: Finished(["taskset", "-c", "0", OHA, "-c", "64", "-z", seconds, "--no-tui", URL])
    results = {name: [] for name in tools}
    with Nginx() as nginx:
        understudy("--rate", "max", "--duration", "1s", "--warmup", "0s")
        for pair in range(args.pairs):
            order = list(tools) if pair % 2 == 0 else list(reversed(tools))
            for name in order:
                results[name].append(counted(nginx, tools[name]))
    print("| | requests/s (median) | CPU us per request (median) | understudy's rate over it, median of pairs (range) "
          "| understudy's CPU per request over it (range) |\n|---|---|---|---|---|")
    mine = results["understudy"]
    for name, rows in results.items():
        rates = [m[0] / its[0] for m, its in zip(mine, rows)]
        cpus = [m[1] / its[1] for m, its in zip(mine, rows)]
        rate, cpu = (statistics.median(r[i] for r in rows) for i in (0, 1))
        print(f"| {name} | {rate:,.0f} | {cpu:.2f} | {spread(rates)} | {spread(cpus)} |")


def instructions(nginx, program, connections, seconds):
    """Instructions of a run under cachegrind, and its requests by nginx's own count."""
    before = nginx.requests()
    run = subprocess.run(
        ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null", program, "load", URL,
         "--rate", "max", "--duration", f"{seconds}s", "--warmup", "1s", "--connections", str(connections)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    total = re.search(r"I\s+refs:\s+([\d,]+)", run.stderr)
    if total is None:
        sys.exit(f"{program} does not run under valgrind:\n{run.stderr[-500:]}")
    # The count itself is a request.
    return int(total.group(1).replace(",", "")), nginx.requests() - before - 1


def count(args):
    programs = {"understudy": UNDERSTUDY, "before": os.environ.get("UNDERSTUDY_BEFORE")}
    programs = {name: program for name, program in programs.items() if program}
    print("| connections | " + " | ".join(f"{name}: instructions per request" for name in programs) + " | ratio |")
    print("|---|" + "---|" * (len(programs) + 1))
    with Nginx() as nginx:
        for connections in (1, 64):
            each = {name: [] for name in programs}
            for _ in range(args.pairs):
                for name, program in programs.items():
                    # What a short run has in common with a long one is not per request.
                    short, long = (instructions(nginx, program, connections, s) for s in (2, 8))
                    each[name].append((long[0] - short[0]) / (long[1] - short[1]))
            medians = " | ".join(f"{statistics.median(values):,.0f}" for values in each.values())
            ratios = [a / b for a, b in zip(each["understudy"], each.get("before", each["understudy"]))]
            print(f"| {connections} | {medians} | {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f}) |")


def machine_lag_us(seconds, q, cpu=0):
    """The send lag at quantile q of a generator that does nothing but watch the clock: a thread that is due while the CPU
    is elsewhere (a tick, an interrupt, another guest of the host) waits until it is back. No generator can be
    better on this machine."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    gaps, now = [], time.monotonic_ns
    begin = last = now()
    while last - begin < seconds * 1e9:
        at = now()
        if at - last > 2_000:
            gaps.append(at - last)
        last = at
    os.sched_setaffinity(0, allowed)
    low, high = 0.0, float(max(gaps, default=0))
    for _ in range(60):
        middle = (low + high) / 2
        late = sum(max(0.0, gap - middle) for gap in gaps) / (last - begin)
        low, high = (middle, high) if late > 1 - q else (low, middle)
    return low / 1e3


def open_model(args):
    rows, machine = {"without": [], "with": []}, []
    with Nginx() as nginx:
        log = os.path.join(nginx.folder, "log.parquet")
        load = ("--rate", str(args.rate), "--duration", f"{args.seconds}s", "--warmup", "1s")
        for pair in range(args.pairs):
            machine.append(machine_lag_us(args.seconds, 0.999))
            for name in ("without", "with") if pair % 2 == 0 else ("with", "without"):
                rows[name].append(understudy(*load, *(("--log", log) if name == "with" else ())))
    print(f"this machine alone, a thread that only watches the clock: p99.9 {spread(machine)} us late\n")
    print("| --log | send lag p99 us | p99.9 us: median (range) | CPU us per request | peak MiB | missed | bytes a row |\n|---|---|---|---|---|---|---|")
    for name, runs in rows.items():
        reports = [r.report for r in runs]
        lag = {q: [r["send_lag_us"][q] for r in reports if r["send_lag_us"][q] is not None] for q in ("p99", "p99_9")}
        logs = [r["log"] for r in reports if r["log"]]
        missed = sum(l["missed"] for l in logs) if logs else "-"
        width = f"{statistics.median(l['bytes'] / l['rows'] for l in logs):.1f}" if logs else "-"
        print(f"| {name} | {statistics.median(lag['p99']):.0f} | {spread(lag['p99_9'])} "
              f"| {statistics.median(r['cpu_us_per_request'] for r in reports):.2f} "
              f"| {max(r.peak_kib for r in runs) / 1024:.1f} | {missed} | {width} |")
    ratios = [w.report["cpu_us_per_request"] / o.report["cpu_us_per_request"] for w, o in zip(rows["with"], rows["without"])]
    whole = [w.cpu_s / o.cpu_s for w, o in zip(rows["with"], rows["without"])]
    print(f"\nCPU per request with over without, median of pairs (range): {spread(ratios)}; "
          f"of the whole process, waiting awake included: {spread(whole)}")


def memory(args):
    samples = []

    def watch(pid):
        start = time.monotonic()
        while True:
            try:
                status = open(f"/proc/{pid}/status").read()
            except OSError:
                return
            found = re.search(r"VmRSS:\s+(\d+)", status)
            if not found:
                return
            samples.append((time.monotonic() - start, int(found.group(1))))
            time.sleep(1)

    with Nginx() as nginx:
        log = os.path.join(nginx.folder, "log.parquet")
        run = understudy("--rate", str(args.rate), "--duration", f"{args.seconds}s", "--warmup", "0s", "--log", log,
                         while_running=watch)
        on_disk = run.report["log"]
    print("| second | " + " | ".join(f"{at:.0f}" for at, _ in samples[:: max(1, len(samples) // 10)]) + " |")
    print("| MiB | " + " | ".join(f"{kib / 1024:.1f}" for _, kib in samples[:: max(1, len(samples) // 10)]) + " |")
    print(f"peak {run.peak_kib / 1024:.1f} MiB; {on_disk['rows']:,} rows, {on_disk['missed']} missed, {on_disk['bytes'] / 2**20:.1f} MiB")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)

    def command(name, run, **numbers):
        one = commands.add_parser(name)
        for flag, default in numbers.items():
            one.add_argument(f"--{flag}", type=int, default=default)
        one.set_defaults(run=run)

    command("truth", truth, seconds=20)
    command("peers", peers)
    command("max", max_rate, pairs=7, seconds=5)
    command("count", count, pairs=3)
    command("open", open_model, pairs=5, seconds=10, rate=50000)
    command("memory", memory, seconds=120, rate=50000)
    args = parser.parse_args()
    if not os.path.exists(UNDERSTUDY) or not os.path.exists(ARRIVALS):
        sys.exit(f"no release build in {TARGET}: cargo build --release -p understudy-cli -p understudy-subject-http --bins --examples")
    args.run(args)


if __name__ == "__main__":
    main()
