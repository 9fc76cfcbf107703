"""How far bindings have read their audiences, as SQL."""

from __future__ import annotations

from datetime import datetime

from audiform.state.store import Watermark
from audiform.state.tables.connection import Connection


def read(connection: Connection, binding: str) -> Watermark | None:
    """Return how far a binding has read."""
    row = connection.execute(
        "SELECT definition, kind, value, whole, at FROM watermark WHERE binding = ?", (binding,)
    ).fetchone()
    if row is None:
        return None
    definition, kind, value, whole, at = row
    return Watermark(
        binding, definition, kind, value, datetime.fromisoformat(whole), datetime.fromisoformat(at)
    )


def keep(connection: Connection, watermark: Watermark) -> None:
    """Write it in the place of what was kept."""
    whole, at = watermark.whole.isoformat(), watermark.at.isoformat()
    connection.execute(
        "INSERT INTO watermark VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (binding) DO UPDATE SET definition = excluded.definition,"
        " kind = excluded.kind, value = excluded.value, whole = excluded.whole, at = excluded.at",
        (watermark.binding, watermark.definition, watermark.kind, watermark.value, whole, at),
    )


def drop(connection: Connection, binding: str) -> None:
    """Forget it."""
    connection.execute("DELETE FROM watermark WHERE binding = ?", (binding,))


def rename(connection: Connection, binding: str, new: str) -> None:
    """Give it the binding's new name; what was kept under that is of another one."""
    drop(connection, new)
    connection.execute("UPDATE watermark SET binding = ? WHERE binding = ?", (new, binding))
