"""Compares desired members with the ledger: the rows of each part of a run, and how many they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from audiform.audiences.changes import (
    FOREIGN,
    GOING,
    OWNER,
    READ_AS,
    foreign_sql,
    going_sql,
    keeping_sql,
    known_sql,
    mine_sql,
    shared_sql,
    undecided_sql,
)
from audiform.audiences.desired import named_sql
from audiform.audiences.difference import (
    CHANGES,
    DESIRED,
    LEAVING,
    LETTERS,
    SCHEMA,
    Standing,
    arriving_sql,
    changes_sql,
    departing_sql,
    held_sql,
    leaving_sql,
    table_of,
)
from audiform.audiences.selection import Selection
from audiform.connectors.manifest import Manifest
from audiform.delivery.barred import Barred
from audiform.delivery.people import People
from audiform.delivery.readings import Reading
from audiform.delivery.watermarks import EVERYBODY, Wanted, extent_of
from audiform.outcome import Signal
from audiform.plan.plan import Figure, Impact
from audiform.sql import literal, name
from audiform.state.ledger import LedgerSession, Part, SentKey
from audiform.state.naming import column_of, keep_wanted, named_by

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_HELD = "audiform.held"
_LEAVES = "\x1fleaves"
"""No binding's name: of members who are treated as if they were a binding of their own."""
_ARRIVING = (Part.CLAIM, Part.ADD, Part.MODIFY)
_DEPARTING = (Part.REMOVE, Part.TRIM, Part.FORGET)


@dataclass(frozen=True, slots=True)
class Compared:
    """`parts`: how many rows each has; those with none have no table. `members`: of this binding, before.

    `shared`: members whom several profiles may share, where not all of these were read.
    `everybody`: who is added is everybody, named as other bindings of the audience name them; they are known by this.
    """

    members: int
    parts: Mapping[Part, int] = field(default_factory=dict[Part, int])
    rejected_before: int = 0
    shared: int = 0
    everybody: str | None = None

    def people(self, signal: Signal) -> int:
        """How many people one signal is about."""
        return sum(count for part, count in self.parts.items() if part.signal is signal)


def compare(
    session: LedgerSession, reading: Reading, selection: Selection, key: str | None, barred: Barred
) -> tuple[People, Compared]:
    """Have the audience read, and make the tables of what separates it from the members of the destination `key`.

    Without a `key` the destination has nobody.

    Raises:
        DiagnosticError: source, query or columns are not as the audience says.
    """
    nobody = not barred.letters and (key is None or not session.count(key))
    named = not nobody or selection.tracked is not None
    read = reading.read(session, selection, barred.tombstones, named=named)
    if nobody:
        parts = _everybody(session, selection, named=read.named)
        return read.people, Compared(0, parts, everybody=f"everybody{read.way.mark}")
    changed = read.people.since is not None
    return read.people, _difference(session, selection, key or "", barred.letters, changed=changed)


def _difference(
    session: LedgerSession,
    selection: Selection,
    key: str,
    letters: Sequence[tuple[str, str]],
    *,
    changed: bool,
) -> Compared:
    """Make the tables of the difference. `changed`: only what changed was read."""
    connection = session.connection
    _keep_letters(connection, letters)
    standing = _standing(session, selection.binding, key, letters=bool(letters))
    members = session.count(key, selection.binding)
    mine = standing.mine if selection.tracked is None else _owned(connection, standing)
    if changed:
        _set_apart(connection, mine)
    changes = changes_sql(selection, standing, session.digest, whole=not changed)
    connection.execute(f"CREATE TABLE {CHANGES} AS {changes}")
    if changed:
        connection.execute(f"DELETE FROM {CHANGES} WHERE {undecided_sql()}")
    before = _count(connection, f"{CHANGES} WHERE rejected")
    parts = {part: _make(connection, part, arriving_sql(part)) for part in _ARRIVING}
    if selection.tracked is not None:
        parts[Part.KEEP] = _make(connection, Part.KEEP, keeping_sql(mine))
    shared = _count(connection, f"({shared_sql(mine)})") if changed else 0
    if Signal.REMOVE in selection.signals and members:
        leaves = leaving_sql(standing)
        if changed:
            connection.execute(f"CREATE TABLE {GOING} AS {going_sql(mine)}")
            going = f"identity IN (SELECT identity FROM {GOING})"
            standing = _parted(session, selection.binding, key, going, letters=standing.letters)
            leaves = f"SELECT * FROM {standing.mine}"
        session.revealed(leaves, LEAVING)
        leaving, skipped = _depart(session, selection.manifest, standing, selection)
        parts |= leaving
        before += skipped
    return Compared(members, {part: count for part, count in parts.items() if count}, before, shared)


def _owned(connection: DuckDBPyConnection, standing: Standing) -> str:
    """Return the relation of this binding's members with whose they are."""
    known = connection.execute(f"DESCRIBE SELECT * FROM {standing.members}").fetchall()
    return mine_sql(standing, owned=any(name(row[0]) == OWNER for row in known))


def _set_apart(connection: DuckDBPyConnection, mine: str) -> None:
    """Know whom of the desired members others may share who were not read."""
    connection.execute(f"CREATE TABLE {FOREIGN} AS {foreign_sql(mine)}")
    connection.execute(f"ALTER VIEW {DESIRED} RENAME TO {READ_AS.removeprefix(f'{SCHEMA}.')}")
    connection.execute(f"CREATE VIEW {DESIRED} AS {known_sql()}")


@dataclass(frozen=True, slots=True)
class Importable:
    """An object that is to be imported: its key in the ledger, and the relation of the identities of who is in it."""

    key: str
    members: str


def compare_adopted(
    session: LedgerSession,
    reading: Reading,
    selection: Selection,
    importable: Importable,
    barred: Barred,
) -> tuple[People, Compared]:
    """As `compare`, as if the members of an importable object were this binding's already.

    It is of a type whose members are named by one identifier.
    """
    key, adopted = importable.key, importable.members
    people = reading.read(session, selection, barred.tombstones, named=True).people
    connection, binding = session.connection, literal(selection.binding)
    members = (
        f"(SELECT * FROM {session.members(key)} WHERE binding <> {binding} UNION ALL BY NAME SELECT {binding} AS binding, "
        f"identity, CAST(NULL AS UUID) AS variables, false AS unsure FROM {adopted})"
    )
    standing = Standing(selection.binding, members, (), letters=False)
    connection.execute(f"CREATE TABLE {CHANGES} AS {changes_sql(selection, standing, session.digest)}")
    parts = {part: _make(connection, part, arriving_sql(part)) for part in _ARRIVING}
    if Signal.REMOVE in selection.signals:
        connection.execute(f"CREATE TABLE {LEAVING} AS {leaving_sql(standing)}")
        leaving, _ = _depart(session, selection.manifest, standing, selection)
        parts |= leaving
    return people, Compared(
        _count(connection, adopted), {part: count for part, count in parts.items() if count}
    )


def compare_ended(session: LedgerSession, binding: str, manifest: Manifest, key: str) -> Compared:
    """Make the tables of what the end of a binding removes: all its members but what others hold."""
    standing = _standing(session, binding, key, letters=False)
    members = session.count(key, binding)
    session.revealed(f"SELECT * FROM {standing.mine}", LEAVING)
    parts, _ = _depart(session, manifest, standing, None)
    return Compared(members, {part: count for part, count in parts.items() if count})


def compare_named(
    session: LedgerSession, binding: str, manifest: Manifest, key: str, keys: Sequence[SentKey]
) -> Compared:
    """Make the tables of what removes the members of a binding whom the keys name: all but what others hold there.

    Others are everybody else in the destination, of this binding as well.
    """
    wanted = f"{SCHEMA}.wanted"
    keep_wanted(session.connection, [(column_of(item), session.kept(item)) for item in keys], wanted)
    columns = (form.key(identifier) for form, identifier in session.columns(key))
    parts = departing(session, binding, manifest, key, named_by(columns, wanted) or "false")
    return Compared(session.count(key, binding), parts)


def departing(
    session: LedgerSession, binding: str, manifest: Manifest, key: str, leaves: str
) -> dict[Part, int]:
    """Make the tables of what removes the members of a binding for whom `leaves` holds; return how many rows each has."""
    standing = _parted(session, binding, key, leaves, letters=False)
    session.revealed(f"SELECT * FROM {standing.mine}", LEAVING)
    parts, _ = _depart(session, manifest, standing, None)
    return {part: count for part, count in parts.items() if count}


def _parted(session: LedgerSession, binding: str, key: str, leaves: str, *, letters: bool) -> Standing:
    """Return where the members of a binding stand for whom `leaves` holds, as if they were a binding of their own."""
    parted, columns, members = f"{SCHEMA}.parted", session.columns(key), session.members(key)
    session.connection.execute(
        f"CREATE VIEW {parted} AS SELECT * REPLACE (CASE WHEN binding = {literal(binding)} AND ({leaves}) "
        f"THEN {literal(_LEAVES)} ELSE binding END AS binding) FROM {members}"
    )
    return Standing(_LEAVES, parted, columns, letters)


def impact_of(selection: Selection, people: People, compared: Compared, need: Wanted = EVERYBODY) -> Impact:
    """Return what a delivery would do, all of it counted."""
    desired = Figure("exact", people.desired)
    if people.since is not None:
        desired = Figure("unknown", why="only what changed was read")
    left_out = dict(people.left_out)
    if compared.rejected_before:
        left_out["rejected_before"] = compared.rejected_before
    return Impact(
        adds=Figure("exact", compared.people(Signal.ADD)),
        removes=Figure("exact", compared.people(Signal.REMOVE)),
        modifies=Figure("exact", compared.people(Signal.MODIFY)),
        members_before=Figure("exact", compared.members),
        desired=desired,
        left_out=left_out,
        not_sent=selection.not_sent,
        source_rows=people.rows,
        claims=compared.parts.get(Part.CLAIM, 0),
        releases=compared.parts.get(Part.FORGET, 0),
        extent=extent_of(need, selection, compared.shared),
    )


def ended_impact(compared: Compared) -> Impact:
    """Return what the end of a binding does."""
    none = Figure("exact", 0)
    removed = Figure("exact", compared.people(Signal.REMOVE))
    released = compared.parts.get(Part.FORGET, 0)
    return Impact(none, removed, none, Figure("exact", compared.members), none, {}, {}, releases=released)


def keys_of(manifest: Manifest) -> tuple[str, ...]:
    """Return the identifiers that are keys by themselves at the platform."""
    if manifest.identity != "each":
        return ()
    return tuple(name for name, identifier in manifest.identifiers.items() if identifier.identifies)


def _standing(session: LedgerSession, binding: str, key: str, *, letters: bool) -> Standing:
    return Standing(binding, session.members(key), session.columns(key), letters)


def _everybody(session: LedgerSession, selection: Selection, *, named: bool) -> dict[Part, int]:
    """Add every desired member as it is: nothing has to be compared where nobody is."""
    if Signal.ADD not in selection.signals:
        return {}
    wanted = f"SELECT * FROM {DESIRED} WHERE reason IS NULL"
    query = wanted if named else named_sql(selection, wanted, session.digest)
    session.connection.execute(f"CREATE VIEW {table_of(Part.ADD)} AS {query}")
    count = _count(session.connection, f"{DESIRED} WHERE reason IS NULL")
    return {Part.ADD: count} if count else {}


def _depart(
    session: LedgerSession, manifest: Manifest, standing: Standing, selection: Selection | None
) -> tuple[dict[Part, int], int]:
    """Return the rows of the parts that leave, and how many are not sent because they were rejected before."""
    connection, keys = session.connection, keys_of(manifest)
    connection.execute(f"CREATE TABLE {_HELD} AS {held_sql(selection, standing, keys)}")
    parts = {
        part: _make(connection, part, departing_sql(part, _HELD, standing, session.digest, keys))
        for part in _DEPARTING
    }
    return parts, _count(connection, _HELD) - sum(parts.values())


def _make(connection: DuckDBPyConnection, part: Part, query: str) -> int:
    connection.execute(f"CREATE TABLE {table_of(part)} AS {query}")
    return _count(connection, table_of(part))


def _keep_letters(connection: DuckDBPyConnection, letters: Sequence[tuple[str, str]]) -> None:
    import pyarrow as pa

    arrow: Any = pa
    if letters:
        signals, contents = zip(*letters, strict=True)
        connection.register("given", arrow.table({"signal": signals, "content": contents}))
        connection.execute(
            f"CREATE TABLE {LETTERS} AS SELECT signal, CAST(content AS UUID) AS content FROM given"
        )
        connection.unregister("given")


def _count(connection: DuckDBPyConnection, relation: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {relation}").fetchall()[0][0])
