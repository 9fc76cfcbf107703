"""Statements that databases, DuckDB among them, are running for us, so that whoever is interrupted can stop them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, ParamSpec, Protocol, TypeVar

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


class Running(Protocol):
    """What can be stopped from another thread: a cursor of a driver, in ADBC's words."""

    def adbc_cancel(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Local:
    """What DuckDB runs in this process."""

    connection: DuckDBPyConnection

    def adbc_cancel(self) -> None:
        """Stop it."""
        self.connection.interrupt()


_RUNNING: dict[int, Running] = {}
_LOCK = Lock()


async def in_thread(
    work: Callable[_Parameters, _Result], *args: _Parameters.args, **kwargs: _Parameters.kwargs
) -> _Result:
    """Do `work` on a thread; where this is cancelled, stop what databases are doing, for whomever in this process.

    Otherwise Ctrl-C would wait for a query of half an hour, and the warehouse would go on working for nobody.
    """
    try:
        return await asyncio.to_thread(work, *args, **kwargs)
    except asyncio.CancelledError:
        interrupt()
        raise


def interrupt() -> None:
    """Stop every statement that runs."""
    with _LOCK:
        cursors = [*_RUNNING.values()]
    for cursor in cursors:
        # One that has just ended refuses to be stopped, each driver with an error of its own.
        with suppress(Exception):
            cursor.adbc_cancel()


@contextmanager
def running(cursor: Running) -> Iterator[None]:
    """Let the cursor's statement be stopped while this lasts."""
    with _LOCK:
        _RUNNING[id(cursor)] = cursor
    try:
        yield
    finally:
        with _LOCK:
            del _RUNNING[id(cursor)]
