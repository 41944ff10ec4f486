"""Put first on PYTHONPATH by Understudy: records when this process collected garbage, on the system's
monotonic clock. The next sitecustomize on the path is loaded as well."""

import gc
import os
import sys
import time
from importlib.machinery import PathFinder
from importlib.util import module_from_spec

# A shorter collection cannot be seen in a tail, and thousands of them would cost more than they take.
SHORTEST_NS = 50_000
# Programs that daemonise expect the lowest numbers for their own files.
HIGH = 512


class _Log:
    """The file of this process. A program may close descriptors that it did not open and get the number for
    a file of its own: before each write the descriptor has to be the one that was opened here."""

    def __init__(self, prefix):
        self.prefix = prefix
        self.open()

    def open(self):
        """Opens the file of this process and greets; without one this process stays silent."""
        self.pid = os.getpid()
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        try:
            self.file = _high(os.open(f"{self.prefix}-{self.pid}.log", flags, 0o600))
            self.identity = _identity(self.file)
        except OSError:
            self.file = None
        self.greet()

    def follow(self):
        """After a fork: the file of the parent is that of the child too."""
        self.pid = os.getpid()
        self.greet()

    def greet(self):
        self.write(b"listening %d python %d.%d.%d\n" % (self.pid, *sys.version_info[:3]))

    def is_own(self):
        try:
            return self.file is not None and _identity(self.file) == self.identity
        except OSError:
            return False

    def write(self, line):
        if self.file is None:
            return
        if not self.is_own():
            self.open()
        elif self.pid != os.getpid():
            self.follow()  # It was forked without Python's knowledge.
        if self.is_own():
            try:
                os.write(self.file, line)
            except OSError:
                pass


def _identity(file):
    of = os.fstat(file)
    return of.st_dev, of.st_ino


def _high(file):
    try:
        from fcntl import F_DUPFD_CLOEXEC, fcntl

        high = fcntl(file, F_DUPFD_CLOEXEC, HIGH)
    except (ImportError, OSError):
        return file  # The system allows fewer.
    os.close(file)
    return high


def _listen(prefix):
    log = _Log(prefix)
    now, began = time.monotonic_ns, 0

    def collected(phase, info):
        nonlocal began
        if phase == "start":
            began = now()
            return
        ended = now()
        if ended - began >= SHORTEST_NS:
            log.write(b"stop %d %d\n" % (began, ended))

    gc.callbacks.append(collected)
    os.register_at_fork(after_in_child=log.follow)


def _load_the_next():
    """Loads the sitecustomize behind this one, in its place: what is before it has been loaded."""
    here = os.path.dirname(os.path.abspath(__file__))
    paths = [os.path.abspath(path or ".") for path in sys.path]
    behind = sys.path[paths.index(here) + 1 :] if here in paths else []
    spec = PathFinder.find_spec("sitecustomize", behind)
    if spec and spec.loader and spec.origin and os.path.abspath(spec.origin) != os.path.abspath(__file__):
        module = module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


try:
    if os.environ.get("UNDERSTUDY_PAUSES"):
        _listen(os.environ["UNDERSTUDY_PAUSES"])
except Exception:
    pass  # A program that cannot be listened to still runs.
_load_the_next()
