"""Appends that wait together become one insert: who writes row by row waits for the interpreter at each of them."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from audiform.eventlog.sqlite.recent import Recent
from audiform.eventlog.sqlite.writer import Writer

Row = tuple[bytes, bytes]
"""The key of an event, and its JSON."""
_SIZES = (256, 64, 16, 4, 1)
"""Rows of one statement: few different ones, so that SQLite keeps them compiled."""
_INSERT = {
    size: f"INSERT INTO event (key, kept, body) VALUES {', '.join(['(?, ?, ?)'] * size)}" for size in _SIZES
}


@dataclass(slots=True)
class _Batch:
    rows: list[Row] = field(default_factory=list[Row])
    done: asyncio.Future[Any] | None = None
    closed: bool = False


@dataclass(slots=True)
class Appending:
    """Collects rows on the event loop until the writer's thread comes for them."""

    writer: Writer
    recent: Recent
    clock: Callable[[], float]
    last: int = 0
    _batch: _Batch = field(default_factory=lambda: _Batch(closed=True))
    _guard: threading.Lock = field(default_factory=threading.Lock)

    async def append(self, rows: Sequence[Row]) -> int:
        """Return the newest position, once the rows are on disk."""
        with self._guard:
            if self._batch.closed:
                self._batch = batch = _Batch()
                batch.done = asyncio.ensure_future(
                    self.writer.do(lambda connection: self._insert(connection, batch))
                )
            self._batch.rows += rows
            done = self._batch.done
        assert done is not None  # noqa: S101 - set above, before anybody else can see the batch
        # Who goes away does not take the others' answer along.
        newest: int = await asyncio.shield(done)
        return newest

    def reload(self, connection: sqlite3.Connection) -> None:
        """Know what is on disk, and no more: at the beginning, and after a transaction that was undone."""
        self.recent.load(connection)
        self.last = connection.execute("SELECT max(position) FROM event").fetchone()[0] or 0

    def _insert(self, connection: sqlite3.Connection, batch: _Batch) -> int:
        """Insert what is new; return the newest position. Runs on the writer's thread."""
        with self._guard:
            batch.closed = True
        new, now = list[Row](), self.clock()
        for row in batch.rows:
            if row[0] not in self.recent:
                self.recent.add(row[0])
                new.append(row)
        for part in _parts(new):
            values = [value for key, body in part for value in (key, now, body)]
            self.last = connection.execute(_INSERT[len(part)], values).lastrowid or self.last
        return self.last


def _parts(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    place = 0
    for size in _SIZES:
        while len(rows) - place >= size:
            yield rows[place : place + size]
            place += size
