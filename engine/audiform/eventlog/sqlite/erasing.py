"""Erases a person's events from the log in a file, also while a process writes it: their rows stay, empty, until they are old."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from audiform.eventlog.sqlite.schema import log_path
from audiform.events.people import texts_about

_AT_ONCE = 1_000


def erase_events(directory: Path, texts: Collection[str]) -> tuple[str, ...]:
    """Empty the events in which one of the texts stands as a whole value; return their positions.

    Nothing of them is left in the file. Rows are not deleted: a process that runs counts from the newest one, and would
    give its position to another event.
    """
    path = log_path(directory)
    if not path.is_file():
        return ()
    wanted = frozenset(text.strip().casefold() for text in texts)
    found: list[str] = []
    with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete = ON")
        for positions in _about(connection, wanted):
            # In pieces: whoever takes events in waits for one of them, not for all.
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("UPDATE event SET body = x'', key = x'' WHERE position = ?", positions)
            connection.execute("COMMIT")
            found += [str(position) for (position,) in positions]
        if found:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return tuple(found)


def _about(connection: sqlite3.Connection, wanted: frozenset[str]) -> Iterator[list[tuple[int]]]:
    """Yield the positions of events about somebody, some at a time."""
    import orjson

    after = -1
    while True:
        rows = connection.execute(
            "SELECT position, body FROM event WHERE position > ? ORDER BY position LIMIT ?", (after, _AT_ONCE)
        ).fetchall()
        if not rows:
            return
        after = rows[-1][0]
        about = [
            (position,) for position, body in rows if body and _is_about(orjson.loads(body)["body"], wanted)
        ]
        if about:
            yield about


def _is_about(body: Any, wanted: frozenset[str]) -> bool:
    return any(text.strip().casefold() in wanted for text in texts_about(body))
