"""Runs a command's work to its end: one event loop, connections closed, and a clean end when it is interrupted."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Coroutine, Generator
from contextlib import contextmanager
from typing import Any, TypeVar

from audiform.runtime import Runtime

Result = TypeVar("Result")


def run(runtime: Runtime, work: Coroutine[Any, Any, Result]) -> Result:
    """Return what `work` returns. Ctrl-C cancels it, as does SIGTERM, and waits for what it does then."""
    done: list[Result] = []
    asyncio.run(_closing(runtime, work, done))
    return done[0]


async def _closing(runtime: Runtime, work: Coroutine[Any, Any, Result], done: list[Result]) -> None:
    # The result is handed over in a list: asyncio writes the `repr` of a task's result when it puts the handler of
    # Ctrl-C back, and that of a plan with 10,000 changes takes a second.
    try:
        with _stopped_by_sigterm():
            done.append(await work)
    finally:
        await runtime.transport.close()


@contextmanager
def _stopped_by_sigterm() -> Generator[None]:
    """Take SIGTERM as Ctrl-C: a runner whose job is cancelled, or a container that is stopped, sends it before it kills."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop, task, terminated = asyncio.get_running_loop(), asyncio.current_task(), list[bool]()

    def stop() -> None:
        terminated.append(True)
        if task is not None:
            task.cancel()

    loop.add_signal_handler(signal.SIGTERM, stop)
    try:
        yield
    except asyncio.CancelledError:
        if terminated:
            raise KeyboardInterrupt from None
        raise
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
