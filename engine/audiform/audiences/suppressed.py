"""Who asked to be forgotten, as SQL over whole columns: a profile is left out when any of its identifiers has a tombstone.

Tombstones are keyed digests, and a profile is compared with them in two ways: by each identifier as this destination is
sent it, and by the plain form of every identifier that the audience has, sent or not. The second one holds for types
whose way of writing an identifier nobody knew when the tombstone was made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from audiform.audiences.selection import Column, Selection
from audiform.audiences.ways import Way
from audiform.connectors.identifiers import needs_python_sql, sent_sql
from audiform.connectors.manifest import Identifier
from audiform.sql import literal, name
from audiform.state.ledger import tombstone_text

TOMBSTONES = "audiform.tombstones"
"""`digest` of each tombstone."""
ASKED = "audiform.asked"
"""Plain forms that only Python can make: `identifier`, `raw`, `sent`."""

_PLAIN: Mapping[str, tuple[str, ...]] = {"email": ("trim", "lower"), "phone": ("phone_e164",)}


def plain(identifier: str) -> Identifier:
    """Return how an identifier is written plainly, whatever a platform makes of it."""
    return Identifier(field=identifier, normalize=_PLAIN.get(identifier, ("trim",)))


def watched_columns(ways: Sequence[Way]) -> list[str]:
    """Return the columns that the watched identifiers are compared by: `was:NAME`, and `ask:NAME` for Python.

    All bindings of an audience watch the same identifiers.
    """
    columns: list[str] = []
    asked = asked_by(ways)
    for item, column in ways[0].selection.watched.items():
        columns.append(f"{_plain_sql(item, column)} AS {_was(item)}")
        if item in asked:
            text = f"CAST({name(column.column)} AS VARCHAR)"
            needed = needs_python_sql(plain(item), name(column.column))
            columns.append(f"CASE WHEN {needed} THEN {text} END AS {ask(item)}")
    return columns


def watched_names(ways: Sequence[Way]) -> list[str]:
    """Return the names of `watched_columns`."""
    return [*map(_was, ways[0].selection.watched), *map(ask, asked_by(ways))]


def asked_by(ways: Sequence[Way]) -> list[str]:
    """Return the watched identifiers of which single values need Python for any of the bindings."""
    return list(dict.fromkeys(item for way in ways for item in asking(way.selection)))


def asking(selection: Selection) -> tuple[str, ...]:
    """Return the watched identifiers of which single values need Python; one that is sent went through it already."""
    return tuple(
        item
        for item, column in selection.watched.items()
        if item not in selection.identifiers
        and not column.already_hashed
        and needs_python_sql(plain(item), name(column.column)) is not None
    )


def suppressed_sql(way: Way, digest: Callable[[str], str]) -> str:
    """Return the condition that one of a desired member's identifiers has a tombstone. `digest`: the ledger's."""
    return " OR ".join(
        f"coalesce({digest(tombstone_text(item, value))} IN (SELECT digest FROM {TOMBSTONES}), false)"
        for item in way.selection.watched
        for value in _values(way, item)
    )


def ask(identifier: str) -> str:
    """Return the column of values whose plain form only Python can make."""
    return name(f"ask:{identifier}")


def _was(identifier: str) -> str:
    return name(f"was:{identifier}")


def _values(way: Way, identifier: str) -> list[str]:
    values = [_was(identifier)]
    if identifier in way.sent:
        values.append(way.sent[identifier].column)
    if identifier in asking(way.selection):
        values.append(
            f"(SELECT any_value(sent) FROM {ASKED} a WHERE a.identifier = {literal(identifier)} AND a.raw = {ask(identifier)})"
        )
    return values


def _plain_sql(identifier: str, column: Column) -> str:
    if column.already_hashed:
        return f"lower(trim(CAST({name(column.column)} AS VARCHAR)))"
    return sent_sql(plain(identifier), name(column.column), region=column.region, already_hashed=False)
