"""What holds for the whole state, as SQL: which key its ledger is encrypted with, and whether it is here at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from audiform.diagnostics import Diagnostic, DiagnosticError
from audiform.state.ledger_key import Sealed
from audiform.state.tables.connection import Connection

Mark = Literal["moved_to", "arriving_from"]
"""Where the state was moved to; the lineage of the one that is on its way here."""

_KEY, _NEXT = "ledger_key", "ledger_key_next"


def fact(connection: Connection, name: str) -> str | None:
    """Return one fact, None where there is none of the name."""
    row = connection.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])


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


def moved(connection: Connection, name: Mark) -> str | None:
    """Return such a mark, None where there is none."""
    row = connection.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])


def mark(connection: Connection, name: Mark, value: str | None) -> None:
    """Write or remove such a mark."""
    connection.execute("DELETE FROM fact WHERE name = ?", (name,))
    if value is not None:
        connection.execute("INSERT INTO fact VALUES (?, ?)", (name, value))


def refuse_moved(facts: Mapping[str, str]) -> None:
    """Let nobody go on with a state that is elsewhere, or not yet here.

    Raises:
        DiagnosticError: it was moved away (`state-moved`), or is on its way here (`state-arriving`).
    """
    if "moved_to" in facts:
        detail = (
            f"This state was moved to `{facts['moved_to']}`, and what is here is what it was before. Going on here would send "
            "people twice. Write the new place as `state: {url: ...}` in audiform.yaml, or check out a commit that has it."
        )
        raise DiagnosticError([Diagnostic("state-moved", detail)])
    if "arriving_from" in facts:
        detail = (
            "A state is being moved here, and not all of it has arrived. Wait until `audiform state migrate` ends; if it was "
            "interrupted, run it again where it was run: it goes on."
        )
        raise DiagnosticError([Diagnostic("state-arriving", detail)])
