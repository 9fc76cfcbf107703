"""Rows of an audience with a watermark: which of a profile's rows counts, whose it is, and who does not belong.

Its table of desired members (`desired.py`) has more columns:

    watermark      any      what grows when a row changes
    gone           BOOLEAN  the row says that its profile does not belong
    profile        VARCHAR  keyed digest of the profile's key, where desired members are named
    shared         BOOLEAN  other profiles that were read have the same identity; one for each way

The latest row of a profile counts, also where everything is read, so that an audience may be a table of changes. Of two
with the same watermark the one that leaves counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from audiform.audiences.ways import Way, distinct
from audiform.sql import name

WATERMARK, GONE = "watermark", "gone"


def tracked_columns(ways: Sequence[Way], digest: Callable[[str], str] | None) -> list[str]:
    """Return the columns, computed from those of the audience's query; none where it has no watermark."""
    selection = ways[0].selection
    tracked = selection.tracked
    if tracked is None:
        return []
    columns = [f"{name(tracked.watermark)} AS {WATERMARK}", f"{tracked.gone} AS {GONE}"]
    if digest is not None:
        key = digest(f"'profile=' || CAST({name(selection.profile_key)} AS VARCHAR)")
        columns.append(f"replace(CAST({key} AS VARCHAR), '-', '') AS profile")
    return [*columns, *(f"false AS {way.column('shared')}" for way in distinct(ways))]


def tracked_names(ways: Sequence[Way], digest: Callable[[str], str] | None) -> list[str]:
    """Return the names of `tracked_columns`."""
    if ways[0].selection.tracked is None:
        return []
    own = [] if digest is None else ["profile"]
    return [WATERMARK, GONE, *own, *(way.column("shared") for way in distinct(ways))]


def outdated_sql(table: str) -> str:
    """Return the query of the rows of `table` whose profile has a later one, and of those who do not belong."""
    several = f"SELECT hash(key) FROM {table} WHERE key IS NOT NULL GROUP BY hash(key) HAVING count(*) > 1"
    order = f"{WATERMARK} DESC NULLS LAST, {GONE} DESC, consent ASC NULLS FIRST, rowid"
    ranked = (
        f"SELECT rowid AS row, row_number() OVER (PARTITION BY key ORDER BY {order}) AS place FROM {table} "
        f"WHERE key IS NOT NULL AND hash(key) IN ({several})"
    )
    return f"SELECT row FROM ({ranked}) WHERE place > 1 UNION ALL SELECT rowid FROM {table} WHERE {GONE}"


def present_sql(relation: str, key: str, watermark: str, gone: str) -> str:
    """Return the query of a relation's rows that count, as they are."""
    latest = f"row_number() OVER (PARTITION BY {name(key)} ORDER BY {name(watermark)} DESC NULLS LAST, {gone} DESC) = 1"
    return f"SELECT * FROM (SELECT * FROM {relation} QUALIFY {latest}) WHERE NOT {gone}"
