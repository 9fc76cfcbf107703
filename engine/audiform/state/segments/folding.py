"""From a run's staged files and its journal to segments: what was taken, what is unsure, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiform.sql import literal
from audiform.state.ledger import Part, Settled
from audiform.state.naming import is_kept
from audiform.state.segments.segment import Op, Segment
from audiform.state.store import Run

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Range = tuple[int, int]

_TAKEN: Mapping[Part, Op] = {
    Part.CLAIM: "put",
    Part.KEEP: "put",
    Part.ADD: "put",
    Part.MODIFY: "put",
    Part.REMOVE: "delete",
    Part.TRIM: "delete",
    Part.FORGET: "delete",
}
_UNSURE: Mapping[Part, Op] = {Part.ADD: "unsure", Part.MODIFY: "again", Part.REMOVE: "unsure"}
_AFTER_ADDS = (Part.TRIM, Part.FORGET)
"""A member leaves the ledger for these because others hold its keys: only once all of those are members."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a part by their place: all of the `ranges`, which are few, but `without` these, which may be many."""

    ranges: Sequence[Range]
    without: Sequence[int] = ()

    def is_all(self, total: int) -> bool:
        """Whether they are all of so many rows."""
        return not self.without and [*self.ranges] == [(0, total)]


def staged_name(run: Run, part: Part) -> str:
    """Return the name of the file with a part's rows; a run's files begin with its id."""
    return f"{run.id}.{part.value}.parquet"


def row_count(connection: DuckDBPyConnection, file: Path) -> int:
    """Return the number of rows of a Parquet file, from its footer."""
    rows: list[Any] = connection.execute(
        f"SELECT num_rows FROM parquet_file_metadata({literal(str(file))})"
    ).fetchall()
    return int(rows[0][0])


def segments_of(
    connection: DuckDBPyConnection, folder: Path, run: Run, settled: Sequence[Settled], *, write: bool
) -> list[Segment]:
    """Return the segments that a run adds, in order.

    A part whose rows were all taken is its own segment; of the others the rows that count are copied, to files that are
    yet to be kept.
    """
    found: list[Segment] = []
    for part in Part:
        file = folder / staged_name(run, part)
        if not file.exists() or not (total := row_count(connection, file)):
            continue
        mine = [item for item in settled if item.batch.part is part]
        if part in _AFTER_ADDS and not _all_added(connection, folder, run, settled):
            continue
        taken = Rows([(0, total)]) if part.signal is None else _taken(mine)
        unsure = Rows(_joined(r for item in mine for r in item.unsure))
        choices: list[tuple[Op | None, Rows]] = [(_TAKEN[part], taken), (_UNSURE.get(part), unsure)]
        for op, rows in choices:
            if op is not None and rows.ranges:
                segment = _segment(connection, file, run, op, rows, write=write)
                found += [segment] if segment.rows else []
    return found


@contextmanager
def rows_of(
    connection: DuckDBPyConnection,
    cursor: Callable[[], DuckDBPyConnection],
    query: str,
    change: Callable[[Any], Any],
    columns: Mapping[str, str],
) -> Generator[str]:
    """Yield a relation of the query's rows in their order, `columns` of them changed on the way.

    `cursor` makes a second connection, because the first one reads what this one yields.
    """
    if not columns:
        yield f"({query})"
        return
    source = cursor()
    try:
        connection.register("changed_rows", change(source.sql(query).to_arrow_reader(10_000)))
        # Arrow has no UUID here: they come as text.
        yield "(SELECT * REPLACE (CAST(identity AS UUID) AS identity, CAST(variables AS UUID) AS variables) FROM changed_rows)"
    finally:
        connection.unregister("changed_rows")
        source.close()


def _joined(ranges: Iterable[Range]) -> list[Range]:
    """Return the same rows in as few ranges as possible, in order."""
    found: list[Range] = []
    for first, last in sorted(ranges):
        if first >= last:
            continue
        if found and found[-1][1] >= first:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return found


def _all_added(connection: DuckDBPyConnection, folder: Path, run: Run, settled: Sequence[Settled]) -> bool:
    file = folder / staged_name(run, Part.ADD)
    total = row_count(connection, file) if file.exists() else 0
    return not total or _taken([item for item in settled if item.batch.part is Part.ADD]).is_all(total)


def _taken(settled: Sequence[Settled]) -> Rows:
    """Return the rows that the platform took."""
    found: list[Range] = []
    for item in settled:
        left = item.batch.first
        for first, last in _joined((*item.failed, *item.unsure)):
            found.append((left, first))
            left = last
        found.append((left, item.batch.last))
    return Rows(_joined(found), [row for item in settled for row in item.rejected])


def _segment(
    connection: DuckDBPyConnection, file: Path, run: Run, op: Op, rows: Rows, *, write: bool
) -> Segment:
    total = row_count(connection, file)
    names = connection.execute(f"DESCRIBE FROM read_parquet({literal(str(file))})").fetchall()
    columns = tuple(row[0] for row in names if is_kept(row[0]))
    if rows.is_all(total):
        return Segment(file.name, run.binding, op, total, columns)
    kept = file.with_suffix(f".{op}.parquet")
    table = f'audiform."{kept.name}"'
    with _chosen(connection, file, rows) as query:
        if not write:
            connection.execute(f"CREATE OR REPLACE TABLE {table} AS {query}")
            (count,) = connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0]
            return Segment(kept.name, run.binding, op, count, columns, table)
        connection.execute(
            f"COPY ({query}) TO {literal(str(kept))} (FORMAT parquet, COMPRESSION uncompressed)"
        )
    return Segment(kept.name, run.binding, op, row_count(connection, kept), columns)


@contextmanager
def _chosen(connection: DuckDBPyConnection, file: Path, rows: Rows) -> Generator[str]:
    """Yield the query of some rows of a file. Single rows are looked up in a column, however many they are."""
    import pyarrow as pa

    arrow: Any = pa
    without = arrow.table({"row": arrow.array(rows.without, arrow.int64())})
    values = ", ".join(f"({first}, {last})" for first, last in rows.ranges)
    connection.register("rows_left_out", without)
    try:
        yield (
            f"SELECT * EXCLUDE (file_row_number) FROM read_parquet({literal(str(file))}, file_row_number = true) "
            f"SEMI JOIN (VALUES {values}) AS ranges (first, last) ON file_row_number >= first AND file_row_number < last "
            "ANTI JOIN rows_left_out ON file_row_number = rows_left_out.row"
        )
    finally:
        connection.unregister("rows_left_out")
