"""How much room there is, and which events go to make some."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from audiform.eventlog.log import LogFullError, Retention

_AT_ONCE = 2_000
"""So many events are deleted in one transaction: appends wait no longer than for these."""
_TIGHT = 0.9
"""Settled events go before their age says so once the log is this full."""
_DISK_SECONDS = 0.5


@dataclass(slots=True)
class Room:
    """What the log takes, measured after each commit, and what its disk has left."""

    directory: Path
    retention: Retention
    clock: Callable[[], float] = time.time
    used: int = 0
    _free: int = 0
    _looked: float = field(default=float("-inf"), init=False)

    def measure(self, connection: sqlite3.Connection) -> None:
        """Look at the pages in use; the file itself never shrinks."""
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        (unused,) = connection.execute("PRAGMA freelist_count").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        self.used = (pages - unused) * size

    def check(self) -> None:
        """Raise LogFullError where there is no room for more."""
        if self.used >= self.retention.max_bytes:
            raise LogFullError(
                f"the log of events has reached {self.retention.max_bytes:,} bytes, all of them still needed"
            )
        now = time.monotonic()
        if now - self._looked > _DISK_SECONDS:
            self._free, self._looked = shutil.disk_usage(self.directory).free, now
        if self._free < self.retention.min_free_bytes:
            raise LogFullError(f"the disk of the log of events has {self._free:,} bytes left")

    @property
    def tight(self) -> bool:
        """Whether settled events should go now, whatever their age."""
        return self.used >= self.retention.max_bytes * _TIGHT

    def tidy(self, connection: sqlite3.Connection, floor: int) -> int:
        """Delete the oldest events that nobody needs (position <= `floor`); return how many went.

        The newest event always stays: the next position is counted from it.
        """
        too_old = self.clock() - self.retention.max_seconds
        newest = connection.execute("SELECT max(position) FROM event").fetchone()[0] or 0
        limit = min(floor, newest - 1)
        where = "position <= ?" if self.tight else "position <= ? AND kept < ?"
        values = (limit,) if self.tight else (limit, too_old)
        return connection.execute(
            f"DELETE FROM event WHERE position IN (SELECT position FROM event WHERE {where} ORDER BY position LIMIT ?)",
            (*values, _AT_ONCE),
        ).rowcount
