"""What holds for the whole state, as SQL: which key its ledger is encrypted with."""

from __future__ import annotations

from audiform.state.ledger_key import Sealed
from audiform.state.tables.connection import Connection

_KEY, _NEXT = "ledger_key", "ledger_key_next"


def sealed(connection: Connection) -> Sealed:
    """Return which key the ledger is encrypted with."""
    rows = connection.execute("SELECT name, value FROM fact WHERE name IN (?, ?)", (_KEY, _NEXT))
    facts: dict[str, str] = dict(rows)
    return Sealed(facts.get(_KEY, ""), facts.get(_NEXT))


def record_sealed(connection: Connection, what: Sealed) -> None:
    """Write which key the ledger is encrypted with."""
    connection.execute("DELETE FROM fact WHERE name IN (?, ?)", (_KEY, _NEXT))
    facts = [(_KEY, what.key)] + ([(_NEXT, what.next)] if what.next is not None else [])
    connection.executemany("INSERT INTO fact VALUES (?, ?)", facts)
