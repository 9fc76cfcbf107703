"""One consumer's place in the SQLite log: how far it was handed events, and which of them are not settled."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from audiform.eventlog.log import Entry
from audiform.events.event import Event


class Shared(Protocol):
    """What readers need of their log."""

    @property
    def last(self) -> int:
        """The newest position."""
        ...

    async def rows(self, after: int, most: int) -> Sequence[Entry]: ...
    async def at(self, positions: Sequence[int]) -> Sequence[Entry]: ...
    async def news(self, after: int, wait: float) -> None: ...
    async def write_cursors(self) -> None: ...
    def changed(self, reader: SqliteReader) -> None: ...
    def closed(self, reader: SqliteReader) -> None: ...


@dataclass(slots=True, eq=False)
class SqliteReader:
    """Hands out the events after `ceiling`; `open` are those up to it that are not settled, in order."""

    consumer: str
    log: Shared
    ceiling: int
    open: dict[int, None]
    _left: list[int] = field(default_factory=list[int])
    """Handed out before a restart and never settled: they come first."""

    async def fetch(self, most: int, wait: float) -> Sequence[Entry]:
        """Return the next events; wait for the first of them."""
        if self._left:
            return await self._again(most)
        if self.log.last <= self.ceiling and wait > 0:
            await self.log.news(self.ceiling, wait)
        last = self.log.last
        if last <= self.ceiling:
            return ()
        found = await self.log.rows(self.ceiling, most)
        for entry in found:
            self.ceiling = int(entry.position)
            self.open[self.ceiling] = None
        if len(found) < most:
            # What is not among them up to there was erased.
            self.ceiling = max(self.ceiling, last)
        return found

    async def acknowledge(self, entries: Sequence[Entry]) -> None:
        """Settle these; the log writes it down with its next transaction."""
        for entry in entries:
            self.open.pop(int(entry.position), None)
        if entries:
            self.log.changed(self)

    def holds(self, entry: Entry) -> bool:
        """Return True: nobody else reads."""
        del entry
        return True

    async def lag(self) -> int:
        """Count what was not handed out, and what of it is not settled."""
        return max(0, self.log.last - self.ceiling) + len(self.open)

    async def skip(self) -> None:
        """Settle all that there is."""
        self.open.clear()
        self._left.clear()
        self.ceiling = self.log.last
        self.log.changed(self)
        await self.log.write_cursors()

    async def close(self) -> None:
        """Write the place down, once more."""
        self.log.changed(self)
        await self.log.write_cursors()
        self.log.closed(self)

    @property
    def floor(self) -> int:
        """The position up to which this consumer needs nothing any more."""
        return next(iter(self.open)) - 1 if self.open else self.ceiling

    def row(self) -> tuple[str, int, str]:
        """Return what the log keeps of this reader."""
        return self.consumer, self.ceiling, json.dumps(list(self.open))

    async def _again(self, most: int) -> Sequence[Entry]:
        positions, self._left = self._left[:most], self._left[most:]
        found = await self.log.at(positions)
        kept = {int(entry.position) for entry in found}
        for position in positions:
            if position not in kept:
                self.open.pop(position, None)
        return found


def reader_of(log: Shared, row: tuple[str, int, str]) -> SqliteReader:
    """Return a reader at the place that was kept."""
    consumer, ceiling, holes = row
    left: list[int] = json.loads(holes)
    return SqliteReader(consumer, log, ceiling, dict.fromkeys(left), left)


def entry_of(position: int, body: bytes) -> Entry:
    """Return the event of a row."""
    return Entry(str(position), Event.from_json(body))


def select(connection: sqlite3.Connection, after: int, most: int) -> Sequence[Entry]:
    """Read the events after a position."""
    rows = connection.execute(
        "SELECT position, body FROM event WHERE position > ? AND body != x'' ORDER BY position LIMIT ?",
        (after, most),
    )
    return [entry_of(*row) for row in rows]


def select_at(connection: sqlite3.Connection, positions: Sequence[int]) -> Sequence[Entry]:
    """Read the events at these positions, those that are still there."""
    rows = connection.execute(
        "SELECT position, body FROM event WHERE position IN (SELECT value FROM json_each(?)) AND body != x'' ORDER BY position",
        (json.dumps(positions),),
    )
    return [entry_of(*row) for row in rows]


def select_newest(connection: sqlite3.Connection, count: int) -> Sequence[Entry]:
    """Read the newest events, oldest first."""
    rows = connection.execute(
        "SELECT position, body FROM event WHERE body != x'' ORDER BY position DESC LIMIT ?", (count,)
    )
    return [entry_of(*row) for row in rows][::-1]
