"""A sync on Spark in a process of its own, and the processes that work for another one."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from audiform.cli.main import main


def sync(root: Path) -> None:
    """Sync the project: what a process of its own does until it is killed."""
    main(["-C", str(root), "--quiet", "sync"])


def below(process: int) -> Iterator[int]:
    """Yield what a process has started, and what those have."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents.setdefault(int(stat.read_text().rpartition(")")[2].split()[1]), []).append(
                int(stat.parent.name)
            )
    waiting = [process]
    while waiting:
        found = parents.get(waiting.pop(), [])
        yield from found
        waiting += found


def workers() -> list[int]:
    """Return the Python workers of this process's Spark: those that a worker's daemon has forked."""
    daemons = [one for one in below(os.getpid()) if b"pyspark.daemon" in command(one)]
    return [one for one in daemons if any(one in below(other) for other in daemons)]


def command(process: int) -> bytes:
    """Return the command line of a process; empty where it is gone."""
    with suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_bytes()
    return b""


def kill(*processes: int) -> None:
    """Kill them at once."""
    for one in processes:
        with suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)


def wait_for_the_end(processes: list[int], seconds: float = 30) -> list[int]:
    """Return which of them are still there after a time."""
    until = time.monotonic() + seconds
    while (left := [one for one in processes if command(one)]) and time.monotonic() < until:
        time.sleep(0.1)
    return left
