#!/usr/bin/env python3
"""The load generator beside its peers, against one nginx worker; python3 standard library only.

    bench/load.py truth [--tools understudy,oha,hey]   nginx frozen 200 ms every 2 s
    bench/load.py max [--pairs 7]                           --rate max beside wrk (and oha), in pairs

Generator on CPU 0, nginx on CPU 1, 64 connections, 206 bytes of JSON. Needs nginx; peers that are not
installed are left out. Prints a table for docs/performance.md.
"""
import argparse, json, os, re, resource, shutil, signal, statistics, subprocess, sys, tempfile, threading, time

HERE = os.path.dirname(os.path.abspath(__file__))
UNDERSTUDY = os.path.join(HERE, "..", "target", "release", "understudy")
URL = "http://127.0.0.1:18099/"
NGINX = shutil.which("nginx") or "/usr/sbin/nginx"


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

    def freeze_every_two_seconds(self, times):
        start = time.monotonic()
        for n in range(times):
            for offset, sig in ((1.0, signal.SIGSTOP), (1.2, signal.SIGCONT)):
                time.sleep(max(0, start + 2 * n + offset - time.monotonic()))
                os.kill(self.worker, sig)


def understudy(*args):
    out = subprocess.run(
        [UNDERSTUDY, "load", URL, "--cpus", "0", "--json", "-", *args], capture_output=True, text=True)
    report = json.loads(out.stdout)
    if not report["valid"]:
        print("  understudy refuses this run:", "; ".join(report["invalid_because"]), file=sys.stderr)
    return report


def truth_understudy():
    latency = understudy("--rate", "5000", "--duration", "20s", "--arrivals", "constant", "--warmup", "0s")["latency_us"]
    return {q: latency[q] / 1e3 if latency[q] else None for q in ("p50", "p90", "p95", "p99", "p99_9")}


def truth_hey():
    text = subprocess.check_output(
        ["taskset", "-c", "0", "hey", "-c", "64", "-q", str(5000 / 64), "-z", "20s", URL], text=True)
    found = {m.group(1): float(m.group(2)) * 1e3 for m in re.finditer(r"(\d+)% in ([\d.]+) secs", text)}
    return {"p50": found.get("50"), "p90": found.get("90"), "p95": found.get("95"), "p99": found.get("99"), "p99_9": None}


def truth_oha():
    text = subprocess.check_output(
        ["taskset", "-c", "0", "oha", "-c", "64", "-q", "5000", "-z", "20s", "--no-tui", "--output-format", "json", URL], text=True)
    found = json.loads(text)["latencyPercentiles"]
    return {"p50": found["p50"] * 1e3, "p90": found["p90"] * 1e3, "p95": found["p95"] * 1e3,
            "p99": found["p99"] * 1e3, "p99_9": found["p99.9"] * 1e3}


def truth(args):
    tools = {"understudy": truth_understudy, "oha": truth_oha, "hey": truth_hey}
    print("| ms | p50 | p90 | p95 | p99 | p99.9 |\n|---|---|---|---|---|---|")
    for name in args.tools.split(","):
        if name != "understudy" and not shutil.which(name):
            continue
        with Nginx() as nginx:
            freezer = threading.Thread(target=nginx.freeze_every_two_seconds, args=(10,))
            freezer.start()
            row = tools[name]()
            freezer.join()
        cells = ["-" if row[q] is None else f"{row[q]:.2f}" for q in ("p50", "p90", "p95", "p99", "p99_9")]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def children_cpu(run):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = run()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return result, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def counted(nginx, run):
    """Requests per second by nginx's count over the run, and CPU microseconds per request."""
    before, start = nginx.requests(), time.monotonic()
    _, cpu = children_cpu(run)
    seconds, requests = time.monotonic() - start, nginx.requests() - before - 1
    return requests / seconds, cpu / requests * 1e6


def max_rate(args):
    peers = {
        "understudy": lambda: understudy("--rate", "max", "--duration", "5s", "--warmup", "0s"),
        "wrk": lambda: subprocess.check_output(["taskset", "-c", "0", "wrk", "-t1", "-c64", "-d5s", URL]),
        "oha": lambda: subprocess.check_output(["taskset", "-c", "0", "oha", "-c", "64", "-z", "5s", "--no-tui", URL]),
    }
    peers = {n: f for n, f in peers.items() if n == "understudy" or shutil.which(n)}
    results = {name: [] for name in peers}
    with Nginx() as nginx:
        for _ in range(args.pairs):
            for name, run in peers.items():
                results[name].append(counted(nginx, run))
    print("| | requests/s (median) | CPU us per request (median) | rate over this tool's, median of pairs (min to max) |\n|---|---|---|---|")
    for name, rows in results.items():
        ratios = [mine[0] / its[0] for mine, its in zip(results["understudy"], rows)]
        rate, cpu = (statistics.median(r[i] for r in rows) for i in (0, 1))
        print(f"| {name} | {rate:,.0f} | {cpu:.2f} | {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("truth")
    one.add_argument("--tools", default="understudy,oha,hey")
    one.set_defaults(run=truth)
    two = commands.add_parser("max")
    two.add_argument("--pairs", type=int, default=7)
    two.set_defaults(run=max_rate)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
