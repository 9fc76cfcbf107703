"""Few files out of many, in levels: the newest ones of a binding become one, and a large old one stays as it is.

A sync that changes a hundredth of the members adds files of that size. When they are too many, those at the end of the list that are
of about one size are written as one level: a file of whom they add and one of whom they remove. So each row is written anew
a few times in its life, whatever the number of members; all of them are written only when what came later is more than a
quarter of what was there. DuckDB divides what it joins by hash and keeps on disk what has no room.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from audiform.sql import literal
from audiform.state.segments.folding import row_count
from audiform.state.segments.segment import PARQUET, Op, Segment, binding_sql, live, passed, removed_sql
from audiform.state.segments.shelf import Shelf
from audiform.state.store import Run

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MOST_SEGMENTS = 16
"""Of one binding; with more, reading them costs more than writing some of them anew."""

GROWTH = 4
"""How many times larger than all that came later a file is that stays as it is."""

_FEWEST = 4
"""A level is up to two files: to write fewer than this anew would not make them fewer."""


def newest_to_merge(segments: Sequence[Segment]) -> Sequence[Segment]:
    """Return those at the end of one binding's list, oldest first, that are better written as one level; none where none are."""
    later = sum(segment.rows for segment in segments[1:])
    if later > segments[0].rows:
        return segments
    if len(segments) <= MOST_SEGMENTS:
        return ()
    first, rows = len(segments), 0
    while first and (len(segments) - first < _FEWEST or segments[first - 1].rows < GROWTH * rows):
        first -= 1
        rows += segments[first].rows
    return segments[first:]


@dataclass(frozen=True, slots=True)
class Compactor:
    """Writes levels of one destination; they are yet to be kept."""

    connection: DuckDBPyConnection
    shelf: Shelf
    run: Run

    def compacted(self, segments: Sequence[Segment], now: float) -> tuple[Segment, ...]:
        """Return the list with the run's binding in fewer files, where it has too many."""
        own = [segment for segment in live(segments) if segment.binding == self.run.binding]
        merged = newest_to_merge(own)
        if not merged:
            return tuple(segments)
        key = self.run.destination_key
        folder = self.shelf.prepare(key)
        mine = f"{self.run.id}."
        self.shelf.fetch(key, (item.file for item in merged if not item.file.startswith(mine)))
        level = [self._written(folder, merged, "put", binding_sql(folder, merged))]
        if len(merged) < len(own):
            # Whom the level removes may be in the older files.
            level.insert(0, self._written(folder, merged, "delete", removed_sql(folder, merged)))
        rest = (segment for segment in segments if segment not in merged)
        return (*rest, *passed(merged, now), *(item for item in level if item.rows))

    def _written(self, folder: Path, merged: Sequence[Segment], op: Op, query: str) -> Segment:
        file = folder / f"{self.run.id}.members{'' if op == 'put' else f'.{op}'}.parquet"
        self.connection.execute(f"COPY ({query}) TO {literal(str(file))} {PARQUET}")
        columns = tuple(dict.fromkeys(column for segment in merged for column in segment.columns))
        return Segment(file.name, self.run.binding, op, row_count(self.connection, file), columns)
