"""Processes to be killed that start in no time: forked from one that has imported everything."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.process import BaseProcess

IMPORTED = ("audiform.cli.apply", "audiform.cli.sync", "audiform.state.open", "audiform.transport")
IMPORTED_LATE = ("aiohttp", "duckdb", "httpx", "httpx_aiohttp", "orjson", "rich.progress", "yaml12")


def started(target: Callable[..., object], *arguments: object) -> BaseProcess:
    """Start a function of an importable module in a process of its own; it shares nothing but what is imported."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*IMPORTED, *IMPORTED_LATE])
    process = context.Process(target=target, args=arguments)
    process.start()
    return process
