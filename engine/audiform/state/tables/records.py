"""The records as SQL: what apply last wrote, by address, with one serial for all, and which plans it was of."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime

from audiform.address import Address, Kind
from audiform.hashing import canonical
from audiform.state.store import Record, StateView
from audiform.state.tables.connection import Connection
from audiform.state.tables.facts import refuse_moved


def read(connection: Connection, known: StateView | None = None) -> StateView:
    """Return everything that is recorded; `known`, where that is what was read of this serial before."""
    facts: dict[str, str] = dict(connection.execute("SELECT name, value FROM fact"))
    refuse_moved(facts)
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


def put(connection: Connection, records: Iterable[Record]) -> int:
    """Write records; return the serial, which grows by one when a row changed."""
    changed = connection.executemany(
        "INSERT INTO record VALUES (?, ?, ?, ?, ?) ON CONFLICT (kind, name) DO UPDATE"
        " SET digest = excluded.digest, protected = excluded.protected, body = excluded.body"
        " WHERE (record.digest, record.protected, record.body) <> (excluded.digest, excluded.protected, excluded.body)",
        [
            (
                item.address.kind.value,
                item.address.name,
                item.digest,
                int(item.protected),
                canonical(item.body),
            )
            for item in records
        ],
    ).rowcount
    return _serial(connection, grow=changed > 0)


def replace(connection: Connection, view: StateView) -> int:
    """Put these records in the place of all, with their lineage; return the serial, higher than both were."""
    serial = max(_serial(connection, grow=False), view.serial) + 1
    connection.execute("DELETE FROM record")
    put(connection, view.records.values())
    connection.executemany(
        "UPDATE fact SET value = ? WHERE name = ?", [(str(serial), "serial"), (view.lineage, "lineage")]
    )
    return serial


def remove(connection: Connection, address: Address) -> int:
    """Drop one record; return the serial."""
    where = (address.kind.value, address.name)
    changed = connection.execute("DELETE FROM record WHERE kind = ? AND name = ?", where).rowcount
    return _serial(connection, grow=changed > 0)


def move(connection: Connection, old: Address, new: Address) -> int:
    """Rename one record; return the serial. KeyError: no `old`; ValueError: `new` is taken or of another kind."""
    if old.kind is not new.kind:
        message = f"`{old}` and `{new}` are of different kinds"
        raise ValueError(message)
    if connection.execute(
        "SELECT 1 FROM record WHERE kind = ? AND name = ?", (new.kind.value, new.name)
    ).fetchone():
        message = f"`{new}` is already in the state"
        raise ValueError(message)
    values = (new.name, old.kind.value, old.name)
    changed = connection.execute("UPDATE record SET name = ? WHERE kind = ? AND name = ?", values).rowcount
    if not changed:
        raise KeyError(old)
    return _serial(connection, grow=True)


def spent(connection: Connection, plan: str) -> datetime | None:
    """Return when the plan of this digest was applied, or None."""
    row = connection.execute("SELECT at FROM spent WHERE digest = ?", (plan,)).fetchone()
    return None if row is None else datetime.fromisoformat(row[0])


def spend(connection: Connection, plan: str, at: datetime) -> bool:
    """Mark a plan as applied; return whether it was not before."""
    return (
        connection.execute(
            "INSERT INTO spent VALUES (?, ?) ON CONFLICT DO NOTHING", (plan, at.isoformat())
        ).rowcount
        == 1
    )


def _serial(connection: Connection, *, grow: bool) -> int:
    if grow:
        connection.execute(
            "UPDATE fact SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT) WHERE name = 'serial'"
        )
    return int(connection.execute("SELECT value FROM fact WHERE name = 'serial'").fetchone()[0])
