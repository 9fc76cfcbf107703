"""Statistics and dead letters as SQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import astuple
from datetime import datetime

from audiform.state.store import Count, DeadLetter


def count(connection: sqlite3.Connection, counts: Iterable[Count]) -> None:
    """Add figures to those of the same day, connector, binding and meaning."""
    connection.executemany(
        "INSERT INTO count VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET count = count.count + excluded.count",
        [astuple(item) for item in counts if item.count],
    )


def counts(connection: sqlite3.Connection, since_day: str) -> tuple[Count, ...]:
    """Return the figures of `since_day` (`2024-05-01`) and later, by day."""
    rows = connection.execute(
        "SELECT day, connector, binding, what, detail, count FROM count WHERE day >= ?"
        " ORDER BY day, connector, binding, what, detail",
        (since_day,),
    )
    return tuple(Count(*row) for row in rows)


def bury(connection: sqlite3.Connection, letters: Iterable[DeadLetter]) -> None:
    """Keep rejected records; the latest rejection of the same person and signal replaces the one before."""
    connection.executemany(
        "INSERT OR REPLACE INTO dead_letter VALUES (?, ?, ?, ?, ?, ?)",
        [
            (item.binding, item.signal, item.identity, item.category, item.message, item.at.isoformat())
            for item in letters
        ],
    )


def exhume(connection: sqlite3.Connection, binding: str) -> None:
    """Forget the rejected records of one binding."""
    connection.execute("DELETE FROM dead_letter WHERE binding = ?", (binding,))


def dead_letters(connection: sqlite3.Connection) -> tuple[DeadLetter, ...]:
    """Return the rejected records, oldest first."""
    rows = connection.execute(
        "SELECT binding, signal, identity, category, message, at FROM dead_letter ORDER BY at, binding, signal, identity"
    )
    return tuple(
        DeadLetter(binding, signal, identity, category, message, datetime.fromisoformat(at))
        for binding, signal, identity, category, message, at in rows
    )
