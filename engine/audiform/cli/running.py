"""Runs a command's work to its end: one event loop, connections closed, and a clean end when it is interrupted."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from audiform.runtime import Runtime

Result = TypeVar("Result")


def run(runtime: Runtime, work: Coroutine[Any, Any, Result]) -> Result:
    """Return what `work` returns. Ctrl-C cancels it, and waits for what it does then."""
    done: list[Result] = []
    asyncio.run(_closing(runtime, work, done))
    return done[0]


async def _closing(runtime: Runtime, work: Coroutine[Any, Any, Result], done: list[Result]) -> None:
    # The result is handed over in a list: asyncio writes the `repr` of a task's result when it puts the handler of
    # Ctrl-C back, and that of a plan with 10,000 changes takes a second.
    try:
        done.append(await work)
    finally:
        await runtime.transport.close()
