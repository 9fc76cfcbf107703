"""Appends that wait together become one insert: who writes row by row waits for the interpreter at each of them."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from audiform.eventlog.recent import Recent
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
    waiting: list[asyncio.Future[int]] = field(default_factory=list[asyncio.Future[int]])
    closed: bool = False

    def end(self, done: asyncio.Future[Any]) -> None:
        """Tell all who wait; who went away does not take the others' answer along."""
        error = None if done.cancelled() else done.exception()
        for one in self.waiting:
            if one.done():
                continue
            if error is not None:
                one.set_exception(error)
            else:
                one.set_result(done.result())


@dataclass(slots=True)
class Appending:
    """Collects rows on the event loop until the writer's thread comes for them."""

    writer: Writer
    recent: Recent
    clock: Callable[[], float]
    last: int = 0
    _batch: _Batch = field(default_factory=lambda: _Batch(closed=True))
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def append(self, rows: Sequence[Row]) -> asyncio.Future[int]:
        """Return what will be the newest position, once the rows are on disk."""
        mine: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        with self._guard:
            if self._batch.closed:
                self._batch = batch = _Batch()
                work = self.writer.do(lambda connection: self._insert(connection, batch))
                asyncio.ensure_future(work).add_done_callback(batch.end)
            self._batch.rows += rows
            self._batch.waiting.append(mine)
        return mine

    def reload(self, connection: sqlite3.Connection) -> None:
        """Know what is on disk, and no more: at the beginning, and after a transaction that was undone."""
        # An index over all events would cost half of the rate at which they are taken in.
        newest = "SELECT key FROM event ORDER BY position DESC LIMIT ?"
        self.recent.know(key for (key,) in connection.execute(newest, (self.recent.most,)))
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
