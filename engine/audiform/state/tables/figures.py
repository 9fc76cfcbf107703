"""Statistics and dead letters as SQL."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import astuple
from datetime import datetime

from audiform.state.store import Count, DeadLetter
from audiform.state.tables.connection import Connection


def count(connection: Connection, counts: Iterable[Count]) -> None:
    """Add figures to those of the same day, connector, binding and meaning."""
    connection.executemany(
        "INSERT INTO count VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (day, connector, binding, what, detail) DO UPDATE SET count = count.count + excluded.count",
        [astuple(item) for item in counts if item.count],
    )


def counts(connection: Connection, since_day: str) -> tuple[Count, ...]:
    """Return the figures of `since_day` (`2024-05-01`) and later, by day."""
    rows = connection.execute(
        "SELECT day, connector, binding, what, detail, count FROM count WHERE day >= ?"
        " ORDER BY day, connector, binding, what, detail",
        (since_day,),
    )
    return tuple(Count(*row) for row in rows)


def bury(connection: Connection, letters: Iterable[DeadLetter]) -> None:
    """Keep rejected records; the latest rejection of the same person and signal replaces the one before."""
    connection.executemany(
        "INSERT INTO dead_letter VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (binding, signal, identity) DO UPDATE"
        " SET category = excluded.category, message = excluded.message, at = excluded.at, keys = excluded.keys",
        [
            (
                item.binding,
                item.signal,
                item.identity,
                item.category,
                item.message,
                item.at.isoformat(),
                " ".join(item.keys),
            )
            for item in letters
        ],
    )


def exhume(connection: Connection, binding: str) -> None:
    """Forget the rejected records of one binding."""
    connection.execute("DELETE FROM dead_letter WHERE binding = ?", (binding,))


def unbury(connection: Connection, keys: Iterable[str]) -> int:
    """Drop the rejected records that have one of the keys; return how many."""
    wanted = frozenset(keys)
    found = connection.execute("SELECT binding, signal, identity, keys FROM dead_letter").fetchall()
    gone = [row[:3] for row in found if not wanted.isdisjoint(row[3].split())]
    connection.executemany("DELETE FROM dead_letter WHERE binding = ? AND signal = ? AND identity = ?", gone)
    return len(gone)


def rejected(connection: Connection, binding: str) -> tuple[tuple[str, str], ...]:
    """Return signal and identity of a binding's rejected records."""
    rows = connection.execute("SELECT signal, identity FROM dead_letter WHERE binding = ?", (binding,))
    return tuple((sys.intern(signal), identity) for signal, identity in rows)


def dead_letters(connection: Connection) -> tuple[DeadLetter, ...]:
    """Return the rejected records, oldest first."""
    rows = connection.execute(
        "SELECT binding, signal, identity, category, message, at, keys FROM dead_letter ORDER BY at, binding, signal, identity"
    )
    return tuple(
        DeadLetter(
            binding, signal, identity, category, message, datetime.fromisoformat(at), tuple(keys.split())
        )
        for binding, signal, identity, category, message, at, keys in rows
    )
