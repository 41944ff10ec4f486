"""Put first on PYTHONPATH by Understudy: says when this process collected garbage, on the system's
monotonic clock. A sitecustomize that was there before is run as well."""

import gc
import os
import sys
import time
from importlib.machinery import PathFinder

# A shorter collection cannot be seen in a tail, and thousands of them would cost more than they take.
SHORTEST_NS = 50_000


def _listen(prefix):
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    file = os.open(f"{prefix}-{os.getpid()}.log", flags, 0o600)
    now, write, began = time.monotonic_ns, os.write, 0

    def collected(phase, info):
        nonlocal began
        if phase == "start":
            began = now()
            return
        ended = now()
        if ended - began >= SHORTEST_NS:
            try:
                write(file, b"stop %d %d\n" % (began, ended))
            except OSError:
                pass

    gc.callbacks.append(collected)


def _run_the_next():
    here = os.path.dirname(os.path.abspath(__file__))
    elsewhere = [path for path in sys.path if os.path.abspath(path or ".") != here]
    spec = PathFinder.find_spec("sitecustomize", elsewhere)
    if spec and spec.loader and hasattr(spec.loader, "get_code"):
        exec(spec.loader.get_code("sitecustomize"), {"__name__": "sitecustomize", "__file__": spec.origin})


try:
    if os.environ.get("UNDERSTUDY_PAUSES"):
        _listen(os.environ["UNDERSTUDY_PAUSES"])
except OSError:
    pass  # A program that cannot be listened to still runs.
_run_the_next()
