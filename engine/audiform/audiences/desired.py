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

One table serves several bindings of an audience (`ways.py`): `view_sql` shows one of them its columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from audiform.audiences.latest import tracked_columns, tracked_names
from audiform.audiences.selection import Selection
from audiform.audiences.suppressed import watched_columns, watched_names
from audiform.audiences.ways import Sent, Way, all_sent, by_python, distinct
from audiform.connectors.identifiers import needs_python_sql, sent_sql
from audiform.sql import literal, name
from audiform.state.ledger import PROFILE, as_sent

Digest = Callable[[str], str]
"""The SQL of the keyed digest of an SQL text that is not null."""

_START = "\x1f"


def desired_sql(ways: Sequence[Way], profiles: str, digest: Digest | None) -> str:
    """Return the query of the desired members of the relation `profiles`.

    Without a `digest` it lacks `identity` and `variables`, which `named_sql` adds: where nobody is compared, they are
    needed for the ledger only, and that is written while others are on their way.
    """
    first = ways[0].selection
    texts = {sent.text: f"CAST({name(sent.source.column)} AS VARCHAR)" for sent in all_sent(ways)}
    variables = {variable: column for way in ways for variable, column in way.selection.variables.items()}
    columns = [
        f"{name(first.profile_key)} AS key",
        f"{name(first.consent) if first.consent is not None else 'true'} AS consent",
        *(f"{text} AS {column}" for column, text in texts.items()),
        *(f"{_sent(sent)} AS {sent.column}" for sent in all_sent(ways)),
        *(f"{name(column)} AS {variable_column(variable)}" for variable, column in variables.items()),
        *watched_columns(ways),
        *tracked_columns(ways, digest),
    ]
    return _judged(ways, _looked_at(ways, f"SELECT {', '.join(columns)} FROM {profiles}"), digest)


def view_sql(way: Way, table: str, *, named: bool) -> str:
    """Return the query of a table of desired members as one binding sees it, each with its `row`."""
    columns = ["rowid AS row", "key", f"{way.column('reason')} AS reason"]
    if named:
        columns += [f"{way.column(what)} AS {what}" for what in ("identity", "variables")]
    columns += [f"{sent.column} AS {as_sent(identifier)}" for identifier, sent in way.sent.items()]
    columns += [variable_column(variable) for variable in way.selection.variables]
    if named and way.selection.tracked is not None:
        columns.append(f"CASE WHEN NOT {way.column('shared')} THEN profile END AS {as_sent(PROFILE)}")
    return f"SELECT {', '.join(columns)} FROM {table}"


def is_unresolved(waiting: Iterable[Sent]) -> str:
    """Return the condition that a desired member waits for Python."""
    return " OR ".join(f"{sent.raw} IS NOT NULL" for sent in waiting)


def resolved_sql(ways: Sequence[Way], table: str, normalized: str, digest: Digest | None) -> str:
    """Return the query of the unresolved rows of `table`, judged anew.

    `normalized` is a table of `identifier`, `raw` and `sent`, with the values that Python has normalised.
    """
    waiting = by_python(ways)
    columns = ["d.key", "d.consent", *(f"d.{way.column('given')}" for way in distinct(ways))]
    joins: list[str] = []
    for number, sent in enumerate(all_sent(ways)):
        if sent not in waiting:
            columns.append(f"d.{sent.column}")
            continue
        columns.append(f"coalesce(d.{sent.column}, n{number}.sent) AS {sent.column}")
        joins.append(
            f"LEFT JOIN (SELECT raw, sent FROM {normalized} WHERE identifier = {literal(sent.name)}) n{number} "
            f"ON n{number}.raw = d.{sent.raw}"
        )
    columns += [f"CAST(NULL AS VARCHAR) AS {sent.raw}" for sent in waiting]
    variables = dict.fromkeys(variable for way in ways for variable in way.selection.variables)
    columns += [f"d.{variable_column(variable)}" for variable in variables]
    columns += [f"d.{column}" for column in (*watched_names(ways), *tracked_names(ways, digest))]
    source = f"SELECT {', '.join(columns)} FROM {table} d {' '.join(joins)} WHERE {is_unresolved(waiting)}"
    return _judged(ways, source, digest)


def sharing_sql(way: Way, table: str, *, named: bool = False) -> str:
    """Return the query of the rows of `table` with an identity that others have, each with its `place` among them.

    The first one is sent: it has the smallest profile key. Looking for what may be shared is cheap, so that nothing shared costs
    little. `named`: the table has the identity, which is shorter than what it is made of.
    """
    sent = way.sent.values() if way.selection.matches_keys else way.identifying
    columns = way.column("identity") if named else ", ".join(one.column for one in sent) or "rowid"
    members = f"{table} WHERE {way.column('reason')} IS NULL"
    shared = f"SELECT hash({columns}) FROM {members} GROUP BY hash({columns}) HAVING count(*) > 1"
    one = f"PARTITION BY {columns}"
    return (
        f"SELECT rowid AS row, row_number() OVER ({one} ORDER BY key, rowid) AS place, count(*) OVER ({one}) AS sharers "
        f"FROM {members} AND hash({columns}) IN ({shared})"
    )


def duplicates_sql(way: Way, table: str, *, named: bool = False) -> str:
    """Return the query of the rows of `table` whose identity another row has that is sent."""
    return f"SELECT row FROM ({sharing_sql(way, table, named=named)}) WHERE place > 1"


def named_sql(selection: Selection, source: str, digest: Digest) -> str:
    """Return the query of the rows of `source` with their `identity` and `variables`: what the ledger compares."""
    sent = {identifier: as_sent(identifier) for identifier in selection.identifiers}
    identity, variables = _identity(selection, sent, digest), _variables(selection, sent, digest)
    return f"SELECT {identity} AS identity, {variables} AS variables, * FROM ({source})"


def variable_column(variable: str) -> str:
    """Return the column of a variable."""
    return name(f"var:{variable}")


def _judged(ways: Sequence[Way], source: str, digest: Digest | None) -> str:
    ways = distinct(ways)
    reasons = ", ".join(f"{_reason(way)} AS {way.column('reason')}" for way in ways)
    judged = f"SELECT {reasons}, * FROM ({source})"
    if digest is None:
        return judged
    columns = [
        f"{sql(way.selection, way.columns, digest)} AS {way.column(what)}"
        for way in ways
        for what, sql in (("identity", _identity), ("variables", _variables))
    ]
    return f"SELECT {', '.join(columns)}, * FROM ({judged})"


def _reason(way: Way) -> str:
    return (
        f"CASE WHEN consent IS NOT TRUE THEN 'no_consent' WHEN {_known(way)} THEN NULL "
        f"WHEN {way.column('given')} THEN 'invalid_identifier' ELSE 'no_identifier' END"
    )


def _identity(selection: Selection, sent: Mapping[str, str], digest: Digest) -> str:
    """Return the digest of what names a member: one value, or all that is sent, because each part is a key."""
    if selection.matches_keys:
        return digest(_values(selection.identifiers, sent))
    identity = selection.manifest.identity
    if identity not in selection.identifiers:
        return "CAST(NULL AS UUID)"
    return digest(f"{literal(f'{identity}=')} || {sent[identity]}")


def _variables(selection: Selection, sent: Mapping[str, str], digest: Digest) -> str:
    parts = [_values(selection.accompanying, sent)] if selection.accompanying else []
    if selection.variables:
        fields = ", ".join(
            f"{name(variable)} := {variable_column(variable)}" for variable in sorted(selection.variables)
        )
        parts.append(f"CAST(to_json(struct_pack({fields})) AS VARCHAR)")
    return digest(" || ".join(parts)) if parts else "CAST(NULL AS UUID)"


def _values(identifiers: Iterable[str], sent: Mapping[str, str]) -> str:
    """Return the text of the values that are there, so that an identifier more in use changes only who has it.

    Each is announced by its name behind a control character, which no identifier as sent has.
    """
    texts = (
        f"CASE WHEN {sent[item]} IS NOT NULL THEN {literal(f'{_START}{item}=')} END, {sent[item]}"
        for item in identifiers
    )
    return f"concat({', '.join(texts)})"


def _looked_at(ways: Sequence[Way], source: str) -> str:
    """Return the query with `given` and `raw:`, which cost something only for profiles that are not plain."""
    columns: list[str] = []
    for way in distinct(ways):
        given = " OR ".join(f"trim({sent.text}) <> ''" for sent in way.identifying) or "false"
        columns.append(
            f"CASE WHEN NOT ({_known(way)}) THEN coalesce({given}, false) END AS {way.column('given')}"
        )
    for sent in by_python(ways):
        needed = needs_python_sql(sent.identifier, sent.text)
        columns.append(
            f"CASE WHEN {sent.column} IS NULL THEN CASE WHEN {needed} THEN {sent.text} END END AS {sent.raw}"
        )
    hidden = ", ".join(dict.fromkeys(sent.text for sent in all_sent(ways)))
    exclude = f" EXCLUDE ({hidden})" if hidden else ""
    return f"SELECT *{exclude}, {', '.join(columns)} FROM ({source})"


def _known(way: Way) -> str:
    return " OR ".join(f"{sent.column} IS NOT NULL" for sent in way.identifying) or "false"


def _sent(sent: Sent) -> str:
    column = sent.source
    return sent_sql(
        sent.identifier, name(column.column), region=column.region, already_hashed=column.already_hashed
    )
