"""What separates desired members from the ledger, as SQL: who is added, modified, removed, and who only counted.

For a type whose members are named by one identifier, a member that leaves is removed unless another binding of
the same destination holds it. Where each value is a key by itself, a removal carries only the keys that nobody
who stays has, in this binding or another. Removals and additions of one run never share a key, so their order
does not matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from audiform.audiences.desired import Digest
from audiform.audiences.selection import Selection
from audiform.outcome import Signal
from audiform.sql import literal, name
from audiform.state.ledger import Form, Part, as_sent

SCHEMA = "audiform"
PEOPLE = f"{SCHEMA}.people"
"""Desired members as they were read: the table of `desired.py`, of one binding or of several."""
DESIRED = f"{SCHEMA}.desired"
"""Those of one binding: a view."""
LETTERS = f"{SCHEMA}.letters"
"""Records that the platform rejected: `signal`, `content`."""
CHANGES = f"{SCHEMA}.changes"
LEAVING = f"{SCHEMA}.leaving"
WANTED = f"(SELECT * FROM {DESIRED} WHERE reason IS NULL)"
NOBODY = "WHERE false"
_LEAVES, _NO_ROW = "leave", -1


def table_of(part: Part) -> str:
    """Return the relation with the rows of a part."""
    return f"{SCHEMA}.part_{part.value}"


@dataclass(frozen=True, slots=True)
class Standing:
    """Whom desired members are compared with: a relation of the destination's members, as the ledger has it.

    `columns`: the kept columns that it has. `letters`: the platform rejected records before.
    """

    binding: str
    members: str
    columns: Sequence[tuple[Form, str]]
    letters: bool

    @property
    def mine(self) -> str:
        """The members that this binding added."""
        return f"(SELECT * FROM {self.members} WHERE binding = {literal(self.binding)})"

    @property
    def others(self) -> str:
        """The members that other bindings of the destination added."""
        return f"(SELECT * FROM {self.members} WHERE binding <> {literal(self.binding)})"


def content_sql(digest: Digest, row: str = "") -> str:
    """Return the digest of a member with all that is sent of it: a rejected record is known by this."""
    return digest(f"CAST({row}identity AS VARCHAR) || coalesce(CAST({row}variables AS VARCHAR), '')")


def changes_sql(selection: Selection, standing: Standing, digest: Digest, *, whole: bool = True) -> str:
    """Return the query of `row` (of the desired members), `part` and `rejected` (before, so that it is not sent).

    And of this binding's members that the definition no longer names: `_LEAVES`, with their `identity` and no row. Both come from
    one join, because that is most of what a sync without changes costs. `whole`: everybody was read, so who is missing left.
    """
    part = (
        f"CASE WHEN d.row IS NULL THEN {literal(_LEAVES)} WHEN m.identity IS NOT NULL AND NOT m.unsure THEN "
        "CASE WHEN m.variables IS DISTINCT FROM d.variables THEN 'modify' END "
        "WHEN o.identity IS NOT NULL THEN 'claim' ELSE 'add' END"
    )
    sent = [signal.value for signal in (Signal.ADD, Signal.MODIFY) if signal in selection.signals]
    if Signal.ADD in selection.signals:
        sent.append(Part.CLAIM.value)
    if Signal.REMOVE in selection.signals:
        sent.append(_LEAVES)
    rows = f"coalesce(d.row, {_NO_ROW}) AS row"
    allowed = ", ".join(literal(item) for item in sent) or "NULL"
    changes = (
        f"SELECT {rows}, m.identity, {part} AS part, {_rejected(standing, digest, 'd.', 'part')} AS rejected FROM {WANTED} d "
        f"{'FULL' if whole else 'LEFT'} JOIN {standing.mine} m ON m.identity = d.identity "
        f"LEFT JOIN (SELECT DISTINCT identity, variables FROM {standing.others} WHERE NOT unsure) o "
        "ON o.identity = d.identity AND o.variables IS NOT DISTINCT FROM d.variables"
    )
    return f"SELECT * FROM ({changes}) WHERE part IN ({allowed})"


def leaving_sql(standing: Standing) -> str:
    """Return the query of this binding's members that the definition no longer names; the changes are known."""
    left = f"(SELECT identity FROM {CHANGES} WHERE part = {literal(_LEAVES)})"
    return f"SELECT * FROM {standing.mine} SEMI JOIN {left} USING (identity)"


def arriving_sql(part: Part) -> str:
    """Return the query of the rows of a part that comes from desired members."""
    return (
        f"SELECT * FROM {DESIRED} SEMI JOIN (SELECT row FROM {CHANGES} WHERE part = {literal(part.value)} "
        "AND NOT rejected) USING (row)"
    )


def held_sql(selection: Selection | None, standing: Standing, keys: Iterable[str]) -> str:
    """Return the query of the leaving members with `held` (keys that stay) and `free` (keys that go), counted.

    `keys`: the identifiers that are keys by themselves; none where the identity is one of them, which is then
    held when another binding has it. Without a `selection` nobody is desired: the binding ends.
    """
    names = [key for key in keys if any(key == identifier for _, identifier in standing.columns)]
    if not names:
        held = f"CASE WHEN identity IN (SELECT identity FROM {standing.others}) THEN 1 ELSE 0 END"
        return f"SELECT *, 1 - held AS free FROM (SELECT *, {held} AS held FROM {LEAVING})"
    flags = ", ".join(f"{_is_held(selection, standing, key)} AS {name(f'held:{key}')}" for key in names)
    held = " + ".join(
        f"CAST({as_sent(key)} IS NOT NULL AND {name(f'held:{key}')} AS INTEGER)" for key in names
    )
    free = " + ".join(
        f"CAST({as_sent(key)} IS NOT NULL AND NOT {name(f'held:{key}')} AS INTEGER)" for key in names
    )
    return f"SELECT *, {held} AS held, {free} AS free FROM (SELECT *, {flags} FROM {LEAVING})"


def departing_sql(part: Part, held: str, standing: Standing, digest: Digest, keys: Sequence[str]) -> str:
    """Return the query of the rows of a part that comes from leaving members; `held` is the table of `held_sql`.

    They have no order of their own. With this one, what is sent depends on who leaves, and on nothing of the engine.
    """
    match part:
        case Part.REMOVE:
            where = "held = 0"
        case Part.TRIM:
            where = "held > 0 AND free > 0"
        case _:
            where = "free = 0"
    rejected = "" if part is Part.FORGET else f" AND NOT {_rejected(standing, digest, '', literal('remove'))}"
    columns = "*"
    identifiers = dict.fromkeys(identifier for _, identifier in standing.columns)
    if part is Part.TRIM and identifiers:
        # Only what goes may be named: a name or a city of somebody who leaves may be that of somebody who stays.
        kept = (
            f"CASE WHEN NOT {name(f'held:{item}')} THEN {as_sent(item)} END AS {as_sent(item)}"
            if item in keys
            else f"CAST(NULL AS VARCHAR) AS {as_sent(item)}"
            for item in identifiers
        )
        columns = f"* REPLACE ({', '.join(kept)})"
    return f"SELECT {columns} FROM {held} WHERE {where}{rejected} ORDER BY identity"


def _is_held(selection: Selection | None, standing: Standing, key: str) -> str:
    """Return the condition that somebody who stays has the same key.

    What is looked in is first reduced to what leaving members have: they are few, and everybody's keys would have to be in
    memory, or on disk and back.
    """
    ways: list[str] = []
    if selection is not None and key in selection.identifiers:
        ways.append(
            f"{as_sent(key)} IN (SELECT {as_sent(key)} FROM {_staying()} SEMI JOIN {LEAVING} USING ({as_sent(key)}))"
        )
    for form, identifier in standing.columns:
        if identifier == key:
            column = form.column(key)
            ways.append(
                f"coalesce({column} IN (SELECT {column} FROM {standing.others} SEMI JOIN {LEAVING} USING ({column})), false)"
            )
    return f"({' OR '.join(ways)})"


def _staying() -> str:
    """Return those who are or become members: the desired ones without those that the platform rejected."""
    return f"(SELECT * FROM {DESIRED} WHERE reason IS NULL AND row NOT IN (SELECT row FROM {CHANGES} WHERE rejected AND part = 'add'))"


def _rejected(standing: Standing, digest: Digest, row: str, signal: str) -> str:
    if not standing.letters:
        return "false"
    return f"({signal}, {content_sql(digest, row)}) IN (SELECT (signal, content) FROM {LETTERS})"
