"""The ledger's files in tables: in pieces, copied as they are. Sessions read and write them in a cache."""

from __future__ import annotations

import json
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
"""Bytes of a piece: what is in memory at a time, here and on the server."""

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
        """Copy the file to the database, in one transaction."""
        path = self.directory / destination_key / file
        path.chmod(0o600)
        where = (destination_key, file)
        with self.database.writing() as connection, path.open("rb") as source:
            connection.execute("DELETE FROM ledger_file WHERE destination = ? AND file = ?", where)
            connection.execute("INSERT INTO ledger_file (destination, file) VALUES (?, ?)", where)
            _copy_in(connection.connection, where, iter(lambda: source.read(_PIECE), b""))

    def fetch(self, destination_key: str, files: Iterable[str]) -> None:
        """Copy from the database what is not in the cache."""
        folder = self.directory / destination_key
        missing = [file for file in dict.fromkeys(files) if not (folder / file).exists()]
        if not missing:
            return
        with self.database.reading() as connection:
            for file in missing:
                if connection is None or not self._fetched(connection.connection, destination_key, file):
                    raise _gone(file, self.database.place.shown)

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
            query = "SELECT file FROM ledger_file WHERE destination = ? ORDER BY file"
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
        """Remove files that are old and that nobody needs."""
        with self.database.writing() as connection:
            needed = [segment.file for _, found in _lists(connection) for segment in found]
            connection.execute(
                f"DELETE FROM ledger_file WHERE kept < now() - interval '{_OLD}'"
                " AND file <> ALL (?) AND split_part(file, '.', 1) <> ALL (?)",
                (needed, [*runs]),
            )

    def close(self) -> None:
        """Remove the cache. The connection is the store's."""
        self.cache.close()

    def _fetched(self, connection: Connection[Any], destination_key: str, file: str) -> bool:
        """Copy one file; return whether it is there. It has its name once it is whole."""
        part = f".{file}.part"
        found = False
        with open(self.cache.add(destination_key, part), "wb") as target:  # noqa: PTH123 - a handle that is made private
            for piece in _copied_out(connection, destination_key, file):
                target.write(piece)
                found = True
        path = self.directory / destination_key / part
        if found:
            path.rename(path.with_name(file))
        else:
            path.unlink()
        return found


@dataclass(frozen=True, slots=True)
class Shelves:
    """Opens the shelf of a session: in a cache of its own, on the connection of all."""

    database: Database

    def __call__(self, *, write: bool) -> PostgresqlShelf:
        """Return a shelf; there is nothing to be made before it is written on."""
        return PostgresqlShelf(self.database, open_cache())


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


def _copy_in(connection: Connection[Any], where: tuple[str, str], pieces: Iterator[bytes]) -> None:
    with (
        connection.cursor() as cursor,
        cursor.copy("COPY ledger_piece (destination, file, number, data) FROM STDIN (FORMAT BINARY)") as copy,
    ):
        copy.set_types(["text", "text", "int4", "bytea"])
        for number, piece in enumerate(pieces):
            copy.write_row((*where, number, piece))


def _copied_out(connection: Connection[Any], destination_key: str, file: str) -> Iterator[bytes]:
    query = "COPY (SELECT data FROM ledger_piece WHERE destination = %s AND file = %s ORDER BY number) TO STDOUT (FORMAT BINARY)"
    with connection.cursor() as cursor, cursor.copy(query, (destination_key, file)) as copy:
        copy.set_types(["bytea"])
        for (piece,) in copy.rows():
            yield piece


def _gone(file: str, shown: str) -> DiagnosticError:
    detail = (
        f"A file of the ledger, {file}, is not in the database any more ({shown}): another run replaced it while it was read. "
        "Run the command again; if it says the same, restore the schema from a backup."
    )
    return DiagnosticError([Diagnostic("ledger-file-missing", detail)])
