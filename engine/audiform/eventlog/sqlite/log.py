"""The SQLite log: group commit, cursors, room."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audiform.eventlog.log import Entry, LogFullError, LogUnavailableError, Retention, Start
from audiform.eventlog.recent import Recent, key_of
from audiform.eventlog.sqlite.appending import Appending
from audiform.eventlog.sqlite.reader import SqliteReader, reader_of, select, select_at, select_newest
from audiform.eventlog.sqlite.room import Room
from audiform.eventlog.sqlite.schema import log_path, open_for_reading, open_for_writing
from audiform.eventlog.sqlite.writer import Work, Writer
from audiform.events.event import Event
from audiform.sqlite_file import is_there

_TIDY_SECONDS = 5.0
_FULL_SECONDS = 0.5
"""When somebody was turned away, it is looked so soon whether there is room by now."""
_CURSOR_SECONDS = 0.05
"""Acknowledgements wait so long for others, and are then written together."""


@dataclass(slots=True)
class SqliteLog:
    """A log in one file, for one process that writes. Belongs to one event loop."""

    directory: Path
    writer: Writer
    reading: sqlite3.Connection
    room: Room
    appending: Appending
    last: int
    _readers: dict[str, SqliteReader] = field(default_factory=dict[str, SqliteReader])
    _held_for: frozenset[str] = frozenset()
    _changed: set[SqliteReader] = field(default_factory=set[SqliteReader])
    _threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, "audiform-event-log-read")
    )
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _full: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list[asyncio.Task[None]])

    async def append(self, events: Sequence[Event]) -> None:
        """Keep events; returns when they are on disk."""
        self._begin()
        try:
            self.room.check()
        except LogFullError:
            self._full.set()
            raise
        rows = [(key_of(event), event.to_json()) for event in events]
        try:
            newest = await self.appending.append(rows)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
                raise LogFullError("the disk of the log of events is full") from None
            raise LogUnavailableError(f"the log of events cannot be written: {error}") from None
        self.last = max(self.last, newest)
        self._news.set()

    async def reader(self, consumer: str, start: Start = Start.NOW) -> SqliteReader:
        """Return the reader of a consumer."""
        self._begin()
        first = 0 if start is Start.BEGINNING else self.last
        row = await self.writer.do(lambda connection: _cursor(connection, consumer, first))
        self._readers[consumer] = found = reader_of(self, row)
        return found

    def hold_for(self, consumers: Collection[str]) -> None:
        """Remember who needs its events, whether its reader is open or not."""
        self._held_for = frozenset(consumers)

    async def forget(self, consumer: str) -> None:
        """Drop the consumer's place."""
        await self.writer.do(
            lambda connection: connection.execute("DELETE FROM cursor WHERE consumer = ?", (consumer,))
        )

    async def find(self, positions: Sequence[str]) -> Mapping[str, Event]:
        """Return the events at these positions."""
        found = await self.at([int(position) for position in positions])
        return {entry.position: entry.event for entry in found}

    async def newest(self, count: int) -> Sequence[Entry]:
        """Return the newest events, oldest first."""
        found: Sequence[Entry] = await self._read(lambda connection: select_newest(connection, count))
        return found

    async def close(self) -> None:
        """Write what is waiting, then close the file."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.write_cursors()
        await self.writer.close()
        self._threads.shutdown()
        self.reading.close()
        self.writer.connection.close()

    # --- What the readers use

    async def rows(self, after: int, most: int) -> Sequence[Entry]:
        """Read events after a position."""
        found: Sequence[Entry] = await self._read(lambda connection: select(connection, after, most))
        return found

    async def at(self, positions: Sequence[int]) -> Sequence[Entry]:
        """Read the events at these positions."""
        found: Sequence[Entry] = await self._read(lambda connection: select_at(connection, positions))
        return found

    async def news(self, after: int, wait: float) -> None:
        """Wait until there is something after a position, for some time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(wait):
                while self.last <= after:
                    self._news.clear()
                    await self._news.wait()

    async def write_cursors(self) -> None:
        """Write the places of all readers that moved, in one transaction."""
        moved, self._changed = self._changed, set()
        rows = [reader.row() for reader in moved]
        if not rows:
            return
        try:
            await self.writer.do(
                lambda connection: connection.executemany(
                    "INSERT OR REPLACE INTO cursor VALUES (?, ?, ?)", rows
                )
            )
        except sqlite3.OperationalError:
            # No room on the disk: the places are written when there is some. Until then a kill costs repetitions.
            self._changed |= moved

    def changed(self, reader: SqliteReader) -> None:
        """Remember that a reader's place is to be written."""
        self._changed.add(reader)

    def closed(self, reader: SqliteReader) -> None:
        """Forget a reader; events that only it would need may be deleted when they are old."""
        if self._readers.get(reader.consumer) is reader:
            del self._readers[reader.consumer]

    async def tidy(self) -> None:
        """Delete what is too old, or takes too much room, and is needed by no open reader and nobody whom it is held for."""
        away = self._held_for - self._readers.keys()
        rows = await self.writer.do(lambda connection: _cursors(connection, away))
        readers = [*self._readers.values(), *(reader_of(self, row) for row in rows)]
        floor = min((reader.floor for reader in readers), default=self.last)
        while await self.writer.do(lambda connection: self.room.tidy(connection, floor)):
            pass

    # --- Inside

    def _begin(self) -> None:
        if not self._tasks:
            self._tasks += [
                asyncio.create_task(_each(_CURSOR_SECONDS, self.write_cursors)),
                asyncio.create_task(_each(_FULL_SECONDS, self._tidy)),
            ]

    async def _tidy(self) -> None:
        """Tidy now where somebody was turned away, and else after some time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_TIDY_SECONDS):
                await self._full.wait()
        self._full.clear()
        await self.tidy()

    async def _read(self, work: Work) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, self.reading)


def open_log(
    directory: Path, retention: Retention | None = None, clock: Callable[[], float] = time.time
) -> SqliteLog:
    """Return the log in a folder, made where there is none.

    Raises:
        DiagnosticError: a newer Audiform made it (`event-log-too-new`).
    """
    connection = open_for_writing(directory)
    room = Room(directory, retention or Retention(), clock)
    room.measure(connection)
    writer = Writer(connection, room.measure)
    appending = Appending(writer, Recent(), clock)
    appending.reload(connection)
    # What was undone was not kept, so it is not known either.
    writer.undone = appending.reload
    return SqliteLog(directory, writer, open_for_reading(directory), room, appending, appending.last)


@dataclass(slots=True)
class SqliteView:
    """Looks at a log that another process writes; None: there is no log yet."""

    reading: sqlite3.Connection | None

    async def find(self, positions: Sequence[str]) -> Mapping[str, Event]:
        """Return the events at these positions."""
        found = select_at(self.reading, [int(each) for each in positions]) if self.reading else ()
        return {entry.position: entry.event for entry in found}

    async def newest(self, count: int) -> Sequence[Entry]:
        """Return the newest events, oldest first."""
        return select_newest(self.reading, count) if self.reading else ()

    async def close(self) -> None:
        """Close the file."""
        if self.reading is not None:
            self.reading.close()


def view_log(directory: Path) -> SqliteView:
    """Return a view of the log in a folder; makes nothing."""
    return SqliteView(
        open_for_reading(directory) if is_there(log_path(directory), os.R_OK | os.W_OK) else None
    )


def _cursor(connection: sqlite3.Connection, consumer: str, first: int) -> tuple[str, int, str]:
    connection.execute("INSERT OR IGNORE INTO cursor VALUES (?, ?, '[]')", (consumer, first))
    row: tuple[str, int, str] = connection.execute(
        "SELECT consumer, ceiling, holes FROM cursor WHERE consumer = ?", (consumer,)
    ).fetchone()
    return row


def _cursors(connection: sqlite3.Connection, consumers: Collection[str]) -> Sequence[tuple[str, int, str]]:
    rows = connection.execute("SELECT consumer, ceiling, holes FROM cursor").fetchall()
    return [row for row in rows if row[0] in consumers]


async def _each(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(seconds)
        # No room on the disk: tried again.
        with suppress(sqlite3.OperationalError):
            await work()
