"""The file of the log: made for its owner only, every commit on disk before it returns."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from audiform.diagnostics import Diagnostic, DiagnosticError
from audiform.sqlite_file import make_database

VERSION = 1
_STATEMENTS = (
    # `position` grows by one with each event, and the newest is never deleted, so that none is given twice.
    "CREATE TABLE event (position INTEGER PRIMARY KEY, key BLOB NOT NULL, kept REAL NOT NULL, body BLOB NOT NULL)",
    # All up to `ceiling` were handed out; `holes` (JSON) are those of them that are not settled.
    "CREATE TABLE cursor (consumer TEXT PRIMARY KEY, ceiling INTEGER NOT NULL, holes TEXT NOT NULL) WITHOUT ROWID",
)


def log_path(directory: Path) -> Path:
    """Return where the log of a folder lies."""
    return directory / "log.sqlite"


def open_for_writing(directory: Path) -> sqlite3.Connection:
    """Return the connection that writes; folder (0700) and file (0600) are made where they are missing.

    Raises:
        DiagnosticError: a newer Audiform made the log (`event-log-too-new`).
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = log_path(directory)
    make_database(path)
    connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA cache_size = -16384")
    # 16 MB instead of 4 between the times that everything is written to its place, which appends wait for.
    connection.execute("PRAGMA wal_autocheckpoint = 4000")
    _migrate(connection, path)
    return connection


def open_for_reading(directory: Path) -> sqlite3.Connection:
    """Return a connection that writes nothing, on a log that exists."""
    connection = sqlite3.connect(
        log_path(directory), timeout=30, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA query_only = ON")
    return connection


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if version > VERSION:
            raise DiagnosticError((_too_new(path, version),))
        if version == 0:
            for statement in _STATEMENTS:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _too_new(path: Path, version: int) -> Diagnostic:
    return Diagnostic(
        code="event-log-too-new",
        detail=f"The log of events in {path} has schema version {version}; this Audiform knows versions up to {VERSION}. "
        "Nothing was read or changed. Use the version that wrote it, or a newer one.",
    )
