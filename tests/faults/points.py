"""The points of a run at which something may happen to it.

They are around each write of the journal and the ledger, each request, and each change of a file of the state. The run is given wrappers beside the product's interfaces; what the interfaces do not show, Python's audit events do.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audiform.outcome import Request, Response
from audiform.state.ledger import Ledger, LedgerSession
from audiform.transport import Transport

STORE = frozenset(
    [
        "create",
        "put",
        "remove",
        "move",
        "intend",
        "settle",
        "spend",
        "begin_run",
        "start_batch",
        "settle_batch",
        "end_run",
        "count",
        "bury",
        "exhume",
    ]
)
"""The writes of a state store."""
LEDGER = frozenset(["stage", "fold", "drop", "rename"])
"""The writes of an open ledger."""
FILES = frozenset(["os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "os.chmod", "shutil.rmtree"])


@dataclass
class Points:
    """Counts the points that were passed, and lets `strike` happen at the one of number `at`.

    `only_writes`: those before a write count alone, with nothing on its way.
    """

    at: int | None
    strike: Callable[[], None]
    only_writes: bool = False
    passed: int = 0

    def one(self, *, writes: bool = False) -> None:
        """Pass a point; `writes`: something is about to be written."""
        if self.only_writes and not writes:
            return
        here, self.passed = self.passed, self.passed + 1
        if here == self.at:
            self.strike()


def die() -> None:
    """End this process as a machine that loses its power ends it: nothing is tidied up."""
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class Watched:
    """A store or an open ledger with a point before and after each of its `writes`."""

    inner: Any
    writes: Iterable[str]
    points: Points

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)
        if name not in self.writes:
            return found

        def write(*arguments: Any, **named: Any) -> Any:
            self.points.one(writes=True)
            result = found(*arguments, **named)
            self.points.one()
            return result

        return write


@dataclass
class WatchedLedger:
    """A ledger whose sessions are watched."""

    inner: Ledger
    points: Points

    def open(self, *, write: bool, beside: LedgerSession | None = None) -> LedgerSession:
        plain: Any = beside.inner if isinstance(beside, Watched) else beside
        session: Any = Watched(self.inner.open(write=write, beside=plain), LEDGER, self.points)
        return session

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


@dataclass
class WatchedTransport:
    """A transport with a point before and after each request, and less patience: nobody waits for a slow platform."""

    inner: Transport
    points: Points
    patience: float = 0.5

    async def send(self, request: Request, timeout: float) -> Response:  # noqa: ASYNC109 - as the Protocol has it
        self.points.one()
        response = await self.inner.send(request, min(timeout, self.patience))
        self.points.one()
        return response

    async def close(self) -> None:
        await self.inner.close()


@dataclass
class _Hook:
    """Passes a point before each change of a file below `folder`. A hook stays until its process ends."""

    folder: str
    points: Points
    _inside: bool = field(default=False)

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._inside or not (event in FILES or (event == "open" and self._writes(arguments))):
            return
        if str(arguments[0]).startswith(self.folder):
            self._inside = True
            self.points.one()
            self._inside = False

    def _writes(self, arguments: tuple[Any, ...]) -> bool:
        flags = arguments[2]
        return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR))


def watch_files(folder: Path, points: Points) -> None:
    """Pass a point before each change that this process makes to a file below `folder`."""
    sys.addaudithook(_Hook(str(folder), points))
