"""The records in a SQLite file. What a kill may not lose is in the file before its effect; what no power cut may lose is synced."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from audiform.diagnostics import Diagnostic, DiagnosticError
from audiform.eventlog.sqlite.writer import Writer
from audiform.forwarding.records import Figure, Letter, Settled, Tally
from audiform.sqlite_file import is_there, make_database

_KNOWN_SECONDS = 5.0
"""After so long a log of our own has written down that a batch is settled."""
_KNOWN_ELSEWHERE_SECONDS = 120.0
"""A server that is killed may hand out again what was settled, some time after it is back."""
_REMEMBERED_SECONDS = 48 * 3600.0
_COLUMNS = tuple(item.name for item in fields(Letter))
_STEPS = (
    (
        "CREATE TABLE batch (number INTEGER PRIMARY KEY, connector TEXT NOT NULL, positions TEXT NOT NULL, at REAL NOT NULL)",
        """CREATE TABLE figure (day TEXT, connector TEXT, what TEXT, detail TEXT, count INTEGER NOT NULL,
        PRIMARY KEY (day, connector, what, detail)) WITHOUT ROWID""",
        f"""CREATE TABLE letter ({", ".join(f"{name} NOT NULL" for name in _COLUMNS)},
        PRIMARY KEY (connector, position)) WITHOUT ROWID""",
        "CREATE TABLE pause (connector TEXT PRIMARY KEY, paused INTEGER NOT NULL) WITHOUT ROWID",
        "CREATE TABLE status (worker TEXT PRIMARY KEY, at REAL NOT NULL, body TEXT NOT NULL) WITHOUT ROWID",
        "CREATE TABLE progress (source TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID",
    ),
    ("ALTER TABLE batch ADD COLUMN settled TEXT NOT NULL DEFAULT '[]'",),
    ("CREATE TABLE broken (connector TEXT PRIMARY KEY, since REAL NOT NULL) WITHOUT ROWID",),
)
"""What leads from each version to the next, from nothing on."""
VERSION = len(_STEPS)


def utc_now() -> datetime:
    """Return the present time."""
    return datetime.now(UTC)


@dataclass(slots=True)
class SqliteRecords:
    """Records of one process that forwards. Belongs to one event loop. `own_log`: the log is a file beside them."""

    quick: Writer
    sure: Writer
    clock: Callable[[], datetime] = utc_now
    own_log: bool = True
    _settled: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])

    async def begin(self, connector: str, positions: Sequence[str], tally: Tally) -> int:
        """Keep the batch, and forget those that were settled a while ago."""
        now = self.clock().timestamp()
        values = (connector, json.dumps(positions), now)
        known = _KNOWN_SECONDS if self.own_log else _KNOWN_ELSEWHERE_SECONDS
        old = [number for at, number in self._settled if at < now - known]
        self._settled = self._settled[len(old) :]

        def work(connection: sqlite3.Connection) -> int | None:
            _forget(connection, old)
            self._add(connection, connector, tally)
            return connection.execute(
                "INSERT INTO batch (connector, positions, at) VALUES (?, ?, ?)", values
            ).lastrowid

        return int(await self.quick.do(work))

    async def settle(self, batch: int, connector: str, settled: Sequence[Settled], tally: Tally) -> None:
        """Write what was settled of a batch, and its figures."""
        values = (json.dumps(settled), batch)

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("UPDATE batch SET settled = ? WHERE number = ?", values)
            self._add(connection, connector, tally)

        await self.quick.do(work)
        self._settled.append((self.clock().timestamp(), batch))

    async def unsettled(self, connector: str) -> Sequence[str]:
        """Return what was on its way when the process was killed, in the last days."""
        old = self.clock().timestamp() - _REMEMBERED_SECONDS
        await self.quick.do(lambda c: c.execute("DELETE FROM batch WHERE at < ?", (old,)))
        settled = {position for position, _ in await self.settled(connector)}
        begun: list[str] = await self._of_batches("positions", connector)
        return [position for position in begun if position not in settled]

    async def settled(self, connector: str) -> Sequence[Settled]:
        """Return what was settled lately."""
        return [(position, event) for position, event in await self._of_batches("settled", connector)]

    async def count(self, connector: str, tally: Tally) -> None:
        """Add figures of today."""
        if tally:
            await self.quick.do(lambda connection: self._add(connection, connector, tally))

    async def bury(self, letters: Sequence[Letter]) -> None:
        """Keep dead letters; on disk when it returns."""
        if letters:
            statement = f"INSERT OR REPLACE INTO letter VALUES ({', '.join('?' * len(_COLUMNS))})"
            await self.sure.do(lambda c: c.executemany(statement, [astuple(letter) for letter in letters]))

    async def unbury(self, connector: str, positions: Sequence[str]) -> None:
        """Forget dead letters."""
        if positions:
            values = [(connector, position) for position in positions]
            await self.sure.do(
                lambda c: c.executemany("DELETE FROM letter WHERE connector = ? AND position = ?", values)
            )

    async def replays(self) -> Sequence[Letter]:
        """Return the dead letters that are to be sent again."""
        found: Sequence[Letter] = await self.quick.do(lambda c: _letters(c, "WHERE replay"))
        return found

    async def pause(self, connector: str, *, paused: bool) -> bool:
        """Remember it; on disk when it returns."""

        def work(connection: sqlite3.Connection) -> bool:
            row = connection.execute("SELECT paused FROM pause WHERE connector = ?", (connector,)).fetchone()
            if row is None or bool(row[0]) is not paused:
                connection.execute("INSERT OR REPLACE INTO pause VALUES (?, ?)", (connector, paused))
            return row is not None and bool(row[0])

        before: bool = await self.sure.do(work)
        return before

    async def broken_since(self, connector: str) -> float | None:
        """Return since when a destination has taken nothing."""

        def work(connection: sqlite3.Connection) -> float | None:
            row = connection.execute("SELECT since FROM broken WHERE connector = ?", (connector,)).fetchone()
            return None if row is None else float(row[0])

        found: float | None = await self.quick.do(work)
        return found

    async def broke(self, connector: str, since: float | None) -> None:
        """Remember it; a power cut may forget it."""
        statement, values = "DELETE FROM broken WHERE connector = ?", (connector,)
        if since is None:
            await self.quick.do(lambda c: c.execute(statement, values))
        else:
            await self.quick.do(
                lambda c: c.execute("INSERT OR REPLACE INTO broken VALUES (?, ?)", (*values, since))
            )

    async def tell(self, worker: str, body: Mapping[str, Any], at: float) -> None:
        """Write how a worker is, for `audiform status`."""
        values = (worker, at, json.dumps(body))
        await self.quick.do(lambda c: c.execute("INSERT OR REPLACE INTO status VALUES (?, ?, ?)", values))

    async def progress(self, source: str) -> dict[str, Any]:
        """Return how far a source of files was read."""
        return dict(await self.quick.do(lambda c: _progress(c, source)))

    async def advance(self, source: str, body: Mapping[str, Any]) -> None:
        """Write how far a source of files was read."""
        values = (source, json.dumps(body))
        await self.quick.do(lambda c: c.execute("INSERT OR REPLACE INTO progress VALUES (?, ?)", values))

    async def close(self) -> None:
        """Write what is waiting, then close the file. The readers of the log are closed before."""
        settled = [number for _, number in self._settled] if self.own_log else []
        await self.quick.do(lambda connection: _forget(connection, settled))
        for writer in (self.quick, self.sure):
            await writer.close()
            writer.connection.close()

    async def _of_batches(self, column: str, connector: str) -> list[Any]:
        def work(connection: sqlite3.Connection) -> list[Any]:
            rows = connection.execute(f"SELECT {column} FROM batch WHERE connector = ?", (connector,))
            return [each for (text,) in rows.fetchall() for each in json.loads(text)]

        return list(await self.quick.do(work))

    def _add(self, connection: sqlite3.Connection, connector: str, tally: Tally) -> None:
        day = self.clock().date().isoformat()
        connection.executemany(
            "INSERT INTO figure VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET count = count + excluded.count",
            [(day, connector, what, detail, count) for (what, detail), count in tally.items()],
        )


@dataclass(frozen=True, slots=True)
class Looking:
    """What commands look at, and the one thing that they ask for. None: nothing was ever forwarded."""

    connection: sqlite3.Connection | None

    def letters(self, connector: str | None = None) -> Sequence[Letter]:
        """Return dead letters, oldest first."""
        if self.connection is None:
            return ()
        where, values = ("", ()) if connector is None else ("WHERE connector = ?", (connector,))
        return _letters(self.connection, where, values)

    def figures(self, first: str, last: str) -> Sequence[Figure]:
        """Return the figures of these days."""
        if self.connection is None:
            return ()
        rows = self.connection.execute(
            "SELECT * FROM figure WHERE day BETWEEN ? AND ? ORDER BY day, connector, what, detail",
            (first, last),
        )
        return [Figure(*row) for row in rows]

    def statuses(self) -> Mapping[str, tuple[float, Mapping[str, Any]]]:
        """Return worker -> when it said how it is, and what."""
        if self.connection is None:
            return {}
        rows = self.connection.execute("SELECT worker, at, body FROM status ORDER BY worker")
        return {worker: (at, json.loads(body)) for worker, at, body in rows}

    def ask_for_replay(self, letters: Iterable[Letter]) -> None:
        """Ask for these to be sent again; a running process sees it within a second."""
        if self.connection is not None:
            with self.connection:
                self.connection.executemany(
                    "UPDATE letter SET replay = 1 WHERE connector = ? AND position = ?",
                    [(letter.connector, letter.position) for letter in letters],
                )

    def erase(self, positions: Iterable[str], people: Iterable[str]) -> int:
        """Delete the dead letters of these events, and of these people (keyed digests); return how many there were."""
        if self.connection is None:
            return 0
        with self.connection:
            return sum(
                self.connection.execute(f"DELETE FROM letter WHERE {column} = ?", (value,)).rowcount
                for column, values in (("position", positions), ("person", people))
                for value in values
            )

    def close(self) -> None:
        """Close the file."""
        if self.connection is not None:
            self.connection.close()


def records_path(directory: Path) -> Path:
    """Return where the records of a folder are."""
    return directory / "forwarding.sqlite"


def open_records(
    directory: Path, clock: Callable[[], datetime] = utc_now, *, own_log: bool = True
) -> SqliteRecords:
    """Return the records in a folder, made where there are none.

    Raises:
        DiagnosticError: a newer Audiform made them (`event-log-too-new`).
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = records_path(directory)
    make_database(path)
    sure, quick = _connect(path, "FULL"), _connect(path, "NORMAL")
    _migrate(sure, path)
    return SqliteRecords(Writer(quick), Writer(sure), clock, own_log)


def look(directory: Path) -> Looking:
    """Return what there is to look at; makes nothing."""
    path = records_path(directory)
    return Looking(_connect(path, "FULL") if is_there(path, os.R_OK | os.W_OK) else None)


def _connect(path: Path, synchronous: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    return connection


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("BEGIN IMMEDIATE")
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    for statement in (each for step in _STEPS[version:] for each in step):
        connection.execute(statement)
    if version < VERSION:
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")
    if version > VERSION:
        detail = f"The records in {path} have schema version {version}; this Audiform knows versions up to {VERSION}."
        raise DiagnosticError(
            (
                Diagnostic(
                    code="event-log-too-new",
                    detail=f"{detail} Use the version that wrote them, or a newer one.",
                ),
            )
        )


def _letters(connection: sqlite3.Connection, where: str, values: Sequence[str] = ()) -> Sequence[Letter]:
    rows = connection.execute(f"SELECT * FROM letter {where} ORDER BY at, connector, position", values)
    texts = len(_COLUMNS) - 2  # the last two are flags
    return [Letter(*row[:texts], *(bool(flag) for flag in row[texts:])) for row in rows]


def _forget(connection: sqlite3.Connection, batches: Sequence[int]) -> None:
    connection.executemany("DELETE FROM batch WHERE number = ?", [(number,) for number in batches])


def _progress(connection: sqlite3.Connection, source: str) -> dict[str, Any]:
    row = connection.execute("SELECT body FROM progress WHERE source = ?", (source,)).fetchone()
    return {} if row is None else dict(json.loads(row[0]))
