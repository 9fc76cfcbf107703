"""Compares desired members with the ledger on Spark, by the SQL of `audiences/difference.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from audiform.address import Address, Kind
from audiform.audiences.difference import (
    CHANGES,
    LEAVING,
    LETTERS,
    SCHEMA,
    Standing,
    changes_sql,
    departing_sql,
    held_sql,
    leaving_sql,
)
from audiform.audiences.selection import Selection
from audiform.config.project import Project
from audiform.delivery.barred import Barred
from audiform.delivery.compare import Compared, keys_of
from audiform.delivery.people import People
from audiform.outcome import Signal
from audiform.spark.carried import Column
from audiform.spark.failures import failures
from audiform.spark.members import members_of
from audiform.spark.people import VIEW, read_people
from audiform.spark.rowwise import Reveal
from audiform.spark.rowwise import keys_of as session_keys
from audiform.spark.translate import own
from audiform.state.ledger import Part
from audiform.state.segments.session import SegmentSession

_MEMBERS = f"{SCHEMA}.members"
_HELD = f"{SCHEMA}.held"
_PLACES = 33
"""Bits of a row's number that say its place in a partition of Spark."""


@dataclass(frozen=True, slots=True)
class Group:
    """Rows of several parts (`part`), each in order of `order`; `bucket` cuts that order into ranges.

    `counts`: part -> bucket -> rows. `columns`: those of desired members, of parts that come from them.
    """

    frame: Any
    order: str
    counts: Mapping[Part, Mapping[int, int]]
    columns: Sequence[Column] = ()

    @property
    def sizes(self) -> dict[Part, int]:
        """How many rows each part has."""
        return {part: sum(buckets.values()) for part, buckets in self.counts.items()}


@dataclass(slots=True)
class Comparison:
    """One binding's comparison, in a session of Spark of its own. `work`: a folder that the executors see."""

    spark: Any
    session: SegmentSession
    project: Project
    selection: Selection
    barred: Barred
    work: Path
    groups: list[Group] = field(default_factory=list[Group], init=False)

    def compare(self, audience: str, key: str | None) -> tuple[People, Compared]:
        """Read the audience, and find out what separates it from the members of the destination `key`.

        Raises:
            DiagnosticError: source, query or columns are not as the audience says, or are not for Spark.
        """
        session, letters = self.session, self.barred.letters
        desired = read_people(self.spark, session, self.project, audience, self.selection, self.barred)
        with failures(Address(Kind.AUDIENCE, audience)):
            if not letters and (key is None or not session.count(key)):
                self._everybody(desired.columns)
                return desired.people, self._compared(0, 0)
            members = session.count(key or "", self.selection.binding)
            standing = self._standing(key or "")
            before = self._arriving(standing, desired.columns)
            if Signal.REMOVE in self.selection.signals and members:
                before += self._departing(standing)
        return desired.people, self._compared(members, before)

    def _compared(self, members: int, before: int) -> Compared:
        sizes = {part: size for group in self.groups for part, size in group.sizes.items()}
        return Compared(members, {part: sizes[part] for part in Part if part in sizes}, before)

    def _everybody(self, columns: Sequence[Column]) -> None:
        """Add every desired member as it is: nothing has to be compared where nobody is."""
        from pyspark.sql import functions

        if Signal.ADD in self.selection.signals:
            wanted = self.spark.table(VIEW).where("reason IS NULL")
            wanted = wanted.withColumn("part", functions.lit(Part.ADD.value))
            self._keep(
                wanted.withColumn("bucket", functions.expr(f"shiftright(row, {_PLACES})")), "row", columns
            )

    def _standing(self, key: str) -> Standing:
        members = members_of(self.spark, self.session, key, self.work)
        members.createOrReplaceTempView(own_name(_MEMBERS))
        letters = {
            "signal": [signal for signal, _ in self.barred.letters],
            "content": [content for _, content in self.barred.letters],
        }
        handed(self.spark, self.work / "letters.parquet", letters, "string").createOrReplaceTempView(
            own_name(LETTERS)
        )
        return Standing(
            self.selection.binding, _MEMBERS, self.session.columns(key), bool(self.barred.letters)
        )

    def _arriving(self, standing: Standing, columns: Sequence[Column]) -> int:
        """Find who is added, changed or claimed; return how many are not sent because they were rejected before."""
        from pyspark.sql import functions

        changes = self._checkpoint(changes_sql(self.selection, standing, _content), CHANGES)
        before = int(changes.where("rejected").count()) if standing.letters else 0
        chosen = changes.where("NOT rejected").select("row", "part")
        arriving = self.spark.table(VIEW).join(chosen, "row")
        self._keep(
            arriving.withColumn("bucket", functions.expr(f"shiftright(row, {_PLACES})")), "row", columns
        )
        return before

    def _departing(self, standing: Standing) -> int:
        """Find who is removed; return how many are not sent because they were rejected before."""
        from pyspark.sql import functions

        keys = keys_of(self.selection.manifest)
        leaving = self.spark.sql(own(leaving_sql(standing)))
        kept = [form.key(identifier) for form, identifier in standing.columns]
        reveal = Reveal(kept, session_keys(self.session), standing.letters)
        leaving.mapInArrow(reveal, reveal.schema(leaving)).localCheckpoint(
            eager=False
        ).createOrReplaceTempView(own_name(LEAVING))
        held = self._checkpoint(held_sql(self.selection, standing, keys), _HELD)
        found: Any = None
        for part in (Part.REMOVE, Part.TRIM, Part.FORGET):
            rows = self.spark.sql(own(departing_sql(part, _HELD, standing, _content, keys)))
            rows = rows.withColumn("part", functions.lit(part.value))
            found = rows if found is None else found.unionByName(rows)
        bucket = functions.expr("CAST(conv(substring(identity, 1, 2), 16, 10) AS BIGINT)")
        kept_rows = self._keep(found.withColumn("bucket", bucket), "identity", ())
        return int(held.count()) - kept_rows if standing.letters else 0

    def _keep(self, frame: Any, order: str, columns: Sequence[Column]) -> int:
        """Take up a relation of rows with their `part` and `bucket`; return how many they are."""
        frame = frame.localCheckpoint(eager=False)
        counts: dict[Part, dict[int, int]] = {}
        for row in frame.groupBy("part", "bucket").count().collect():
            counts.setdefault(Part(row["part"]), {})[row["bucket"]] = row["count"]
        group = Group(frame, order, counts, columns)
        if counts:
            self.groups.append(group)
        return sum(group.sizes.values())

    def _checkpoint(self, query: str, table: str) -> Any:
        frame = self.spark.sql(own(query)).localCheckpoint(eager=False)
        frame.createOrReplaceTempView(own_name(table))
        return frame


def own_name(table: str) -> str:
    """Return the name of one of the engine's own tables in Spark."""
    return table.replace(".", "_")


def handed(
    spark: Any, file: Path, columns: Mapping[str, Sequence[Any]], kind: Literal["string", "int64"]
) -> Any:
    """Return columns of this process as rows of Spark, over a file: PySpark's own way leaves a socket open each time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrow: Any = pa
    parquet: Any = pq
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    arrays = {name: arrow.array(values, arrow.type_for_alias(kind)) for name, values in columns.items()}
    parquet.write_table(arrow.table(arrays), file)
    return spark.read.parquet(str(file))


def _content(_: str) -> str:
    """Name the column of what rejected records are known by: executors have made it, and the key is in no text of SQL."""
    return "content"
