"""What separates the rows that changed from the ledger, as SQL, where the others were not read.

A member belongs to the profile that the ledger has with it, or to nobody in particular where several share it. So:

- A profile that was read and is not wanted as the member that it was leaves, unless another that was read is the same member.
- A wanted profile is added, or its member modified, as if everything had been read, when nobody who was not read can be that
  member as well: when it is new, its own, or that of another profile that was read.
- Otherwise it is shared (`FOREIGN`): it stays as it is, and belongs to nobody in particular from then on.

`mine` is the relation of `mine_sql`. Removals carry only keys that no other member of the destination has, of this binding as well:
those who were not read stay.
"""

from __future__ import annotations

from audiform.audiences.difference import CHANGES, DESIRED, SCHEMA, WANTED, Standing
from audiform.sql import literal
from audiform.state.ledger import PROFILE, Form, Part, as_sent

SEEN = f"{SCHEMA}.seen"
"""`profile`: of every row that was read, whether it belongs or not."""
FOREIGN = f"{SCHEMA}.foreign_members"
"""`identity`: of wanted members that somebody may share who was not read."""
READ_AS = f"{SCHEMA}.read_as"
"""Desired members as they were read; `DESIRED` knows whom of them others may share."""
GOING = f"{SCHEMA}.going"
"""`identity`: of members who leave."""

OWNER = Form.HEX.column(PROFILE)
"""The column of the profile that a member belongs to, as the ledger has it."""
_OWNED = f"unhex({as_sent(PROFILE)})"


def mine_sql(standing: Standing, *, owned: bool) -> str:
    """Return the relation of this binding's members with `OWNER`, whether the ledger has it of anybody or not."""
    return standing.mine if owned else f"(SELECT *, CAST(NULL AS BLOB) AS {OWNER} FROM {standing.mine})"


def foreign_sql(mine: str) -> str:
    """Return the query of `FOREIGN`."""
    return (
        f"SELECT DISTINCT m.identity FROM {mine} m SEMI JOIN {WANTED} d ON d.identity = m.identity "
        f"WHERE m.{OWNER} IS NULL OR m.{OWNER} NOT IN (SELECT profile FROM {SEEN})"
    )


def known_sql() -> str:
    """Return the query of desired members without the owner of those that others may share."""
    owner = f"CASE WHEN identity NOT IN (SELECT identity FROM {FOREIGN}) THEN {as_sent(PROFILE)} END"
    return f"SELECT * REPLACE ({owner} AS {as_sent(PROFILE)}) FROM {READ_AS}"


def undecided_sql() -> str:
    """Return the condition of changes that only somebody who reads everybody can decide."""
    foreign = f"SELECT row FROM {DESIRED} WHERE identity IN (SELECT identity FROM {FOREIGN})"
    return f"part = {literal(Part.MODIFY.value)} AND row IN ({foreign})"


def going_sql(mine: str) -> str:
    """Return the query of `GOING`: whose profile was read, and is not wanted as this member any more."""
    return (
        f"SELECT identity FROM {mine} m SEMI JOIN {SEEN} s ON s.profile = m.{OWNER} "
        f"ANTI JOIN {WANTED} USING (identity)"
    )


def keeping_sql(mine: str) -> str:
    """Return the query of members that stay as they are and belong to another profile, or to nobody in particular."""
    return (
        f"SELECT m.* EXCLUDE (binding) REPLACE (d.owner AS {OWNER}) FROM {mine} m "
        f"JOIN (SELECT identity, row, {_OWNED} AS owner FROM {WANTED}) d ON d.identity = m.identity "
        f"WHERE NOT m.unsure AND m.{OWNER} IS DISTINCT FROM d.owner "
        f"AND d.row NOT IN (SELECT row FROM {CHANGES} WHERE NOT rejected)"
    )


def shared_sql(mine: str) -> str:
    """Return the query of members that several profiles may share, after what was read."""
    return (
        f"SELECT identity FROM {mine} WHERE {OWNER} IS NULL OR identity IN (SELECT identity FROM {FOREIGN})"
    )
