"""The connection to `state.sqlite`: opened late, read without writing, written in whole transactions."""

from __future__ import annotations

import sqlite3
import threading
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from audiform.diagnostics import Diagnostic, DiagnosticError
from audiform.state.keys import keyed_digest
from audiform.state.local.keys import create_key, key_path, read_key
from audiform.state.local.schema import make_directory, open_for_reading, open_for_writing
from audiform.state.lock import Holding
from audiform.state.writing import not_written, written


@dataclass(slots=True)
class Database:
    """One process's way to the records. Safe to use from several threads; one transaction at a time."""

    directory: Path
    holding: Holding = field(default_factory=Holding)
    _reader: sqlite3.Connection | None = None
    _writer: sqlite3.Connection | None = None
    _guard: threading.RLock = field(default_factory=threading.RLock)

    @contextmanager
    def reading(self) -> Generator[sqlite3.Connection | None]:
        """Yield a connection that sees one moment of the state; None where nothing was ever written.

        Raises:
            DiagnosticError: the lock was taken away: what is read now, another run is about to change.
        """
        self.holding.check()
        with self._guard:
            connection = self._writer or self._reader
            if connection is None:
                connection = self._reader = open_for_reading(self.directory)
            if connection is None or connection.in_transaction:
                yield connection
                return
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("ROLLBACK")

    @contextmanager
    def writing(self) -> Generator[sqlite3.Connection]:
        """Yield a connection in a transaction: committed and on disk at the end, or nothing of it.

        Raises:
            DiagnosticError: the disk does not take it (`state-not-written`), or the lock was taken away.
        """
        with self._guard, written(self.directory), _refusals(self.directory):
            connection = self._writer
            if connection is None:
                connection = self._writer = open_for_writing(self.directory)
                self._found(connection)
            connection.execute("BEGIN IMMEDIATE")
            try:
                # From here on nobody else writes: a run that began since would write after this one.
                self.holding.check()
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                # SQLite has done it already where the disk is full.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def key(self) -> bytes | None:
        """Return the state's key; None where nothing was ever written.

        Raises:
            DiagnosticError: the key of a state that holds something is gone or another one (`state-key-lost`).
        """
        with self.reading() as connection:
            check = None if connection is None else _fact(connection, "key_check")
        if check is None:
            return None
        key = read_key(self.directory)
        if key is None or keyed_digest(key, "check", "") != check:
            raise DiagnosticError((_key_lost(self.directory),))
        return key

    def adopt(self, key: bytes) -> None:
        """Put the key beside the state before that is made."""
        with self.reading() as connection:
            known = connection is not None and _fact(connection, "lineage") is not None
        if not known:
            make_directory(self.directory)
            create_key(self.directory, key)
            with self.writing():
                pass

    def close(self) -> None:
        """Close what was opened; the last writer folds the write-ahead log into the file."""
        with self._guard:
            for connection in (self._reader, self._writer):
                if connection is not None:
                    connection.close()
            self._reader = self._writer = None

    def _found(self, connection: sqlite3.Connection) -> None:
        """Give a new state its lineage and its key; a known one keeps both."""
        if _fact(connection, "lineage") is not None:
            self.key()
            return
        key = create_key(self.directory)
        # Committed at once and by one statement; whoever comes second inserts nothing.
        connection.execute(
            "INSERT OR IGNORE INTO fact VALUES ('lineage', ?), ('serial', '0'), ('key_check', ?)",
            (str(uuid.uuid4()), keyed_digest(key, "check", "")),
        )


@contextmanager
def _refusals(directory: Path) -> Generator[None]:
    """Say what SQLite's errors mean that are none of its own: disk full, disk I/O error, attempt to write a readonly database."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise not_written(directory, str(error)) from error


def _fact(connection: sqlite3.Connection, name: str) -> str | None:
    row = connection.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])


def _key_lost(directory: Path) -> Diagnostic:
    return Diagnostic(
        code="state-key-lost",
        detail=f"{key_path(directory)} is not the key that this state was made with, or is missing. Without it "
        "nobody can tell which secrets changed and who is already a member: everybody would be sent again. "
        "Restore the file from a backup of the state's folder.",
    )
