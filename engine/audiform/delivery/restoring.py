"""What undoes runs of a binding: whom they added is removed, whom they removed is added again, as far as it still holds.

Later runs are left alone: somebody who is no member any more is not removed, somebody who is one again is not added. The
ledger knows identifiers as they were sent, and not variables: those are sent with the next apply.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from audiform.audiences.difference import SCHEMA, table_of
from audiform.connectors.manifest import Manifest
from audiform.delivery.compare import Compared, departing
from audiform.outcome import Signal
from audiform.plan.plan import Figure, Impact
from audiform.sql import literal
from audiform.state.ledger import LedgerSession, Part

_CAME, _WENT, _BACK = f"{SCHEMA}.came", f"{SCHEMA}.went", f"{SCHEMA}.back"
_ARRIVED = (Part.ADD, Part.CLAIM)
_LEFT = (Part.REMOVE, Part.TRIM, Part.FORGET)


def is_known(session: LedgerSession, key: str, run: str) -> bool:
    """Whether the ledger still remembers whom a run moved."""
    return bool(session.moved(key, run))


def compare_restored(
    session: LedgerSession, binding: str, manifest: Manifest, key: str, runs: Sequence[str]
) -> Compared:
    """Make the tables of what undoes the runs, of those that the ledger still remembers."""
    moved = [session.moved(key, run) for run in runs]
    members, connection = session.members(key), session.connection
    connection.execute(f"CREATE TABLE {_CAME} AS {_union(moved, _ARRIVED)}")
    connection.execute(f"CREATE TABLE {_WENT} AS {_union(moved, _LEFT)}")
    before = session.count(key, binding)
    leaves = f"identity IN (SELECT identity FROM {_CAME} ANTI JOIN {_WENT} USING (identity))"
    parts = departing(session, binding, manifest, key, leaves)
    mine = f"(SELECT identity FROM {members} WHERE binding = {literal(binding)} AND NOT unsure)"
    connection.execute(
        f"CREATE TABLE {_BACK} AS SELECT DISTINCT ON (identity) * REPLACE (CAST(NULL AS UUID) AS variables, false AS unsure) "
        f"FROM {_WENT} ANTI JOIN {_CAME} USING (identity) ANTI JOIN {mine} USING (identity)"
    )
    others = f"(SELECT identity FROM {members} WHERE binding <> {literal(binding)} AND NOT unsure)"
    for part, join in ((Part.CLAIM, "SEMI"), (Part.ADD, "ANTI")):
        session.revealed(f"SELECT * FROM {_BACK} {join} JOIN {others} USING (identity)", table_of(part))
        rows = connection.execute(f"SELECT count(*) FROM {table_of(part)}").fetchall()
        parts |= {part: rows[0][0]} if rows[0][0] else {}
    return Compared(before, parts)


def restored_impact(compared: Compared, *, modified: bool) -> Impact:
    """Return what the undoing does. `modified`: the runs changed variables, which nobody can put back."""
    why = "what their variables were is not kept"
    return Impact(
        adds=Figure("exact", compared.people(Signal.ADD)),
        removes=Figure("exact", compared.people(Signal.REMOVE)),
        modifies=Figure("exact", 0),
        members_before=Figure("exact", compared.members),
        desired=Figure("unknown", why="an inverse does not ask the definition"),
        left_out={},
        not_sent={"modify": why} if modified else {},
        claims=compared.parts.get(Part.CLAIM, 0),
        releases=compared.parts.get(Part.FORGET, 0),
    )


def _union(moved: Iterable[Mapping[Part, str]], parts: Sequence[Part]) -> str:
    none = (
        "SELECT CAST(NULL AS UUID) AS identity, CAST(NULL AS UUID) AS variables, false AS unsure WHERE false"
    )
    found = [
        f"SELECT * FROM {relation}" for each in moved for part, relation in each.items() if part in parts
    ]
    return " UNION ALL BY NAME ".join([none, *found])
