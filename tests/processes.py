"""Processes to be killed that start in no time: forked from one that has imported everything."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path

IMPORTED = ("warm", "audiform.cli.apply", "audiform.cli.sync", "audiform.state.open", "audiform.transport")
IMPORTED_LATE = (
    "aiohttp",
    "duckdb",
    "httpx",
    "httpx_aiohttp",
    "orjson",
    "rich.progress",
    "ruamel.yaml",
    "yaml12",
)


def started(target: Callable[..., object], *arguments: object) -> BaseProcess:
    """Start a function of an importable module in a process of its own; it shares nothing but what is imported."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*IMPORTED, *IMPORTED_LATE])
    process = context.Process(target=_run, args=(dict(os.environ), target, arguments))
    process.start()
    return process


def _run(environment: dict[str, str], target: Callable[..., object], arguments: tuple[object, ...]) -> None:
    """Run it with the environment of now: that of the server is of the moment when the first process was started."""
    for name in os.environ.keys() - environment.keys():
        del os.environ[name]
    os.environ.update(environment)
    target(*arguments)


@contextmanager
def quick_folder() -> Iterator[Path]:
    """Yield a folder in memory, where there is such a thing: a kill is no loss of power, so nothing has to reach a disk."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it
    parent = memory if memory.is_dir() and os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="audiform-", dir=parent) as folder:
        yield Path(folder)
