"""Everything that the tables hold, read and written as a whole: for a state that moves to another place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from audiform.hashing import digest
from audiform.state.tables.connection import Connection

TABLES: Mapping[str, str] = {
    "fact": "name",
    "record": "kind, name",
    "spent": "digest",
    "intent": "id",
    "run": "id",
    "batch": "run, number",
    "count": "day, connector, binding, what, detail",
    "dead_letter": "binding, signal, identity",
    "tombstone": "digest",
    "history": "id",
    "watermark": "binding",
    "last_run": "binding",
}
"""Every table with the columns of its key; what others refer to comes before them."""

_OF_THE_PLACE = frozenset({"key", "schema_version", "moved_to", "arriving_from"})
"""Facts of a place, and not of the state that is in it."""

_NUMBERED = {"intent": "id"}
"""Columns that the database numbers itself. Nothing refers to them, and they keep their order."""

_STILL_OF_USE = {"intent": "settled IS NULL"}
"""Rows that matter; nobody reads the others, and not every place keeps them."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Contents:
    """The rows of each table, in order."""

    tables: Mapping[str, Sequence[Row]]

    @cached_property
    def digest(self) -> str:
        """What tells that two places hold the same."""
        return digest(self.tables)

    @property
    def lineage(self) -> str:
        """The state's lineage; empty where nothing was ever written."""
        return next((row["value"] for row in self.tables["fact"] if row["name"] == "lineage"), "")

    @property
    def is_empty(self) -> bool:
        """Whether nothing but the state itself was made."""
        return not any(rows for table, rows in self.tables.items() if table != "fact")


def read(connection: Connection | None) -> Contents:
    """Return everything that there is."""
    return Contents({table: _rows(connection, table) for table in TABLES})


def write(connection: Connection, contents: Contents) -> None:
    """Put everything in the place of what is there."""
    for table in reversed([*TABLES]):
        kept = sorted(_OF_THE_PLACE) if table == "fact" else []
        other = f" WHERE name NOT IN ({', '.join('?' * len(kept))})" if kept else ""
        connection.execute(f"DELETE FROM {table}{other}", kept)
    for table, rows in contents.tables.items():
        if rows:
            names = [*rows[0]]
            values = ", ".join("?" * len(names))
            connection.executemany(
                f"INSERT INTO {table} ({', '.join(names)}) VALUES ({values})",
                [[row[name] for name in names] for row in rows],
            )


def _rows(connection: Connection | None, table: str) -> list[Row]:
    if connection is None:
        return []
    of_use = _STILL_OF_USE.get(table, "true")
    cursor = connection.execute(f"SELECT * FROM {table} WHERE {of_use} ORDER BY {TABLES[table]}")
    names = [column[0] for column in cursor.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    if table == "fact":
        return [row for row in rows if row["name"] not in _OF_THE_PLACE]
    return [{name: value for name, value in row.items() if name != _NUMBERED.get(table)} for row in rows]
