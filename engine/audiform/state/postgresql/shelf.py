"""The ledger's files in tables: in pieces, copied as they are. Sessions read and write them in a cache."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiform.diagnostics import Diagnostic, DiagnosticError
from audiform.state.postgresql.database import Database, Statements
from audiform.state.segments.cache import Cache, open_cache
from audiform.state.segments.segment import Segment

if TYPE_CHECKING:
    from psycopg import Connection

_PIECE = 4 << 20
"""Bytes of a piece: what is in memory at a time, here and on the server, and for how long others wait for the connection."""

_OLD = "1 hour"
"""A file that no list names is removed after this time: a reader may still be at it."""


@dataclass(frozen=True, slots=True)
class PostgresqlShelf:
    """See `Shelf`."""

    database: Database
    cache: Cache

    @property
    def directory(self) -> Path:
        """The cache's folder."""
        return self.cache.directory

    def destinations(self) -> Sequence[str]:
        """Return the keys of the lists."""
        with self.database.reading() as connection:
            return [key for key, _ in _lists(connection)]

    def read(self, destination_key: str) -> tuple[Segment, ...]:
        """Read one list."""
        with self.database.reading() as connection:
            return next((found for _, found in _lists(connection, destination_key)), ())

    def replace(self, destination_key: str, segments: Sequence[Segment]) -> None:
        """Replace the row."""
        with self.database.writing() as connection:
            connection.execute(
                "INSERT INTO ledger_list VALUES (?, ?)"
                " ON CONFLICT (destination) DO UPDATE SET segments = excluded.segments",
                (destination_key, json.dumps([item.entry() for item in segments])),
            )

    def prepare(self, destination_key: str) -> Path:
        """Make the folder in the cache."""
        return self.cache.prepare(destination_key)

    def keep(self, destination_key: str, file: str) -> None:
        """Copy the file to the database, each piece in a transaction; it counts once all of them are there."""
        path = self.directory / destination_key / file
        path.chmod(0o600)
        where = (destination_key, file)
        with self.database.writing() as connection:
            connection.execute("DELETE FROM ledger_file WHERE destination = ? AND file = ?", where)
            connection.execute("INSERT INTO ledger_file (destination, file) VALUES (?, ?)", where)
        count = 0
        with path.open("rb") as source:
            while piece := source.read(_PIECE):
                with self.database.writing() as connection:
                    _copy_in(connection.connection, (*where, count, piece))
                count += 1
        with self.database.writing() as connection:
            connection.execute(
                "UPDATE ledger_file SET pieces = ? WHERE destination = ? AND file = ?", (count, *where)
            )

    def fetch(self, destination_key: str, files: Iterable[str]) -> None:
        """Copy from the database what is not in the cache."""
        folder = self.directory / destination_key
        for file in dict.fromkeys(files):
            if not (folder / file).exists():
                self._fetch(destination_key, file)

    def fetch_run(self, destination_key: str, run: str) -> None:
        """Fetch the files that the database has of the run."""
        self.fetch(
            destination_key, [file for file in self.files(destination_key) if file.startswith(f"{run}.")]
        )

    def files(self, destination_key: str) -> Sequence[str]:
        """Return the names of the destination's files."""
        with self.database.reading() as connection:
            if connection is None:
                return []
            query = "SELECT file FROM ledger_file WHERE destination = ? AND pieces IS NOT NULL ORDER BY file"
            return [file for (file,) in connection.execute(query, (destination_key,)).fetchall()]

    def remove(self, destination_key: str, files: Iterable[str]) -> None:
        """Remove files, here and there."""
        gone = [*files]
        with self.database.writing() as connection:
            connection.execute(
                "DELETE FROM ledger_file WHERE destination = ? AND file = ANY (?)", (destination_key, gone)
            )
        for file in gone:
            (self.directory / destination_key / file).unlink(missing_ok=True)

    def forget(self, destination_key: str) -> None:
        """Remove the list and the files at once."""
        with self.database.writing() as connection:
            connection.execute("DELETE FROM ledger_list WHERE destination = ?", (destination_key,))
            connection.execute("DELETE FROM ledger_file WHERE destination = ?", (destination_key,))

    def tidy(self, runs: Collection[str]) -> None:
        """Remove files that are old and that nobody needs. The server looks into the lists: they may be many."""
        with self.database.writing() as connection:
            connection.execute(
                f"DELETE FROM ledger_file AS old WHERE kept < now() - interval '{_OLD}'"
                " AND split_part(file, '.', 1) <> ALL (?) AND NOT EXISTS (SELECT 1 FROM ledger_list AS list"
                " WHERE list.destination = old.destination"
                " AND list.segments::jsonb @> jsonb_build_array(jsonb_build_object('file', old.file)))",
                ([*runs],),
            )

    def close(self) -> None:
        """Remove the cache. The connection is the store's."""
        self.cache.close()

    def _fetch(self, destination_key: str, file: str) -> None:
        """Copy one file, a piece at a time: it never changes. It has its name once it is whole."""
        part = f".{file}.part"
        with os.fdopen(self.cache.add(destination_key, part), "wb") as target:
            for number in range(self._pieces(destination_key, file)):
                with self.database.reading() as connection:
                    piece = _copied_out(connection, (destination_key, file, number))
                if piece is None:
                    raise _gone(file, self.database.place.shown)
                target.write(piece)
        path = self.directory / destination_key / part
        path.rename(path.with_name(file))

    def _pieces(self, destination_key: str, file: str) -> int:
        with self.database.reading() as connection:
            query = "SELECT pieces FROM ledger_file WHERE destination = ? AND file = ?"
            row = connection and connection.execute(query, (destination_key, file)).fetchone()
        if not row or row[0] is None:
            raise _gone(file, self.database.place.shown)
        return int(row[0])


@dataclass(frozen=True, slots=True)
class Shelves:
    """Opens the shelf of a session: in a cache of its own, on the connection of all."""

    database: Database

    def __call__(self, *, write: bool, within: Path | None = None) -> PostgresqlShelf:
        """Return a shelf; there is nothing to be made before it is written on."""
        return PostgresqlShelf(self.database, open_cache(within))


def _lists(
    connection: Statements | None, destination_key: str | None = None
) -> Iterator[tuple[str, tuple[Segment, ...]]]:
    """Yield the lists by key, or the one of a destination."""
    if connection is None:
        return
    one = ("", ()) if destination_key is None else (" WHERE destination = ?", (destination_key,))
    query = f"SELECT destination, segments FROM ledger_list{one[0]} ORDER BY destination"
    for key, entries in connection.execute(query, one[1]).fetchall():
        yield key, tuple(map(Segment.listed, json.loads(entries)))


def _copy_in(connection: Connection[Any], row: tuple[str, str, int, bytes]) -> None:
    query = "COPY ledger_piece (destination, file, number, data) FROM STDIN (FORMAT BINARY)"
    with connection.cursor() as cursor, cursor.copy(query) as copy:
        copy.set_types(["text", "text", "int4", "bytea"])
        copy.write_row(row)


def _copied_out(connection: Statements | None, where: tuple[str, str, int]) -> bytes | None:
    if connection is None:
        return None
    query = (
        "COPY (SELECT data FROM ledger_piece WHERE destination = %s AND file = %s AND number = %s)"
        " TO STDOUT (FORMAT BINARY)"
    )
    with connection.connection.cursor() as cursor, cursor.copy(query, where) as copy:
        copy.set_types(["bytea"])
        rows = [*copy.rows()]
    return rows[0][0] if rows else None


def _gone(file: str, shown: str) -> DiagnosticError:
    detail = (
        f"A file of the ledger, {file}, is not in the database any more ({shown}): another run replaced it while it was read. "
        "Run the command again; if it says the same, restore the schema from a backup."
    )
    return DiagnosticError([Diagnostic("ledger-file-missing", detail)])
