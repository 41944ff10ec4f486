#!/usr/bin/env python3
"""The gateway compared with nginx and HAProxy, one core each.

    bench/gateway.py pass      # pass-through: requests a second
    bench/gateway.py shadow    # everything shown to a second server: requests a second, and what was compared
    bench/gateway.py latency   # client latency with the shadow on and off, at a fixed rate (open model)
    bench/gateway.py faults    # the same with every candidate of bench/faults.py, and the ledger of each; [RATE [FAULT]...]

The proxy has CPU 0; the upstream servers (nginx) and the load have CPU 1. Each part takes less than a minute, `faults` five. Needs
nginx, haproxy, wrk and target/release/understudy (or UNDERSTUDY=PATH). PINGORA=PATH adds a proxy made with Pingora, which
takes two ports: where it listens and where it forwards to. ROUNDS=N goes round more often than three times.
"""
import json, os, re, shutil, signal, statistics, subprocess, sys, tempfile, time, urllib.request
from faults import FAULTS

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
UNDERSTUDY = os.environ.get("UNDERSTUDY") or os.path.join(ROOT, "target/release/understudy")
PINGORA = os.environ.get("PINGORA")
BODY = json.dumps({"id": 42, "name": "item 42", "tags": ["a", "b", "c"], "stock": 17, "price": 12.345,
                   "note": "x" * 110})
assert len(BODY) == 206, len(BODY)
UPSTREAM, SECOND, NGINX, HAPROXY, MIRROR, GATEWAY, SHADOW, ADMIN, PINGORA_PORT, FAULTY = 18000, 18001, 18010, 18011, 18012, 18013, 18014, 18015, 18016, 18017
SECONDS, ROUNDS, CONNECTIONS = 4, int(os.environ.get("ROUNDS", 3)), 64
IDLE = "chrt", "--idle", "0"

NGINX_HEAD = """worker_processes 1; daemon off; pid {dir}/{name}.pid; error_log {dir}/{name}.err;
events {{ worker_connections 4096; }}
http {{ access_log off; keepalive_requests 1000000000; client_body_temp_path {dir}; proxy_temp_path {dir};
fastcgi_temp_path {dir}; uwsgi_temp_path {dir}; scgi_temp_path {dir};
"""


class Bench:
    def __init__(self):
        self.dir = tempfile.mkdtemp()
        self.children = []

    def start(self, cpu, *command):
        child = subprocess.Popen(["taskset", "-c", cpu, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.children.append(child)
        return child

    def file(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "w") as out:
            out.write(text)
        return path

    def nginx(self, cpu, name, text, *before):
        head = NGINX_HEAD.format(dir=self.dir, name=name)
        return self.start(cpu, *before, "nginx", "-p", self.dir, "-c", self.file(name + ".conf", head + text + "}\n"))

    def upstreams(self, *before_second):
        """Two servers that say the same. `before_second`: how the second one is started, if not like the first."""
        for port, before in ((UPSTREAM, ()), (SECOND, before_second)):
            self.nginx("1", f"upstream{port}", f"server {{ listen 127.0.0.1:{port} reuseport; location / {{ default_type "
                       f"application/json; return 200 '{BODY}'; }} }}\n", *before)

    def nginx_proxy(self, port, mirror):
        up = "".join(f"upstream u{port} {{ server 127.0.0.1:{port}; keepalive 128; }}\n" for port in (UPSTREAM, SECOND))
        common = "proxy_http_version 1.1; proxy_set_header Connection '';"
        extra = f"location = /m {{ internal; proxy_pass http://u{SECOND}$request_uri; {common} }}" if mirror else ""
        return self.nginx("0", f"proxy{port}", f"{up}server {{ listen 127.0.0.1:{port}; location / {{ {'mirror /m;' if mirror else ''} "
                                        f"proxy_pass http://u{UPSTREAM}; {common} }} {extra} }}\n")

    def haproxy(self):
        return self.start("0", "haproxy", "-f", self.file("haproxy.cfg", f"""global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout client 30s
  timeout server 30s
  timeout connect 5s
  option http-keep-alive
  http-reuse always
frontend f
  bind 127.0.0.1:{HAPROXY}
  default_backend b
backend b
  server s 127.0.0.1:{UPSTREAM}
"""))

    def gateway(self, port, cpus, shadow, server=SECOND, extra="concurrency = 1024\n"):
        candidate = f'[candidate]\nservers = ["http://127.0.0.1:{server}"]\nask_twice = "0%"\n{extra}' if shadow else ""
        admin = f'address = "127.0.0.1:{ADMIN}"' if shadow else "enabled = false"
        text = f"""schema = 1
workers = 1
[[listen]]
address = "127.0.0.1:{port}"
[incumbent]
servers = ["http://127.0.0.1:{UPSTREAM}"]
{candidate}[admin]
{admin}
"""
        return self.start(cpus, UNDERSTUDY, "gateway", self.file(f"gateway{port}.toml", text))

    def end(self, *children):
        for child in children:
            child.send_signal(signal.SIGTERM)
        for child in children:
            try:
                child.wait(5)
            except subprocess.TimeoutExpired:
                child.kill()
            self.children.remove(child)

    def stop(self):
        self.end(*self.children)
        shutil.rmtree(self.dir, ignore_errors=True)


def wrk(port):
    output = subprocess.run(["taskset", "-c", "1", "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "--latency",
                           f"http://127.0.0.1:{port}/items/42"], capture_output=True, text=True, check=True).stdout
    errors = re.search(r"Socket errors.*|Non-2xx.*", output)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", output)[1]), re.search(r"99%\s+(\d\S+)", output)[1], errors and errors[0]


def cpu(pid):
    """CPU time of a process with its children so far, in seconds."""
    total = 0
    for stat in [f"/proc/{pid}/stat"] + [f"/proc/{child}/stat" for child in
                 open(f"/proc/{pid}/task/{pid}/children").read().split()]:
        fields = open(stat).read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def rounds(names):
    """In alternation, so that a drift of the machine affects all equally. CPU time per request is what the proxy needs
    whatever else is the bottleneck."""
    rates, costs = {name: [] for name in names}, {name: [] for name in names}
    for name, (port, _) in names.items():
        subprocess.run(["taskset", "-c", "1", "wrk", "-t1", "-c16", "-d1s", f"http://127.0.0.1:{port}/"], capture_output=True)
    for _ in range(ROUNDS):
        for name, (port, child) in names.items():
            before = cpu(child.pid)
            rate, p99, errors = wrk(port)
            cost = (cpu(child.pid) - before) / (rate * SECONDS) * 1e6
            rates[name].append(rate)
            costs[name].append(cost)
            print(f"  {name:12} {rate:9,.0f}/s  {cost:6.1f} us CPU  p99 {p99}  {errors or ''}", flush=True)
    ours = rates["understudy"]
    for name, all in rates.items():
        cost = costs[name]
        print(f"{name:12} median {statistics.median(all):9,.0f}/s  ({min(all):,.0f} to {max(all):,.0f}), "
              f"{statistics.median(cost):.1f} us CPU a request ({min(cost):.1f} to {max(cost):.1f}); understudy's rate over it, "
              f"median of rounds: {statistics.median(a / b for a, b in zip(ours, all)):.2f}")


def status():
    with urllib.request.urlopen(f"http://127.0.0.1:{ADMIN}/api/status") as answer:
        return json.load(answer)


def print_balance(status):
    ledger = status["ledger"]
    print(f"eligible {ledger['eligible']:,}, compared {ledger['compared']:,}, dropped {ledger['dropped']}, "
          f"different {status['proof']['different']}")


def load(port, rate, seconds=5):
    out = subprocess.run(["taskset", "-c", "1", UNDERSTUDY, "load", f"http://127.0.0.1:{port}/items/42", "--rate", str(rate),
                          "--duration", f"{seconds}s", "--warmup", "1s", "--connections", "32", "--json", "-"],
                         capture_output=True, text=True)
    return json.loads(out.stdout), out.returncode


def faults(bench, rate, names):
    """Clients of a gateway whose candidate has a fault and of one without a candidate, in alternation."""
    script = os.path.join(ROOT, "bench/faults.py")
    bench.gateway(GATEWAY, "0", False)
    for fault in names or FAULTS:
        _, http2 = FAULTS[fault]
        extra = 'deadline = "1s"\nmemory = "16MiB"\n' + ("http2 = true\n" if http2 else "")
        server = bench.start("1", *IDLE, sys.executable, script, fault, str(FAULTY))
        children = server, bench.gateway(SHADOW, "0,1", True, FAULTY, extra)
        time.sleep(1)
        p99, errors, most = {GATEWAY: [], SHADOW: []}, 0, 0
        for _ in range(ROUNDS):
            for port in p99:
                document, _ = load(port, rate, 3)
                p99[port].append(document["latency_us"]["p99"])
                errors += sum((document["errors"] or {}).values()) if port == SHADOW else 0
            most = max(most, status()["candidate"]["memory_bytes"])
        resident = int(re.search(r"VmHWM:\s+(\d+)", open(f"/proc/{children[1].pid}/status").read())[1]) / 1024
        more = [on - off for off, on in zip(p99[GATEWAY], p99[SHADOW])]
        time.sleep(1.5)
        ledger = status()["ledger"]
        dropped = sum(ledger["dropped"].values())
        balanced = ledger["eligible"] == ledger["compared"] + dropped + ledger["pending"]
        print(f"{fault:18} p99 off {statistics.median(p99[GATEWAY]):6.0f} us, on {statistics.median(p99[SHADOW]):6.0f} us; more by "
              f"{statistics.median(more):+6.0f} us ({min(more):+.0f} to {max(more):+.0f}); client errors {errors}; copies held "
              f"{most / 1048576:.1f} MiB, resident at most {resident:.0f} MiB; eligible {ledger['eligible']:,} = compared "
              f"{ledger['compared']:,} + dropped {dropped:,} + pending {ledger['pending']}{'' if balanced else ' NOT BALANCED'}", flush=True)
        bench.end(*children)


def quantiles(of):
    return " ".join(f"{key} {of[key]:.0f}" if isinstance(of.get(key), (int, float)) else f"{key} -" for key in ("p50", "p90", "p99")) + " us"


def main(part):
    bench = Bench()
    try:
        # A candidate has a machine of its own: where clients are timed, it runs with SCHED_IDLE.
        bench.upstreams(*(IDLE if part == "latency" else ()))
        if part == "pass":
            nginx, haproxy = bench.nginx_proxy(NGINX, False), bench.haproxy()
            peers = {"nginx": (NGINX, nginx), "haproxy": (HAPROXY, haproxy)}
            if PINGORA:
                peers["pingora"] = (PINGORA_PORT, bench.start("0", PINGORA, str(PINGORA_PORT), str(UPSTREAM)))
            peers["understudy"] = (GATEWAY, bench.gateway(GATEWAY, "0", False))
            time.sleep(1)
            rounds(peers)
        elif part == "shadow":
            nginx, gateway = bench.nginx_proxy(MIRROR, True), bench.gateway(SHADOW, "0", True)
            time.sleep(1)
            rounds({"nginx mirror": (MIRROR, nginx), "understudy": (SHADOW, gateway)})
            time.sleep(1)
            print_balance(status())
        elif part == "latency":
            rate = int(sys.argv[2]) if len(sys.argv) > 2 else 4000
            off, on = bench.gateway(GATEWAY, "0", False), bench.gateway(SHADOW, "0,1", True)
            time.sleep(1)
            for _ in range(ROUNDS):
                for name, port in (("shadow off", GATEWAY), ("shadow on", SHADOW)):
                    document, code = load(port, rate)
                    print(f"  {name:10} at {rate:,}/s: latency {quantiles(document['latency_us'])}, service time "
                          f"{quantiles(document['service_time_us'])}, {document['errors'] or 'no errors'}"
                          f"{'' if document['valid'] else ', INVALID: ' + '; '.join(document['invalid_because'])}", flush=True)
            print_balance(status())
        elif part == "faults":
            faults(bench, int(sys.argv[2]) if len(sys.argv) > 2 else 4000, sys.argv[3:])
        else:
            sys.exit(__doc__)
    finally:
        bench.stop()


main(sys.argv[1] if len(sys.argv) > 1 else "")
