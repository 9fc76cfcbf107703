"""The ledger's members of one destination, read by the executors: what `segments/segment.py` says in SQL, over their files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

from audiform.spark.rowwise import guarded
from audiform.sql import literal, name
from audiform.state.segments.segment import Segment, rows_sql
from audiform.state.segments.session import SegmentSession

_ROWS = 1_000_000
"""Members that one task reads."""


@dataclass(frozen=True, slots=True)
class ReadSegment:
    """Ranges of rows of a segment's file -> its members. `columns`: what is kept in any of the segments."""

    segment: Segment
    file: str
    columns: Sequence[str]

    def __call__(self, batches: Iterator[Any]) -> Iterator[Any]:
        """Read one range after the other."""
        import duckdb

        connection = duckdb.connect(config={"threads": 1})
        for batch in batches:
            for first in batch.column(0).to_pylist():
                with guarded():
                    rows: Any = connection.sql(self._query(first)).to_arrow_reader(20_000)
                while True:
                    with guarded():
                        found = next(rows, None)
                    if found is None:
                        break
                    yield found

    def _query(self, first: int) -> str:
        source = (
            f"(SELECT * FROM read_parquet({literal(self.file)}, file_row_number = true) "
            f"WHERE file_row_number >= {first} AND file_row_number < {first + _ROWS})"
        )
        kept = [
            name(column) if column in self.segment.columns else f"CAST(NULL AS BLOB) AS {name(column)}"
            for column in self.columns
        ]
        columns = [
            "CAST(identity AS VARCHAR) AS identity",
            "CAST(variables AS VARCHAR) AS variables",
            "unsure",
            *kept,
        ]
        return f"SELECT {', '.join(columns)} FROM ({rows_sql(self.segment, source)})"


def members_of(spark: Any, session: SegmentSession, destination_key: str, work: Path) -> Any:
    """Return the members of a destination: `binding`, `identity`, `variables`, `unsure` and kept columns.

    `work`: a folder that the executors see, for what a reader of a killed run has in its memory only.
    """
    folder, segments = session.segments(destination_key)
    columns = list(dict.fromkeys(column for segment in segments for column in segment.columns))
    schema = ", ".join(
        [
            "identity string",
            "variables string",
            "unsure boolean",
            *(f"`{column}` binary" for column in columns),
        ]
    )
    bindings = dict.fromkeys(segment.binding for segment in segments)
    found = [
        _of_binding(
            binding,
            [
                (item, _read(spark, item, _file(session, folder, item, work), columns, schema))
                for item in segments
                if item.binding == binding
            ],
        )
        for binding in bindings
    ]
    if found:
        return reduce(_union, found)
    nobody = spark.sql("SELECT '' AS binding, '' AS identity, '' AS variables, false AS unsure")
    return nobody.limit(0)


def _of_binding(binding: str, segments: Sequence[tuple[Segment, Any]]) -> Any:
    """Return one binding's members: each segment says more than those before it."""
    from pyspark.sql import functions

    parts: list[Any] = []
    for place, (segment, rows) in enumerate(segments):
        later = [other.select("identity") for _, other in segments[place + 1 :]]
        if segment.op == "delete":
            continue
        parts.append(rows.join(reduce(_union, later), "identity", "left_anti") if later else rows)
    members = reduce(_union, parts) if parts else segments[0][1].limit(0)
    return members.withColumn("binding", functions.lit(binding))


def _union(left: Any, right: Any) -> Any:
    return left.unionByName(right)


def _read(spark: Any, segment: Segment, file: str, columns: Sequence[str], schema: str) -> Any:
    firsts = spark.range(0, max(segment.rows, 1), _ROWS, max(1, -(-segment.rows // _ROWS)))
    return firsts.mapInArrow(ReadSegment(segment, file, columns), schema)


def _file(session: SegmentSession, folder: Path, segment: Segment, work: Path) -> str:
    if segment.table is None:
        return str(folder / segment.file)
    work.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = work / segment.file
    session.connection.execute(
        f"COPY (SELECT * FROM {segment.table}) TO {literal(str(file))} (FORMAT parquet)"
    )
    return str(file)
