"""Runs a command's work to its end: one event loop, connections closed, and a clean end when it is interrupted."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from audiform.runtime import Runtime

Result = TypeVar("Result")


def run(runtime: Runtime, work: Coroutine[Any, Any, Result]) -> Result:
    """Return what `work` returns. Ctrl-C cancels it, and waits for what it does then."""
    return asyncio.run(_closing(runtime, work))


async def _closing(runtime: Runtime, work: Coroutine[Any, Any, Result]) -> Result:
    try:
        return await work
    finally:
        await runtime.transport.close()
