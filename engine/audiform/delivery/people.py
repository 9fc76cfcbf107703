"""Reads an audience's profiles into the ledger's DuckDB: desired members, with who is left out and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audiform.address import Address, Kind
from audiform.audiences.desired import (
    Digest,
    by_python,
    desired_sql,
    duplicates_sql,
    is_unresolved,
    raw,
    resolved_sql,
)
from audiform.audiences.difference import DESIRED
from audiform.audiences.selection import Selection, watching
from audiform.audiences.suppressed import ASKED, TOMBSTONES, ask, asking, plain, suppressed_sql
from audiform.config.project import Project
from audiform.connectors.identifiers import normalize
from audiform.connectors.manifest import Identifier
from audiform.diagnostics import DiagnosticError
from audiform.sources.databases import Asked
from audiform.sources.query import check_columns
from audiform.sources.reading import open_profiles
from audiform.sql import literal
from audiform.state.ledger import LedgerSession
from audiform.state.store import Tombstone

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_NORMALIZED = "audiform.normalized"
_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class People:
    """What was read. `rows`: profiles; `left_out`: reason -> profiles; `written`: when, in epoch seconds."""

    rows: int
    left_out: Mapping[str, int]
    written: float

    @property
    def desired(self) -> int:
        """How many members the definition names."""
        return self.rows - sum(self.left_out.values())


def read_people(
    session: LedgerSession,
    project: Project,
    audience_name: str,
    selection: Selection,
    tombstones: Sequence[Tombstone] = (),
    *,
    named: bool,
) -> People:
    """Make the table of desired members; its query runs once. `named`: with what the ledger compares.

    Whoever has one of the `tombstones` is left out.

    Raises:
        DiagnosticError: source, query or columns are not as the audience says.
    """
    import duckdb

    audience = project.audiences[audience_name]
    selection = watching(selection, audience, {item.identifier for item in tombstones})
    address = Address(Kind.AUDIENCE, audience_name)
    connection = session.connection
    if not selection.is_clear:
        # Encryption makes what does not fit into memory ten times slower; digests are what is kept anyway.
        connection.execute("SET temp_file_encryption = false")
    digest = session.digest if named else None
    asked = Asked(audience_name, f"binding.{selection.binding}")
    with open_profiles(connection, project, asked, session.folders) as profiles:
        check_columns(profiles.columns, selection.columns, address)
        try:
            connection.execute(
                f"CREATE TABLE {DESIRED} AS {desired_sql(selection, profiles.relation, digest)}"
            )
        except duckdb.Error as error:
            raise DiagnosticError([profiles.refused(error)]) from None
    _resolve(connection, selection, digest)
    _suppress(session, selection, tombstones)
    shared = _remove_duplicates(connection, selection)
    reasons = _counts(connection, f"SELECT reason, count(*) FROM {DESIRED} GROUP BY ALL ORDER BY ALL")
    rows = sum(reasons.values()) + shared
    left_out = {reason: count for reason, count in reasons.items() if reason is not None}
    return People(rows, left_out | ({"duplicate_identity": shared} if shared else {}), profiles.written)


def _resolve(connection: DuckDBPyConnection, selection: Selection, digest: Digest | None) -> None:
    """Normalise by Python the few values that SQL leaves to it, each different one once, and judge them anew."""
    waiting = by_python(selection)
    if not waiting:
        return
    unresolved = is_unresolved(waiting)
    if not connection.execute(f"SELECT 1 FROM {DESIRED} WHERE {unresolved} LIMIT 1").fetchall():
        return
    connection.execute(f"CREATE TABLE {_NORMALIZED} (identifier VARCHAR, raw VARCHAR, sent VARCHAR)")
    for identifier in waiting:
        _normalize(connection, selection, identifier)
    again = resolved_sql(selection, DESIRED, _NORMALIZED, digest)
    connection.execute(f"CREATE TABLE audiform.resolved AS {again}")
    connection.execute(f"DELETE FROM {DESIRED} WHERE {unresolved}")
    connection.execute(f"INSERT INTO {DESIRED} BY NAME FROM audiform.resolved")
    connection.execute(f"DROP TABLE {_NORMALIZED}; DROP TABLE audiform.resolved")


def _normalize(connection: DuckDBPyConnection, selection: Selection, identifier: str) -> None:
    described, column = selection.manifest.identifiers[identifier], selection.identifiers[identifier]
    _insert(connection, _NORMALIZED, identifier, raw(identifier), described, column.region)


def _insert(
    connection: DuckDBPyConnection,
    table: str,
    identifier: str,
    column: str,
    described: Identifier,
    region: str | None,
) -> None:
    """Put what Python makes of the different values of a column into `table`: `identifier`, `raw`, `sent`."""
    import pyarrow as pa

    arrow: Any = pa
    query = f"SELECT DISTINCT {column} AS raw FROM {DESIRED} WHERE {column} IS NOT NULL"
    reader = connection.cursor()
    try:
        for batch in reader.sql(query).to_arrow_reader(_AT_ONCE):
            values: list[str] = batch.column(0).to_pylist()
            sent = [normalize(described, value, region=region, already_hashed=False) for value in values]
            found = arrow.table(
                {"raw": arrow.array(values, arrow.string()), "sent": arrow.array(sent, arrow.string())}
            )
            connection.register("normalized_batch", found)
            connection.execute(
                f"INSERT INTO {table} SELECT {literal(identifier)}, raw, sent FROM normalized_batch"
            )
            connection.unregister("normalized_batch")
    finally:
        reader.close()


def _suppress(session: LedgerSession, selection: Selection, tombstones: Sequence[Tombstone]) -> None:
    """Leave out whoever has a tombstone, by whichever identifier."""
    import pyarrow as pa

    arrow: Any = pa
    if not selection.watched:
        return
    connection = session.connection
    connection.register("known", arrow.table({"digest": [item.digest for item in tombstones]}))
    connection.execute(f"CREATE TABLE {TOMBSTONES} AS SELECT CAST(digest AS UUID) AS digest FROM known")
    connection.unregister("known")
    if asking(selection):
        connection.execute(f"CREATE TABLE {ASKED} (identifier VARCHAR, raw VARCHAR, sent VARCHAR)")
        for item in asking(selection):
            _insert(connection, ASKED, item, ask(item), plain(item), selection.watched[item].region)
    condition = suppressed_sql(selection, session.digest)
    connection.execute(f"UPDATE {DESIRED} SET reason = 'suppressed' WHERE reason IS NULL AND ({condition})")


def _remove_duplicates(connection: DuckDBPyConnection, selection: Selection) -> int:
    """Leave one profile of each identity; return how many were one too many."""
    gone: list[Any] = connection.execute(
        f"DELETE FROM {DESIRED} WHERE rowid IN ({duplicates_sql(selection, DESIRED)})"
    ).fetchall()
    return int(gone[0][0])


def _counts(connection: DuckDBPyConnection, query: str) -> dict[str | None, int]:
    return {row[0]: row[1] for row in connection.execute(query).fetchall()}
