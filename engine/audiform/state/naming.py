"""Columns of what is kept of identifiers, and how the rows of one person are named by them: the same for every backend."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from audiform.sql import literal, name
from audiform.state.ledger import Form, LedgerSession, SentKey

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_FORMS = frozenset(form.value for form in Form)


def is_kept(column: str) -> bool:
    """Whether a column holds what is kept of an identifier."""
    return column.partition(":")[0] in _FORMS and ":" in column


def form_of(column: str) -> tuple[Form, str]:
    """Return the form and the identifier of a kept column."""
    form, _, identifier = column.partition(":")
    return Form(form), identifier


def column_of(key: SentKey) -> str:
    """Return the kept column that an identifier is in."""
    return key.form.key(key.identifier)


def keep_wanted(connection: DuckDBPyConnection, kept: Iterable[tuple[str, bytes]], table: str) -> None:
    """Make `table` of kept columns (`of`) and what they hold of one person (`kept`); no value is in an SQL text."""
    import pyarrow as pa

    arrow: Any = pa
    pairs = list(kept)
    columns = arrow.array([column for column, _ in pairs], arrow.string())
    values = arrow.array([value for _, value in pairs], arrow.binary())
    connection.register("wanted_keys", arrow.table({"of": columns, "kept": values}))
    connection.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT * FROM wanted_keys")
    connection.unregister("wanted_keys")


def named_by(columns: Iterable[str], wanted: str) -> str | None:
    """Return the condition that a kept column holds what `wanted` says of it; None where there is no such column."""
    ways = [
        f"coalesce({name(column)} IN (SELECT kept FROM {wanted} WHERE of = {literal(column)}), false)"
        for column in columns
    ]
    return " OR ".join(ways) or None


def trace_text(column_sql: str, kept_sql: str) -> str:
    """Return the SQL of the text whose digest stands for a kept identifier in a dead letter; NULL where it has none."""
    return f"'trace ' || {column_sql} || '=' || hex({kept_sql})"


def traces_of(session: LedgerSession, keys: Sequence[SentKey]) -> list[str]:
    """Return the digests by which a person's dead letters are found (`DeadLetter.keys`)."""
    table = "audiform.traced"
    keep_wanted(session.connection, [(column_of(key), session.kept(key)) for key in keys], table)
    rows = session.connection.execute(
        f"SELECT CAST({session.digest(trace_text('of', 'kept'))} AS VARCHAR) FROM {table}"
    ).fetchall()
    return [row[0] for row in rows]
