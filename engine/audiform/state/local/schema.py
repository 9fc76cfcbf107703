"""Opens `state.sqlite`: for writing, brought to this version; for reading, without a change on disk."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from audiform.diagnostics import Diagnostic, DiagnosticError
from audiform.sqlite_file import is_there, make_database
from audiform.state.local.migrations import MIGRATIONS, VERSION
from audiform.state.writing import not_written

BUSY_SECONDS = 30.0


def database_path(directory: Path) -> Path:
    """Return where the records of the state in `directory` lie."""
    return directory / "state.sqlite"


def make_directory(directory: Path) -> None:
    """Make the state's directory and the one around it, for their owner only and out of git's sight.

    Raises:
        DiagnosticError: there can be none: a file is in its way, or this user may not (`state-not-written`).
    """
    try:
        for each in (directory.parent, directory):
            if not each.is_dir():
                each.mkdir(mode=0o700, parents=True, exist_ok=True)
        ignore = directory / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")
    except OSError as error:
        raise not_written(directory, os.strerror(error.errno or 0)) from error


def open_for_writing(directory: Path) -> sqlite3.Connection:
    """Return a connection on the present schema; directory and file are made (0700, 0600) where they are missing.

    Raises:
        DiagnosticError: the state was written by a newer Audiform (`state-too-new`).
    """
    make_directory(directory)
    path = database_path(directory)
    make_database(path)
    connection = _connect(f"{path.absolute().as_uri()}?mode=rw")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    migrate(connection, path)
    return connection


def open_for_reading(directory: Path) -> sqlite3.Connection | None:
    """Return a read-only connection on the present schema, or None where nothing was ever written.

    An older schema is brought up to date in a copy in memory: reading never writes.

    Raises:
        DiagnosticError: the state was written by a newer Audiform (`state-too-new`).
    """
    path = database_path(directory)
    if not is_there(path):
        return None
    connection = _reader(path)
    version = _version(connection)
    if version == 0:
        # Somebody is about to write the first version, or was killed just before: still nothing there.
        connection.close()
        return None
    if version == VERSION:
        return connection
    copy = _connect(":memory:")
    connection.backup(copy)
    connection.close()
    migrate(copy, path)
    return copy


def _reader(path: Path) -> sqlite3.Connection:
    """Return a connection that refuses to write.

    Not `mode=ro`: the last connection of that mode leaves the -wal and -shm files behind that it needs.
    On a read-only file system there is neither, nor a writer, so the file is read as it is. Where there is a -wal file,
    that would leave out what was written last.

    Raises:
        DiagnosticError: it cannot be opened with what was written last (`state-not-readable`).
    """
    connection = _connect(f"{path.absolute().as_uri()}?mode=rw")
    try:
        connection.execute("PRAGMA query_only = ON")
        _version(connection)
    except sqlite3.OperationalError as error:
        connection.close()
        log = path.with_name(f"{path.name}-wal")
        if log.exists() and log.stat().st_size:
            raise DiagnosticError((_not_readable(path, error),)) from error
        return immutable_reader(path)
    return connection


def immutable_reader(path: Path) -> sqlite3.Connection:
    """Return a connection that reads the file as it is, without locks: nobody can be writing it."""
    return _connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1")


def _connect(target: str) -> sqlite3.Connection:
    return sqlite3.connect(
        target,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        uri=target.startswith("file:"),
    )


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection, place: object) -> None:
    """Bring the tables to this version, in one transaction; `place` is where they are kept, for a message."""
    if _version(connection) == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Read again: another process may have migrated while this one waited.
        version = _version(connection)
        if version > VERSION:
            raise DiagnosticError((_too_new(place, version),))
        for statements in MIGRATIONS[version:]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _not_readable(path: Path, error: sqlite3.OperationalError) -> Diagnostic:
    return Diagnostic(
        code="state-not-readable",
        detail=f"{path} could not be opened: {error}. What was written last is in a file beside it, which takes room on the disk "
        "and the right to write there. Nothing was done.",
    )


def _too_new(place: object, version: int) -> Diagnostic:
    return Diagnostic(
        code="state-too-new",
        detail=f"The state in {place} has schema version {version}; this Audiform knows versions up to {VERSION}. "
        "Reading it could misunderstand what a newer version recorded. Use the version that wrote it, or a newer one.",
    )
