"""Tombstones, and the history of what changed something, as SQL."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime

from audiform.hashing import canonical
from audiform.state.store import HistoryEntry, Tombstone
from audiform.state.tables.connection import Connection


def entomb(connection: Connection, tombstones: Iterable[Tombstone]) -> None:
    """Keep tombstones; one that is there keeps its request and its time."""
    connection.executemany(
        "INSERT INTO tombstone VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [(item.digest, item.identifier, item.request, item.at.isoformat()) for item in tombstones],
    )


def tombstones(connection: Connection) -> tuple[Tombstone, ...]:
    """Return the tombstones, oldest first."""
    rows = connection.execute(
        "SELECT digest, identifier, request, at FROM tombstone ORDER BY at, request, identifier, digest"
    )
    return tuple(
        Tombstone(digest, identifier, request, datetime.fromisoformat(at))
        for digest, identifier, request, at in rows
    )


def remember(connection: Connection, entry: HistoryEntry) -> None:
    """Write an entry, or write it anew."""
    ended = None if entry.ended is None else entry.ended.isoformat()
    row = (entry.id, entry.operation, entry.who, entry.started.isoformat(), ended)
    connection.execute(
        "INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE"
        " SET ended = excluded.ended, serial_after = excluded.serial_after, data = excluded.data, pinned = excluded.pinned",
        (*row, entry.serial_before, entry.serial_after, canonical(entry.data), int(entry.pinned)),
    )


def drop(connection: Connection, ids: Iterable[str]) -> None:
    """Drop entries."""
    connection.executemany("DELETE FROM history WHERE id = ?", [(each,) for each in ids])


def entries(connection: Connection) -> tuple[HistoryEntry, ...]:
    """Return the entries, oldest first."""
    rows = connection.execute(
        "SELECT id, operation, who, started, ended, serial_before, serial_after, data, pinned FROM history"
        " ORDER BY started, id"
    )
    return tuple(
        HistoryEntry(
            identity,
            operation,
            who,
            datetime.fromisoformat(started),
            None if ended is None else datetime.fromisoformat(ended),
            before,
            after,
            json.loads(data),
            bool(pinned),
        )
        for identity, operation, who, started, ended, before, after, data, pinned in rows
    )
