"""The records as SQL: what apply last wrote, by address, with one serial for all, and which plans it was of."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from datetime import datetime

from audiform.address import Address, Kind
from audiform.hashing import canonical
from audiform.state.store import Record, StateView


def read(connection: sqlite3.Connection, known: StateView | None = None) -> StateView:
    """Return everything that is recorded; `known`, where that is what was read of this serial before."""
    facts: dict[str, str] = dict(connection.execute("SELECT name, value FROM fact"))
    lineage, serial = facts.get("lineage", ""), int(facts.get("serial", "0"))
    if known is not None and (known.lineage, known.serial) == (lineage, serial):
        return known
    rows = connection.execute(
        "SELECT kind, name, digest, protected, body FROM record ORDER BY kind, name"
    ).fetchall()
    # One parse of one text is several times faster than one per record.
    bodies = json.loads(f"[{','.join(row[4] for row in rows)}]")
    records = {
        (address := Address(Kind(kind), name)): Record(address, digest, body, bool(protected))
        for (kind, name, digest, protected, _), body in zip(rows, bodies, strict=True)
    }
    return StateView(lineage, serial, records)


def put(connection: sqlite3.Connection, records: Iterable[Record]) -> int:
    """Write records; return the serial, which grows by one when a row changed."""
    changed = connection.executemany(
        "INSERT INTO record VALUES (?, ?, ?, ?, ?) ON CONFLICT (kind, name) DO UPDATE"
        " SET digest = excluded.digest, protected = excluded.protected, body = excluded.body"
        " WHERE (digest, protected, body) <> (excluded.digest, excluded.protected, excluded.body)",
        [
            (item.address.kind, item.address.name, item.digest, item.protected, canonical(item.body))
            for item in records
        ],
    ).rowcount
    return _serial(connection, grow=changed > 0)


def remove(connection: sqlite3.Connection, address: Address) -> int:
    """Drop one record; return the serial."""
    where = (address.kind, address.name)
    changed = connection.execute("DELETE FROM record WHERE kind = ? AND name = ?", where).rowcount
    return _serial(connection, grow=changed > 0)


def move(connection: sqlite3.Connection, old: Address, new: Address) -> int:
    """Rename one record; return the serial. KeyError: no `old`; ValueError: `new` is taken or of another kind."""
    if old.kind is not new.kind:
        message = f"`{old}` and `{new}` are of different kinds"
        raise ValueError(message)
    try:
        values = (new.name, old.kind, old.name)
        changed = connection.execute(
            "UPDATE record SET name = ? WHERE kind = ? AND name = ?", values
        ).rowcount
    except sqlite3.IntegrityError:
        message = f"`{new}` is already in the state"
        raise ValueError(message) from None
    if not changed:
        raise KeyError(old)
    return _serial(connection, grow=True)


def spent(connection: sqlite3.Connection, plan: str) -> datetime | None:
    """Return when the plan of this digest was applied, or None."""
    row = connection.execute("SELECT at FROM spent WHERE digest = ?", (plan,)).fetchone()
    return None if row is None else datetime.fromisoformat(row[0])


def spend(connection: sqlite3.Connection, plan: str, at: datetime) -> bool:
    """Mark a plan as applied; return whether it was not before."""
    return (
        connection.execute("INSERT OR IGNORE INTO spent VALUES (?, ?)", (plan, at.isoformat())).rowcount == 1
    )


def _serial(connection: sqlite3.Connection, *, grow: bool) -> int:
    if grow:
        connection.execute("UPDATE fact SET value = CAST(value AS INTEGER) + 1 WHERE name = 'serial'")
    return int(connection.execute("SELECT value FROM fact WHERE name = 'serial'").fetchone()[0])
