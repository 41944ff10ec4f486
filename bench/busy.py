"""Busy loops that compete with what is measured, for the scripts beside this one."""

import contextlib
import subprocess
from collections.abc import Iterator


@contextlib.contextmanager
def loops(count: int, niceness: int = 0) -> Iterator[None]:
    """So many loops that would each take a whole CPU run while the block does."""
    command = ["nice", "-n", str(niceness), "sh", "-c", "while :; do :; done"]
    running = [subprocess.Popen(command) for _ in range(count)]
    try:
        yield
    finally:
        for one in running:
            one.kill()
            one.wait()
