"""An audience's profiles on Spark: desired members in the order of the embedded engine, with who is left out and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from audiform.address import Address, Kind
from audiform.audiences.desired import desired_sql, duplicates_sql
from audiform.audiences.difference import DESIRED, PEOPLE
from audiform.audiences.selection import Selection, watching
from audiform.audiences.ways import Way, ways_of
from audiform.config.project import Project
from audiform.delivery.barred import Barred
from audiform.delivery.people import People
from audiform.sources.databases import Asked
from audiform.sources.query import check_columns, columns_of
from audiform.sources.reading import open_profiles
from audiform.spark.carried import Column, carried
from audiform.spark.failures import failures
from audiform.spark.reading import check_source, show_tables
from audiform.spark.rowwise import WAITED, Judge, keys_of
from audiform.spark.translate import own, translate
from audiform.sql import name
from audiform.state.segments.session import SegmentSession

VIEW = DESIRED.replace(".", "_")
_EVERYBODY = PEOPLE.replace(".", "_")
_WAITED_FROM = 1 << 62
"""Rows that waited for Python come after all others; below it Spark's ids have 31 bits of partition and 33 of place."""


@dataclass(frozen=True, slots=True)
class Desired:
    """Desired members: the view `VIEW` of a session of Spark, whose rows have their place in `row`. `columns`: what they have."""

    people: People
    columns: Sequence[Column]


def read_people(
    spark: Any,
    session: SegmentSession,
    project: Project,
    audience_name: str,
    selection: Selection,
    barred: Barred,
) -> Desired:
    """Make the view of desired members; the audience's query runs once.

    Raises:
        DiagnosticError: source, query or columns are not as the audience says, or are not for Spark.
    """
    audience, address = project.audiences[audience_name], Address(Kind.AUDIENCE, audience_name)
    selection = watching(selection, audience, {item.identifier for item in barred.tombstones})
    (way,) = ways_of([selection])
    source = project.sources[audience.source]
    check_source(audience.source, source)
    # What DuckDB makes of files and query says what is wrong with them, and which types there are. It reads nobody.
    asked = Asked(audience_name, f"binding.{selection.binding}")
    with open_profiles(session.connection, project, asked, session.folders) as profiles:
        check_columns(profiles.columns, selection.columns, address)
        needed = dict.fromkeys(column for _, column in selection.columns)
        given = [carried(column, profiles.columns[column], address) for column in needed]
        made = _made(session, way, given, address)
        show_tables(spark, session.connection, audience.source, source, project.root)
        rows = _profiles(spark, audience.sql, given, selection.profile_key, address)
    judge = Judge(way, given, made, keys_of(session), barred.tombstones, bool(barred.letters))
    with failures(address):
        frame = _numbered(rows.mapInArrow(judge, judge.schema))
        for view in (_EVERYBODY, VIEW):
            frame.createOrReplaceTempView(view)
        shared = _without_duplicates(spark, way, frame)
        reasons = {
            row["reason"]: row["count"] for row in spark.table(VIEW).groupBy("reason").count().collect()
        }
    left_out = {reason: count for reason, count in sorted(reasons.items(), key=str) if reason is not None}
    people = People(
        sum(reasons.values()) + shared,
        left_out | ({"duplicate_identity": shared} if shared else {}),
        profiles.written,
    )
    return Desired(people, made)


def _made(session: SegmentSession, way: Way, given: Sequence[Column], address: Address) -> list[Column]:
    """Return the columns of desired members: what DuckDB says of the same query over nobody."""
    nobody = ", ".join(f"CAST(NULL AS {column.kind}) AS {name(column.name)}" for column in given)
    query = desired_sql([way], f"(SELECT {nobody} WHERE false)", session.digest)
    found = columns_of(session.connection, f"({query})")
    handed = ["key", "reason", "identity", "variables"]
    handed += [f"id:{identifier}" for identifier in way.selection.identifiers]
    handed += [f"var:{variable}" for variable in way.selection.variables]
    return [carried(column, found[column], address) for column in handed]


def _profiles(spark: Any, query: str, given: Sequence[Column], key: str, address: Address) -> Any:
    """Return the rows of an audience's query: in the order that it says, or in that of their keys."""
    from pyspark.sql import functions

    translated = translate(query, address)
    with failures(address):
        rows = spark.sql(translated.sql)
        rows = rows.select(*(functions.col(f"`{column.name}`").alias(column.name) for column in given))
        return rows if translated.ordered else rows.orderBy(f"`{key}`")


def _numbered(frame: Any) -> Any:
    """Return the rows with their place, kept as they are now: what was read once is not read again for whoever is sent."""
    from pyspark.sql import functions

    place = functions.monotonically_increasing_id()
    row = functions.when(functions.col(WAITED), place + functions.lit(_WAITED_FROM)).otherwise(place)
    return frame.withColumn("row", row).drop(WAITED).localCheckpoint(eager=False)


def _without_duplicates(spark: Any, way: Way, frame: Any) -> int:
    """Leave one profile of each identity; return how many were one too many."""
    gone = spark.sql(own(duplicates_sql(way, PEOPLE))).localCheckpoint(eager=False)
    count = int(gone.count())
    if count:
        frame.join(gone, "row", "left_anti").createOrReplaceTempView(VIEW)
    return count
