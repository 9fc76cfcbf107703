"""From profiles to desired members, as SQL over whole columns: normalised, hashed, named, and judged.

A table of desired members has one row per profile:

    key         the profile's key, of any type
    reason      VARCHAR   why the profile is left out, null where it is a member
    identity    UUID      keyed digest of what identifies the member at the destination
    variables   UUID      keyed digest of what else is sent; null where there is nothing else
    "id:NAME"   VARCHAR   identifiers as sent; null where the profile has none that is valid
    "raw:NAME"  VARCHAR   values that only Python can normalise: `resolved_sql` puts in what it says
    "var:NAME"  any       variables
    "was:NAME", "ask:NAME"  what watched identifiers are compared by (`suppressed.py`)
    consent, given        what the reason was judged by
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from audiform.audiences.selection import Selection
from audiform.audiences.suppressed import watched_columns, watched_names
from audiform.connectors.identifiers import needs_python_sql, sent_sql
from audiform.sql import literal, name
from audiform.state.ledger import as_sent

Digest = Callable[[str], str]
"""The SQL of the keyed digest of an SQL text that is not null."""

_START = "\x1f"


def desired_sql(selection: Selection, profiles: str, digest: Digest | None) -> str:
    """Return the query of the desired members of the relation `profiles`.

    Without a `digest` it lacks `identity` and `variables`, which `named_sql` adds: where nobody is compared, they are
    needed for the ledger only, and that is written while others are on their way.
    """
    columns = [
        f"{name(selection.profile_key)} AS key",
        f"{name(selection.consent) if selection.consent is not None else 'true'} AS consent",
        *(
            f"{_text(selection, identifier)} AS {_text_column(identifier)}"
            for identifier in selection.identifiers
        ),
        *(f"{_sent(selection, identifier)} AS {as_sent(identifier)}" for identifier in selection.identifiers),
        *(
            f"{name(column)} AS {variable_column(variable)}"
            for variable, column in selection.variables.items()
        ),
        *watched_columns(selection),
    ]
    return _judged(selection, _looked_at(selection, f"SELECT {', '.join(columns)} FROM {profiles}"), digest)


def by_python(selection: Selection) -> tuple[str, ...]:
    """Return the identifiers of which single values may need Python."""
    known = selection.manifest.identifiers
    return tuple(
        item
        for item, column in selection.identifiers.items()
        if not column.already_hashed and needs_python_sql(known[item], name(column.column))
    )


def is_unresolved(identifiers: Iterable[str]) -> str:
    """Return the condition that a desired member waits for Python."""
    return " OR ".join(f"{raw(identifier)} IS NOT NULL" for identifier in identifiers)


def resolved_sql(selection: Selection, table: str, normalized: str, digest: Digest | None) -> str:
    """Return the query of the unresolved rows of `table`, judged anew.

    `normalized` is a table of `identifier`, `raw` and `sent`, with the values that Python has normalised.
    """
    waiting = by_python(selection)
    columns = ["d.key", "d.consent", "d.given"]
    joins: list[str] = []
    for number, identifier in enumerate(selection.identifiers):
        column = as_sent(identifier)
        if identifier not in waiting:
            columns.append(f"d.{column}")
            continue
        columns.append(f"coalesce(d.{column}, n{number}.sent) AS {column}")
        joins.append(
            f"LEFT JOIN (SELECT raw, sent FROM {normalized} WHERE identifier = {literal(identifier)}) n{number} "
            f"ON n{number}.raw = d.{raw(identifier)}"
        )
    columns += [f"CAST(NULL AS VARCHAR) AS {raw(identifier)}" for identifier in waiting]
    columns += [f"d.{variable_column(variable)}" for variable in selection.variables]
    columns += [f"d.{column}" for column in watched_names(selection)]
    source = f"SELECT {', '.join(columns)} FROM {table} d {' '.join(joins)} WHERE {is_unresolved(waiting)}"
    return _judged(selection, source, digest)


def duplicates_sql(selection: Selection, table: str) -> str:
    """Return the query of the rows of `table` whose identity another row has that is sent.

    That one has the smallest profile key. Looking for what may be shared is cheap, so that nothing shared costs little.
    """
    named = selection.identifiers if selection.matches_keys else selection.identifying
    columns = ", ".join(as_sent(item) for item in named) or "rowid"
    shared = f"SELECT hash({columns}) FROM {table} WHERE reason IS NULL GROUP BY hash({columns}) HAVING count(*) > 1"
    ranked = (
        f"SELECT rowid AS row, row_number() OVER (PARTITION BY {columns} ORDER BY key, rowid) AS place FROM {table} "
        f"WHERE reason IS NULL AND hash({columns}) IN ({shared})"
    )
    return f"SELECT row FROM ({ranked}) WHERE place > 1"


def named_sql(selection: Selection, source: str, digest: Digest) -> str:
    """Return the query of the rows of `source` with their `identity` and `variables`: what the ledger compares."""
    identity, variables = _identity(selection, digest), _variables(selection, digest)
    return f"SELECT {identity} AS identity, {variables} AS variables, * FROM ({source})"


def raw(identifier: str) -> str:
    """Return the column of values that only Python can normalise."""
    return name(f"raw:{identifier}")


def variable_column(variable: str) -> str:
    """Return the column of a variable."""
    return name(f"var:{variable}")


def _judged(selection: Selection, source: str, digest: Digest | None) -> str:
    reason = (
        "CASE WHEN consent IS NOT TRUE THEN 'no_consent' "
        f"WHEN {_known(selection)} THEN NULL WHEN given THEN 'invalid_identifier' ELSE 'no_identifier' END"
    )
    judged = f"SELECT {reason} AS reason, * FROM ({source})"
    return judged if digest is None else named_sql(selection, judged, digest)


def _identity(selection: Selection, digest: Digest) -> str:
    """Return the digest of what names a member: one value, or all that is sent, because each part is a key."""
    if selection.matches_keys:
        return digest(_values(selection.identifiers))
    identity = selection.manifest.identity
    if identity not in selection.identifiers:
        return "CAST(NULL AS UUID)"
    return digest(f"{literal(f'{identity}=')} || {as_sent(identity)}")


def _variables(selection: Selection, digest: Digest) -> str:
    parts = [_values(selection.accompanying)] if selection.accompanying else []
    if selection.variables:
        fields = ", ".join(
            f"{name(variable)} := {variable_column(variable)}" for variable in sorted(selection.variables)
        )
        parts.append(f"CAST(to_json(struct_pack({fields})) AS VARCHAR)")
    return digest(" || ".join(parts)) if parts else "CAST(NULL AS UUID)"


def _values(identifiers: Iterable[str]) -> str:
    """Return the text of the values that are there, so that an identifier more in use changes only who has it.

    Each is announced by its name behind a control character, which no identifier as sent has.
    """
    texts = (
        f"CASE WHEN {as_sent(item)} IS NOT NULL THEN {literal(f'{_START}{item}=')} END, {as_sent(item)}"
        for item in identifiers
    )
    return f"concat({', '.join(texts)})"


def _looked_at(selection: Selection, source: str) -> str:
    """Return the query with `given` and `raw:`, which cost something only for profiles that are not plain."""
    given = " OR ".join(f"trim({_text_column(item)}) <> ''" for item in selection.identifying) or "false"
    columns = [f"CASE WHEN NOT ({_known(selection)}) THEN coalesce({given}, false) END AS given"]
    for item in by_python(selection):
        text = _text_column(item)
        needed = needs_python_sql(selection.manifest.identifiers[item], text)
        columns.append(
            f"CASE WHEN {as_sent(item)} IS NULL THEN CASE WHEN {needed} THEN {text} END END AS {raw(item)}"
        )
    hidden = ", ".join(_text_column(item) for item in selection.identifiers)
    exclude = f" EXCLUDE ({hidden})" if hidden else ""
    return f"SELECT *{exclude}, {', '.join(columns)} FROM ({source})"


def _known(selection: Selection) -> str:
    return " OR ".join(f"{as_sent(item)} IS NOT NULL" for item in selection.identifying) or "false"


def _text_column(identifier: str) -> str:
    return name(f"text:{identifier}")


def _text(selection: Selection, identifier: str) -> str:
    return f"CAST({name(selection.identifiers[identifier].column)} AS VARCHAR)"


def _sent(selection: Selection, identifier: str) -> str:
    column = selection.identifiers[identifier]
    return sent_sql(
        selection.manifest.identifiers[identifier],
        name(column.column),
        region=column.region,
        already_hashed=column.already_hashed,
    )
