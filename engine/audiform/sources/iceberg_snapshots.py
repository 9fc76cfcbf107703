"""A snapshot of an Iceberg table as Arrow's data set: DuckDB asks it for columns and rows, as often as its query needs.

The library's own reader of batches holds all files at once; here one file is read after the other, and memory holds its columns.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from audiform.sources.pruning import Compared, compared_in

_SIGNS: Final = {
    "==": "EqualTo",
    ">=": "GreaterThanOrEqual",
    "<=": "LessThanOrEqual",
    ">": "GreaterThan",
    "<": "LessThan",
}
_LOCAL: Final = frozenset({"", "file"})


class Outside(Exception):  # noqa: N818 - it is what the message names
    """A file of a table is on this machine, and not in the project's folder; the message is its path."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What DuckDB takes for a scanner: a schema, and a reader of batches."""

    projected_schema: Any
    reader: Any

    def to_reader(self) -> Any:
        """Return the batches."""
        return self.reader


def inside(place: str, root: Path) -> Path:
    """Return the path of a file or folder of the project.

    Raises:
        Outside: it is elsewhere.
    """
    home, real = os.path.realpath(root), os.path.realpath(root / place)
    if not real.startswith(f"{home.rstrip(os.sep)}{os.sep}"):
        raise Outside(place)
    return Path(real)


def relation_of(table: Any, root: Path) -> Any:
    """Return the current snapshot of a table as something that DuckDB reads."""
    from pyarrow import dataset

    arrow: Any = dataset
    snapshot = table.current_snapshot()
    found = table.scan(snapshot_id=snapshot.snapshot_id if snapshot else None)
    whole = found.projection().as_arrow()

    class Snapshot(arrow.Dataset):  # type: ignore[misc]
        """DuckDB calls a data set's `scanner` with the columns and rows that it wants, and nothing else."""

        def __init__(self) -> None:
            """Be no data set of Arrow's own files."""

        @property
        def schema(self) -> Any:
            return whole

        def scanner(self, columns: Sequence[str] | None = None, filter: Any = None, **_: Any) -> _Asked:  # noqa: A002 - Arrow's word
            wanted = list(columns) if columns is not None else whole.names
            return _asked(table, found, wanted, filter, root)

    return Snapshot()


def _asked(table: Any, found: Any, wanted: list[str], rows: Any, root: Path) -> _Asked:
    import pyarrow as pa

    arrow: Any = pa
    whole = found.projection().as_arrow()
    schema = arrow.schema([whole.field(name) for name in wanted])
    condition = "" if rows is None else str(rows)
    # A condition may look at columns that are not wanted. A name that it only seems to hold is read for nothing.
    fields = tuple(name for name in whole.names if name in wanted or name in condition)
    batches = _batches(
        table,
        found.update(selected_fields=fields, row_filter=_pruned(table, [*compared_in(condition)])),
        root,
    )
    chosen = (_chosen(batch, whole, wanted, rows) for batch in batches)
    return _Asked(schema, arrow.RecordBatchReader.from_batches(schema, chosen))


def _chosen(batch: Any, whole: Any, wanted: list[str], rows: Any) -> Any:
    import pyarrow as pa

    arrow: Any = pa
    typed = batch.cast(arrow.schema([whole.field(name) for name in batch.schema.names]))
    return (typed if rows is None else typed.filter(rows)).select(wanted)


def _batches(table: Any, scan: Any, root: Path) -> Iterator[Any]:
    import pyiceberg.io.pyarrow

    library: Any = pyiceberg.io.pyarrow
    reading = library.ArrowScan(table.metadata, table.io, scan.projection(), scan.row_filter)
    for task in scan.plan_files():
        for file in (task.file, *task.delete_files):
            confined(file.file_path, root)
        yield from reading.to_record_batches([task])


def _pruned(table: Any, conditions: Sequence[Compared]) -> Any:
    """Return the conditions as the library's, to leave out files and row groups by their statistics."""
    import pyiceberg.expressions

    library: Any = pyiceberg.expressions
    found = library.AlwaysTrue()
    for item in conditions:
        one = getattr(library, _SIGNS[item.sign])(item.column, item.value)
        try:
            library.visitors.bind(table.schema(), one, case_sensitive=True)
        except (TypeError, ValueError):
            continue
        found = library.And(found, one)
    return found


def confined(place: str, root: Path) -> None:
    """Look whether a file on this machine is one of the project's; of those in object storage the credentials decide.

    Raises:
        Outside: it is not.
    """
    parts = urlsplit(place)
    if parts.scheme in _LOCAL:
        inside(unquote(parts.path), root)
