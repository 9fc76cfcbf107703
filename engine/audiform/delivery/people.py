"""Reads an audience's profiles into the ledger's DuckDB: desired members, with who is left out and why.

It is read once, whatever the number of bindings that it is read for: what is sent of a column is computed once for each
rule, and who is a member once for each way of being named (`audiences/ways.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from audiform.address import Address, Kind
from audiform.audiences.changes import SEEN
from audiform.audiences.desired import (
    Digest,
    desired_sql,
    duplicates_sql,
    is_unresolved,
    resolved_sql,
    sharing_sql,
    view_sql,
)
from audiform.audiences.difference import DESIRED, PEOPLE
from audiform.audiences.selection import Selection, watching
from audiform.audiences.suppressed import ASKED, TOMBSTONES, ask, asked_by, plain, suppressed_sql
from audiform.audiences.ways import Way, by_python, distinct, ways_of
from audiform.config.project import Project
from audiform.connectors.identifiers import normalize
from audiform.connectors.manifest import Identifier
from audiform.delivery.latest import Seen, keep_latest
from audiform.diagnostics import DiagnosticError
from audiform.sources.databases import Asked
from audiform.sources.query import check_columns
from audiform.sources.reading import Profiles, open_profiles
from audiform.sources.slices import Slice
from audiform.sql import literal
from audiform.state.ledger import LedgerSession
from audiform.state.store import Tombstone

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_NORMALIZED = "audiform.normalized"
_AT_ONCE = 10_000
_DUPLICATE = "duplicate_identity"
_NAMED_AT_MOST = 3
"""Bindings that a statement's comment names, of those that it is run for: databases cut it off."""


@dataclass(frozen=True, slots=True)
class People:
    """What was read. `rows`: profiles; `left_out`: reason -> profiles; `written`: when, in epoch seconds.

    `since`: only what changed since then was read; `seen`: the highest watermark of an audience that has one.
    """

    rows: int
    left_out: Mapping[str, int]
    written: float
    since: Slice | None = None
    seen: Seen | None = None

    @property
    def desired(self) -> int:
        """How many members the definition names."""
        return self.rows - sum(self.left_out.values())


@dataclass(frozen=True, slots=True)
class Read:
    """What was read for one binding: its columns of the table `PEOPLE`. `named`: with what the ledger compares."""

    way: Way
    people: People
    named: bool

    def show(self, session: LedgerSession, there: LedgerSession) -> None:
        """Make the view of the desired members in a session; they were read in `there`, which it may be beside."""
        query = view_sql(self.way, f"{there.database}.{PEOPLE}", named=self.named)
        session.connection.execute(f"CREATE VIEW {DESIRED} AS {query}")
        if self.people.since is not None and there is not session:
            session.connection.execute(f"CREATE VIEW {SEEN} AS SELECT * FROM {there.database}.{SEEN}")


@dataclass(frozen=True, slots=True)
class Portion:
    """What is read of an audience. `since`: only what changed since then, for selections that are named."""

    audience: str
    since: Slice | None = None


def read_people(
    session: LedgerSession,
    project: Project,
    portion: Portion,
    selections: Sequence[Selection],
    tombstones: Sequence[Tombstone] = (),
    *,
    named: bool,
) -> list[Read | DiagnosticError]:
    """Make the table of desired members of each selection; the audience's query runs once. `named`: see `Read`.

    Whoever has one of the `tombstones` is left out. A selection that needs a column that is not there gets its error, and
    the others what they need.

    Raises:
        DiagnosticError: source or query are not as the audience says.
    """
    audience, connection = project.audiences[portion.audience], session.connection
    watched = {item.identifier for item in tombstones}
    selections = [watching(selection, audience, watched) for selection in selections]
    if not any(selection.is_clear for selection in selections):
        # Encryption makes what does not fit into memory ten times slower; digests are what is kept anyway.
        connection.execute("SET temp_file_encryption = false")
    digest = session.digest if named else None
    seen: Seen | None = None
    with open_profiles(connection, project, _asked(portion, selections), session.folders) as profiles:
        address = Address(Kind.AUDIENCE, portion.audience)
        found = [_checked(profiles, selection, address) for selection in selections]
        ways = ways_of([item for item in found if isinstance(item, Selection)])
        if ways:
            _make(connection, ways, profiles, digest)
            seen = keep_latest(connection, ways[0].selection.tracked, profiles, portion.since)
    if ways:
        resolve(connection, ways, digest)
        suppress(connection, ways, tombstones, session.digest)
    several = len(distinct(ways)) > 1
    shared = {way: _leave_one(connection, way, named=named, several=several) for way in distinct(ways)}
    counted = {
        way: replace(_count(connection, way, profiles.written, gone), since=portion.since, seen=seen)
        for way, gone in shared.items()
    }
    each = iter(ways)
    return [
        item if isinstance(item, DiagnosticError) else Read(way := next(each), counted[way], named)
        for item in found
    ]


def _asked(portion: Portion, selections: Sequence[Selection]) -> Asked:
    names = [f"binding.{selection.binding}" for selection in selections]
    more = [f"+{len(names) - _NAMED_AT_MOST}"] if len(names) > _NAMED_AT_MOST else []
    return Asked(portion.audience, ",".join([*names[:_NAMED_AT_MOST], *more]), portion.since)


def _checked(profiles: Profiles, selection: Selection, address: Address) -> Selection | DiagnosticError:
    try:
        check_columns(profiles.columns, selection.columns, address)
    except DiagnosticError as error:
        return error
    return selection


def _make(
    connection: DuckDBPyConnection, ways: Sequence[Way], profiles: Profiles, digest: Digest | None
) -> None:
    import duckdb

    try:
        connection.execute(f"CREATE TABLE {PEOPLE} AS {desired_sql(ways, profiles.relation, digest)}")
    except duckdb.Error as error:
        raise DiagnosticError([profiles.refused(error)]) from None


def resolve(connection: DuckDBPyConnection, ways: Sequence[Way], digest: Digest | None) -> None:
    """Normalise by Python the few values that SQL leaves to it, each different one once, and judge them anew."""
    waiting = by_python(ways)
    if not waiting:
        return
    unresolved = is_unresolved(waiting)
    if not connection.execute(f"SELECT 1 FROM {PEOPLE} WHERE {unresolved} LIMIT 1").fetchall():
        return
    connection.execute(f"CREATE TABLE {_NORMALIZED} (identifier VARCHAR, raw VARCHAR, sent VARCHAR)")
    for sent in waiting:
        _insert(connection, _NORMALIZED, sent.name, sent.raw, sent.identifier, sent.source.region)
    again = resolved_sql(ways, PEOPLE, _NORMALIZED, digest)
    connection.execute(f"CREATE TABLE audiform.resolved AS {again}")
    connection.execute(f"DELETE FROM {PEOPLE} WHERE {unresolved}")
    connection.execute(f"INSERT INTO {PEOPLE} BY NAME FROM audiform.resolved")
    connection.execute(f"DROP TABLE {_NORMALIZED}; DROP TABLE audiform.resolved")


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
    query = f"SELECT DISTINCT {column} AS raw FROM {PEOPLE} WHERE {column} IS NOT NULL"
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


def suppress(
    connection: DuckDBPyConnection, ways: Sequence[Way], tombstones: Sequence[Tombstone], digest: Digest
) -> None:
    """Leave out whoever has a tombstone, by whichever identifier."""
    import pyarrow as pa

    arrow: Any = pa
    watched = ways[0].selection.watched
    if not watched:
        return
    connection.register("known", arrow.table({"digest": [item.digest for item in tombstones]}))
    connection.execute(f"CREATE TABLE {TOMBSTONES} AS SELECT CAST(digest AS UUID) AS digest FROM known")
    connection.unregister("known")
    asked = asked_by(ways)
    if asked:
        connection.execute(f"CREATE TABLE {ASKED} (identifier VARCHAR, raw VARCHAR, sent VARCHAR)")
        for item in asked:
            _insert(connection, ASKED, item, ask(item), plain(item), watched[item].region)
    for way in distinct(ways):
        reason, condition = way.column("reason"), suppressed_sql(way, digest)
        connection.execute(
            f"UPDATE {PEOPLE} SET {reason} = 'suppressed' WHERE {reason} IS NULL AND ({condition})"
        )


def _count(connection: DuckDBPyConnection, way: Way, written: float, gone: int) -> People:
    """Count who is left out. `gone`: those who shared an identity and are no longer there."""
    query = f"SELECT {way.column('reason')}, count(*) FROM {PEOPLE} GROUP BY ALL ORDER BY ALL"
    counts: dict[str | None, int] = {row[0]: row[1] for row in connection.execute(query).fetchall()}
    shared = gone + counts.pop(_DUPLICATE, 0)
    left_out = {reason: count for reason, count in counts.items() if reason is not None}
    return People(sum(counts.values()) + shared, left_out | ({_DUPLICATE: shared} if shared else {}), written)


def _leave_one(connection: DuckDBPyConnection, way: Way, *, named: bool, several: bool) -> int:
    """Delete who is one too many of an identity, and return how many; where another way may send them, mark them."""
    rows = f"rowid IN ({duplicates_sql(way, PEOPLE, named=named)})"
    if way.selection.tracked is not None:
        first = f"SELECT row FROM ({sharing_sql(way, PEOPLE, named=named)}) WHERE place = 1 AND sharers > 1"
        connection.execute(f"UPDATE {PEOPLE} SET {way.column('shared')} = true WHERE rowid IN ({first})")
    if several:
        reason = way.column("reason")
        connection.execute(f"UPDATE {PEOPLE} SET {reason} = {literal(_DUPLICATE)} WHERE {rows}")
        return 0
    gone: list[Any] = connection.execute(f"DELETE FROM {PEOPLE} WHERE {rows}").fetchall()
    return int(gone[0][0])
