"""Leaves the latest row of each profile that was read, of those that belong, and looks how far they go."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from audiform.audiences.changes import SEEN
from audiform.audiences.difference import PEOPLE
from audiform.audiences.latest import WATERMARK, outdated_sql
from audiform.audiences.watermarks import Kind, Tracked, highest_sql
from audiform.diagnostics import Diagnostic, DiagnosticError
from audiform.sources.reading import Profiles
from audiform.sources.slices import Slice, check_overlap, kind_in

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True, slots=True)
class Seen:
    """The highest watermark of what was read, for `watermarks.value_of`; None where no row has one."""

    kind: Kind
    highest: Any = field(repr=False)


def keep_latest(
    connection: DuckDBPyConnection, tracked: Tracked | None, profiles: Profiles, since: Slice | None
) -> Seen | None:
    """Drop the rows that do not count, and keep whose rows were read where only changes were (`SEEN`).

    Raises:
        DiagnosticError: the watermark is of a type that does not sort, or of another one than before (`watermark-type`);
            its overlap is not in its unit (`watermark-overlap`).
    """
    if tracked is None:
        return None
    kind = kind_in(profiles.columns, tracked.watermark, profiles.address)
    check_overlap(profiles.address, tracked, kind)
    if since is not None:
        if kind != since.kind:
            raise DiagnosticError([_other(profiles, tracked, since, kind)])
        connection.execute(
            f"CREATE TABLE {SEEN} AS SELECT DISTINCT unhex(profile) AS profile FROM {PEOPLE} WHERE profile IS NOT NULL"
        )
    rows: list[Any] = connection.execute(f"SELECT {highest_sql(WATERMARK, kind)} FROM {PEOPLE}").fetchall()
    connection.execute(f"DELETE FROM {PEOPLE} WHERE rowid IN ({outdated_sql(PEOPLE)})")
    return Seen(kind, rows[0][0])


def _other(profiles: Profiles, tracked: Tracked, since: Slice, kind: Kind) -> Diagnostic:
    text = (
        f"The watermark of `{profiles.address}` is `{tracked.watermark}`, which is a {kind} now and was a {since.kind} when it was read "
        "last: whether what changed was found is not known. Nothing was sent. Read everything once:\n\n    audiform sync --full\n"
    )
    return Diagnostic("watermark-type", text, address=profiles.address, path=("watermark",))
